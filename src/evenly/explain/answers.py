"""What a fitted model says of rows, and of rows with other cells in one column."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..study.measures import BY_NAME, MEASURES, Measure, Task, default_measure, measure
from ..tables.records import Measured


class Answers:
    """A fitted model, and rows with known answers.

    Arguments:
        model: a fitted estimator of tables: `predict`, and for classes `predict_proba` and
            `classes_`.
        frame: a polars frame with the columns of training.
        truth: (rows,): classes as in `classes_`, or numbers.

    Attributes:
        task: "classification" or "regression".
        codes: (rows,): places of the true classes in `classes_`, or the numbers.
    """

    def __init__(self, model: Any, frame: Any, truth: Any) -> None:
        self.model, self.frame = model, frame
        self.task: Task = "classification" if hasattr(model, "classes_") else "regression"
        truth = np.asarray(truth)
        if self.task == "classification":
            self.classes = tuple(str(name) for name in model.classes_)
            self.codes: Any = np.searchsorted(model.classes_, truth)
        else:
            self.classes = ()
            self.codes = truth.astype(np.float64)

    def __len__(self) -> int:
        return len(self.codes)

    def rows(self, places: Any) -> Answers:
        """The same for some of the rows."""
        chosen = Answers.__new__(type(self))
        chosen.model, chosen.task, chosen.classes = self.model, self.task, self.classes
        chosen.frame, chosen.codes = self.frame[np.asarray(places)], self.codes[places]
        return chosen

    def some(self, most: int, seed: int) -> Answers:
        """The same for at most so many rows, drawn by the seed and in their order."""
        if len(self) <= most:
            return self
        drawn = np.random.default_rng(seed).choice(len(self), most, replace=False)
        return self.rows(np.sort(drawn))

    def given(self, column: str | None = None, rows: Any = None) -> Any:
        """The answers: (rows, classes) probabilities, or (rows,) numbers.

        Arguments:
            column: whose cells are exchanged; None: none are.
            rows: (rows,): the row that each row gets its cell of.
        """
        frame = self.frame
        if column is not None:
            frame = frame.with_columns(frame[column].gather(np.asarray(rows)))
        return self._asked(frame)

    def with_cell(self, column: str, cells: Any, row: int) -> Any:
        """The answers where all rows have the same cell in a column: that of a row of `cells`."""
        cell = cells.gather(np.full(len(self), row)).rename(column)
        return self._asked(self.frame.with_columns(cell))

    def _asked(self, frame: Any) -> Any:
        if self.task == "classification":
            return np.asarray(self.model.predict_proba(frame))
        return np.asarray(self.model.predict(frame), np.float64)

    def measured(self) -> Measured:
        """Every measure of the task, by name."""
        return measure(self.task, self.codes, self.given()) if len(self) else ()

    def measure(self, name: str | None = None) -> Measure:
        """A measure by its name; None: the first of the task that is defined for these rows, as R²
        is not where all numbers are the same."""
        if name is not None:
            return BY_NAME[name]
        given = self.given() if len(self) else None
        return next((row for row in MEASURES if row.task == self.task and given is not None
                     and row.find(self.codes, given) is not None), default_measure(self.task))
