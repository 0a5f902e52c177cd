"""The worked example of each layer, loss and optimizer: small whole numbers, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

import evenly as ev
from evenly.byhand.show import ShownWork

TABLE = [[1, 2], [3, 4], [5, 0], [3, 2]]
SIGNS = [[-2, 1], [0, -1], [3, 2]]
SEQUENCE = [[[1, 0], [0, 2], [1, 1]]]
LINE = [[[1], [3], [2], [0]]]
IMAGE = [[[[1], [3], [2]], [[0], [2], [4]], [[5], [1], [1]]]]
DEEP = [[[[1, 0], [3, 2]], [[0, 1], [2, 4]]]]
MEMBERS = [[[1, 2], [3, 0]]]

# What a layer is tried on where no argument and signs will not do: (layer, x). Arrays that are
# drawn get whole numbers; containers, whose arrays have long names, are told them below.
LAYERS: dict[str, tuple[Any, Any]] = {
    "AlphaDropout": (ev.AlphaDropout(0.5), TABLE[:2]),
    "AveragePool1D": (ev.AveragePool1D(2), LINE),
    "AveragePool2D": (ev.AveragePool2D(2, stride=1), IMAGE),
    "BatchEnsemble": (ev.BatchEnsemble(1), MEMBERS),
    "BatchNorm": (ev.BatchNorm(epsilon=0.0), TABLE),
    "Branches": (ev.Branches([[ev.ReLU()], [ev.LeakyReLU()]]), SIGNS),
    "Conv1D": (ev.Conv1D(1, 2), LINE),
    "Conv2D": (ev.Conv2D(1, 2), IMAGE),
    "Dense": (ev.Dense(2), TABLE[:2]),
    "DepthwiseConv1D": (ev.DepthwiseConv1D(2), SEQUENCE),
    "DepthwiseConv2D": (ev.DepthwiseConv2D(2), DEEP),
    "DropConnect": (ev.DropConnect(ev.Dense(1), 0.5), TABLE[:2]),
    "Dropout": (ev.Dropout(0.5), TABLE),
    "Embedding": (ev.Embedding(3, 2), [[0, 2], [2, 1]]),
    "Ensemble": (ev.Ensemble([ev.Dense(1), ev.Dense(1)]), TABLE[:2]),
    "Flatten": (ev.Flatten(), IMAGE),
    "GaussianDropout": (ev.GaussianDropout(0.5), TABLE[:2]),
    "GaussianNoise": (ev.GaussianNoise(0.5), TABLE[:2]),
    "GlobalAveragePool": (ev.GlobalAveragePool(), SEQUENCE),
    "GlobalMaxPool": (ev.GlobalMaxPool(), SEQUENCE),
    "GRU": (ev.GRU(1), SEQUENCE),
    "GroupNorm": (ev.GroupNorm(2, epsilon=0.0), [[1, 3, 0, 4], [2, 6, 5, 1]]),
    "InstanceNorm": (ev.InstanceNorm(epsilon=0.0), SEQUENCE),
    "LayerNorm": (ev.LayerNorm(epsilon=0.0), [[1, 3, 5], [0, 4, 2]]),
    "LSTM": (ev.LSTM(1), SEQUENCE),
    "MaxPool1D": (ev.MaxPool1D(2), LINE),
    "MaxPool2D": (ev.MaxPool2D(2, stride=1), IMAGE),
    "MemberDense": (ev.MemberDense(1), MEMBERS),
    "MemberMean": (ev.MemberMean(), MEMBERS),
    "Members": (ev.Members(2), TABLE[:2]),
    "Parametric": (ev.Parametric(ev.ReLU()), SIGNS),
    "Periodic": (ev.Periodic(1, 1), [[1], [2]]),
    "PiecewiseLinear": (ev.PiecewiseLinear(2), [[-1], [1], [3]]),
    "Reshape": (ev.Reshape((1, 2)), TABLE[:2]),
    "Residual": (ev.Residual([ev.ReLU()]), SIGNS),
    "RMSNorm": (ev.RMSNorm(epsilon=0.0), [[1, 7], [1, -1]]),
    "RNN": (ev.RNN(1), SEQUENCE),
    "Sequential": (ev.Sequential([ev.Dense(1), ev.ReLU()]), TABLE[:2]),
    "Slice": (ev.Slice(0, 1), TABLE[:2]),
    "SpatialDropout": (ev.SpatialDropout(0.5), SEQUENCE),
    "StochasticDepth": (ev.StochasticDepth(0.5), TABLE),
    "WeightNorm": (ev.WeightNorm(ev.Dense(1)), TABLE[:2]),
}
ARRAYS: dict[str, dict[str, Any]] = {
    "Ensemble": {"dense_1.kernel": [[1], [2]], "dense_2.kernel": [[3], [0]]},
    "PiecewiseLinear": {"edge": [[0], [2]], "slope": [[0.5], [1]]},
    "Sequential": {"dense_1.kernel": [[1], [-2]], "dense_1.bias": [5]},
}


def cycle(shape: tuple[int, ...]) -> Any:
    """Small whole numbers that are not all alike."""
    return np.resize([1, 2, 0, -1, 1], shape)


def layer(name: str) -> ShownWork:
    """Forward and backward of a layer."""
    own, x = LAYERS.get(name) or (getattr(ev, name)(), SIGNS)
    shape = np.shape(x)[1:]
    weights = dict(ARRAYS.get(name, {}))
    if not weights and name not in ("Residual", "Branches"):
        for array, spec in own.arrays(shape).items():
            if not isinstance(spec.initializer, (ev.Constant, ev.Zeros)):
                weights[array] = cycle(spec.shape)
    return ev.show_work(own, x, weights=weights, d_y=cycle((len(x), *own.output_shape(shape))))


LOSSES: dict[str, tuple[Any, Any]] = {
    "SoftmaxCrossEntropy": ([[0, 0, 0], [1, 0, 0]], [2, 0]),
    "FocalCrossEntropy": ([[0, 0, 0], [1, 0, 0]], [2, 0]),
    **{name: ([[0, 0], [1, 0]], [[1, 0], [0, 1]]) for name in (
        "AsymmetricCrossEntropy", "BinaryCrossEntropy", "BinaryFocalCrossEntropy")},
    "Quantile": ([[0, 1, 0], [1, 0, 1]], [[1], [3]]),
}
SETTINGS: dict[str, Any] = {"Quantile": lambda: ev.Quantile((0.1, 0.5, 0.9))}


def loss(name: str) -> ShownWork:
    """A loss of two examples and its gradient on the scores."""
    scores, targets = LOSSES.get(name, ([[0], [1]], [[1], [3]]))
    own = SETTINGS[name]() if name in SETTINGS else getattr(ev, name)()
    width = len(scores[0])
    return ev.show_work(ev.Slice(0, width), scores, targets, loss=own, phases=["given", "loss"])


def optimizer(name: str) -> ShownWork:
    """One step of an optimizer: the update of a kernel and its bias."""
    return ev.show_work(ev.Dense(1), [[1, 2], [3, 1]], [[1], [2]], loss=ev.MeanSquaredError(),
                        optimizer=getattr(ev, name)(0.1),
                        weights={"kernel": [[1], [0]], "bias": [1]},
                        phases=["given", "backward", "update"])


MAKERS = {"layers": layer, "losses": loss, "optimizers": optimizer}
