"""The network as records know it: the same words for Evenly, PyTorch and Keras."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# Activations, by what a doctor asks of them.
RECTIFIERS = ("relu", "leaky_relu", "prelu", "elu", "selu", "gelu", "silu", "mish", "hard_swish")
SATURATING = ("sigmoid", "tanh", "hard_sigmoid", "softsign")
ACTIVATIONS = (*RECTIFIERS, *SATURATING, "softplus", "softmax")
# Layers with a kernel.
WEIGHTED = ("dense", "conv", "embedding", "rnn", "lstm", "gru")
RECURRENT = ("rnn", "lstm", "gru")
NORMALIZATIONS = ("batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm")
DROPOUTS = ("dropout", "spatial_dropout", "alpha_dropout", "gaussian_dropout", "drop_connect",
            "stochastic_depth", "gaussian_noise")
KINDS = (*ACTIVATIONS, *WEIGHTED, *NORMALIZATIONS, *DROPOUTS, "pool", "flatten", "add", "concat",
         "other")

# What an input of a layer is called where it is the data itself.
DATA = "data"


@dataclass(frozen=True)
class LayerInfo:
    """A layer.

    Attributes:
        name: as its arrays are named, ``dense_1``; a module's path in PyTorch.
        kind: one of ``KINDS``.
        inputs: names of the layers whose outputs it reads, ``"data"`` for the inputs.
        shape: of one example's output.
        fan_in, fan_out: of one unit, for layers with a kernel.
        bias: whether it adds one.
        settings: what it was made with, by Evenly's names: ``rate``, ``decay``, ``epsilon``,
            ``slope``, ``initializer`` (its name), ``dropout``, ``bidirectional``, ...
    """

    name: str
    kind: str
    inputs: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()
    fan_in: int | None = None
    fan_out: int | None = None
    bias: bool = False
    settings: Mapping[str, float | str | bool | None] = field(default_factory=dict)


@dataclass(frozen=True)
class NetworkInfo:
    """All layers, each behind those that it reads.

    Attributes:
        layers: without containers and without layers that only reshape.
        input_shape: of one example.
        parameters: how many numbers are learned.
        outputs: names of the layers whose outputs are the scores.
    """

    layers: tuple[LayerInfo, ...]
    input_shape: tuple[int, ...] = ()
    parameters: int = 0
    outputs: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> LayerInfo:
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(name)

    def before(self, name: str) -> tuple[LayerInfo, ...]:
        """The layers that a layer reads."""
        return tuple(self[own] for own in self[name].inputs if own != DATA)

    def after(self, name: str) -> tuple[LayerInfo, ...]:
        """The layers that read a layer."""
        return tuple(layer for layer in self.layers if name in layer.inputs)

    def of_kind(self, *kinds: str) -> tuple[LayerInfo, ...]:
        """The layers of these kinds, in order."""
        return tuple(layer for layer in self.layers if layer.kind in kinds)


@dataclass(frozen=True)
class LossInfo:
    """The loss.

    Attributes:
        kind: ``softmax_cross_entropy`` and ``binary_cross_entropy`` (both from scores),
            ``cross_entropy_of_probabilities``, ``binary_cross_entropy_of_probabilities``,
            ``nll`` (of log-probabilities), ``squared_error``, ``absolute_error``, ``huber``,
            ``quantile`` (one level), ``quantiles`` (several), ``poisson`` and ``gamma`` (of the
            logarithms of means), ``focal_cross_entropy`` and ``binary_focal_cross_entropy`` (both
            from scores), ``other``.
        settings: ``label_smoothing``, ``class_weights`` (whether), ``reduction``, ...
    """

    kind: str
    settings: Mapping[str, float | str | bool | None] = field(default_factory=dict)


@dataclass(frozen=True)
class OptimizerInfo:
    """The update rule and what surrounds it.

    Attributes:
        kind: ``sgd``, ``momentum``, ``adagrad``, ``rmsprop``, ``adam``, ``adamw``, ``adamax``,
            ``nadam``, ``radam``, ``other``.
        learning_rate: at the beginning.
        settings: ``momentum``, ``beta_1``, ``beta_2``, ``epsilon``, ``weight_decay``.
        schedule: its name, "" for none.
        clip: ``global_norm``, ``norm``, ``value`` or "".
        clip_limit: of it.
        penalty: ``l1``, ``l2``, ``elastic`` or "".
        penalty_strength: of it.
    """

    kind: str
    learning_rate: float
    settings: Mapping[str, float | str | bool | None] = field(default_factory=dict)
    schedule: str = ""
    clip: str = ""
    clip_limit: float | None = None
    penalty: str = ""
    penalty_strength: float | None = None
