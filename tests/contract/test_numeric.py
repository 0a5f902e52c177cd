"""First witness: the definitions' gradients against numeric differentiation."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import evenly as ev
from tests.contract.common import arrays_for, error, values
from tests.contract.rows import LAYERS, LOSSES, ids


def slope(function, at, direction):
    """The derivative along a direction, by a central difference of fourth order."""
    h = 1e-4

    def f(t):
        return function(at + t * h * direction)

    return (8 * (f(1) - f(-1)) - (f(2) - f(-2))) / (12 * h)


@pytest.mark.parametrize("row", **ids([row for row in LAYERS if row.smooth]))
@settings(max_examples=5, deadline=None)
@given(data=st.data(), seed=st.integers(0, 2**31))
def test_layer(row, data, seed):
    shape = tuple(min(n, 40) for n in data.draw(row.shapes))
    batch = data.draw(st.integers(row.smallest_batch + 1, 9))
    net = ev.Sequential([row.layer])
    x = row.inputs(seed, (batch, *shape), "float64")
    arrays = arrays_for(net, shape, seed, "float64")
    if row.compares:
        x = np.random.default_rng(seed).permutation(x.size).reshape(x.shape) / 20
    run = ev.Run(training=True, seed=seed, step=3)
    y, saved = net.forward(x, arrays, run)
    rng = np.random.default_rng(seed)
    d_y = rng.standard_normal(y.shape)
    d_x, gradients = net.backward(d_y, arrays, saved, run)

    def cost(x, arrays):
        return float((net.forward(x, arrays, run)[0] * d_y).sum())

    trainable = [name for name, spec in net.arrays(shape).items() if spec.trainable]
    assert sorted(gradients) == sorted(trainable)
    direction = rng.standard_normal(x.shape)
    checks = []
    if row.differentiable:
        numeric = slope(lambda x: cost(x, arrays), x, direction)
        checks.append((float((d_x * direction).sum()), numeric))
    for name in trainable:
        direction = rng.standard_normal(arrays[name].shape)
        numeric = slope(lambda a, name=name: cost(x, arrays | {name: a}), arrays[name], direction)
        checks.append((float((gradients[name] * direction).sum()), numeric))
    scale = float(np.abs(d_y).sum())
    for analytic, numeric in checks:
        assert error(analytic, numeric, scale) < 1e-7


@pytest.mark.parametrize("row", **ids(LOSSES))
@settings(max_examples=10, deadline=None)
@given(rows=st.integers(1, 9), k=st.integers(1, 9), seed=st.integers(0, 2**31))
def test_loss(row, rows, k, seed):
    rng = np.random.default_rng(seed)
    outputs = k * row.outputs
    scores, run = 3 * values(seed, (rows, outputs)), ev.Run(training=True)
    target = row.loss.prepare(row.targets(rng, rows, k), (outputs,), "float64")
    _, saved = row.loss.forward(scores, target, run)
    direction = rng.standard_normal(scores.shape)
    if isinstance(row.loss, (ev.MeanAbsoluteError, ev.Quantile)):
        # No answer meets its target, where the slope jumps, within the steps of the difference.
        before, behind = (
            row.loss.predicted(scores + t * direction).reshape(rows, k, -1)
            > target.reshape(rows, k, -1) for t in (-2e-4, 2e-4))
        assume(np.array_equal(before, behind))
    analytic = float((row.loss.backward(saved, run) * direction).sum())
    numeric = slope(lambda s: float(row.loss.forward(s, target, run)[0]), scores, direction)
    assert error(analytic, numeric, 1.0) < 1e-7


def test_relu_rnn_away_from_its_kinks():
    """Where no pre-activation is near 0, small changes stay on one side of the kinks."""
    layer, checked = ev.RNN(3, activation="relu", sequences=True), 0
    for seed in range(40):
        x = values(seed, (2, 4, 3))
        own = arrays_for(ev.Sequential([layer]), (4, 3), seed, "float64")
        arrays = {name.split(".")[1]: array for name, array in own.items()}
        nearest = []

        def note(layer, name, value, formula, nearest=nearest):
            if name == "a":
                nearest.append(np.abs(value).min())
            return value

        y, saved = layer.forward(x, arrays, ev.Run(training=True, recorder=note))
        if min(nearest) < 0.1:
            continue
        checked += 1
        d_y = values(seed + 1, y.shape)
        run = ev.Run(training=True)
        d_x, _ = layer.backward(d_y, arrays, saved, run)
        direction = values(seed + 2, x.shape)

        def cost(x, arrays=arrays, d_y=d_y, run=run):
            return float((layer.forward(x, arrays, run)[0] * d_y).sum())

        assert error(float((d_x * direction).sum()), slope(cost, x, direction), 1.0) < 1e-7
    assert checked >= 3
