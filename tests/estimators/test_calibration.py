"""Probabilities that are what they say."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from sklearn.metrics import log_loss

import evenly as ev
from evenly.errors import ConfigurationError, DataError
from evenly.estimators import NetClassifier, reliability
from evenly.estimators.answers.calibration import COLDEST, HOTTEST, best_temperature

from .common import QUICK, classes, labels

X, Y = classes()


def drawn(rows, shape, sharp, seed):
    """Scores, and targets drawn from the softmax of `sharp` times the scores."""
    rng = np.random.default_rng(seed)
    scores = 2 * rng.normal(size=(rows, *shape))
    if shape and shape[-1] > 1 and sharp > 0:
        noise = rng.gumbel(size=scores.shape)
        return scores, (sharp * scores + noise).argmax(axis=1)
    return scores, (rng.random(scores.shape) < 1 / (1 + np.exp(-sharp * scores))).astype(int)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("shape", "sharp"), [((3,), 0.4), ((4,), 2.0), ((2,), 1.0), ((), 0.3)])
def test_it_is_where_the_log_loss_is_smallest(shape, sharp, seed):
    scores, y = drawn(400, shape, sharp, seed)
    full = scores if shape else np.c_[np.zeros(400), scores]
    weights = np.random.default_rng(seed).random(400)
    for own in (None, weights):
        got = best_temperature(scores, y, own)

        def loss(u, own=own):
            p = ev.SoftmaxCrossEntropy().probabilities(full * np.exp(u))
            return log_loss(y, p, sample_weight=own, labels=np.arange(full.shape[1]))

        wanted = minimize_scalar(loss, bounds=(-4, 4), method="bounded",
                                 options={"xatol": 1e-10})
        assert got == pytest.approx(np.exp(-wanted.x), rel=1e-4)
        assert loss(-np.log(got)) <= wanted.fun + 1e-14
        assert got == pytest.approx(1 / sharp, rel=0.5)


def test_several_labels_and_pairs_of_scores_agree():
    rng = np.random.default_rng(0)
    scores = 3 * rng.normal(size=(100, 3))
    y = (rng.random((100, 3)) < 1 / (1 + np.exp(-0.5 * scores))).astype(int)
    flat = best_temperature(scores.ravel(), y.ravel())
    assert best_temperature(scores, y) == flat
    pair = np.stack([np.zeros(300), scores.ravel()], axis=1)
    assert best_temperature(pair, y.ravel()) == pytest.approx(flat, rel=1e-12)


@pytest.mark.parametrize("size", [1e-3, 1.0, 30.0, 1e4])
@pytest.mark.parametrize("rows", [1, 10, 1000])
def test_where_all_are_right_it_is_as_sure_as_so_many_rows_allow(rows, size):
    scores, y = np.tile([size, 0.0], (rows, 1)), np.zeros(rows, int)
    t = best_temperature(scores, y)
    p = 1 / (1 + np.exp(-size / t))
    if COLDEST < t < HOTTEST:
        assert p == pytest.approx((rows + 1) / (rows + 2), rel=1e-9)
    else:
        assert (size, t) in {(1e-3, COLDEST), (1e4, HOTTEST)}
    assert best_temperature(np.full(rows, size), np.ones(rows)) == pytest.approx(t)


def test_the_ends():
    rng = np.random.default_rng(0)
    noise, y = rng.normal(size=(500, 3)), rng.integers(0, 3, 500)
    y[noise.argmax(axis=1) == y] = (y[noise.argmax(axis=1) == y] + 1) % 3
    assert best_temperature(noise, y) == HOTTEST  # they say what is not so
    assert best_temperature(np.zeros((9, 3)), np.arange(9) % 3) == 1.0
    assert best_temperature(np.zeros(9), np.arange(9) % 2) == 1.0
    huge = np.array([[1e300, 0.0], [0.0, 1e300], [1e300, 0.0]])
    assert COLDEST <= best_temperature(huge, np.array([0, 1, 1])) <= HOTTEST


TWO = (X[:, 0] + np.random.default_rng(0).normal(size=200) > 0).astype(int)
MANY = (X[:, :3] + np.random.default_rng(1).normal(size=(200, 3)) > 0).astype(int)


@pytest.mark.parametrize("y", [TWO, Y, MANY], ids=["two", "three", "labels"])
@pytest.mark.parametrize("outputs", [None, 2])
def test_a_calibrated_network(y, outputs):
    settings = {**QUICK, "max_epochs": 60, "early_stopping": False, "dropout": 0,
                "hidden": (32, 32), "learning_rate": 0.03}
    if outputs:
        if y is not TWO:
            return
        settings["net"] = ev.Sequential([ev.Dense(16), ev.ReLU(), ev.Dense(2)])
    held = {"X_val": X[:80], "y_val": y[:80]}
    plain = NetClassifier(**settings).fit(X[80:], y[80:], **held)
    net = NetClassifier(**settings, calibrate=True).fit(X[80:], y[80:], **held)
    t = net.temperature_
    assert plain.temperature_ is None
    assert np.array_equal(net.predict(X), plain.predict(X))
    np.testing.assert_allclose(net.decision_function(X), plain.decision_function(X) / t)
    np.testing.assert_allclose(net.predict_log_proba(X), np.log(net.predict_proba(X)), rtol=1e-9)
    scores = net.decision_function(X)
    if y is Y:
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        wanted = powers / powers.sum(axis=1, keepdims=True)
    else:
        wanted = 1 / (1 + np.exp(-scores))
    got = net.predict_proba(X)
    np.testing.assert_allclose(got[:, 1] if y is TWO else got, wanted)

    def loss(net):
        chances = np.clip(net.predict_proba(X[:80]), 1e-15, 1)
        if y is MANY:
            return -np.mean(np.log(np.where(MANY[:80] == 1, chances, 1 - chances)))
        return log_loss(y[:80], chances)

    assert loss(net) <= loss(plain)
    if y is not Y:
        assert t > 1.2  # it had learned by heart
        assert loss(net) < loss(plain) - 0.01


def test_thresholds_are_of_calibrated_probabilities():
    net = NetClassifier(**QUICK, calibrate=True, threshold="f1", validation=0.4).fit(X, TWO)
    assert np.array_equal(net.predict(X), net.predict_proba(X)[:, 1] >= net.threshold_)
    assert net.temperature_ != 1


def test_where_it_cannot_be():
    words = "calibrate=True learns from held-out rows, and none are held out: give validation=0.2"
    for settings, rows in (({"early_stopping": False}, 200), ({}, 50)):
        with pytest.raises(ConfigurationError, match=words):
            NetClassifier(**QUICK, calibrate=True, **settings).fit(X[:rows], Y[:rows])
    with pytest.raises(ConfigurationError, match="calibrate must be True or False, got 'yes'"):
        NetClassifier(calibrate="yes").fit(X, Y)
    net = NetClassifier(**QUICK, calibrate=True).fit(X, Y)
    assert net.temperature_ is not None
    assert net.partial_fit(X, Y).temperature_ is None  # of another network


# Reliability ------------------------------------------------------------------------------------


def test_reliability_by_hand():
    p = np.array([0.05, 0.15, 0.15, 0.95, 0.91])
    told = reliability([False, True, False, True, False], p, bins=10)
    np.testing.assert_allclose(told.predicted, [0.05, 0.15, 0.93])
    np.testing.assert_allclose(told.observed, [0, 0.5, 0.5])
    assert told.rows.tolist() == [1, 2, 2]
    assert told.error == pytest.approx((0.05 + 2 * 0.35 + 2 * 0.43) / 5)
    one = reliability([0, 1], [0.2, 0.4], bins=1)
    assert (one.predicted.tolist(), one.error) == ([pytest.approx(0.3)], pytest.approx(0.2))
    edges = reliability([0, 1], [0.0, 1.0])
    assert (edges.rows.tolist(), edges.error) == ([1, 1], 0.0)


def test_reliability_of_classes_and_labels():
    p = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.8, 0.1, 0.1]])
    told = reliability([0, 1, 0], p, bins=2)
    same = reliability([True, False, True], [0.7, 0.6, 0.8], bins=2)
    assert told.error == same.error == pytest.approx(abs(2 / 3 - 0.7))
    labels_ = np.array([[0, 1], [1, 1]])
    several = reliability(labels_, [[0.1, 0.9], [0.8, 0.7]])
    assert several.error == reliability(labels_.ravel(), [0.1, 0.9, 0.8, 0.7]).error


def test_calibration_mends_reliability():
    rng = np.random.default_rng(0)
    p = rng.random(20_000)
    y = rng.random(20_000) < p
    assert reliability(y, p).error < 0.01
    sure = p**3 / (p**3 + (1 - p) ** 3)
    assert reliability(y, sure).error > 0.1
    t = best_temperature(3 * np.log(p / (1 - p)), y.astype(int))
    assert t == pytest.approx(3, rel=0.05)


@pytest.mark.parametrize(("y", "p", "bins", "words"), [
    ([0, 1], [0.5, 1.5], 10, "probabilities from 0 to 1"), ([], [], 10, "at least one"),
    ([0, 1], [0.5, np.nan], 10, "probabilities from 0 to 1"),
    ([0, 1, 1], [0.5, 0.5], 10, r"y of shape \(3,\) does not fit probabilities of shape \(2,\)"),
    ([0, 2], [0.5, 0.5], 10, "True or False"), (["a", "b"], [0.5, 0.5], 10, "True or False"),
    ([0, 3], [[0.5, 0.5, 0], [0.5, 0.5, 0]], 10, "column numbers, from 0 to 2: np.searchsorted"),
    (["a", "b"], [[0.5, 0.5, 0], [0.5, 0.5, 0]], 10, "column numbers"),
    ([0, 1], [0.5, 0.5], 0, "bins must be a whole number >= 1, got 0"),
    ([0, 1], [0.5, 0.5], 2.5, "bins must be"), ([0, 1], [0.5, 0.5], True, "bins must be"),
])
def test_what_has_no_reliability(y, p, bins, words):
    with pytest.raises((DataError, ConfigurationError), match=words):
        reliability(y, p, bins)


def test_labels_of_a_network_have_a_reliability():
    x, y = labels()
    net = NetClassifier(**QUICK).fit(x, y)
    assert 0 <= reliability(y, net.predict_proba(x)).error <= 1
