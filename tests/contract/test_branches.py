"""Branches and residual blocks: the program against the definition and against PyTorch."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import evenly as ev
from tests.contract.common import TOLERANCE, arrays_for, definition, error, values

NETS = {
    "residual": [ev.Dense(9), ev.Residual([ev.Dense(5), ev.ReLU(), ev.Dense(9)]), ev.ReLU()],
    "at the input": [ev.Residual([ev.Dense(7), ev.Tanh()]), ev.Dense(3)],
    "shortcut": [ev.Residual([ev.Dense(6), ev.BatchNorm(epsilon=1e-3)], shortcut=[ev.Dense(6)]),
                 ev.Sigmoid(), ev.Dropout(0.4)],
    "nested": [ev.Dense(8), ev.Residual([ev.Residual([ev.Dense(8), ev.Tanh()]), ev.Dense(8)]),
               ev.Residual([ev.LayerNorm(epsilon=1e-3), ev.Dense(8)])],
    "concatenated": [ev.Dense(6), ev.ReLU(),
                     ev.Branches([ev.Dense(2), [ev.Dense(4), ev.Tanh()], []], "concatenate"),
                     ev.Tanh(), ev.Dropout(0.3), ev.Dense(3)],
    "three ways": [ev.Dense(5), ev.Branches([ev.Dense(4), ev.Dense(4), [ev.Tanh(), ev.Dense(4)]]),
                   ev.Dense(2)],
    "activation that two read": [ev.Dense(5), ev.Branches([ev.ReLU(), ev.Tanh(), []]), ev.Dense(2)],
    "last": [ev.Dense(5), ev.Branches([ev.Tanh(), []], "concatenate")],
    "reshaped in one": [ev.Dense(6), ev.Branches([[ev.Reshape((2, 3)), ev.Flatten(), ev.ReLU()],
                                                  ev.Tanh()])],
    "gradient not wanted": [ev.Branches([ev.Dropout(0.2), ev.Dense(7)]), ev.Dense(2)],
    "one": [ev.Branches([ev.Dense(3)])],
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NETS)
@settings(max_examples=5, deadline=None)
@given(rows=st.integers(4, 30), seed=st.integers(0, 2**31), threads=st.sampled_from([1, 2, 3]))
def test_program_is_the_definition(name, dtype, rows, seed, threads):
    net = ev.Sequential(NETS[name])
    program = ev.compile(net, (7,), batch=rows, dtype=dtype)
    arrays = arrays_for(net, (7,), seed, dtype)
    engine = ev.Engine(program, seed=seed, weights=arrays, threads=threads)
    x, d_y = values(seed, (rows, 7), dtype), values(seed + 2, (rows, *program.output_shape), dtype)
    y, d_x, gradients = definition(net, x, arrays, d_y, ev.Run(training=True, seed=seed))
    tolerance = 30 * TOLERANCE[dtype]
    kept = d_y.copy()
    assert error(engine.forward(x), y, 1.0) < tolerance
    got_d_x, got = engine.backward(d_y)
    np.testing.assert_array_equal(d_y, kept)  # the caller's array is the caller's
    assert error(got_d_x, d_x, 1.0) < tolerance
    assert sorted(got) == sorted(gradients)
    for array, gradient in gradients.items():
        assert error(got[array], gradient, 1.0) < tolerance, array
    wanted, _ = net.forward(x.astype(np.float64), arrays, ev.Run(training=False))
    assert error(engine.predict(x), wanted, 1.0) < tolerance


def test_residual_network_is_pytorchs():
    net = ev.Sequential([ev.Dense(6, name="a"), ev.Residual([ev.Dense(4, name="b"), ev.Tanh(),
                                                             ev.Dense(6, name="c")]), ev.ReLU()])
    arrays = arrays_for(net, (5,), 1, "float64")
    program = ev.compile(net, (5,), batch=8, dtype="float64")
    engine = ev.Engine(program, weights=arrays)
    tensors = {name: torch.tensor(array, requires_grad=True) for name, array in arrays.items()}

    def dense(name, x):
        return x @ tensors[f"{name}.kernel"] + tensors[f"{name}.bias"]

    x, d_y = values(0, (8, 5)), values(1, (8, 6))
    tensor = torch.tensor(x, requires_grad=True)
    h = dense("a", tensor)
    y = torch.relu(dense("c", torch.tanh(dense("b", h))) + h)
    y.backward(torch.tensor(d_y))
    assert error(engine.forward(x), y.detach().numpy()) < 1e-12
    d_x, gradients = engine.backward(d_y)
    assert error(d_x, tensor.grad.numpy()) < 1e-12
    for name, gradient in gradients.items():
        assert error(gradient, tensors[name].grad.numpy()) < 1e-12, name


def test_names_count_over_the_whole_network():
    net = ev.Sequential([ev.Dense(4), ev.Residual([ev.Dense(4), ev.ReLU()]), ev.Dense(4)])
    assert [name for name, _ in net.named_layers()] == ["dense_1", "dense_2", "relu_1", "dense_3"]
    assert "dense_2.kernel" in net.arrays((4,))
    with pytest.raises(ev.errors.ConfigurationError, match="two layers are named 'a'"):
        ev.Sequential([ev.Dense(4, name="a"), ev.Residual([ev.Dense(4, name="a")])])


def test_shapes_that_do_not_fit():
    with pytest.raises(ev.errors.ShapeError, match=(
        r"Residual 'residual_1': outputs that are summed must have one shape, got \(3,\), \(7,\): "
        r"give shortcut= a layer"
    )):
        ev.compile([ev.Residual([ev.Dense(3)])], 7)
    with pytest.raises(ev.errors.ShapeError, match="may differ in the last axis alone"):
        ev.compile([ev.Branches([[], ev.Flatten()], "concatenate")], (2, 3))


def test_a_bias_is_cancelled_only_where_its_channel_stays_together():
    """BatchNorm over 3 channels of what was one channel of 6: the bias still has an effect."""
    net = ev.Sequential([ev.Dense(6), ev.Reshape((2, 3)), ev.BatchNorm(epsilon=1e-3)])
    program = ev.compile(net, (4,), batch=10, dtype="float64")
    arrays = arrays_for(net, (4,), 0, "float64")
    engine = ev.Engine(program, weights=arrays)
    x, d_y = values(0, (10, 4)), values(1, (10, 2, 3))
    _, _, gradients = definition(net, x, arrays, d_y, ev.Run(training=True))
    engine.forward(x)
    _, got = engine.backward(d_y)
    assert np.abs(gradients["dense_1.bias"]).max() > 1e-3
    assert error(got["dense_1.bias"], gradients["dense_1.bias"]) < 1e-10


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layers", [
    [ev.Conv2D(7, 3, padding="same"), ev.BatchNorm(epsilon=1e-3), ev.ReLU(), ev.Dropout(0.3)],
    [ev.Conv1D(40, 2, bias=False), ev.BatchNorm(epsilon=1e-3)],
    [ev.DepthwiseConv2D(2), ev.BatchNorm(epsilon=1e-3), ev.Tanh()],
    [ev.Conv2D(70, 3, padding="same"), ev.Branches([ev.BatchNorm(epsilon=1e-3), []])],
], ids=["image", "sequence", "depthwise", "two readers"])
def test_statistics_that_a_convolution_leaves_are_the_batchs(layers, dtype):
    """Large enough for several strips; far from zero, where squares of raw numbers cancel."""
    shape = (90, 8) if isinstance(layers[0], ev.Conv1D) else (70, 33, 8)
    net = ev.Sequential(layers)
    program = ev.compile(net, shape, batch=6, dtype=dtype, loss=None)
    assert any("moments" in line.buffers for line in program.lists["forward"])
    arrays = arrays_for(net, shape, 3, dtype)
    if "conv2d_1.bias" in arrays and dtype == "float64":
        arrays["conv2d_1.bias"] += 1e4
    x, d_y = values(0, (6, *shape), dtype), values(1, (6, *program.output_shape), dtype)
    y, d_x, gradients = definition(net, x, arrays, d_y, ev.Run(training=True, seed=2))
    found = []
    for threads in (1, 2):
        engine = ev.Engine(program, seed=2, weights=arrays, threads=threads)
        found.append(engine.forward(x).copy())
        got_d_x, got = engine.backward(d_y)
        tolerance = 1e-4 if dtype == "float32" else 1e-9
        assert error(found[-1], y, 1.0) < tolerance
        assert error(got_d_x, d_x, 1.0) < tolerance
        for name, gradient in gradients.items():
            largest = max(float(np.abs(g).max()) for g in gradients.values())
            assert error(got[name], gradient, largest) < tolerance, name
    np.testing.assert_array_equal(*found)
