"""Members within one network, which share its kernels."""

import numpy as np
import pytest
from sklearn.base import clone

import evenly as ev
from evenly.errors import ConfigurationError
from evenly.estimators import NetClassifier, NetRegressor, NetTransformer

from .common import QUICK, classes, labels

X, Y = classes()


def classifier(**more):
    return NetClassifier(**{**QUICK, "sharing": "kernels", "members": 4, "max_epochs": 15, **more})


def kinds(net):
    return [type(layer).__name__ for layer in net.model_.net.layers]


@pytest.mark.parametrize(("y", "more", "of"), [
    (Y, {}, "classes"), (labels()[1], {}, "labels"), (Y > 0, {"loss": "focal"}, "labels"),
    (Y, {"hidden": (), "norm": None}, "classes"), (Y, {"embedding": "piecewise"}, "classes"),
], ids=["classes", "labels", "focal", "linear", "embedded"])
def test_a_classifier_is_one_network_of_members(y, more, of):
    x = labels()[0] if np.ndim(y) == 2 else X
    net = classifier(**more).fit(x, y)
    layers = net.model_.net.layers
    assert layers[-1].of == of
    assert next(layer for layer in layers if isinstance(layer, ev.Members)) == ev.Members(
        4, "normal" if "embedding" in more else "signs")
    assert (len(net.members_), net.settings_["members"]) == (1, 4)
    assert net.score(x, y) > (0.5 if np.ndim(y) == 1 else 0.2)
    again = clone(net).set_params(n_jobs=1).fit(x, y)
    np.testing.assert_array_equal(net.predict_proba(x), again.predict_proba(x))


@pytest.mark.parametrize("more", [
    {}, {"loss": "huber"}, {"loss": "poisson"}, {"loss": "quantile", "quantiles": (0.1, 0.5, 0.9)},
    {"refit": True}, {"norm": None, "average": "ema"},
], ids=repr)
def test_a_regressor_is_one_network_of_members(more):
    y = np.exp(np.random.default_rng(0).normal(size=len(X)) / 9 + X[:, 0] / 2)
    net = NetRegressor(**{**QUICK, "sharing": "kernels", "members": 3, "max_epochs": 40,
                          "learning_rate": 0.02, **more})
    net.fit(X, np.round(y) if more.get("loss") == "poisson" else y)
    assert [kinds(net)[i] for i in (0, -2, -1)] == ["Members", "MemberDense", "MemberMean"]
    predicted = net.predict(X)
    predicted = predicted if predicted.ndim == 1 else predicted[:, 1]
    assert np.corrcoef(predicted, y)[0, 1] > 0.6


def test_how_many_and_going_on(tmp_path):
    assert classifier(members="auto", max_epochs=1).fit(X, Y).settings_["members"] == 16
    net = classifier(members=3, max_epochs=2, warm_start=True).fit(X, Y)
    net.set_params(members="auto").fit(X, Y)
    assert net.settings_["members"] == 3
    before = net.predict_proba(X)
    net.set_params(members=5)
    with pytest.raises(ConfigurationError, match="begin anew with a fit without warm_start"):
        net.fit(X, Y)
    np.testing.assert_array_equal(net.predict_proba(X), before)
    ev.save(tmp_path / "net.evenly", net)
    np.testing.assert_array_equal(ev.load(tmp_path / "net.evenly").predict_proba(X), before)
    part = classifier().partial_fit(X, Y, classes=np.unique(Y))
    assert part.partial_fit(X, Y).predict_proba(X).shape == (len(X), 3)


@pytest.mark.parametrize(("more", "words"), [
    ({"sharing": "all"}, "sharing must be 'kernels', or None, got 'all'"),
    ({"sharing": True}, "sharing must be 'kernels', or None, got True"),
    ({"net": ev.Dense(3)}, "sharing='kernels' with a net of your own: put the layers in it"),
    ({"init": "lsuv"}, "init='lsuv' scales the layers of one network"),
    ({"members": 0}, "members must be a whole number >= 1"),
])
def test_what_cannot_be_shared(more, words):
    with pytest.raises(ConfigurationError, match=words):
        classifier(**more).fit(X, Y)


def test_a_doctor_and_a_transformer_read_it():
    net = classifier(doctor=True, max_epochs=8).fit(X, Y)
    assert "BatchEnsemble" in str(net.model_.net)
    assert net.diagnosis_ is not None
    assert NetTransformer(estimator=net).fit(X, Y).transform(X).ndim == 2
