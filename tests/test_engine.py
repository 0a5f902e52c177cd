"""The engine: batches of all sizes, what it refuses, steps that are not finite, users' layers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

import evenly as ev
from evenly.engine import NotFiniteError
from evenly.errors import ConfigurationError, DataError, ShapeError
from evenly.native import available_isas
from evenly.program import fusion
from evenly.program.parts import WORK
from tests.contract.common import values

LOSS = ev.SoftmaxCrossEntropy()
NET = [ev.Dense(8), ev.BatchNorm(), ev.ReLU(), ev.Dense(3)]


def engine_for(net=NET, features=5, batch=16, **settings):
    settings = {"loss": LOSS, "optimizer": ev.Adam(0.01)} | settings
    return ev.Engine(ev.compile(net, features, batch=batch, **settings), seed=1)


def data(rows, features=5):
    return values(0, (rows, features), "float32"), np.arange(rows) % 3


def test_a_short_batch_is_what_a_smaller_program_computes():
    x, y = data(7)
    large, small = engine_for(batch=16), engine_for(batch=7)
    assert large.step(x, y) == small.step(x, y)
    for name, array in large.arrays.items():
        assert (array == small.arrays[name]).all()


@pytest.mark.parametrize("net", [[], [ev.Flatten()], [ev.Sequential([ev.Flatten()])]])
def test_a_network_that_only_reshapes(net):
    x, d_y = values(0, (3, 2, 5), "float32"), values(1, (3, 2, 5), "float32")
    engine = ev.Engine(ev.compile(ev.Sequential(net), (2, 5), batch=4))
    shape = (3, *engine.program.output_shape)
    assert (engine.forward(x) == x.reshape(shape)).all()
    d_x, gradients = engine.backward(d_y.reshape(shape))
    assert (d_x == d_y).all()
    assert gradients == {}
    with_loss = ev.Engine(ev.compile(ev.Sequential(net), (2, 5), batch=4, input_gradient=True,
                                     loss=ev.MeanSquaredError()))
    loss, d_x, _ = with_loss.gradients(x, d_y.reshape(shape))
    assert d_x.shape == x.shape
    np.testing.assert_allclose(d_x, (x - d_y) * 2 / d_y[0].size / 3, rtol=1e-5)
    assert loss == pytest.approx(((x - d_y) ** 2).mean(), rel=1e-5)


def test_a_pass_takes_the_rest_as_a_last_batch():
    x, y = data(37)
    a, b = engine_for(), engine_for()
    records = np.concatenate(list(a.train(a.rows(x), a.targets(y), None, 16)))
    steps = [b.step(x[i : i + 16], y[i : i + 16]) for i in (0, 16, 32)]
    assert records.tolist() == [list(step) for step in steps]
    assert a.steps == b.steps == 3


def test_order_picks_the_rows():
    x, y = data(20)
    a, b = engine_for(), engine_for()
    order = np.random.default_rng(0).permutation(20)
    list(a.train(a.rows(x), a.targets(y), order, 16))
    list(b.train(b.rows(x[order]), b.targets(y[order]), None, 16))
    for name, array in a.arrays.items():
        assert (array == b.arrays[name]).all()


@pytest.mark.parametrize("rows", [0, 1, 2, 255, 256, 257, 700])
def test_predict_any_number_of_rows(rows):
    engine = engine_for()
    x, _ = data(700)
    whole = engine.predict(x)
    assert engine.predict(x[:rows]).shape == (rows, 3)
    assert np.allclose(engine.predict(x[:rows]), whole[:rows], rtol=1e-5, atol=1e-6)


def test_inputs_of_other_kinds():
    engine = engine_for()
    x, y = data(8)
    wanted = engine.predict(x)
    for other in (x.astype(np.float64), x.tolist(), np.asfortranarray(x), x[::1]):
        assert (engine.predict(other) == wanted).all()
    assert engine.evaluate(x, y) == engine.evaluate(x, y.astype(np.float64))
    assert engine.evaluate(x, y) == engine.evaluate(x, y[:, None])


REFUSED = [
    (lambda e, x, y: e.predict(x[:, :4]), ShapeError,
     r"expects inputs of shape \(n, 5\), got \(16, 4\)"),
    (lambda e, x, y: e.step(x, y[:-1]), DataError, "x has 16 rows and y has 15"),
    (lambda e, x, y: e.step(x[:0], y[:0]), DataError, "at least one row"),
    (lambda e, x, y: e.step(np.tile(x, (2, 1)), np.tile(y, 2)), ShapeError,
     "planned for batches of 16 rows, got 32"),
    (lambda e, x, y: e.step(x[:1], y[:1]), ShapeError, "at least 2 in training"),
    (lambda e, x, y: e.predict(csr_array(x)), DataError, "dense rows, got a sparse matrix"),
    (lambda e, x, y: e.step(x, y + 1), DataError, "class numbers 0 to 2.*got 1 to 3"),
    (lambda e, x, y: e.step(x, (y + 1).astype(np.int32)), DataError, "got 1 to 3"),
    (lambda e, x, y: e.gradients(x, (y - 1).astype(np.int32)), DataError, "-1 in row 0 is no"),
    (lambda e, x, y: e.evaluate(x, (y - 1).astype(np.int32)), DataError, "-1 in row 0 is no"),
    # What is handed over as the checks would have returned it is looked at once more.
    (lambda e, x, y: next(e.train(e.rows(x), e.targets(y) + 1, None, 4)), ValueError,
     "no score of its own"),
    (lambda e, x, y: e.run("gradient", e.rows(x), e.targets(y) - 1), DataError, "between 0 and 2"),
    (lambda e, x, y: e.step(x, y + 0.5), DataError, "number the classes"),
    (lambda e, x, y: e.set_weights({"dense_9.kernel": x}), ConfigurationError,
     "no array is named 'dense_9.kernel'; there are: dense_1.kernel"),
    (lambda e, x, y: e.set_weights({"dense_1.kernel": x}), ShapeError,
     r"'dense_1.kernel' has shape \(5, 8\), got \(16, 5\)"),
]


@pytest.mark.parametrize(("call", "kind", "message"), REFUSED)
def test_refused(call, kind, message):
    with pytest.raises(kind, match=message):
        call(engine_for(), *data(16))


@pytest.mark.parametrize(("settings", "message"), [
    ({"threads": 0}, "threads must be a whole number"), ({"threads": 1.5}, "threads must be"),
    ({"seed": -1}, "seed must lie between"), ({"seed": 0.5}, "seed must be a whole number"),
    ({"isa": "mmx"}, "unknown instruction set mmx"),
])
def test_settings_refused(settings, message):
    program = ev.compile(NET, 5, batch=4, loss=LOSS)
    with pytest.raises(ValueError, match=message):
        ev.Engine(program, **settings)


def poison(engine, name, value=np.nan):
    engine.arrays[name].reshape(-1)[0] = value


DEEP = [ev.Dense(6), ev.BatchNorm(), ev.ReLU(), ev.Dense(4), ev.Tanh(), ev.Dense(3)]


@pytest.mark.parametrize(("spoil", "layer"), [
    (lambda e, x: x.__setitem__((2, 1), np.nan), "the input"),
    (lambda e, x: x.__setitem__((2, 1), np.inf), "the input"),
    (lambda e, x: poison(e, "dense_1.kernel"), "the output of dense_1"),
    (lambda e, x: poison(e, "batch_norm_1.gamma"), "the output of batch_norm_1 + relu_1"),
    (lambda e, x: poison(e, "dense_2.kernel"), "the output of dense_2 + tanh_1"),
    (lambda e, x: poison(e, "dense_3.bias", np.inf), "the output of dense_3"),
])
@pytest.mark.parametrize("whole_pass", [False, True])
def test_a_step_that_is_not_finite(spoil, layer, whole_pass):
    engine = engine_for(DEEP)
    x, y = data(16)
    engine.step(x, y)
    spoil(engine, x)
    before = {name: array.copy() for name, array in engine.arrays.items()}

    def step():
        if whole_pass:
            return list(engine.train(engine.rows(x), engine.targets(y), np.arange(16), 16))
        return engine.step(x, y)

    with pytest.raises(NotFiniteError) as caught:
        step()
    assert (caught.value.layer, caught.value.step, engine.steps) == (layer, 1, 1)
    for name, array in engine.arrays.items():
        assert np.array_equal(array, before[name], equal_nan=True), name


def test_gradient_that_is_not_finite_while_the_loss_is():
    engine = engine_for([ev.Dense(1)], loss=ev.MeanSquaredError())
    before = engine.arrays["dense_1.kernel"].copy()
    x = np.full((16, 5), 1e15, dtype=np.float32)
    with pytest.raises(NotFiniteError) as caught:
        engine.step(x, np.full((16, 1), -1e30))
    assert caught.value.layer == "the gradient of dense_1 on kernel"
    assert np.isfinite(engine.buffer("scalars")[0])
    assert (engine.arrays["dense_1.kernel"] == before).all()


def test_finite_gradients_whose_squares_overflow_are_finite():
    engine = engine_for([ev.Dense(1)], loss=ev.MeanSquaredError(), optimizer=ev.SGD(1e-30))
    x = np.full((16, 5), 1e15, dtype=np.float32)
    record = engine.step(x, np.full((16, 1), -1e8))
    assert np.isfinite(record.gradient_norm)
    assert record.gradient_norm > 1e19


def test_clipping_bounds_the_step():
    engine = engine_for(optimizer=ev.SGD(1.0), clip=ev.ClipGlobalNorm(0.01))
    before = {k: v.copy() for k, v in engine.arrays.items()}
    x, y = data(16)
    record = engine.step(100 * x, y)
    moved = sum(((engine.arrays[n] - before[n]) ** 2).sum() for n in before if "running" not in n)
    assert record.gradient_norm > 0.01
    assert np.sqrt(moved) == pytest.approx(0.01, rel=1e-3)


@dataclass(frozen=True)
class MyDense(ev.Layer):
    """Dense again, as a user would write it: a definition alone."""

    units: int
    name: str | None = None

    def arrays(self, shape: tuple[int, ...]) -> dict[str, ev.ArraySpec]:
        size = (shape[0], self.units)
        return {"kernel": ev.ArraySpec(size, ev.HeNormal(), decays=True, fan=size),
                "bias": ev.ArraySpec((self.units,))}

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (self.units,)

    def forward(self, x: Any, arrays: Any, run: ev.Run) -> Any:
        return x @ arrays["kernel"] + arrays["bias"], x

    def backward(self, d_y: Any, arrays: Any, x: Any, run: ev.Run) -> Any:
        return d_y @ arrays["kernel"].T, {"kernel": x.T @ d_y, "bias": d_y.sum(axis=0)}


@dataclass(frozen=True)
class Counting(ev.Layer):
    """A running statistic of a user's own: how many batches there were."""

    name: str | None = None

    def arrays(self, shape: tuple[int, ...]) -> dict[str, ev.ArraySpec]:
        return {"seen": ev.ArraySpec((1,), trainable=False)}

    def forward(self, x: Any, arrays: Any, run: ev.Run) -> Any:
        if run.training:
            run.update("seen", arrays["seen"] + 1)
        return x * 1, None

    def backward(self, d_y: Any, arrays: Any, saved: Any, run: ev.Run) -> Any:
        return d_y * 1, {}


