"""Linear layers with nothing in between."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import LayerInfo
from ...records.network import ACTIVATIONS, DROPOUTS, RECURRENT
from .. import cures
from ..finding import Evidence
from ..measures import Case
from .base import Rule, Sign, harm

LINEAR = ("dense", "conv")
# Nothing that these do makes a network bend, in inference. (Max pooling does, and so does what
# normalizes each example by itself.)
STRAIGHT = ("flatten", *DROPOUTS, "batch_norm")


def look(case: Case) -> Iterator[Sign]:
    pairs = _pairs(case)
    if not pairs:
        return
    bends = any(layer.kind in (*ACTIVATIONS, *RECURRENT, "pool", "other") and
                layer not in case.output_layers for layer in case.layers)
    names = [first.name for first, _ in pairs]
    evidence = Evidence(
        f"Nothing bends between {', '.join(f'{a.name} and {b.name}' for a, b in pairs[:4])}"
        + (", nor anywhere else: the network is a linear model." if not bends else "."),
        float(len(pairs)), 0.0, "network")
    data = case.record.data
    if data is not None and data.linear_score is not None and data.neighbour_score is not None:
        room = data.neighbour_score - data.linear_score
        if not bends and room > 0.02 + case.noise / 2 and not case.ended:
            yield Sign((evidence, _room(room)), (cures.activate(names),), 0.93, names[0], case.span)
            return
    else:
        room = None
    if case.trained and not _limited(case) and (bends or not _below_linear(case)):
        return
    if not case.trained and (bends or room is not None):
        return
    yield Sign((evidence, *harm(case)), (cures.activate(names),), 0.9, names[0], case.span)


def _limited(case: Case) -> bool:
    """Whether the result leaves something to be had."""
    data = case.record.data
    if case.poor or (case.stuck and case.tried):
        return True
    if data is None or data.neighbour_score is None or case.score is None:
        return data is None and case.score is not None and case.settled and case.score < 0.9
    return case.settled and data.neighbour_score - case.score > 0.02 + case.noise / 2


def _below_linear(case: Case) -> bool:
    """Whether a network that is a linear model does worse on its own rows than the best linear
    model does on unseen ones: several kernels are harder to fit than one."""
    data = case.record.data
    if data is None or data.linear_score is None or case.score is None or not case.unfit:
        return False
    return data.linear_score - case.score > case.limit("poor_margin")


def _room(room: float) -> Evidence:
    return Evidence(f"The nearest neighbour's score is {room:.3g} above a linear model's: there is "
                    "something to bend for.", room, 0.0, "data")


def _pairs(case: Case) -> list[tuple[LayerInfo, LayerInfo]]:
    found = []
    for layer in case.layers:
        if layer.kind not in LINEAR:
            continue
        readers = case.behind(layer.name, STRAIGHT)
        # Where a shortcut reads it too, the two do not multiply to one.
        if all(other.kind in LINEAR for other in readers):
            found += [(layer, other) for other in readers if not _is_bottleneck(layer, other)]
    return found


def _is_bottleneck(layer: LayerInfo, other: LayerInfo) -> bool:
    """Two linear layers around few units are a matrix of low rank, and so are two parts of a
    separable convolution: on purpose."""
    if layer.kind == "conv" and other.kind == "conv":
        return True
    units = layer.shape[-1] if layer.shape else 0
    outputs = other.shape[-1] if other.shape else 0
    return bool(units and layer.fan_in and outputs and units < min(layer.fan_in, outputs))


RULE = Rule(
    "missing_activations",
    "A linear layer behind a linear layer is one linear layer: their kernels multiply to a single "
    "one. However many there are, the network can draw straight borders only.",
    "Goodfellow, Bengio and Courville 2016, Deep learning, section 6.1",
    look,
)
