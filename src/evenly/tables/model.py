"""A network for a table: its columns, the trained estimator, and the column that it predicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..estimators import NetClassifier, NetRegressor
from .old_columns import Columns, NumberColumn
from .plain import found


@dataclass(frozen=True)
class TableModel:
    """What ``evenly fit`` makes of a table.

    Attributes:
        columns: the input columns as training has seen them.
        estimator: a fitted NetClassifier or NetRegressor.
        target: the name of the column that it predicts.
    """

    columns: Columns
    estimator: NetClassifier | NetRegressor
    target: str

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes; none where it predicts a number."""
        if isinstance(self.estimator, NetRegressor):
            return ()
        return tuple(map(str, self.estimator.classes_))

    def predict(self, table: Any) -> tuple[dict[str, Any], list[str]]:
        """Predictions for the rows of a pandas table.

        Returns:
            (columns by name, notes about what is unlike training): the target's, and for classes
            the probability of each.

        Raises:
            DataError: columns that are missing or of another type.
        """
        scaler = self.estimator.scaler_
        # What is at its mean is 0 behind the scale: it moves nothing.
        x, notes = self.columns.encode(table, None if scaler is None else scaler.mean)
        notes += self._changed(x)
        if not len(x):
            return {self.target: np.empty(0), **{_of(c): np.empty(0) for c in self.classes}}, notes
        if not self.classes:
            return {self.target: self.estimator.predict(x)}, notes
        chances = self.estimator.predict_proba(x)
        names = np.array(self.classes, dtype=object)
        return {
            self.target: names[chances.argmax(axis=1)],
            **{_of(name): chances[:, i] for i, name in enumerate(self.classes)},
        }, notes


    def _changed(self, x: Any) -> list[str]:
        """Notes about columns of numbers that had one value in training and have others now."""
        constants, notes, place = self.estimator._constants, [], 0
        still = constants.still
        for column in self.columns.columns:
            if isinstance(column, NumberColumn) and still[place]:
                other = x[:, place] != constants.low[place]
                if other.any():
                    example = x[int(other.argmax()), place]
                    notes.append(
                        f"column '{column.name}': {found(f'{example:g}', other)}: training had "
                        f"{constants.low[place]:g} alone; the column says nothing about these rows"
                    )
            place += column.width
        return notes


def _of(name: str) -> str:
    return f"p({name})"