OWN = [MyDense(8, "dense_1"), ev.BatchNorm(), ev.ReLU(), ev.Dropout(0.5), Counting(),
       MyDense(3, "dense_2")]
NATIVE = [ev.Dense(8), ev.BatchNorm(), ev.ReLU(), ev.Dropout(0.5), ev.Dense(3)]


def test_a_users_layer_trains_like_the_native_one():
    # Plain descent: Adam would make steps of the rounding in the gradient of the first bias, which
    # has no effect in front of batch normalization. The native layer's compiler knows that.
    settings = {"dtype": "float64", "penalty": ev.L2(0.01), "clip": ev.ClipGlobalNorm(1.0),
                "optimizer": ev.SGD(0.1)}
    own, native = engine_for(OWN, **settings), engine_for(NATIVE, **settings)
    x, y = data(53)
    for _ in range(3):
        for engine in (own, native):
            list(engine.train(engine.rows(x), engine.targets(y), np.arange(52), 16))
    for name, array in native.arrays.items():
        assert np.allclose(own.arrays[name], array, rtol=1e-9, atol=1e-12), name
    assert own.arrays["counting_1.seen"].tolist() == [12.0]
    assert np.allclose(own.predict(x), native.predict(x), rtol=1e-9, atol=1e-12)
    assert own.evaluate(x, y).loss == pytest.approx(native.evaluate(x, y).loss, rel=1e-9)


