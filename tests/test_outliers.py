"""Statistics where a few values are far from all others, and where squares are no numbers."""

from dataclasses import replace

import numpy as np
import pytest

import evenly as ev
from evenly.native import available_isas
from tests.contract.common import arrays_for, definition, error

TINIEST = 1e-45  # of float32


def passes(layer, x, isa="", dtype="float32"):
    """(the kernel's, the definition's) y, d_x and gradients; a drawn d_y."""
    net = ev.Sequential([layer])
    engine = ev.Engine(ev.compile(net, x.shape[1:], batch=len(x), dtype=dtype), isa=isa)
    d_y = np.random.default_rng(1).standard_normal(x.shape).astype(dtype)
    y, d_x, gradients = definition(net, x, engine.arrays, d_y, ev.Run(training=True))
    got_y = engine.forward(x).copy()
    got_d_x, got = engine.backward(d_y)
    return (got_y, got_d_x, got), (y, d_x, gradients)


def own_error(got, wanted):
    """Of each value by its own size: what a large one hides otherwise."""
    return float((np.abs(got - wanted) / np.maximum(np.abs(wanted), 1e-3)).max())


@pytest.mark.parametrize("isa", available_isas())
@pytest.mark.parametrize("place", [0, 1, 63, 64, 127])
def test_layer_norm_whatever_feature_is_far_out(place, isa):
    x = np.tile(np.array([0.2, 0.3, 0.4, 0.1], np.float32), 32)
    x[place] = 1e6
    x = np.tile(x, (6, 1))  # rows side by side, and rows alone
    (y, d_x, got), (wanted, wanted_d_x, gradients) = passes(ev.LayerNorm(), x, isa)
    assert own_error(y, wanted) < 1e-6
    assert error(d_x, wanted_d_x) < 1e-6
    for name, gradient in gradients.items():  # of terms with both signs
        assert error(got[name], gradient) < 2e-6


def test_the_others_stay_apart():
    x = np.arange(64, dtype=np.float32)[None]
    x[0, 0] = 1e8
    y = ev.Engine(ev.compile([ev.LayerNorm()], 64, batch=1)).forward(x)
    assert len(np.unique(y)) == 64


ROWS = {"first": [0], "last": [4095], "middle": [2000], "a later block's first": [256],
        "around a border": [255, 256], "a group": [32, 33, 34, 35], "ten": list(range(10)),
        "every hundredth": list(range(0, 4096, 100))}


@pytest.mark.parametrize("isa", available_isas())
@pytest.mark.parametrize("rows", list(ROWS.values()), ids=list(ROWS))
def test_batch_norm_whatever_row_is_far_out(rows, isa):
    x = (0.1 * np.random.default_rng(0).standard_normal((4096, 20)) + 0.2).astype(np.float32)
    x[rows] = 1e4
    (y, d_x, got), (wanted, wanted_d_x, gradients) = passes(ev.BatchNorm(), x, isa)
    assert own_error(y, wanted) < 1e-6
    assert error(d_x, wanted_d_x) < 1e-6
    for name, gradient in gradients.items():
        assert error(got[name], gradient) < 1e-6


@pytest.mark.parametrize("rows", list(ROWS.values()), ids=list(ROWS))
@pytest.mark.parametrize("layers", [[ev.BatchNorm(decay=0.0)],
                                    [ev.Conv1D(4, 1, bias=False), ev.BatchNorm(decay=0.0)]],
                         ids=["alone", "behind a convolution"])
def test_running_statistics_whatever_row_is_far_out(layers, rows):
    x = (0.1 * np.random.default_rng(0).standard_normal((4096, 4)) + 0.2).astype(np.float32)
    x[rows] = 1e4
    given = x.reshape(4, 1024, 4) if len(layers) > 1 else x
    program = ev.compile(layers, given.shape[1:], len(given), ev.MeanSquaredError(),
                         ev.SGD(1e-30))
    weights = ev.Engine(program).arrays
    if len(layers) > 1:
        weights = {**weights, "conv1d_1.kernel": np.eye(4)[None]}
    engine = ev.Engine(program, weights=weights)
    engine.step(given, np.zeros_like(given))
    exact = x.astype(np.float64)
    arrays = engine.arrays
    assert error(arrays["batch_norm_1.running_mean"], exact.mean(axis=0)) < 3e-7
    assert error(arrays["batch_norm_1.running_variance"], exact.var(axis=0, ddof=1)) < 3e-7


