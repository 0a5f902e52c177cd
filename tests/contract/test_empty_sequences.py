"""Sequences without a step: the state stays what it was, nothing is learned of them, and where
every step has scores they count in no mean."""

import numpy as np
import pytest

import evenly as ev
from tests.contract.common import error

STEPS, FEATURES = 5, 3
CELLS = [ev.RNN, ev.LSTM, ev.GRU]
KINDS = [{}, {"reverse": True}, {"bidirectional": True}, {"layers": 2}, {"recurrent_dropout": 0.3}]
LOSSES = {
    "cross-entropy": (ev.SoftmaxCrossEntropy(), lambda rng, shape: rng.integers(0, 2, shape)),
    "binary": (ev.BinaryCrossEntropy(), lambda rng, shape: rng.integers(0, 2, (*shape, 2))),
    "squares": (ev.MeanSquaredError(), lambda rng, shape: rng.standard_normal((*shape, 2))),
    "weighted": (ev.SoftmaxCrossEntropy(class_weights=(1, 3)),
                 lambda rng, shape: rng.integers(0, 2, shape)),
}


def sequences(rows, seed=0):
    """Rows of which every third is empty, with NaN where there is no step."""
    rng = np.random.default_rng(seed)
    x, lengths = rng.standard_normal((rows, STEPS, FEATURES)), rng.integers(1, STEPS + 1, rows)
    lengths[::3] = 0
    x[np.arange(STEPS) >= lengths[:, None]] = np.nan
    return x, lengths


def net_of(cell, kind, per_step):
    head = ev.RNN(2, sequences=True) if per_step else ev.Dense(2)
    return ev.Sequential([cell(4, sequences=per_step, **kind), head])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sequences_out", [False, True])
@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("cell", CELLS)
def test_outputs_are_zero_and_no_gradient_flows(cell, kind, sequences_out, dtype):
    x, lengths = sequences(7)
    net = ev.Sequential([cell(4, sequences=sequences_out, **kind)])
    engine = ev.Engine(ev.compile(net, (STEPS, FEATURES), batch=7, dtype=dtype,
                                  input_gradient=True))
    y = engine.forward(x, lengths).copy()
    assert (y[lengths == 0] == 0).all()
    assert (y[lengths > 0].reshape(sum(lengths > 0), -1) != 0).any(axis=1).all()
    d_y = np.random.default_rng(1).standard_normal(y.shape)
    d_x, gradients = engine.backward(d_y)
    assert (d_x[lengths == 0] == 0).all()
    gradients = {name: value.copy() for name, value in gradients.items()}
    d_y[lengths == 0] = 1e3  # what enters an empty sequence goes nowhere
    engine.forward(x, lengths)
    for name, value in engine.backward(d_y)[1].items():
        np.testing.assert_array_equal(value, gradients[name])
    engine.forward(x, np.zeros(7, int))
    d_x, gradients = engine.backward(d_y)
    assert not d_x.any()
    assert not any(value.any() for value in gradients.values())


@pytest.mark.parametrize("cell", CELLS)
def test_a_given_state_stays(cell):
    net = ev.Sequential([cell(4, stateful=True, name="it")])
    program = ev.compile(net, (STEPS, FEATURES), batch=3, loss=ev.MeanSquaredError(),
                         optimizer=ev.SGD(0.1))
    engine = ev.Engine(program, seed=0)
    rng = np.random.default_rng(0)
    engine.step(rng.standard_normal((3, STEPS, FEATURES)), rng.standard_normal((3, 4)))
    before = {name: state[:3].copy() for name, state in engine.states.items()}
    lengths = np.array([0, 2, 0])
    x = rng.standard_normal((3, STEPS, FEATURES))
    engine.step(x, rng.standard_normal((3, 4)), lengths=lengths)
    for name, states in engine.states.items():
        state = states[:3]
        np.testing.assert_array_equal(state[lengths == 0], before[name][lengths == 0])
        assert (state[1] != before[name][1]).any()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("kind", KINDS[:3], ids=str)
@pytest.mark.parametrize("cell", CELLS)
def test_losses_per_step_are_those_without_them(cell, kind, loss):
    x, lengths = sequences(12)
    loss, make = LOSSES[loss]
    y = make(np.random.default_rng(2), (12, STEPS))
    filled = lengths > 0
    model = ev.init(net_of(cell, kind, True), (STEPS, FEATURES), loss=loss, dtype="float64")
    whole = model.evaluate(x, y, lengths=lengths)
    part = model.evaluate(x[filled], y[filled], lengths=lengths[filled])
    assert whole.loss == pytest.approx(part.loss, rel=1e-12)
    if loss.counts_right_answers:
        assert whole.score == pytest.approx(part.score, rel=1e-12)
    value, gradients = model.gradients(x, y, lengths=lengths)
    other, wanted = model.gradients(x[filled], y[filled], lengths=lengths[filled])
    assert value == pytest.approx(other, rel=1e-12)
    for name, gradient in gradients.items():
        if name == "d_x":
            assert not gradient[~filled].any()
            gradient = gradient[filled]
        assert error(gradient, wanted[name]) < 1e-12


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("per_step", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_trainings_with_empty_rows_batches_and_sets(cell, per_step, loss):
    """Batches of three, some of which are all empty; then nothing but empty sequences."""
    x, lengths = sequences(12)
    lengths[3:6] = 0
    loss, make = LOSSES[loss]
    y = make(np.random.default_rng(2), (12, STEPS) if per_step else (12,))
    net = net_of(cell, {}, per_step)
    for given in (lengths, 0 * lengths):
        model = ev.fit(net, x, y, loss=loss, optimizer=ev.Adam(0.01), epochs=3, batch=3,
                       lengths=given, validation=(x, y, given), seed=0)
        assert all(np.isfinite(record.loss) for record in model.history)
        assert np.isfinite(model.predict(x, lengths=given)).all()
        assert np.isfinite(model.evaluate(x, y, lengths=given).loss)
    if per_step:
        assert np.isnan(model.evaluate(x, y, lengths=0 * lengths).score)
        assert model.history[-1].loss == 0
    else:
        # A row with one target has it whatever its length: the score is that of the initial state.
        assert model.history[-1].loss > 0


def test_one_target_an_example_counts():
    """The kernel's loss and the definition's, in parts too: one row of scores has no steps."""
    x, lengths = sequences(10)
    y = np.arange(10) % 2
    model = ev.init(net_of(ev.LSTM, {}, False), (STEPS, FEATURES), loss=ev.SoftmaxCrossEntropy(),
                    dtype="float64")
    scores = model.predict(x, lengths=lengths)
    wanted, _ = ev.SoftmaxCrossEntropy().forward(scores, y, ev.Run(training=False, lengths=lengths))
    plain, _ = ev.SoftmaxCrossEntropy().forward(scores, y, ev.Run(training=False))
    assert wanted == pytest.approx(plain, rel=1e-14)
    assert model.evaluate(x, y, lengths=lengths).loss == pytest.approx(plain, rel=1e-12)


def test_no_steps_at_all_are_refused():
    """An array of (rows, 0, features) has no shape to compile for."""
    net = ev.Sequential([ev.LSTM(3), ev.Dense(2)])
    with pytest.raises(ev.errors.ShapeError, match=r"at least one element, got \(0, 3\)"):
        ev.init(net, (0, 3))
    model = ev.init(net, (STEPS, FEATURES))
    with pytest.raises(ev.errors.ShapeError, match=r"shape \(n, 5, 3\), got \(4, 0, 3\)"):
        model.predict(np.zeros((4, 0, FEATURES)))
