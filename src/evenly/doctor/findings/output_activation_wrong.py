"""An end of the network that does not fit its loss or its targets."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import LayerInfo
from ...records.network import ACTIVATIONS, RECTIFIERS, WEIGHTED
from .. import cures
from ..finding import Cure, Evidence
from ..measures import ERRORS, FROM_PROBABILITIES, FROM_SCORES, SOFTMAXES, Case
from .base import Rule, Sign

# Limits of what an activation can give.
RANGES = {
    "sigmoid": (0.0, 1.0), "hard_sigmoid": (0.0, 1.0), "softmax": (0.0, 1.0), "tanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0), "relu": (0.0, float("inf")), "softplus": (0.0, float("inf")),
}
NOTHING_LOST = 0.02  # of the targets' range beyond the reach: rounding, noise


def look(case: Case) -> Iterator[Sign]:
    for layer in case.output_layers:
        told = _against_loss(case, layer) or _against_targets(case, layer)
        if told:
            text, cure, confidence = told
            evidence = Evidence(text, 1.0, None, "network")
            yield Sign((evidence,), cure, confidence, layer.name, case.span, True)
            return


def _drop(layer: LayerInfo, why: str) -> tuple[Cure, ...]:
    return (cures.without([layer.name], why),)


def _against_loss(case: Case, layer: LayerInfo) -> tuple[str, tuple[Cure, ...], float] | None:
    loss, kind = case.loss_kind, layer.kind
    units = layer.shape[-1] if layer.shape else 0
    if loss in FROM_SCORES and kind in ("softmax", "sigmoid", "hard_sigmoid"):
        own = "softmax" if loss in SOFTMAXES else "logistic function"
        return (f"The network ends with {kind} '{layer.name}', and the loss takes scores and has "
                f"a {own} of its own.", _drop(layer, "the loss wants scores"), 0.98)
    if loss in FROM_SCORES and kind in ACTIVATIONS and kind in ("relu", "tanh", "softsign",
                                                                "softplus"):
        return (f"The network ends with {kind} '{layer.name}', so scores cannot leave its range, "
                "and the loss takes scores of any size.", _drop(layer, "the loss wants scores"),
                0.95)
    if loss in (*SOFTMAXES, "cross_entropy_of_probabilities", "nll") and units == 1:
        outputs = case.record.data.targets.outputs if case.record.data is not None else 2
        return (f"The softmax is over the one output of '{layer.name}': it is 1 whatever the "
                "input.", (cures.use_loss(cures.CROSS_ENTROPY, max(2, outputs),
                                          [layer.name] if kind in ACTIVATIONS else []),), 0.98)
    if kind == "softmax" and units == 1:
        return (f"The softmax '{layer.name}' is over one number: it is 1 whatever the input.",
                _drop(layer, "its output cannot change"), 0.99)
    if loss == "nll" and kind in WEIGHTED:
        return (f"The loss takes log-probabilities, and '{layer.name}' gives numbers of any size.",
                (cures.advice("Put log-softmax at the end, or use the loss that takes scores."),),
                0.97)
    if loss in FROM_PROBABILITIES and kind not in ACTIVATIONS and case.layers:
        if kind in ("other", "add", "concat"):
            return None
        wanted = "softmax" if loss == "cross_entropy_of_probabilities" else "a sigmoid"
        return (f"The loss takes probabilities, and '{layer.name}' gives numbers of any size: "
                f"{wanted} is missing.",
                (cures.advice(f"Put {wanted} at the end, or use the loss that takes scores."),),
                0.95)
    if loss in FROM_PROBABILITIES and kind in (*RECTIFIERS, "tanh", "softsign"):
        return (f"The loss takes probabilities, and {kind} '{layer.name}' does not give any.",
                (cures.advice("End with softmax (classes) or sigmoid (yes or no), or use the loss "
                              "that takes scores."),), 0.97)
    if loss == "cross_entropy_of_probabilities" and kind in ("sigmoid", "hard_sigmoid"):
        return (f"The loss takes probabilities that sum to 1, and each output of {kind} "
                f"'{layer.name}' is one by itself.",
                (cures.advice("End with softmax, or use the loss that takes scores."),), 0.93)
    return None


def _against_targets(case: Case, layer: LayerInfo) -> tuple[str, tuple[Cure, ...], float] | None:
    data = case.record.data
    if case.loss_kind not in ERRORS or layer.kind not in RANGES or data is None:
        return None
    targets = data.targets
    if targets.kind != "numbers":
        return None
    low, high = RANGES[layer.kind]
    reach = targets.largest - targets.smallest
    if reach <= 0:
        return None
    beyond = max(low - targets.smallest, targets.largest - high, 0.0) / reach
    if beyond <= NOTHING_LOST:
        return None
    return (f"The network ends with {layer.kind} '{layer.name}', which gives {low:g} to {high:g}, "
            f"and the targets run from {targets.smallest:.4g} to {targets.largest:.4g}.",
            _drop(layer, "the targets lie beyond its range"), 0.97)


RULE = Rule(
    "output_activation_wrong",
    "What the network ends with does not fit its loss or its targets: it squashes scores that the "
    "loss squashes again, or cannot reach the targets. Gradients fade where answers are wrong, or "
    "an error stays that no training can take away.",
    "Goodfellow, Bengio and Courville 2016, Deep learning, section 6.2.2; Bishop 2006, Pattern "
    "recognition and machine learning, section 5.2",
    look,
)