@pytest.mark.parametrize("isa", available_isas())
@pytest.mark.parametrize("place", [0, 1, 5000, 9999])
@pytest.mark.parametrize("layer", [ev.GroupNorm(2), ev.InstanceNorm(), ev.BatchNorm(),
                                   ev.LayerNorm(3), ev.RMSNorm(3)])
def test_images_with_one_bright_spot(layer, place, isa):
    x = 0.1 * np.random.default_rng(0).standard_normal((4, 10000, 6)) + 0.2
    x[:, place] = 1e5
    x = x.reshape(4, 100, 100, 6).astype(np.float32)
    (y, d_x, got), (wanted, wanted_d_x, gradients) = passes(layer, x, isa)
    assert error(y, wanted) < 1e-6
    assert error(d_x, wanted_d_x) < 1e-6
    for name, gradient in gradients.items():
        assert error(got[name], gradient) < 1e-6


@pytest.mark.parametrize("layer", [ev.InstanceNorm(), ev.GroupNorm(1), ev.LayerNorm(2)])
def test_a_spot_in_a_huge_image(layer):
    """A sample of the positions has a mean of its own there, sixteen deviations off."""
    x = 0.1 * np.random.default_rng(0).standard_normal((1, 1_000_000, 1)) + 0.2
    x[:, 0] = 1e5
    (y, d_x, _), (wanted, wanted_d_x, _) = passes(layer, x.astype(np.float32))
    assert error(y, wanted) < 1e-6
    assert error(d_x, wanted_d_x) < 1e-6


@pytest.mark.parametrize("layer", [ev.LayerNorm(), ev.RMSNorm(), ev.GroupNorm(1)])
def test_a_wide_row(layer):
    """Small values are lost one by one beside a large one, if a sum takes many of them."""
    x = np.full((4, 50_000), 1.9, np.float32)
    x[:, 0], x[:, 1::2] = 1e4, -0.7
    (y, d_x, _), (wanted, wanted_d_x, _) = passes(layer, x)
    assert error(y, wanted) < 1e-6
    assert error(d_x, wanted_d_x) < 1e-6


@pytest.mark.parametrize("place", [0, 1, 4000])
@pytest.mark.parametrize("layer", [ev.Dense(3), ev.BatchNorm(), ev.LayerNorm(), ev.GroupNorm(1),
                                   ev.PReLU(), ev.Conv1D(3, 1)])
def test_gradients_summed_over_many_rows(layer, place):
    """One example's gradient is a million times the others', which all have the same sign."""
    shape = (1, 4) if isinstance(layer, ev.Conv1D) else (4,)
    x = -0.5 - np.random.default_rng(0).random((20_000, *shape))
    net = ev.Sequential([layer])
    program = ev.compile(net, shape, batch=len(x))
    engine = ev.Engine(program, seed=1)
    d_y = np.full((len(x), *program.output_shape), 0.02)
    d_y[place] = 1e6
    x, d_y = x.astype(np.float32), d_y.astype(np.float32)
    _, _, gradients = definition(net, x, engine.arrays, d_y, ev.Run(training=True))
    engine.forward(x)
    _, got = engine.backward(d_y)
    for name, gradient in gradients.items():
        if not name.endswith(".kernel"):  # a product, whose order is OpenBLAS's
            assert error(got[name], gradient) < 2e-6, name


NORMALIZATIONS = [(ev.LayerNorm(), (7,)), (ev.LayerNorm(2), (5, 3)), (ev.RMSNorm(), (7,)),
                  (ev.BatchNorm(), (4,)), (ev.BatchNorm(), (3, 3, 2)), (ev.GroupNorm(2), (8,)),
                  (ev.GroupNorm(1), (600,)), (ev.GroupNorm(1), (5, 4)), (ev.InstanceNorm(), (9, 3))]


