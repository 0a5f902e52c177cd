"""Summaries of inputs and targets: never the rows themselves."""

from __future__ import annotations

from dataclasses import dataclass

# A summary holds so many columns at most; of more, evenly spaced ones.
MOST_COLUMNS = 256


@dataclass(frozen=True)
class ColumnSummary:
    """A feature (or a channel, over all positions).

    Attributes:
        index: among the features.
        mean, deviation, smallest, largest: over the rows.
        quartiles: 25 %, 50 %, 75 %.
        distinct: different values in a sample of at most 2,000 rows.
    """

    index: int
    mean: float
    deviation: float
    smallest: float
    largest: float
    quartiles: tuple[float, float, float]
    distinct: int


@dataclass(frozen=True)
class TargetSummary:
    """The targets.

    Attributes:
        kind: ``classes`` (one number a row), ``labels`` (truth values, one or several a row) or
            ``numbers``.
        outputs: how many numbers a row; of classes the largest class number + 1.
        shares: of classes: each one's share of the rows, in order; of labels: each column's share
            of ones.
        mean, deviation, smallest, largest: of all numbers together.
        distinct: different values (of all columns together), counted up to 1,000.
        whole: whether all are whole numbers.
        one_hot: whether every row is a one among zeros.
        shape: of one row's targets, where the loss refuses them.
        refused: why the loss refuses them, in its own words; None where it takes them.
        texts: some of them, where they are text.
        missing: how many are NaN, infinite or nothing, where the loss refuses that.
    """

    kind: str
    outputs: int
    shares: tuple[float, ...] = ()
    mean: float = 0.0
    deviation: float = 0.0
    smallest: float = 0.0
    largest: float = 0.0
    distinct: int = 0
    whole: bool = False
    one_hot: bool = False
    shape: tuple[int, ...] | None = None
    refused: str | None = None
    texts: tuple[str, ...] | None = None
    missing: int | None = None


@dataclass(frozen=True)
class DataSummary:
    """Inputs and targets of a part of the data.

    Attributes:
        rows: how many.
        columns: summaries of the features, or of some of them.
        features: how many there are.
        targets: likewise.
        not_finite: numbers among the inputs that are NaN or infinite.
        indices: whether the inputs are row numbers of an embedding.
        equal_rows: share of rows whose inputs equal another row's.
        contradictions: share of rows that have an equal row with another target.
        neighbour_score: accuracy (R^2 for numbers) of answering with the nearest other row's
            target, on standardized inputs, a sample of at most 1,000 rows; None where it was not
            measured.
        linear_score: accuracy (R^2) of a linear model, leave-one-out; None likewise.
        constant_score: accuracy (R^2) of the simplest answer.
        constant_loss: the loss of the best constant answer, in the loss that is trained with.
    """

    rows: int
    columns: tuple[ColumnSummary, ...]
    features: int
    targets: TargetSummary
    not_finite: int = 0
    indices: bool = False
    equal_rows: float = 0.0
    contradictions: float = 0.0
    neighbour_score: float | None = None
    linear_score: float | None = None
    constant_score: float | None = None
    constant_loss: float | None = None
