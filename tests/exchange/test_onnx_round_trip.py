"""What Evenly writes as ONNX comes back as the same layers, under their names."""

from __future__ import annotations

import numpy as np
import pytest

import evenly as ev

from .onnx_common import assert_near

IMAGE, STEPS = (8, 7, 3), (6, 3)
ACTIVATIONS = [
    ev.ReLU(), ev.Sigmoid(), ev.Tanh(), ev.LeakyReLU(0.1), ev.ELU(0.7), ev.SELU(), ev.Softplus(),
    ev.Softplus(2.0), ev.Softsign(), ev.GELU(), ev.GELU(approximate=True), ev.SiLU(), ev.Mish(),
    ev.HardSigmoid(), ev.HardSigmoid(0.2), ev.HardSwish(), ev.Softmax(), ev.PReLU(),
    ev.PReLU(shared=True), ev.Scale(),
]
NETS = [
    *(([ev.Dense(4), layer, ev.Dense(2)], (3,)) for layer in ACTIVATIONS),
    ([ev.Conv2D(4, 3, padding="same"), ev.BatchNorm(), ev.ReLU(), ev.MaxPool2D(2), ev.Flatten(),
      ev.Dense(3)], IMAGE),
    ([ev.Conv2D(4, 3), ev.GroupNorm(2), ev.ReLU(), ev.AveragePool2D(2), ev.GlobalAveragePool(),
      ev.Dense(3)], IMAGE),
    ([ev.Conv2D(4, 3, stride=2, dilation=2, bias=False), ev.InstanceNorm(), ev.LayerNorm(),
      ev.GlobalMaxPool()], IMAGE),
    ([ev.Conv2D(6, 3, groups=3), ev.RMSNorm(), ev.LayerNorm(axes=3)], IMAGE),
    ([ev.GroupNorm(1), ev.PReLU(), ev.Conv2D(2, 1)], IMAGE),
    ([ev.Residual([ev.Conv2D(3, 3, padding="same"), ev.ReLU()]),
      ev.Branches([[ev.Conv2D(2, 1)], [ev.Conv2D(3, 3, padding="same"), ev.Tanh()]],
                  "concatenate")], IMAGE),
    ([ev.Branches([ev.Conv2D(2, 1), ev.Conv2D(2, 3, padding="same"),
                   [ev.Conv2D(2, 1), ev.ReLU()]]),
      ev.Residual([ev.Conv2D(2, 1)], ev.Conv2D(2, 1))], IMAGE),
    ([ev.Conv1D(4, 3, name="first"), ev.BatchNorm(), ev.ReLU(), ev.MaxPool1D(2),
      ev.GlobalMaxPool(), ev.Dense(2)], STEPS),
    ([ev.LSTM(4, sequences=True), ev.GRU(3), ev.Dense(2)], STEPS),
    ([ev.GRU(3, reset="before")], STEPS),
    ([ev.RNN(3, activation="relu", reverse=True)], STEPS),
    ([ev.LSTM(3, bidirectional=True), ev.Dense(2)], STEPS),
    ([ev.Reshape((3, 6, 1)), ev.Conv2D(2, 2)], STEPS),
    ([ev.Embedding(7, 4), ev.LSTM(3), ev.Dense(2)], (5,)),
]


@pytest.mark.parametrize(("layers", "shape"), NETS, ids=lambda x: str(x)[:40])
@pytest.mark.parametrize("first", [False, True])
def test_same_layers(layers, shape, first):
    rng = np.random.default_rng(0)
    model = ev.init(ev.Sequential(layers), shape)
    for name, array in model.weights.items():
        far = 7 if name.endswith("mean") else 0  # a mean far from 0 is subtracted by itself
        array[...] = rng.uniform(0.5, 1.5, array.shape) + far
    x = (rng.integers(0, 7, (3, *shape)) if shape == (5,) else rng.normal(size=(3, *shape)))
    twin = ev.from_onnx(ev.to_onnx(model, channels_first=first))

    def told(one):
        return [(name, type(layer).__name__) for name, layer in one.net.named_layers()]

    assert told(twin) == told(model)
    assert twin.input_shape == model.input_shape
    assert_near(twin.predict(x), model.predict(x))
    for name in model.weights:
        assert_near(twin.weights[name], model.weights[name], 1e-6)
