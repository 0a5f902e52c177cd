"""What several rules ask of the inputs."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from ...records import ColumnSummary
from ..measures import Case

# Of a normal distribution: quartile range over deviation.
QUARTILES = 1.349


@dataclass(frozen=True)
class Scale:
    """The inputs' scale, in which outliers hardly count.

    Attributes:
        size: root mean square of a column, the typical one.
        largest: of the larger columns (the 90th percentile).
        unequal: the larger columns' deviation over the typical one.
        offset: |middle| over deviation, the median over the columns.
        alike: the larger columns' size over the smaller ones'.
        reach: the largest absolute value of all columns.
    """

    size: float
    largest: float
    unequal: float
    offset: float
    alike: float
    reach: float


def varying(columns: Sequence[ColumnSummary]) -> list[ColumnSummary]:
    """Columns that are no single number."""
    return [c for c in columns if c.deviation > 0 and math.isfinite(c.deviation + c.mean)]


def spread(column: ColumnSummary) -> float:
    """The deviation, by the quartiles where they tell it: outliers do not count then."""
    low, _, high = column.quartiles
    robust = (high - low) / QUARTILES
    if not (math.isfinite(robust) and robust > 0):
        return column.deviation
    # Heavy tails are no outliers: a column mostly of zeros has its deviation in the rest.
    return min(max(robust, column.deviation / 10), max(column.deviation, robust))


def middle(column: ColumnSummary) -> float:
    """The median."""
    value = column.quartiles[1]
    return value if math.isfinite(value) else column.mean


def far_out(case: Case) -> tuple[float, int] | None:
    """(quartile ranges from its column's median, the column) of the value that lies farthest out;
    None where it is no farther than heavy tails reach. Else mean, deviation and a linear model are
    that value's alone."""
    data = case.record.data
    if data is None or data.indices:
        return None
    worst = (0.0, 0)
    for column in data.columns:
        low, median, high = column.quartiles
        if high > low:
            far = max(column.largest - median, median - column.smallest) / (high - low)
            worst = max(worst, (far, column.index))
    return worst if case.limit("inputs_far_out") < worst[0] < math.inf else None


def scale(case: Case) -> Scale | None:
    """The scale of the training inputs; None where it is unknown or has no meaning."""
    data = case.record.data
    if data is None or data.indices:
        return None
    columns = varying(data.columns)
    if not columns:
        return None
    spreads = sorted(spread(c) for c in columns)
    sizes = sorted(math.hypot(spread(c), middle(c)) for c in columns)
    offsets = [abs(middle(c)) / spread(c) for c in columns]
    return Scale(
        size=statistics.median(sizes), largest=upper(sizes),
        unequal=upper(spreads) / statistics.median(spreads),
        offset=statistics.median(offsets), alike=upper(sizes) / max(lower(sizes), 1e-300),
        reach=max(max(abs(c.smallest), abs(c.largest)) for c in columns),
    )


def upper(values: Sequence[float]) -> float:
    """The 90th percentile of sorted values; of few, the largest."""
    return values[min(len(values) - 1, math.ceil(0.9 * len(values)))]


def lower(values: Sequence[float]) -> float:
    """The tenth percentile of sorted values; of few, the smallest."""
    return values[max(0, math.floor(0.1 * len(values)) - 1)]
