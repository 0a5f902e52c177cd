"""Estimators that answer by frozen weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.utils.validation import check_is_fitted

from ..errors import ConfigurationError
from ..estimators import NetClassifier, NetRegressor, NetTransformer
from ..estimators.inference import scores_by
from ..training import Model


class _FrozenScores:
    """In the place of an estimator's own way to its network's outputs."""

    def __init__(self, model: Model, engine: Any) -> None:
        self.model, self._engine = model, engine

    def scores(self, x: Any, prepare: Callable[[Any], Any]) -> Any:
        return scores_by(self._engine, x, prepare)


def twin_of(estimator: Any, frozen: Callable[[Model], Any]) -> Any:
    """The same estimator, with an engine of `frozen` for its network."""
    inner = net_of(estimator)
    twin = object.__new__(type(inner))
    vars(twin).update(vars(inner), _predictor=_FrozenScores(inner.model_, frozen(inner.model_)))
    if inner is estimator:
        return twin
    outer = object.__new__(type(estimator))
    vars(outer).update(vars(estimator), estimator_=twin)
    return outer


def outputs_of(estimator: Any, x: Any) -> Any:
    """The network's outputs, (rows, outputs), for rows as the estimator takes them."""
    inner = net_of(estimator)
    return inner._scores(x if inner is estimator else estimator.encode(x)[0])


def net_of(estimator: Any) -> Any:
    """The estimator whose network it is: itself, or the one within that of a table.

    Raises:
        ConfigurationError: another kind of estimator.
        NotFittedError: before its fit.
    """
    name = type(estimator).__name__
    if isinstance(estimator, NetTransformer):
        raise ConfigurationError("Predictor: a NetTransformer predicts nothing: take its transform")
    if isinstance(estimator, (NetClassifier, NetRegressor)):
        check_is_fitted(estimator, "model_")
        return estimator
    if hasattr(type(estimator), "encode") and type(estimator).__module__.startswith("evenly."):
        check_is_fitted(estimator)
        return estimator.estimator_
    raise ConfigurationError(
        f"Predictor: a {name} is none of evenly's estimators"
        + (": take its last step, and let the others transform its rows: "
           "Predictor(pipeline[-1]).predict(pipeline[:-1].transform(x))"
           if hasattr(estimator, "steps") else
           ": give a NetClassifier, NetRegressor, TableClassifier or TableRegressor")
    )
