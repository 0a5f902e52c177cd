"""Whole trainings: the native step against the definitions, one after the other in plain code."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import evenly as ev
from evenly.native import available_isas
from tests.contract.common import arrays_for, error, values
from tests.contract.rows import LOSSES, OPTIMIZERS, ids

# No bias in front of batch normalization: its gradient is rounding, of which Adam makes steps.
NET = ev.Sequential([
    ev.Dense(21, bias=False), ev.BatchNorm(decay=0.8), ev.Tanh(), ev.Dropout(0.3), ev.Dense(18),
    ev.LayerNorm(), ev.Sigmoid(), ev.Dropout(0.5), ev.Dense(4),
])


def train_by_definition(net, arrays, batches, loss, rule, penalty, clip, seed):
    """What DESIGN.md calls a step, from the definitions alone; returns (arrays, records)."""
    arrays = {name: array.astype(np.float64) for name, array in arrays.items()}
    specs = net.arrays(batches[0][0].shape[1:])
    decaying = [name for name, spec in specs.items() if spec.decays]
    states = {name: tuple(np.zeros(spec.shape) for _ in rule.states)
              for name, spec in specs.items()}
    records = []
    for step, (x, y) in enumerate(batches):
        run = ev.Run(training=True, seed=seed, step=step)
        scores, saved = net.forward(x, arrays, run)
        cost, kept = loss.forward(scores, loss.prepare(y, scores.shape[1:], "float64"), run)
        _, gradients = net.backward(loss.backward(kept, run), arrays, saved, run)
        extra = 0.0
        if penalty:
            extra = sum(penalty.cost(arrays[name], run) for name in decaying)
            for name in decaying:
                gradients[name] = gradients[name] + penalty.gradient(arrays[name], run)
        norm = np.sqrt(sum((g * g).sum() for g in gradients.values()))
        gradients = clip.clip(gradients, run) if clip else gradients
        for name, gradient in gradients.items():
            arrays[name], states[name] = rule.update(
                arrays[name], gradient, states[name], run, name in decaying
            )
        arrays |= run.updates
        records.append((float(cost), float(extra), float(norm)))
    return arrays, np.array(records)


@pytest.mark.parametrize("row", **ids(OPTIMIZERS))
@settings(max_examples=8, deadline=None)
@given(kind=st.sampled_from(LOSSES), penalty=st.sampled_from([None, ev.L2(0.05)]),
       clip=st.sampled_from([None, ev.ClipGlobalNorm(0.2), ev.ClipGlobalNorm(1e3)]),
       batch=st.integers(5, 30), n=st.integers(31, 100), seed=st.integers(0, 2**63),
       isa=st.sampled_from(available_isas()), threads=st.sampled_from([1, 3]))
def test_training(row, kind, penalty, clip, batch, n, seed, isa, threads):
    rng = np.random.default_rng(n)
    n -= n % batch == 1  # a batch of one row has no variance
    x, y = values(n, (n, 9)), kind.targets(rng, n, 4)
    program = ev.compile(NET, 9, batch=batch, loss=kind.loss, optimizer=row.optimizer,
                         penalty=penalty, clip=clip, dtype="float64")
    engine = ev.Engine(program, seed=seed, isa=isa, threads=threads,
                       weights=arrays_for(NET, (9,), n, "float64"))
    start = {name: array.copy() for name, array in engine.arrays.items()}
    orders = [rng.permutation(n) for _ in range(3)]
    records = np.concatenate([
        part for order in orders
        for part in engine.train(engine.rows(x), engine.targets(y), order, batch)
    ])
    batches = [(x[order[i : i + batch]], y[order[i : i + batch]])
               for order in orders for i in range(0, n, batch)]
    arrays, wanted = train_by_definition(
        NET, start, batches, kind.loss, row.optimizer, penalty, clip, seed
    )
    assert engine.steps == len(wanted) > 3
    for column, what in enumerate(("loss", "penalty", "gradient norm")):
        assert error(records[:, (0, 2, 3)[column]], wanted[:, column]) < 1e-9, what
    for name, array in arrays.items():
        assert error(engine.arrays[name], array, 1e-2) < 1e-9, name


@pytest.mark.parametrize("row", **ids([row for row in OPTIMIZERS if row.torch]))
def test_update_rule_is_pytorchs_at_every_step(row):
    """The definition in float64; gradients from tiny to large, and some that are zero."""
    rng = np.random.default_rng(0)
    ours = {True: rng.standard_normal((7, 5)), False: rng.standard_normal(5)}
    theirs = {decays: torch.nn.Parameter(torch.tensor(a.copy())) for decays, a in ours.items()}
    optimizer = row.torch([theirs[True]], [theirs[False]])
    states = {decays: tuple(np.zeros_like(a) for _ in row.optimizer.states)
              for decays, a in ours.items()}
    for step in range(100):
        for decays, value in ours.items():
            gradient = rng.standard_normal(value.shape) * 10.0 ** rng.integers(-6, 2)
            gradient.flat[step % gradient.size] = 0
            theirs[decays].grad = torch.tensor(gradient)
            run = ev.Run(training=True, step=step)
            ours[decays], states[decays] = row.optimizer.update(
                value, gradient, states[decays], run, decays
            )
        optimizer.step()
        for decays, value in ours.items():
            assert error(value, theirs[decays].detach().numpy()) < 1e-12, f"step {step}"


@pytest.mark.parametrize(("rule", "theirs"), [
    (ev.SGD(0.1), lambda groups: torch.optim.SGD(groups, lr=0.1)),
    (ev.Momentum(0.1), lambda groups: torch.optim.SGD(groups, lr=0.1, momentum=0.9)),
    (ev.Adam(0.01), lambda groups: torch.optim.Adam(groups, lr=0.01)),
], ids=["SGD", "Momentum", "Adam"])
def test_l2_is_pytorchs_weight_decay_on_kernels(rule, theirs):
    net = ev.Sequential([ev.Dense(6), ev.Tanh(), ev.Dense(2)])
    program = ev.compile(net, 5, batch=10, loss=ev.MeanSquaredError(), optimizer=rule,
                         penalty=ev.L2(0.3), dtype="float64")
    engine = ev.Engine(program, seed=2)
    module = torch.nn.Sequential(torch.nn.Linear(5, 6), torch.nn.Tanh(), torch.nn.Linear(6, 2))
    module.to(torch.float64)
    for name, linear in (("dense_1", module[0]), ("dense_2", module[2])):
        linear.weight.data = torch.tensor(engine.arrays[f"{name}.kernel"].T.copy())
        linear.bias.data = torch.tensor(engine.arrays[f"{name}.bias"].copy())
    optimizer = theirs([
        {"params": [module[0].weight, module[2].weight], "weight_decay": 0.3},
        {"params": [module[0].bias, module[2].bias], "weight_decay": 0.0},
    ])
    for step in range(30):
        x, y = values(step, (10, 5)), values(step + 100, (10, 2))
        engine.step(x, y)
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(module(torch.tensor(x)), torch.tensor(y)).backward()
        optimizer.step()
    assert error(engine.predict(x), module(torch.tensor(x)).detach().numpy()) < 1e-10


@pytest.mark.parametrize("most", [0.1, 2.0, 100.0])
def test_clipping_is_pytorchs(most):
    gradients = {"kernel": values(1, (6, 4)), "bias": values(2, (4,))}
    theirs = [torch.nn.Parameter(torch.zeros(g.shape)) for g in gradients.values()]
    for parameter, gradient in zip(theirs, gradients.values(), strict=True):
        parameter.data = parameter.data.to(torch.float64)
        parameter.grad = torch.tensor(gradient)
    torch.nn.utils.clip_grad_norm_(theirs, most)
    clipped = ev.ClipGlobalNorm(most).clip(gradients, ev.Run(training=True))
    for parameter, gradient in zip(theirs, clipped.values(), strict=True):
        # PyTorch divides by norm + 1e-6.
        assert error(gradient, parameter.grad.numpy()) < 1e-6
