"""One temperature for a classifier's scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import brentq

from ...layers.special import logistic, softplus

# Temperatures lie between.
COLDEST, HOTTEST = 0.01, 100.0


def best_temperature(scores: Any, y: Any, weights: Any = None) -> float:
    """The temperature T by which ``scores / T`` have the smallest log loss.

    The loss is convex in ``1 / T``: T is where its slope is 0, to the last digits, in float64. It
    lies between 0.01 and 100. Where no score speaks against its target, the loss has no smallest
    value: it falls for ever as T does, and the rows cannot say how sure is too sure. T is then
    where the loss is ``log((n + 2) / (n + 1))``: n right answers of n attest a probability of
    (n + 1) / (n + 2), by Laplace's rule of succession.

    Arguments:
        scores: (rows, classes) before the softmax; or, of yes and no, log odds of any shape.
        y: (rows,) class numbers, or 0 and 1 of the log odds' shape.
        weights: (rows,), or None: 1 each.

    Source: Guo, Pleiss, Sun and Weinberger 2017, "On calibration of modern neural networks".

    Example:
        >>> scores = np.array([[4.0, 0.0], [4.0, 0.0], [4.0, 0.0], [4.0, 0.0]])
        >>> t = best_temperature(scores, np.array([0, 0, 0, 1]))
        >>> round(float(1 / (1 + np.exp(-4 / t))), 6)    # three of four are right
        0.75
    """
    scores = np.asarray(scores, np.float64)
    own = np.ones(len(scores)) if weights is None else np.asarray(weights, np.float64)
    if scores.shape == np.shape(y):
        n = float(scores.size)
        own = np.broadcast_to(own.reshape(-1, *(1,) * (scores.ndim - 1)), scores.shape)
        margins = np.where(np.asarray(y) > 0, scores, -scores)
        least = margins[own > 0].min()

        def loss(b: float) -> float:
            return float(np.average(softplus(np, -b * margins), weights=own))

        def slope(b: float) -> float:
            return float(np.average(-margins * logistic(np, -b * margins), weights=own))
    else:
        n = float(len(scores))
        y = np.asarray(y)
        # Behind the right class's score: of the others' alone nothing cancels.
        behind = scores - np.take_along_axis(scores, y[:, None], axis=1)
        others = np.ones(scores.shape, bool)
        others[np.arange(len(y)), y] = False
        least = -behind[others & (own > 0)[:, None]].max()

        def loss(b: float) -> float:
            top = (b * behind).max(axis=1, keepdims=True)
            rest = np.where(others, np.exp(b * behind - top), 0).sum(axis=1)
            total = rest + np.exp(-top[:, 0])
            each = np.where(top[:, 0] > 0, np.log(total) + top[:, 0], np.log1p(rest))
            return float(np.average(each, weights=own))

        def slope(b: float) -> float:
            powers = np.exp(b * behind - (b * behind).max(axis=1, keepdims=True))
            mean = (powers * behind).sum(axis=1) / powers.sum(axis=1)
            return float(np.average(mean, weights=own))

    if least >= 0:  # nothing speaks against any target
        if slope(1.0) == 0 and loss(1.0) == loss(COLDEST):  # nor for it: no score differs
            return 1.0
        wanted = np.log((n + 2) / (n + 1))
        return _where(lambda b: wanted - loss(b))
    return _where(slope)


def _where(rising: Callable[[float], float]) -> float:
    """The temperature at which a function that falls with it is 0, or the nearest end."""
    if rising(1 / HOTTEST) >= 0:
        return HOTTEST
    if rising(1 / COLDEST) <= 0:
        return COLDEST
    root = brentq(lambda u: rising(float(np.exp(u))), -np.log(HOTTEST), -np.log(COLDEST),
                  xtol=1e-14, rtol=1e-14)
    return float(np.exp(-root))
