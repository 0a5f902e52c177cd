"""Levels as means of the target: for categories of many levels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from ...errors import DataError
from ...random import generator
from ..plain import found
from .base import Part, codes_of

# A row's own target has no part in its input: the means are of the other folds.
FOLDS = 5


@dataclass(frozen=True)
class Answers:
    """What the training rows are to predict.

    Attributes:
        values: (rows, targets) numbers; or (rows,) numbers of classes.
        names: of the classes, or of the targets; of two classes the second stands for both.
    """

    values: Any
    names: tuple[str, ...]

    @property
    def width(self) -> int:
        """How many means a level has."""
        return len(self.shown)

    @property
    def shown(self) -> tuple[str, ...]:
        """What each mean is of."""
        if self.values.ndim == 2:
            return tuple(f"mean of {name}" for name in self.names)
        return tuple(f"share of {name}" for name in self.names[len(self.names) == 2:])

    def columns(self) -> Iterator[Any]:
        """(rows,) float64, one for each mean."""
        if self.values.ndim == 2:
            yield from np.asarray(self.values, np.float64).T
        else:
            for code in range(len(self.names) == 2, len(self.names)):
                yield (self.values == code).astype(np.float64)


@dataclass(frozen=True)
class MeanInputs(Part):
    """A category of many levels: the mean of the target among the training rows of a level.

    A level's mean is drawn towards that of all rows, the more the fewer rows it has and the less
    levels differ at all: ``m + (m_level - m) * n / (n + within / between)``, with the variance
    within levels and the one between them. Where levels differ by chance alone, all are m, and the
    column says nothing. Training rows get means without them: each of five folds those of the
    other four.

    Attributes:
        name: its header.
        levels: of the training rows, sorted.
        means: for each level one for each target, or for each class its share; then those for other
            levels, and for a gap.
        shown: what each mean is of.

    Source: Micci-Barreca 2001, "A preprocessing scheme for high-cardinality categorical attributes
    in classification and prediction problems"; the variances as in Searle, Casella and McCulloch
    1992, "Variance components", section 3.6.
    """

    of: ClassVar[tuple[str, ...]] = ("category",)
    levels: tuple[str, ...]
    means: tuple[tuple[float, ...], ...]
    shown: tuple[str, ...]

    def __post_init__(self) -> None:
        if list(self.levels) != sorted(set(self.levels)):
            raise DataError(f"column '{self.name}': expects sorted levels, each once")
        width = len(self.shown)
        right = len(self.means) == len(self.levels) + 2 and all(
            len(row) == width and np.isfinite(row).all() for row in self.means
        )
        if not right:
            raise DataError(
                f"column '{self.name}': expects {len(self.levels) + 2} rows of {width} means"
            )

    @classmethod
    def learn(cls, name: str, values: Any, answers: Answers, weights: Any = None) -> Self:
        """From the training rows.

        Arguments:
            name: of the column.
            values: a polars series of strings, null for gaps.
            answers: of the same rows.
            weights: of the rows, or None.
        """
        levels = tuple(values.drop_nulls().unique().sort().to_list())
        codes = _with_gaps(codes_of(values, levels), len(levels))
        means = np.stack([
            _drawn(*_sums(codes, column - column.mean(), weights, len(levels) + 2))
            + column.mean() for column in answers.columns()
        ], axis=1)
        return cls(name, levels, tuple(map(tuple, means.tolist())), answers.shown)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"{self.name} ({what})" for what in self.shown)

    def write(self, values: Any, out: Any) -> list[str]:
        places = codes_of(values, self.levels)
        new = places == len(self.levels)
        out[:] = np.array(self.means)[_with_gaps(places, len(self.levels))]
        if not new.any():
            return []
        return [self._note(
            f"{found(repr(values[int(new.argmax())]), new)}: no such value in training; the mean "
            "of the target is put there"
        )]

    def write_training(
        self, values: Any, answers: Answers, weights: Any, folds: Any, out: Any
    ) -> None:
        """Writes the inputs of training rows: those of each fold by the means of the others."""
        levels = len(self.levels) + 2
        codes = _with_gaps(codes_of(values, self.levels), len(self.levels))
        for place, column in enumerate(answers.columns()):
            middle = column.mean()  # squares of what is far from 0 would lose digits
            sums = _sums(folds * levels + codes, column - middle, weights, FOLDS * levels)
            own = [part.reshape(FOLDS, levels) for part in sums]
            means = np.stack([
                _drawn(*(np.delete(part, fold, axis=0).sum(axis=0) for part in own))
                for fold in range(FOLDS)
            ])
            out[:, place] = means[folds, codes] + middle


def folds_of(rows: Any, seed: int) -> Any:
    """(rows,) the fold of each row, drawn by the seed: repetitions of a row are in one.

    Arguments:
        rows: row numbers, or labels of the groups that rows belong to, in an order of the rows that
            does not depend on these.
        seed: of the choice.
    """
    _, firsts, places = np.unique(rows, return_index=True, return_inverse=True)
    drawn = np.empty(len(firsts), np.int64)
    drawn[np.argsort(firsts)] = generator(seed, "folds").permutation(len(firsts)) % FOLDS
    return drawn[places.reshape(-1)]


def _with_gaps(places: Any, levels: int) -> Any:
    """Places among the levels, other levels, and gaps behind them."""
    return np.where(places < 0, levels + 1, places)


def _sums(codes: Any, column: Any, weights: Any, size: int) -> tuple[Any, Any, Any, Any]:
    """Of each code: weights, weighted sums, weighted squares, rows."""
    w = np.ones(len(column)) if weights is None else weights
    rows = np.bincount(codes, minlength=size).astype(np.float64)
    return (np.bincount(codes, w, size), np.bincount(codes, w * column, size),
            np.bincount(codes, w * column**2, size), rows)


def _drawn(total: Any, sums: Any, squares: Any, rows: Any) -> Any:
    """The means of the levels, drawn towards that of all."""
    if not total.sum() > 0:
        return np.zeros(len(total))
    mean = sums.sum() / total.sum()
    seen = total > 0
    own = np.where(seen, sums / np.where(seen, total, 1.0), mean)
    levels, count = int(seen.sum()), float(rows.sum())
    scale = count / total.sum()  # weights count as rows do on average
    total, squares = total * scale, squares * scale
    # Where no level comes twice, nothing tells what is within levels and what between them.
    if levels < 2 or count <= levels:
        return np.full(len(total), mean)
    within = max(float((squares - total * own**2).sum()), 0.0)
    between = float((total * (own - mean) ** 2).sum())
    # The variances that would, on average, give these sums.
    inside = within / (count - levels)
    size = (count - float((total**2).sum()) / count) / (levels - 1)
    outside = (between / (levels - 1) - inside) / size
    if not outside > 0:
        return np.full(len(total), mean)
    return mean + (own - mean) * total / np.where(seen, total + inside / outside, 1.0)
