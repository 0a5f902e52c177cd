"""What comes out: frozen values that hold numbers and text, and no arrays."""

from __future__ import annotations

from dataclasses import dataclass

from ..study.records import Scale
from ..tables.records import FitScores


@dataclass(frozen=True)
class Importance:
    """What a column is worth.

    Attributes:
        column: its name.
        mean: by how much the measure is worse when the column's cells are shuffled among the rows,
            mean of the repeats; above 0 means that the column helps.
        spread: the deviation over the repeats.
        drops: of each repeat.
    """

    column: str
    mean: float
    spread: float
    drops: tuple[float, ...]


@dataclass(frozen=True)
class Point:
    """The answers at one value of a column.

    Attributes:
        value: as it is shown.
        place: where it lies on an axis: a number, days since 1970 for a date; None for words.
        answers: the mean answer of all rows with this value: one for each class shown, or one
            number.
    """

    value: str
    place: float | None
    answers: tuple[float, ...]


@dataclass(frozen=True)
class Dependence:
    """How answers change with one column, the other columns as they are.

    Attributes:
        column: its name.
        type: of the column: "number", "boolean", "date" or "category".
        series: what the answers are of: names of classes, or the target.
        points: in the order of an axis, or the most frequent value first.
        rows: how many rows the means are of.
    """

    column: str
    type: str
    series: tuple[str, ...]
    points: tuple[Point, ...]
    rows: int

    @property
    def reach(self) -> float:
        """By how much the answers differ at most."""
        columns = list(zip(*(point.answers for point in self.points), strict=True))
        return max((max(column) - min(column) for column in columns), default=0.0)


@dataclass(frozen=True)
class Confusion:
    """How often which class was taken for which.

    Attributes:
        classes: the names, "(others)" last where several share it.
        counts: a row for each true class, a column for each answer.
    """

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Residuals:
    """Truth minus answer, in the target's own units.

    Attributes:
        pairs: (answer, truth) of some rows.
        quantiles: (share, residual) of all rows.
        edges, counts: a histogram of the residuals; what lies outside is in the outer bins.
        rows: how many there are.
    """

    pairs: tuple[tuple[float, float], ...]
    quantiles: tuple[tuple[float, float], ...]
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    rows: int


@dataclass(frozen=True)
class Bin:
    """Rows of like probability: what was said on average, how often it was so, how many rows."""

    said: float
    seen: float
    rows: int


@dataclass(frozen=True)
class Calibration:
    """Whether probabilities are what they say.

    Attributes:
        of: what the probability is of, in words.
        bins: from small probabilities to large ones.
        error: the expected calibration error: the mean of abs(said - seen) over the rows.
    """

    of: str
    bins: tuple[Bin, ...]
    error: float


@dataclass(frozen=True)
class WorstRow:
    """A row that the network is most wrong about.

    Attributes:
        row: its number in the table, counted from 1 without the header.
        truth, answer: as they are written.
        loss: -log of the probability that the true class got, or the size of the residual.
        cells: (column, cell as it stands there).
    """

    row: int
    truth: str
    answer: str
    loss: float
    cells: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ColumnLine:
    """A column as the page and the terminal show it.

    Attributes:
        name: its header.
        type: what it was taken for.
        becomes: what the network reads; empty where it reads nothing.
        reason: why this type.
        missing, distinct: rows without a value, different values.
        shown: range or examples.
        left_out: why it is no input; empty where it is one.
        odd: what looks odd about it, a line each.
    """

    name: str
    type: str
    becomes: str
    reason: str
    missing: int
    distinct: int
    shown: str
    left_out: str
    odd: tuple[str, ...]


@dataclass(frozen=True)
class Epoch:
    """One epoch: the losses and scores of training (dropout on) and of the held-out rows."""

    epoch: int
    loss: float | None
    score: float | None
    held_out_loss: float | None
    held_out_score: float | None


@dataclass(frozen=True)
class FitRecord:
    """A fit, as its report shows it.

    Attributes:
        scores: what it came to, and what the model's file keeps of it.
        scales: how each measure of the task is written, in the order of the page.
        measured: the name of the measure that the importance is in.
        columns: all but the target.
        part: which rows it is explained on: "held-out" or "training".
        explained_rows: how many of them.
        epochs: of the training, in order.
        kept: the epoch whose weights were kept, counted from 1.
        importance: the most important column first.
        dependence: of the most important ones.
        confusion, calibration: of classes.
        residuals: of numbers.
        worst: the worst first.
        settings, facts: names and texts.
        command: that makes it again.
    """

    scores: FitScores
    scales: tuple[tuple[str, Scale], ...]
    measured: str
    columns: tuple[ColumnLine, ...]
    part: str
    explained_rows: int
    epochs: tuple[Epoch, ...] = ()
    kept: int = 0
    importance: tuple[Importance, ...] = ()
    dependence: tuple[Dependence, ...] = ()
    confusion: Confusion | None = None
    calibration: Calibration | None = None
    residuals: Residuals | None = None
    worst: tuple[WorstRow, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    command: str = ""

    @property
    def importance_measure(self) -> Scale:
        """How the importance is written."""
        return dict(self.scales)[self.measured]
