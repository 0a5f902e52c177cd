"""Statistics are accurate far from zero."""

import numpy as np
import pytest

import evenly as ev
from evenly.native import available_isas
from tests.contract.common import definition, error

ROWS, COLUMNS = 600, 150


def far_from_zero(mean, outlier=False):
    x = np.random.default_rng(0).standard_normal((ROWS, COLUMNS)) + mean
    if outlier:
        x[0], x[:, 0] = 50 * x[0], 50 * x[:, 0]
    return x.astype(np.float32)


@pytest.mark.parametrize("isa", available_isas())
@pytest.mark.parametrize("outlier", [False, True])
@pytest.mark.parametrize("mean", [0.0, 1e4, -1e4])
@pytest.mark.parametrize("layer", [ev.BatchNorm(), ev.LayerNorm(), ev.GroupNorm(10), ev.RMSNorm()],
                         ids=["batch", "layer", "group", "rms"])
@pytest.mark.parametrize("rows", [40, ROWS])
def test_float32_against_float64(layer, mean, outlier, rows, isa):
    """x = 10000 +- 1 has a float32 step of 0.001; what is done to those numbers adds nothing."""
    x = far_from_zero(mean, outlier and mean == 0)[:rows]
    net = ev.Sequential([layer])
    engine = ev.Engine(ev.compile(net, COLUMNS, batch=rows), isa=isa)
    d_y = np.random.default_rng(1).standard_normal(x.shape).astype(np.float32)
    y, d_x, gradients = definition(net, x, engine.arrays, d_y, ev.Run(training=True))
    assert error(engine.forward(x), y) < 1e-5
    got_d_x, got = engine.backward(d_y)
    assert error(got_d_x, d_x) < 1e-5
    for name, gradient in gradients.items():
        assert error(got[name], gradient) < 1e-5


@pytest.mark.parametrize("isa", available_isas())
@pytest.mark.parametrize("outlier", [False, True])
@pytest.mark.parametrize("mean", [0.0, 1e4, -1e4])
@pytest.mark.parametrize("shape", [(20, 30), (4, 5, 30), (1500, 6)])
@pytest.mark.parametrize("layer", [ev.GroupNorm(3), ev.InstanceNorm(), ev.LayerNorm(2),
                                   ev.RMSNorm(2)], ids=["group", "instance", "layer", "rms"])
def test_statistics_over_positions(layer, shape, mean, outlier, isa):
    x = np.random.default_rng(0).standard_normal((8, *shape)) + mean
    if outlier:
        x[:, 0] += 30
    x = x.astype(np.float32)
    net = ev.Sequential([layer])
    engine = ev.Engine(ev.compile(net, shape, batch=8), isa=isa)
    d_y = np.random.default_rng(1).standard_normal(x.shape).astype(np.float32)
    y, d_x, gradients = definition(net, x, engine.arrays, d_y, ev.Run(training=True))
    assert error(engine.forward(x), y) < 1e-5
    got_d_x, got = engine.backward(d_y)
    assert error(got_d_x, d_x) < 1e-5
    for name, gradient in gradients.items():
        assert error(got[name], gradient) < 1e-5


@pytest.mark.parametrize("layer", [ev.LayerNorm(2), ev.RMSNorm(2), ev.GroupNorm(1)],
                         ids=["layer", "rms", "group"])
def test_long_rows(layer):
    """Rounding does not grow with the number of values, even where it always errs the same way."""
    x = np.full((2, 50_000, 4), 0.7, dtype=np.float32)
    x[:, :, 1::2] = -0.4
    net = ev.Sequential([layer])
    engine = ev.Engine(ev.compile(net, x.shape[1:], batch=2))
    y, _ = net.forward(x.astype(np.float64), engine.arrays, ev.Run(training=True))
    assert error(engine.forward(x), y) < 1e-5


def test_normalized_data_has_mean_0_and_variance_1():
    x = far_from_zero(1e4)
    engine = ev.Engine(ev.compile([ev.BatchNorm()], COLUMNS, batch=ROWS))
    y = engine.forward(x).astype(np.float64)
    assert np.abs(y.mean(axis=0)).max() < 1e-5
    # epsilon stands beside the variance, about 1e-5 of it
    assert np.abs(y.var(axis=0) - 1).max() < 3e-5


def test_running_statistics_at_mean_1e4():
    x = far_from_zero(1e4)
    program = ev.compile([ev.BatchNorm(decay=0.0)], COLUMNS, batch=ROWS,
                         loss=ev.MeanSquaredError(), optimizer=ev.SGD(1e-9))
    engine = ev.Engine(program)
    engine.step(x, np.zeros_like(x))
    exact = x.astype(np.float64)
    assert error(engine.arrays["batch_norm_1.running_mean"], exact.mean(axis=0)) < 1e-6
    variance = exact.var(axis=0, ddof=1)
    assert error(engine.arrays["batch_norm_1.running_variance"], variance) < 1e-5


def test_a_constant_column_stays_finite():
    x = np.full((50, 3), 7.25, dtype=np.float32)
    engine = ev.Engine(ev.compile([ev.BatchNorm()], 3, batch=50))
    assert (engine.forward(x) == 0).all()
    d_x, _ = engine.backward(np.ones_like(x))
    assert np.isfinite(d_x).all()
