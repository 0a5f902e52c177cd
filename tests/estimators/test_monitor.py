"""What early stopping watches, and who is told of each epoch."""

import numpy as np
import pytest
from sklearn.metrics import (
    balanced_accuracy_score,
    f1_score,
    get_scorer,
    make_scorer,
    max_error,
    mean_absolute_error,
    roc_auc_score,
)

import evenly as ev
from evenly.errors import ConfigurationError, DataError
from evenly.estimators import NetClassifier, NetRegressor

from .common import QUICK, classes, labels, numbers

X, Y = classes()
TWO = np.where(Y > 0, "yes", "no")
HELD = {"X_val": X[:60], "y_val": TWO[:60]}


def fitted(monitor, kind=NetClassifier, y=TWO, **settings):
    given = {**QUICK, "monitor": monitor, "learning_rate": 0.02, **settings}
    return kind(**given).fit(X[60:], y[60:], X_val=X[:60], y_val=y[:60])


@pytest.mark.parametrize(("monitor", "measure"), [
    ("roc_auc", lambda net: roc_auc_score(TWO[:60], net.predict_proba(X[:60])[:, 1])),
    ("f1", lambda net: f1_score(TWO[:60], net.predict(X[:60]), pos_label="yes")),
    (make_scorer(balanced_accuracy_score),
     lambda net: balanced_accuracy_score(TWO[:60], net.predict(X[:60]))),
    (lambda net, x, y: -float(np.mean(net.predict(x) != y)),
     lambda net: -np.mean(TWO[:60] != net.predict(X[:60]))),
])
def test_the_best_epoch_by_a_scorer_is_kept(monitor, measure):
    net = fitted(monitor)
    assert len(net.monitor_curve_) == net.n_iter_
    assert net.best_epoch_ == net.monitor_curve_.argmax() + 1
    assert measure(net) == pytest.approx(net.monitor_curve_.max(), abs=1e-12)
    plain = fitted("loss")
    assert np.array_equal(plain.loss_curve_[: net.n_iter_], net.loss_curve_[: plain.n_iter_])


def test_targets_are_in_their_own_units():
    x, y = numbers()
    net = NetRegressor(**QUICK, monitor="neg_mean_absolute_error").fit(
        x[60:], y[60:], X_val=x[:60], y_val=y[:60])
    error = mean_absolute_error(y[:60], net.predict(x[:60]))
    assert net.monitor_curve_.max() == pytest.approx(-error, rel=1e-12)
    assert error > 10
    two = np.c_[y, -y]
    shapes = []

    def several(net, x, y):
        shapes.append((net.predict(x).shape, y.shape))
        return 1.0

    NetRegressor(**QUICK, monitor=several).fit(x, two, X_val=x[:30], y_val=two[:30])
    assert set(shapes) == {((30, 2), (30, 2))}


def test_loss_and_score():
    loss, score = fitted("loss"), fitted("score")
    assert np.array_equal(loss.monitor_curve_, loss.validation_loss_curve_)
    assert np.array_equal(score.monitor_curve_, score.validation_score_curve_)
    assert loss.best_epoch_ == loss.validation_loss_curve_.argmin() + 1
    assert score.best_epoch_ == score.validation_score_curve_.argmax() + 1
    assert NetClassifier(**QUICK, early_stopping=False).fit(X, Y).monitor_curve_ is None


def test_patience_counts_in_the_scorer():
    net = fitted(lambda net, x, y: 0.0, patience=3, max_epochs=50)
    assert (net.best_epoch_, net.n_iter_) == (1, 4)
    assert net.history_.stopped == "early stopping"


def test_several_labels_and_classes():
    x, y = labels()
    net = NetClassifier(**QUICK, monitor="roc_auc").fit(x, y)
    assert np.isfinite(net.monitor_curve_).all()
    net = NetClassifier(**QUICK, monitor="f1_macro").fit(X, Y)
    assert net.best_epoch_ == net.monitor_curve_.argmax() + 1


