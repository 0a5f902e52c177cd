"""Snapshot ensembles, and dropout and weight decay that fall, as arguments of the estimators."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone

import evenly as ev
from evenly.errors import ConfigurationError
from evenly.estimators import NetClassifier, NetRegressor, NetTransformer
from evenly.tables import TableRegressor
from evenly.training.together import separate

from .common import QUICK, classes

X, Y = classes()
VALUES = 1000 + X[:, 0]
WHOLE = {**QUICK, "early_stopping": False}
KINDS = [(NetClassifier, Y), (NetRegressor, VALUES)]


def answers(net):
    return net.predict_proba(X) if hasattr(net, "predict_proba") else net.predict(X)


@pytest.mark.parametrize(("kind", "y"), KINDS)
def test_one_training_gives_an_ensemble(kind, y, tmp_path):
    net = kind(**WHOLE, average="snapshots").fit(X, y)
    assert net.n_iter_ == 12
    assert len(net.members_) == 1
    parts = separate(net.model_)
    assert len(parts) == 5
    rates = net.history_.column("learning_rate")
    ends = [epoch - 1 for epoch in ev.Snapshots().ends(12)]
    assert (np.flatnonzero(np.diff(rates) > 0) == ends[:-1]).all()
    twin = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(answers(net), answers(twin))
    ev.save(tmp_path / "net.safetensors", net)
    np.testing.assert_array_equal(answers(net), answers(ev.load(tmp_path / "net.safetensors")))
    other = clone(net).set_params(average=ev.Snapshots(2), n_jobs=2).fit(X, y)
    assert len(separate(other.model_)) == 2
    assert clone(net).set_params(average=ev.Snapshots(), average__cycles=3).average.cycles == 3


def test_members_of_snapshots_are_averaged_too():
    net = NetClassifier(**WHOLE, average=ev.Snapshots(2), members=2).fit(X, Y)
    assert [len(separate(one)) for one in net.members_] == [2, 2]
    ones = [one.predict_proba(net._as_trained(X, None)[0]) for one in net.members_]
    np.testing.assert_allclose(net.predict_proba(X), np.mean(ones, axis=0), atol=1e-6)


def test_refit_and_time(tmp_path):
    net = NetClassifier(**WHOLE, average="snapshots", validation=0.2, refit=True).fit(X, Y)
    assert len(separate(net.model_)) == 5
    assert len(net.refit_history_) == 12
    cut = NetClassifier(**WHOLE, average="snapshots", time_limit=1e-9).fit(X, Y)
    assert cut.time_ran_out_
    assert len(separate(cut.model_)) == 1


@pytest.mark.parametrize(("settings", "words"), [
    ({"early_stopping": True}, "each cycle is trained to its end.*: give early_stopping=False"),
    ({"warm_start": True}, "a fit leaves several networks.*: give warm_start=False"),
    ({"max_epochs": 3}, "needs an epoch for each cycle"),
    ({"schedule": ev.ReduceOnPlateau(monitor="loss")}, "has no beginning"),
])
@pytest.mark.parametrize("average", ["snapshots", ev.Snapshots()])
def test_what_is_refused(settings, words, average):
    for kind, y in KINDS:
        with pytest.raises(ConfigurationError, match=words):
            kind(**{**WHOLE, **settings}, average=average).fit(X, y)


def test_nothing_goes_on_from_several():
    net = NetClassifier(**WHOLE, average="snapshots").fit(X, Y)
    before = net.predict_proba(X)
    net.set_params(average=None)
    with pytest.raises(ConfigurationError, match="begin anew with a fit without warm_start"):
        net.partial_fit(X, Y)
    with pytest.raises(ConfigurationError, match="begin anew with a fit without warm_start"):
        net.set_params(warm_start=True).fit(X, Y)
    np.testing.assert_array_equal(net.predict_proba(X), before)
    NetTransformer(**WHOLE, average="ema").fit(X, Y)


@pytest.mark.parametrize(("kind", "y"), KINDS)
def test_dropout_and_decay_fall(kind, y, tmp_path):
    settings = {**WHOLE, "members": 1, "learning_rate": 0.05}
    plain = kind(**settings).fit(X, y)
    assert plain.history_[-1].dropout_factor is None
    for name, field in (("dropout_schedule", "dropout_factor"),
                        ("decay_schedule", "decay_factor")):
        net = kind(**settings, **{name: "flat_cosine"}).fit(X, y)
        values = net.history_.column(field)
        # Of the last step of each epoch; the second half falls.
        assert (values[:6] == 1).all()
        assert (np.diff(values[5:]) < 0).all()
        assert (answers(net) != answers(plain)).any()
        value = kind(**settings, **{name: ev.FlatCosine()}).fit(X, y)
        np.testing.assert_array_equal(answers(net), answers(value))
        ev.save(tmp_path / "net.safetensors", net)
        twin = ev.load(tmp_path / "net.safetensors")
        assert getattr(twin, name) == "flat_cosine"
        with pytest.raises(ConfigurationError, match=f"{name} must be one of 'cosine', 'linear'"):
            kind(**settings, **{name: "plateau"}).fit(X, y)
    bare = {**settings, "dropout": 0}
    np.testing.assert_array_equal(
        answers(kind(**bare).fit(X, y)),
        answers(kind(**bare, dropout_schedule="flat_cosine").fit(X, y)))
    with pytest.raises(ConfigurationError, match="decay, and SGD has none"):
        kind(**settings, optimizer="sgd", decay_schedule="cosine").fit(X, y)


def test_tables_take_them():
    table = {f"x{i}": X[:, i] for i in range(3)}
    model = TableRegressor(**WHOLE, average="snapshots", dropout_schedule="flat_cosine",
                           decay_schedule="cosine", quiet=True).fit(table, VALUES)
    assert len(separate(model.estimator_.model_)) == 5
    assert model.history_[-1].dropout_factor is not None
