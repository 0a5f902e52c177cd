"""The argument `embedding`."""

import pickle

import numpy as np
import pytest
from scipy.sparse import csr_array

import evenly as ev
from evenly.errors import ConfigurationError
from evenly.estimators import NetClassifier, NetRegressor, NetTransformer
from evenly.tables import TableRegressor

from .common import QUICK

X = np.random.default_rng(0).normal(size=(240, 4))
X[:, 3] = 5.0
Y = (np.sin(4 * X[:, 0]) > 0).astype(int)
NAMES = ("periodic", "piecewise")
LONG = {**QUICK, "max_epochs": 80, "early_stopping": False, "dropout": 0, "learning_rate": 0.01}


@pytest.mark.parametrize("name", NAMES)
def test_waves_in_an_input_are_seen(name):
    plain, more = (NetClassifier(**LONG, embedding=e).fit(X, Y) for e in (None, name))
    assert more.score(X, Y) > plain.score(X, Y) + 0.05


@pytest.mark.parametrize("name", [*NAMES, ev.Periodic(1, 4), ev.Scale()])
@pytest.mark.parametrize("kind", [NetClassifier, NetRegressor])
def test_saved_pickled_and_by_any_number_of_threads(kind, name, tmp_path):
    net = kind(**QUICK, embedding=name, n_jobs=1).fit(X, Y)
    before = net.predict(X)
    ev.save(tmp_path / "m", net)
    for twin in (ev.load(tmp_path / "m"), pickle.loads(pickle.dumps(net)),
                 kind(**QUICK, embedding=name, n_jobs=2).fit(X, Y)):
        assert np.array_equal(twin.predict(X), before)
    away = X.copy()
    away[:, 3] = -7.0  # never varied in training
    assert np.array_equal(net.predict(away), before)
    net.partial_fit(X, Y)


def test_bins_are_those_of_the_training_rows():
    net = NetClassifier(**QUICK, embedding="piecewise", scale="normal").fit(X * 1000, Y)
    edge = net.model_.weights["piecewise_linear_1.edge"]
    rows = net._inputs(X * 1000)[:, 0]
    assert rows.min() - 1e-6 <= edge[0, 0] < np.quantile(rows, 0.05)
    assert abs(edge[8, 0] - np.median(rows)) < 0.2
    skewed = NetClassifier(**QUICK, embedding="piecewise").fit(np.exp(2 * X), Y)
    assert skewed.model_.weights["piecewise_linear_1.edge"][8, 0] < -0.1


@pytest.mark.parametrize("name", NAMES)
def test_partial_fit_begins_with_it(name):
    net = NetClassifier(**QUICK, embedding=name)
    for _ in range(3):
        net.partial_fit(X, Y, classes=[0, 1])
    if name == "piecewise":
        assert abs(net.model_.weights["piecewise_linear_1.edge"][8, 0]) < 0.2
    sparse = csr_array(np.where(np.abs(X) > 1, X, 0))
    assert NetClassifier(**QUICK, embedding=name).fit(sparse, Y).predict(sparse).shape == (240,)


def test_several_layers():
    both = ev.Sequential([ev.PiecewiseLinear(4), ev.Scale()])
    net = NetClassifier(**QUICK, embedding=both).fit(np.exp(2 * X), Y)
    weights = net.model_.weights
    assert weights["scale_1.factor"].shape == (16,)
    assert weights["piecewise_linear_1.edge"][2, 0] < -0.1  # of the rows
    behind = ev.Sequential([ev.Scale(), ev.PiecewiseLinear(4)])
    edge = NetClassifier(**QUICK, embedding=behind).fit(X, Y).model_.weights[
        "piecewise_linear_1.edge"]
    assert abs(edge[2, 0]) < 1e-6  # nobody knows the rows there: of a normal distribution


def test_with_bins_and_data_driven_weights():
    net = NetClassifier(**QUICK, embedding="piecewise", init="lsuv").fit(X, Y)
    assert np.isfinite(net.predict_proba(X)).all()


@pytest.mark.parametrize("call", ["fit", "partial_fit"])
def test_another_embedding_is_another_network(call):
    net = NetClassifier(**QUICK, embedding="periodic", warm_start=True).fit(X, Y)
    net.fit(X, Y)
    for other in (None, "piecewise", ev.Periodic(7)):
        with pytest.raises(ConfigurationError, match="begin anew with a fit without warm_start"):
            getattr(net.set_params(embedding=other), call)(X, Y)


@pytest.mark.parametrize(("settings", "words"), [
    ({"embedding": "waves"}, "embedding must be one of 'periodic', 'piecewise'"),
    ({"embedding": 3}, "embedding must be one of"),
    ({"embedding": ev.Periodic}, "call it"),
    ({"embedding": "periodic", "net": ev.Dense(2)}, "with a net of your own: put the layer"),
])
def test_what_is_none_is_refused(settings, words):
    with pytest.raises(ConfigurationError, match=words):
        NetClassifier(**QUICK, **settings).fit(X, Y)


def test_its_fields_are_parameters():
    net = NetClassifier(**QUICK, embedding="periodic").set_params(embedding__units=2)
    assert net.embedding == ev.Periodic(units=2)
    assert net.fit(X, Y).model_.weights["periodic_1.bias"].shape == (8,)


@pytest.mark.parametrize("name", NAMES)
def test_transformers_and_tables(name):
    assert NetTransformer(**QUICK, embedding=name).fit(X, Y).transform(X).shape == (240, 8)
    table = {"a": X[:, 0].tolist(), "b": ["x", "y"] * 120}
    model = TableRegressor(**QUICK, embedding=name, quiet=True).fit(table, X[:, 0])
    assert model.predict(table).shape == (240,)
