"""Training in parts goes on with one engine."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from evenly.engine import Engine
from evenly.errors import DataError, DivergenceError, ShapeError
from evenly.estimators import NetClassifier, NetRegressor
from evenly.estimators.scales.moments import Moments

from .common import classes, labels, numbers

X, Y = classes(400)
QUICK = {"hidden": 16, "random_state": 0, "batch": 32}


def parts(x, y, size=100):
    return [(x[i : i + size], y[i : i + size]) for i in range(0, len(x), size)]


def test_the_engine_and_its_steps_stay():
    net = NetClassifier(**QUICK)
    engines = set()
    for number, (x, y) in enumerate(parts(X, Y), 1):
        net.partial_fit(x, y, classes=[0, 1, 2])
        engines.add(id(net.model_.engine))
        assert net.model_.engine.steps == 4 * number
        assert net.n_iter_ == len(net.loss_curve_) == number
    assert len(engines) == 1
    assert np.any(net.model_.engine.buffer("state_1"))
    for _ in range(10):
        for x, y in parts(X, Y):
            net.partial_fit(x, y)
    assert net.score(X, Y) > 0.85
    assert net.loss_curve_[-1] < net.loss_curve_[0] / 2


def test_a_pickled_one_goes_on_as_if_nothing_had_happened():
    import pickle

    first, *rest = parts(X, Y)
    net = NetClassifier(**QUICK).partial_fit(*first, classes=[0, 1, 2])
    twin = pickle.loads(pickle.dumps(net))
    for part in rest:
        net.partial_fit(*part)
        twin.partial_fit(*part)
    assert np.array_equal(net.predict_proba(X), twin.predict_proba(X))


def test_it_goes_on_after_fit():
    net = NetClassifier(**QUICK, max_epochs=5, early_stopping=False).fit(X, Y)
    engine, steps = net.model_.engine, net.model_.engine.steps
    net.partial_fit(X, Y)
    assert net.model_.engine is engine
    assert engine.steps == steps + 13
    assert net.n_iter_ == 6
    assert net.loss_curve_[-1] < net.loss_curve_[0]


def test_the_scale_is_that_of_all_rows_so_far():
    net = NetRegressor(**QUICK)
    x, y = numbers(400)
    for part in parts(x, y):
        net.partial_fit(*part)
    assert np.allclose(net.scaler_.mean, x.mean(axis=0))
    assert np.allclose(net.scaler_.deviation, x.std(axis=0))
    assert np.allclose(net.target_scaler_.deviation, y.std())


def test_moments_do_not_depend_on_the_parts():
    x = np.random.default_rng(0).normal(5, 2, (50, 3))
    w = np.random.default_rng(1).random(50)
    one, several = Moments(3), Moments(3)
    one.fold(x, w)
    for start in range(0, 50, 7):
        several.fold(x[start : start + 7], w[start : start + 7])
    mean = np.average(x, axis=0, weights=w)
    for moments in (one, several):
        assert np.allclose(moments.mean, mean)
        assert np.allclose(moments.deviation**2, np.average((x - mean) ** 2, axis=0, weights=w))


def test_classes_come_first():
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        NetClassifier().partial_fit(X, Y)
    net = NetClassifier(**QUICK).partial_fit(X[:50], np.zeros(50), classes=[0, 1, 2])
    assert net.classes_.tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="not the same as on last call"):
        net.partial_fit(X, Y, classes=[0, 1])
    with pytest.raises(ValueError, match="not among those learned"):
        net.partial_fit(X, Y + 1)


def test_several_labels_and_weights():
    x, y = labels()
    net = NetClassifier(**QUICK).partial_fit(x, y, sample_weight=np.ones(len(x)))
    assert net.predict_proba(x).shape == y.shape
    halves = NetClassifier(**QUICK).partial_fit(x, y, sample_weight=np.arange(len(x)) % 2)
    assert not np.allclose(net.predict_proba(x), halves.predict_proba(x))


@pytest.mark.parametrize("form", [np.asarray, csr_array])
def test_columns_of_zeros_and_ones_keep_their_size(form):
    x = np.array([[0.0, 0.0, 2.0], [1.0, 1.0, 0.0], [0.0, 0.0, 4.0], [0.0, 1.0, 0.0]])
    moments = Moments(3, indicators=True)
    moments.fold(form(x))
    assert np.allclose(moments.deviation, [1.0, 1.0, x[:, 2].std()])
    assert np.allclose(moments.scaled(form(x))[:, 0], x[:, 0] - 0.25)
    more = np.array([[0.0, 0.5, 1.0], [1.0, 0.0, 1.0]])
    moments.fold(form(more))  # the second column turns out to be an ordinary one
    both = np.r_[x, more]
    assert np.allclose(moments.deviation, [1.0, *both[:, 1:].std(axis=0)])
    plain = Moments(3)
    plain.fold(form(x))
    assert np.allclose(plain.deviation, x.std(axis=0))


@pytest.mark.parametrize(
    ("rows", "target"), [(slice(0, 1), 1e300), (slice(0, 9), 1e300)], ids=["one row", "huge"]
)
def test_a_call_that_fails_changes_nothing(rows, target):
    x, y = numbers(100)
    net = NetRegressor(**QUICK).partial_fit(x, y)
    before, mean = net.predict(x), net.scaler_.mean
    with pytest.raises((ShapeError, DataError)):
        net.partial_fit(1e3 * x[rows], np.full(len(x[rows]), target))
    assert np.array_equal(net.scaler_.mean, mean)
    assert np.array_equal(net.predict(x), before)
    assert net.partial_fit(x, y).n_iter_ == 2


def test_mixup_is_part_of_it_before_a_fit_and_after():
    settings = {**QUICK, "max_epochs": 2, "early_stopping": False}
    first = NetClassifier(**settings, augment=5.0).partial_fit(X, Y, classes=[0, 1, 2])
    plain = NetClassifier(**settings).partial_fit(X, Y, classes=[0, 1, 2])
    assert first.loss_curve_[0] != plain.loss_curve_[0]
    fitted = NetClassifier(**settings, augment=5.0).fit(X, Y).partial_fit(X, Y)
    assert fitted.model_.engine.program.augment == first.model_.engine.program.augment is not None


def twins():
    """Two that have learned the same."""
    y = X[:, 0]
    settings = QUICK | {"batch": 16, "norm": "layer", "scale": True}
    pair = NetRegressor(**settings), NetRegressor(**settings)
    for net in pair:
        net.partial_fit(X[:100], y[:100])
    return pair


def assert_as_if_nothing_had_happened(net, twin):
    """Weights, optimizer, scales, step number and order of rows: all that the next pass reads."""
    assert net.n_iter_ == twin.n_iter_
    for one in (net, twin):
        one.partial_fit(X[100:200], X[100:200, 0])
    assert net.model_.engine.steps == twin.model_.engine.steps
    for name, value in net.model_.engine.kept().items():
        assert value.tobytes() == twin.model_.engine.buffer(name).tobytes(), name
    assert net.predict(X).tobytes() == twin.predict(X).tobytes()


def test_a_pass_that_diverges_leaves_no_trace(monkeypatch):
    net, twin = twins()
    engine = net.model_.engine
    step, ran = engine.steps, []
    own = Engine.train

    def wild(self, *args, **settings):
        for records in own(self, *args, **settings):
            ran.append(len(records))
            self.arrays["dense_1.bias"][0] = np.nan  # the next step is not finite
            yield records

    engine.pause_every = 1
    monkeypatch.setattr(Engine, "train", wild)
    with pytest.raises(DivergenceError, match="are again what they were before") as caught:
        net.partial_fit(X[:100], X[:100, 0])
    monkeypatch.undo()
    engine.pause_every = None
    assert ran, "a step was made before the one that failed"
    assert engine.steps == step
    assert np.isfinite(caught.value.weights["dense_1.bias"]).all()
    assert_as_if_nothing_had_happened(net, twin)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, RuntimeError])
def test_a_pass_that_is_broken_off_leaves_no_trace(kind, monkeypatch):
    net, twin = twins()
    own = Engine.train

    def broken(self, *args, **settings):
        yield next(own(self, *args, **settings))
        raise kind("in the middle")

    net.model_.engine.pause_every = 1
    monkeypatch.setattr(Engine, "train", broken)
    with pytest.raises(kind, match="in the middle"):
        net.partial_fit(X[:100], X[:100, 0])
    monkeypatch.undo()
    net.model_.engine.pause_every = None
    assert_as_if_nothing_had_happened(net, twin)
