"""Third witness: the kernels against the definitions in float64."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import evenly as ev
from evenly.native import available_isas
from tests.contract.common import TOLERANCE, arrays_for, definition, error, values
from tests.contract.rows import LAYERS, LOSSES, OPTIMIZERS, batches, ids

# The kernels are one template: the second element type is tried with the many seeds.
DTYPES = ["float32", pytest.param("float64", marks=pytest.mark.sweep)]
isas = st.sampled_from(available_isas())
threads = st.sampled_from([1, 2])


def amplified(arrays, name):
    """How much larger than the result the terms of a gradient may be: what does not turn the
    direction of a weight norm is subtracted again, and all of it where there is one input."""
    if not name.endswith(".direction"):
        return 1.0
    direction = arrays[name].astype(np.float64)
    lengths = np.sqrt((direction * direction).sum(tuple(range(direction.ndim - 1))))
    gain = arrays[name.removesuffix("direction") + "gain"]
    return max(1.0, float(np.abs(gain / lengths).max()))


def check(net, shape, batch, rows, dtype, seed, isa, count, inputs=values):
    """Forward, backward and inference of the kernels on `rows` of a program for `batch`."""
    program = ev.compile(net, shape, batch=batch, dtype=dtype)
    arrays = arrays_for(program.net, shape, seed, dtype)
    engine = ev.Engine(program, seed=seed, weights=arrays, isa=isa, threads=count)
    x = inputs(seed, (rows, *shape), dtype)
    d_y = values(seed + 2, (rows, *program.output_shape), dtype)
    run = ev.Run(training=True, seed=seed, step=0)
    y, d_x, gradients = definition(program.net, x, arrays, d_y, run)

    tolerance = TOLERANCE[dtype]
    # Outputs are of size 1 here; a single one may happen to be near 0, its terms are not.
    assert error(engine.forward(x), y.reshape(rows, *program.output_shape), 1.0) < tolerance
    got_d_x, got = engine.backward(d_y)
    # What a normalization subtracts again has a gradient of zero up to rounding: its scale is d_y.
    scale = float(np.abs(d_y).max())
    assert error(got_d_x, d_x, scale) < tolerance
    # The rounding of a long sum grows with the root of its length, its value need not.
    scale *= max(1.0, float(np.sqrt(d_y.size / d_y.shape[-1] / 1024)))
    assert sorted(got) == sorted(gradients)
    for name, gradient in gradients.items():
        longest = scale * amplified(arrays, name)
        assert error(got[name], gradient, longest) < tolerance, name

    exact = {name: array.astype(np.float64) for name, array in arrays.items()}
    wanted, _ = program.net.forward(x.astype(np.float64), exact, ev.Run(training=False))
    assert error(engine.predict(x), wanted.reshape(rows, *program.output_shape), 1.0) < tolerance


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("row", **ids([row for row in LAYERS if not row.layer.reshapes]))
@settings(max_examples=8, deadline=None)
@given(data=st.data(), seed=st.integers(0, 2**31), isa=isas, count=threads)
def test_layer(row, dtype, data, seed, isa, count):
    shape = data.draw(row.shapes)
    # Two rows, or columns that hardly vary, make a normalization ill-conditioned: the bound is for
    # what the arithmetic adds, not for what the problem does.
    smallest = 6 if row.smallest_batch > 1 else 1
    if isinstance(row.layer, ev.LayerNorm | ev.RMSNorm):
        shape = (*shape[:-1], max(shape[-1], 6))
    batch = max(smallest, data.draw(batches))
    rows = data.draw(st.integers(smallest, batch))
    check(ev.Sequential([row.layer]), shape, batch, rows, dtype, seed, isa, count, row.inputs)


heads = st.sampled_from([ev.Dense(33), ev.Dense(64), ev.BatchNorm(epsilon=1e-3),
                         ev.LayerNorm(epsilon=1e-3), ev.GroupNorm(1, epsilon=1e-3),
                         ev.RMSNorm(epsilon=1e-3), ev.BatchNorm(epsilon=1e-3, frozen=True)])
NORMALIZATIONS = (ev.BatchNorm, ev.LayerNorm, ev.GroupNorm, ev.RMSNorm)
FUSED = [ev.ReLU(), ev.Sigmoid(), ev.Tanh(), ev.LeakyReLU(0.2), ev.Softplus(2.0)]
ALONE = [ev.GELU(), ev.GELU(approximate=True), ev.SiLU(), ev.Mish(), ev.HardSigmoid(),
         ev.HardSwish(), ev.ELU(0.6), ev.SELU(), ev.Softsign(), ev.PReLU(),
         ev.Parametric(ev.Mish(), 0.5), ev.Softmax()]
DROPOUTS = [ev.Dropout(0.5), ev.Dropout(0.2), ev.Dropout(0.3, classic=True)]
tails = st.lists(st.sampled_from([*FUSED, *ALONE, *DROPOUTS]), max_size=3)


@pytest.mark.parametrize("dtype", DTYPES)
@settings(max_examples=60, deadline=None)
@given(blocks=st.lists(st.tuples(heads, tails), min_size=1, max_size=3), width=st.integers(8, 70),
       rows=st.integers(8, 50), seed=st.integers(0, 2**31), isa=isas, count=threads)
def test_chain(dtype, blocks, width, rows, seed, isa, count):
    layers = [layer for head, tail in blocks for layer in (head, *tail)]
    net = ev.Sequential([ev.Flatten(), *layers])
    program = ev.compile(net, (width,), batch=rows, dtype=dtype)
    arrays = arrays_for(net, (width,), seed, dtype)
    engine = ev.Engine(program, seed=seed, weights=arrays, isa=isa, threads=count)
    x = values(seed, (rows, width), dtype)
    d_y = values(seed + 2, (rows, *program.output_shape), dtype)
    y, d_x, gradients = definition(net, x, arrays, d_y, ev.Run(training=True, seed=seed))
    # Normalizing what dropout or a saturated activation left nearly constant multiplies rounding
    # by 1 / sqrt(epsilon): about 30 a normalization.
    loosened = TOLERANCE[dtype] * 40 ** sum(isinstance(layer, NORMALIZATIONS) for layer in layers)
    assert error(engine.forward(x), y, 1.0) < loosened
    got_d_x, got = engine.backward(d_y)
    largest = max([float(np.abs(d_x).max()), *(float(np.abs(g).max()) for g in gradients.values())])
    assert error(got_d_x, d_x, largest) < loosened
    for name, gradient in gradients.items():
        assert error(got[name], gradient, largest) < loosened, name


@pytest.mark.parametrize("tail", [[ev.ReLU()], [ev.Tanh(), ev.Dropout(0.5)], [ev.Mish()]])
@pytest.mark.parametrize("head", [ev.BatchEnsemble(70), ev.BatchEnsemble(9, False, False)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_epilogue_of_members(head, tail, dtype):
    net = ev.Sequential([head, *tail])
    for isa in available_isas():
        check(net, (3, 70), 40, 33, dtype, 5, isa, 2)


HEADS = [[ev.Dense(70)], [ev.BatchNorm(epsilon=1e-3)], [ev.LayerNorm(epsilon=1e-3)],
         [ev.GroupNorm(5, epsilon=1e-3)], [ev.RMSNorm(epsilon=1e-3)],
         [ev.BatchNorm(epsilon=1e-3, frozen=True)], []]
ENDS = [[], *([layer] for layer in DROPOUTS)]
# The kernel of a head has the fused activations and dropout within it: all three together. The
# other activations are kernels of their own: each behind every head, and before every dropout.
EPILOGUES = [
    *((head, tail, end) for head in HEADS for tail in [[], *([one] for one in FUSED)]
      for end in ENDS),
    *((head, [one], end) for i, one in enumerate(ALONE) for j, head in enumerate(HEADS)
      for k, end in enumerate(ENDS) if not end or (i + k) % len(HEADS) == j)]


@pytest.mark.parametrize(("head", "tail", "dropout"), EPILOGUES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_epilogue(head, tail, dropout, dtype):
    net = ev.Sequential([*head, *tail, *dropout] or [ev.ReLU()])
    for isa in available_isas():
        check(net, (70,), 40, 33, dtype, 5, isa, 2)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("row", **ids(LOSSES))
@settings(max_examples=12, deadline=None)
@given(rows=batches, k=st.integers(1, 70), seed=st.integers(0, 2**31), isa=isas,
       size=st.sampled_from([0.1, 3.0, 40.0]))
def test_loss(row, dtype, rows, k, seed, isa, size):
    rng = np.random.default_rng(seed)
    outputs = k * row.outputs
    program = ev.compile([], (outputs,), batch=rows, loss=row.loss, dtype=dtype,
                         input_gradient=True)
    engine = ev.Engine(program, isa=isa, threads=2)
    scores = np.clip(size * values(seed, (rows, outputs)), -row.farthest, row.farthest)
    scores = scores.astype(dtype)
    y = row.targets(rng, rows, k)
    target = row.loss.prepare(y, (outputs,), dtype)
    run = ev.Run(training=True)
    wanted, saved = row.loss.forward(scores.astype(np.float64), target.astype(np.float64), run)
    loss, d_scores, _ = engine.gradients(scores, y)
    assert error(loss, wanted, 1e-3) < TOLERANCE[dtype]
    assert error(d_scores, row.loss.backward(saved, run), 1e-7 / rows) < TOLERANCE[dtype]


@pytest.mark.parametrize("row", **ids(LOSSES))
def test_score_counts_what_the_definition_counts(row):
    rng = np.random.default_rng(1)
    k = 3 * row.outputs
    scores, y = values(3, (50, k)), row.targets(rng, 50, 3)
    net = ev.Sequential([ev.Dense(k)])
    program = ev.compile(net, k, batch=50, loss=row.loss, optimizer=ev.SGD(1e-3), dtype="float64")
    weights = {"dense_1.kernel": np.eye(k), "dense_1.bias": np.zeros(k)}
    engine = ev.Engine(program, weights=weights)
    target = row.loss.prepare(y, (k,), "float64")
    run = ev.Run(training=False)
    loss, score_sum, scored = row.loss.evaluate(scores, target, run)
    spread = row.loss.spread(target, scores.shape, run)
    evaluation = engine.evaluate(scores, y)
    assert evaluation.loss == pytest.approx(loss, rel=1e-12)
    score = row.loss.score(score_sum, scored, spread)
    assert evaluation.score == pytest.approx(score, rel=1e-12)
    assert engine.step(scores, y).score_sum == pytest.approx(score_sum, rel=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("row", **ids(OPTIMIZERS))
@pytest.mark.parametrize("isa", available_isas())
def test_optimizer(row, dtype, isa):
    net = ev.Sequential([ev.Dense(37)])
    program = ev.compile(net, 11, batch=4, loss=ev.MeanSquaredError(), optimizer=row.optimizer,
                         dtype=dtype)
    engine = ev.Engine(program, seed=1, isa=isa, threads=2)
    exact = {name: array.astype(np.float64) for name, array in engine.arrays.items()}
    states = {name: tuple(np.zeros_like(a) for _ in row.optimizer.states)
              for name, a in exact.items()}
    for step in range(20):
        for name, array in exact.items():
            engine.gradient(name)[...] = values(100 * step + len(name), array.shape, dtype)
            gradient = engine.gradient(name).astype(np.float64)
            decays = program.arrays[name].decays
            run = ev.Run(training=True, step=step)
            exact[name], states[name] = row.optimizer.update(
                array, gradient, states[name], run, decays
            )
        engine.update()
    for name, array in exact.items():
        assert error(engine.arrays[name], array) < TOLERANCE[dtype]


@pytest.mark.parametrize("dtype", DTYPES)
def test_running_statistics(dtype):
    layer = ev.BatchNorm(decay=0.7)
    net = ev.Sequential([layer])
    program = ev.compile(net, 19, batch=30, loss=ev.MeanSquaredError(), optimizer=ev.SGD(1e-9),
                         dtype=dtype)
    engine = ev.Engine(program)
    exact = {name: array.astype(np.float64) for name, array in engine.arrays.items()}
    for step in range(5):
        x = values(step, (30, 19), dtype)
        run = ev.Run(training=True)
        net.forward(x.astype(np.float64), exact, run)
        exact |= run.updates
        engine.step(x, np.zeros((30, 19)))
    for name in ("batch_norm_1.running_mean", "batch_norm_1.running_variance"):
        assert error(engine.arrays[name], exact[name]) < TOLERANCE[dtype]
