"""How much classes and labels count."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...errors import ConfigurationError
from ..names import is_number

_BALANCED = "balanced"


def weighed_rows(given: Any, y: Any, weights: Any, classes: Any) -> Any:
    """Sample weights with those of the classes.

    Arguments:
        given: a dict by class, ``"balanced"`` or None.
        y: (rows,) class numbers.
        weights: (rows,), or None.
        classes: the labels.
    """
    if given is None:
        return weights
    own = np.ones(len(y)) if weights is None else weights
    if isinstance(given, str) and given == _BALANCED:
        each = _balanced(y, own, len(classes))
    elif isinstance(given, dict):
        unknown = set(given) - set(classes.tolist())
        if unknown:
            raise ConfigurationError(
                f"class_weight: no class is {', '.join(map(repr, unknown))}; there are "
                f"{classes.tolist()}"
            )
        for label, value in given.items():
            _expect_weight(value, f"class {label!r}")
        each = np.array([given.get(label, 1.0) for label in classes.tolist()], float)
    else:
        raise ConfigurationError(
            f"class_weight must be a dict, 'balanced' or None, got {given!r}"
        )
    weighed = own * each[y]
    if not weighed.any():
        raise ConfigurationError(
            "class_weight: every class of the training or the validation rows has weight 0"
        )
    return weighed


def _balanced(y: Any, own: Any, classes: int) -> Any:
    """Each class as heavy as the others: rows / (classes * rows of the class)."""
    sums = np.bincount(y, own, classes)
    return own.sum() / (np.count_nonzero(sums) * np.where(sums > 0, sums, 1.0))


def weights_of_labels(given: Any, y: Any, weights: Any) -> Any:
    """(labels, 2): how much the 0s and the 1s of each label count.

    Arguments:
        given: ``"balanced"``; or a list with one entry a label, or a dict by label number (others
            count 1): ``"balanced"``, a pair (of 0, of 1), a dict {0: ..., 1: ...}, a number (of
            1), or None.
        y: (rows, labels) of 0 and 1.
        weights: (rows,), or None.
    """
    labels = y.shape[1]
    if isinstance(given, str) and given == _BALANCED:
        each: Any = [_BALANCED] * labels
    elif isinstance(given, dict):
        unknown = set(given) - set(range(labels))
        if unknown:
            raise ConfigurationError(
                f"class_weight: no label is {', '.join(map(repr, unknown))}; with several labels a "
                f"row they have the numbers 0 to {labels - 1}"
            )
        each = [given.get(label) for label in range(labels)]
    elif isinstance(given, (list, tuple, np.ndarray)) and len(given) == labels:
        each = list(given)
    else:
        raise ConfigurationError(
            f"class_weight: with several labels a row it is 'balanced', a list of {labels} dicts "
            "{0: ..., 1: ...}, one a label, or a dict of such by label number, got " f"{given!r}"
        )
    own = np.ones(len(y)) if weights is None else weights
    pairs = np.array([_pair(value, label, y[:, label], own) for label, value in enumerate(each)])
    if not (own @ np.where(y == 1, pairs[:, 1], pairs[:, 0])).any():
        raise ConfigurationError("class_weight: all that there is of every label has weight 0")
    return pairs


def _pair(value: Any, label: int, y: Any, own: Any) -> tuple[float, float]:
    where = f"label {label}"
    if value is None:
        return 1.0, 1.0
    if isinstance(value, str) and value == _BALANCED:
        no, yes = _balanced(y, own, 2)
        return float(no), float(yes)
    if isinstance(value, dict):
        if set(value) - {0, 1}:
            raise ConfigurationError(
                f"class_weight: expects weights of 0 and of 1 for {where}, got {value!r}"
            )
        value = value.get(0, 1.0), value.get(1, 1.0)
    elif is_number(value):
        value = 1.0, value
    if not isinstance(value, (list, tuple, np.ndarray)) or len(value) != 2:
        raise ConfigurationError(
            f"class_weight: expects a pair (of 0, of 1), a dict {{0: ..., 1: ...}} or a number (of "
            f"1) for {where}, got {value!r}"
        )
    for each in value:
        _expect_weight(each, where)
    return float(value[0]), float(value[1])


def of_mean_one_by_label(pairs: Any, y: Any, weights: Any) -> Any:
    """The same with mean 1 over all that there is of all labels."""
    own = np.ones(len(y)) if weights is None else weights
    mean = own @ np.where(y == 1, pairs[:, 1], pairs[:, 0]).mean(axis=1) / own.sum()
    return pairs / mean


def _expect_weight(value: Any, where: str) -> None:
    if not is_number(value) or not 0 <= value < math.inf:
        raise ConfigurationError(
            f"class_weight: expects a number of at least 0, got {value!r} for {where}"
        )
