"""Frozen networks against the definitions in float64, against PyTorch, and against arithmetic."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import evenly as ev
from evenly.engine.frozen import FrozenEngine
from evenly.native import available_isas
from evenly.program.folding import folded
from evenly.program.frozen import compile_frozen
from tests.contract.common import TOLERANCE, arrays_for, error, values
from tests.contract.rows import LAYERS, ids

ISAS = available_isas()
STORED = {"float32": "float32", "float64": "float64", "bfloat16": "float32", "int8": "float32"}


def frozen(net, shape, arrays, storage="float32", rows=256, threads=1, isa="", in_pairs=False):
    made, own = folded(net, shape, arrays, STORED[storage])
    program = compile_frozen(made, shape, rows, storage, None)
    if in_pairs:  # int8 as on a processor that has no products of bytes
        program = replace(program, lists={
            key: tuple(replace(line, numbers={**line.numbers, "in_pairs": 1}) for line in lines)
            for key, lines in program.lists.items()
        })
    return FrozenEngine(program, own, threads, isa)


def defined(net, shape, arrays, x):
    """Inference by the definition in float64."""
    exact = {name: array.astype(np.float64) for name, array in arrays.items()}
    y, _ = net.resolved.forward(x.astype(np.float64), exact, ev.Run(training=False))
    return y.reshape(len(x), *net.output_shape(shape))


@pytest.mark.parametrize("row", **ids([
    row for row in LAYERS if not row.layer.reshapes and not getattr(row.layer, "stateful", False)
]))
@settings(max_examples=2, deadline=None)
@given(data=st.data(), seed=st.integers(0, 2**31))
def test_every_layer_and_a_normalization_behind_it(row, data, seed):
    shape = data.draw(row.shapes)
    dtype = data.draw(st.sampled_from(["float32", "float64"]))
    for net in (ev.Sequential([row.layer]), ev.Sequential([row.layer, ev.BatchNorm(), ev.GELU()])):
        arrays = arrays_for(net, shape, seed, dtype)
        x = row.inputs(seed, (3, *shape), dtype)
        engine = frozen(net, shape, arrays, dtype, rows=2, isa=data.draw(st.sampled_from(ISAS)))
        assert error(engine.predict(x), defined(net, shape, arrays, x), 1.0) < TOLERANCE[dtype]


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("storage", ["float32", "float64"])
@pytest.mark.parametrize(("inputs", "units"), [(1, 1), (7, 16), (17, 70), (400, 33), (1000, 17)])
def test_dense_layers_of_any_size(inputs, units, storage, isa):
    net = ev.Sequential([ev.Dense(units), ev.ReLU(), ev.Dense(units, bias=False), ev.Mish()])
    arrays = arrays_for(net, (inputs,), 0, storage)
    engine = frozen(net, (inputs,), arrays, storage, isa=isa)
    x = values(1, (200, inputs), storage)
    wanted = defined(net, (inputs,), arrays, x)
    for rows in (1, 2, 3, 4, 5, 13, 97, 200):
        assert error(engine.predict(x[:rows]), wanted[:rows], 1.0) < TOLERANCE[storage], rows


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("storage", ["float32", "float64", "bfloat16", "int8"])
def test_a_row_is_the_same_to_the_bit_beside_any_others(storage, isa):
    net = ev.Sequential([ev.Dense(70), ev.ReLU(), ev.Dense(9), ev.Tanh(), ev.Dense(33)])
    arrays = arrays_for(net, (450,), 0, "float32")
    engine = frozen(net, (450,), arrays, storage, rows=128, isa=isa)
    x = values(1, (301, 450), "float32")
    all_rows = engine.predict(x)
    two_threads = frozen(net, (450,), arrays, storage, rows=50, threads=2, isa=isa)
    assert (two_threads.predict(x) == all_rows).all()
    for first, rows in ((0, 1), (7, 2), (11, 3), (20, 4), (29, 5), (40, 6), (50, 13), (99, 120)):
        part = slice(first, first + rows)
        assert (engine.predict(x[part]) == all_rows[part]).all(), rows


def test_pytorch_says_the_same():
    net = ev.Sequential([
        ev.Conv2D(8, 3, padding="same", bias=False), ev.BatchNorm(), ev.ReLU(), ev.MaxPool2D(2),
        ev.Residual([ev.Conv2D(8, 3, padding="same"), ev.BatchNorm()]), ev.ReLU(), ev.Flatten(),
        ev.Dense(20), ev.BatchNorm(), ev.GELU(), ev.Dropout(0.3), ev.Dense(5),
    ])
    model = ev.init(net, (8, 8, 3), seed=0)
    for name, array in arrays_for(net, (8, 8, 3), 3, "float32").items():
        model.weights[name][...] = array
    x = values(1, (9, 8, 8, 3), "float32")
    with torch.no_grad():
        images = torch.tensor(x.transpose(0, 3, 1, 2).copy())
        theirs = ev.to_torch(model).eval()(images).numpy()
    assert error(ev.Predictor(model).predict(x), theirs) < 1e-5


# What folding leaves, by the layers' names ------------------------------------------------------

ALONE = [ev.Dense(4, name="a"), ev.BatchNorm(name="n")]


@pytest.mark.parametrize(("net", "left"), [
    (ALONE, ["a"]),
    ([ev.Dense(4, bias=False, name="a"), ev.BatchNorm(name="n")], ["a"]),
    ([ev.Dense(4, name="a"), ev.BatchNorm(center=False, scale=False, frozen=True, name="n")],
     ["a"]),
    ([ev.Dense(4, name="a"), ev.Dropout(0.5), ev.BatchNorm(name="n")], ["a"]),
    ([[ev.Dense(4, name="a")], ev.BatchNorm(name="n"), ev.BatchNorm(name="m")], ["a"]),
    ([ev.WeightNorm(ev.Dense(4), name="a"), ev.BatchNorm(name="n")], ["a"]),
    ([ev.DropConnect(ev.Dense(4), name="a"), ev.BatchNorm(name="n")], ["a"]),
    ([ev.Dense(4, name="a"), ev.ReLU(name="r"), ev.BatchNorm(name="n")], ["a", "r", "n"]),
    ([ev.Dense(4, name="a"), ev.Dropout(0.5, classic=True, name="d"), ev.BatchNorm(name="n")],
     ["a", "d", "n"]),
    ([ev.BatchNorm(name="n"), ev.Dense(4, name="a")], ["n", "a"]),
    ([ev.Residual([ev.Dense(6, name="a"), ev.BatchNorm(name="n")]), ev.BatchNorm(name="m")],
     ["a", "m"]),
    ([ev.Dense(6, name="a"), ev.Residual([ev.BatchNorm(name="n"), ev.Dense(6, name="b")])],
     ["a", "n", "b"]),
    ([ev.Ensemble([ALONE, [ev.Dense(4, name="b")]])], ["a", "b"]),
    ([ev.Reshape((6, 1)), ev.Conv1D(4, 3, name="a"), ev.BatchNorm(name="n")],
     ["reshape_1", "a"]),
    ([ev.Dense(4, name="a"), ev.Reshape((2, 2), name="s"), ev.BatchNorm(name="n")],
     ["a", "s", "n"]),
], ids=range(15))
def test_what_is_folded(net, left):
    net = ev.Sequential([ev.Sequential(part) if isinstance(part, list) else part for part in net])
    arrays = arrays_for(net, (6,), 0, "float64")
    made, own = folded(net, (6,), arrays, "float64")
    assert [name for name, _ in made.named_layers()] == left
    x = values(1, (5, 6))
    assert error(made.forward(x, own, ev.Run(training=False))[0].reshape(5, -1),
                 defined(net, (6,), arrays, x).reshape(5, -1)) < 1e-12


def test_what_would_not_be_finite_is_not_folded():
    net = ev.Sequential([ev.Dense(2, name="a"), ev.BatchNorm(epsilon=0, name="n")])
    arrays = arrays_for(net, (3,), 0, "float32")
    arrays["n.running_variance"][:] = 1, 1e-60
    assert len(folded(net, (3,), arrays, "float32")[0].layers) == 2
    arrays["n.running_variance"][:] = 1, 1e-30
    assert len(folded(net, (3,), arrays, "float32")[0].layers) == 1


# Arithmetic of few bits -------------------------------------------------------------------------

def halves(array):
    """The nearest bfloat16, ties to even."""
    bits = array.view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16 << 16).astype(np.uint32).view(np.float32)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize(("inputs", "units"), [(1, 1), (17, 16), (400, 37)])
def test_bfloat16_is_the_network_with_rounded_kernels(inputs, units, isa):
    net = ev.Sequential([ev.Dense(units)])
    arrays = arrays_for(net, (inputs,), 0, "float32")
    x = values(1, (40, inputs), "float32")
    rounded = arrays | {"dense_1.kernel": halves(arrays["dense_1.kernel"])}
    assert (rounded["dense_1.kernel"] != arrays["dense_1.kernel"]).any()
    engine = frozen(net, (inputs,), arrays, "bfloat16", isa=isa)
    for rows in (1, 2, 3, 40):
        wanted = defined(net, (inputs,), rounded, x)[:rows]
        assert error(engine.predict(x[:rows]), wanted, 1.0) < 1e-5


def quarters(seed, shape, axis):
    """Numbers of which each row (or column) holds 127 / 64: their codes are quarters, rounded; and
    these codes. All of it is exact in float32."""
    numbers = np.random.default_rng(seed).integers(-508, 509, shape)
    first = [slice(None), slice(None)]
    first[axis] = 0
    numbers[tuple(first)] = 508
    return (numbers / 256).astype(np.float32), np.rint(numbers / 4).astype(np.int64)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("in_pairs", [False, True])
@pytest.mark.parametrize(("inputs", "units"), [(1, 1), (17, 16), (400, 37), (3001, 5)])
def test_int8_sums_whole_numbers_exactly(inputs, units, in_pairs, isa):
    net = ev.Sequential([ev.Dense(units)])
    kernel, whole_kernel = quarters(0, (inputs, units), 0)
    x, whole_x = quarters(1, (40, inputs), 1)
    kernel[:, -1] = whole_kernel[:, -1] = x[1] = whole_x[1] = 0
    arrays = {"dense_1.kernel": kernel, "dense_1.bias": values(2, (units,), "float32")}
    wanted = (whole_x @ whole_kernel) / 64**2 + arrays["dense_1.bias"].astype(np.float64)
    engine = frozen(net, (inputs,), arrays, "int8", isa=isa, in_pairs=in_pairs)
    for rows in (1, 2, 5, 12, 13, 40):
        assert error(engine.predict(x[:rows]), wanted[:rows], 1.0) < 2e-7, rows


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize(("inputs", "units"), [(1, 1), (2, 70), (3, 33), (7, 16), (785, 37)])
def test_int8_is_the_same_to_the_bit_whatever_makes_its_products(inputs, units, isa):
    net = ev.Sequential([ev.Dense(units), ev.ReLU(), ev.Dense(9)])
    arrays = arrays_for(net, (inputs,), 0, "float32")
    x = values(1, (140, inputs), "float32")
    x[5], x[6, 0], x[7, 0] = 0, np.nan, np.inf
    own = frozen(net, (inputs,), arrays, "int8", isa=isa)
    pairs = frozen(net, (inputs,), arrays, "int8", isa=isa, in_pairs=True)
    for rows in (1, 2, 3, 5, 6, 7, 8, 9, 13, 17, 140):
        assert np.array_equal(own.predict(x[:rows]), pairs.predict(x[:rows]), equal_nan=True), rows


@pytest.mark.parametrize("storage", ["float32", "bfloat16", "int8"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_stays_in_its_row(storage, bad):
    net = ev.Sequential([ev.Dense(20), ev.ReLU(), ev.Dense(3)])
    arrays = arrays_for(net, (30,), 0, "float32")
    engine = frozen(net, (30,), arrays, storage)
    x = values(1, (20, 30), "float32")
    clean = engine.predict(x)
    x[4, 7] = bad
    got = engine.predict(x)
    assert not np.isfinite(got[4]).any()
    others = np.arange(20) != 4
    assert (got[others] == clean[others]).all()


@pytest.mark.parametrize("in_pairs", [False, True])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_long_sum_of_int8_does_not_wrap(sign, in_pairs):
    net = ev.Sequential([ev.Dense(1, bias=False)])
    inputs = 133_144
    arrays = {"dense_1.kernel": np.ones((inputs, 1), np.float32)}
    x = np.full((1, inputs), sign, np.float32)
    engine = frozen(net, (inputs,), arrays, "int8", in_pairs=in_pairs)
    assert engine.predict(x)[0, 0] == pytest.approx(sign * inputs, 1e-6)
    with pytest.raises(ev.errors.ConfigurationError, match=r"at most 133,144 inputs.*133,145"):
        frozen(net, (inputs + 1,), arrays, "int8")


@pytest.mark.parametrize("rows", [1, 2, 5])
@pytest.mark.parametrize("storage", ["float32", "bfloat16"])
def test_rounding_does_not_grow_with_the_number_of_inputs(storage, rows):
    """Sums that always err the same way: a single running sum is 1e-4 off and more."""
    inputs = 200_000
    net = ev.Sequential([ev.Dense(1, bias=False)])
    arrays = {"dense_1.kernel": np.ones((inputs, 1), np.float32)}
    x = np.full((rows, inputs), 0.1, np.float32)
    got = frozen(net, (inputs,), arrays, storage).predict(x)
    assert error(got, np.full((rows, 1), inputs * float(np.float32(0.1)))) < 1e-5
