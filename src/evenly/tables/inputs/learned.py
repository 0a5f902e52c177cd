"""All columns of a table as the inputs of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from ...errors import DataError
from .base import Part
from .categories import LevelInputs
from .codes import NOTHING, CodeInputs
from .dates import DateInputs
from .means import Answers, MeanInputs
from .numbers import NumberInputs
from .ways import Ways
from .words import WordInputs

PARTS = (CodeInputs, DateInputs, LevelInputs, MeanInputs, NumberInputs, WordInputs)


@dataclass(frozen=True)
class Inputs:
    """The inputs that the columns of a table make, as the training rows had them.

    Attributes:
        parts: in the order of the inputs: one for each column, two for one of many levels; behind
            them those that are row numbers of a table, whose rows follow each other.

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
        codes, row = self.codes, NOTHING + 1
        for part in codes:
            if part.first != row:
                raise DataError(f"Inputs: the rows of '{part.name}' begin at {part.first}, and "
                                f"those in front of them end before {row}")
            row += part.rows
        if self.parts[len(self.parts) - len(codes) :] != codes:
            raise DataError("Inputs: row numbers stand behind all other inputs")

    @cached_property
    def names(self) -> tuple[str, ...]:
        """A name for each input."""
        return tuple(name for part in self.parts for name in part.names)

    @cached_property
    def width(self) -> int:
        """How many inputs there are."""
        return sum(part.width for part in self.parts)

    @cached_property
    def codes(self) -> tuple[CodeInputs, ...]:
        """Those that are row numbers of a learned table, the last of the inputs."""
        return tuple(part for part in self.parts if isinstance(part, CodeInputs))

    @property
    def table_rows(self) -> int:
        """How many rows that table has; 0 where there is none."""
        return self.codes[-1].first + self.codes[-1].rows if self.codes else 0

    @property
    def notes(self) -> tuple[str, ...]:
        """What columns became that is more than one input a value: a line each."""
        lines = []
        for part in self.parts:
            if isinstance(part, MeanInputs):
                own = next((len(one.levels) for one in self.parts
                            if one.name == part.name and isinstance(one, LevelInputs)), 0)
                lines.append(
                    f"column '{part.name}': {len(part.levels):,} levels: " + (
                        f"the {own} most frequent get an input each, all others share one, and the "
                        "mean of the target for each level is an input beside them"
                        if own else "the mean of the target for each is an input"))
            elif isinstance(part, CodeInputs):
                once = ", those that come once share one" if part.shares else ""
                lines.append(f"column '{part.name}': {len(part.levels):,} levels as rows of a "
                             f"learned table{once}")
            elif isinstance(part, WordInputs):
                lines.append(f"column '{part.name}': its words as {part.inputs} inputs, by hash")
        return tuple(lines)

    @classmethod
    def learn(
        cls, columns: Sequence[Any], values: Mapping[str, Any], answers: Answers | None = None,
        weights: Any = None, ways: Ways | None = None,
    ) -> Self:
        """From the training rows alone.

        Arguments:
            columns: those that are inputs, decided.
            values: of the training rows, by column.
            answers: of the training rows; None: categories of many levels get no means of them.
            weights: of the training rows, or None.
            ways: what categories become; None: as by default.

        Raises:
            DataError: a column that cannot be an input.
        """
        parts: list[Part] = []
        ways, row = ways or Ways(), NOTHING + 1
        for column in columns:
            name, kind, own = column.name, column.kind.type, values[column.name]
            if kind in ("number", "boolean"):
                parts.append(NumberInputs.learn(name, own))
            elif kind == "date":
                parts.append(DateInputs.learn(name, own))
            elif kind == "text":
                parts.append(WordInputs.learn(name, own))
            elif kind == "category":
                parts += ways.parts(name, own, answers, weights)
            else:
                raise DataError(f"column '{name}': is no input: its type is {kind}")
        codes = []
        for part in [one for one in parts if isinstance(one, CodeInputs)]:
            codes.append(replace(part, first=row))
            row += part.rows
        return cls((*(one for one in parts if not isinstance(one, CodeInputs)), *codes))

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
