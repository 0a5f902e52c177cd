"""The probability from which on a class or a label is predicted."""

import numpy as np
import pytest
from sklearn.metrics import (
    balanced_accuracy_score,
    f1_score,
    fbeta_score,
    make_scorer,
    precision_score,
)

from evenly.errors import ConfigurationError, DataError
from evenly.estimators import NetClassifier
from evenly.estimators.answers.threshold import MOST, tuned_threshold
from evenly.estimators.fits.held_out import Held

from .common import QUICK, classes, labels

X, Y = classes()
RNG = np.random.default_rng(0)
RARE_X = RNG.normal(size=(600, 4))
RARE = np.where(RARE_X[:, 0] + RNG.normal(size=600) > 1.8, "yes", "no")
HELD = {"X_val": RARE_X[:250], "y_val": RARE[:250]}


def fitted(threshold, **settings):
    net = NetClassifier(**{**QUICK, "threshold": threshold, **settings})
    return net.fit(RARE_X[250:], RARE[250:], **HELD)


@pytest.mark.parametrize("number", [0, 0.2, np.float32(0.5), 0.9, 1])
def test_a_number(number):
    plain, net = fitted(None), fitted(number)
    chances = net.predict_proba(RARE_X)
    assert np.array_equal(chances, plain.predict_proba(RARE_X))
    assert net.threshold_ == number
    assert plain.threshold_ is None
    assert np.array_equal(net.predict(RARE_X) == "yes", chances[:, 1] >= number)


def best(measure, y, chances):
    """The largest value of a measure over all thresholds there are."""
    every = np.r_[0, np.unique(chances), 1.1]
    return max(measure(y, np.where(chances >= t, "yes", "no")) for t in every)


@pytest.mark.parametrize(("threshold", "measure"), [
    ("f1", lambda y, z: f1_score(y, z, pos_label="yes")),
    ("balanced_accuracy", balanced_accuracy_score),
    (make_scorer(fbeta_score, beta=2, pos_label="yes"),
     lambda y, z: fbeta_score(y, z, beta=2, pos_label="yes")),
    (lambda net, x, y: balanced_accuracy_score(y, net.predict(x)), balanced_accuracy_score),
])
def test_a_measure_is_as_good_as_can_be_on_held_out_rows(threshold, measure):
    net = fitted(threshold)
    x, y = HELD["X_val"], HELD["y_val"]
    got = measure(y, net.predict(x))
    assert got == pytest.approx(best(measure, y, net.predict_proba(x)[:, 1]), abs=0.02)
    assert got > measure(y, fitted(None).predict(x)) + 0.02
    assert 0 < net.threshold_ < 0.5


def test_tuned_by_hand():
    x = np.zeros((6, 1))
    chances = np.array([0.1, 0.2, 0.3, 0.4, 0.6, 0.7])
    two = np.arange(2)
    held = Held(x, np.array([0, 0, 1, 1, 1, 1]), None)
    assert tuned_threshold("accuracy", two, chances, held) == pytest.approx(0.25)
    held = Held(x, np.array([0, 0, 0, 0, 1, 1]), None)
    assert tuned_threshold("accuracy", two, chances, held) == 0.5  # of equally good the nearest
    weights = np.array([1, 1, 1, 9.0, 1, 1])
    held = Held(x, np.array([0, 0, 1, 1, 0, 0]), weights)
    assert tuned_threshold("accuracy", two, chances, held) == pytest.approx(0.25)


def test_many_rows_are_tried_at_some_places():
    n, calls = 5000, []
    chances = np.sort(RNG.random(n))
    y = (np.arange(n) > 3000).astype(int)

    def own(net, x, y):
        calls.append(1)
        return np.mean(net.predict(x) == y)

    got = tuned_threshold(own, np.arange(2), chances, Held(np.zeros((n, 1)), y, None))
    assert len(calls) <= MOST + 1
    assert got == pytest.approx(chances[3000], abs=0.01)