def test_weights_of_held_out_rows_count_where_the_scorer_takes_them():
    weights = np.random.default_rng(0).random(200)
    seen = []

    def own(net, x, y, sample_weight=None):
        seen.append(sample_weight)
        return 0.0

    NetClassifier(**QUICK, monitor=own, validation=0.2).fit(X, Y, weights)
    assert seen[0].shape == (39,) or seen[0].shape == (40,)
    assert seen[0].std() > 0
    x, y = numbers()
    NetRegressor(**QUICK, monitor=make_scorer(max_error)).fit(x, y, weights)


def test_a_scorer_sees_arrays_and_the_threshold_that_is_said():
    import pandas as pd

    frame = pd.DataFrame(X, columns=[f"c{i}" for i in range(6)])
    seen = []

    def own(net, x, y):
        seen.append((type(x), net.predict(x).mean(), net.predict_proba(x).shape))
        return 0.0

    NetClassifier(**QUICK, monitor=own, threshold=1.0).fit(frame, Y > 0)
    assert set(seen) == {(np.ndarray, 0.0, (20, 2))}


@pytest.mark.parametrize(("monitor", "words"), [
    ("rocauc", "monitor must be 'loss', 'score', a name of sklearn.*get_scorer_names.* 'rocauc'"),
    (3, "monitor must be"), (None, "monitor must be"), (get_scorer, "scorer fails"),
    ("f1", "epoch 1: the scorer fails on the 20 held-out rows: ValueError: Target is multiclass"),
    (lambda net, x, y: np.nan, "epoch 1: the scorer gives nan on the 20 held-out rows"),
    (lambda net, x, y: np.inf, "the scorer gives inf"),
    (lambda net, x, y: "good", "the scorer gives 'good'"),
    (lambda net, x, y: np.zeros(2), "and no finite number"),
    (lambda net, x, y: 1 / 0, "ZeroDivisionError: division by zero"),
])
def test_scorers_that_cannot_be(monitor, words):
    net = NetClassifier(**QUICK).fit(X, Y)
    before = net.predict_proba(X)
    with pytest.raises(ValueError, match=words):
        net.set_params(monitor=monitor).fit(X, Y)
    assert np.array_equal(net.predict_proba(X), before)


def test_a_measure_that_held_out_rows_do_not_have():
    rare = np.r_[np.ones(2), np.zeros(198)]
    with pytest.raises(DataError, match=r"the scorer gives nan .*some measures need rows of every"):
        NetClassifier(**QUICK, monitor="roc_auc").fit(X, rare)


def test_nothing_to_watch():
    words = "monitor='roc_auc' watches held-out rows, and none are held out: give validation=0.2"
    with pytest.raises(ConfigurationError, match=words):
        NetClassifier(**QUICK, monitor="roc_auc").fit(X[:50], Y[:50] > 0)
    NetClassifier(**QUICK, monitor="roc_auc", early_stopping=False).fit(X, Y > 0)


@pytest.mark.parametrize("kind", [NetClassifier, NetRegressor])
def test_callbacks(kind):
    seen, others = [], []

    def third(record):
        return "stop" if record.epoch == 3 else None

    net = kind(**QUICK, callbacks=[seen.append, third, lambda record: others.append(record.epoch)])
    net.fit(X, Y)
    assert seen == list(net.history_)
    assert isinstance(seen[0], ev.EpochRecord)
    assert (net.n_iter_, others) == (3, [1, 2, 3])
    assert net.history_.stopped == "callback"
    assert net.best_epoch_ is not None


@pytest.mark.parametrize(("callbacks", "words"), [
    (print, "callbacks must be a list of functions"), ("stop", "callbacks must be"),
    ([print, 3], "callbacks must be"), ([lambda record: "go"], "may return 'stop' or None"),
])
def test_callbacks_that_cannot_be(callbacks, words):
    with pytest.raises(ConfigurationError, match=words):
        NetClassifier(**QUICK, callbacks=callbacks).fit(X, Y)


def test_no_callbacks():
    plain = NetClassifier(**QUICK).fit(X, Y)
    none = NetClassifier(**QUICK, callbacks=None).fit(X, Y)
    assert np.array_equal(plain.predict_proba(X), none.predict_proba(X))
