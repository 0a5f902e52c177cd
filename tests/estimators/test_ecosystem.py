"""The estimators among other people's tools."""

import copy
import io
import os
import pickle
import subprocess
import sys
import threading
from dataclasses import dataclass

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

import evenly as ev
from evenly.engine.checks import allowed_threads
from evenly.estimators import NetClassifier, NetRegressor, NetTransformer
from evenly.estimators.settings import threads_of
from evenly.native import processors

from .common import QUICK, classes, labels, numbers

X, Y = classes()
NAMES = [f"column {i}" for i in range(6)]


def through_joblib(value):
    file = io.BytesIO()
    joblib.dump(value, file)
    file.seek(0)
    return joblib.load(file)


COPIES = [lambda v: pickle.loads(pickle.dumps(v)), through_joblib, copy.deepcopy, copy.copy]


@pytest.mark.parametrize("copied", COPIES)
@pytest.mark.parametrize("kind", [NetClassifier, NetRegressor, NetTransformer])
def test_copies_give_the_same_to_the_bit(kind, copied):
    fitted = kind(**QUICK).fit(X, Y)
    twin = copied(fitted)
    method = "transform" if kind is NetTransformer else "predict"
    assert np.array_equal(getattr(twin, method)(X), getattr(fitted, method)(X))
    assert twin.history_ == fitted.history_ if kind is not NetTransformer else True


@pytest.mark.parametrize("copied", COPIES)
def test_copies_know_what_was_learned_from_held_out_rows(copied):
    net = NetClassifier(**QUICK, threshold="f1", calibrate=True, monitor="roc_auc").fit(X, Y > 0)
    twin = copied(net)
    assert (twin.threshold_, twin.temperature_) == (net.threshold_, net.temperature_)
    assert np.array_equal(twin.monitor_curve_, net.monitor_curve_)
    assert np.array_equal(twin.predict_proba(X), net.predict_proba(X))
    assert np.array_equal(twin.predict(X), net.predict(X))
    wide = NetRegressor(**QUICK, interval_fraction=0.2).fit(X, X[:, 0])
    assert np.array_equal(copied(wide).predict_interval(X), wide.predict_interval(X))


def test_a_grid_search_over_what_is_held_out_and_watched():
    grid = {"validation": [None, 0.2], "monitor": ["loss", "accuracy"], "threshold": [None, "f1"]}
    search = GridSearchCV(NetClassifier(**{**QUICK, "max_epochs": 3}), grid, cv=2,
                          error_score="raise").fit(X, Y > 0)
    assert len(search.cv_results_["params"]) == 8


def test_a_model_and_its_engine_pickle():
    model = ev.fit(ev.Sequential([ev.Dense(4), ev.BatchNorm(), ev.Dense(3)]), X, Y,
                   loss=ev.SoftmaxCrossEntropy(), epochs=2, validation=0.2)
    twin = pickle.loads(pickle.dumps(model))
    assert np.array_equal(twin.predict(X), model.predict(X))
    assert twin.engine.steps == model.engine.steps
    assert np.array_equal(twin.engine.buffer("state_1"), model.engine.buffer("state_1"))
    twin.weights["dense_1.kernel"][...] = 0
    assert model.weights["dense_1.kernel"].any()


def test_clone_is_not_fitted():
    fitted = NetClassifier(activation=ev.ELU(0.5), **QUICK).fit(X, Y)
    twin = clone(fitted)
    assert not hasattr(twin, "model_")
    assert np.array_equal(twin.fit(X, Y).predict_proba(X), fitted.predict_proba(X))


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_frames(frame):
    table = frame(dict(zip(NAMES, X.T, strict=True)))
    fitted = NetClassifier(**QUICK).fit(table, Y)
    assert fitted.feature_names_in_.tolist() == NAMES
    bare = NetClassifier(**QUICK).fit(X, Y)
    assert np.array_equal(fitted.predict_proba(table), bare.predict_proba(X))
    x, y = labels()
    many = frame({f"label {i}": y[:, i] for i in range(3)})
    assert NetClassifier(**QUICK).fit(x, many).predict(x).shape == (200, 3)
    assert NetRegressor(**QUICK).fit(x, many.astype(float) if frame is pd.DataFrame
                                     else many.cast(pl.Float64)).predict(x).shape == (200, 3)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_features_as_frames(library):
    codes = NetTransformer((8, 2), **{k: v for k, v in QUICK.items() if k != "hidden"})
    codes.set_output(transform=library)
    frame = codes.fit(X, Y).transform(X)
    assert type(frame).__module__.startswith(library)
    assert list(frame.columns) == ["nettransformer0", "nettransformer1"]
    assert codes.get_feature_names_out().tolist() == list(frame.columns)


