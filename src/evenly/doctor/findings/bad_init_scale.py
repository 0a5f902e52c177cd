"""Initial weights that are too large or too small."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ...records.network import RECURRENT
from .. import cures
from ..finding import Evidence
from ..measures import Case
from .base import Rule, Sign, harm


def look(case: Case) -> Iterator[Sign]:
    gains = _gains(case)
    if not gains:
        return
    low, high = case.limit("gain_low"), case.limit("gain_high")
    off = {name: gain for name, gain in gains.items()
           if (gain < low and name != case.last_weighted) or gain > high}
    if not off:
        return
    name, gain = max(off.items(), key=lambda item: abs(math.log(item[1] or 1e-300)))
    evidence = [Evidence(
        f"The initial weights of {name} have a deviation of {gain:.2g} over the root of their fan; "
        "1 to 1.4 keeps the size of what passes.", gain, high if gain > 1 else low,
        f"probes.{name}.weight_rms")]
    spread = _spread(case)
    if spread is not None:
        evidence.append(spread)
    first, chance = case.first_loss, case.chance
    if first is not None and chance is not None and first > case.limit("first_loss") * chance:
        evidence.append(Evidence(
            f"The untouched network's loss is {first / chance:.3g} times that of a constant "
            "answer.", first / chance, case.limit("first_loss"), "probes.loss"))
    if case.trained:
        if not case.ails:
            return
        evidence += harm(case)
    elif len(evidence) < 2:
        return
    yield Sign(tuple(evidence), (cures.fresh_weights(), cures.normalize()), 0.93, name, case.span)


def _gains(case: Case) -> dict[str, float]:
    """Weights' deviation times the root of the fan, of layers whose size nothing puts right."""
    network = case.record.network
    found: dict[str, float] = {}
    if network is None:
        return found
    for layer in case.layers:
        rms = case.first(layer.name, "weight_rms")
        if layer.kind not in ("dense", "conv") or not layer.fan_in or rms is None:
            continue
        if case.normalized_behind(layer.name) or layer.kind in RECURRENT:
            continue
        found[layer.name] = rms * math.sqrt(layer.fan_in)
    return found


def _spread(case: Case) -> Evidence | None:
    """How far apart rows are behind the last hidden layer, before training."""
    hidden = [name for name in case.weighted if name != case.last_weighted]
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


RULE = Rule(
    "bad_init_scale",
    "Initial weights of the wrong size let what passes through the layers, and the gradients that "
    "come back, grow or shrink by the same factor at each. The network begins saturated, too sure "
    "of itself, or deaf to its inputs.",
    "Glorot and Bengio 2010, Understanding the difficulty of training deep feedforward neural "
    "networks; He, Zhang, Ren and Sun 2015, Delving deep into rectifiers, section 2.2",
    look,
)