def test_a_users_layer_that_is_not_finite_is_named():
    engine = engine_for(OWN)
    x, y = data(16)
    poison(engine, "dense_2.kernel")
    with pytest.raises(NotFiniteError) as caught:
        engine.step(x, y)
    assert caught.value.layer == "the output of dense_2"
    assert engine.arrays["counting_1.seen"] == 0


def test_a_users_layer_of_the_wrong_shape_is_named():
    @dataclass(frozen=True)
    class Wrong(ev.Layer):
        name: str | None = None

        def forward(self, x: Any, arrays: Any, run: ev.Run) -> Any:
            return x[:, :2], None

    engine = ev.Engine(ev.compile([Wrong()], 5, batch=4))
    with pytest.raises(ShapeError, match=r"wrong_1: the output has shape \(4, 2\), expected"):
        engine.forward(np.ones((4, 5)))


def test_two_threads_of_python_may_share_an_engine():
    from concurrent.futures import ThreadPoolExecutor

    engine = engine_for()
    x, _ = data(300)
    wanted = engine.predict(x)
    with ThreadPoolExecutor(4) as pool:
        for scores in pool.map(lambda _: engine.predict(x), range(50)):
            assert (scores == wanted).all()


BEHIND = {"relu": [ev.ReLU()], "dropout": [ev.Dropout(0.3)], "both": [ev.ReLU(), ev.Dropout(0.5)]}


