"""The probability from which on a class or a label is predicted."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from ...errors import ConfigurationError, DataError
from ..fits.held_out import Held
from ..names import is_number, wrong
from .monitor import scored, scorer_of

# Thresholds that are tried at most.
MOST = 200
_WORDS = "None, a probability from 0 to 1"


def is_measure(given: Any) -> bool:
    """Whether a threshold is to be tuned."""
    return isinstance(given, str) or callable(given)


def fixed_threshold(given: Any, classes: int, several: bool) -> Any:
    """A threshold that is said: a number, or (labels,) one for each of several labels; None where
    it is None, or is to be tuned.

    Raises:
        ConfigurationError: something else, or more than two classes.
    """
    if given is None:
        return None
    if not several and classes > 2:
        raise ConfigurationError(
            f"threshold={given!r} is for two classes or several labels, and there are {classes} "
            "classes, of which the likeliest is predicted"
        )
    if is_measure(given):
        scorer = scorer_of("threshold", given, _WORDS)
        method = getattr(scorer, "_response_method", "predict")
        if method != "predict":
            raise ConfigurationError(
                f"threshold={given!r} judges probabilities, and no threshold changes those: take a "
                "measure of predictions, such as 'f1' or 'balanced_accuracy'"
            )
        return None
    if several and isinstance(given, (list, tuple, np.ndarray)):
        if len(given) != classes or not all(_is_probability(each) for each in given):
            raise wrong("threshold", f"{_WORDS}, or one for each of the {classes} labels", given)
        return np.array(given, np.float64)
    if not _is_probability(given):
        raise wrong("threshold", f"{_WORDS}, a name of sklearn.metrics.get_scorer_names(), or a "
                                 "function scorer(estimator, X, y)", given)
    return np.full(classes, float(given)) if several else float(given)


def _is_probability(value: Any) -> bool:
    return is_number(value) and 0 <= value <= 1


class _Decided(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Held-out rows of two classes with their probabilities, and a threshold."""

    def __init__(self, classes: Any, probabilities: Any, X: Any) -> None:
        self.classes_ = classes
        self.probabilities, self.X = probabilities, X
        self.threshold = 0.5

    def predict(self, X: Any) -> Any:
        self._check(X)
        return self.classes_[(self.probabilities >= self.threshold).astype(int)]

    def predict_proba(self, X: Any) -> Any:
        self._check(X)
        return np.stack([1 - self.probabilities, self.probabilities], axis=1)

    def _check(self, X: Any) -> None:
        if X is not self.X:
            raise ValueError("a measure for the threshold must predict the rows that it is given")


def tuned_threshold(
    given: Any, classes: Any, probabilities: Any, held: Held, label: int | None = None
) -> float:
    """The threshold with the largest value of a measure on held-out rows of two classes.

    Tried are the places half way between neighbouring probabilities, at most 200 of them, evenly
    spaced in rank, and 0.5. Of equally good ones it is the one nearest to 0.5.

    Arguments:
        given: the name of a scorer, or a scorer.
        classes: the two labels.
        probabilities: (rows,) of the second.
        held: the rows, targets 0 and 1.
        label: which of several labels it is, for the error.

    Raises:
        DataError: the rows are all of one class, or the measure fails.
    """
    if len(np.unique(held.y)) < 2:
        only = repr(classes.tolist()[held.y[0]]) + ("" if label is None else f" of label {label}")
        raise DataError(
            f"threshold={given!r}: all {len(held.y)} held-out rows are {only}, so no threshold is "
            "better than another: hold out more, validation=0.3, say, or give a number"
        )
    scorer = scorer_of("threshold", given, _WORDS)
    # By name, the second class is the positive one whatever the labels are.
    labels = np.arange(2) if isinstance(given, str) else classes
    told = held._replace(y=labels[held.y])
    decided = _Decided(labels, probabilities, held.X)
    best, value = 0.5, -np.inf
    for threshold in _candidates(probabilities):
        decided.threshold = threshold
        new = scored(scorer, decided, told, f"threshold={given!r}", isinstance(given, str))
        if new > value:
            best, value = threshold, new
    return best


def _candidates(probabilities: Any) -> list[float]:
    """Thresholds to try, the nearest to 0.5 first."""
    values = np.unique(probabilities)
    between = (values[1:] + values[:-1]) / 2
    if len(between) > MOST:
        between = between[np.linspace(0, len(between) - 1, MOST).round().astype(int)]
    every = np.unique(np.r_[between, 0.5])
    return [float(each) for each in every[np.argsort(abs(every - 0.5), kind="stable")]]
