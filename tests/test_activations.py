"""Activations far from zero, at zero, and at what is not a number; what is fused behind what."""

import math

import numpy as np
import pytest

import evenly as ev
from evenly.native import available_isas
from tests.contract.common import TOLERANCE, error

INF, NAN = math.inf, math.nan
# name: (layer, value at -infinity, at infinity, slope at -infinity, slope at infinity)
LIMITS = {
    "ReLU": (ev.ReLU(), 0, INF, 0, 1),
    "Sigmoid": (ev.Sigmoid(), 0, 1, 0, 0),
    "Tanh": (ev.Tanh(), -1, 1, 0, 0),
    "LeakyReLU": (ev.LeakyReLU(0.1), -INF, INF, 0.1, 1),
    "PReLU": (ev.PReLU(0.25), -INF, INF, 0.25, 1),
    "ELU": (ev.ELU(0.7), -0.7, INF, 0, 1),
    "SELU": (ev.SELU(), -1.7580993408473766, INF, 0, 1.0507009873554805),
    "Softplus": (ev.Softplus(2.0), 0, INF, 0, 1),
    "Softsign": (ev.Softsign(), -1, 1, 0, 0),
    "GELU": (ev.GELU(), 0, INF, 0, 1),
    "GELU(approximate)": (ev.GELU(approximate=True), 0, INF, 0, 1),
    "SiLU": (ev.SiLU(), 0, INF, 0, 1),
    "Mish": (ev.Mish(), 0, INF, 0, 1),
    "HardSigmoid": (ev.HardSigmoid(), 0, 1, 0, 0),
    "HardSwish": (ev.HardSwish(), 0, INF, 0, 1),
}
ROWS = {"argvalues": list(LIMITS.values()), "ids": list(LIMITS)}
DTYPES = ["float32", "float64"]


def engine_for(net, width, dtype, isa=""):
    return ev.Engine(ev.compile(net, width, batch=4, dtype=dtype), seed=1, isa=isa)


@pytest.mark.parametrize("isa", available_isas())
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("layer", "low", "high", "low_slope", "high_slope"), **ROWS)
def test_limits_and_nan(layer, low, high, low_slope, high_slope, dtype, isa):
    x = np.array([-INF, INF, NAN, -1e30, 1e30])
    engine = engine_for([layer], 5, dtype, isa)
    for y in (engine.forward(x[None])[0].copy(), engine.predict(x[None])[0]):
        assert y[:2] == pytest.approx([low, high], abs=1e-25)
        assert np.isnan(y[2])
        assert np.isfinite(y[3:]).all()
    d_x, _ = engine.backward(np.ones((1, 5)))
    slopes = [low_slope, high_slope]
    assert d_x[0, :2] == pytest.approx(slopes, abs=1e-6 if dtype == "float32" else 1e-14)
    assert d_x[0, 3:] == pytest.approx(slopes, abs=1e-6 if dtype == "float32" else 1e-14)


@pytest.mark.parametrize("isa", available_isas())
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("layer", "low", "high", "low_slope", "high_slope"), **ROWS)
def test_every_size(layer, low, high, low_slope, high_slope, dtype, isa):
    """Each number against the definition by its own size, so that a wrong tail is seen."""
    tiny = float(np.finfo(dtype).tiny)
    sizes = np.concatenate([
        [0, tiny, 1e-30, 1e-12, 1e-7, 1e-3, 15, 25, 45, 88, 90, 100, 700, 720, 1e4],
        np.linspace(0.01, 12, 3001),
    ])
    x = np.concatenate([sizes, -sizes]).astype(dtype)
    engine = engine_for([layer], len(x), dtype, isa)
    arrays = {"slope": np.full(len(x), 0.25)} if isinstance(layer, ev.PReLU) else {}
    run = ev.Run(training=True)
    exact = x.astype(np.float64)[None]
    wanted, saved = layer.forward(exact, arrays, run)
    wanted_slope, _ = layer.backward(np.ones_like(exact), arrays, saved, run)
    y = engine.forward(x[None])
    d_x, _ = engine.backward(np.ones_like(x[None]))
    scale = np.maximum(np.abs(wanted), 1.0)
    # Far below what the contract asks: it is this that sees a coefficient with a wrong digit.
    tolerance = {"float32": 1e-6, "float64": 4e-15}[dtype]
    assert np.abs((y - wanted) / scale).max() < tolerance
    assert np.abs(d_x - wanted_slope).max() < tolerance
    if low != -INF and not isinstance(layer, ev.Softsign):  # it is slow
        assert np.abs(y[0, x < -800] - low).max() < tolerance


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layer", [ev.ELU(), ev.SELU(), ev.GELU(), ev.SiLU(), ev.Mish(),
                                   ev.Softsign(), ev.LeakyReLU()])
def test_near_zero_each_keeps_its_own_digits(layer, dtype):
    """exp(x) - 1 from a rounded exp would have none left at x = 1e-9."""
    x = (np.array([[1e-9, 3e-8, 1e-5, 1e-3]]) * [[1], [-1]]).astype(dtype)
    wanted, _ = layer.forward(x.astype(np.float64), {}, ev.Run(training=True))
    got = engine_for([layer], 4, dtype).forward(x)
    assert np.abs(got / wanted - 1).max() < {"float32": 1e-6, "float64": 1e-13}[dtype]


def test_softplus_keeps_its_digits_far_below_zero():
    x = np.array([[-5.0, -20.0, -80.0]])
    for dtype, bound in (("float32", 1e-6), ("float64", 1e-14)):
        engine = engine_for([ev.Softplus()], 3, dtype)
        assert np.abs(engine.forward(x) / np.log1p(np.exp(x)) - 1).max() < bound
        d_x, _ = engine.backward(np.ones((1, 3)))
        assert np.abs(d_x * (1 + np.exp(-x)) - 1).max() < bound


