"""Every definition runs on numbers that remember, and they say what the definition computes."""

import numpy as np
import pytest

import evenly as ev
from evenly.byhand.expressions import Apply, evaluate
from evenly.byhand.work import work_out
from tests.byhand.common import (
    Plain,
    check_expressions,
    check_same,
    inputs,
    small_shape,
    weights,
)
from tests.contract.rows import LAYERS, LOSSES, OPTIMIZERS, ids

# Functions that cannot be followed: their numbers come from outside.
KNOWN_OPAQUE: set[str] = set()
FIRST = {row.name.partition("(")[0]: row for row in reversed(LAYERS)}
# Fractions take long: of layers with other settings a sweep tries them.
EACH = [pytest.param(row, exact, id=f"{row.name}-{'exact' if exact else 'float'}",
                     marks=[pytest.mark.sweep] * (exact and row not in FIRST.values()))
        for row in LAYERS for exact in (False, True)]


@pytest.mark.parametrize(("row", "exact"), EACH)
def test_layer(row, exact):
    net, shape = ev.Sequential([row.layer]), small_shape(row)
    x, arrays = inputs(row, shape, exact), weights(net, shape, exact)
    plain = Plain()
    run = ev.Run(training=True, seed=5, step=3, recorder=plain)
    y, saved = net.forward(x, arrays, run)
    d_y = np.random.default_rng(2).integers(-3, 4, y.shape) * 1.0
    net.backward(d_y, arrays, saved, run)
    work = work_out(net, x, d_y=d_y, weights=arrays, seed=5, step=3, exact=exact)
    check_same(work, plain.notes)
    assert check_expressions(work) <= KNOWN_OPAQUE
    if exact:
        assert all(step.is_exact for step in work.steps)


@pytest.mark.parametrize(("row", "exact"), [
    one for one in EACH if not one.marks])  # a pass forward is a part of the step above
def test_layer_in_inference(row, exact):
    net, shape = ev.Sequential([row.layer]), small_shape(row)
    x, arrays = inputs(row, shape, exact), weights(net, shape, exact)
    plain = Plain()
    net.forward(x, arrays, ev.Run(training=False, recorder=plain))
    work = work_out(net, x, weights=arrays, training=False, exact=exact)
    check_same(work, plain.notes)
    assert check_expressions(work) <= KNOWN_OPAQUE


@pytest.mark.parametrize("weighted", [False, True], ids=["alike", "weighted"])
@pytest.mark.parametrize("exact", [False, True], ids=["float", "exact"])
@pytest.mark.parametrize("row", **ids(LOSSES))
def test_loss(row, exact, weighted):
    rng = np.random.default_rng(4)
    k = 2 * row.outputs
    x, own = rng.integers(-3, 4, (3, k)) * 1.0, rng.integers(1, 4, 3) * 1.0 if weighted else None
    if not exact:
        x = x + rng.standard_normal(x.shape) / 8
    y = row.targets(rng, 3, 2)
    plain = Plain()
    run = ev.Run(training=True, recorder=plain, weights=own)
    target = row.loss.prepare(y, (k,), "float64")
    _, saved = row.loss.forward(x, target, run)
    row.loss.backward(saved, run)
    work = work_out(ev.Flatten(), x, y, loss=row.loss, exact=exact, sample_weight=own)
    check_same(work, plain.notes)
    assert check_expressions(work) <= KNOWN_OPAQUE


@pytest.mark.parametrize("exact", [False, True], ids=["float", "exact"])
@pytest.mark.parametrize("row", **ids(OPTIMIZERS))
def test_optimizer(row, exact):
    net, x = ev.Sequential([ev.Dense(2)]), np.array([[1.0, 2, -1], [3, -2, 0]])
    arrays, rule = weights(net, (3,), exact), row.optimizer
    rng = np.random.default_rng(7)
    states = {name: tuple(rng.integers(1, 4, array.shape) * 1.0 for _ in rule.states)
              for name, array in arrays.items()}
    plain, d_y = Plain(), np.array([[1.0, -2], [2, 1]])
    run = ev.Run(training=True, step=4, recorder=plain)
    _, saved = net.forward(x, arrays, run)
    _, gradients = net.backward(d_y, arrays, saved, run)
    for name, spec in net.arrays((3,)).items():
        rule.update(arrays[name], gradients[name], states[name], run.at(name), spec.decays)
    work = work_out(net, x, d_y=d_y, weights=arrays, optimizer=rule, states=states, step=4,
                    exact=exact)
    check_same(work, plain.notes)
    assert check_expressions(work) <= KNOWN_OPAQUE


def test_a_whole_training_step():
    net = ev.Sequential([ev.Dense(3), ev.BatchNorm(epsilon=1.0), ev.ReLU(), ev.Dropout(0.5),
                         ev.Dense(2)])
    x, y = np.array([[1, 2], [3, 1], [0, 2], [2, 2]]), np.array([0, 1, 1, 0])
    work = work_out(net, x, y, loss=ev.SoftmaxCrossEntropy(), optimizer=ev.Adam(0.1),
                    penalty=ev.L2(0.1), clip=ev.ClipGlobalNorm(1.0),
                    constraint=ev.MaxNorm(1.0), weights=weights(net, (2,), True),
                    inference=[[1, 1]])
    assert [phase for phase in ("given", "forward", "loss", "backward", "update", "inference")
            if not work.phase(phase)] == []
    assert check_expressions(work) <= KNOWN_OPAQUE


def test_an_expression_is_worked_out_again_from_other_numbers():
    work = work_out(ev.Dense(1), [[1, 2]], weights={"kernel": [[3], [4]], "bias": [5]})
    product = work["dense_1.product"].expression(0)
    assert isinstance(product, Apply)
    assert product.operation == "add"

    def twice(place):
        return 2 * work.steps[place.step].number_at(place.flat)

    assert evaluate(product) == 11
    assert evaluate(product, twice) == 44


def test_the_check_sees_a_wrong_number():
    work = work_out(ev.Dense(1), [[1, 2]], weights={"kernel": [[3], [4]], "bias": [5]})
    step = work["dense_1.product"]
    object.__setattr__(step, "value", step.value + 1)
    with pytest.raises(AssertionError, match=r"dense_1\.product"):
        check_expressions(work)
