"""The networks of the bank: a plan, and the settings that it stands for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import evenly as ev
from evenly.settings import Settings

from .data import Data

# Families that thresholds are chosen without.
REPORT_ONLY = ("branches", "both ways", "pooled")
FAMILIES = {
    "table": ("mlp", "mlp", "residual"),
    "image": ("cnn", "cnn", "mlp"),
    "sequence": ("rnn", "lstm", "gru", "conv1d"),
}
MORE_FAMILIES = {"table": ("branches",), "image": ("pooled",), "sequence": ("both ways",)}
RECURRENT = {"rnn": ev.RNN, "lstm": ev.LSTM, "gru": ev.GRU}
ACTIVATIONS = {
    "relu": ev.ReLU, "leaky_relu": ev.LeakyReLU, "elu": ev.ELU, "gelu": ev.GELU, "silu": ev.SiLU,
    "tanh": ev.Tanh, "sigmoid": ev.Sigmoid, "softmax": ev.Softmax,
}
OPTIMIZERS = {
    "adam": ev.Adam, "adamw": ev.AdamW, "rmsprop": ev.RMSprop, "sgd": ev.SGD,
    "momentum": ev.Momentum,
}


@dataclass(frozen=True)
class Plan:
    """All that recipes change of a training that is no data.

    Attributes:
        family: ``mlp``, ``residual``, ``branches`` (a linear one beside a deep one), ``cnn``,
            ``pooled``, ``conv1d``, ``rnn``, ``lstm``, ``gru``, ``both ways``.
        units, depth: of the hidden layers.
        activation: "" for none.
        norm: ``batch``, ``layer`` or ""; norm_decay: of batch normalization.
        dropout: its rate; dropout_first: in front of the normalization instead of behind.
        init: of all kernels, None: He or Xavier, as the activation wants it.
        recurrent_init: None for the layer's own.
        bias: first value of the hidden layers' biases.
        output: an activation behind the last layer.
        loss: ``""`` (what the data want), ``squared`` (of one-hot rows), ``numbers`` (squared, of
            class numbers), ``absolute`` (of one-hot rows).
        own: a layer of one's own: ``wrong sign``, ``mixes rows`` or "".
    """

    family: str = "mlp"
    units: int = 32
    depth: int = 2
    activation: str = "relu"
    norm: str = ""
    norm_decay: float = 0.9
    dropout: float = 0.0
    dropout_first: bool = False
    init: Any = None
    recurrent_init: Any = None
    bias: float = 0.0
    output: str = ""
    loss: str = ""
    own: str = ""
    optimizer: str = "adam"
    rate: float = 0.01
    momentum: float = 0.9
    epochs: int = 30
    batch: int = 32
    l2: float = 0.0
    weight_decay: float = 0.0
    clip: Any = None
    schedule: Any = None
    early_stopping: Any = None

    @property
    def recurrent(self) -> bool:
        return self.family in RECURRENT


def build(plan: Plan, data: Data) -> Settings:
    """The settings of a plan for these data."""
    outputs = data.outputs
    if plan.loss == "numbers":
        outputs = 1
    layers = [*_body(plan, data), ev.Dense(outputs, kernel_init=_kernel(plan, last=True))]
    if plan.output:
        layers.append(ACTIVATIONS[plan.output]())
    if plan.own == "wrong sign":
        layers.append(WrongSign())
    elif plan.own == "mixes rows":
        layers.insert(len(layers) - 1, MixesRows())
    more = {"beta": plan.momentum} if plan.optimizer == "momentum" else {}
    if plan.weight_decay:
        more["weight_decay"] = plan.weight_decay
    return Settings(
        net=ev.Sequential(layers), loss=_loss(plan, data),
        optimizer=OPTIMIZERS[plan.optimizer](plan.rate, **more), epochs=plan.epochs,
        batch=plan.batch, penalty=ev.L2(plan.l2) if plan.l2 else None, clip=plan.clip,
        schedule=plan.schedule, early_stopping=plan.early_stopping,
    )


def targets(plan: Plan, data: Data, y: Any) -> Any:
    """Targets as the plan's loss takes them."""
    if data.task == "classes" and plan.loss in ("squared", "absolute"):
        return np.eye(data.outputs, dtype=np.float32)[y]
    if plan.loss or data.task == "numbers":
        return y.astype(np.float32)
    return (y == data.y.max()) * 1 if data.task == "labels" else y


def _loss(plan: Plan, data: Data) -> Any:
    if plan.loss in ("squared", "numbers") or (not plan.loss and data.task == "numbers"):
        return ev.MeanSquaredError()
    if plan.loss == "absolute":
        return ev.MeanAbsoluteError()
    return ev.SoftmaxCrossEntropy() if data.task == "classes" else ev.BinaryCrossEntropy()


