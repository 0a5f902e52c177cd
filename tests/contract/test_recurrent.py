"""Recurrent layers: PyTorch, unequal lengths, states."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import evenly as ev
from evenly.native import available_isas
from tests.contract import rows_recurrent as rows
from tests.contract.common import TOLERANCE, arrays_for, error, values

WITH_TORCH = [layer for layer in rows.LAYERS if rows.make(layer)]
IDS = [rows.label(layer) for layer in rows.LAYERS]
SINGLE = [layer for layer in rows.LAYERS + rows.DROPPING if layer.is_single]


@pytest.mark.parametrize("layer", WITH_TORCH, ids=[rows.label(layer) for layer in WITH_TORCH])
@settings(max_examples=5, deadline=None)
@given(shape=rows.sequences, n=st.integers(1, 40), seed=st.integers(0, 2**31))
def test_layer_is_pytorchs(layer, shape, n, seed):
    net = ev.Sequential([layer])
    program = ev.compile(net, shape, batch=n, dtype="float64")
    arrays = arrays_for(net, shape, seed, "float64")
    engine = ev.Engine(program, weights=arrays)
    module = rows.make(layer)(shape)
    theirs = rows.load(module, arrays)
    x, d_y = values(seed, (n, *shape)), values(seed + 1, (n, *program.output_shape))
    tensor = torch.tensor(x, requires_grad=True)
    y = module(tensor)
    y.backward(torch.tensor(d_y))
    assert error(engine.forward(x), y.detach().numpy(), 1.0) < 1e-12
    d_x, gradients = engine.backward(d_y)
    assert error(d_x, tensor.grad.numpy(), 1.0) < 1e-11
    for name, got in gradients.items():
        wanted = rows.gradient(module, theirs[name], name.rsplit(".", 1)[1])
        assert error(got, wanted, 1.0) < 1e-11, name
    assert error(engine.predict(x), y.detach().numpy(), 1.0) < 1e-12


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layer", SINGLE, ids=[rows.label(layer) for layer in SINGLE])
@settings(max_examples=6, deadline=None)
@given(shape=rows.sequences, n=st.integers(1, 70), seed=st.integers(0, 2**31), data=st.data(),
       isa=st.sampled_from(available_isas()), threads=st.sampled_from([1, 2, 3]))
def test_unequal_lengths(layer, dtype, shape, n, seed, data, isa, threads):
    """The kernel is the definition, and what stands behind a sequence's end changes no bit."""
    lengths = np.random.default_rng(seed).integers(0, shape[0] + 1, n)
    net = ev.Sequential([layer])
    program = ev.compile(net, shape, batch=n, dtype=dtype)
    arrays = arrays_for(net, shape, seed, dtype)
    engine = ev.Engine(program, seed=seed, weights=arrays, isa=isa, threads=threads)
    x, d_y = values(seed, (n, *shape), dtype), values(seed + 1, (n, *program.output_shape), dtype)
    run = ev.Run(training=True, seed=seed, lengths=lengths)
    exact = {name: array.astype(np.float64) for name, array in arrays.items()}
    wanted, saved = net.forward(x.astype(np.float64), exact, run)
    wanted_d_x, wanted_gradients = net.backward(d_y.astype(np.float64), exact, saved, run)
    y = engine.forward(x, lengths).copy()
    d_x, gradients = engine.backward(d_y)
    d_x, gradients = d_x.copy(), {name: g.copy() for name, g in gradients.items()}
    scale = float(np.abs(wanted_d_x).max()) + 1
    assert error(y, wanted, 1.0) < TOLERANCE[dtype]
    assert error(d_x, wanted_d_x, scale) < 3 * TOLERANCE[dtype]
    for name, gradient in gradients.items():
        largest = max(float(np.abs(g).max()) for g in wanted_gradients.values())
        assert error(gradient, wanted_gradients[name], largest) < 5 * TOLERANCE[dtype], name

    behind = np.arange(shape[0])[None, :] >= lengths[:, None]
    other = x.copy()
    other[behind] = np.nan
    np.testing.assert_array_equal(engine.forward(other, lengths), y)
    d_again, again = engine.backward(d_y)
    np.testing.assert_array_equal(d_again, d_x)
    for name, gradient in gradients.items():
        np.testing.assert_array_equal(again[name], gradient)
    assert not d_x[behind].any()
    if layer.sequences:
        assert not y[behind].any()


