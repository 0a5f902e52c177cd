"""Rule sets of other tools, as published, read off the same records.

Where a record has no such number the nearest one stands in, and the rule says so. Each rule set
gives the findings that it names, in the order in which the tool looks for them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np

from evenly.records import LayerProbe, TrainingRecord
from evenly.records.network import RECTIFIERS, SATURATING


def _layers(record: TrainingRecord) -> Iterator[tuple[int, str, LayerProbe]]:
    for probe in record.probes:
        for name, layer in probe.layers.items():
            yield probe.step, name, layer


def _of_kind(record: TrainingRecord, kinds: Sequence[str]) -> set[str]:
    return {layer.name for layer in record.network.layers
            if layer.kind in kinds} if record.network else set()


def _most(record: TrainingRecord, field: str, kinds: Sequence[str] = ()) -> float:
    """The largest number of this field over layers of these kinds (all), and steps."""
    names = _of_kind(record, kinds) if kinds else None
    values = [getattr(layer, field) for _, name, layer in _layers(record)
              if names is None or name in names]
    return max((value for value in values if value is not None), default=0.0)


def _gradients(record: TrainingRecord) -> Iterator[list[float]]:
    """Of each look: norms of the kernels' gradients, from the first layer to the last."""
    for probe in record.probes:
        yield [layer.gradient_norm for layer in probe.layers.values()
               if layer.gradient_norm is not None]


def _rms_gradients(record: TrainingRecord) -> list[float]:
    """Of all looks: root mean squares of the kernels' gradients, in place of mean absolutes."""
    return [layer.gradient_rms for _, _, layer in _layers(record) if layer.gradient_rms is not None]


def _updates(record: TrainingRecord) -> list[float]:
    return [layer.update_ratio for _, _, layer in _layers(record)
            if layer.update_ratio is not None]


def _losses(record: TrainingRecord) -> list[float]:
    return [loss for epoch in record.epochs for loss in epoch.step_losses]


def _not_finite(record: TrainingRecord) -> bool:
    return record.failed_at is not None or not all(map(math.isfinite, _losses(record)))


def _scores(record: TrainingRecord, field: str = "score") -> list[float]:
    return [value for epoch in record.epochs if (value := getattr(epoch, field)) is not None]


def _shares(record: TrainingRecord) -> list[float]:
    return [share for share in record.data.targets.shares if share > 0] if record.data else []


def autotrainer(record: TrainingRecord) -> Iterator[str]:
    """Zhang et al. 2021, AUTOTRAINER: an automatic DNN training problem detection and repair
    system, section 3.2. Zero gradients are read as units that are dead."""
    scores = _scores(record)
    poor = bool(scores) and max(scores) < 0.6
    for norms in _gradients(record):
        if len(norms) > 1 and poor and norms[0] < 1e-4 and norms[0] < 1e-3 * norms[-1]:
            yield "vanishing_gradient"
        if _not_finite(record) or (len(norms) > 1 and norms[-1] > 0 and norms[0] > 70 * norms[-1]):
            yield "exploding_gradient"
    if _most(record, "dead_share", RECTIFIERS) >= 0.7:
        yield "dead_relu"
    swings = sum(abs(b - a) >= 0.03 and (b - a) * (c - b) < 0
                 for a, b, c in zip(scores, scores[1:], scores[2:], strict=False))
    if scores and swings >= 0.2 * len(scores):
        yield "oscillation"
    if poor and all(b - a < 0.01 for a, b in pairwise(scores)):
        yield "not_learning"


def sagemaker(record: TrainingRecord) -> Iterator[str]:
    """Rauschmayr et al. 2021, Amazon SageMaker Debugger, and the built-in rules' documentation."""
    if any(value < 1e-7 for value in _rms_gradients(record)):
        yield "vanishing_gradient"
    if _not_finite(record):
        yield "exploding_gradient"
    if _most(record, "dead_share", RECTIFIERS) > 0.5:
        yield "dead_relu"
    if _most(record, "saturated_share", SATURATING) > 0.5:
        yield "saturation"
    early = [layer.weight_rms**2 for step, _, layer in _layers(record)
             if step < 10 and layer.weight_rms]
    if early and max(early) > 10 * min(early):
        yield "bad_init_scale"
    if any(ratio > 10 for ratio in _updates(record)):
        yield "rate_too_high"
    if any(ratio < 1e-8 for ratio in _updates(record)):
        yield "rate_too_low"
    if any(epoch.validation_loss is not None and epoch.loss > 0
           and epoch.validation_loss - epoch.loss > 0.1 * epoch.loss for epoch in record.epochs):
        yield "overfitting"
    shares = _shares(record)
    if shares and max(shares) > 10 * min(shares):
        yield "class_imbalance"


