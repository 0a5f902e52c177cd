"""Several networks of one fit, and fits that have a time."""

import pickle
import time

import numpy as np
import pytest
from sklearn.base import clone

import evenly as ev
from evenly.errors import ConfigurationError
from evenly.estimators import NetClassifier, NetRegressor, NetTransformer

from .common import QUICK, classes, labels

X, Y = classes()
OWN = ev.Sequential([ev.Dense(8, name="own"), ev.ReLU(), ev.Dense(3)])


def classifier(**more):
    return NetClassifier(**{**QUICK, "members": 3, "max_epochs": 5, **more})


def regressor(**more):
    return NetRegressor(**{**QUICK, "members": 3, "max_epochs": 5, **more})


def alone(net, model):
    """The estimator with one of its members."""
    twin = clone(net).set_params(members=1)
    vars(twin).update({k: v for k, v in vars(net).items() if k.endswith("_") or k[0] == "_"})
    twin.threshold_ = twin.temperature_ = None
    twin._use(model)
    return twin


@pytest.mark.parametrize(("y", "more"), [
    (Y, {}), (Y > 0, {}), (labels()[1], {}), (Y, {"net": OWN}), (Y > 0, {"loss": "focal"}),
], ids=["classes", "two", "labels", "own network", "focal"])
def test_probabilities_are_the_mean_of_the_members(y, more):
    x = labels()[0] if np.ndim(y) == 2 else X
    net = classifier(**more).fit(x, y)
    mean = np.mean([alone(net, one).predict_proba(x) for one in net.members_], axis=0)
    np.testing.assert_allclose(net.predict_proba(x), mean, atol=1e-6)
    assert len(net.members_) == 3
    first, second = (one.weights for one in net.members_[:2])
    assert any(not np.array_equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("more", [
    {}, {"loss": "huber"}, {"loss": "poisson"}, {"loss": "gamma"}, {"loss": "absolute"},
    {"loss": "quantile", "quantiles": (0.1, 0.5, 0.9)}, {"loss": "quantile", "quantiles": 0.7},
    {"scale": False},
], ids=repr)
@pytest.mark.parametrize("targets", [1, 2])
def test_predictions_are_the_mean_of_the_members(more, targets):
    y = np.exp(np.random.default_rng(0).normal(size=(len(X), targets)) / 2 + X[:, :1] / 4)
    y = np.ceil(y) if more.get("loss") == "poisson" else y
    net = regressor(**more).fit(X, y[:, 0] if targets == 1 else y)
    mean = np.mean([alone(net, one).predict(X) for one in net.members_], axis=0)
    np.testing.assert_allclose(net.predict(X), mean, rtol=1e-5, atol=1e-6)


def test_the_same_bits_for_any_number_of_threads_and_each_time():
    told = [classifier(n_jobs=jobs).fit(X, Y).predict_proba(X) for jobs in (1, 2, 1)]
    np.testing.assert_array_equal(told[0], told[1])
    np.testing.assert_array_equal(told[0], told[2])


def test_the_first_member_is_the_fit_of_one_where_rows_are_given():
    one = classifier(members=1).fit(X, Y, X_val=X[:30], y_val=Y[:30])
    net = classifier().fit(X, Y, X_val=X[:30], y_val=Y[:30])
    first = net.members_[0]
    for name, array in one.model_.weights.items():
        np.testing.assert_array_equal(array, first.weights[name])
    assert net.loss_curve_.tolist() == one.loss_curve_.tolist()
    assert net.best_epoch_ == one.best_epoch_ == first.history.best_epoch


def test_members_hold_out_rows_of_their_own(monkeypatch):
    held = []
    real = NetClassifier._run

    def seen(self, start, kept, watched, *more):
        held.append(watched.X)
        return real(self, start, kept, watched, *more)

    monkeypatch.setattr(NetClassifier, "_run", seen)
    classifier().fit(X, Y)
    assert not np.array_equal(held[0], held[1])
    del held[:]
    for more in ({"calibrate": True}, {"threshold": "f1"}, {"validation": np.arange(len(X)) < 30}):
        classifier(**more).fit(X, Y > 0)
        assert all(np.array_equal(held[0], other) for other in held[1:]), more
        del held[:]
    monkeypatch.setattr(NetClassifier, "own_rows", False)
    classifier().fit(X, Y)
    assert np.array_equal(held[0], held[1])


def test_groups_stay_whole_for_each_member(monkeypatch):
    held = []
    real = NetRegressor._run

    def seen(self, start, kept, watched, *more):
        held.append((set(kept.X[:, -1]), set(watched.X[:, -1])))
        return real(self, start, kept, watched, *more)

    monkeypatch.setattr(NetRegressor, "_run", seen)
    groups = np.arange(len(X)) % 20
    x = np.column_stack([X, groups])
    regressor(interval_fraction=0.2).fit(x, X[:, 0], groups=groups)
    assert len(held) == 3
    assert all(not kept & out for kept, out in held)
    assert held[0][1] != held[1][1]


def test_weights_that_repeat_rows():
    times = np.random.default_rng(1).integers(0, 3, len(X))
    repeated = np.repeat(np.arange(len(X)), times)
    net = classifier().fit(X, Y, sample_weight=times)
    other = classifier().fit(X[repeated], Y[repeated])
    np.testing.assert_array_equal(net.predict_proba(X), other.predict_proba(X))


@pytest.mark.parametrize("rows", [2, 3, 6, 12, 40])
def test_tiny_tables(rows):
    x, y = X[:rows], np.arange(rows) % 2
    for net in (classifier(batch=None), regressor(batch=None)):
        assert np.isfinite(net.fit(x, y).predict(x)).all()
        assert len(net.members_) == 3


def test_a_class_of_one_row_is_known_to_every_member():
    y = np.zeros(len(X), int)
    y[:60], y[7] = 1, 2
    net = classifier(validation_fraction=0.4).fit(X, y)
    assert net.predict_proba(X).shape == (len(X), 3)
    assert np.isfinite(net.predict_log_proba(X)).all()


def test_a_column_that_one_member_alone_knows_says_nothing():
    x = np.column_stack([X, np.zeros(len(X))])
    x[0, -1] = 1000.0
    for more in ({}, {"scale": False}):
        net = regressor(**more, members=8, validation_fraction=0.5).fit(x, X[:, 0])
        far = x[:3].copy()
        far[:, -1] = 1e6
        assert np.abs(net.predict(far)).max() < 1e3


@pytest.mark.filterwarnings("ignore::evenly.errors.DoctorWarning")
def test_kept_in_files_and_pickles(tmp_path):
    for net, y in ((classifier(), Y), (regressor(doctor=True), X[:, 0])):
        net.fit(X, y)
        ev.save(tmp_path / "net.evenly", net)
        for again in (ev.load(tmp_path / "net.evenly"), pickle.loads(pickle.dumps(net))):
            np.testing.assert_array_equal(again.predict(X), net.predict(X))
            assert again.members == 3
            assert [one.history for one in again.members_] == [one.history for one in net.members_]
            mine, theirs = again.members_[1].weights, net.members_[1].weights
            assert all(np.array_equal(mine[name], theirs[name]) for name in theirs)
        (tmp_path / "net.evenly").unlink()
    assert net.diagnosis_ is not None
    assert all(one.record is not None for one in net.members_)


def test_going_on_and_in_parts(full_effort):
    net = classifier(warm_start=True).fit(X, Y)
    before = net.model_.evaluate(*net._as_trained(X, Y)).loss
    again = pickle.loads(pickle.dumps(net))
    assert net.fit(X, Y).model_.evaluate(*net._as_trained(X, Y)).loss < before
    np.testing.assert_array_equal(again.fit(X, Y).predict_proba(X), net.predict_proba(X))
    with pytest.raises(ConfigurationError, match=r"members=2, and the network .* has 3"):
        net.set_params(members=2).fit(X, Y)
    with pytest.raises(ConfigurationError, match="members=2: partial_fit trains one network"):
        net.partial_fit(X, Y)
    with pytest.raises(ConfigurationError, match=r"members=8: .* does not keep their optimizers"):
        NetClassifier(4, max_epochs=1).fit(X, Y).partial_fit(X, Y)
    with pytest.raises(ConfigurationError, match=r"members=1, and the network .* has 3"):
        net.set_params(members=1).partial_fit(X, Y)
    with pytest.raises(ConfigurationError, match="several members"):
        NetTransformer(estimator=classifier().fit(X, Y)).fit(X, Y)


def test_intervals_of_members_that_watch_rows_of_their_own():
    net = regressor(members=4, validation_fraction=0.3).fit(X, X[:, 0])
    alone = regressor(members=1, validation_fraction=0.3).fit(X, X[:, 0])
    assert len(net.conformal_) > 3 * len(alone.conformal_)
    assert (np.diff(net.conformal_, axis=0) >= 0).all()
    apart = regressor(interval_fraction=0.2).fit(X, X[:, 0])
    one = regressor(interval_fraction=0.2, members=1).fit(X, X[:, 0])
    assert len(apart.conformal_) == len(one.conformal_)


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True, "3", None])
def test_wrong_numbers_of_members(wrong):
    with pytest.raises(ConfigurationError, match="members must be a whole number >= 1"):
        classifier(members=wrong).fit(X, Y)


