"""How much classes and labels count."""

import numpy as np
import pytest

import evenly as ev
from evenly.errors import ConfigurationError
from evenly.estimators import NetClassifier
from evenly.estimators.answers.class_weights import of_mean_one_by_label, weights_of_labels

from .common import QUICK

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 4))
Y = (X[:, :3] + RNG.normal(size=(400, 3)) > [0.0, 1.5, 2.0]).astype(int)


def pairs_of(net):
    return np.array(net.model_.loss.class_weights)


def test_balanced_by_hand():
    y = np.array([[0, 1], [0, 1], [0, 1], [1, 1]])
    pairs = weights_of_labels("balanced", y, None)
    np.testing.assert_allclose(pairs, [[4 / 6, 2], [4, 1]])
    weights = np.array([1, 1, 1, 3.0])
    np.testing.assert_allclose(weights_of_labels("balanced", y, weights)[0], [1, 1])


@pytest.mark.parametrize(("given", "wanted"), [
    ([{0: 1, 1: 5}, {1: 2.0}, None], [(1, 5), (1, 2), (1, 1)]),
    ([(0.5, 2), 3, {}], [(0.5, 2), (1, 3), (1, 1)]),
    ({1: (1, 4)}, [(1, 1), (1, 4), (1, 1)]), ({2: {0: 0, 1: 1}, 0: 7}, [(1, 7), (1, 1), (0, 1)]),
    (np.array([[1, 2], [3, 4], [5, 6.0]]), [(1, 2), (3, 4), (5, 6)]),
    ((1, 2.0, 3), [(1, 1), (1, 2), (1, 3)]),
])
def test_every_way_to_say_it(given, wanted):
    assert np.array_equal(weights_of_labels(given, Y, None), np.array(wanted, float))
    net = NetClassifier(**QUICK, class_weight=given, early_stopping=False).fit(X, Y)
    np.testing.assert_allclose(pairs_of(net), of_mean_one_by_label(np.array(wanted, float), Y,
                                                                   None))
    each = np.where(Y == 1, pairs_of(net)[:, 1], pairs_of(net)[:, 0])
    assert each.mean() == pytest.approx(1)


def test_rare_labels_are_found():
    settings = {**QUICK, "max_epochs": 40}
    plain = NetClassifier(**settings).fit(X, Y).predict(X)
    net = NetClassifier(**settings, class_weight="balanced").fit(X, Y)
    found = net.predict(X)
    for label in (1, 2):
        is_there = Y[:, label] == 1
        assert found[is_there, label].mean() > plain[is_there, label].mean() + 0.2
    assert plain[:, 0].mean() == pytest.approx(found[:, 0].mean(), abs=0.1)


def test_what_has_no_weight_teaches_nothing():
    y = Y.copy()
    y[:, 1] = 1
    one = NetClassifier(**QUICK, class_weight={1: (1.0, 0.0)}, early_stopping=False).fit(X, y)
    other = NetClassifier(**QUICK, early_stopping=False).fit(X, y)
    assert other.predict(X)[:, 1].mean() > 0.9
    told, others = (net.decision_function(X)[:, 1].mean() for net in (one, other))
    assert told < 0.7 * others


def test_scale_is_of_no_effect():
    one, other = (NetClassifier(**QUICK, class_weight=w).fit(X, Y)
                  for w in ({1: (1, 4)}, [(8, 8), (8, 32), (8, 8)]))
    assert np.array_equal(one.predict_proba(X), other.predict_proba(X))


def test_it_is_the_weighted_loss():
    given = [(1.0, 3.0), (2.0, 0.5), (1.0, 1.0)]
    settings = {"hidden": (), "scale": False, "early_stopping": False, "max_epochs": 3,
                "batch": None, "dtype": "float64", "random_state": 0, "schedule": None,
                "optimizer": ev.SGD(0.1), "learning_rate": None}
    net = NetClassifier(**settings, class_weight=given).fit(X, Y)
    pairs = pairs_of(net)
    each = np.where(Y == 1, pairs[:, 1], pairs[:, 0])
    scores = np.zeros((400, 3))
    first = NetClassifier(**{**settings, "max_epochs": 1, "optimizer": ev.SGD(1e-12)},
                          class_weight=given).fit(X, Y)
    weights = first.model_.weights
    kernel, bias = weights["dense_1.kernel"].copy(), weights["dense_1.bias"].copy()
    for _ in range(3):
        scores = X @ kernel + bias
        slope = each * (1 / (1 + np.exp(-scores)) - Y) / 3 / 400
        kernel -= 0.1 * X.T @ slope
        bias -= 0.1 * slope.sum(axis=0)
    np.testing.assert_allclose(net.model_.weights["dense_1.kernel"], kernel, rtol=1e-6, atol=1e-9)


def test_with_sample_weights_and_in_parts():
    weights = RNG.random(400)
    net = NetClassifier(**QUICK, class_weight="balanced").fit(X, Y, weights)
    assert np.isfinite(net.predict_proba(X)).all()
    parts = NetClassifier(**QUICK, class_weight={1: (1.0, 6.0)})
    for start in range(0, 400, 100):
        parts.partial_fit(X[start : start + 100], Y[start : start + 100])
    assert pairs_of(parts).tolist() == [[1, 1], [1, 6], [1, 1]]
    engine = parts.model_.engine
    assert parts.partial_fit(X[:100], Y[:100]).model_.engine is engine
    parts.set_params(class_weight="balanced").partial_fit(X, Y)
    np.testing.assert_allclose(pairs_of(parts), weights_of_labels("balanced", Y, None))
    one = NetClassifier(**QUICK, multi_label=True, class_weight="balanced")
    assert one.partial_fit(X[:1], Y[:1]).partial_fit(X, Y).predict(X).shape == (400, 3)


@pytest.mark.parametrize(("given", "words"), [
    ("even", "with several labels a row it is 'balanced', a list of 3 dicts"),
    ([{0: 1}], "a list of 3 dicts"), (3.0, "a list of 3 dicts"),
    ({5: 1.0}, "no label is 5; with several labels a row they have the numbers 0 to 2"),
    ({"a": 1.0}, "no label is 'a'"), ([{2: 1}, {}, {}], "weights of 0 and of 1 for label 0"),
    ([(1, 2, 3), 1, 1], "expects a pair .* for label 0, got"), ({1: "much"}, "for label 1, got"),
    ({0: -1}, "at least 0, got -1 for label 0"), ({0: (1, np.nan)}, "got nan for label 0"),
    ([(0, 0)] * 3, "all that there is of every label has weight 0"),
])
@pytest.mark.parametrize("call", ["fit", "partial_fit"])
def test_what_cannot_be(given, words, call):
    with pytest.raises(ConfigurationError, match=words):
        getattr(NetClassifier(**QUICK, class_weight=given), call)(X, Y)
