"""A validation set on another scale is told, one of the same distribution is not."""

import warnings

import numpy as np
import pytest
import sklearn
from scipy.sparse import csr_array
from sklearn import datasets
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from evenly.estimators import NetClassifier, NetRegressor
from evenly.estimators.scales.proportion import warn_of_other_scale

from .common import QUICK, classes

DISTRIBUTIONS = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "cauchy": lambda rng, shape: rng.standard_cauchy(shape),
    "lognormal": lambda rng, shape: np.exp(3 * rng.normal(size=shape)),
    "heavy rows": lambda rng, shape: rng.normal(size=shape) * rng.standard_cauchy((shape[0], 1)),
    "counts": lambda rng, shape: rng.poisson(0.3, shape).astype(float),
    "mostly zeros": lambda rng, shape: (rng.random(shape) < 0.05) * rng.pareto(1.0, shape),
    "one value": lambda rng, shape: np.full(shape, 3.0),
}
TABLES = [datasets.load_iris, datasets.load_wine, datasets.load_breast_cancer,
          datasets.load_diabetes]


def told(X, X_val):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_of_other_scale(X, X_val)
    return [str(warning.message) for warning in caught]


@pytest.mark.parametrize("form", [np.asarray, csr_array])
@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("rows", [25, 60, 400])
def test_random_splits_raise_no_alarm(form, name, rows):
    rng = np.random.default_rng(0)
    alarms = 0
    for columns in (1, 3, 20):
        for share in (0.05, 0.2, 0.5):
            for _ in range(20):
                x = DISTRIBUTIONS[name](rng, (rows, columns))
                held = max(1, int(share * rows))
                alarms += len(told(form(x[held:]), form(x[:held])))
    assert alarms == 0


@pytest.mark.parametrize("load", [*TABLES, datasets.load_digits])
def test_splits_of_real_tables_raise_no_alarm(load):
    x = load(return_X_y=True)[0]
    for seed in range(30):
        for share in (0.06, 0.2, 0.5):
            kept, held = train_test_split(x, test_size=share, random_state=seed)
            assert not told(kept, held)


@pytest.mark.parametrize("load", TABLES)
@pytest.mark.parametrize("scaler", [StandardScaler, MinMaxScaler])
def test_one_of_two_scaled_is_told(load, scaler):
    x = load(return_X_y=True)[0]
    scaled = scaler().fit_transform(x)
    for seed in range(5):
        kept, held = train_test_split(np.arange(len(x)), test_size=0.2, random_state=seed)
        for one, other in ((scaled, x), (x, scaled), (x, 1000 * x + 5000)):
            (words,) = told(one[kept], other[held])
            assert "X_val is out of proportion to X" in words
            assert "transform_input=['X_val']" in words


def test_sparse_tables():
    x = np.random.default_rng(0).poisson(0.5, (300, 20)) * 1.0
    assert told(csr_array(x[:200]), csr_array(1000 * x[200:]))
    assert not told(csr_array(x[:200]), csr_array(x[200:]))
    assert told(csr_array(x[:200]), 1000 * x[200:] + 500)


@pytest.mark.parametrize("kind", [NetClassifier, NetRegressor])
def test_fit_tells(kind):
    x, y = classes()
    with pytest.warns(UserWarning, match="X_val is out of proportion to X: 100% of its numbers"):
        kind(**QUICK).fit(x[:150], y[:150], X_val=1000 * x[150:] + 5000, y_val=y[150:])
    kind(**QUICK).fit(x[:150], y[:150], X_val=x[150:], y_val=y[150:])


def test_a_pipeline_transforms_it_where_it_is_told_to():
    x, y = classes()
    x = 1000 * x + 5000
    steps = [("scale", StandardScaler()), ("net", NetClassifier(**QUICK))]
    with pytest.warns(UserWarning, match="X_val is out of proportion to X"):
        Pipeline(steps).fit(x[:150], y[:150], net__X_val=x[150:], net__y_val=y[150:])
    with sklearn.config_context(enable_metadata_routing=True):
        net = NetClassifier(**QUICK).set_fit_request(X_val=True, y_val=True)
        pipeline = Pipeline([("scale", StandardScaler()), ("net", net)],
                            transform_input=["X_val"])
        pipeline.fit(x[:150], y[:150], X_val=x[150:], y_val=y[150:])
    scaler = pipeline["scale"]
    by_hand = NetClassifier(**QUICK).fit(scaler.transform(x[:150]), y[:150],
                                         X_val=scaler.transform(x[150:]), y_val=y[150:])
    assert np.array_equal(pipeline["net"].validation_loss_curve_, by_hand.validation_loss_curve_)