@pytest.mark.parametrize("isa", available_isas())
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("behind", BEHIND)
@pytest.mark.parametrize("rows", [40, 300])
def test_a_mask_of_bits_behind_batch_norm_changes_no_bit(behind, rows, dtype, isa, monkeypatch):
    columns, results = 1032, []
    x, d_y = values(0, (rows, columns), dtype), values(1, (rows, columns), dtype)
    x[:, 3] = np.inf  # its column is NaN, which passes no ReLU's gradient
    for least, threads in ((1, 1), (1, 3), (2**60, 1)):
        monkeypatch.setattr(fusion, "_LARGE", least)
        net = [ev.BatchNorm(), *BEHIND[behind]]
        program = ev.compile(net, columns, batch=rows, dtype=dtype)
        assert ("batch_norm_1.bits" in program.buffers) == (least == 1)
        engine = ev.Engine(program, seed=1, threads=threads, isa=isa)
        y = engine.forward(x).copy()
        d_x, gradients = engine.backward(d_y)
        results.append([y, d_x.copy(), *(g.copy() for g in gradients.values())])
    for other in results[1:]:
        for own, same in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(own, same)


def test_a_mask_of_bits_where_a_convolution_has_left_the_moments(monkeypatch):
    net = [ev.Conv2D(8, 3), ev.BatchNorm(), ev.ReLU(), ev.Dropout(0.2), ev.Flatten(), ev.Dense(3)]
    x, results = values(0, (16, 9, 7, 2), "float32"), []
    monkeypatch.setattr(fusion, "_WIDE", 1)
    for least in (1, 2**60):
        monkeypatch.setattr(fusion, "_LARGE", least)
        engine = engine_for(net, x.shape[1:])
        results.append(engine.gradients(x, np.arange(16) % 3))
    (loss, _, gradients), (same_loss, _, same) = results
    assert loss == same_loss
    for name, gradient in gradients.items():
        np.testing.assert_array_equal(gradient, same[name])


@pytest.mark.parametrize("isa", available_isas())
@pytest.mark.parametrize("features", [3, 37, 128, 1030])
def test_what_dropout_drops_of_an_infinite_gradient(features, isa):
    """Infinity times 0 is NaN, in the definition and behind a mask of bits."""
    layer = ev.Dropout(0.4, name="drop")
    program = ev.compile([layer], features, batch=5)
    assert "drop.bits" in program.buffers
    engine = ev.Engine(program, seed=3, isa=isa)
    factors = engine.forward(np.ones((5, features), np.float32)).copy()
    d_y = values(1, (5, features), "float32")
    d_y[0], d_y[1, ::2] = np.inf, np.nan
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(engine.backward(d_y)[0], d_y * factors)


def test_a_mask_of_bits_takes_the_place_of_an_output_that_nobody_else_reads(monkeypatch):
    net = [ev.Conv2D(8, 3), ev.BatchNorm(), ev.ReLU(), ev.MaxPool2D(2), ev.Flatten(), ev.Dense(3)]

    def training_bytes():
        program = ev.compile(net, (18, 18, 2), batch=64, loss=LOSS, optimizer=ev.SGD(0.1))
        return max(buffer.offset + buffer.bytes for name, buffer in program.buffers.items()
                   if buffer.region == WORK and not name.endswith("'"))

    plain = training_bytes()
    monkeypatch.setattr(fusion, "_LARGE", 1)
    monkeypatch.setattr(fusion, "_WIDE", 1)
    masked, output = training_bytes(), 4 * 64 * 16 * 16 * 8
    assert masked < plain - output / 2  # rows of 8 columns have no bits: they are slow to unpack
