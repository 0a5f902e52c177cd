"""scikit-learn's multilayer perceptrons, read."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)

import evenly as ev
from evenly.errors import ConfigurationError

RNG = np.random.default_rng(0)
X = RNG.normal(3, [1, 20, 0.1, 5], (60, 4))
NUMBER = X[:, 0] - X[:, 1] / 20 + RNG.normal(size=60)
SMALL = MLPRegressor(hidden_layer_sizes=(2,), max_iter=2)
TARGETS = {
    "two": np.where(NUMBER > 0, "yes", "no"), "three": np.digitize(NUMBER, [-1, 1]),
    "labels": np.stack([NUMBER > 0, X[:, 3] > 3, NUMBER > 1], axis=1).astype(int),
}


def fitted(estimator, x, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(x, y)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("target", TARGETS)
def test_classifier(activation, target):
    mlp = fitted(MLPClassifier((5, 3), activation, max_iter=5, random_state=0), X, TARGETS[target])
    model = ev.from_sklearn(mlp)
    own, theirs = model.predict_proba(X), mlp.predict_proba(X)
    np.testing.assert_allclose(own, theirs[:, 1:] if target == "two" else theirs, atol=2e-6,
                               rtol=1e-5)
    assert len(model.net.layers) == (3 if activation == "identity" else 5)


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("settings", [
    {"solver": "lbfgs"}, {"early_stopping": True}, {"solver": "sgd", "nesterovs_momentum": False},
])
def test_regressor(outputs, settings):
    y = NUMBER if outputs == 1 else np.stack([NUMBER, X[:, 2]], axis=1)
    x = StandardScaler().fit_transform(X)
    mlp = fitted(MLPRegressor(hidden_layer_sizes=(), max_iter=9, random_state=0, **settings), x, y)
    model = ev.from_sklearn(mlp, dtype="float64")
    np.testing.assert_allclose(model.predict(x).reshape(y.shape), mlp.predict(x), rtol=1e-10,
                               atol=1e-12)
    _, gradients = model.gradients(x, y.reshape(60, outputs))
    assert gradients["dense_1.kernel"].any()


def test_counts():
    try:
        mlp = MLPRegressor(hidden_layer_sizes=(3,), loss="poisson", max_iter=9, random_state=0)
    except TypeError:
        pytest.skip("this scikit-learn has no loss for counts")
    x = StandardScaler().fit_transform(X)
    mlp = fitted(mlp, x, np.abs(NUMBER).round())
    own = ev.from_sklearn(mlp)
    assert isinstance(own.loss, ev.Poisson)
    np.testing.assert_allclose(np.exp(own.predict(x)[:, 0]), mlp.predict(x), rtol=1e-5)


@pytest.mark.parametrize("scalers", [
    [StandardScaler()], [StandardScaler(with_mean=False)], [StandardScaler(with_std=False)],
    [MinMaxScaler((-1, 2))], [MaxAbsScaler()], [RobustScaler()],
    [RobustScaler(with_centering=False)],
    [RobustScaler(with_scaling=False)], [MinMaxScaler(), StandardScaler(), RobustScaler()],
], ids=str)
@pytest.mark.parametrize("target", TARGETS)
def test_pipelines(scalers, target, tmp_path):
    pipeline = make_pipeline(*scalers, "passthrough", MLPClassifier((4,), max_iter=9,
                                                                     random_state=0))
    fitted(pipeline, X, TARGETS[target])
    own = ev.from_sklearn(pipeline)
    assert type(own.scaler) is (ev.RobustScaler if type(scalers[0]) is RobustScaler
                                else ev.Standardizer)
    theirs = pipeline.predict_proba(X)
    np.testing.assert_allclose(own.predict_proba(X), theirs[:, 1:] if target == "two" else theirs,
                               atol=1e-5)
    if target != "labels":
        np.testing.assert_array_equal(own.predict(X), pipeline.predict(X))
    ev.save(tmp_path / "it", own)
    np.testing.assert_array_equal(ev.load(tmp_path / "it").scores(X), own.scores(X))


def test_of_a_search_the_best_and_it_trains_on():
    search = fitted(GridSearchCV(Pipeline([("s", StandardScaler()),
                                           ("net", SMALL)]),
                                 {"net__alpha": [0.1, 1]}, cv=2), X, NUMBER)
    own = ev.from_sklearn(search)
    np.testing.assert_allclose(own.scores(X)[:, 0], search.predict(X), atol=1e-5)
    assert own.classes is None


@pytest.mark.parametrize(("make", "message"), [
    (lambda: MLPClassifier(), "the estimator: the MLPClassifier is not fitted: call its fit"),
    (lambda: "mlp", "the estimator: str is no MLPClassifier or MLPRegressor"),
    (lambda: StandardScaler().fit(X), "StandardScaler is no MLPClassifier"),
    (lambda: make_pipeline(StandardScaler(), MLPRegressor()), "'mlpregressor'.*not fitted"),
    (lambda: make_pipeline(PolynomialFeatures(), SMALL).fit(X, NUMBER),
     "step 'polynomialfeatures': PolynomialFeatures has no counterpart: StandardScaler"),
    (lambda: make_pipeline(MinMaxScaler(clip=True), SMALL).fit(X, NUMBER),
     "step 'minmaxscaler': clip=True has no counterpart"),
])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_refusals(make, message):
    with pytest.raises(ConfigurationError, match=f"from_sklearn: .*{message}"):
        ev.from_sklearn(make())
