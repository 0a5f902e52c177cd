"""Batch normalization that infers otherwise than it trains."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from itertools import pairwise

from ...records import LayerInfo
from ...records.network import ACTIVATIONS, DROPOUTS
from .. import cures
from ..finding import Cure, Evidence
from ..measures import Case, finite
from .base import Rule, Sign, harm


def look(case: Case) -> Iterator[Sign]:
    norms = [layer for layer in case.layers if layer.kind == "batch_norm"]
    if not norms or case.failed:
        return
    if case.about_to_begin and _dropped_before(case):
        limit = case.limit("dropout_in_front")
        rate = max(_rate(layer) for layer in case.layers if layer.kind in DROPOUTS)
        yield Sign((Evidence(
            f"Dropout of {rate:.2g} stands in front of batch normalization: in training the "
            f"variance that is normalized is up to {1 / (1 - rate):.2g} times that of inference.",
            rate, limit, ""),), (cures.norm_before_dropout(), cures.dropout_at(0.1)), 0.7)
    shifted = list(_shifted(case)) if _dropped_before(case) and case.unfit else []
    yield from shifted
    gap = mode_gap(case)
    if shifted or gap is None or case.chance is None:
        return
    share = gap / case.chance
    worst = max((case.late(layer.name, "variance_gap") or 0.0, layer.name) for layer in norms)
    lags = worst[0] > case.limit("variance_gap") and share > case.limit("mode_gap") / 10
    if share < case.limit("mode_gap") and not (lags and _many_times(case)):
        return
    evidence = [Evidence(
        f"On training rows the loss is {gap:.3g} higher in inference, with running averages, than "
        "in training, with the batch's own.", share, case.limit("mode_gap"), "epochs.train_loss")]
    if worst[0] > 0.3:
        evidence.append(Evidence(
            f"At {worst[1]} variances of a batch and running ones differ by a factor of "
            f"{2.718281828 ** worst[0]:.2g}.", worst[0], 0.3, f"probes.{worst[1]}.variance_gap"))
    yield Sign(tuple(evidence), _cures(case), 0.92, worst[1], case.span)


def _shifted(case: Case) -> Iterator[Sign]:
    """Dropout in front raises the variance that is normalized in training, and not in inference."""
    norms = [layer.name for layer in case.layers if layer.kind == "batch_norm"]
    gap, name = max((case.late(norm, "variance_gap") or 0.0, norm) for norm in norms)
    limit = case.limit("variance_gap") / 2
    if gap < limit:
        return
    evidence = Evidence(f"Dropout stands in front of batch normalization; at {name} variances of a "
                        f"batch and running ones differ by a factor of {math.exp(gap):.2g}.", gap,
                        limit, f"probes.{name}.variance_gap")
    yield Sign((evidence, *harm(case)), (cures.norm_before_dropout(), cures.dropout_at(0.1)), 0.85,
               name, case.span, True)


def mode_gap(case: Case) -> float | None:
    """Loss in inference less that in training, over the last epochs: dropout makes it negative, and
    so does a loss that falls. Of one that grows it tells nothing."""
    losses = [epoch.loss for epoch in case.epochs[-3:]]
    told = finite(e.train_loss - e.loss for e in case.last_epochs if e.train_loss is not None)
    if not told or not all(map(math.isfinite, losses)):
        return None
    gap = statistics.median(told)
    growth = max((b - a for a, b in pairwise(losses)), default=0.0)
    return gap if gap > 3 * growth else None


def _many_times(case: Case) -> bool:
    told = [(e.train_loss, e.loss) for e in case.last_epochs if e.train_loss is not None]
    return bool(told) and all(inferred > 3 * trained for inferred, trained in told)


def _cures(case: Case) -> tuple[Cure, ...]:
    norms = [layer for layer in case.layers if layer.kind == "batch_norm"]
    found: list[Cure] = []
    rows = min(case.record.rows_of_batch_norm.values(), default=None)
    if rows is None and case.record.batch is not None:
        rows = case.record.batch
    if any(float(layer.settings.get("decay") or 0.0) > 0.95 for layer in norms):
        found.append(cures.faster_averages())
    if _dropped_before(case):
        found.append(cures.norm_before_dropout())
    if rows is not None and rows < 16:
        found += [cures.larger_batch(32), cures.layer_norm()]
    if not found:
        found = [cures.faster_averages(), cures.layer_norm()]
    return tuple(found)


def _dropped_before(case: Case) -> bool:
    """Whether much dropout stands right in front of a normalization: no kernel in between that
    could learn to live with it."""
    straight = (*ACTIVATIONS, "pool", "flatten")
    return any(
        any(other.kind == "batch_norm" for other in case.behind(layer.name, straight))
        for layer in case.layers
        if layer.kind in DROPOUTS and _rate(layer) >= case.limit("dropout_in_front"))


def _rate(layer: LayerInfo) -> float:
    rate = layer.settings.get("rate")
    return float(rate) if isinstance(rate, (int, float)) else 0.0


RULE = Rule(
    "batch_norm_mismatch",
    "In training batch normalization uses the batch's own mean and variance, in inference running "
    "averages of them. Where averages lag, batches are tiny or dropout stands in front, the two "
    "differ, and the network that predicts is not the one that was trained.",
    "Ioffe 2017, Batch renormalization; Li, Chen, Hu and Yang 2019, Understanding the disharmony "
    "between dropout and batch normalization by variance shift",
    look,
)
