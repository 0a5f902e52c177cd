"""Matrix products, as the kernels make them: any shape, any transposition, any row length."""

from itertools import product

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import evenly as ev
from evenly.native import available_isas, matrix_product

TOLERANCE = {"float32": 1e-5, "float64": 1e-12}
SIZES = st.one_of(st.integers(1, 40), st.sampled_from([64, 100, 128, 255, 256, 257, 300, 520]))
# What the paths of small products are made for: few rows, few columns, many terms, rows that fall
# to the same places of the cache; and one shape that is not small.
SHAPES = [(1, 1, 1), (32, 3, 300), (300, 3, 32), (32, 300, 3), (1, 300, 700), (3, 64, 1000),
          (64, 256, 60), (128, 128, 61), (17, 33, 600), (512, 8, 128), (256, 1, 100), (7, 3, 5),
          (1, 1, 100_000), (100, 100, 100), (101, 100, 100), (64, 10, 128), (48, 16, 40),
          (33, 24, 10)]


def rows(random, shape, padding, dtype):
    """A matrix whose rows lie further apart than they are long; NaN stands between them."""
    whole = np.full((shape[0], shape[1] + padding), np.nan, dtype)
    view = whole[:, :shape[1]]
    view[...] = random.standard_normal(shape)
    return whole, view


def check(m, n, k, transpose_a, transpose_b, add, padding, dtype, isa):
    random = np.random.default_rng(m * n + k)
    _, a = rows(random, (k, m) if transpose_a else (m, k), padding, dtype)
    _, b = rows(random, (n, k) if transpose_b else (k, n), padding, dtype)
    around, c = rows(random, (m, n), padding, dtype)
    left, right = (x.T.astype(np.float64) if turn else x.astype(np.float64)
                   for x, turn in ((a, transpose_a), (b, transpose_b)))
    exact, size = left @ right, abs(left) @ abs(right)
    if add:
        exact, size = exact + c, size + abs(c)
    matrix_product(a, b, c, transpose_a, transpose_b, add, isa)
    assert (abs(c - exact) <= TOLERANCE[dtype] * size).all()
    assert np.isnan(around[:, n:]).all()


@pytest.mark.parametrize("isa", available_isas())
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@settings(max_examples=50, deadline=None)
@given(m=SIZES, n=SIZES, k=SIZES, transpose_a=st.booleans(), transpose_b=st.booleans(),
       add=st.booleans(), padding=st.sampled_from([0, 1, 5, 300]))
@example(m=9, n=5, k=20, transpose_a=False, transpose_b=False, add=True, padding=1)
def test_any_product(dtype, isa, m, n, k, transpose_a, transpose_b, add, padding):
    check(m, n, k, transpose_a, transpose_b, add, padding, dtype, isa)


@pytest.mark.parametrize("isa", available_isas())
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_with_paths_of_their_own(shape, dtype, isa):
    for turn_a, turn_b, add, padding in product([0, 1], [0, 1], [0, 1], [0, 3]):
        check(*shape, bool(turn_a), bool(turn_b), bool(add), padding, dtype, isa)


@pytest.mark.parametrize("turned", [False, True])
def test_rounding_does_not_grow_with_the_number_of_terms(turned):
    """Sums that always err the same way: a single running sum is 1e-4 off and more."""
    k = 200_000
    a = np.full((1, k), np.float32(0.7))
    exact = k * float(np.float32(0.7)) ** 2
    assert abs(np.cumsum(a * a, dtype=np.float32)[-1] / exact - 1) > 1e-4
    c = np.zeros((1, 1), np.float32)
    matrix_product(a, a if turned else a.T.copy(), c, transpose_b=turned)
    assert abs(c[0, 0] / exact - 1) < 1e-5


def test_a_product_without_terms_is_zero():
    c = np.ones((3, 20), np.float32)
    matrix_product(np.zeros((3, 0), np.float32), np.zeros((0, 20), np.float32), c)
    assert (c == 0).all()


def test_what_does_not_fit():
    a, b, c = (np.zeros(shape, np.float32) for shape in ((2, 3), (4, 5), (2, 5)))
    with pytest.raises(ValueError, match="shapes of a, b and c do not fit"):
        matrix_product(a, b, c)
    with pytest.raises(ValueError, match="side by side"):
        matrix_product(np.zeros((3, 2), np.float32).T, np.zeros((3, 5), np.float32), c)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("m", "n", "k"), [(130, 100, 300), (9, 40, 20)])
def test_both_makers_agree(m, n, k, dtype):
    random = np.random.default_rng(0)
    a, b = (random.standard_normal(shape).astype(dtype) for shape in ((m, k), (k, n)))
    made = [np.full((m, n), np.nan, dtype) for _ in range(3)]
    for by, c in enumerate(made):
        matrix_product(a, b, c, by=by, times=2)
        assert np.allclose(c, a @ b, atol=TOLERANCE[dtype] * k)
    assert made[0].tobytes() == made[1].tobytes()  # such a shape is the kernels' own
    with pytest.raises(ValueError, match="by must be"):
        matrix_product(a, b, made[0], by=3)


# More rows than a tile has, strips that do not come out even, few columns, a result of few rows, a
# kernel's gradient that is OpenBLAS's.
@pytest.mark.parametrize(("batch", "inputs", "units"), [
    (300, 70, 100), (40, 300, 33), (5, 6, 400), (600, 9, 3), (128, 300, 250),
])
def test_the_tiles_of_a_layer_cover_it(batch, inputs, units):
    random = np.random.default_rng(0)
    x, y = random.standard_normal((batch, inputs)), random.standard_normal((batch, inputs))
    net = ev.Sequential([ev.Dense(units, name="one"), ev.Dense(inputs, name="two")])
    program = ev.compile(net, inputs, batch, ev.MeanSquaredError(), ev.SGD(1.0), dtype="float64")
    engines = [ev.Engine(program, seed=0, threads=threads) for threads in (1, 3)]
    before = {name: array.copy() for name, array in engines[0].arrays.items()}
    for engine in engines:
        engine.step(x, y)
    hidden = x @ before["one.kernel"] + before["one.bias"]
    d_y = 2 * (hidden @ before["two.kernel"] + before["two.bias"] - y) / y.size
    d_hidden = d_y @ before["two.kernel"].T
    for name, gradient in {
        "two.kernel": hidden.T @ d_y, "two.bias": d_y.sum(0),
        "one.kernel": x.T @ d_hidden, "one.bias": d_hidden.sum(0),
    }.items():
        made, again = (engine.arrays[name] for engine in engines)
        assert np.allclose(before[name] - made, gradient, rtol=1e-9, atol=1e-12), name
        assert made.tobytes() == again.tobytes(), name
