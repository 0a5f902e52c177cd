"""Nested parameters, as scikit-learn's tools set them."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

import evenly as ev
from evenly.estimators import NetClassifier, NetRegressor, NetTransformer

from .common import QUICK, classes

X, Y = classes()
FAST = {**QUICK, "max_epochs": 3}


@pytest.mark.parametrize(("settings", "given", "name", "value"), [
    ({"optimizer": ev.Momentum(0.1)}, {"optimizer__beta": 0.5}, "optimizer",
     ev.Momentum(0.1, beta=0.5)),
    ({}, {"optimizer__learning_rate": 0.5}, "optimizer", ev.AdamW(0.5)),
    ({}, {"optimizer__weight_decay": 0.5}, "optimizer", ev.AdamW(2e-3, weight_decay=0.5)),
    ({"optimizer": "sgd"}, {"optimizer__learning_rate": 0.5}, "optimizer", ev.SGD(0.5)),
    ({"optimizer": "nesterov"}, {"optimizer__learning_rate": 0.5}, "optimizer",
     ev.Momentum(0.5, nesterov=True)),
    ({"penalty": ev.L2(0.1)}, {"penalty__strength": 0.5}, "penalty", ev.L2(0.5)),
    ({"clip": 2.0}, {"clip__max_norm": 0.5}, "clip", ev.ClipGlobalNorm(0.5)),
    ({"constraint": ev.MaxNorm(2.0)}, {"constraint__limit": 0.5}, "constraint", ev.MaxNorm(0.5)),
    ({"augment": 0.2}, {"augment__alpha": 0.5}, "augment", ev.Mixup(0.5)),
    ({}, {"schedule__floor": 1e-5}, "schedule", ev.CosineDecay(floor=1e-5)),
    ({"schedule": ev.LinearWarmup(5, then=ev.CosineDecay())},
     {"schedule__then__floor": 1e-5, "schedule__length": 3}, "schedule",
     ev.LinearWarmup(3, then=ev.CosineDecay(floor=1e-5))),
    ({}, {"norm__decay": 0.5}, "norm", ev.BatchNorm(decay=0.5)),
    ({"activation": "elu"}, {"activation__alpha": 0.5}, "activation", ev.ELU(0.5)),
    ({"dropout": 0.2}, {"dropout__rate": 0.5}, "dropout", ev.Dropout(0.5)),
    ({"optimizer": "sgd"}, {"optimizer": ev.Adam(), "optimizer__learning_rate": 0.5}, "optimizer",
     ev.Adam(0.5)),
])
def test_a_field_is_set(settings, given, name, value):
    net = NetClassifier(**settings)
    before = getattr(net, name)
    assert getattr(net.set_params(**given), name) == value
    if not isinstance(before, (str, float, type(None))):
        assert settings[name] is before  # a value is replaced, not changed
    for key, wanted in given.items():
        if "__" in key:
            assert net.get_params()[key] == wanted
    assert getattr(clone(net), name) == value


NET = ev.Sequential([
    ev.Residual([ev.Dense(6), ev.BatchNorm(), ev.ReLU()]), ev.Sequential([ev.Dropout(0.1)]),
    ev.Dense(3, name="last"),
])


def test_the_layers_of_a_network():
    net = NetClassifier(net=NET)
    params = net.get_params()
    assert params["net__dense_1__units"] == 6
    assert params["net__dropout_1__rate"] == 0.1
    assert params["net__last__units"] == 3
    net.set_params(net__dropout_1__rate=0.4, net__batch_norm_1__decay=0.5, net__last=ev.Dense(3))
    assert net.net == ev.Sequential([
        ev.Residual([ev.Dense(6), ev.BatchNorm(decay=0.5), ev.ReLU()]),
        ev.Sequential([ev.Dropout(0.4)]), ev.Dense(3),
    ])
    assert NET.layers[1] == ev.Sequential([ev.Dropout(0.1)])


@pytest.mark.parametrize("kind", [NetClassifier, NetRegressor, NetTransformer])
def test_all_parameters_set_again_are_the_same(kind):
    values = {"optimizer": ev.Adam(0.1), "schedule": ev.OneCycle(), "penalty": ev.L2(0.1)}
    for net in (kind(), kind(**values), kind(net=NET)):
        params = net.get_params()
        twin = kind().set_params(**params)
        assert twin.get_params() == params
        assert net.get_params(deep=False).items() <= params.items()
    assert "optimizer__learning_rate" in kind(**values).get_params()
    assert "optimizer__learning_rate" not in kind(**values).get_params(deep=False)


def test_the_fit_follows():
    net = NetClassifier(**FAST).set_params(optimizer__learning_rate=0.25).fit(X, Y)
    assert net.model_.engine.program.optimizer == ev.AdamW(0.25)


@pytest.mark.parametrize(("settings", "given", "words"), [
    ({"optimizer": ev.Adam()}, {"optimizer__learn_rate": 1},
     r"Invalid parameter 'learn_rate' for Adam in NetClassifier\(optimizer=...\). Valid parameters "
     r"are: \['learning_rate', .*'beta_1'"),
    ({}, {"penalty__strength": 1}, r"penalty=None has no parameters: .* penalty=L2\(0.01\)"),
    ({"norm": "group"}, {"norm__groups": 1}, "norm='group' has no parameters"),
    ({}, {"init__scale": 1}, "init='he' has no parameters"),
    ({}, {"hidden__0": 1}, r"hidden=\(128, 64\) has no parameters"),
    ({"max_epochs": 100}, {"max_epochs__x": 1}, "max_epochs=100 has no parameters"),
    ({"schedule": None}, {"schedule__floor": 1}, "schedule=None has no parameters"),
    ({"net": NET}, {"net__dense_9__units": 1}, "'dense_9' for Sequential.*'dense_1'"),
    ({"net": NET}, {"net__last__name__x": 1}, "name='last' has no parameters"),
    ({}, {"optimiser__learning_rate": 1}, "Invalid parameter 'optimiser'"),
    ({}, {"learn_rate": 1}, "Invalid parameter 'learn_rate'"),
    ({"optimizer": ev.Adam()}, {"optimizer__learning_rate": -1}, "learning_rate must be positive"),
    ({"learning_rate": 0.1}, {"optimizer__learning_rate": 1}, "the second would win: give one"),
])
def test_what_cannot_be_set(settings, given, words):
    net = NetClassifier(**settings)
    before = net.get_params()
    with pytest.raises(ValueError, match=words):
        net.set_params(**given)
    assert net.get_params() == before


def test_searches():
    grid = {"optimizer__learning_rate": [1e-6, 0.01], "optimizer__weight_decay": [0.0]}
    search = GridSearchCV(NetClassifier(**QUICK, optimizer=ev.Adam()), grid, cv=2).fit(X, Y)
    assert search.best_params_["optimizer__learning_rate"] == 0.01
    assert search.best_estimator_.optimizer == ev.Adam(0.01)
    pipeline = Pipeline([("scale", StandardScaler()), ("net", NetClassifier(**QUICK))])
    grid = {"net__optimizer__learning_rate": [1e-6, 0.01], "net__dropout__rate": [0.0]}
    found = RandomizedSearchCV(pipeline, grid, cv=2, n_iter=2, random_state=0).fit(X, Y)
    assert found.best_params_["net__optimizer__learning_rate"] == 0.01
    inner = NetTransformer(estimator=NetClassifier(**FAST, optimizer="adam"))
    inner.set_params(estimator__optimizer__learning_rate=0.5)
    assert inner.estimator.optimizer == ev.Adam(0.5)
    assert np.isfinite(inner.fit(X, Y).transform(X)).all()


def test_it_shows_itself():
    net = NetClassifier(optimizer=ev.Adam(0.5), net=NET)
    assert "optimizer=Adam(" in repr(net)
    assert "Adam(" in net._repr_html_()
