"""Whole trainings: the native step against the definitions, one after the other in plain code."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import evenly as ev
from evenly.native import available_isas
from tests.contract.common import arrays_for, error, values
from tests.contract.rows import OPTIMIZERS, ids, of_width

PENALTIES = [None, ev.L2(0.05), ev.L1(0.02), ev.ElasticNet(l1=0.01, l2=0.03)]
CLIPS = [None, ev.ClipGlobalNorm(0.2), ev.ClipGlobalNorm(1e3), ev.ClipNorm(0.1), ev.ClipValue(0.01)]
AVERAGES = [None, ev.EMA(0.8), ev.EMA(0.0), ev.EMA(0.999), ev.Lookahead(3, 0.4), ev.Lookahead()]
AUGMENTS = [None, ev.Mixup(0.4), ev.Mixup(3.0), ev.CutMix(1.0), ev.Cutout(0.3)]
BY_ARRAY = [None, ev.ArrayRates({"dense_1.kernel": 0.0, "*.bias": 0.1, "*.gamma": 6.0},
                                decays={"dense_2.*": 0.5})]
CONSTRAINTS = [None, ev.MaxNorm(1.0), ev.UnitNorm()]
# No bias in front of batch normalization: its gradient is rounding, of which Adam makes steps.
NET = ev.Sequential([
    ev.Dense(21, bias=False), ev.BatchNorm(decay=0.8), ev.Tanh(), ev.Dropout(0.3), ev.Dense(18),
    ev.LayerNorm(), ev.Sigmoid(), ev.Dropout(0.5), ev.Dense(4),
])


def train_by_definition(net, arrays, batches, loss, rule, seed, penalty=None, clip=None,
                        constraint=None, augment=None, rates=None, momenta=None, average=None,
                        by_array=None, dropouts=None, decays=None):
    """What DESIGN.md calls a step, from the definitions alone; returns (arrays, records, averages).
    """
    arrays = {name: array.astype(np.float64) for name, array in arrays.items()}
    specs = net.arrays(batches[0][0].shape[1:])
    decaying = [name for name, spec in specs.items() if spec.decays]
    states = {name: tuple(np.zeros(spec.shape) for _ in rule.states)
              for name, spec in specs.items()}
    leads = average is not None and average.leads
    records, averages = [], {name: arrays[name] if leads else np.zeros(spec.shape)
                             for name, spec in specs.items()}
    for step, (x, y) in enumerate(batches):
        run = ev.Run(training=True, seed=seed, step=step,
                     learning_rate=None if rates is None else rates[step],
                     momentum=None if momenta is None else momenta[step],
                     dropout=1.0 if dropouts is None else dropouts[step],
                     decay=1.0 if decays is None else decays[step])
        if augment is not None:
            drawn = augment.numbers(seed, step, 1, x.shape[1])
            run = replace(run, **{name: float(value[0]) if name == "mix" else int(value[0])
                                  for name, value in drawn.items()})
            x = augment.inputs(x, run)
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
            own, at = (rule, run) if by_array is None else by_array.applied(name, rule, run)
            arrays[name], states[name] = own.update(
                arrays[name], gradient, states[name], at, name in decaying
            )
            if constraint is not None and name in decaying:
                arrays[name] = constraint.apply(arrays[name], run)
        arrays |= run.updates
        if average is not None:
            averages = {name: average.take(own, arrays[name], step + 1, run)
                        for name, own in averages.items()}
        if leads and average.weight(step + 1) > 0:
            arrays |= {name: averages[name] for name in gradients}
        records.append((float(cost), float(extra), float(norm)))
    return arrays, np.array(records), averages


@pytest.mark.parametrize("row", **ids(OPTIMIZERS))
@settings(max_examples=3, deadline=None)
@given(kind=st.sampled_from(of_width(4)), penalty=st.sampled_from(PENALTIES),
       clip=st.sampled_from(CLIPS), constraint=st.sampled_from(CONSTRAINTS),
       augment=st.sampled_from(AUGMENTS), scheduled=st.booleans(),
       average=st.sampled_from(AVERAGES), by_array=st.sampled_from(BY_ARRAY),
       batch=st.integers(5, 30), n=st.integers(31, 100), seed=st.integers(0, 2**63),
       isa=st.sampled_from(available_isas()), threads=st.sampled_from([1, 3]))
def test_training(row, kind, penalty, clip, constraint, augment, scheduled, average, by_array,
                  batch, n, seed, isa, threads):
    rng = np.random.default_rng(n)
    n -= n % batch == 1  # a batch of one row has no variance
    x, y = values(n, (n, 9)), kind.targets(rng, n, 4 // kind.outputs)
    parts = {"penalty": penalty, "clip": clip, "constraint": constraint, "augment": augment,
             "average": average}
    program = ev.compile(NET, 9, batch=batch, loss=kind.loss, optimizer=row.optimizer,
                         dtype="float64", rates=by_array, **parts)
    engine = ev.Engine(program, seed=seed, isa=isa, threads=threads,
                       weights=arrays_for(NET, (9,), n, "float64"))
    start = {name: array.copy() for name, array in engine.arrays.items()}
    orders = [rng.permutation(n) for _ in range(3)]
    steps = -(-n // batch)
    moves: dict[str, Any] = {}
    if scheduled:
        moves["rates"] = rng.uniform(0.001, 0.01, 3 * steps)
        moves["dropouts"] = rng.choice([0.0, 0.3, 1.0], 3 * steps)
        moves["decays"] = rng.uniform(0.0, 1.0, 3 * steps)
        if row.optimizer.momentum_name and getattr(row.optimizer, row.optimizer.momentum_name):
            moves["momenta"] = rng.uniform(0.8, 0.95, 3 * steps)
    records = np.concatenate([
        part for i, order in enumerate(orders)
        for part in engine.train(
            engine.rows(x), engine.targets(y), order, batch,
            **{what: values[i * steps : (i + 1) * steps] for what, values in moves.items()},
        )
    ])
    batches = [(x[order[i : i + batch]], y[order[i : i + batch]])
               for order in orders for i in range(0, n, batch)]
    arrays, wanted, averages = train_by_definition(
        NET, start, batches, kind.loss, row.optimizer, seed, by_array=by_array, **parts, **moves
    )
    assert engine.steps == len(wanted) >= 3
    # Rounding grows over some 60 steps, most where a rule divides by a small difference's root.
    most = 1e-6 if row.optimizer.kernel == "rmsprop_general" else 1e-9
    for column, what in enumerate(("loss", "penalty", "gradient norm")):
        assert error(records[:, (0, 2, 3)[column]], wanted[:, column]) < most, what
    for name, array in arrays.items():
        assert error(engine.arrays[name], array, 1e-2) < most, name
        if average is not None:
            assert error(engine.averages[name], averages[name], 1e-2) < most, name


@pytest.fixture
def _in_double():
    """PyTorch keeps some numbers of a rule, such as NAdam's product, in its default type."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.usefixtures("_in_double")
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


