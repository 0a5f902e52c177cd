"""What is kept of a fit: frozen values that hold numbers and text, and no arrays.

They are saved with the model; the report and the command line read them and nothing below them.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import DataError

# (name of the measure, its value or None where it is not defined)
Measured = tuple[tuple[str, float | None], ...]


@dataclass(frozen=True)
class Scored:
    """Something that answers, and how well.

    Attributes:
        name: "network", "simplest" or "linear".
        words: what it is.
        training: every measure of the task on the rows that it learned from, dropout off.
        held_out: the same on rows that it did not see; none where all rows were trained on.
        note: what a reader must know of it; empty where there is nothing.
    """

    name: str
    words: str
    training: Measured
    held_out: Measured = ()
    note: str = ""

    def of(self, measure: str, part: str = "held_out") -> float | None:
        """A measure on a part; None where there is none."""
        return dict(getattr(self, part)).get(measure)


@dataclass(frozen=True)
class FitScores:
    """What a fit came to, beside what it must be better than.

    Attributes:
        table: the name of the table.
        target: the column that is predicted.
        task: "classification" or "regression".
        classes: their names; none for numbers.
        rows: of the table that have a target.
        training_rows, held_out_rows: how many of them.
        lines: the network, the simplest answer, a linear model.
        measure: the name of the measure that is shown first.
        notes: what was left out, read otherwise than it stands there, or looks odd: a line each.
        sha256: of the table's file; empty where there is none.
    """

    table: str
    target: str
    task: str
    classes: tuple[str, ...]
    rows: int
    training_rows: int
    held_out_rows: int
    lines: tuple[Scored, ...]
    measure: str
    notes: tuple[str, ...] = ()
    sha256: str = ""

    def __post_init__(self) -> None:
        if self.task not in ("classification", "regression"):
            raise DataError(f"FitScores: task must be classification or regression, {self.task!r}")
        if not self.lines:
            raise DataError("FitScores: lines must hold at least the network")
