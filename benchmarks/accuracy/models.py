"""The models of the study, each with its defaults, behind the same preparation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from . import peers
from .bags import MEMBERS, Bag
from .tables import CLASSIFICATION, Table

OURS = "evenly"
RAW, SCALED, BOOSTING, LINEAR = "mlp", "mlp scaled", "boosting", "linear"
FAST, BEST = "evenly fast", "evenly best"
_LABELS = {
    OURS: "Evenly",
    FAST: 'Evenly, effort="fast"',
    BEST: 'Evenly, effort="best"',
    SCALED: "MLP, standardized inputs",
    RAW: "MLP as it comes",
    BOOSTING: "gradient boosting",
    LINEAR: "logistic regression / ridge",
    **peers.LABELS,
}
_BAG = " bag"
# A seed changes nothing in these: the members of their bags learn from different rows.
_SEEDLESS = (BOOSTING, "lightgbm")
_APART = 1000  # further than the seeds of all repetitions and folds
LABELS = {
    **_LABELS,
    **{name + _BAG: f"{_LABELS[name]}, bag of {MEMBERS}"
       for name in (SCALED, BOOSTING, *peers.LABELS)},
}
NAMES = tuple(LABELS)


def build(
    name: str, table: Table, seed: int, settings: Mapping[str, Any] | None = None
) -> Pipeline:
    """An untrained model with the preparation in front of it.

    The first member of a bag has the seed that its model has alone.

    Arguments:
        name: one of `NAMES`.
        table: what it is to learn; tells kinds of columns, kind of problem, number of targets.
        seed: for its own random choices.
        settings: of Evenly's estimator where they are not its defaults.

    Raises:
        KeyError: for another name.
    """
    classifies, kind = table.kind == CLASSIFICATION, name.removesuffix(_BAG)
    make = _BUILDERS[name if name in _BUILDERS else kind]
    several = kind in (BOOSTING, *peers.LABELS) and table.targets.ndim == 2

    def one(seed: int) -> BaseEstimator:
        model = make(classifies, seed, dict(settings or {}))
        return MultiOutputRegressor(model) if several else model

    if name in _BUILDERS:
        model = one(seed)
    else:
        members = [one(seed + _APART * i) for i in range(MEMBERS)]
        model = Bag(members, classifies, kind in _SEEDLESS, seed)
    steps = [_preparation(table.inputs)]
    if kind in (SCALED, LINEAR):
        steps.append(StandardScaler())
    return make_pipeline(*steps, model)


def _preparation(inputs: pd.DataFrame) -> ColumnTransformer:
    """Medians for missing numbers; the most frequent text for missing text, one column a value."""
    numbers = [c for c in inputs if pd.api.types.is_numeric_dtype(inputs[c])]
    texts = [c for c in inputs if c not in numbers]
    encode = make_pipeline(
        SimpleImputer(strategy="most_frequent"),
        OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    )
    return ColumnTransformer(
        [("numbers", SimpleImputer(strategy="median"), numbers), ("texts", encode, texts)],
        sparse_threshold=0,
    )


def _evenly(classifies: bool, seed: int, settings: dict[str, Any]) -> BaseEstimator:
    from evenly.estimators import NetClassifier, NetRegressor

    return (NetClassifier if classifies else NetRegressor)(random_state=seed, **settings)


def _plain(classifier: type, regressor: type) -> Callable[..., BaseEstimator]:
    def make(classifies: bool, seed: int, settings: dict[str, Any]) -> BaseEstimator:
        if settings:
            raise ValueError("only Evenly's estimator is tried with other settings")
        return (classifier if classifies else regressor)(random_state=seed)

    return make


def _effort(effort: str) -> Callable[..., BaseEstimator]:
    return lambda classifies, seed, settings: _evenly(
        classifies, seed, {"effort": effort, **settings})


def _peer(name: str, members: int = 1) -> Callable[..., BaseEstimator]:
    def make(classifies: bool, seed: int, settings: dict[str, Any]) -> BaseEstimator:
        if settings:
            raise ValueError("only Evenly's estimator is tried with other settings")
        return peers.build(name, classifies, seed, members)

    return make


_BUILDERS = {
    OURS: _evenly,
    RAW: _plain(MLPClassifier, MLPRegressor),
    SCALED: _plain(MLPClassifier, MLPRegressor),
    BOOSTING: _plain(HistGradientBoostingClassifier, HistGradientBoostingRegressor),
    LINEAR: _plain(LogisticRegression, Ridge),
    FAST: _effort("fast"),
    BEST: _effort("best"),
    **{name: _peer(name) for name in peers.LABELS},
    **{name + _BAG: _peer(name, MEMBERS) for name in peers.PYTABKIT},
}