def _kernel(plan: Plan, last: bool = False) -> Any:
    if plan.init is not None:
        return plan.init
    return ev.XavierUniform() if last or plan.activation in ("tanh", "sigmoid", "") else (
        ev.HeNormal())


def _body(plan: Plan, data: Data) -> list[Any]:
    flat = [] if len(data.shape) == 1 else [ev.Flatten()]
    if plan.recurrent:
        return _cells(plan)
    if plan.family == "cnn":
        return [*_block(plan, ev.Conv2D(plan.units, 3, padding="same", **_first(plan))),
                ev.MaxPool2D(2),
                *[layer for _ in range(plan.depth - 1) for layer in
                  _block(plan, ev.Conv2D(plan.units, 3, padding="same", **_first(plan)))],
                ev.Flatten()]
    if plan.family == "conv1d":
        return [*[layer for _ in range(plan.depth) for layer in
                  _block(plan, ev.Conv1D(plan.units, 3, padding="same", **_first(plan)))],
                ev.GlobalMaxPool()]
    if plan.family == "pooled":
        return [*_block(plan, ev.Conv2D(plan.units, 3, padding="same", **_first(plan))),
                *_block(plan, ev.Conv2D(2 * plan.units, 3, stride=2, padding="same",
                                        **_first(plan))),
                ev.GlobalAveragePool()]
    if plan.family == "both ways":
        return [ev.GRU(plan.units, bidirectional=True, sequences=True), ev.GlobalMaxPool()]
    if plan.family == "branches":
        deep = [layer for _ in range(plan.depth) for layer in
                _block(plan, ev.Dense(plan.units, **_first(plan)))]
        wide = ev.Dense(plan.units, **_first(plan))
        return [*flat, ev.Branches([[wide], deep], join="concatenate")]
    if plan.family == "residual":
        inner = [ev.Residual(ev.Sequential(
            [ev.LayerNorm(), *_block(plan, ev.Dense(plan.units, **_first(plan))),
             ev.Dense(plan.units, kernel_init=ev.Normal(0.05))])) for _ in range(plan.depth)]
        return [*flat, ev.Dense(plan.units, **_first(plan)), *inner, ev.LayerNorm()]
    return [*flat, *[layer for _ in range(plan.depth) for layer in
                     _block(plan, ev.Dense(plan.units, **_first(plan)))]]


def _first(plan: Plan) -> dict[str, Any]:
    return {"kernel_init": _kernel(plan), "bias_init": ev.Constant(plan.bias)}


def _block(plan: Plan, layer: Any) -> list[Any]:
    dropped = [ev.Dropout(plan.dropout)] if plan.dropout else []
    norm = {"batch": [ev.BatchNorm(decay=plan.norm_decay)], "layer": [ev.LayerNorm()], "": []}
    active = [ACTIVATIONS[plan.activation]()] if plan.activation else []
    if plan.dropout_first:
        return [layer, *active, *dropped, *norm[plan.norm]]
    return [layer, *norm[plan.norm], *active, *dropped]


def _cells(plan: Plan) -> list[Any]:
    more: dict[str, Any] = {}
    if plan.init is not None:
        more["input_init"] = plan.init
    if plan.recurrent_init is not None:
        more["recurrent_init"] = plan.recurrent_init
    if plan.family == "rnn" and plan.activation == "relu":
        more["activation"] = "relu"
    cells = [RECURRENT[plan.family](plan.units, sequences=number < plan.depth - 1, **more)
             for number in range(plan.depth)]
    return [*cells, *([ev.Dropout(plan.dropout)] if plan.dropout else [])]


@dataclass(frozen=True)
class WrongSign(ev.Layer):
    """A layer of one's own whose backward pass has a wrong sign."""

    name: str | None = None

    def forward(self, x: Any, arrays: Any, run: Any) -> tuple[Any, Any]:
        return 1.0 * x, None

    def backward(self, d_y: Any, arrays: Any, saved: Any, run: Any) -> tuple[Any, dict[str, Any]]:
        return -d_y, {}


@dataclass(frozen=True)
class MixesRows(ev.Layer):
    """A layer of one's own that normalizes over the wrong axis: each column sums to one over the
    rows of the batch."""

    name: str | None = None

    def forward(self, x: Any, arrays: Any, run: Any) -> tuple[Any, Any]:
        raised = np.exp(x - x.max(axis=0))
        share = raised / raised.sum(axis=0)
        return share, share

    def backward(self, d_y: Any, arrays: Any, saved: Any, run: Any) -> tuple[Any, dict[str, Any]]:
        share = saved
        return share * (d_y - (d_y * share).sum(axis=0)), {}
