"""The two parts of a table for one seed: split, filled, encoded and scaled."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

import evenly as ev

from ..tables.division import taken
from ..tables.inputs import Inputs, LevelInputs, WordInputs
from ..tables.inputs.means import folds_of
from .data import Table
from .designs import Design
from .errors import StudyError
from .parts import Rows, make_parts, random_parts


@dataclass(frozen=True)
class Split:
    """Inputs (rows, columns) or (rows, ..., channels) as float32; targets as class codes, or as
    numbers in deviations: times `deviation`, plus `mean`, they are in their own units."""

    x_train: npt.NDArray[np.float32]
    y_train: npt.NDArray[Any]
    x_test: npt.NDArray[np.float32]
    y_test: npt.NDArray[Any]
    mean: float = 0.0
    deviation: float = 1.0

    def in_units(self, numbers: Any) -> npt.NDArray[np.float64]:
        """Numbers to predict in their own units."""
        return np.asarray(numbers, np.float64) * self.deviation + self.mean


def make_split(
    table: Table,
    seed: int,
    test_fraction: float,
    shape: tuple[int, ...] = (),
    parts: tuple[Rows, Rows] | None = None,
) -> Split:
    """Split a table by seed, classes in equal parts, and prepare both parts.

    Columns become inputs as those of :class:`evenly.TableClassifier` do, and all of it is learned
    from the training part alone: medians that fill gaps, levels that get an input, means of the
    target, means and deviations that scale. One-hot inputs and hashed words are not scaled. A level
    that training never saw is all zeros, and so is an input, or a channel, of one value in
    training: nothing is learned about it. Numbers to predict are scaled too, which leaves R² as it
    is.

    Images and sequences have no gaps and no text. Each channel or feature is scaled by its mean and
    deviation over all positions.

    Args:
        table: the checked table.
        seed: names the split.
        test_fraction: the part of the rows for testing.
        shape: of one example for the network; columns where it has fewer than two axes.
        parts: the rows that train and those that test; None draws them.

    Raises:
        StudyError: numbers so far from all others that scaling them overflows.
    """
    train, test = parts or random_parts(table, seed, test_fraction)
    if len(shape) > 1:
        x_train, x_test = _examples(table, shape, train, test)
    else:
        x_train, x_test = _inputs(table, seed, train, test)
    y_train, y_test = table.target[train], table.target[test]
    mean, deviation = 0.0, 1.0
    if not table.classes:
        # A target that never varies in training is missed by as much as it varies in the test.
        scaler = replace(ev.Standardizer().fit(y_train[:, None]), constant=None)
        mean, deviation = float(scaler.mean[0]), float(scaler.deviation[0])
        with np.errstate(over="ignore"):  # what is infinite then is told below
            y_train, y_test = (scaler.transform(part[:, None])[:, 0].astype(np.float32)
                               for part in (y_train, y_test))
    for part in (x_train, x_test, y_train, y_test):
        if not np.isfinite(part).all():
            raise StudyError(
                f"{table.name}: some numbers of the test part of seed {seed} are too far from "
                "those of the training part to be scaled: look for outliers"
            )
    return Split(x_train, y_train, x_test, y_test, mean, deviation)


def _inputs(
    table: Table, seed: int, train: npt.NDArray[Any], test: npt.NDArray[Any]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    taught, answers = taken(table.values, train), table.answers_of(train)
    inputs = Inputs.learn(table.columns, taught, answers)
    alike = train if table.groups is None else table.groups[train]
    filled_train = inputs.encode_training(taught, answers, None, folds_of(alike, seed))
    # One-hot inputs stay 0 and 1: a rare value scaled to deviation 1 would be a huge number.
    scaled = np.concatenate([
        np.full(part.width, not isinstance(part, (LevelInputs, WordInputs)))
        for part in inputs.parts
    ])
    nothing = np.where(scaled, filled_train.mean(axis=0), 0.0)
    filled_test, _ = inputs.encode(taken(table.values, test), nothing)
    with np.errstate(over="ignore", invalid="ignore"):
        parts = [part.astype(np.float32) for part in (filled_train, filled_test)]
        if scaled.any():
            scaler = ev.Standardizer().fit(filled_train[:, scaled])
            for part, filled in zip(parts, (filled_train, filled_test), strict=True):
                part[:, scaled] = scaler.transform(filled[:, scaled])
    still = filled_train.min(axis=0) == filled_train.max(axis=0)
    for part in parts:
        part[:, still] = 0
    return parts[0], parts[1]


def _examples(
    table: Table, shape: tuple[int, ...], train: npt.NDArray[Any], test: npt.NDArray[Any]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    x = table.array.reshape(-1, *shape)
    scaler = ev.Standardizer(channels=True).fit(x[train])
    with np.errstate(over="ignore", invalid="ignore"):
        x_train, x_test = (scaler.transform(x[part]).astype(np.float32) for part in (train, test))
    return x_train, x_test


class SplitStore:
    """Makes each seed's split once, for whichever thread asks first, and drops it after its last.

    Args:
        table: the table to split.
        design: how.
        shape: of one example for the network.
        uses: how often each split is asked for before it is dropped.
        most: how many splits are kept: of seeds whose other runs are done elsewhere, the last
            asked for.
    """

    def __init__(
        self, table: Table, design: Design, shape: tuple[int, ...], uses: int, most: int = 1
    ) -> None:
        self.table = table
        self.design = design
        self.shape = shape
        self.uses = uses
        self.most = most
        self._lock = threading.Lock()
        self._made: dict[int, tuple[Split, int]] = {}

    def take(self, seed: int) -> Split:
        """The split of a seed."""
        with self._lock:
            split, left = self._made.pop(seed, (None, self.uses))
            if split is None:
                parts = make_parts(self.table, self.design, seed)
                split = make_split(
                    self.table, seed, self.design.test_fraction, self.shape, parts
                )
            if left > 1:
                self._made[seed] = (split, left - 1)
            while len(self._made) > self.most:
                del self._made[next(iter(self._made))]
            return split
