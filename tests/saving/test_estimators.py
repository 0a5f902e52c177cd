"""Fitted estimators come back as they were."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn import model_selection
from sklearn.metrics import f1_score, make_scorer

import evenly as ev
from evenly.errors import ConfigurationError
from evenly.estimators import NetClassifier, NetRegressor, NetTransformer
from evenly.estimators.answers.monitor import FROM_HELD
from evenly.saving import load, save
from tests.saving.common import assert_same, assert_same_model

RNG = np.random.default_rng(0)
X = RNG.normal(3, 2, (60, 4))
SMALL: dict[str, Any] = {"hidden": (8,), "max_epochs": 2, "random_state": 0}


def again(path: Any, what: Any, **settings: Any) -> Any:
    save(path, what)
    return load(path, **settings)


def assert_same_estimator(got: Any, wanted: Any) -> None:
    assert type(got) is type(wanted)
    ours, theirs = wanted.get_params(deep=False), got.get_params(deep=False)
    assert theirs.keys() == ours.keys()
    for name, value in ours.items():
        if hasattr(value, "split"):
            assert repr(theirs[name]) == repr(value)
            assert type(theirs[name]) is type(value)
        elif isinstance(value, np.ndarray):
            assert_same(theirs[name], value)
        elif not isinstance(value, np.random.RandomState):
            assert theirs[name] == value, name
            assert type(theirs[name]) is type(value), name
    assert vars(got).keys() == vars(wanted).keys()
    assert_same_model(got.model_, wanted.model_)
    assert (got.n_iter_, got.best_epoch_) == (wanted.n_iter_, wanted.best_epoch_)
    for name in ("scaler_", "target_scaler_"):
        mine, its = (getattr(e, name, None) for e in (wanted, got))
        assert (mine is None) == (its is None)
        if mine is not None:
            assert vars(its).keys() == vars(mine).keys()
            for key, value in vars(mine).items():
                assert np.array_equal(getattr(its, key), value), key
    assert got.n_features_in_ == wanted.n_features_in_
    for name in FROM_HELD:
        assert type(getattr(got, name, None)) is type(getattr(wanted, name, None)), name
        assert np.array_equal(getattr(got, name, None), getattr(wanted, name, None)), name


LABELS = {
    "numbers": np.arange(60) % 3, "texts": np.array(["yes", "no"])[np.arange(60) % 2],
    "objects": np.array(["yes", "no"], object)[np.arange(60) % 2],
    "floats": np.arange(60) % 2 + 1.0, "truth": np.arange(60) % 2 == 0,
    "several": (RNG.random((60, 3)) > 0.5).astype(int),
}


@pytest.mark.parametrize("kind", LABELS)
def test_classifiers(kind, tmp_path):
    net = NetClassifier(**SMALL).fit(X, LABELS[kind])
    twin = again(tmp_path / "m", net)
    assert_same_estimator(twin, net)
    assert_same(twin.predict_proba(X), net.predict_proba(X))
    assert (twin.predict(X) == net.predict(X)).all()
    assert np.array_equal(twin.classes_, net.classes_)
    assert twin.classes_.dtype == net.classes_.dtype


@pytest.mark.parametrize("targets", [1, 2])
@pytest.mark.parametrize("scale", [True, False])
def test_regressors(targets, scale, tmp_path):
    y = 100 + 50 * X[:, :targets]
    y = y[:, 0] if targets == 1 else y
    net = NetRegressor(scale=scale, **SMALL).fit(X, y)
    twin = again(tmp_path / "m", net)
    assert_same_estimator(twin, net)
    assert_same(twin.predict(X), net.predict(X))


PARAMS = [
    {"net": ev.Sequential([ev.Dense(3, kernel_init=ev.Orthogonal()), ev.Dense(2)])},
    {"hidden": [8, 4], "activation": ("relu", ev.ELU(0.5)), "norm": [None, "layer"]},
    {"class_weight": {0: 1.0, 1: np.float64(2.5)}}, {"class_weight": "balanced"},
    {"schedule": ev.LinearWarmup(2, then=ev.CosineDecay())}, {"augment": ev.Mixup(0.1)},
    {"schedule": ev.ReduceOnPlateau(monitor="loss")}, {"schedule": ev.MultiStepDecay([1, 3])},
    {"optimizer": ev.Momentum(0.01), "penalty": ev.L1(0.01), "clip": ev.ClipNorm(1.0)},
    {"constraint": ev.MaxNorm(2.0), "hidden": np.int64(5), "dropout": np.float32(0.25)},
    {"dtype": "float64", "scale": False, "n_jobs": 1, "early_stopping": False},
    {"init": ev.HeUniform(), "batch": None},
    {"validation": 0.3, "monitor": "roc_auc", "threshold": "f1", "calibrate": True},
    {"validation": np.arange(60) % 5 == 0, "monitor": "score", "threshold": 0.3},
    {"validation": [i % 5 == 1 for i in range(60)], "threshold": np.float64(0.25)},
    *({"schedule": s} for s in (
        ev.CosineRestarts(2), ev.FlatCosine(0.3), ev.LogCosine(3),
        ev.ExponentialDecay(0.9), ev.InverseTimeDecay(0.1), ev.OneCycle(),
        ev.PolynomialDecay(), ev.StepDecay(2))),
]


@pytest.mark.parametrize("params", PARAMS, ids=lambda p: str(p)[:60])
def test_every_argument(params, tmp_path):
    net = NetClassifier(**{**SMALL, **params}).fit(X, np.arange(60) % 2)
    twin = again(tmp_path / "m", net)
    assert_same_estimator(twin, net)
    assert_same(twin.predict_proba(X), net.predict_proba(X))


SPLITTERS = [
    model_selection.KFold(4, shuffle=True, random_state=3), model_selection.StratifiedKFold(3),
    model_selection.ShuffleSplit(1, test_size=0.3, random_state=np.random.RandomState(1)),
    model_selection.GroupShuffleSplit(2, train_size=0.5), model_selection.LeaveOneGroupOut(),
    model_selection.PredefinedSplit(np.where(np.arange(60) % 3 == 0, 0, -1)),
    model_selection.TimeSeriesSplit(3, gap=1), model_selection.GroupKFold(3),
    model_selection.StratifiedGroupKFold(3), model_selection.LeavePGroupsOut(2),
    model_selection.StratifiedShuffleSplit(1, test_size=20),
]


@pytest.mark.parametrize("splitter", SPLITTERS, ids=lambda s: type(s).__name__)
def test_splitters(splitter, tmp_path):
    y, groups = np.arange(60) % 2, np.arange(60) // 6
    net = NetClassifier(**SMALL, validation=splitter)
    net.fit(X, y, groups=groups if "Group" in type(splitter).__name__ else None)
    twin = again(tmp_path / "m", net)
    if "RandomState" not in repr(splitter):
        assert_same_estimator(twin, net)
    assert_same(twin.predict_proba(X), net.predict_proba(X))
    assert vars(twin.validation).keys() == vars(splitter).keys()


def test_what_was_learned_from_held_out_rows(tmp_path):
    y = (RNG.random((60, 3)) > 0.5).astype(int)
    net = NetClassifier(**SMALL, validation=0.5, threshold="f1", calibrate=True, monitor="score",
                        class_weight=[{0: 1, 1: 2.0}, None, (1, 3)]).fit(X, y)
    twin = again(tmp_path / "m", net)
    assert_same_estimator(twin, net)
    assert_same(twin.predict(X), net.predict(X))
    assert_same(twin.predict_proba(X), net.predict_proba(X))
    assert twin.temperature_ == net.temperature_ != 1
    assert_same(twin.monitor_curve_, net.monitor_curve_)
    for settings in ({"interval_fraction": 0.4, "monitor": "r2", "validation": 0.3},
                     {"validation": 0.4}):
        wide = NetRegressor(**SMALL, **settings).fit(X, X[:, :2])
        twin = again(tmp_path / "m", wide)
        assert_same_estimator(twin, wide)
        if "interval_fraction" in settings:
            assert_same(twin.predict_interval(X), wide.predict_interval(X))
        else:
            with pytest.warns(UserWarning, match="early stopping watched"):
                twin.predict_interval(X)


def own_split(X, y=None, groups=None):
    return iter([(np.arange(30), np.arange(30, 60))])


@pytest.mark.parametrize(("params", "words"), [
    ({"callbacks": [len]}, r"callbacks of this NetClassifier .*set_params\(callbacks=\(\)\)"),
    ({"monitor": make_scorer(f1_score)}, "monitor of this NetClassifier is a function"),
    ({"threshold": make_scorer(f1_score)}, r"set_params\(threshold=None\) takes it out"),
    ({"validation": model_selection.RepeatedKFold()}, "RepeatedKFold.*a file cannot hold"),
    ({"validation": type("KFold", (model_selection.KFold,), {})(3)}, "a file cannot hold"),
])
def test_functions_are_refused(params, words, tmp_path):
    net = NetClassifier(**SMALL).fit(X, np.arange(60) % 2).set_params(**params)
    with pytest.raises(ConfigurationError, match=words):
        save(tmp_path / "m", net)
    plain = {name: NetClassifier().get_params()[name] for name in params}
    save(tmp_path / "m", net.set_params(**plain))


def test_a_random_state_goes_on(tmp_path):
    y = np.arange(60) % 2
    net = NetClassifier(**{**SMALL, "random_state": np.random.RandomState(3)}).fit(X, y)
    twin = again(tmp_path / "m", net)
    assert_same(twin.fit(X, y).predict_proba(X), net.fit(X, y).predict_proba(X))


def test_feature_names(tmp_path):
    frame = pd.DataFrame(X, columns=["a", "b", "ü", "d"])
    net = NetRegressor(**SMALL).fit(frame, X[:, 0])
    twin = again(tmp_path / "m", net)
    assert_same_estimator(twin, net)
    assert twin.feature_names_in_.dtype == object
    assert twin.feature_names_in_.tolist() == ["a", "b", "ü", "d"]
    assert_same(twin.predict(frame), net.predict(frame))
    with pytest.raises(ValueError, match="feature names"):
        twin.predict(frame.rename(columns={"a": "other"}))


def test_sparse_rows(tmp_path):
    rows = scipy.sparse.random(60, 9, 0.3, format="csr", random_state=0)
    net = NetClassifier(**SMALL).fit(rows, np.arange(60) % 2)
    twin = again(tmp_path / "m", net)
    assert_same_estimator(twin, net)
    assert_same(twin.predict_proba(rows), net.predict_proba(rows))


@pytest.mark.parametrize("optimizer", [ev.Adam(), ev.Momentum(), ev.NAdam(), ev.Adagrad()],
                         ids=repr)
@pytest.mark.parametrize("begin", ["partial_fit", "fit"])
@pytest.mark.parametrize("kind", [NetClassifier, NetRegressor])
def test_partial_fit_goes_on_as_if_never_interrupted(kind, begin, optimizer, tmp_path):
    y = np.arange(60) % 3 if kind is NetClassifier else X[:, 0] * 100
    extra = {"classes": [0, 1, 2]} if kind is NetClassifier and begin == "partial_fit" else {}
    net = kind(**{**SMALL, "optimizer": optimizer})
    getattr(net, begin)(X[:40], y[:40], **extra)
    twin = again(tmp_path / "m", net)
    for part in (slice(20, 50), slice(30, 60)):
        net.partial_fit(X[part], y[part])
        twin.partial_fit(X[part], y[part])
    assert_same_model_but_time(twin, net)
    assert_same(twin.predict(X), net.predict(X))


def assert_same_model_but_time(got: Any, wanted: Any) -> None:
    for estimator in (got, wanted):
        assert len(estimator.model_.history) == estimator.n_iter_
        estimator.model_.history = ev.History()
    assert_same_model(got.model_, wanted.model_)


def test_warm_start_goes_on(tmp_path):
    y = np.arange(60) % 2
    net = NetClassifier(warm_start=True, **SMALL).fit(X, y)
    twin = again(tmp_path / "m", net)
    assert_same(twin.fit(X, y).predict_proba(X), net.fit(X, y).predict_proba(X))


def test_what_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="not fitted: call fit first"):
        save(tmp_path / "m", NetRegressor())
    net = NetRegressor(**SMALL).fit(X, X[:, 0])
    with pytest.raises(ConfigurationError, match="NetTransformer is not fitted: call fit first"):
        save(tmp_path / "m", NetTransformer(estimator=net))
    with pytest.raises(ConfigurationError, match="must be a Model"):
        save(tmp_path / "m", net, classes=[1])
    own = type("NetRegressor", (NetRegressor,), {})(**SMALL).fit(X, X[:, 0])
    with pytest.raises(ConfigurationError, match="expects a Model, a NetClassifier"):
        save(tmp_path / "m", own)
    assert not list(tmp_path.iterdir())