@pytest.mark.parametrize("kind", [ev.RNN, ev.LSTM, ev.GRU])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_lengths_are_pytorchs_packed_sequences(kind, bidirectional):
    lengths = np.array([5, 2, 1, 4])
    layer = kind(6, bidirectional=bidirectional, layers=2, sequences=True)
    net = ev.Sequential([layer])
    arrays = arrays_for(net, (5, 3), 0, "float64")
    module = rows.TorchRecurrent(layer, 3)
    rows.load(module, arrays)
    x = values(1, (4, 5, 3))
    packed = torch.nn.utils.rnn.pack_padded_sequence(
        torch.tensor(x), torch.tensor(lengths), batch_first=True, enforce_sorted=False
    )
    wanted, _ = torch.nn.utils.rnn.pad_packed_sequence(module.module(packed)[0], batch_first=True)
    engine = ev.Engine(ev.compile(net, (5, 3), batch=4, dtype="float64"), weights=arrays)
    assert error(engine.predict(x, lengths), wanted.detach().numpy()) < 1e-12
    np.testing.assert_array_equal(engine.predict(x, lengths), engine.forward(x, lengths))


@pytest.mark.parametrize("layer", [ev.RNN(4, stateful=True), ev.LSTM(4, stateful=True, layers=2),
                                   ev.GRU(4, stateful=True)], ids=["RNN", "LSTM", "GRU"])
def test_a_sequence_in_pieces_is_the_whole_sequence(layer):
    whole = ev.Sequential([type(layer)(4, layers=layer.layers, sequences=True)])
    pieces = ev.Sequential([type(layer)(4, layers=layer.layers, stateful=True, sequences=True)])
    arrays = arrays_for(whole, (12, 3), 0, "float64")
    x = values(0, (5, 12, 3))
    wanted = ev.Engine(ev.compile(whole, (12, 3), batch=5, dtype="float64"),
                       weights=arrays).predict(x)
    engine = ev.Engine(ev.compile(pieces, (4, 3), batch=5, dtype="float64"), weights=arrays)
    got = np.concatenate([engine.predict(x[:, i : i + 4]) for i in (0, 4, 8)], axis=1)
    assert error(got, wanted) < 1e-13
    last = [state for name, state in engine.states.items() if name.endswith('.h')][-1]
    assert error(last[:5], wanted[:, -1]) < 1e-13
    engine.reset_states()
    np.testing.assert_array_equal(engine.predict(x[:, :4]), got[:, :4])


def test_first_states_are_the_callers():
    net = ev.Sequential([ev.LSTM(4, stateful=True)])
    program = ev.compile(net, (3, 2), batch=5, dtype="float64")
    arrays = arrays_for(net, (3, 2), 1, "float64")
    engine = ev.Engine(program, weights=arrays)
    h, c, x = values(0, (1, 5, 4)), values(1, (1, 5, 4)), values(2, (5, 3, 2))
    engine.states["lstm_1.h"][:5], engine.states["lstm_1.c"][:5] = h[0], c[0]
    module = rows.TorchRecurrent(ev.LSTM(4), 2)
    rows.load(module, arrays)
    _, (last_h, last_c) = module.module(torch.tensor(x), (torch.tensor(h), torch.tensor(c)))
    assert error(engine.predict(x), last_h[0].detach().numpy()) < 1e-12
    assert error(engine.states["lstm_1.h"][:5], last_h[0].detach().numpy()) < 1e-12
    assert error(engine.states["lstm_1.c"][:5], last_c[0].detach().numpy()) < 1e-12


def test_training_carries_states_and_evaluation_does_not():
    net = ev.Sequential([ev.GRU(4, stateful=True), ev.Dense(1)])
    program = ev.compile(net, (3, 2), batch=4, loss=ev.MeanSquaredError(), optimizer=ev.SGD(0.1))
    engine = ev.Engine(program, seed=1)
    x, y = values(0, (4, 3, 2), "float32"), values(1, (4, 1), "float32")
    engine.step(x, y)
    carried = engine.states["gru_1.h"].copy()
    assert carried[:4].any()
    engine.evaluate(x, y)
    np.testing.assert_array_equal(engine.states["gru_1.h"], carried)
    engine.step(x, y)
    assert (engine.states["gru_1.h"] != carried).any()


