"""Every exception of the package can be pickled and copied, and comes through from a worker."""

import concurrent.futures
import copy
import copyreg
import importlib
import multiprocessing
import pickle
import pkgutil

import numpy as np
import pytest

import evenly
import evenly as ev
from evenly import portable
from evenly.errors import CheckpointError, DivergenceError, EvenlyError, FileFormatError

from .exceptions import X, Y, diverge, diverge_with_own_layer

MODEL = ev.init(ev.Sequential([ev.Dense(2)]), 3)


@pytest.fixture(autouse=True)
def without_tblib(monkeypatch):
    """Dask has tblib pickle all exceptions that there are when it is imported, in its own way:
    notes of what stayed behind are lost where the exception had others."""
    for kind in [kind for kind in copyreg.dispatch_table if issubclass(kind, BaseException)]:
        monkeypatch.delitem(copyreg.dispatch_table, kind)


# What those are made of that want more than a message; a new one needs its line here.
ARGUMENTS = {
    "FileFormatError": (("a/b.evenly", "is truncated"), {}),
    "DivergenceError": (("epoch 1: no",), {"epoch": 1, "step": 7, "layer": "dense_1"}),
    "CheckpointError": (("a/b.evenly", "the disk is full"), {}),
    "NotFiniteError": ((3, "the output of dense_1", 2.5), {}),
    "Refusal": ((413, "too much"), {}),
    "OutputError": ((OSError(32, "Broken pipe"),), {}),
    "AnswerError": (("3/x", 2, "expects a number"), {}),
}


def every():
    """All exceptions and warnings of all modules."""
    for module in pkgutil.walk_packages(evenly.__path__, "evenly."):
        importlib.import_module(module.name)

    def below(kind):
        for other in type.__subclasses__(kind):
            yield other
            yield from below(other)

    return sorted({kind for kind in below(BaseException) if kind.__module__.startswith("evenly.")},
                  key=lambda kind: kind.__qualname__)


def made(kind):
    arguments, settings = ARGUMENTS.get(kind.__name__, (("where: what", ), {}))
    error = kind(*arguments, **settings)
    error.add_note("while doing this")
    error.own = [1, 2]
    return error


def plain(error):
    """Attributes but those that hold arrays."""
    return {name: value for name, value in vars(error).items() if name not in ("model", "weights")}


def assert_same(error, other):
    assert type(other) is type(error)
    assert str(other) == str(error)
    assert other.args == error.args
    assert plain(other) == plain(error)
    assert other.__notes__ == ["while doing this"]
    for name in ("errno", "strerror", "filename"):
        assert getattr(other, name, None) == getattr(error, name, None)


EVERY = every()


def test_they_are_found():
    assert {DivergenceError, FileFormatError, EvenlyError} <= set(EVERY)
    assert set(ARGUMENTS) <= {kind.__name__ for kind in EVERY}


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__qualname__)
def test_pickle_and_copy(kind):
    error = made(kind)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert_same(error, pickle.loads(pickle.dumps(error, protocol)))
    shallow, deep = copy.copy(error), copy.deepcopy(error)
    assert_same(error, shallow)
    assert_same(error, deep)
    assert shallow.own is error.own
    assert deep.own is not error.own


def test_an_error_of_the_system_keeps_its_parts():
    class Full(EvenlyError, OSError):
        pass

    globals()["Full"], Full.__qualname__ = Full, "Full"
    error = Full(28, "No space left on device", "model.evenly")
    other = pickle.loads(pickle.dumps(error))
    assert (other.errno, other.filename, str(other)) == (28, "model.evenly", str(error))
    assert copy.copy(error).filename == "model.evenly"


@pytest.mark.parametrize("kind", [DivergenceError, CheckpointError])
def test_the_model_comes_along(kind):
    error = made(kind)
    error.model = MODEL
    if kind is DivergenceError:
        error.weights = {name: array.copy() for name, array in MODEL.weights.items()}
    other = pickle.loads(pickle.dumps(error))
    assert other.model.predict(X).tobytes() == MODEL.predict(X).tobytes()
    assert copy.copy(error).model is MODEL
    assert copy.deepcopy(error).model.predict(X).tobytes() == MODEL.predict(X).tobytes()
    if kind is DivergenceError:
        for name, array in MODEL.weights.items():
            assert other.weights[name].tobytes() == array.tobytes()


def test_a_large_model_stays_behind_in_words(monkeypatch):
    error = made(DivergenceError)
    error.model, error.weights = MODEL, dict(MODEL.weights)
    monkeypatch.setattr(portable, "CARRIED_BYTES", 1000)
    other = pickle.loads(pickle.dumps(error))
    assert other.model is None
    assert len(other.weights) == 2
    assert other.__notes__[0] == "while doing this"
    assert other.__notes__[1].startswith("error.model stayed in the process that raised this: it ")
    assert error.model is MODEL
    assert error.__notes__ == ["while doing this"]


class Unreadable:
    def __reduce__(self):
        return int, ("what cannot be read",)


def test_a_model_that_cannot_be_read_stays_behind_in_words():
    error = made(CheckpointError)
    error.model = Unreadable()
    other = pickle.loads(pickle.dumps(error))
    assert other.model is None
    assert "error.model stayed in the process" in other.__notes__[1]
    assert other.path == error.path


def came_through(error):
    assert type(error) is DivergenceError
    assert error.epoch == 1
    assert error.layer
    assert error.model.predict(X).shape == (40, 2)
    for name, array in error.weights.items():
        assert error.model.weights[name].tobytes() == array.tobytes()


SPAWN = multiprocessing.get_context("spawn")


def test_process_pool():
    with (concurrent.futures.ProcessPoolExecutor(1, SPAWN) as pool,
          pytest.raises(DivergenceError) as caught):
        pool.submit(diverge).result(60)
    came_through(caught.value)


def test_a_model_of_the_workers_own_layer():
    with (concurrent.futures.ProcessPoolExecutor(1, SPAWN) as pool,
          pytest.raises(DivergenceError, match="not finite") as caught):
        pool.submit(diverge_with_own_layer).result(60)
    assert caught.value.model is None
    assert np.isfinite(caught.value.weights["dense_1.kernel"]).all()
    assert "error.model stayed in the process" in caught.value.__notes__[0]


def test_map_async_answers():
    with SPAWN.Pool(1) as pool, pytest.raises(DivergenceError) as caught:
        pool.map_async(diverge, [0]).get(60)
    came_through(caught.value)


def test_joblib():
    joblib = pytest.importorskip("joblib")
    with pytest.raises(DivergenceError) as caught:
        joblib.Parallel(2, backend="loky")(joblib.delayed(diverge)(i) for i in range(2))
    came_through(caught.value)


def wild():
    estimators = pytest.importorskip("evenly.estimators")
    return estimators.NetClassifier(hidden=(4,), norm=None, optimizer=ev.SGD(1e30), max_epochs=9)


def test_grid_search():
    estimator = wild()
    from sklearn.model_selection import GridSearchCV

    search = GridSearchCV(estimator, {"hidden": [(3,), (4,)]}, n_jobs=2, error_score="raise", cv=2)
    with pytest.raises(DivergenceError, match="not finite") as caught:
        search.fit(X, Y)
    assert caught.value.model.predict(X).shape[0] == 40


@pytest.mark.sweep
def test_bagging():
    estimator = wild()
    from sklearn.ensemble import BaggingClassifier

    with pytest.raises(DivergenceError, match="not finite"):
        BaggingClassifier(estimator, 2, n_jobs=2).fit(X, Y)
