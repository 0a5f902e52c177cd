"""What every kind of column can do: be recognized, and read cells by what training decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np


@dataclass(frozen=True)
class Values:
    """The cells of a column, read.

    Attributes:
        values: of a number or a truth value float64, NaN for a gap; of a date datetime64[us], NaT
            for a gap; of a category or a text a polars series of strings, null for a gap.
        unread: (rows,) where a cell holds something that this kind cannot read; its value is a gap.
    """

    values: Any
    unread: Any


@dataclass(frozen=True)
class Recognized:
    """A kind that fits a column.

    Attributes:
        kind: how its cells are read.
        reason: why, in a few words, as it is shown.
        odd: what to say about it, a line each.
        read: its cells, where they were read to recognize it.
        mark: where the decimal mark is beyond doubt: that; "?" where another column decides.
    """

    kind: Kind
    reason: str
    odd: tuple[str, ...] = ()
    read: Values | None = None
    mark: str = ""


@dataclass(frozen=True)
class Kind:
    """How the cells of a column are read: a value, plain numbers and text, so that it is saved."""

    type: ClassVar[str]

    @classmethod
    def recognized(cls, cells: Any, reading: Any, asked: bool = False) -> Recognized | None:
        """This kind, where it fits a polars series as it came; None where it does not.

        Arguments:
            cells: strings, cleaned: without blanks around them, null where a word stands for
                nothing in any column; or a type of its own.
            reading: what the user says, a ``Reading``.
            asked: whether the user says this kind: then words that it cannot read are gaps.
        """
        raise NotImplementedError

    def read(self, cells: Any) -> Values:
        """The cells of a polars series, of strings or of a type of its own."""
        raise NotImplementedError

    def shown(self, values: Any) -> str:
        """Their range, or examples, in a few words."""
        raise NotImplementedError


def no_cells(cells: Any) -> Any:
    return np.zeros(len(cells), bool)
