"""Curves, validation, weights, classes, several labels and targets, warm start."""

import pickle
import warnings

import numpy as np
import pytest
from scipy.sparse import csr_array

from evenly.errors import ConfigurationError, DataError, DoctorWarning
from evenly.estimators import NetClassifier, NetRegressor
from evenly.estimators.fits.rows import arranged, fingerprints, held_out

from .common import QUICK, classes, labels, numbers

X, Y = classes()


def test_curves():
    fitted = NetClassifier(**QUICK).fit(X, Y)
    assert fitted.n_iter_ == len(fitted.history_) == len(fitted.loss_curve_) == 12
    assert np.array_equal(fitted.loss_curve_, fitted.history_.column("loss"))
    assert fitted.loss_curve_[-1] < fitted.loss_curve_[0]
    assert fitted.best_epoch_ == 1 + fitted.validation_loss_curve_.argmin()
    assert fitted.validation_score_curve_[-1] > 0.5
    assert 0 < fitted.score_curve_[-1] <= 1


def test_early_stopping_restores_the_best_epoch():
    net = NetClassifier(hidden=64, learning_rate=0.1, patience=3, random_state=0).fit(X, Y)
    assert net.history_.stopped == "early stopping"
    assert net.n_iter_ == net.best_epoch_ + 3
    without = NetClassifier(**QUICK, early_stopping=False).fit(X, Y)
    assert without.validation_loss_curve_ is None
    assert without.best_epoch_ is None
    assert without.n_iter_ == 12


def test_a_validation_set_of_equal_targets_has_a_curve_all_the_same():
    x, y = numbers()
    fitted = NetRegressor(**QUICK).fit(x, y, X_val=x, y_val=np.full(len(x), 1000.0))
    assert fitted.validation_score_curve_.shape == fitted.validation_loss_curve_.shape == (12,)
    assert np.isnan(fitted.validation_score_curve_).all()  # R^2 is not defined


def test_training_runs_its_epochs_where_nothing_stops_it():
    small = {"hidden": 4, "patience": 1000, "random_state": 0}
    assert NetClassifier(**small).fit(X[:60], Y[:60]).n_iter_ == 100
    assert NetClassifier(early_stopping=False, **small).fit(X, Y).n_iter_ == 100
    fitted = NetClassifier(**small).fit(X, Y)
    assert fitted.n_iter_ == 100
    rates = fitted.history_.column("learning_rate")
    assert rates[-1] < 1e-6 < 1e-3 < rates[0]  # a cosine, down to the end
    assert NetClassifier(max_epochs=np.int64(7), **small).fit(X[:60], Y[:60]).n_iter_ == 7


def test_a_given_validation_set_beats_the_share():
    one = NetClassifier(**QUICK).fit(X[:150], Y[:150], X_val=X[150:], y_val=Y[150:])
    half = NetClassifier(validation_fraction=0.5, **QUICK)
    half.fit(X[:150], Y[:150], X_val=X[150:], y_val=Y[150:])
    assert np.array_equal(one.validation_loss_curve_, half.validation_loss_curve_)
    scores = one.score(X[150:], Y[150:])
    assert scores == pytest.approx(one.validation_score_curve_[one.best_epoch_ - 1], abs=0.03)
    with pytest.raises(ConfigurationError, match="together"):
        one.fit(X, Y, X_val=X)


def test_a_given_validation_set_is_followed_without_early_stopping_too():
    net = NetClassifier(**QUICK, early_stopping=False)
    net.fit(X[:150], Y[:150], X_val=X[150:], y_val=Y[150:])
    assert len(net.validation_loss_curve_) == net.n_iter_ == 12
    assert net.best_epoch_ is None


def test_small_tables_hold_nothing_out():
    assert NetClassifier(**QUICK).fit(X[:60], Y[:60]).validation_loss_curve_ is None
    assert NetClassifier(**QUICK).fit(X, Y).validation_loss_curve_ is not None


def test_held_out_rows_keep_the_shares_of_the_classes():
    strata = np.repeat([0, 1, 2, 3], [200, 100, 20, 1])
    alone = np.arange(len(strata))
    kept, held = held_out(alone, strata, 0.1, seed=5)
    assert np.bincount(strata[held], minlength=4).tolist() == [20, 10, 2, 0]
    assert sorted([*kept, *held]) == list(range(len(strata)))
    assert not np.array_equal(held, held_out(alone, strata, 0.1, seed=6)[1])
    kept, _ = held_out(alone, strata, 0.95, seed=0)
    assert np.bincount(strata[kept]).tolist() == [10, 5, 1, 1]
    kept, _ = held_out(alone[:40], np.repeat([0, 1], 20), 0.99, seed=0)
    assert np.bincount(np.repeat([0, 1], 20)[kept]).tolist() == [1, 1]
    assert held_out(alone[:50], None, 0.1, seed=0) is None