def deep_checker(record: TrainingRecord) -> Iterator[str]:
    """Ben Braiek and Khomh 2023, Testing feedforward neural networks training programs: the
    checks that need no training of their own, and the one batch that is to be memorized."""
    yield from _deep_checker_before(record)
    gradients = _rms_gradients(record)
    if any(value < 1e-6 for value in gradients):
        yield "vanishing_gradient"
    if any(value > 1e6 for value in gradients) or _not_finite(record):
        yield "exploding_gradient"
    if _most(record, "dead_share", RECTIFIERS) > 0.5:
        yield "dead_relu"
    if _most(record, "saturated_share", SATURATING) > 0.5:
        yield "saturation"
    if any(ratio > 0.1 for ratio in _updates(record)):
        yield "rate_too_high"
    if any(ratio < 1e-4 for ratio in _updates(record)):
        yield "rate_too_low"
    losses = _losses(record)
    steps = np.sign(np.diff(losses))
    for start in range(0, max(len(steps) - 50, 1), 25):
        window = steps[start:start + 50]
        if len(window) == 50 and (window[1:] * window[:-1] < 0).mean() > 0.5:
            yield "oscillation"
            break
    if losses and losses[-1] >= 2 * min(losses):
        yield "divergence"
    if len(record.epochs) > 1 and record.epochs[-1].loss > 0.95 * record.epochs[0].loss:
        yield "not_learning"
    for epoch in record.epochs[-1:]:
        if epoch.train_loss is not None and abs(epoch.train_loss - epoch.loss) > 0.5 * epoch.loss:
            yield "batch_norm_mismatch"
        if epoch.penalty > 2 * epoch.loss:
            yield "over_regularized"


def _deep_checker_before(record: TrainingRecord) -> Iterator[str]:
    data, checks = record.data, record.checks
    if data is not None:
        if any(column.smallest not in (0, -1) or column.largest != 1 for column in data.columns):
            yield "inputs_not_scaled"
        if any(column.distinct == 1 for column in data.columns):
            yield "inputs_constant"
        shares = _shares(record)
        if len(shares) > 1:
            entropy = -sum(share * math.log(share) for share in shares)
            if math.exp(entropy) / len(shares) < 0.5:
                yield "class_imbalance"
    for probe in record.probes[:1]:
        for name, layer in probe.layers.items():
            info = next((one for one in record.network.layers if one.name == name),
                        None) if record.network else None
            if layer.twin_share == 1:
                yield "symmetric_init"
            elif layer.weight_rms is not None and info is not None and info.fan_in and not (
                0.5 <= layer.weight_rms**2 * info.fan_in / 2 <= 2
            ):
                yield "bad_init_scale"
    if checks is not None:
        expected = data.constant_loss if data is not None else None
        if checks.first_loss is not None and expected and (
            abs(checks.first_loss - expected) > expected
        ):
            yield "bad_init_scale"
        if checks.memorized_score is not None and checks.memorized_score < 0.95:
            yield "cannot_memorize"
        if checks.coupling is not None and checks.coupling > 0:
            yield "rows_coupled"


def deep_diagnosis(record: TrainingRecord) -> Iterator[str]:
    """Wardat, Cruz, Le and Rajan 2022, DeepDiagnosis, algorithm 1. Outputs beyond 5 are read as
    saturated."""
    if _not_finite(record):
        yield "exploding_gradient"
    if _most(record, "saturated_share", SATURATING) > 0.5:
        yield "saturation"
    if _most(record, "zero_share", ("relu",)) >= 0.7:
        yield "dead_relu"
    losses = [epoch.loss for epoch in record.epochs]
    if len(losses) > 1 and losses[-1] >= losses[0]:
        yield "not_learning"
    if any(value < 1e-7 for value in _rms_gradients(record)):
        yield "vanishing_gradient"


