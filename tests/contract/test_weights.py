"""Sample weights, class weights, sequences of scores, and lengths, through every loss."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import evenly as ev
from tests.contract.common import TOLERANCE, error, values
from tests.contract.rows import LOSSES, ids


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("row", **ids(LOSSES))
@settings(max_examples=10, deadline=None)
@given(rows=st.integers(1, 40), k=st.integers(1, 9), seed=st.integers(0, 2**31),
       steps=st.integers(1, 5), weighted=st.booleans(), padded=st.booleans(),
       over=st.sampled_from(["weights", "rows"]))
def test_kernel_is_the_definition(row, dtype, rows, k, seed, steps, weighted, padded, over):
    loss_ = replace(row.loss, mean_over=over)
    rng = np.random.default_rng(seed)
    width = k * row.outputs
    shape = (steps, width)
    padding = ev.Sequential([ev.RNN(width, sequences=True), ev.Reshape(shape)])
    net = padding if padded else ev.Flatten()
    x = values(seed, (rows, *shape), dtype)
    y = row.targets(rng, rows * steps, k).reshape(rows, steps, -1)
    if row.loss.targets_are_classes:
        y = y[..., 0]
    weights = rng.integers(0, 4, rows) / 2 if weighted else None
    if weighted and not weights.any():
        weights[0] = 1
    lengths = rng.integers(0, steps + 1, rows) if padded else None
    if not padded:
        net = ev.Reshape(shape)
    program = ev.compile(net, shape, batch=rows, loss=loss_, dtype=dtype, input_gradient=True)
    engine = ev.Engine(program, threads=2)
    run = ev.Run(training=True, weights=weights, lengths=lengths)
    exact = {name: array.astype(np.float64) for name, array in engine.arrays.items()}
    scores, saved = program.net.forward(x.astype(np.float64), exact, run)
    target = loss_.prepare(y, shape, dtype)
    wanted, kept = loss_.forward(scores, target.astype(np.float64), run)
    d_x, _ = program.net.backward(loss_.backward(kept, run), exact, saved, run)
    loss, got, _ = engine.gradients(x, y, weights, lengths)
    assert error(loss, wanted, 1e-2) < TOLERANCE[dtype]
    assert error(got, d_x, 1e-2 / rows) < 3 * TOLERANCE[dtype]
    evaluation = engine.evaluate(x, y, weights, lengths)
    again, score_sum, scored = loss_.evaluate(scores, target, run)
    assert error(evaluation.loss, again, 1e-2) < TOLERANCE[dtype]
    if row.loss.counts_right_answers and dtype == "float64":
        if "ignoring" not in row.name:
            counts = np.ones(rows) if weights is None else weights
            assert scored == np.count_nonzero(counts if lengths is None else counts * lengths)
        assert evaluation.score == pytest.approx(score_sum / scored if scored else np.nan,
                                                 nan_ok=True)


@pytest.mark.parametrize("row", **ids(LOSSES))
def test_whole_weights_are_repetitions(row):
    rng = np.random.default_rng(3)
    k = 3 * row.outputs
    scores, y = rng.standard_normal((5, k)), row.targets(rng, 5, 3)
    weights = np.array([2, 1, 0, 3, 1])
    program = ev.compile([], k, batch=7, loss=row.loss, dtype="float64", input_gradient=True)
    engine = ev.Engine(program)
    weighted = engine.gradients(scores, y, weights)[0]
    assert weighted == pytest.approx(
        engine.gradients(scores.repeat(weights, 0), y.repeat(weights, 0))[0]
    )


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_class_weights_are_pytorchs(smoothing):
    rng = np.random.default_rng(0)
    scores, y = 3 * rng.standard_normal((20, 4)), rng.integers(0, 4, 20)
    weights = (0.5, 2.0, 1.0, 0.0)
    loss = ev.SoftmaxCrossEntropy(label_smoothing=smoothing, class_weights=weights)
    tensor = torch.tensor(scores, requires_grad=True)
    theirs = torch.nn.functional.cross_entropy(
        tensor, torch.tensor(y), weight=torch.tensor(weights, dtype=torch.float64),
        label_smoothing=smoothing,
    )
    theirs.backward()
    program = ev.compile([], 4, batch=20, loss=loss, dtype="float64", input_gradient=True)
    value, d_scores, _ = ev.Engine(program).gradients(scores, y)
    assert error(value, theirs.item()) < 1e-12
    assert error(d_scores, tensor.grad.numpy()) < 1e-12


PAIRS = ((0.5, 3.0), (2.0, 0.0), (1.0, 1e-3), (0.0, 7.0))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("over", ["weights", "rows"])
def test_class_weights_by_column_are_pytorchs(smoothing, dtype, over):
    rng = np.random.default_rng(0)
    scores = (3 * rng.standard_normal((20, 4))).astype(dtype)
    y = rng.integers(0, 2, (20, 4)).astype(float)
    loss = ev.BinaryCrossEntropy(smoothing, PAIRS, mean_over=over)
    tensor, t = torch.tensor(scores.astype(float), requires_grad=True), torch.tensor(y)
    no, yes = torch.tensor(PAIRS, dtype=torch.float64).T
    weight = no * (1 - t) + yes * t
    theirs = torch.nn.functional.binary_cross_entropy_with_logits(
        tensor, t * (1 - smoothing) + smoothing / 2, weight=weight, reduction="sum"
    ) / (weight.sum() if over == "weights" else y.size)
    theirs.backward()
    run = ev.Run(training=True)
    value, saved = loss.forward(scores.astype(float), y, run)
    assert error(value, theirs.item()) < 1e-12
    assert error(loss.backward(saved, run), tensor.grad.numpy()) < 1e-12
    program = ev.compile([], 4, batch=20, loss=loss, dtype=dtype, input_gradient=True)
    value, d_scores, _ = ev.Engine(program).gradients(scores, y)
    assert error(value, theirs.item()) < TOLERANCE[dtype]
    assert error(d_scores, tensor.grad.numpy(), 1e-3) < TOLERANCE[dtype]
    step = 1e-6
    for row, column in ((0, 0), (3, 1), (7, 2), (9, 3)):
        up, down = (scores.astype(float) for _ in range(2))
        up[row, column] += step
        down[row, column] -= step
        numeric = (loss.forward(up, y, run)[0] - loss.forward(down, y, run)[0]) / (2 * step)
        assert numeric == pytest.approx(tensor.grad[row, column].item(), rel=1e-6, abs=1e-9)


def test_one_pair_a_column_that_is_the_same_is_one_pair_for_all():
    rng = np.random.default_rng(1)
    scores, y = rng.standard_normal((9, 3)), rng.integers(0, 2, (9, 3)).astype(float)
    one, three = (ev.BinaryCrossEntropy(class_weights=weights)
                  for weights in ((0.5, 3.0), [[0.5, 3.0]] * 3))
    assert three.class_weights == ((0.5, 3.0),) * 3
    programs = [ev.compile([], 3, 9, loss, dtype="float64", input_gradient=True)
                for loss in (one, three)]
    told = [ev.Engine(program).gradients(scores, y) for program in programs]
    assert told[0][0] == told[1][0]
    assert np.array_equal(told[0][1], told[1][1])


@pytest.mark.parametrize(("weights", "words"), [
    (((1, 2), (3,)), "class_weights by column are pairs of numbers of at least 0"),
    (((1, -2), (3, 4)), "class_weights by column are pairs"), (((0, 0),), "not all of them 0"),
    ((1, 2, 3), "two numbers, of no and of yes, or such a pair for each column"),
])
def test_pairs_of_class_weights_that_cannot_be(weights, words):
    with pytest.raises(ev.errors.ConfigurationError, match=words):
        ev.BinaryCrossEntropy(class_weights=weights)
    with pytest.raises(ev.errors.ShapeError, match="each of the 4 outputs, got 2"):
        ev.compile([], 4, loss=ev.BinaryCrossEntropy(class_weights=((1, 2), (3, 4))))


def test_a_batch_without_weight_teaches_nothing():
    program = ev.compile([ev.Dense(2)], 3, batch=2, loss=ev.SoftmaxCrossEntropy(),
                         optimizer=ev.SGD(0.1))
    engine = ev.Engine(program, seed=1)
    before = engine.arrays["dense_1.kernel"].copy()
    x, y = np.ones((4, 3), np.float32), engine.targets(np.array([0, 1, 0, 1]))
    weights = np.array([0, 0, 1, 1], np.float32)
    records = next(engine.train(x[:2], y[:2], None, 2, weights[:2]))
    assert records[0, 0] == 0
    np.testing.assert_array_equal(engine.arrays["dense_1.kernel"], before)
    next(engine.train(x[2:], y[2:], None, 2, weights[2:]))
    assert (engine.arrays["dense_1.kernel"] != before).any()


@pytest.mark.parametrize(("weights", "message"), [
    ([1, 2], r"one number for each of the 3 rows"),
    ([1, -1, 1], r"at least 0, got -1.0 in row 1"),
    ([1, np.nan, 1], r"finite numbers of at least 0, got nan in row 1"),
    ([0, 0, 0], r"every weight is 0"),
])
def test_bad_weights(weights, message):
    with pytest.raises(ev.errors.DataError, match=message):
        ev.fit(ev.Dense(2), np.zeros((3, 4)), [0, 1, 1], loss=ev.SoftmaxCrossEntropy(),
               sample_weight=weights)


def test_fit_weighs_examples():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 3))
    y = np.where(np.arange(200) < 100, x[:, 0], -x[:, 0])  # two halves that contradict each other
    first = np.where(np.arange(200) < 100, 1.0, 0.0)
    model = ev.fit(ev.Dense(1), x, y, loss=ev.MeanSquaredError(), sample_weight=first, epochs=60,
                   optimizer=ev.Adam(0.05))
    assert model.evaluate(x[:100], y[:100]).loss < 1e-3
    assert model.history[-1].loss < 1e-3


@pytest.mark.parametrize("weights", [None, np.array([3.0, 0.0, 0.5, 1.5])])
@pytest.mark.parametrize("class_weights", [None, (0.1, 2.0, 0.9)])
def test_a_mean_over_rows_is_pytorchs_sum_by_rows(weights, class_weights):
    scores, y = values(3, (4, 3)), np.array([0, 2, 1, 1])
    loss = ev.SoftmaxCrossEntropy(class_weights=class_weights, mean_over="rows")
    ours, saved = loss.forward(scores, y[:, None], ev.Run(training=True, weights=weights))
    tensor = torch.tensor(scores, requires_grad=True)
    own = None if class_weights is None else torch.tensor(class_weights, dtype=torch.float64)
    each = torch.nn.functional.cross_entropy(tensor, torch.tensor(y), own, reduction="none")
    own_weights = np.ones(4) if weights is None else weights
    # A row of weight 0 is no row.
    theirs = (each * torch.tensor(own_weights)).sum() / np.count_nonzero(own_weights)
    theirs.backward()
    assert error(ours, theirs.item()) < 1e-12
    got = loss.backward(saved, ev.Run(training=True, weights=weights))
    assert error(got, tensor.grad.numpy()) < 1e-12


def test_over_rows_light_batches_move_the_network_less():
    net = ev.Sequential([ev.Dense(2)])
    x, y = values(0, (8, 3)), np.arange(8) % 2
    norms = {}
    for over in ("weights", "rows"):
        program = ev.compile(net, 3, batch=8, loss=ev.SoftmaxCrossEntropy(mean_over=over),
                             optimizer=ev.SGD(0.1), dtype="float64")
        norms[over] = [
            ev.Engine(program, seed=0).step(x, y, np.full(8, weight)).gradient_norm
            for weight in (1.0, 0.01)
        ]
    assert norms["weights"][0] == pytest.approx(norms["weights"][1])
    assert norms["rows"][1] == pytest.approx(0.01 * norms["rows"][0])
