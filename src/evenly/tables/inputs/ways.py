"""What a category becomes, by how many levels it has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...errors import ConfigurationError
from .base import Part
from .categories import MAX_CATEGORIES, LevelInputs
from .codes import CodeInputs
from .means import Answers, MeanInputs

# Most levels that get an input each, by what those of more become.
MOST = {"auto": MAX_CATEGORIES, "indicators": MAX_CATEGORIES, "embedding": 9, "target": 9}
MOST_LEVELS = 10_000


@dataclass(frozen=True)
class Ways:
    """The arguments `categories` and `levels` of the estimators for tables.

    Attributes:
        categories: what a category of many levels becomes: ``"auto"`` an input for each of the most
            frequent levels, and means of the target; ``"indicators"`` the first of these alone,
            ``"target"`` the second alone; ``"embedding"`` a row of a learned table.
        levels: from how many on they are many: of more than that. None: 100, or 9 where they become
            something else than inputs of their own.
    """

    categories: str = "auto"
    levels: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.categories, str) or self.categories not in MOST:
            raise ConfigurationError(
                f"categories must be one of {', '.join(map(repr, MOST))}, got {self.categories!r}"
            )
        is_whole = isinstance(self.levels, int) and not isinstance(self.levels, bool)
        if self.levels is not None and not (is_whole and 1 <= self.levels <= MOST_LEVELS):
            raise ConfigurationError(
                f"levels must be a whole number from 1 to {MOST_LEVELS:,}, or None, got "
                f"{self.levels!r}"
            )

    @property
    def most(self) -> int:
        """Most levels that get an input each."""
        return MOST[self.categories] if self.levels is None else self.levels

    def parts(
        self, name: str, values: Any, answers: Answers | None, weights: Any
    ) -> Iterator[Part]:
        """The parts of a category, from its training rows.

        The first row of a table is that of a table that is this column's alone.
        """
        many = values.drop_nulls().n_unique() > self.most
        if many and self.categories == "embedding":
            yield CodeInputs.learn(name, values, 1)
            return
        means = many and answers is not None and self.categories in ("auto", "target")
        if not means or self.categories != "target":
            yield LevelInputs.learn(name, values, self.most)
        if means:
            assert answers is not None
            yield MeanInputs.learn(name, values, answers, weights)