@pytest.mark.parametrize("isa", available_isas())
@pytest.mark.parametrize(("dtype", "size"), [
    ("float32", 1.5e19), ("float32", 1e20), ("float32", 3e38), ("float32", 1e-25),
    ("float32", 1e-38), ("float32", 1e-41), ("float64", 1e160), ("float64", 1.7e308),
    ("float64", 1e-170), ("float64", 1e-300),
])
@pytest.mark.parametrize(("layer", "shape"), NORMALIZATIONS)
def test_sizes_whose_squares_are_no_numbers(layer, shape, dtype, size, isa):
    """A normalization does not depend on its input's size, epsilon apart."""
    x = np.random.default_rng(0).standard_normal((9, *shape))
    x = (x / np.abs(x).max() * size).astype(dtype)
    layer = replace(layer, epsilon=0.0 if size < 1 else 1e-5)
    tolerance = {"float32": 1e-6, "float64": 1e-14}[dtype]
    net = ev.Sequential([layer])
    engine = ev.Engine(ev.compile(net, shape, batch=9, dtype=dtype), isa=isa)
    d_y = np.random.default_rng(1).standard_normal(x.shape).astype(dtype)
    near_one = (x.astype(np.longdouble) / size).astype(np.float64)
    exact = ev.Sequential([replace(layer, epsilon=0.0)])
    y, d_x, gradients = definition(exact, near_one, engine.arrays, d_y, ev.Run(training=True))
    assert error(engine.forward(x), y) < tolerance
    got_d_x, got = engine.backward(d_y)
    for name, gradient in gradients.items():
        assert error(got[name], gradient) < tolerance
    if size > TINIEST and float(np.finfo(dtype).max) * size > 100:  # else the gradient is no number
        back = np.asarray(got_d_x, np.longdouble) * size
        assert error(back.astype(np.float64), d_x) < tolerance


@pytest.mark.parametrize(("layer", "wanted"), [
    (ev.LayerNorm(), [0.9045, -1.5076, 0.9045, -0.3015]),
    (ev.RMSNorm(), [1.1547, -1.1547, 1.1547, 0.0]),
])
def test_one_row_of_huge_numbers(layer, wanted):
    x = np.float32(1.5e19) * np.array([[1, -1, 1, 0]], np.float32)
    y = ev.Engine(ev.compile([layer], 4, batch=1)).forward(x)
    assert np.abs(y - wanted).max() < 1e-4


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [3e38, 1e30, 1e-30])
def test_a_huge_column_that_does_not_vary_becomes_0(dtype, size):
    x = np.full((50, 4), size, dtype)
    for layer in (ev.BatchNorm(), ev.LayerNorm(), ev.GroupNorm(2)):
        assert (ev.Engine(ev.compile([layer], 4, batch=50, dtype=dtype)).forward(x) == 0).all()


def test_a_running_variance_beyond_float32_is_infinite():
    """And comes back: infinity less infinity would be NaN for ever."""
    program = ev.compile([ev.BatchNorm(decay=0.0)], 2, 4, ev.MeanSquaredError(), ev.SGD(1e-30))
    engine = ev.Engine(program)
    x = np.array([[1, 2], [3, 1], [2, 5], [4, 4]], np.float32)
    engine.step(x * np.float32([1e20, 1]), np.zeros_like(x))
    variance = engine.arrays["batch_norm_1.running_variance"]
    assert np.isinf(variance[0])
    assert np.isfinite(variance[1])
    assert error(engine.arrays["batch_norm_1.running_mean"][:1], np.float32([2.5e20])) < 1e-6


@pytest.mark.parametrize(("dtype", "size"), [("float32", 1.5e19), ("float32", 3e38),
                                             ("float32", 1e-25), ("float64", 1e300),
                                             ("float64", 1e-300)])
@pytest.mark.parametrize(("layer", "shape"), NORMALIZATIONS)
def test_the_definitions_take_any_size_too(layer, shape, dtype, size):
    """In float32 as well, and without a warning."""
    x = np.random.default_rng(0).standard_normal((9, *shape)).astype(dtype)
    x = (x / np.abs(x).max()).astype(dtype)
    layer = replace(layer, epsilon=0.0)
    arrays = arrays_for(ev.Sequential([layer]), shape, 1, dtype)
    own = {name.partition(".")[2]: array for name, array in arrays.items()}
    results = []
    for factor in (1.0, size):
        run = ev.Run(training=True)
        y, saved = layer.forward(x * np.asarray(factor, dtype), own, run)
        d_x, gradients = layer.backward(x[::-1], own, saved, run)
        results.append((y, d_x.astype(np.longdouble) * factor, gradients))
    (y, d_x, gradients), (got, got_d_x, got_gradients) = results
    tolerance = {"float32": 2e-5, "float64": 1e-13}[dtype]
    assert got.dtype == y.dtype
    assert error(got, y) < tolerance
    if 1e-20 < size < 1e30:
        assert error(got_d_x.astype(np.float64), d_x.astype(np.float64)) < tolerance
    for name, gradient in gradients.items():
        assert error(got_gradients[name], gradient) < tolerance
