"""What estimators choose by themselves: members, epochs and patience."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone

import evenly as ev
from evenly import TableClassifier, TableRegressor
from evenly.errors import ConfigurationError
from evenly.estimators import NetClassifier, NetRegressor, NetTransformer
from evenly.estimators.effort import LARGE

pytestmark = pytest.mark.usefixtures("full_effort")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
CLASSES, NUMBERS = (X[:, 0] > 0).astype(int), X[:, 0] + X[:, 1]
TWO = [(NetClassifier, CLASSES), (NetRegressor, NUMBERS)]
QUICK = {"hidden": 4, "random_state": 0}


@pytest.mark.parametrize(("kind", "y"), TWO)
def test_fast_is_one_network_of_a_hundred_epochs(kind, y):
    fast = kind(**QUICK, effort="fast").fit(X, y)
    same = kind(**QUICK, members=1, max_epochs=100, patience=20).fit(X, y)
    assert fast.settings_ == {"members": 1, "max_epochs": 100, "patience": 20}
    np.testing.assert_array_equal(fast.predict(X), same.predict(X))


@pytest.mark.parametrize(("kind", "y", "chosen"), [
    (NetClassifier, CLASSES, {"members": 8, "max_epochs": 100, "patience": 20}),
    (NetRegressor, NUMBERS, {"members": 5, "max_epochs": 300, "patience": 60}),
])
def test_the_default_depends_on_the_size_and_the_kind(kind, y, chosen):
    small = kind(**QUICK).fit(X, y)
    assert small.settings_ == chosen
    assert len(small.members_) == chosen["members"]
    same = kind(**QUICK, **chosen).fit(X, y)
    np.testing.assert_array_equal(small.predict(X), same.predict(X))
    rows = np.resize(np.arange(60), LARGE)
    large = kind(**QUICK, batch=None).fit(X[rows], y[rows])
    assert large.settings_ == {"members": 4, "max_epochs": 100, "patience": 20}


@pytest.mark.parametrize(("kind", "y"), TWO)
def test_the_best_is_many_networks_and_long(kind, y):
    best = kind(**QUICK, effort="best", batch=None).fit(X, y)
    assert best.settings_ == {"members": 16, "max_epochs": 300, "patience": 60}


@pytest.mark.parametrize(("kind", "y"), TWO)
@pytest.mark.parametrize("given", [{"members": 2}, {"max_epochs": 3}, {"patience": 2}])
def test_what_is_given_wins(kind, y, given):
    net = kind(**QUICK, **given)
    assert net.get_params()["effort"] == "default"
    net.fit(X, y)
    assert net.settings_ | given == net.settings_
    assert len(net.history_) <= net.settings_["max_epochs"]
    assert len(net.members_) == net.settings_["members"]


def test_arguments_stay_as_they_were_given():
    net = NetRegressor(**QUICK).fit(X, NUMBERS)
    for name in ("members", "max_epochs", "patience"):
        assert net.get_params()[name] == clone(net).get_params()[name] == "auto"
    assert not hasattr(clone(net), "settings_")


def test_what_was_chosen_is_kept_with_the_model(tmp_path):
    net = NetRegressor(**QUICK, max_epochs=4).fit(X, NUMBERS)
    assert pickle.loads(pickle.dumps(net)).settings_ == net.settings_
    ev.save(tmp_path / "net.evenly", net)
    assert ev.load(tmp_path / "net.evenly").settings_ == net.settings_


def test_a_warm_start_keeps_its_members():
    net = NetClassifier(**QUICK, max_epochs=2, warm_start=True).fit(X, CLASSES)
    rows = np.resize(np.arange(60), LARGE)
    assert net.fit(X[rows], CLASSES[rows]).settings_["members"] == 8


def test_a_refit_is_of_one_network():
    net = NetClassifier(**QUICK, max_epochs=3, refit=True, validation=0.2).fit(X, CLASSES)
    assert net.settings_["members"] == 1


def test_partial_fit_trains_one_network():
    net = NetClassifier(**QUICK).partial_fit(X, CLASSES, [0, 1])
    assert len(net.members_) == 1


def test_features_are_those_of_one_network():
    given = NetTransformer(estimator=NetClassifier(**QUICK, max_epochs=2)).fit(X, CLASSES)
    assert given.transform(X).shape == (60, 4)
    assert NetTransformer(4, max_epochs=2).fit_transform(X, CLASSES).shape == (60, 4)


@pytest.mark.parametrize(("kind", "y"), [(TableClassifier, CLASSES), (TableRegressor, NUMBERS)])
def test_estimators_for_tables_choose_likewise(kind, y):
    net = kind(**QUICK, max_epochs=2, quiet=True).fit(X, y)
    assert net.settings_["members"] == (8 if kind is TableClassifier else 5)
    assert kind(**QUICK, max_epochs=2, effort="fast", quiet=True).fit(X, y).settings_[
        "members"] == 1


@pytest.mark.parametrize(("given", "words"), [
    ({"effort": "most"}, "effort must be one of 'fast', 'default', 'best', got 'most'"),
    ({"effort": None}, "effort must be one of"),
    ({"members": "many"}, 'members must be a whole number >= 1, or "auto", got \'many\''),
    ({"max_epochs": "none"}, 'max_epochs must be a whole number >= 1, or "auto"'),
    ({"patience": 0}, 'patience must be a whole number >= 1, or "auto"'),
])
def test_other_words_are_refused(given, words):
    with pytest.raises(ConfigurationError, match=words):
        NetClassifier(**{**QUICK, **given}).fit(X, CLASSES)