@pytest.mark.usefixtures("_in_double")
@pytest.mark.parametrize(("rule", "theirs"), [
    (ev.SGD(0.1), lambda groups: torch.optim.SGD(groups, lr=0.1)),
    (ev.Momentum(0.1), lambda groups: torch.optim.SGD(groups, lr=0.1, momentum=0.9)),
    (ev.RMSprop(0.01), lambda groups: torch.optim.RMSprop(groups, lr=0.01)),
    (ev.Adagrad(0.01), lambda groups: torch.optim.Adagrad(groups, lr=0.01)),
    (ev.Adam(0.01), lambda groups: torch.optim.Adam(groups, lr=0.01)),
    (ev.AdaMax(0.01), lambda groups: torch.optim.Adamax(groups, lr=0.01)),
    (ev.NAdam(0.01), lambda groups: torch.optim.NAdam(groups, lr=0.01)),
    (ev.RAdam(0.01), lambda groups: torch.optim.RAdam(groups, lr=0.01)),
], ids=lambda value: type(value).__name__ if isinstance(value, ev.Optimizer) else "")
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


def _clip_each(parameters, most):
    for parameter in parameters:
        torch.nn.utils.clip_grad_norm_([parameter], most)


@pytest.mark.parametrize("most", [0.1, 2.0, 100.0])
@pytest.mark.parametrize(("rule", "theirs"), [
    (ev.ClipGlobalNorm, torch.nn.utils.clip_grad_norm_), (ev.ClipNorm, _clip_each),
    (ev.ClipValue, torch.nn.utils.clip_grad_value_),
])
def test_clipping_is_pytorchs(rule, theirs, most):
    gradients = {"kernel": values(1, (6, 4)), "bias": values(2, (4,))}
    parameters = [torch.nn.Parameter(torch.zeros(g.shape)) for g in gradients.values()]
    for parameter, gradient in zip(parameters, gradients.values(), strict=True):
        parameter.data = parameter.data.to(torch.float64)
        parameter.grad = torch.tensor(gradient)
    theirs(parameters, most)
    clipped = rule(most).clip(gradients, ev.Run(training=True))
    for parameter, gradient in zip(parameters, clipped.values(), strict=True):
        # PyTorch divides by norm + 1e-6.
        assert error(gradient, parameter.grad.numpy()) < 1e-5