def test_several_labels_have_a_threshold_each():
    x, y = labels(500)
    y = (x[:, :3] + RNG.normal(size=(500, 3)) > [0, 1, 2]).astype(int)
    net = NetClassifier(**QUICK, threshold="f1", validation=0.4).fit(x, y)
    assert net.threshold_.shape == (3,)
    assert len(set(net.threshold_)) == 3
    plain = NetClassifier(**QUICK, validation=0.4).fit(x, y)
    chances = net.predict_proba(x)
    assert np.array_equal(net.predict(x), (chances >= net.threshold_).astype(int))
    assert f1_score(y, net.predict(x), average="macro") > f1_score(
        y, plain.predict(x), average="macro", zero_division=0) + 0.05
    one = NetClassifier(**QUICK, threshold=0.3).fit(x, y)
    three = NetClassifier(**QUICK, threshold=[0.3, 0.3, 0.3]).fit(x, y)
    assert np.array_equal(one.predict(x), three.predict(x))
    assert np.array_equal(one.threshold_, three.threshold_)
    each = NetClassifier(**QUICK, threshold=(0, 1.0, 0.5)).fit(x, y).predict(x)
    assert each[:, 0].all()
    assert not each[:, 1].any()


@pytest.mark.parametrize(("threshold", "words"), [
    (1.5, "threshold must be None, a probability from 0 to 1, a name of .* got 1.5"),
    (-0.1, "threshold must be"), (True, "got True"), (np.nan, "threshold must be"),
    ([0.5], "threshold must be"), ("f2", "threshold must be .* got 'f2'"),
    ("roc_auc", "'roc_auc' judges probabilities, and no threshold changes those: .*'f1'"),
    ("neg_log_loss", "judges probabilities"),
    (f1_score, "scorer fails"),
    (lambda net, x, y: net.predict(x[:3]).mean() * 1.0, "must predict the rows that it is given"),
    (lambda net, x, y: np.nan, "threshold=.* the scorer gives nan on the 20 held-out rows"),
])
def test_what_is_no_threshold(threshold, words):
    with pytest.raises(ValueError, match=words):
        NetClassifier(**QUICK, threshold=threshold).fit(X, Y > 0)


def test_where_there_is_none():
    with pytest.raises(ConfigurationError, match=r"threshold='f1' is for two classes .* 3 classes"):
        NetClassifier(threshold="f1").fit(X, Y)
    with pytest.raises(ConfigurationError, match=r"threshold=0.3 is for two classes"):
        NetClassifier(threshold=0.3).partial_fit(X, Y, classes=[0, 1, 2])
    words = "threshold='f1' is tuned on held-out rows, and none are held out: give validation=0.2"
    for settings, rows in (({"early_stopping": False}, 200), ({}, 50)):
        with pytest.raises(ConfigurationError, match=words):
            NetClassifier(**QUICK, threshold="f1", **settings).fit(X[:rows], Y[:rows] > 0)
    x, y = labels()
    with pytest.raises(ConfigurationError, match=r"one for each of the 3 labels, got .0.1, 0.2"):
        NetClassifier(threshold=[0.1, 0.2]).fit(x, y)
    with pytest.raises(DataError, match="scorer fails"):
        NetClassifier(**QUICK, threshold=lambda net, x, y: net.score(x)).fit(X, Y > 0)


def test_partial_fit_has_thresholds_that_are_said():
    net = NetClassifier(**QUICK, threshold=0.25).partial_fit(X, Y > 0, classes=[False, True])
    assert net.threshold_ == 0.25
    assert np.array_equal(net.predict(X), net.predict_proba(X)[:, 1] >= 0.25)
    assert net.set_params(threshold="f1").partial_fit(X, Y > 0).threshold_ is None
    tuned = NetClassifier(**QUICK, threshold="f1").fit(X, Y > 0)
    assert tuned.set_params(threshold=None).partial_fit(X, Y > 0).threshold_ is None


def test_a_new_fit_forgets_the_last_threshold():
    net = fitted("f1")
    assert net.threshold_ is not None
    assert net.set_params(threshold=None).fit(RARE_X, RARE).threshold_ is None


def test_held_out_rows_of_one_class():
    rare = np.r_[np.ones(2), np.zeros(198)]
    with pytest.raises(DataError, match=r"all 20 held-out rows are 0.0, so no threshold is better"):
        NetClassifier(**QUICK, threshold="f1").fit(X, rare)
    x, y = labels()
    y[:, 1] = np.arange(200) == 7
    with pytest.raises(DataError, match="held-out rows are 0 of label 1, so no threshold"):
        NetClassifier(**QUICK, threshold="f1").fit(x, y)


def test_precision_without_positives_is_no_warning():
    net = fitted(make_scorer(precision_score, pos_label="yes"))
    assert 0 <= net.threshold_ <= 1