def test_equal_rows_are_held_out_together():
    groups = np.repeat(np.arange(300), np.random.default_rng(0).integers(1, 4, 300))
    strata = groups % 3
    kept, held = held_out(groups, strata, 0.2, seed=0)
    assert not set(groups[kept]) & set(groups[held])
    assert len(held) == pytest.approx(0.2 * len(groups), abs=6)
    assert sorted([*kept, *held]) == list(range(len(groups)))
    # Where few rows differ, whole groups would be missing from one side.
    few = np.repeat(np.arange(4), 100)
    kept, held = held_out(few, None, 0.2, seed=0)
    assert set(few[kept]) == set(few[held]) == set(range(4))
    assert len(held) == 80


@pytest.mark.parametrize("kind", [NetClassifier, NetRegressor])
def test_the_order_of_the_rows_does_not_matter(kind):
    order = np.random.default_rng(1).permutation(len(X))
    one = kind(**QUICK).fit(X, Y)
    other = kind(**QUICK).fit(X[order], Y[order])
    assert np.array_equal(one.predict(X), other.predict(X))


@pytest.mark.parametrize("kind", [NetClassifier, NetRegressor])
def test_whole_weights_are_repetitions(kind):
    weights = np.random.default_rng(0).integers(0, 4, len(X))
    weighted = kind(**QUICK).fit(X, Y, weights)
    repeated = kind(**QUICK).fit(X.repeat(weights, axis=0), Y.repeat(weights))
    plain = kind(**QUICK).fit(X, Y)
    assert np.array_equal(weighted.predict(X), repeated.predict(X))
    assert np.array_equal(weighted.loss_curve_, repeated.loss_curve_)
    assert not np.array_equal(weighted.loss_curve_, plain.loss_curve_)


def test_other_weights_weigh_the_loss():
    # Two opinions about the same rows: the heavier one wins.
    x = np.vstack([X, X])
    y = np.r_[np.zeros(len(X)), np.ones(len(X))]
    for heavy in (0, 1):
        weights = np.where(y == heavy, 2.5, 0.5)
        net = NetClassifier(8, max_epochs=60, random_state=0).fit(x, y, weights)
        share = net.predict_proba(X)[:, heavy].mean()
        assert share == pytest.approx(2.5 / 3, abs=0.1)


def test_arranged():
    x = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, -0.0], [1.0, 0.0]])
    prints = fingerprints(x)
    assert len(set(prints.tolist())) == 3
    assert prints[0] == prints[3]
    y = np.zeros(4)
    assert sorted(arranged(x, y, np.array([2.0, 0.0, 1.0, 3.0]))[0]) == [0, 0, 2, 3, 3, 3]
    rows, weights, groups = arranged(x, y, np.array([0.5, 0.0, 1.0, 3.0]))
    assert len(rows) == len(groups) == 3
    assert groups.max() == 1
    assert np.array_equal(weights, np.array([0.5, 0.0, 1.0, 3.0])[rows])
    assert 1 not in rows
    assert len(arranged(x, y, np.full(4, 1e6))[0]) == 4
    with pytest.raises(ValueError, match="every weight is 0"):
        arranged(x, y, np.zeros(4))


def test_class_weight():
    rng = np.random.default_rng(0)
    y = (rng.random(300) < 0.1).astype(int)
    x = y[:, None] + rng.normal(size=(300, 3))
    given = {"hidden": 8, "max_epochs": 30, "random_state": 0}
    plain = NetClassifier(**given).fit(x, y).predict(x).mean()
    balanced = NetClassifier(class_weight="balanced", **given).fit(x, y)
    each = 300 / (2 * np.bincount(y))
    by_hand = NetClassifier(class_weight={0: each[0], 1: each[1]}, **given).fit(x, y)
    assert balanced.predict(x).mean() > plain + 0.1
    assert np.allclose(balanced.predict_proba(x), by_hand.predict_proba(x), atol=0.15)


def test_text_labels():
    names = np.array(["red", "green", "blue"])[Y]
    fitted = NetClassifier(**QUICK).fit(X, names)
    assert fitted.classes_.tolist() == ["blue", "green", "red"]
    assert set(fitted.predict(X)) <= set(names)
    assert fitted.score(X, names) > 0.7
    assert np.allclose(fitted.predict_proba(X).sum(axis=1), 1, atol=1e-12)
    order = [2, 1, 0]  # blue, green, red
    numbered = NetClassifier(**QUICK).fit(X, Y)
    assert fitted.predict_proba(X).shape == numbered.predict_proba(X)[:, order].shape