def test_an_lstm_learns_what_stands_at_the_beginning():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((600, 20, 2))
    lengths = rng.integers(5, 21, 600)
    y = (x[:, 0, 0] > 0).astype(int)
    net = ev.Sequential([ev.LSTM(16), ev.Dense(2)])
    model = ev.fit(net, x, y, loss=ev.SoftmaxCrossEntropy(), optimizer=ev.Adam(0.03), epochs=40,
                   lengths=lengths, validation=0.2)
    assert model.history[-1].validation_score > 0.9


def test_lengths_without_a_layer_that_reads_them():
    with pytest.raises(ev.errors.ConfigurationError, match="no layer of the network reads them"):
        ev.init(ev.Sequential([ev.Flatten(), ev.Dense(2)]), (4, 3)).predict(
            np.zeros((1, 4, 3)), np.array([2])
        )


@pytest.mark.parametrize(("lengths", "message"), [
    ([-1], "numbers from 0 to 4, the steps of the input, got -1 in row 0"),
    ([5], "numbers from 0 to 4"), ([1, 2], "for each of the 1 rows"), ([1.5], "whole number"),
])
def test_bad_lengths(lengths, message):
    model = ev.init(ev.Sequential([ev.RNN(2)]), (4, 3))
    with pytest.raises(ev.errors.DataError, match=message):
        model.predict(np.zeros((1, 4, 3)), np.array(lengths))


def test_bad_settings():
    for make, message in [
        (lambda: ev.LSTM(4, stateful=True, bidirectional=True), "stateful needs one direction"),
        (lambda: ev.GRU(4, reset="never"), "'after' or 'before'"),
        (lambda: ev.RNN(0), "units must be at least 1"),
        (lambda: ev.RNN(2, activation="gelu"), "'tanh' or 'relu'"),
    ]:
        with pytest.raises(ev.errors.ConfigurationError, match=message):
            make()
    with pytest.raises(ev.errors.ShapeError, match=(
        r"LSTM 'lstm_1': expects \(batch, steps, features\), got \(batch, 8\): add Reshape"
    )):
        ev.compile([ev.LSTM(4)], 8)


def test_truncated_backpropagation_carries_the_state_over():
    """The sum so far of a long series can only be told with what came before the piece."""
    rng = np.random.default_rng(0)
    rows, pieces, steps = 16, 12, 5
    signs = rng.choice([-1.0, 1.0], (rows, 1, 1)) * np.ones((rows, pieces * steps, 1))
    x = rng.standard_normal((rows, pieces * steps, 2)) * 0.1
    x[:, 0, 0] = signs[:, 0, 0]  # told once, at the very beginning
    # Row i of each batch goes on where row i of the batch before ended.
    def cut(a):
        return np.concatenate(np.split(a, pieces, axis=1))

    layers = [ev.GRU(8, stateful=True, sequences=True), ev.Conv1D(1, 1)]
    model = ev.fit(ev.Sequential(layers), cut(x), cut(signs), loss=ev.MeanSquaredError(),
                   optimizer=ev.Adam(0.02), batch=rows, shuffle=False, epochs=60)
    forgetful = [ev.GRU(8, sequences=True), ev.Conv1D(1, 1)]
    other = ev.fit(ev.Sequential(forgetful), cut(x), cut(signs), loss=ev.MeanSquaredError(),
                   optimizer=ev.Adam(0.02), batch=rows, shuffle=False, epochs=60)
    assert model.history[-1].loss < 0.1
    assert other.history[-1].loss > 0.5
    with pytest.raises(ev.errors.ConfigurationError, match="shuffle=False"):
        ev.fit(ev.Sequential(layers), cut(x), cut(signs), loss=ev.MeanSquaredError())


def test_lengths_behind_a_layer_that_changes_the_steps():
    model = ev.init(ev.Sequential([ev.MaxPool1D(2), ev.RNN(3)]), (8, 2))
    with pytest.raises(ev.errors.ConfigurationError, match="'rnn_1' sees another number of steps"):
        model.predict(np.zeros((1, 8, 2)), np.array([4]))
