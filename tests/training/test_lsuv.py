"""LSUV: what each layer puts out on the data has variance 1."""


import numpy as np
import pytest

import evenly as ev
from evenly.errors import ConfigurationError, DataError, ShapeError
from evenly.training import lsuv

TIGHT = 1e-6


def rows(shape, n=200, seed=0):
    """Data that no formula has in mind: another scale, and channels that go together."""
    x = np.random.default_rng(seed).standard_normal((n, *shape))
    return 7 * x + 3 * x[..., :1] + 2


def outputs(model, x):
    """The output of every layer that has a kernel, through the containers' definitions:
    batch normalization by the batch."""
    found = {}

    def watch(layer, name, value, formula):
        if name == "product" or (name == "y" and layer in found):  # y: with the bias
            found[layer] = value
        return value

    arrays = {name: array.astype(np.float64) for name, array in model.weights.items()}
    model.net.forward(x, arrays, ev.Run(training=True, recorder=watch))
    return found



NETS = {
    "mlp": ([ev.Dense(40), ev.ReLU(), ev.Dense(60), ev.Tanh(), ev.Dense(5)], (30,)),
    "deep": ([part for _ in range(12) for part in (ev.Dense(20), ev.Sigmoid())], (30,)),
    "batch norm": ([ev.Dense(20), ev.BatchNorm(), ev.ReLU(), ev.Dense(20), ev.LayerNorm(),
                    ev.GELU(), ev.Dense(3)], (10,)),
    "cnn": ([ev.Conv2D(8, 3, padding="same"), ev.ReLU(), ev.MaxPool2D(2),
             ev.DepthwiseConv2D(3, padding="same"), ev.Conv2D(12, 1), ev.BatchNorm(), ev.ReLU(),
             ev.Conv2D(8, 3, groups=4), ev.Flatten(), ev.Dense(10)], (8, 8, 3)),
    "conv1d": ([ev.Conv1D(6, 3), ev.ReLU(), ev.Conv1D(6, 3, stride=2), ev.GlobalAveragePool(),
                ev.Dense(2)], (20, 4)),
    "residual": ([ev.Dense(16), *(
        ev.Residual([ev.BatchNorm(), ev.ReLU(), ev.Dense(16), ev.ReLU(), ev.Dense(16)])
        for _ in range(4)), ev.Residual([ev.Dense(5)], ev.Dense(5))], (9,)),
    "branches": ([ev.Branches([ev.Dense(4), [ev.Dense(8), ev.ReLU(), ev.Dense(3)], []],
                              "concatenate"), ev.Dense(6)], (5,)),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NETS)
def test_variances_are_one(name, dtype):
    layers, shape = NETS[name]
    x = rows(shape)
    before = ev.init(ev.Sequential(layers), shape, seed=4, dtype=dtype)
    kernels = [key for key in before.weights if key.endswith("kernel")]
    after = outputs(lsuv(before, x, tolerance=TIGHT), x)
    assert sorted(after) == sorted(key.removesuffix(".kernel") for key in kernels)
    for layer, y in after.items():
        assert y.var() == pytest.approx(1, abs=1e-3 if dtype == "float32" else 2 * TIGHT), layer
    assert any(abs(y.var() - 1) > 0.5 for y in outputs(before, x).values())


@pytest.mark.parametrize("name", NETS)
def test_kernels_are_orthonormal_up_to_scale(name):
    layers, shape = NETS[name]
    model = lsuv(ev.init(ev.Sequential(layers), shape, dtype="float64"), rows(shape))
    for key, kernel in model.weights.items():
        if key.endswith("kernel"):
            flat = kernel.reshape(-1, kernel.shape[-1])
            flat = flat if flat.shape[0] >= flat.shape[1] else flat.T
            product = flat.T @ flat
            np.testing.assert_allclose(product, product[0, 0] * np.eye(len(product)),
                                       atol=1e-12 * product[0, 0])


def test_the_output_of_the_network_in_inference():
    """Without batch normalization the compiled network gives the same numbers."""
    x = rows((30,))
    model = lsuv(ev.init(ev.Sequential(NETS["mlp"][0]), 30), x, tolerance=1e-3)
    assert model.predict(x).var() == pytest.approx(1, abs=2e-3)


def steps_of(x, lengths):
    return np.concatenate([row[:n] for row, n in zip(x, lengths, strict=True)])