def test_several_labels():
    x, y = labels(400)
    fitted = NetClassifier(hidden=32, max_epochs=60, random_state=0).fit(x, y)
    answers, shares = fitted.predict(x), fitted.predict_proba(x)
    assert answers.shape == shares.shape == y.shape
    assert np.array_equal(answers, shares > 0.5)
    assert (answers == y).mean() > 0.9
    assert fitted.__sklearn_tags__().classifier_tags.multi_label
    with pytest.raises(ValueError, match="0 or 1 for each of the 3 labels"):
        fitted.partial_fit(x, y[:, :2])


@pytest.mark.parametrize("targets", [1, 3])
def test_targets(targets):
    x, y = numbers(400, targets)
    fitted = NetRegressor(hidden=32, max_epochs=60, random_state=0).fit(x, y)
    assert fitted.predict(x).shape == y.shape
    assert fitted.score(x, y) > 0.9
    column = NetRegressor(**QUICK).fit(x, y.reshape(400, -1)[:, :1])
    assert column.predict(x).shape == (400, 1)


def test_warm_start_goes_on():
    settings = {**QUICK, "early_stopping": False}
    once = NetClassifier(warm_start=True, **settings).fit(X, Y)
    first = once.loss_curve_[-1]
    net, scaler = once.model_.net, once.scaler_
    once.fit(X, Y)
    assert once.loss_curve_[0] < NetClassifier(**settings).fit(X, Y).loss_curve_[0]
    assert once.loss_curve_[-1] < first
    assert once.model_.net == net
    assert once.scaler_ is scaler
    with pytest.raises(ValueError, match="not among those learned"):
        once.fit(X, Y + 1)


def test_sparse_rows_for_a_network_of_dense_ones():
    fitted = NetClassifier(**QUICK, warm_start=True).fit(X, Y)
    sparse = csr_array(X)
    assert np.allclose(fitted.predict_proba(sparse), fitted.predict_proba(X))
    for more in (fitted.fit, fitted.partial_fit):
        with pytest.raises(DataError, match="would not stay sparse"):
            more(sparse, Y)
    assert fitted.scaler_.weight == 180
    with pytest.raises(DataError, match="would not stay sparse"):
        NetClassifier(**QUICK).fit(X, Y, X_val=sparse, y_val=Y)


def test_one_class_is_named():
    with pytest.raises(ValueError, match=r"only one class: 1\.0"):
        NetClassifier().fit(X, np.ones(len(X)))


@pytest.mark.parametrize("columns", [1, 4])
@pytest.mark.parametrize("rows", [2, 3, 5])
def test_tiny_and_constant_tables(rows, columns):
    x, y = np.ones((rows, columns)), np.arange(rows) % 2
    x[0] = 2.0
    assert NetClassifier(**QUICK).fit(x, y).predict(x).shape == (rows,)
    assert np.isfinite(NetRegressor(**QUICK).fit(np.ones((rows, columns)), y).predict(x)).all()
    assert np.allclose(NetRegressor(**QUICK).fit(x, np.full(rows, 7.0)).predict(x), 7, atol=2)


@pytest.mark.parametrize("value", [0.0, 1e-9, -1000.1])
def test_a_target_that_never_varies_is_predicted_as_it_is(value):
    x, y = numbers()
    constant = np.full(len(x), value)
    assert np.allclose(NetRegressor(**QUICK).fit(x, constant).predict(x), value, rtol=1e-12)
    both = NetRegressor(**QUICK).fit(x, np.c_[constant, y]).predict(x)
    assert np.allclose(both[:, 0], value, rtol=1e-12)
    assert both[:, 1].std() > 1


def test_the_size_of_all_weights_together_does_not_matter():
    weights = np.random.default_rng(0).random(len(X))
    settings = {**QUICK, "optimizer": "sgd", "l2": 0.1}
    one = NetClassifier(**settings).fit(X, Y, weights)
    hundred = NetClassifier(**settings).fit(X, Y, 100 * weights)
    assert np.allclose(one.predict_proba(X), hundred.predict_proba(X), atol=1e-4)
    assert np.allclose(one.validation_loss_curve_, hundred.validation_loss_curve_, rtol=1e-4)


def test_a_watched_fit_has_its_diagnosis():
    x = np.random.default_rng(0).standard_normal((80, 3))
    y = (x[:, 0] > 0).astype(int)
    settings = {"max_epochs": 3, "random_state": 0}
    plain = NetClassifier(8, **settings).fit(x, y)
    with warnings.catch_warnings(action="ignore", category=DoctorWarning):
        watched = NetClassifier(8, doctor=True, **settings).fit(x, y)
    for key, value in plain.model_.weights.items():
        np.testing.assert_array_equal(watched.model_.weights[key], value)
    assert watched.diagnosis_.record.epochs[-1].epoch == 3
    assert pickle.loads(pickle.dumps(watched)).diagnosis_.record == watched.diagnosis_.record
    with pytest.raises(AttributeError, match="give doctor=True"):
        plain.diagnosis_  # noqa: B018
