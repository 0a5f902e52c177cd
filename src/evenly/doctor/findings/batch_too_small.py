"""Batches of too few rows."""

from __future__ import annotations

from collections.abc import Iterator

from .. import cures
from ..finding import Evidence
from ..measures import Case
from .base import Rule, Sign, harm


def look(case: Case) -> Iterator[Sign]:
    record = case.record
    rows = min(record.rows_of_batch_norm.values(), default=None)
    if rows is None and record.batch is not None and \
            any(layer.kind == "batch_norm" for layer in case.layers):
        rows = record.batch
    if rows is None or rows >= case.limit("batch_norm_rows"):
        return
    told: tuple[Evidence, ...] = ()
    if case.trained:
        from .batch_norm_mismatch import mode_gap

        gap = mode_gap(case)
        differs = gap is not None and case.chance is not None and \
            gap > case.limit("mode_gap") / 2 * case.chance
        if not (case.ails or differs or (rows < 4 and case.room)):
            return
        told = harm(case)
    elif rows > 2:
        return
    name = min(record.rows_of_batch_norm, key=record.rows_of_batch_norm.__getitem__, default=None)
    evidence = Evidence(f"Batch normalization takes its statistics over {rows} numbers a channel.",
                        float(rows), case.limit("batch_norm_rows"), "network")
    yield Sign((evidence, *told), (cures.larger_batch(32), cures.layer_norm()), 0.9, name,
               case.span)


RULE = Rule(
    "batch_too_small",
    "Mean and variance of a handful of numbers are mostly chance, and batch normalization hands "
    "that chance on to every row. Training is noisy, and inference, with other statistics, is "
    "another network.",
    "Wu and He 2018, Group normalization, section 1; Ioffe 2017, Batch renormalization",
    look,
)
