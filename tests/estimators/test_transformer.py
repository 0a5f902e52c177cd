"""The activations of a layer as features."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import evenly as ev
from evenly.errors import ConfigurationError, DataError
from evenly.estimators import NetClassifier, NetRegressor, NetTransformer

from .common import QUICK, classes, numbers

X, Y = classes()


def by_definition(model, x, layers):
    """The first layers of a network through their definitions."""
    net = ev.Sequential(model.net.resolved.layers[:layers])
    weights = {name: array.astype(np.float64) for name, array in model.weights.items()}
    return net.forward(x, weights, ev.Run(training=False))[0]


def test_the_last_hidden_layer_and_a_named_one():
    codes = NetTransformer(**QUICK).fit(X, Y)
    scaled = codes.estimator_.scaler_.scaled(X)
    assert codes.layer_ == "dropout_2"
    assert np.allclose(codes.transform(X), by_definition(codes.model_, scaled, 8))
    named = NetTransformer(**QUICK, layer="batch_norm_1").fit(X, Y)
    assert named.transform(X).shape == (200, 16)
    assert np.allclose(named.transform(X), by_definition(named.model_, scaled, 2))
    whole = NetTransformer(**QUICK, layer="dense_3").fit(X, Y)
    assert np.allclose(whole.transform(X), whole.estimator_.decision_function(X))
    with pytest.raises(ConfigurationError, match=r"one of 'dense_1', .* got 'dense_9'"):
        NetTransformer(**QUICK, layer="dense_9").fit(X, Y)
    with pytest.raises(ConfigurationError, match="no hidden layer"):
        NetTransformer(()).fit(X, Y)


def test_the_task():
    for y, kind in ((Y, NetClassifier), (Y.astype(str), NetClassifier), (Y + 0.5, NetRegressor)):
        assert type(NetTransformer(**QUICK).fit(X, y).estimator_) is kind
    assert type(NetTransformer(**QUICK, task="regression").fit(X, Y).estimator_) is NetRegressor
    with pytest.raises(ConfigurationError, match="task must be one of"):
        NetTransformer(task="clustering").fit(X, Y)


def test_without_targets_it_reproduces_the_inputs():
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(400, 2))
    x = hidden @ rng.normal(size=(2, 8))
    coder = NetTransformer((16, 2, 16), layer="dense_2", activation="tanh", norm=None, dropout=0,
                           max_epochs=80, random_state=0).fit(x)
    assert coder.transform(x).shape == (400, 2)
    assert coder.estimator_.score(x, x) > 0.95
    other = NetTransformer(**QUICK, task="reconstruction").fit(X, Y)
    assert other.estimator_.n_outputs_ == 6


@pytest.mark.parametrize("form", [np.asarray, csr_array])
def test_reproducing_a_validation_set(form):
    own = NetTransformer(**QUICK).fit(form(X), X_val=form(X[:50])).estimator_
    inner = NetRegressor(**QUICK).fit(form(X), X, X_val=form(X[:50]), y_val=X[:50])
    assert np.array_equal(own.validation_loss_curve_, inner.validation_loss_curve_)
    named = NetTransformer(**QUICK, task="reconstruction")
    named.fit(form(X), Y, X_val=form(X[:50]), y_val=Y[:50])  # targets have no part in it
    assert np.array_equal(named.estimator_.validation_loss_curve_, inner.validation_loss_curve_)


def test_a_trained_network_is_taken_as_it_is():
    fitted = NetClassifier(**QUICK).fit(X, Y)
    features = NetTransformer(estimator=fitted).fit(X).transform(X)
    assert np.array_equal(features, NetTransformer(**QUICK).fit(X, Y).transform(X))
    model = ev.fit(ev.Sequential([ev.Dense(5), ev.ReLU(), ev.Dense(3)]), X, Y,
                   loss=ev.SoftmaxCrossEntropy(), epochs=2)
    taken = NetTransformer(estimator=model).fit(X)
    assert np.allclose(taken.transform(X), by_definition(model, X, 2))
    assert taken.estimator_ is None
    with pytest.raises(DataError, match="X has 3 features"):
        NetTransformer(estimator=model).fit(X[:, :3])
    frozen = make_pipeline(NetTransformer(estimator=FrozenEstimator(fitted)), LogisticRegression())
    assert frozen.fit(X, Y).score(X, Y) > 0.8


def test_an_estimator_to_train():
    own = NetTransformer(estimator=NetRegressor(8, random_state=0, max_epochs=3)).fit(X, Y)
    assert type(own.estimator_) is NetRegressor
    assert own.transform(X).shape == (200, 8)
    assert not hasattr(own.estimator, "model_")
    coder = NetTransformer(**QUICK)
    for other in (LogisticRegression(), coder, coder.fit(X, Y), FrozenEstimator(coder)):
        with pytest.raises(ConfigurationError, match="estimator must be"):
            NetTransformer(estimator=other).fit(X, Y)


def test_warm_start():
    x, y = numbers()
    coder = NetTransformer(**QUICK, warm_start=True).fit(x, y)
    first = coder.estimator_.loss_curve_[-1]
    assert coder.fit(x, y).estimator_.loss_curve_[-1] < first


def test_the_dtype_of_the_inputs_is_kept():
    codes = NetTransformer(**QUICK).fit(X, Y)
    assert codes.transform(X).dtype == np.float64
    assert codes.transform(X.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_task_that_needs_targets(task):
    with pytest.raises(ConfigurationError, match=f"task='{task}' needs targets, and y is None"):
        NetTransformer(task=task).fit(X)
