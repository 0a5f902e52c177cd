"""First weights by the data, column by column."""

import numpy as np
import pytest

import evenly as ev
from evenly.errors import ConfigurationError, DataError, ShapeError
from evenly.estimators import NetClassifier, NetRegressor

RNG = np.random.default_rng(0)
X = RNG.normal(3.0, 2.0, (200, 6)) * (1.0, 50.0, 0.01, 1.0, 1.0, 0.0)
NET = ev.Sequential([ev.Dense(20), ev.Mish(), ev.Dense(15), ev.ReLU(), ev.Dense(2)])


def layers(net, x):
    """The input of each dense layer, and what its kernel gives."""
    w, each = net.weights, []
    x = np.asarray(x, float)
    for i, f in ((1, lambda z: z * np.tanh(np.logaddexp(0, z))), (2, lambda z: np.maximum(z, 0)),
                 (3, None)):
        z = x @ w[f"dense_{i}.kernel"].astype(float)
        each.append((z, w[f"dense_{i}.bias"]))
        x = f(z + w[f"dense_{i}.bias"]) if f else x
    return each


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_each_unit_has_deviation_1_and_its_place_among_the_rows(dtype):
    first = ev.init(NET, 6, seed=3, dtype=dtype)
    before = {name: array.copy() for name, array in first.weights.items()}
    model = ev.unit_columns(first, X)
    for (z, bias), last in zip(layers(model, X), (False, False, True), strict=True):
        np.testing.assert_allclose(z.std(axis=0), 1, rtol=1e-4)
        if last:
            assert not bias.any()
        else:
            assert (-bias > z.min(axis=0)).all()
            assert (-bias < z.max(axis=0)).all()
            assert len(np.unique(bias)) == len(bias)
    for name, array in before.items():
        np.testing.assert_array_equal(first.weights[name], array)
        if name.endswith("kernel"):  # the directions are those that were drawn
            ratio = model.weights[name] / array
            np.testing.assert_allclose(ratio, ratio[:1].repeat(len(ratio), axis=0), rtol=1e-4)


def test_without_biases_and_by_the_seed():
    models = [ev.unit_columns(ev.init(NET, 6, seed=seed), X, biases=False) for seed in (3, 3, 4)]
    assert not models[0].weights["dense_1.bias"].any()
    kernels = [model.weights["dense_1.kernel"] for model in models]
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert not np.array_equal(kernels[0], kernels[2])


def test_what_never_varies_stays():
    net = ev.Sequential([ev.Dense(4), ev.ReLU(), ev.Dense(1)])
    first = ev.init(net, 3, seed=0)
    for x in (np.zeros((9, 3)), np.full((9, 3), 7.0)):
        model = ev.unit_columns(first, x)
        np.testing.assert_array_equal(model.weights["dense_1.kernel"],
                                      first.weights["dense_1.kernel"])


def test_other_layers_and_sequences():
    net = ev.Sequential([ev.LSTM(4), ev.Dense(6), ev.BatchNorm(), ev.ReLU(),
                         ev.Residual([ev.Dense(6)]), ev.Dropout(0.5), ev.Dense(2)])
    x, lengths = RNG.standard_normal((30, 5, 3)), RNG.integers(1, 6, 30)
    first = ev.init(net, (5, 3), seed=1)
    model = ev.unit_columns(first, x, lengths=lengths)
    np.testing.assert_array_equal(model.weights["lstm_1.input_kernel"],
                                  first.weights["lstm_1.input_kernel"])
    lstm = ev.init(ev.Sequential([ev.LSTM(4)]), (5, 3), seed=1)
    z = lstm.predict(x, lengths) @ model.weights["dense_1.kernel"]
    np.testing.assert_allclose(z.std(axis=0), 1, rtol=1e-4)
    alone = {k: v for k, v in model.weights.items() if not k.startswith("dense_3")}
    assert alone["dense_2.bias"].any()


@pytest.mark.parametrize("kind", [NetClassifier, NetRegressor])
def test_estimators_begin_so(kind):
    y = X[:, 0] > 3 if kind is NetClassifier else X[:, 0]
    settings = {"hidden": 8, "norm": None, "max_epochs": 1, "learning_rate": 1e-12,
                "early_stopping": False, "random_state": 0}
    net = kind(**settings, init="unit_columns").fit(X, y)
    inputs = net._inputs(X)
    z = inputs @ net.model_.weights["dense_1.kernel"]
    np.testing.assert_allclose(z.std(axis=0), 1, rtol=1e-3)
    assert net.model_.weights["dense_1.bias"].any()
    other = kind(**settings, init="he").fit(X, y)
    assert not np.allclose((inputs @ other.model_.weights["dense_1.kernel"]).std(axis=0), 1, 1e-3)


def test_what_cannot_be():
    model = ev.init(NET, 6)
    with pytest.raises(ConfigurationError, match="unit_columns: expects a model, got Sequential"):
        ev.unit_columns(NET, X)
    with pytest.raises(ShapeError, match="unit_columns: expects at least 1 rows, got 0"):
        ev.unit_columns(model, X[:0])
    with pytest.raises(DataError):
        ev.unit_columns(model, np.where(X > 4, np.nan, X))
