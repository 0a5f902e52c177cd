"""Lengths of columns and gradients, of zeros and of numbers whose squares are none."""

import numpy as np
import pytest

import evenly as ev
from evenly.native import available_isas
from tests.contract.common import arrays_for, definition, error

SIZES = [("float32", 1e-40), ("float32", 1e-25), ("float32", 1e25), ("float32", 1e38),
         ("float64", 1e-300), ("float64", 1e-170), ("float64", 1e170), ("float64", 1e300)]


def near_one(shape):
    x = np.random.default_rng(0).standard_normal(shape)
    return x / np.abs(x).max()


def trained_once(constraint, kernel, dtype, isa=""):
    program = ev.compile([ev.Dense(kernel.shape[1])], len(kernel), 2, ev.MeanSquaredError(),
                         ev.SGD(1e-300 if dtype == "float64" else 1e-45), dtype=dtype,
                         constraint=constraint)
    engine = ev.Engine(program, weights={"dense_1.kernel": kernel}, isa=isa)
    engine.update()
    return engine.arrays["dense_1.kernel"]


@pytest.mark.parametrize("isa", available_isas())
@pytest.mark.parametrize(("dtype", "size"), SIZES)
def test_unit_norm_of_any_size(dtype, size, isa):
    unit = near_one((7, 70))
    kernel = (size * unit).astype(dtype)
    kernel[:, 3] = 0
    exact = (kernel.astype(np.longdouble) / size).astype(np.float64)
    wanted = exact / np.where(np.arange(70) == 3, 1, np.sqrt((exact * exact).sum(axis=0)))
    tolerance = {"float32": 1e-6, "float64": 1e-14}[dtype]
    assert error(trained_once(ev.UnitNorm(), kernel, dtype, isa), wanted) < tolerance
    subnormal = dtype == "float32" and size < 1e-38  # the definition's length has few digits then
    applied = ev.UnitNorm().apply(kernel, ev.Run(True))
    assert error(applied, wanted) < (1e-4 if subnormal else tolerance)


@pytest.mark.parametrize("isa", available_isas())
@pytest.mark.parametrize(("dtype", "size"), SIZES)
def test_max_norm_of_any_size(dtype, size, isa):
    kernel = (size * near_one((7, 70))).astype(dtype)
    for limit in (size / 100, size * 100):
        if not float(np.finfo(dtype).smallest_subnormal) < limit < float(np.finfo(dtype).max):
            continue  # refused: the type has no such number
        exact = kernel.astype(np.longdouble)
        lengths = np.sqrt(((exact / size) ** 2).sum(axis=0)) * size
        wanted = (exact * np.minimum(1, limit / lengths) / size).astype(np.float64)
        got = trained_once(ev.MaxNorm(limit), kernel, dtype, isa).astype(np.longdouble) / size
        tolerance = {"float32": 1e-6, "float64": 1e-14}[dtype]
        if dtype == "float32" and size < 1e-38:
            tolerance = 1e-2  # a subnormal number has few digits
        assert error(got.astype(np.float64), wanted) < tolerance


