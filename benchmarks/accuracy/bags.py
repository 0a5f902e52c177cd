"""Five models of one kind as one: what a rival is with as many members as an ensemble has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import KFold, StratifiedKFold

MEMBERS = 5


class Bag(BaseEstimator):
    """The mean of what several models predict: of probabilities, or of numbers.

    Arguments:
        members: untrained models, each with a seed of its own.
        classifies: whether the targets are classes.
        parts: each learns without another part of the rows, of as many parts as there are
            members: for models that are the same with every seed.
        seed: of the parts.
    """

    def __init__(
        self, members: Sequence[BaseEstimator], classifies: bool, parts: bool, seed: int
    ) -> None:
        self.members, self.classifies, self.parts, self.seed = members, classifies, parts, seed

    def fit(self, X: Any, y: Any) -> Bag:
        inputs, targets = np.asarray(X), np.asarray(y)
        if self.classifies:
            self.classes_ = np.unique(targets)
        parts = zip(self.members, self._rows(inputs, targets), strict=True)
        self.members_ = [clone(member).fit(inputs[r], targets[r]) for member, r in parts]
        return self

    def _rows(self, inputs: np.ndarray, targets: np.ndarray) -> list[np.ndarray]:
        if not self.parts:
            return [np.arange(len(inputs))] * len(self.members)
        kind = StratifiedKFold if self.classifies else KFold
        folds = kind(len(self.members), shuffle=True, random_state=self.seed)
        return [train for train, _ in folds.split(inputs, targets)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """A class that a member's part did not have is never given by that member."""
        total = np.zeros((len(X), len(self.classes_)))
        for member in self.members_:
            columns = np.searchsorted(self.classes_, member.classes_)
            total[:, columns] += member.predict_proba(np.asarray(X))
        return total / len(self.members_)

    def predict(self, X: Any) -> np.ndarray:
        if self.classifies:
            return self.classes_[self.predict_proba(X).argmax(axis=1)]
        return np.mean([member.predict(np.asarray(X)) for member in self.members_], axis=0)