# Whose slope keeps its own digits however small it is; sigmoid and tanh below do not.
EXACT_SLOPES = [ev.LeakyReLU(0.1), ev.ELU(0.7), ev.SELU(), ev.Softplus(), ev.Softplus(2.0),
                ev.Softsign(), ev.GELU(), ev.GELU(approximate=True), ev.SiLU(), ev.Mish(),
                ev.HardSigmoid(), ev.HardSwish()]
FAR = np.concatenate([np.linspace(-40.02, 40.01, 1601), [-1e4, 1e4]])  # no corner among them


def slopes(layers, x, dtype):
    engine = engine_for([*layers], len(x), dtype)
    engine.forward(x[None])
    d_x, _ = engine.backward(np.ones((1, len(x)), dtype))
    return d_x[0]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layer", EXACT_SLOPES)
def test_every_slope_has_its_own_digits(layer, dtype):
    x = FAR.astype(dtype)
    exact, run = x.astype(np.float64)[None], ev.Run(training=True)
    _, saved = layer.forward(exact, {}, run)
    wanted = layer.backward(np.ones_like(exact), {}, saved, run)[0][0]
    # Where a slope passes through 0 there are no digits of its own, and the tails of those with a
    # gate end at some 1e-31 (float64: 1e-258).
    floor = np.where(np.abs(x) < 3, 0.1, {"float32": 1e-25, "float64": 1e-240}[dtype])
    difference = np.abs(slopes([layer], x, dtype) - wanted)
    assert (difference / np.maximum(np.abs(wanted), floor)).max() < TOLERANCE[dtype]


@pytest.mark.parametrize(("layer", "at_16", "at_17"), [
    (ev.ELU(), 1.1253517e-7, 4.1399377e-8),
    (ev.SELU(), 1.9784877e-7, 7.2784498e-8),
])
@pytest.mark.parametrize("behind", [[], [ev.Dropout(0.0)]], ids=["alone", "dropout"])
def test_the_slope_of_elu_far_below_zero(layer, at_16, at_17, behind):
    got = slopes([layer, *behind], np.array([-16.0, -17.0], np.float32), "float32")
    assert got == pytest.approx([at_16, at_17], rel=1e-6)


@pytest.mark.parametrize(("dtype", "bound"), [("float32", 1e-7), ("float64", 3e-16)])
@pytest.mark.parametrize("layer", [ev.Sigmoid(), ev.Tanh()])
def test_sigmoid_and_tanh_err_by_a_rounding_of_their_output(layer, dtype, bound):
    """As in PyTorch: their slope is computed from the output, which rounds to 1 far out."""
    x = FAR.astype(dtype)
    size = np.exp(-np.abs(x.astype(np.longdouble)))
    if isinstance(layer, ev.Tanh):
        size = size * size
    wanted = size / (1 + size) ** 2 * (4 if isinstance(layer, ev.Tanh) else 1)
    assert np.abs(slopes([layer], x, dtype) - wanted).max() < bound


@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax_of_large_scores(dtype):
    engine = engine_for([ev.Softmax()], 3, dtype)
    x = np.array([[1e4, 1e4, -1e4], [-INF, 0, 0], [NAN, 0, 0], [1, 2, 3]])
    y = engine.forward(x)
    assert y[:2].tolist() == [[0.5, 0.5, 0], [0, 0.5, 0.5]]
    assert np.isnan(y[2]).all()
    assert error(y[3], np.exp([1, 2, 3]) / np.exp([1, 2, 3]).sum()) < TOLERANCE[dtype]


def lines(net, key="forward"):
    return [line.layers for line in ev.compile(net, 8, batch=4).lists[key]]


@pytest.mark.parametrize("layer", [ev.LeakyReLU(), ev.Softplus(), ev.Sigmoid(), ev.Tanh(),
                                   ev.ReLU()])
def test_output_tells_so_it_is_fused(layer):
    assert len(lines([ev.Dense(8), layer, ev.Dropout(0.5)])) == 1


@pytest.mark.parametrize("layer", [ev.GELU(), ev.SiLU(), ev.Mish(), ev.HardSigmoid(),
                                   ev.HardSwish(), ev.ELU(), ev.SELU(), ev.Softsign()])
def test_output_does_not_tell_so_it_is_not(layer):
    # Dropout joins the activation all the same.
    assert [len(members) for members in lines([ev.Dense(8), layer, ev.Dropout(0.5)])] == [1, 2]


@pytest.mark.parametrize("threads", [2, 3, 5])
@pytest.mark.parametrize("shape", [(7,), (1100,), (3, 5, 6)])
@pytest.mark.parametrize("layer", [ev.PReLU(), ev.PReLU(shared=True), ev.Softmax(), ev.Mish()])
def test_threads_change_nothing(layer, shape, threads):
    x = np.random.default_rng(0).standard_normal((600, *shape)).astype("float32")
    results = []
    for count in (1, threads):
        engine = ev.Engine(ev.compile([layer], shape, batch=600), threads=count)
        y = engine.forward(x).copy()
        d_x, gradients = engine.backward(x[::-1].copy())
        results.append([y.copy(), d_x.copy(), *(g.copy() for g in gradients.values())])
    for one, other in zip(*results, strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize(("make", "message"), [
    (lambda: ev.LeakyReLU(0.0), "slope must be positive"),
    (lambda: ev.ELU(-1.0), "alpha must be positive"),
    (lambda: ev.Softplus(0.0), "beta must be positive"),
    (lambda: ev.HardSigmoid(slope=-0.2), "slope must be positive"),
])
def test_settings_that_cannot_work(make, message):
    with pytest.raises(ev.errors.ConfigurationError, match=message):
        make()