def umlaut(record: TrainingRecord) -> Iterator[str]:
    """Schoop, Huang and Hartmann 2021, UMLAUT, and its heuristics."""
    if record.data is not None and any(
        column.smallest < -1 or column.largest > 1 for column in record.data.columns
    ):
        yield "inputs_not_scaled"
    rate = record.optimizer.learning_rate if record.optimizer else None
    if rate is not None and rate > 0.01:
        yield "rate_too_high"
    if rate is not None and rate < 1e-7:
        yield "rate_too_low"
    if any(b.validation_loss > a.validation_loss and b.loss < a.loss
           for a, b in pairwise(record.epochs)
           if a.validation_loss is not None and b.validation_loss is not None):
        yield "overfitting"
    validation = _scores(record, "validation_score")
    if any(score > 0.95 for score in validation[2:]):
        yield "validation_leaks"
    if record.network is not None:
        if any(float(layer.settings.get("rate") or 0) > 0.5
               for layer in record.network.of_kind("dropout")):
            yield "dropout_too_strong"
        for layer in record.network.of_kind("dense"):
            if any(after.kind == "dense" for after in record.network.after(layer.name)):
                yield "missing_activations"


def gradsnitch(record: TrainingRecord) -> Iterator[str]:
    """gradsnitch 0.2: rules on loss, gradient norm and update ratios."""
    norms = [epoch.largest_gradient_norm for epoch in record.epochs
             if epoch.largest_gradient_norm is not None]
    for number, norm in enumerate(norms[1:], 1):
        usual = float(np.median(norms[max(0, number - 50):number]))
        if not math.isfinite(norm) or norm > 8 * usual:
            yield "exploding_gradient"
            break
    with np.errstate(divide="ignore"):
        ratios = np.log10(_updates(record)) if _updates(record) else np.zeros(0)
    if len(ratios) and (ratios > -2).mean() >= 0.6:
        yield "rate_too_high"
    if len(ratios) and (ratios < -4).mean() >= 0.6:
        yield "rate_too_low"
    losses = [epoch.loss for epoch in record.epochs]
    if len(losses) > 2:
        steps = np.diff(losses)
        large = np.abs(steps) > 1.6 * np.median(np.abs(steps))
        if ((steps[1:] * steps[:-1] < 0) & large[1:] & large[:-1]).sum() >= 6:
            yield "oscillation"
        if losses[-1] > 1.3 * min(losses):
            yield "divergence"
        if np.polyfit(np.arange(len(losses)), losses, 1)[0] >= 0:
            yield "not_learning"
    watched = [epoch.validation_loss for epoch in record.epochs
               if epoch.validation_loss is not None]
    if watched and watched[-1] > 1.03 * min(watched) and losses[-1] <= losses[0]:
        yield "overfitting"


def neuroscope(record: TrainingRecord) -> Iterator[str]:
    """neuroscope: root mean squares of gradients, their total norm, units that are mostly zero."""
    if any(value < 1e-5 for value in _rms_gradients(record)):
        yield "vanishing_gradient"
    if any(probe.gradient_norm is not None and probe.gradient_norm > 5 for probe in record.probes):
        yield "exploding_gradient"
    if _most(record, "dead_share", RECTIFIERS) > 0.1:
        yield "dead_relu"


RULE_SETS: dict[str, Callable[[TrainingRecord], Iterator[str]]] = {
    "AUTOTRAINER": autotrainer,
    "SageMaker Debugger": sagemaker,
    "TheDeepChecker": deep_checker,
    "DeepDiagnosis": deep_diagnosis,
    "UMLAUT": umlaut,
    "gradsnitch": gradsnitch,
    "neuroscope": neuroscope,
}


def kinds(name: str, record: TrainingRecord) -> list[str]:
    """What a rule set finds, each once."""
    return list(dict.fromkeys(RULE_SETS[name](record)))
