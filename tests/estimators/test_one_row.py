"""Batches of one row, where batch normalization has no variance."""

import numpy as np
import pytest

import evenly as ev
from evenly.errors import ConfigurationError
from evenly.estimators import NetClassifier, NetRegressor

from .common import QUICK, classes, numbers

X, Y = classes(300)
OWN = ev.Sequential([ev.Residual([ev.Dense(6), ev.BatchNorm(), ev.ReLU()]), ev.Dense(3)])


@pytest.mark.parametrize("norm", [
    "batch", *(pytest.param(norm, marks=pytest.mark.sweep) for norm in ("layer", None))])
def test_a_stream_of_single_rows_is_learned_from(norm):
    net = NetClassifier((32, 16), norm=norm, dropout=0, learning_rate=0.005, random_state=0)
    for _ in range(3):
        for i in range(len(X)):
            net.partial_fit(X[i : i + 1], Y[i : i + 1], classes=[0, 1, 2])
    assert net.score(X, Y) > 0.85
    assert net.model_.engine.steps == net.n_iter_ == 900


def test_numbers_come_row_by_row_too():
    x, y = numbers(300)
    net = NetRegressor(32, dropout=0, learning_rate=0.005, random_state=0)
    for _ in range(3):
        for i in range(len(x)):
            net.partial_fit(x[i : i + 1], y[i : i + 1])
    assert net.score(x, y) > 0.8


def test_one_row_after_a_fit_is_normalized_by_the_running_averages():
    net = NetClassifier(**QUICK).fit(X, Y)
    before = {name: array.copy() for name, array in net.model_.weights.items()}
    engine, steps = net.model_.engine, net.model_.engine.steps
    net.partial_fit(X[:1], Y[:1])
    assert net.model_.engine is engine
    assert engine.steps == steps + 1
    for name, array in net.model_.weights.items():
        assert np.array_equal(array, before[name]) == ("running" in name), name


def test_the_definition_of_a_step_on_one_row():
    net = ev.Sequential([ev.Dense(4), ev.BatchNorm(), ev.Dense(3)])
    settings = {"net": net, "optimizer": ev.SGD(0.1), "scale": False, "random_state": 0,
                "dtype": "float64", "schedule": None}
    one = NetClassifier(**settings, max_epochs=2, early_stopping=False).fit(X, Y)
    weights = {name: array.copy() for name, array in one.model_.weights.items()}
    frozen = ev.Sequential([ev.Dense(4), ev.BatchNorm(frozen=True), ev.Dense(3)])
    model = ev.init(frozen, 6, loss=ev.SoftmaxCrossEntropy(), dtype="float64")
    model.engine.set_weights(weights)
    _, gradients = model.gradients(X[:1], Y[:1])
    one.partial_fit(X[:1], Y[:1])
    for name, array in one.model_.weights.items():
        expected = weights[name] - 0.1 * gradients.get(name, 0)
        np.testing.assert_allclose(array, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("net", [None, OWN])
@pytest.mark.parametrize("rows", [33, 65])
def test_a_row_that_is_left_over_is_learned_from(net, rows):
    one = NetClassifier(**QUICK, net=net, batch=32)
    one.partial_fit(X[:rows], Y[:rows], classes=[0, 1, 2])
    assert one.model_.engine.steps == rows // 32 + 1
    assert np.isfinite(one.loss_curve_).all()
    assert 0 <= one.score_curve_[0] <= 1


def test_weights_and_mixup_of_one_row():
    for settings in ({"augment": 1.0}, {"l2": 0.1, "clip": 1.0, "constraint": 2.0}):
        net = NetClassifier(**QUICK, **settings)
        net.partial_fit(X[:1], Y[:1], classes=[0, 1, 2], sample_weight=[2.0])
        net.partial_fit(X[1:40], Y[1:40], sample_weight=np.arange(39) == 7)
        assert net.model_.engine.steps == 2
        assert np.isfinite(net.predict_proba(X)).all()


def test_a_pickled_stream_goes_on():
    import pickle

    net = NetClassifier(**QUICK).partial_fit(X[:1], Y[:1], classes=[0, 1, 2])
    twin = pickle.loads(pickle.dumps(net))
    for i in range(1, 20):
        net.partial_fit(X[i : i + 1], Y[i : i + 1])
        twin.partial_fit(X[i : i + 1], Y[i : i + 1])
    assert np.array_equal(net.predict_proba(X), twin.predict_proba(X))


@pytest.mark.parametrize("settings", [{"batch": 1}, {"batch": 1, "net": OWN}])
def test_a_fit_with_batches_of_one_row_is_refused(settings):
    with pytest.raises(ConfigurationError, match=r"batch=1 with \d+ training rows: .*norm='layer'"):
        NetClassifier(**QUICK, **settings).fit(X, Y)
    with pytest.raises(ConfigurationError, match="got batch=1"):
        ev.fit(OWN, X, Y, loss=ev.SoftmaxCrossEntropy(), batch=1)


@pytest.mark.parametrize("norm", ["layer", None])
def test_a_batch_of_one_row_is_one_where_it_can_be(norm):
    net = NetClassifier(**{**QUICK, "max_epochs": 1}, norm=norm, batch=1, early_stopping=False)
    assert net.fit(X, Y).model_.engine.program.batch == 1
    assert net.history_[0].steps == 300


def test_partial_fit_takes_a_batch_of_one_as_it_is_said():
    net = NetClassifier(**QUICK, batch=1).partial_fit(X[:50], Y[:50], classes=[0, 1, 2])
    assert net.model_.engine.steps == 50