@pytest.mark.parametrize("isa", available_isas())
@pytest.mark.parametrize(("dtype", "size"), SIZES)
def test_weight_norm_of_any_size(dtype, size, isa):
    """The size of a direction changes neither the kernel nor the gradient of its length."""
    net = ev.Sequential([ev.WeightNorm(ev.Dense(70))])
    arrays = arrays_for(net, (7,), 0, dtype)
    unit = near_one((7, 70)).astype(dtype)
    engine = ev.Engine(ev.compile(net, 7, batch=5, dtype=dtype), isa=isa,
                       weights={**arrays, "weight_norm_1.direction": (unit * size).astype(dtype)})
    exact = (engine.arrays["weight_norm_1.direction"].astype(np.longdouble) / size).astype(float)
    x, d_y = near_one((5, 7)).astype(dtype), near_one((5, 70)).astype(dtype)
    y, _, gradients = definition(net, x, {**arrays, "weight_norm_1.direction": exact}, d_y,
                                 ev.Run(training=True))
    tolerance = {"float32": 2e-6, "float64": 1e-13}[dtype]
    assert error(engine.forward(x), y) < tolerance
    assert error(engine.predict(x), y) < tolerance
    _, got = engine.backward(d_y)
    assert error(got["weight_norm_1.gain"], gradients["weight_norm_1.gain"]) < tolerance
    if size > 1e-37 or (dtype == "float64" and size > 1e-299):
        back = got["weight_norm_1.direction"].astype(np.longdouble) * size
        assert error(back.astype(float), gradients["weight_norm_1.direction"]) < tolerance


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layer", [ev.Dense(3, kernel_init=ev.Zeros()),
                                   ev.Conv1D(3, 2, kernel_init=ev.Zeros())])
def test_weight_norm_around_zeros(layer, dtype):
    """The prediction is the bias, and training leaves zero behind."""
    shape = (6, 4) if isinstance(layer, ev.Conv1D) else (4,)
    net = ev.Sequential([ev.WeightNorm(layer), ev.Flatten()])
    program = ev.compile(net, shape, 5, ev.MeanSquaredError(), ev.SGD(0.1), dtype=dtype)
    engine = ev.Engine(program, seed=0)
    x = near_one((5, *shape))
    assert (engine.predict(x) == 0).all()
    arrays = {name: array.astype(np.float64) for name, array in engine.arrays.items()}
    y, _, gradients = definition(net, x, arrays, near_one((5, *program.output_shape)),
                                 ev.Run(training=True))
    assert (y == 0).all()
    assert all(np.isfinite(g).all() for g in gradients.values())
    for _ in range(3):
        engine.step(x, np.ones((5, *program.output_shape)))
    assert np.isfinite(engine.arrays["weight_norm_1.direction"]).all()
    assert np.abs(engine.arrays["weight_norm_1.direction"]).max(axis=0).min() > 0
    assert np.abs(engine.predict(x)).max() > 0


@pytest.mark.parametrize("isa", available_isas())
@pytest.mark.parametrize(("dtype", "size"), SIZES)
@pytest.mark.parametrize("clip", [ev.ClipNorm, ev.ClipGlobalNorm])
def test_clipping_gradients_of_any_size(clip, dtype, size, isa):
    limit = min(size, 1.0) / 8
    rule = clip(limit)
    net = ev.Sequential([ev.Dense(1, bias=False)])
    program = ev.compile(net, 4, 1, ev.MeanSquaredError(), ev.SGD(1.0), dtype=dtype, clip=rule)
    engine = ev.Engine(program, isa=isa, weights={"dense_1.kernel": np.zeros((4, 1))})
    # d_kernel = -2 x y for one example and a prediction of 0
    x = np.array([[0.5, -1.0, 0.25, 0.125]])
    target = np.array([[size / 2]])
    if size > (1e18 if dtype == "float32" else 1e150):  # its square would be the loss
        engine.gradient("dense_1.kernel")[...] = -size * x.T
        if clip is ev.ClipGlobalNorm:
            return
        engine.update()
    else:
        record = engine.step(x, target)
        norm = float(np.asarray(size / 2, dtype)) * 2 * float(np.sqrt((x * x).sum()))
        assert record.gradient_norm == pytest.approx(norm, rel=1e-5, abs=0)
    wanted = limit * x.T / np.sqrt((x * x).sum())
    tolerance = 1e-2 if dtype == "float32" and size < 1e-38 else 1e-6
    assert error(engine.arrays["dense_1.kernel"] / limit, wanted / limit) < tolerance
    got = rule.clip({"w": (-size * x.T).astype(dtype)}, ev.Run(True))["w"]
    assert error(-got / limit, wanted / limit) < tolerance
