"""Mixup's gradients: kernels against the definition, and the definition against PyTorch on batches
mixed by hand."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import evenly as ev
from evenly.augmentation import mixed
from tests.contract.common import error, values
from tests.contract.rows import ids, of_width

STEPS = ev.Sequential([ev.Conv1D(6, 2), ev.Tanh(), ev.Conv1D(3, 1)])  # (7, 4) -> (6, 3)
FLAT = ev.Sequential([ev.Dense(6, bias=False), ev.BatchNorm(), ev.Tanh(), ev.Dense(3)])
WEIGHED = ev.SoftmaxCrossEntropy(label_smoothing=0.1, class_weights=(0.5, 2.0, 1.0))


def run_of(augment, seed, step):
    (mix,), (shift,) = augment.draw(seed, step, 1)
    return ev.Run(training=True, seed=seed, step=step, mix=mix, shift=int(shift))


def both_gradients(net, x, y, loss, weights, rows):
    program = ev.compile(net, x.shape[1:], batch=16, loss=loss, optimizer=ev.SGD(0.1),
                         dtype="float64", augment=ev.Mixup(1.5))
    engine = ev.Engine(program, seed=5, threads=2)
    engine.steps = 11
    x, y = x[:rows], y[:rows]
    weights = None if weights is None else weights[:rows]
    value, _, gradients = engine.gradients(x, y, weights)
    run = replace(run_of(ev.Mixup(1.5), 5, 11), weights=weights)
    arrays = {name: array.copy() for name, array in engine.arrays.items()}
    scores, saved = net.forward(mixed(x, run), arrays, run)
    cost, kept = loss.forward(scores, loss.prepare(y, scores.shape[1:], "float64"), run)
    _, exact = net.backward(loss.backward(kept, run), arrays, saved, run)
    return value, gradients, cost, exact


@pytest.mark.parametrize("rows", [16, 7, 2])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("row", **ids(of_width(3)))
def test_kernels_mix_as_the_definition(row, weighted, rows):
    rng = np.random.default_rng(0)
    weights = rng.uniform(0, 2, 16) if weighted else None
    x, y = values(0, (16, 4)), row.targets(rng, 16, 3 // row.outputs)
    value, gradients, cost, exact = both_gradients(FLAT, x, y, row.loss, weights, rows)
    assert error(value, cost) < 1e-12
    for name, gradient in gradients.items():
        assert error(gradient, exact[name], 1e-3) < 1e-10, name


@pytest.mark.parametrize("loss", [ev.SoftmaxCrossEntropy(), WEIGHED, ev.Huber()])
def test_kernels_mix_sequences_as_the_definition(loss):
    rng = np.random.default_rng(1)
    x = values(1, (16, 7, 4))
    y = rng.integers(0, 3, (16, 6)) if loss.targets_are_classes else values(2, (16, 6, 3))
    value, gradients, cost, exact = both_gradients(
        STEPS, x, y, loss, rng.uniform(0, 2, 16), 16)
    assert error(value, cost) < 1e-12
    for name, gradient in gradients.items():
        assert error(gradient, exact[name]) < 1e-11, name


def test_one_example_has_no_other():
    net = ev.Sequential([ev.Dense(3)])
    x, y = values(0, (16, 4)), np.arange(16) % 3
    value, _, cost, _ = both_gradients(net, x, y, ev.SoftmaxCrossEntropy(), None, 1)
    plain, _ = ev.init(net, 4, seed=5, dtype="float64").gradients(
        x[:1], y[:1], ev.SoftmaxCrossEntropy())
    assert error(value, plain) < 1e-12
    assert error(cost, plain) < 1e-12


def test_the_mean_of_two_losses_is_the_loss_of_mixed_classes():
    """What mixup's authors compute: mix l(y_i) + (1 - mix) l(y_j)."""
    run = run_of(ev.Mixup(1.0), 2, 3)
    scores, y = values(1, (9, 4)), np.arange(9) % 4
    loss = ev.SoftmaxCrossEntropy()
    ours, saved = loss.forward(scores, loss.prepare(y, (4,), "float64"), run)
    tensor = torch.tensor(scores, requires_grad=True)
    other = np.roll(y, -(1 + run.shift % 8))
    theirs = (run.mix * torch.nn.functional.cross_entropy(tensor, torch.tensor(y))
              + (1 - run.mix) * torch.nn.functional.cross_entropy(tensor, torch.tensor(other)))
    theirs.backward()
    assert error(ours, theirs.item()) < 1e-12
    assert error(loss.backward(saved, run), tensor.grad.numpy()) < 1e-12
    assert run.mix < 0.95


def test_rows_are_paired_with_others_and_all_with_one():
    x = np.arange(6.0)[:, None]
    for step in range(20):
        run = run_of(ev.Mixup(1.0), 0, step)
        others = (mixed(x, run) - run.mix * x) / (1 - run.mix)
        assert sorted(others.ravel().round(6)) == [0, 1, 2, 3, 4, 5]
        assert not np.any(np.isclose(others, x))
