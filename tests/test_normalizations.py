"""What normalization layers ask of shapes and batches, and what a frozen one leaves alone."""

import re

import numpy as np
import pytest
import torch

import evenly as ev
from tests.contract.common import arrays_for, definition, error, values


@pytest.mark.parametrize(("layer", "shape", "message"), [
    (ev.GroupNorm(3, name="g"), (8,),
     "GroupNorm 'g': groups must divide the channels, got groups=3 and 8 channels: "
     "choose one of 1, 2, 4, 8"),
    (ev.GroupNorm(8), (8,), "GroupNorm 'group_norm_1': a group must hold at least two values"),
    (ev.InstanceNorm(), (8,), "InstanceNorm 'instance_norm_1': expects (batch, positions, ..., "
                              "channels) with at least two positions, got (batch, 8)"),
    (ev.InstanceNorm(), (1, 1, 8), "use GroupNorm or LayerNorm"),
    (ev.LayerNorm(2, name="ln"), (8,), "LayerNorm 'ln': axes=2 needs examples of at least 2 axes, "
                                       "got (batch, 8): use axes=1 or less"),
    (ev.RMSNorm(3), (4, 8), "RMSNorm 'rms_norm_1': axes=3 needs examples of at least 3 axes"),
])
def test_shapes_that_do_not_fit(layer, shape, message):
    with pytest.raises(ev.errors.ShapeError, match=re.escape(message)):
        ev.compile([layer], shape)


@pytest.mark.parametrize(("make", "message"), [
    (lambda: ev.GroupNorm(0), "GroupNorm: groups must be a whole number of at least 1, got 0"),
    (lambda: ev.GroupNorm(2.0), "got 2.0"),
    (lambda: ev.GroupNorm(2, epsilon=-1), "GroupNorm: epsilon must not be negative"),
    (lambda: ev.InstanceNorm(epsilon=-1), "InstanceNorm: epsilon must not be negative"),
    (lambda: ev.RMSNorm(epsilon=-1), "RMSNorm: epsilon must not be negative"),
    (lambda: ev.RMSNorm(0), "RMSNorm: axes must be a whole number of at least 1, got 0"),
    (lambda: ev.LayerNorm(0), "LayerNorm: axes must be a whole number of at least 1, got 0"),
])
def test_settings_that_cannot_work(make, message):
    with pytest.raises(ev.errors.ConfigurationError, match=re.escape(message)):
        make()


def trained(layers, shape, batch, **settings):
    return ev.compile([*layers, ev.Flatten(), ev.Dense(2)], shape, batch,
                      ev.SoftmaxCrossEntropy(), ev.SGD(0.1), dtype="float64", **settings)


@pytest.mark.parametrize("shape", [(3,), (1, 1, 3)])
def test_batch_norm_needs_two_values_a_channel(shape):
    message = r"BatchNorm 'batch_norm_1': .* 2 rows, got batch=1: .*larger batch, LayerNorm or Gro"
    with pytest.raises(ev.errors.ConfigurationError, match=message):
        trained([ev.BatchNorm()], shape, 1)
    assert trained([ev.BatchNorm()], shape, 2).training_rows == 2


def test_batch_norm_trains_on_one_image():
    """64 values a channel, and PyTorch agrees."""
    x, y = values(0, (1, 8, 8, 3)), np.array([1])
    program = trained([ev.BatchNorm(decay=0.7)], (8, 8, 3), 1)
    assert program.training_rows == 1
    engine = ev.Engine(program, seed=1)
    module = torch.nn.BatchNorm2d(3, momentum=0.3, dtype=torch.float64)
    theirs = module(torch.tensor(x).movedim(-1, 1)).movedim(1, -1)
    run = ev.Run(training=True)
    got, _ = ev.BatchNorm(decay=0.7).forward(
        x, {"running_mean": np.zeros(3), "running_variance": np.ones(3)}, run)
    assert error(got, theirs.detach().numpy()) < 1e-12
    engine.step(x, y)
    for ours, name in (("running_mean", "running_mean"), ("running_variance", "running_var")):
        wanted = getattr(module, name).numpy()
        assert error(engine.arrays[f"batch_norm_1.{ours}"], wanted) < 1e-12


def test_the_last_image_of_a_pass_trains_too():
    """A flat row alone would sit the pass out; an image alone has a variance."""
    x, y = values(0, (5, 4, 4, 2)), np.array([0, 1, 0, 1, 0])
    model = ev.fit([ev.BatchNorm(), ev.Flatten(), ev.Dense(2)], x, y, batch=2, epochs=1,
                   loss=ev.SoftmaxCrossEntropy())
    assert model.history[-1].steps == 3


@pytest.mark.parametrize("shape", [(6,), (3, 2, 6)])
@pytest.mark.parametrize("layer", [
    ev.BatchNorm(), ev.BatchNorm(frozen=True), ev.GroupNorm(2), ev.LayerNorm(), ev.RMSNorm(),
])
def test_inference_of_one_row(layer, shape):
    net = ev.Sequential([layer])
    arrays = arrays_for(net, shape, 3, "float64")
    engine = ev.Engine(ev.compile(net, shape, batch=4, dtype="float64"), weights=arrays)
    x = values(1, (5, *shape))
    wanted, _ = net.forward(x, arrays, ev.Run(training=False))
    for row in range(5):
        assert error(engine.predict(x[row : row + 1]), wanted[row : row + 1]) < 1e-12


def test_frozen_statistics_stay_and_gain_learns():
    program = trained([ev.BatchNorm(frozen=True)], (3,), 1)
    assert program.training_rows == 1
    engine = ev.Engine(program, seed=1)
    running = {name: engine.arrays[name] for name in
               ("batch_norm_1.running_mean", "batch_norm_1.running_variance")}
    running["batch_norm_1.running_mean"][...] = [1, 2, 3]
    before = {name: array.copy() for name, array in engine.arrays.items()}
    engine.step(values(0, (1, 3)), np.array([1]))
    for name, array in engine.arrays.items():
        assert (array == before[name]).all() == (name in running), name


def test_a_bias_in_front_of_frozen_statistics_learns():
    """Nothing subtracts it again: its gradient must be computed."""
    net = ev.Sequential([ev.Dense(4), ev.BatchNorm(frozen=True)])
    arrays = arrays_for(net, (3,), 0, "float64")
    engine = ev.Engine(ev.compile(net, (3,), batch=5, dtype="float64"), weights=arrays)
    x, d_y = values(0, (5, 3)), values(1, (5, 4))
    _, _, gradients = definition(net, x, arrays, d_y, ev.Run(training=True))
    engine.forward(x)
    _, got = engine.backward(d_y)
    assert np.abs(gradients["dense_1.bias"]).max() > 0.1
    assert error(got["dense_1.bias"], gradients["dense_1.bias"]) < 1e-12


def test_init_takes_as_many_rows_as_training_needs():
    model = ev.init([ev.BatchNorm(), ev.Dense(2)], 3, loss=ev.SoftmaxCrossEntropy())
    assert model.predict(values(0, (1, 3))).shape == (1, 2)
