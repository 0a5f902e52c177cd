"""Convolutions by tiles, after Winograd: where, how exact, and the same bits in any company."""

import numpy as np
import pytest

import evenly as ev
from evenly.native import available_isas
from tests.contract.common import TOLERANCE, arrays_for, definition, error, values

SAME = ev.Conv2D(20, 3, padding="same")


def goes_by_tiles(layer, shape):
    return bool(layer.numbers(shape)["winograd"])


@pytest.mark.parametrize(("layer", "shape"), [
    (SAME, (8, 8, 16)), (SAME, (7, 7, 512)), (ev.Conv2D(16, 3), (34, 9, 33)),
    (ev.Conv2D(256, 3, padding=2), (14, 14, 256)), (SAME, (4, 2000, 16)), (SAME, (9, 9, 16)),
])
def test_where_tiles_pay(layer, shape):
    assert goes_by_tiles(layer, shape)


@pytest.mark.parametrize(("layer", "shape"), [
    (SAME, (8, 8, 15)), (ev.Conv2D(15, 3, padding="same"), (8, 8, 16)), (SAME, (8, 8, 513)),
    (SAME, (6, 6, 16)), (SAME, (5, 13, 16)), (SAME, (8, 1, 16)), (SAME, (8, 5000, 16)),
    (ev.Conv2D(512, 3, padding="same"), (14, 14, 512)), (ev.Conv2D(20, 5), (32, 32, 16)),
    (ev.Conv2D(20, 3, stride=2), (32, 32, 16)), (ev.Conv2D(20, 3, dilation=2), (32, 32, 16)),
    (ev.Conv2D(20, 3, groups=2), (32, 32, 16)), (ev.Conv2D(20, 3, padding=3), (32, 32, 16)),
    (ev.Conv2D(20, (3, 1)), (32, 32, 16)), (ev.Conv1D(20, 3), (32, 16)),
    (ev.DepthwiseConv2D(3), (32, 32, 16)),
])
def test_where_they_do_not(layer, shape):
    assert not goes_by_tiles(layer, shape)


# What errs most: many channels, many filters (for the gradient on the input), many positions (for
# the one on the kernel), an image of several strips, and values of one sign, whose sums grow.
WIDE = ev.Conv2D(512, 3, padding="same", bias=False)
HARD = [(SAME, (8, 8, 512), 2, abs), (WIDE, (8, 8, 16), 2, np.positive),
        (SAME, (120, 90, 17), 1, np.positive), (ev.Conv2D(33, 3), (30, 30, 40), 3, abs),
        (ev.Conv2D(100, 3, padding=1), (12, 7, 128), 6, np.positive)]


@pytest.mark.parametrize("isa", available_isas())
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("layer", "shape", "rows", "sign"), HARD)
def test_how_exact(layer, shape, rows, sign, dtype, isa):
    assert goes_by_tiles(layer, shape)
    net = ev.Sequential([layer])
    program = ev.compile(net, shape, batch=rows, dtype=dtype)
    arrays = arrays_for(net, shape, 1, dtype)
    x, d_y = values(0, (rows, *shape), dtype), values(2, (rows, *program.output_shape), dtype)
    x = sign(x)
    engine = ev.Engine(program, weights=arrays, isa=isa, threads=2)
    y, d_x, gradients = definition(net, x, arrays, d_y, ev.Run(training=True))
    assert error(engine.forward(x), y) < TOLERANCE[dtype]
    got_d_x, got = engine.backward(d_y)
    assert error(got_d_x, d_x) < TOLERANCE[dtype]
    assert error(got["conv2d_1.kernel"], gradients["conv2d_1.kernel"]) < TOLERANCE[dtype]


@pytest.mark.parametrize("shape", [(8, 8, 16), (28, 28, 16)], ids=["together", "strips"])
def test_an_example_has_the_same_bits_in_any_company(shape):
    net = [SAME, ev.Tanh()]
    program = ev.compile(net, shape, batch=20)
    engine = ev.Engine(program, seed=1)
    x = values(0, (20, *shape), "float32")
    x[3] = 3e38  # nor does a neighbour that overflows change a bit
    together = engine.predict(x)
    for rows in (slice(0, 1), slice(2, 3), slice(4, 11), slice(13, 20)):
        assert engine.predict(x[rows]).tobytes() == together[rows].tobytes()


@pytest.mark.parametrize("shape", [(8, 8, 16), (28, 28, 16)])
def test_what_is_fused_behind_changes_no_bit(shape):
    """Bias and activation in the tile's kernel, and each by itself."""
    x = values(0, (5, *shape), "float32")
    arrays = arrays_for(ev.Sequential([SAME]), shape, 1, "float32")
    kernel = {"conv2d_1.kernel": arrays["conv2d_1.kernel"]}
    alone = ev.Engine(ev.compile([ev.Conv2D(20, 3, padding="same", bias=False)], shape, batch=5),
                      weights=kernel)
    fused = ev.Engine(ev.compile([SAME, ev.ReLU()], shape, batch=5), weights=arrays)
    wanted = np.maximum(alone.forward(x) + arrays["conv2d_1.bias"], 0)
    assert fused.forward(x).tobytes() == wanted.tobytes()
    assert fused.predict(x).tobytes() == wanted.tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(7, 10, 16), (40, 17, 16)], ids=["together", "strips"])
def test_statistics_that_tiles_leave_are_the_batchs(shape, dtype):
    net = ev.Sequential([SAME, ev.BatchNorm(epsilon=1e-3), ev.ReLU()])
    program = ev.compile(net, shape, batch=7, dtype=dtype)
    assert any("moments" in line.buffers for line in program.lists["forward"])
    arrays = arrays_for(net, shape, 3, dtype)
    arrays["conv2d_1.bias"] += 10
    x, d_y = values(0, (6, *shape), dtype), values(1, (6, *program.output_shape), dtype)
    y, d_x, gradients = definition(net, x, arrays, d_y, ev.Run(training=True))
    engine = ev.Engine(program, weights=arrays, threads=2)
    # Normalizing multiplies what the convolution errs: by 1 / sigma, and beside a mean of 10.
    assert error(engine.forward(x), y, 1.0) < 4 * TOLERANCE[dtype]
    got_d_x, got = engine.backward(d_y)
    largest = max(float(np.abs(g).max()) for g in gradients.values())
    assert error(got_d_x, d_x, 1.0) < 4 * TOLERANCE[dtype]
    for name, gradient in gradients.items():
        assert error(got[name], gradient, largest) < 4 * TOLERANCE[dtype], name


def test_small_batches_leave_few_sums_and_empty_rows_no_gradient():
    """Rows of a batch that are fewer than its parts; zeros in, zeros out."""
    shape = (8, 8, 16)
    engine = ev.Engine(ev.compile([SAME], shape, batch=64), seed=1)
    arrays = {name: array.copy() for name, array in engine.arrays.items()}
    for rows in (64, 1, 3, 40):
        x, d_y = values(rows, (rows, *shape), "float32"), values(9, (rows, 8, 8, 20), "float32")
        d_y[0] = 0
        _, d_x, gradients = definition(ev.Sequential([SAME]), x, arrays, d_y, ev.Run(training=True))
        engine.forward(x)
        got_d_x, got = engine.backward(d_y)
        assert not got_d_x[0].any()
        assert error(got_d_x, d_x, 1.0) < 1e-5
        assert error(got["conv2d_1.kernel"], gradients["conv2d_1.kernel"], 1.0) < 1e-5