def test_pipeline_and_scores():
    pipeline = make_pipeline(StandardScaler(), NetClassifier(**{**QUICK, "max_epochs": 30}))
    assert cross_val_score(pipeline, X, Y, cv=3).mean() > 0.7
    x, y = numbers(300)
    target = TransformedTargetRegressor(
        NetRegressor(hidden=16, max_epochs=40, random_state=0), transformer=StandardScaler()
    )
    assert target.fit(x, y).score(x, y) > 0.8
    weighted = make_pipeline(StandardScaler(), NetClassifier(**{**QUICK, "max_epochs": 30}))
    weighted.fit(X, Y, netclassifier__sample_weight=np.ones(len(X)))
    assert np.array_equal(weighted.predict(X), pipeline.fit(X, Y).predict(X))


def test_grid_search_in_processes():
    grid = {"hidden": [(8,), (16, 8)], "dropout": [0.0, 0.2], "max_epochs": np.array([5])}
    searches = [
        GridSearchCV(NetClassifier(random_state=0, members=2), grid, cv=2, n_jobs=jobs).fit(X, Y)
        for jobs in (1, 2)
    ]
    scores = [search.cv_results_["mean_test_score"] for search in searches]
    assert np.array_equal(*scores)
    assert np.array_equal(searches[0].predict_proba(X), searches[1].predict_proba(X))


def threads(setting=None):
    """What an engine of a large network and an estimator take in another process."""
    code = ("import evenly as ev; from evenly.estimators.settings import threads_of\n"
            "p = ev.compile(ev.Dense(4000), 1000, batch=256, loss=ev.MeanSquaredError())\n"
            "print(threads_of(None), ev.Engine(p).threads)")
    settings = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    if setting is not None:
        settings["OMP_NUM_THREADS"] = setting
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                            check=True, env=settings)
    return result.stdout.split()


@pytest.mark.sweep
def test_limits_of_threads(monkeypatch):
    everything = min(16, processors())
    assert threads() == ["None" if everything > 1 else "1", str(everything)]
    assert threads("1") == threads("1,2") == ["1", "1"]
    for more in (str(everything + 7), "nonsense", "0", ""):
        monkeypatch.setenv("OMP_NUM_THREADS", more)
        assert allowed_threads() == processors()
    with threadpool_limits(1):
        assert threads_of(None) == 1
    assert threads_of(3) == 3
    assert threads_of(-1) == joblib.cpu_count()


def test_worker_processes_share_the_processors():
    with joblib.parallel_config("loky", n_jobs=2, inner_max_num_threads=1):
        calls = [joblib.delayed(of)(*given) for of, given in ((allowed_threads, ()),
                                                               (threads_of, (None,)))]
        assert joblib.Parallel()(calls) == [1, 1]


@dataclass(frozen=True)
class Square(ev.Layer):
    """A layer without a kernel: the engine goes back and forth between it and native code."""

    name: str | None = None

    def forward(self, x, arrays, run):
        return x * x, x

    def backward(self, d_y, arrays, x, run):
        return 2 * x * d_y, {}


def test_several_threads_may_predict_at_once():
    net = ev.Sequential([ev.Dense(8), Square(), ev.Dense(3)])
    fitted = NetClassifier(net=net, **QUICK).fit(X, Y)
    tables = [np.tile(X, (20, 1)) * scale for scale in (1, 2, 3, 4)]
    right = [fitted.predict_proba(table) for table in tables]
    wrong = []

    def ask(number):
        for _ in range(30):
            if not np.array_equal(fitted.predict_proba(tables[number]), right[number]):
                wrong.append(number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_evenly_alone_does_not_import_scikit_learn():
    code = "import sys, evenly; evenly.fit; print('sklearn' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                            check=True)
    assert result.stdout.strip() == "False"


def test_without_scikit_learn_it_says_what_to_install():
    code = ("import importlib.util as u; f = u.find_spec\n"
            "u.find_spec = lambda name, *a: None if name == 'sklearn' else f(name, *a)\n"
            "import evenly.estimators")
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                            check=False)
    assert "needs scikit-learn: pip install 'evenly[sklearn]'" in result.stderr
