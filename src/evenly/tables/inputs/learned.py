"""All columns of a table as the inputs of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from ...errors import DataError
from .base import Part
from .categories import MAX_CATEGORIES, LevelInputs
from .dates import DateInputs
from .means import Answers, MeanInputs
from .numbers import NumberInputs
from .words import WordInputs

PARTS = (DateInputs, LevelInputs, MeanInputs, NumberInputs, WordInputs)


@dataclass(frozen=True)
class Inputs:
    """The inputs that the columns of a table make, as the training rows had them.

    Attributes:
        parts: in the order of the inputs: one for each column, two for one of many levels.

    Example:
        >>> import polars as pl
        >>> from evenly.tables import Columns
        >>> table = pl.DataFrame({"size": [1.0, 3.0, None, 2.0], "kind": ["a", "b", "a", "b"]})
        >>> columns = Columns.decide(table)
        >>> values, _ = columns.values(table)
        >>> inputs = Inputs.learn(columns.inputs, values)
        >>> inputs.names
        ('size', 'size (nothing)', 'kind = a', 'kind = b')
        >>> inputs.encode(values)[0].tolist()[2]
        [2.0, 1.0, 1.0, 0.0]
    """

    parts: tuple[Any, ...]

    def __post_init__(self) -> None:
        for part in self.parts:
            if not isinstance(part, Part):
                raise DataError(f"Inputs: expects parts such as NumberInputs, got {part!r}")

    @cached_property
    def names(self) -> tuple[str, ...]:
        """A name for each input."""
        return tuple(name for part in self.parts for name in part.names)

    @cached_property
    def width(self) -> int:
        """How many inputs there are."""
        return sum(part.width for part in self.parts)

    @property
    def notes(self) -> tuple[str, ...]:
        """What columns became that is more than one input a value: a line each."""
        lines = []
        for part in self.parts:
            if isinstance(part, MeanInputs):
                lines.append(
                    f"column '{part.name}': {len(part.levels):,} levels: the {MAX_CATEGORIES - 1} "
                    "most frequent get an input each, all others share one, and the mean of the "
                    "target for each level is an input beside them"
                )
            elif isinstance(part, WordInputs):
                lines.append(f"column '{part.name}': its words as {part.inputs} inputs, by hash")
        return tuple(lines)

    @classmethod
    def learn(
        cls, columns: Sequence[Any], values: Mapping[str, Any], answers: Answers | None = None,
        weights: Any = None,
    ) -> Self:
        """From the training rows alone.

        Arguments:
            columns: those that are inputs, decided.
            values: of the training rows, by column.
            answers: of the training rows; None: categories of many levels get no means of them.
            weights: of the training rows, or None.

        Raises:
            DataError: a column that cannot be an input.
        """
        parts: list[Part] = []
        for column in columns:
            name, kind, own = column.name, column.kind.type, values[column.name]
            if kind in ("number", "boolean"):
                parts.append(NumberInputs.learn(name, own))
            elif kind == "date":
                parts.append(DateInputs.learn(name, own))
            elif kind == "text":
                parts.append(WordInputs.learn(name, own))
            elif kind == "category":
                levels = LevelInputs.learn(name, own)
                parts.append(levels)
                if levels.shares and answers is not None:
                    parts.append(MeanInputs.learn(name, own, answers, weights))
            else:
                raise DataError(f"column '{name}': is no input: its type is {kind}")
        return cls(tuple(parts))

    def encode(self, values: Mapping[str, Any], nothing: Any = None) -> tuple[Any, list[str]]:
        """Rows as the network's inputs.

        Arguments:
            values: by column, as the columns read them.
            nothing: (width,): what each input is where its column says nothing, such as the means
                of training; None: 0.

        Returns:
            (float64 array (rows, width), notes about what is unlike training).
        """
        x = self._empty(values)
        notes, place = [], 0
        for part in self.parts:
            notes += part.write(values[part.name], x[:, place : place + part.width])
            place += part.width
        silent = np.isnan(x)
        if silent.any():
            x[silent] = 0.0 if nothing is None else np.broadcast_to(nothing, x.shape)[silent]
        return x, list(dict.fromkeys(notes))

    def encode_training(
        self, values: Mapping[str, Any], answers: Answers, weights: Any, folds: Any
    ) -> Any:
        """Training rows as the network's inputs: as :meth:`encode`, but that means of the target
        are those of the other folds.

        Arguments:
            values: by column, as the columns read them.
            answers: of these rows.
            weights: of these rows, or None.
            folds: (rows,) the fold of each row.
        """
        x, _ = self.encode(values)
        place = 0
        for part in self.parts:
            if isinstance(part, MeanInputs):
                part.write_training(values[part.name], answers, weights, folds,
                                    x[:, place : place + part.width])
            place += part.width
        return x

    def _empty(self, values: Mapping[str, Any]) -> Any:
        rows = len(next(iter(values.values()))) if values else 0
        return np.empty((rows, self.width))
