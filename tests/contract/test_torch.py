"""Fourth witness: PyTorch."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import evenly as ev
from tests.contract.common import arrays_for, error, values
from tests.contract.rows import LAYERS, LOSSES, OPTIMIZERS, batches, ids


def load(module, row, layer_arrays):
    """Gives a PyTorch module our arrays; where we have none, it keeps gain 1 and shift 0."""
    state = dict(module.state_dict())
    for name, array in layer_arrays.items():
        theirs, change = row.to_torch[name]
        state[theirs] = torch.tensor(change(array))
    module.load_state_dict(state)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("row", **ids([row for row in LAYERS if row.torch]))
@settings(max_examples=4, deadline=None)
@given(data=st.data(), seed=st.integers(0, 2**31))
def test_layer(row, training, data, seed):
    shape, batch = data.draw(row.shapes), data.draw(batches)
    net = ev.Sequential([row.layer])
    arrays = arrays_for(net, shape, seed, "float64")
    own = {key.split(".")[1]: value for key, value in arrays.items()}
    module = row.torch(shape)
    load(module, row, own)
    module.train(training)

    x = row.inputs(seed, (batch, *shape), "float64")
    run = ev.Run(training=training, seed=seed)
    y, saved = net.forward(x, arrays, run)
    tensor = torch.tensor(x, requires_grad=True)
    their_y = module(tensor)
    assert error(y, their_y.detach().numpy()) < 1e-12
    for array, value in run.updates.items():
        theirs, _ = row.to_torch[array.split(".")[1]]
        assert error(value, module.state_dict()[theirs].numpy()) < 1e-12
    if not training:
        return
    d_y = values(seed + 2, y.shape)
    d_x, gradients = net.backward(d_y, arrays, saved, run)
    their_y.backward(torch.tensor(d_y))
    assert error(d_x, tensor.grad.numpy(), 1e-2) < 1e-10
    for key, gradient in gradients.items():
        theirs, change = row.to_torch[key.split(".")[1]]
        their_gradient = module.get_parameter(theirs).grad.numpy()
        assert error(change(gradient), their_gradient, 1.0) < 1e-12


@pytest.mark.parametrize("row", **ids(LOSSES))
@settings(max_examples=12, deadline=None)
@given(rows=batches, k=st.integers(1, 40), seed=st.integers(0, 2**31))
def test_loss(row, rows, k, seed):
    rng = np.random.default_rng(seed)
    outputs = k * row.outputs
    scores, y = 5 * values(seed, (rows, outputs)), row.targets(rng, rows, k)
    run = ev.Run(training=True)
    loss, saved = row.loss.forward(scores, row.loss.prepare(y, (outputs,), "float64"), run)
    tensor = torch.tensor(scores, requires_grad=True)
    theirs = row.torch(tensor, y)
    theirs.backward()
    assert error(loss, theirs.item(), 1e-6) < 1e-12
    assert error(row.loss.backward(saved, run), tensor.grad.numpy(), 1e-6) < 1e-12


@pytest.mark.parametrize("row", **ids([row for row in OPTIMIZERS if row.torch]))
def test_optimizer_over_a_hundred_steps(row):
    """Same gradients in, same weights out, by the native kernels in float32."""
    net = ev.Sequential([ev.Dense(13)])
    program = ev.compile(net, 17, batch=4, loss=ev.MeanSquaredError(), optimizer=row.optimizer)
    engine = ev.Engine(program, seed=1)
    theirs = {name: torch.nn.Parameter(torch.tensor(array.copy()))
              for name, array in engine.arrays.items()}
    optimizer = row.torch([theirs["dense_1.kernel"]], [theirs["dense_1.bias"]])
    for step in range(100):
        for name, parameter in theirs.items():
            gradient = values(1000 + step, parameter.shape, "float32")
            engine.gradient(name)[...] = gradient
            parameter.grad = torch.tensor(gradient)
        engine.update()
        optimizer.step()
    for name, parameter in theirs.items():
        assert error(engine.arrays[name], parameter.detach().numpy()) < 1e-6


def torch_pair(seed, dtype="float64"):
    """A net of ours and PyTorch's with the same weights."""
    net = ev.Sequential([ev.Dense(9), ev.BatchNorm(), ev.Tanh(), ev.Dense(4)])
    arrays = arrays_for(net, (6,), seed, dtype)
    module = torch.nn.Sequential(
        torch.nn.Linear(6, 9), torch.nn.BatchNorm1d(9), torch.nn.Tanh(), torch.nn.Linear(9, 4)
    ).to(torch.float64)
    state = module.state_dict()
    for ours, theirs in (("dense_1", "0"), ("dense_2", "3")):
        state[f"{theirs}.weight"] = torch.tensor(arrays[f"{ours}.kernel"].T.copy())
        state[f"{theirs}.bias"] = torch.tensor(arrays[f"{ours}.bias"])
    for ours, theirs in (("gamma", "weight"), ("beta", "bias"), ("running_mean", "running_mean"),
                         ("running_variance", "running_var")):
        state[f"1.{theirs}"] = torch.tensor(arrays[f"batch_norm_1.{ours}"])
    module.load_state_dict(state)
    return net, arrays, module


@pytest.mark.parametrize("clip", [None, 0.05])
def test_training_a_whole_net_with_l2_and_clipping(clip):
    net, arrays, module = torch_pair(4)
    program = ev.compile(
        net, 6, batch=20, loss=ev.SoftmaxCrossEntropy(), optimizer=ev.SGD(0.3), dtype="float64",
        penalty=ev.L2(0.01), clip=ev.ClipGlobalNorm(clip) if clip else None,
    )
    engine = ev.Engine(program, weights=arrays)
    # The bias in front of batch normalization has no effect: ours stays, theirs drifts by rounding.
    kernels = [module[0].weight, module[3].weight]
    optimizer = torch.optim.SGD(module.parameters(), lr=0.3)
    # PyTorch divides by norm + 1e-6: that much they differ where clipping is at work.
    tolerance = 1e-5 if clip else 1e-9
    rng = np.random.default_rng(0)
    for step in range(10):
        x, y = values(step, (20, 6)), rng.integers(0, 4, 20)
        record = engine.step(x, y)
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(module(torch.tensor(x)), torch.tensor(y))
        penalty = 0.01 / 2 * sum((k * k).sum() for k in kernels)
        (loss + penalty).backward()
        norm = torch.nn.utils.clip_grad_norm_(module.parameters(), clip or 1e9)
        optimizer.step()
        assert error(record.loss, loss.item()) < tolerance
        assert error(record.penalty, penalty.item()) < tolerance
        assert error(record.gradient_norm, norm.item()) < tolerance
    module.eval()
    assert error(engine.predict(x), module(torch.tensor(x)).detach().numpy()) < tolerance