@pytest.mark.parametrize("shape", [(6, 4), (3, 3, 2, 5)])
def test_constraints_are_pytorchs(shape):
    run, value = ev.Run(training=True), 2 * values(1, shape)
    value[..., 1] = 0
    units = torch.tensor(value)
    wanted = torch.renorm(units, 2, len(shape) - 1, 1.5).numpy()
    assert error(ev.MaxNorm(1.5).apply(value, run), wanted) < 1e-6  # PyTorch divides by norm + 1e-7
    wanted = torch.nn.functional.normalize(units.reshape(-1, shape[-1]), dim=0).numpy()
    assert error(ev.UnitNorm().apply(value, run), wanted.reshape(shape)) < 1e-12


@pytest.mark.parametrize("penalty", [ev.L1(0.3), ev.L2(0.3), ev.ElasticNet(l1=0.2, l2=0.5)])
def test_penalty_gradient_is_its_costs_derivative(penalty):
    run, value, h = ev.Run(training=True), values(3, (5,)), 1e-6
    for i in range(5):
        up, down = value.copy(), value.copy()
        up[i] += h
        down[i] -= h
        slope = (penalty.cost(up, run) - penalty.cost(down, run)) / (2 * h)
        assert error(penalty.gradient(value, run)[i], slope) < 1e-7


def test_a_constraint_touches_kernels_alone():
    net = ev.Sequential([ev.Conv2D(70, 3), ev.BatchNorm(), ev.ReLU(), ev.Flatten(), ev.Dense(3)])
    x, y = values(0, (40, 5, 5, 2), "float32"), np.arange(40) % 3
    model = ev.fit(net, x, y, loss=ev.SoftmaxCrossEntropy(), optimizer=ev.SGD(0.5), epochs=2,
                   constraint=ev.MaxNorm(0.5))
    for name, array in model.weights.items():
        norms = np.sqrt((array.reshape(-1, array.shape[-1]) ** 2).sum(axis=0))
        if name.endswith("kernel"):
            assert norms.max() <= 0.5 * (1 + 1e-6), name
            assert norms.max() > 0.49, name
    assert model.weights["batch_norm_1.gamma"].max() > 0.5


def test_the_variance_of_a_gradient_that_never_changes_is_not_below_zero():
    rule, gradient = ev.RMSprop(0.01, beta=0.5, centered=True), np.linspace(0.1, 1.0, 99)
    value, state = np.zeros(99), (np.zeros(99),) * 3
    for step in range(100):
        value, state = rule.update(value, gradient, state, ev.Run(True, step=step))
    below = state[0] - state[2] ** 2 < 0
    assert below.any()
    assert np.isfinite(value).all()