@pytest.mark.parametrize("cell", [ev.RNN, ev.LSTM, ev.GRU])
@pytest.mark.parametrize("padded", [False, True])
def test_recurrent_layers(cell, padded):
    x = rows((6, 3), 100)
    lengths = np.random.default_rng(1).integers(0, 7, 100) if padded else None
    first, second = cell(8, sequences=True, name="first"), cell(5, name="second")
    given = ev.init(ev.Sequential([first, second, ev.Dense(2)]), (6, 3), dtype="float64")
    model = lsuv(given, x, tolerance=TIGHT, lengths=lengths)
    below = ev.init(first, (6, 3), dtype="float64")
    for name, array in below.weights.items():
        array[...] = model.weights[name]
    between = below.predict(x, lengths)
    counts = np.full(100, 6) if lengths is None else lengths
    for layer, enters in (("first", x), ("second", between)):
        pre = steps_of(enters, counts) @ model.weights[f"{layer}.input_kernel"]
        assert pre.var() == pytest.approx(1, abs=2 * TIGHT)
        for kept in ("recurrent_kernel", "bias"):
            np.testing.assert_array_equal(model.weights[f"{layer}.{kept}"],
                                          given.weights[f"{layer}.{kept}"])
    assert model.predict(x, lengths).var() == pytest.approx(1, abs=2 * TIGHT)


def test_several_layers_in_both_directions():
    x = rows((6, 3), 100)
    net = ev.LSTM(4, layers=2, bidirectional=True, dropout=0.5, recurrent_dropout=0.2)
    model = lsuv(ev.init(net, (6, 3), dtype="float64"), x, tolerance=TIGHT)
    kernels = [key for key in model.weights if key.endswith("input_kernel")]
    assert len(kernels) == 4
    for key in kernels[:2]:
        assert (x @ model.weights[key]).var() == pytest.approx(1, abs=2 * TIGHT)


@pytest.mark.parametrize("rate", [0.0, 0.5])
def test_nothing_is_dropped(rate):
    x = rows((6,))
    net = ev.Sequential([ev.Dropout(rate), ev.GaussianNoise(2 * rate),
                         ev.DropConnect(ev.Dense(7), rate), ev.Dense(3)])
    model = lsuv(ev.init(net, 6, dtype="float64"), x, tolerance=TIGHT)
    assert (x @ model.weights["drop_connect_1.kernel"]).var() == pytest.approx(1, abs=2 * TIGHT)
    assert model.predict(x).var() == pytest.approx(1, abs=2 * TIGHT)


@pytest.mark.parametrize("units", [4, 30])
def test_weight_norm(units):
    x = rows((12,))
    model = lsuv(ev.init(ev.WeightNorm(ev.Dense(units)), 12, dtype="float64"), x, tolerance=TIGHT)
    assert model.predict(x).var() == pytest.approx(1, abs=2 * TIGHT)
    direction, gain = (model.weights[f"weight_norm_1.{key}"] for key in ("direction", "gain"))
    kernel = gain * direction / np.linalg.norm(direction, axis=0)
    product = kernel @ kernel.T if units > 12 else kernel.T @ kernel
    np.testing.assert_allclose(product, product[0, 0] * np.eye(len(product)), atol=1e-12)


def test_embeddings_stay():
    x = np.random.default_rng(0).integers(0, 9, (50, 4))
    net = ev.Sequential([ev.Embedding(9, 5), ev.Flatten(), ev.Dense(3)])
    given = ev.init(net, (4,), dtype="float64")
    model = lsuv(given, x, tolerance=TIGHT)
    table = "embedding_1.table"
    np.testing.assert_array_equal(model.weights[table], given.weights[table])
    assert model.predict(x).var() == pytest.approx(1, abs=2 * TIGHT)


def test_a_bias_takes_more_rounds():
    x = rows((10,))
    net = ev.Dense(8, bias_init=ev.Normal(0.5))
    given = ev.init(net, 10, dtype="float64")
    model = lsuv(given, x, tolerance=0.01)
    assert model.predict(x).var() == pytest.approx(1, abs=0.01)
    np.testing.assert_array_equal(model.weights["dense_1.bias"], given.weights["dense_1.bias"])
    with pytest.raises(ConfigurationError, match=r"'dense_1' is .* after 1 rounds.*its bias at"):
        lsuv(given, x, tolerance=1e-9, most_rounds=1)


