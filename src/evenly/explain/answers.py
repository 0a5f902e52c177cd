"""What a fitted model says of rows, and of rows with other cells in some columns."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import TableWarning
from ..study.measures import BY_NAME, MEASURES, Measure, Task, default_measure
from ..tables.records import Measured

# Measures of the class that is answered, not of probabilities.
OF_CHOICES = ("accuracy", "balanced-accuracy")
# Rows that are encoded at a time.
ROWS_AT_ONCE = 100_000


class Answers:
    """A fitted model, and rows with known answers.

    Arguments:
        model: a fitted estimator of tables: `predict`, and for classes `predict_proba` and
            `classes_`.
        frame: a polars frame with the columns of training.
        truth: (rows,): classes as in `classes_`, or numbers.

    Attributes:
        task: "classification" or "regression".
        classes: their names; none for numbers.
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
        self._encoded: _Encoded | None = None

    def __len__(self) -> int:
        return len(self.codes)

    def rows(self, places: Any) -> Answers:
        """The same for some of the rows."""
        chosen = Answers.__new__(type(self))
        chosen.model, chosen.task, chosen.classes = self.model, self.task, self.classes
        chosen.frame, chosen.codes = self.frame[np.asarray(places)], self.codes[places]
        chosen._encoded = None
        return chosen

    def some(self, most: int, seed: int) -> Answers:
        """The same for at most so many rows, drawn by the seed and in their order."""
        if len(self) <= most:
            return self
        drawn = np.random.default_rng(seed).choice(len(self), most, replace=False)
        return self.rows(np.sort(drawn))

    def given(self) -> Any:
        """The answers: (rows, classes) probabilities, or (rows,) numbers."""
        parts = [self._asked(self.frame.slice(start, ROWS_AT_ONCE))
                 for start in range(0, len(self), ROWS_AT_ONCE)]
        return np.concatenate(parts) if parts else self._asked(self.frame)

    def exchanged(self, columns: Sequence[str], places: Any) -> Any:
        """The answers where some columns' cells are those of other rows.

        Arguments:
            columns: their names.
            places: (answers, columns): the row that each cell comes from; what is not named comes
                from the row of the answer's own number, so that there are as many as rows then.
        """
        places = np.asarray(places)
        if hasattr(self.model, "inputs_") and hasattr(self.model, "encode"):
            if self._encoded is None:
                self._encoded = _Encoded(self.model, self.frame)
            return self._encoded.exchanged(columns, places)
        frame = self.frame.select(
            self.frame[name].gather(places[:, columns.index(name)]) if name in columns
            else self.frame[name] for name in self.frame.columns
        )
        return self._asked(frame)

    def _asked(self, frame: Any) -> Any:
        with warnings.catch_warnings():
            # What is unlike training is said once, by whoever reads the table.
            warnings.simplefilter("ignore", TableWarning)
            return _asked(self.model, frame, self.task)

    def chosen(self, given: Any) -> Any:
        """(rows,): the place of the class that is answered, by the model's own threshold where it
        has one."""
        threshold = getattr(self.model, "threshold_", None)
        if threshold is not None and given.shape[1] == 2:
            return (given[:, 1] >= threshold).astype(np.int64)
        return given.argmax(axis=1)

    def find(self, row: Measure, given: Any) -> float | None:
        """A measure of answers; None where it is not defined."""
        if row.name in OF_CHOICES:
            given = np.eye(len(self.classes))[self.chosen(given)]
        return row.find(self.codes, given)

    def measured(self) -> Measured:
        """Every measure of the task, by name."""
        if not len(self):
            return ()
        given = self.given()
        return tuple((row.name, self.find(row, given)) for row in MEASURES if row.task == self.task)

    def measure(self, name: str | None = None) -> Measure:
        """A measure by its name; None: the first of the task that is defined for these rows, as R²
        is not where all numbers are the same."""
        if name is not None:
            return BY_NAME[name]
        given = self.given() if len(self) else None
        return next((row for row in MEASURES if row.task == self.task and given is not None
                     and row.find(self.codes, given) is not None), default_measure(self.task))


class _Encoded:
    """Rows as the network within a model reads them: each input depends on one column's cell of its
    own row, so cells are exchanged by exchanging inputs, and no cell is read twice."""

    def __init__(self, model: Any, frame: Any) -> None:
        self._net = model.estimator_
        self._task: Task = "classification" if hasattr(model, "classes_") else "regression"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TableWarning)
            self._x, _ = model.encode(frame)
        self._places: dict[str, list[int]] = {}
        place = 0
        for part in model.inputs_.parts:
            self._places.setdefault(part.name, []).extend(range(place, place + part.width))
            place += part.width

    def exchanged(self, columns: Sequence[str], places: Any) -> Any:
        own = np.arange(len(places)) if len(places) == len(self._x) else places[:, 0]
        x = self._x[own]
        for number, name in enumerate(columns):
            inputs = self._places.get(name, [])
            x[:, inputs] = self._x[places[:, number]][:, inputs]
        return _asked(self._net, x, self._task)


def _asked(model: Any, rows: Any, task: Task) -> Any:
    if task == "classification":
        return np.asarray(model.predict_proba(rows))
    numbers = np.asarray(model.predict(rows), np.float64)
    # Of several quantiles the one nearest the middle stands for all.
    return numbers if numbers.ndim == 1 else numbers[:, middle_of(model)]


def middle_of(model: Any) -> int:
    """The place of the quantile nearest 1/2 among those that a model predicts."""
    quantiles = np.atleast_1d(getattr(model, "quantiles", None) or 0.5)
    return int(np.abs(np.asarray(quantiles, float) - 0.5).argmin())
