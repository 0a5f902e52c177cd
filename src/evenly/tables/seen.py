"""A column as it was read, for the rules about what is odd."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .column import Column
from .kinds import Kind

# Rows by which most columns are told not to be something.
HEAD = 1000


@dataclass
class Seen:
    """A column as it was read.

    Attributes:
        values: as :class:`evenly.tables.kinds.Values` has them.
        series: the same as a polars series, null for a gap.
    """

    name: str
    kind: Kind
    reason: str
    odd: list[str]
    values: Any
    series: Any
    missing: int = 0
    distinct: int = -1
    asked: bool = False
    left_out: str = ""

    @property
    def filled(self) -> int:
        return len(self.series) - self.missing

    @cached_property
    def counts(self) -> Any:
        """How often each value is there: a frame of values and counts, none for gaps."""
        return self.series.drop_nulls().alias("value").value_counts(name="count")

    @cached_property
    def is_index(self) -> bool:
        """Whether the numbers rise by one from row to row."""
        if self.missing or len(self.values) < 3:
            return False
        return bool((np.diff(self.values[:HEAD]) == 1).all() and (np.diff(self.values) == 1).all())

    @property
    def may_be_whole(self) -> bool:
        """Whether the first numbers are whole ones."""
        head = self.values[:HEAD]
        if self.kind.type != "number":
            return False
        return bool((head[np.isfinite(head)] % 1 == 0).all())

    @cached_property
    def ends(self) -> tuple[Any, Any]:
        """The least and the greatest value."""
        if self.kind.type == "date":
            low, high = self.series.min(), self.series.max()
            return np.datetime64(low, "us"), np.datetime64(high, "us")
        return float(self.series.min()), float(self.series.max())

    @property
    def shown(self) -> str:
        """Their range, or examples."""
        ranges = self.kind.type in ("number", "date") and self.filled
        return self.kind.shown(np.array(self.ends) if ranges else self.values)

    def column(self, left_out: str) -> Column:
        """What is kept of it."""
        return Column(self.name, self.kind, self.reason, self.missing, self.distinct,
                      self.shown, left_out, tuple(self.odd), self.asked)