@pytest.mark.parametrize("wrong", [0, -1.0, "1", True, np.inf, np.nan])
def test_wrong_times(wrong):
    with pytest.raises(ConfigurationError, match="time_limit must be a number of seconds > 0"):
        classifier(time_limit=wrong).fit(X, Y)


def test_time_runs_out_within_the_first_member_and_the_best_weights_stay():
    net = classifier(time_limit=1e-6, max_epochs=5000, early_stopping=True).fit(X, Y)
    assert net.time_ran_out_
    assert len(net.members_) == 1
    assert net.history_.stopped == "time limit"
    assert net.n_iter_ in (1, 2)
    assert net.best_epoch_ is not None
    assert np.isfinite(net.predict_proba(X)).all()


def test_time_runs_out_between_members():
    slow = [lambda record: time.sleep(0.02) or None]
    net = classifier(time_limit=0.9, members=50, callbacks=slow, early_stopping=False).fit(X, Y)
    assert net.time_ran_out_
    assert 1 <= len(net.members_) < 50
    few = classifier(members=len(net.members_), early_stopping=False).fit(X, Y)
    np.testing.assert_array_equal(few.predict_proba(X), net.predict_proba(X))
    assert not few.time_ran_out_


def test_enough_time_changes_nothing(tmp_path):
    free = classifier().fit(X, Y)
    net = classifier(time_limit=1000).fit(X, Y)
    np.testing.assert_array_equal(free.predict_proba(X), net.predict_proba(X))
    assert not net.time_ran_out_
    short = classifier(time_limit=1e-6).fit(X, Y)
    ev.save(tmp_path / "short.evenly", short)
    assert ev.load(tmp_path / "short.evenly").time_ran_out_
    assert not short.set_params(time_limit=None).fit(X, Y).time_ran_out_
