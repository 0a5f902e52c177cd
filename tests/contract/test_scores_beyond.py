"""Scores of minus infinity, nearly certain examples, rows that do not count: kernel, definition,
evaluation and PyTorch."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import evenly as ev
from evenly.native import available_isas
from tests.contract.common import TOLERANCE, error, values
from tests.contract.rows import LOSSES, ids

inf = np.inf
SOFTMAX = ev.SoftmaxCrossEntropy
ENTROPY = torch.nn.functional.cross_entropy
CLASSES = [SOFTMAX(class_weights=weights)
           for weights in (None, (1.0, 1.0, 1.0), (0.5, 2.0, 3.0))]


def witnesses(loss, scores, y, weights=None, dtype="float64", isa=""):
    """[(loss, gradient on the scores)] of kernel and definition; evaluation agrees with both."""
    scores = np.asarray(scores, dtype)
    shape = scores.shape[1:]
    program = ev.compile([], shape, batch=len(scores), loss=loss, dtype=dtype, input_gradient=True)
    engine = ev.Engine(program, threads=2, isa=isa)
    value, gradient, _ = engine.gradients(scores, y, weights)
    target = loss.prepare(y, shape, dtype)
    run = ev.Run(training=True, weights=None if weights is None else np.asarray(weights, float))
    own, saved = loss.forward(scores.astype(np.float64), target, run)
    seen = engine.evaluate(scores, y, weights)
    again, score_sum, scored = loss.evaluate(scores, target, run)
    for one in (own, seen.loss, again):
        np.testing.assert_allclose(one, value, rtol=TOLERANCE[dtype])
    score = loss.score(score_sum, scored, loss.spread(target, scores.shape, run))
    np.testing.assert_allclose(seen.score, score, rtol=TOLERANCE[dtype])
    return [(value, gradient.copy()), (float(own), loss.backward(saved, run))]


def torchs(scores, y, **settings):
    tensor = torch.tensor(np.asarray(scores, float), requires_grad=True)
    if "weight" in settings:
        settings["weight"] = torch.tensor(settings["weight"], dtype=torch.float64)
    loss = ENTROPY(tensor, torch.tensor(np.asarray(y)), **settings)
    loss.backward()
    return loss.item(), tensor.grad.numpy()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", CLASSES)
@pytest.mark.parametrize(("scores", "y"), [
    ([[-inf, 0.0, -inf]], [1]), ([[-inf, 0.0, 2.0]], [1]), ([[-inf, 0.0, 2.0]], [0]),
    ([[-inf, 0.0, 2.0], [1, -inf, -inf]], [2, 0]),
])
def test_masked_classes_are_pytorchs(loss, scores, y, dtype):
    settings_ = {} if loss.class_weights is None else {"weight": loss.class_weights}
    wanted, wanted_d = torchs(scores, y, **settings_)
    for value, gradient in witnesses(loss, scores, y, dtype=dtype):
        np.testing.assert_allclose(value, wanted, rtol=TOLERANCE[dtype])
        np.testing.assert_allclose(gradient, wanted_d, rtol=TOLERANCE[dtype], atol=1e-7)
    if wanted < inf:
        assert not np.asarray(gradient)[np.asarray(scores) == -inf].any()


def test_smoothing_gives_a_masked_class_a_share_and_an_infinite_loss():
    loss, scores = SOFTMAX(label_smoothing=0.1), [[-inf, 0.0, 1.0]]
    wanted, wanted_d = torchs(scores, [1], label_smoothing=0.1)
    assert wanted == inf
    for value, gradient in witnesses(loss, scores, [1]):
        assert value == inf
        np.testing.assert_allclose(gradient, wanted_d, rtol=1e-12)


@pytest.mark.parametrize("loss", [*CLASSES, SOFTMAX(label_smoothing=0.1)])
@pytest.mark.parametrize("scores", [[-inf, -inf, -inf], [inf, 0, 0], [0, np.nan, 0]])
def test_a_row_without_probabilities_has_no_loss_and_no_right_answer(loss, scores):
    for y in range(3):
        for value, _ in witnesses(loss, [scores], [y]):
            assert np.isnan(value)
        target = loss.prepare([y], (3,), "float64")
        assert loss.evaluate(np.array([scores]), target, ev.Run(False))[1:] == (0.0, 1.0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_layer_gives_a_masked_class_the_probability_0(dtype):
    x, d_y = np.array([[-inf, 0.0, 1.0], [2.0, -inf, -inf]], dtype), values(0, (2, 3), dtype)
    tensor = torch.tensor(x.astype(float), requires_grad=True)
    theirs = torch.softmax(tensor, -1)
    theirs.backward(torch.tensor(d_y.astype(float)))
    engine = ev.Engine(ev.compile([ev.Softmax()], 3, batch=2, dtype=dtype))
    y, saved = ev.Softmax().forward(x.astype(float), {}, ev.Run(True))
    d_x, _ = ev.Softmax().backward(d_y.astype(float), {}, saved, ev.Run(True))
    for got in (y, engine.forward(x), engine.predict(x), SOFTMAX().probabilities(x)):
        assert error(got, theirs.detach().numpy()) < TOLERANCE[dtype]
        assert not got[x == -inf].any()
    for got in (d_x, engine.backward(d_y)[0]):
        assert error(got, tensor.grad.numpy()) < TOLERANCE[dtype]


def test_masks_in_a_sequence():
    scores = values(0, (4, 5, 3))
    scores[:, 1::2, 2] = -inf
    y = np.random.default_rng(0).integers(0, 2, (4, 5))
    for loss in CLASSES:
        weight = {} if loss.class_weights is None else {"weight": loss.class_weights}
        wanted, wanted_d = torchs(scores.reshape(20, 3), y.reshape(20), **weight)
        for value, gradient in witnesses(loss, scores, y):
            assert error(value, wanted) < 1e-12
            assert error(np.reshape(gradient, (20, 3)), wanted_d) < 1e-12


@pytest.mark.parametrize("weights", [None, (0.5, 3.0)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("score", "target", "wanted", "slope"), [
    (-inf, 0.0, 0.0, 0.0), (-inf, 1.0, inf, -1.0), (-inf, 0.5, inf, -0.5),
    (inf, 1.0, 0.0, 0.0), (inf, 0.0, inf, 1.0), (inf, 0.5, inf, 0.5),
])
def test_infinite_scores_of_yes_and_no(score, target, wanted, slope, dtype, weights):
    loss = ev.BinaryCrossEntropy(class_weights=weights)
    for value, gradient in witnesses(loss, [[score]], [[target]], dtype=dtype):
        assert value == wanted
        assert gradient.item() == pytest.approx(slope)




def test_a_network_with_a_mask_trains_with_class_weights():
    from dataclasses import dataclass

    @dataclass(frozen=True)
    class Masked(ev.Layer):
        name: str | None = None

        def forward(self, x, arrays, run):
            return x + np.array([0, 0, -inf]), None

        def backward(self, d_y, arrays, saved, run):
            return d_y, {}

    x, y = values(1, (60, 4)), np.arange(60) % 2
    net = ev.Sequential([ev.Dense(3), Masked()])
    models = [ev.fit(net, x, y, loss=loss, epochs=3, dtype="float64", optimizer=ev.SGD(0.1))
              for loss in (SOFTMAX(), SOFTMAX(class_weights=(2.0, 2.0, 5.0)))]
    for name in models[0].weights:
        assert error(models[0].weights[name], models[1].weights[name]) < 1e-12
    assert np.isfinite(models[0].history[-1].loss)
    assert models[1].predict_proba(x)[:, 2].max() == 0
    with pytest.raises(ev.errors.DivergenceError, match=r"the loss \(SoftmaxCrossEntropy\)"):
        ev.fit(net, x, np.where(y, 2, 0), loss=SOFTMAX(), epochs=1)


# Nearly certain ---------------------------------------------------------------------------------


@pytest.mark.parametrize("isa", available_isas())
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("weights", [None, (1, 1, 1), (1e-10, 1, 1), (1e30, 1, 1)])
@pytest.mark.parametrize("gap", [1.0, 8.0, 16.5, 30.0, 37.0, 60.0])
def test_a_nearly_certain_example_keeps_its_loss_and_gradient(gap, weights, dtype, isa):
    gap = float(np.dtype(dtype).type(gap))
    others = 2 * np.exp(-gap)
    wanted, p = np.log1p(others), np.exp(-gap) / (1 + others)
    scale = 1.0 if weights is None else weights[0]
    loss = SOFTMAX(class_weights=weights, mean_over="rows")
    for value, gradient in witnesses(loss, [[gap, 0, 0]], [0], dtype=dtype, isa=isa):
        assert value == pytest.approx(scale * wanted, rel=TOLERANCE[dtype])
        np.testing.assert_allclose(gradient, scale * np.array([[-2 * p, p, p]]),
                                   rtol=TOLERANCE[dtype])


@pytest.mark.parametrize("smoothing", [1e-3, 1e-9, 0.3])
@pytest.mark.parametrize("weights", [None, (0.2, 3.0, 1.0)])
def test_smoothed_targets_far_from_certain(smoothing, weights):
    """Against sums in more digits."""
    wide = np.longdouble
    scores = np.array([[31.0, 0.25, -2.0]])
    q = np.array([1 - wide(smoothing), 0, 0]) + wide(smoothing) / 3
    q *= 1 if weights is None else np.array(weights, wide)
    s = scores[0].astype(wide)
    powers = np.exp(s - s[0])
    loss_wanted = q.sum() * np.log1p(powers[1:].sum()) - (q * (s - s[0])).sum()
    rest_q, rest = (np.array([a[1:].sum(), a[0] + a[2], a[:2].sum()]) for a in (q, powers))
    d_wanted = (powers * rest_q - q * rest) / powers.sum()
    loss = SOFTMAX(label_smoothing=smoothing, class_weights=weights, mean_over="rows")
    for value, gradient in witnesses(loss, scores, [0]):
        assert value == pytest.approx(float(loss_wanted), rel=1e-12)
        np.testing.assert_allclose(np.asarray(gradient)[0], d_wanted.astype(float), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("weights", [None, (1e-10, 1.0), (1.0, 1e-10), (1e30, 1.0)])
@pytest.mark.parametrize("score", [5.0, 30.0, 40.0, 80.0])
def test_nearly_certain_yes_and_no(score, weights, dtype):
    loss = ev.BinaryCrossEntropy(class_weights=weights, mean_over="rows")
    for sign, target in ((1, 1.0), (-1, 0.0)):
        own = 1.0 if weights is None else weights[int(target)]
        wanted = own * np.log1p(np.exp(-score))
        slope = -sign * own * np.exp(-score) / (1 + np.exp(-score))
        for value, gradient in witnesses(loss, [[sign * score]], [[target]], dtype=dtype):
            assert value == pytest.approx(wanted, rel=TOLERANCE[dtype])
            assert gradient.item() == pytest.approx(slope, rel=TOLERANCE[dtype])


def test_smoothed_yes_and_no_lose_nothing_in_float32():
    loss, scores = ev.BinaryCrossEntropy(label_smoothing=1e-3), [[100.0], [-100.0]]
    for value, _ in witnesses(loss, scores, [[1.0], [0.0]], dtype="float32"):
        assert value == pytest.approx(0.05, rel=1e-6)


def test_log_probabilities_of_what_is_nearly_certain():
    scores = np.array([[0.0, -40.0], [-900.0, 0.0], [-inf, 1.0]])
    logs = SOFTMAX().log_probabilities(scores)
    np.testing.assert_allclose(logs, [[-np.exp(-40.0), -40.0], [-900.0, 0.0], [-inf, 0.0]])


# What does not count ------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", pytest.param("float64", marks=pytest.mark.sweep)])
@pytest.mark.parametrize("row", **ids(LOSSES))
@pytest.mark.parametrize("over", ["weights", "rows"])
@pytest.mark.parametrize("strange", [np.nan, inf, -inf, 3e38])
def test_a_row_of_weight_0_is_no_row(row, over, strange, dtype):
    loss = replace(row.loss, mean_over=over)
    rng = np.random.default_rng(0)
    k = 4 * row.outputs
    scores, y = values(2, (6, k), dtype), row.targets(rng, 6, 4)
    weights = np.array([1.0, 0.0, 0.5, 2.0, 0.0, 1.0])
    scores[1], scores[4, 2] = strange, strange
    kept = weights > 0
    with_it = witnesses(loss, scores, y, weights, dtype)
    without = witnesses(loss, scores[kept], y[kept], weights[kept], dtype)
    for (value, gradient), (wanted, wanted_d) in zip(with_it, without, strict=True):
        assert value == wanted
        np.testing.assert_array_equal(np.asarray(gradient)[kept], wanted_d)
        assert not np.asarray(gradient)[~kept].any()
    # A batch that is not left out of, as a stateful network has it.
    program = ev.compile([], k, batch=6, loss=loss, dtype=dtype, input_gradient=True)
    engine = ev.Engine(program)
    engine.run("gradient", engine.rows(scores), engine.targets(y), weights=weights.astype(dtype))
    assert engine.buffer("scalars")[0] == without[0][0]
    np.testing.assert_array_equal(engine.buffer(program.d_x)[kept].reshape(4, k), without[0][1])
    assert not engine.buffer(program.d_x)[~kept].any()


@pytest.mark.parametrize("weights", [None, (0.5, 2.0, 1.0, 3.0)])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("ignored", [-100, -1, 2])
def test_ignored_classes_are_pytorchs(weights, smoothing, ignored):
    rng = np.random.default_rng(3)
    scores, y = 2 * values(4, (30, 4)), rng.integers(0, 4, 30)
    y[::4] = ignored
    loss = SOFTMAX(label_smoothing=smoothing, class_weights=weights, ignore_index=ignored)
    own = {} if weights is None else {"weight": weights}
    wanted, wanted_d = torchs(scores, y, ignore_index=ignored, label_smoothing=smoothing, **own)
    scores[y == ignored] += 0  # theirs are finite
    for value, gradient in witnesses(loss, scores, y):
        assert error(value, wanted) < 1e-12
        assert error(gradient, wanted_d) < 1e-12
    scores[y == ignored] = np.nan
    for value, gradient in witnesses(loss, scores, y):
        assert error(value, wanted) < 1e-12
        assert not np.asarray(gradient)[y == ignored].any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@settings(max_examples=12, deadline=None)
@given(rows=st.integers(1, 30), steps=st.integers(1, 6), k=st.integers(1, 9),
       seed=st.integers(0, 2**31), weighted=st.booleans(), by_class=st.booleans(),
       smoothing=st.sampled_from([0.0, 0.1]), over=st.sampled_from(["weights", "rows"]),
       isa=st.sampled_from(available_isas()))
def test_ignored_steps_and_unequal_lengths(dtype, rows, steps, k, seed, weighted, by_class,
                                           smoothing, over, isa):
    rng = np.random.default_rng(seed)
    loss = SOFTMAX(label_smoothing=smoothing, mean_over=over, ignore_index=-7,
                   class_weights=rng.uniform(0.1, 2, k) if by_class else None)
    net = ev.Sequential([ev.RNN(k, sequences=True)])
    program = ev.compile(net, (steps, 3), batch=rows, loss=loss, dtype=dtype, input_gradient=True)
    engine = ev.Engine(program, threads=2, isa=isa)
    x, y = values(seed, (rows, steps, 3), dtype), rng.integers(0, k, (rows, steps))
    y[rng.random(y.shape) < 0.4] = -7
    lengths = rng.integers(1, steps + 1, rows)
    weights = rng.integers(0, 3, rows) if weighted else None
    if weighted and not weights.any():
        weights[0] = 1
    run = ev.Run(training=True, weights=weights, lengths=lengths)
    exact = {name: array.astype(np.float64) for name, array in engine.arrays.items()}
    scores, saved = net.forward(x.astype(np.float64), exact, run)
    target = loss.prepare(y, (steps, k), dtype)
    wanted, kept = loss.forward(scores, target, run)
    d_x, _ = net.backward(loss.backward(kept, run), exact, saved, run)
    value, got, _ = engine.gradients(x, y, weights, lengths)
    assert error(value, wanted, 1e-2) < TOLERANCE[dtype]
    assert error(got, d_x, 1e-2 / rows) < 3 * TOLERANCE[dtype]
    # By hand: the mean over what counts.
    counts = (y != -7) & (np.arange(steps) < lengths[:, None])
    if weighted:
        counts &= weights[:, None] > 0
    if not counts.any():
        assert value == 0
        assert not got.any()
        assert np.isnan(engine.evaluate(x, y, weights, lengths).score)
        return
    right = scores.argmax(axis=-1) == y
    some = counts.any(axis=1)
    score = ((right & counts).sum(axis=1)[some] / counts.sum(axis=1)[some]).mean()
    if dtype == "float64":
        assert engine.evaluate(x, y, weights, lengths).score == pytest.approx(score)
        if not (weighted or by_class or smoothing):
            each = -np.log(SOFTMAX().probabilities(scores)[counts, y[counts]])
            assert value == pytest.approx(each.mean())


def test_a_batch_of_ignored_rows_teaches_nothing():
    loss = SOFTMAX(ignore_index=-100)
    program = ev.compile([ev.Dense(2)], 3, batch=4, loss=loss, optimizer=ev.SGD(0.1))
    engine = ev.Engine(program, seed=1)
    before = engine.arrays["dense_1.kernel"].copy()
    record = engine.step(np.ones((4, 3)), np.full(4, -100))
    assert record[:2] == (0.0, 0.0)
    assert record.gradient_norm == record.weight == record.scored == 0
    np.testing.assert_array_equal(engine.arrays["dense_1.kernel"], before)
    model = ev.fit([ev.Dense(2)], np.ones((8, 3)), np.full(8, -100), loss=loss, epochs=2)
    assert model.history[-1].loss == 0
    assert np.isnan(model.history[-1].score)


def test_mixup_mixes_what_counts():
    """The definition, which the kernel repeats, is the mean of the two losses that count."""
    loss, augment = SOFTMAX(ignore_index=-1, label_smoothing=0.1), ev.Mixup(1.0)
    x, y = values(5, (12, 4)), np.arange(12) % 3
    y[[2, 3, 7]] = -1
    net = ev.Sequential([ev.Dense(3)])
    program = ev.compile(net, 4, batch=12, loss=loss, optimizer=ev.SGD(0.1), dtype="float64",
                         augment=augment)
    engine = ev.Engine(program, seed=3)
    value, _, gradients = engine.gradients(x, y)
    (mix,), (shift,) = augment.draw(3, 0, 1)
    other = (np.arange(12) + 1 + int(shift) % 11) % 12
    tensor = {name: torch.tensor(array, requires_grad=True)
              for name, array in engine.arrays.items()}
    mixed = torch.tensor(mix * x + (1 - mix) * x[other])
    scores = mixed @ tensor["dense_1.kernel"] + tensor["dense_1.bias"]
    total, parts = 0.0, 0.0
    for share, labels in ((mix, y), (1 - mix, y[other])):
        each = ENTROPY(scores, torch.tensor(labels), ignore_index=-1, label_smoothing=0.1,
                       reduction="none")
        total, parts = total + share * each.sum(), parts + share * (labels >= 0).sum()
    (total / parts).backward()
    assert error(value, (total / parts).item()) < 1e-12
    for name, gradient in gradients.items():
        assert error(gradient, tensor[name].grad.numpy()) < 1e-11


def test_fit_with_ignored_rows_is_a_loop_of_pytorchs():
    x, y = values(6, (40, 5)), np.arange(40) % 3
    y[::3] = -100
    net = ev.Sequential([ev.Dense(3)])
    model = ev.init(net, 5, dtype="float64")
    linear = torch.nn.Linear(5, 3).to(torch.float64)
    linear.weight.data = torch.tensor(model.weights["dense_1.kernel"].T.copy())
    linear.bias.data = torch.tensor(model.weights["dense_1.bias"].copy())
    rule = torch.optim.SGD(linear.parameters(), lr=0.3)
    for start in range(0, 40, 8):
        rule.zero_grad()
        at = slice(start, start + 8)
        ENTROPY(linear(torch.tensor(x[at])), torch.tensor(y[at])).backward()
        rule.step()
    trained = ev.fit(model, x, y, loss=SOFTMAX(ignore_index=-100), optimizer=ev.SGD(0.3), epochs=1,
                     batch=8, shuffle=False, dtype="float64")
    assert error(trained.weights["dense_1.kernel"], linear.weight.detach().numpy().T) < 1e-12
    seen = trained.evaluate(x, y)
    known = y >= 0
    assert seen == trained.evaluate(x[known], y[known])
    assert trained.history[-1].score <= 1


@pytest.mark.parametrize("value", [1.5, "a", True, 2**31])
def test_a_strange_ignore_index_is_refused(value):
    with pytest.raises(ev.errors.ConfigurationError, match="ignore_index is a whole number"):
        SOFTMAX(ignore_index=value)