def test_a_layer_of_ones_own():
    class Bilinear(ev.Layer):
        """Two kernels: their product is scaled."""

        name = "own"

        def arrays(self, shape):
            size = (shape[0], shape[0])
            return {key: ev.ArraySpec(size, ev.HeNormal(), decays=True, fan=size)
                    for key in ("a", "b")}

        def forward(self, x, arrays, run):
            return x @ arrays["a"] @ arrays["b"], None

        def backward(self, d_y, arrays, saved, run):
            raise AssertionError

    x = rows((6,))
    model = lsuv(ev.init(Bilinear(), 6, dtype="float64"), x, tolerance=TIGHT)
    assert model.predict(x).var() == pytest.approx(1, abs=2 * TIGHT)


def test_the_given_model_stays_and_the_seed_decides():
    x = rows((10,))
    net = ev.Sequential([ev.Dense(8), ev.BatchNorm(), ev.ReLU(), ev.Dense(2)])
    given = ev.init(net, 10, seed=1)
    before = {name: array.copy() for name, array in given.weights.items()}
    first, again = lsuv(given, x), lsuv(given, x)
    other = lsuv(ev.init(net, 10, seed=2), x)
    for name, array in given.weights.items():
        np.testing.assert_array_equal(array, before[name])
        np.testing.assert_array_equal(first.weights[name], again.weights[name])
        if "kernel" in name:
            assert (first.weights[name] != array).any()
            assert (first.weights[name] != other.weights[name]).any()
        else:  # running statistics too
            np.testing.assert_array_equal(first.weights[name], array)


def test_it_trains_what_else_does_not():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((300, 10))
    y = (x[:, 0] * x[:, 1] > 0).astype(int)
    net = ev.Sequential([part for _ in range(6) for part in (ev.Dense(20), ev.Tanh())]
                        + [ev.Dense(2)])
    # Inputs a thousand times too small: the formula knows nothing of them.
    settings = {"loss": ev.SoftmaxCrossEntropy(), "optimizer": ev.Adam(3e-3), "epochs": 30}
    start = ev.init(net, 10)
    assert ev.fit(start, x / 1000, y, **settings).history[-1].score < 0.9
    assert ev.fit(lsuv(start, x / 1000), x / 1000, y, **settings).history[-1].score > 0.95


# What cannot work ------------------------------------------------------------------------------


@pytest.mark.parametrize(("settings", "message"), [
    ({"tolerance": 0}, "lsuv: tolerance must be a number above 0 and below 1, got 0"),
    ({"tolerance": "x"}, "lsuv: tolerance must be a number"),
    ({"most_rounds": 0}, "lsuv: most_rounds must be a whole number >= 1, got 0"),
    ({"most_rounds": 1.5}, "lsuv: most_rounds must be a whole number"),
    ({"lengths": [1]}, "lengths: no layer of the network reads them"),
])
def test_wrong_settings(settings, message):
    with pytest.raises(ConfigurationError, match=message):
        lsuv(ev.init(ev.Dense(2), 3), rows((3,)), **settings)


def test_not_a_model():
    with pytest.raises(ConfigurationError, match=r"expects a model, got Dense.*init\(net, input_"):
        lsuv(ev.Dense(2), rows((3,)))


def test_wrong_data():
    model = ev.init(ev.Sequential([ev.Dense(2), ev.BatchNorm()]), 3)
    with pytest.raises(ShapeError, match=r"expects inputs of shape \(n, 3\), got \(5, 4\)"):
        lsuv(model, np.ones((5, 4)))
    with pytest.raises(ShapeError, match="lsuv: expects at least 2 rows, got 1"):
        lsuv(model, np.ones((1, 3)))
    with pytest.raises(DataError, match="lsuv: x holds NaN or infinity, first in row 1"):
        lsuv(model, np.array([[1, 2, 3], [1, np.nan, 2]]))


@pytest.mark.parametrize("bias", [ev.Zeros(), ev.Normal(1.0)])
def test_a_dead_layer_is_named(bias):
    net = ev.Sequential([ev.Dense(4), ev.ReLU(), ev.Dense(3, bias_init=bias, name="after")])
    model = ev.init(net, 2)
    model.weights["dense_1.bias"][...] = -1e6
    with pytest.raises(DataError, match="lsuv: the output of 'dense_1' has no variance"):
        lsuv(model, np.zeros((5, 2)))
    x = np.random.default_rng(0).standard_normal((50, 2))
    dead = ev.Sequential([ev.Dense(4, bias_init=ev.Constant(-1e3)), ev.ReLU(), net.layers[2]])
    with pytest.raises(DataError, match="lsuv: the output of 'after' has no variance"):
        lsuv(ev.init(dead, 2), x)
