"""Initial weights that are too large or too small."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ...records.network import ACTIVATIONS, DROPOUTS, NORMALIZATIONS, RECURRENT
from .. import cures
from ..finding import Evidence
from ..measures import Case
from .base import Rule, Sign, harm

FEW = 12  # weights
AGAIN = 2.6


def look(case: Case) -> Iterator[Sign]:
    gains = _gains(case)
    if not gains:
        return
    low, high = case.limit("gain_low"), case.limit("gain_high")
    name, gain = max(gains.items(), key=lambda item: _off(case, *item))
    seen = _spread(case), _first_loss(case), _through(case, gains)
    support = [evidence for evidence in seen if evidence is not None]
    low *= _xavier(case, name)
    is_off = gain < low or gain > high
    # Less than that speaks only with what comes of it.
    if not is_off and not (support and (gain < 1.6 * low or gain > high / 2)):
        return
    evidence = [Evidence(
        f"The initial weights of {name} have a deviation of {gain:.2g} over the root of their fan; "
        "1 to 1.4 keeps the size of what passes.", gain, high if gain > 1 else low,
        f"probes.{name}.weight_rms"), *support]
    if case.trained:
        if not (case.room if is_off else case.ails):
            return
        evidence += harm(case)
    elif not support:
        return
    yield Sign(tuple(evidence), (cures.fresh_weights(), cures.normalize()), 0.93, name, case.span,
               is_off)


def _xavier(case: Case, name: str) -> float:
    """What Glorot's rule gives where a layer has more outputs than inputs: less than 1."""
    layer = next(layer for layer in case.layers if layer.name == name)
    into, out = layer.fan_in or 1, layer.fan_out or 1
    return min(1.0, math.sqrt(2 * into / (into + out)))


def _off(case: Case, name: str, gain: float) -> float:
    """How far a gain is from what is right, in powers."""
    gain = gain or 1e-300
    return max(math.log(_xavier(case, name) / gain), math.log(gain / math.sqrt(2)))


def _gains(case: Case) -> dict[str, float]:
    """Weights' deviation times the root of the fan, of layers whose size nothing puts right. An
    output layer may begin small."""
    found: dict[str, float] = {}
    for layer in case.layers:
        rms = case.first(layer.name, "weight_rms")
        if layer.kind not in ("dense", "conv", *RECURRENT) or not layer.fan_in or rms is None:
            continue
        # Of a handful of weights the deviation is chance.
        if case.normalized_behind(layer.name) or layer.fan_in * (layer.fan_out or 1) < FEW:
            continue
        gain = rms * math.sqrt(layer.fan_in)
        if layer.kind in RECURRENT and layer.shape:
            # The kernel from step to step is applied again and again: half as much more is much.
            gain = AGAIN * rms * math.sqrt(max(layer.fan_in, layer.shape[-1]))
        if gain > 1 or (layer.name != case.last_weighted and not _ends_branch(case, layer.name)):
            found[layer.name] = gain
    return found


def _ends_branch(case: Case, name: str) -> bool:
    """Whether a layer's outputs are added to a shortcut's: such a branch may begin small, or at
    zero, so that the block begins as the identity."""
    through = (*ACTIVATIONS, *DROPOUTS, *NORMALIZATIONS)
    return any(other.kind == "add" for other in case.behind(name, through))


def _spread(case: Case) -> Evidence | None:
    """How far apart rows are behind the last hidden layer, before training."""
    hidden = [layer.name for layer in case.layers if layer.name != case.last_weighted
              and layer not in case.output_layers]
    measured = [(name, case.first(name, "unit_deviation")) for name in hidden]
    told = [(name, value) for name, value in measured if value is not None]
    if not told:
        return None
    name, value = told[-1]
    low, high = case.limit("spread_low"), case.limit("spread_high")
    if low <= value <= high:
        return None
    return Evidence(f"Before training the outputs of {name} vary by {value:.2g} from row to row.",
                    value, high if value > high else low, f"probes.{name}.unit_deviation")


def _first_loss(case: Case) -> Evidence | None:
    first, chance = case.first_loss, case.chance
    if first is None or chance is None or first <= case.limit("first_loss") * chance:
        return None
    return Evidence(f"The untouched network's loss is {first / chance:.3g} times that of a "
                    "constant answer.", first / chance, case.limit("first_loss"), "probes.loss")


def _through(case: Case, gains: dict[str, float]) -> Evidence | None:
    """What all layers together do to the size of what passes."""
    limit = case.limit("gain_through")
    grown = math.prod(gain / math.sqrt(2) for gain in gains.values())
    shrunk = math.prod(gain / _xavier(case, name) for name, gain in gains.items())
    through = grown if grown > limit else shrunk
    if 1 / limit <= through <= limit or len(gains) < 3:
        return None
    return Evidence(f"All layers together change the size of what passes by a factor of "
                    f"{through:.2g}.", through, limit if through > 1 else 1 / limit, "network")


RULE = Rule(
    "bad_init_scale",
    "Initial weights of the wrong size let what passes through the layers, and the gradients that "
    "come back, grow or shrink by the same factor at each. The network begins saturated, too sure "
    "of itself, or deaf to its inputs.",
    "Glorot and Bengio 2010, Understanding the difficulty of training deep feedforward neural "
    "networks; He, Zhang, Ren and Sun 2015, Delving deep into rectifiers, section 2.2",
    look,
)
