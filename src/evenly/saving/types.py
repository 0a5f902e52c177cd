"""The types that a file may name: those listed here, and those that the reader gives."""

from __future__ import annotations

import collections.abc
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from numbers import Integral, Real
from typing import Any

from .. import (
    augmentation,
    averaging,
    clipping,
    constraints,
    initializers,
    layers,
    losses,
    optimizers,
    penalties,
    scaling,
    schedules,
    tails,
)
from ..errors import ConfigurationError
from ..training import EpochRecord, History

# What a file may name of each module. A name is added with each new declaration; a test compares
# the table with the public names.
_NAMES: tuple[tuple[Any, str], ...] = (
    (augmentation, "CutMix Cutout Mixup"),
    (averaging, "EMA Lookahead Snapshots SWA"),
    (clipping, "ClipGlobalNorm ClipNorm ClipValue"),
    (constraints, "MaxNorm UnitNorm"),
    (initializers,
     "Constant GateBias HeNormal HeUniform Identity LeCunNormal LeCunUniform Normal Orthogonal "
     "TruncatedNormal Uniform XavierNormal XavierUniform Zeros"),
    (layers,
     "AlphaDropout AveragePool1D AveragePool2D BatchEnsemble BatchNorm Branches Conv1D Conv2D "
     "Dense DepthwiseConv1D DepthwiseConv2D DropConnect Dropout ELU Embedding Ensemble Flatten "
     "GaussianDropout GaussianNoise GELU GlobalAveragePool GlobalMaxPool GroupNorm GRU HardSigmoid "
     "HardSwish InstanceNorm LayerNorm LeakyReLU LSTM MaxPool1D MaxPool2D MemberDense MemberMean "
     "Members Mish Parametric Periodic PiecewiseLinear PReLU ReLU Reshape Residual RMSNorm RNN "
     "Scale SELU Sequential Sigmoid SiLU Slice Softmax Softplus Softsign SpatialDropout "
     "StochasticDepth Tanh WeightNorm"),
    (losses,
     "AsymmetricCrossEntropy BinaryCrossEntropy BinaryFocalCrossEntropy FocalCrossEntropy Gamma "
     "Huber MeanAbsoluteError MeanSquaredError Poisson Quantile SoftmaxCrossEntropy"),
    (optimizers, "Adagrad Adam AdaMax AdamW ArrayRates Momentum NAdam RAdam RMSprop SGD"),
    (penalties, "ElasticNet L1 L2"),
    (scaling, "RobustScaler Standardizer"),
    (tails, "NormalScaler SmoothClipScaler"),
    (schedules,
     "CosineDecay CosineRestarts ExponentialDecay FlatCosine InverseTimeDecay LinearWarmup "
     "LogCosine MultiStepDecay OneCycle PolynomialDecay ReduceOnPlateau StepDecay"),
)
TYPES: Mapping[str, type] = {
    **{name: getattr(module, name) for module, names in _NAMES for name in names.split()},
    "EpochRecord": EpochRecord,
    "History": History,
}


def type_table(own: Iterable[type]) -> dict[str, type]:
    """The types by the names that a file has for them, with those of the user.

    Raises:
        ConfigurationError: a type that is no dataclass, or whose name is taken.
    """
    table = dict(TYPES)
    for kind in own:
        if not isinstance(kind, type) or not is_dataclass(kind):
            raise ConfigurationError(f"types: expects dataclasses such as MyLayer, got {kind!r}")
        if table.get(kind.__name__, kind) is not kind:
            raise ConfigurationError(f"types: the name '{kind.__name__}' is taken")
        table[kind.__name__] = kind
    return table


def field_names(kind: type) -> list[str]:
    """The fields that a constructor takes."""
    return [entry.name for entry in fields(kind) if entry.init]


@cache
def hints(kind: type) -> dict[str, Any]:
    """The declared types of a dataclass's fields; none where they cannot be looked up, as in a
    class of the user's that is written within a function."""
    try:
        return typing.get_type_hints(kind)
    except NameError:
        return {}


def fits(value: Any, hint: Any) -> bool:
    """Whether a value is of a declared type. A declaration that this function does not know is
    left to the constructor."""
    if hint is Any:
        return True
    if hint is None or hint is type(None):
        return value is None
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, part) for part in parts)
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        if len(parts) == 2 and parts[1] is Ellipsis:
            return all(fits(item, parts[0]) for item in value)
        return len(value) == len(parts) and all(map(fits, value, parts))
    if origin is collections.abc.Sequence:
        return hasattr(value, "__len__") and all(fits(item, parts[0]) for item in value)
    if not isinstance(hint, type):
        return True
    if hint is bool:
        return isinstance(value, bool)
    if hint in (int, float):
        wanted = Integral if hint is int else Real
        return isinstance(value, wanted) and not isinstance(value, bool)
    if getattr(hint, "_is_protocol", False):
        return hasattr(value, "sample") and not isinstance(value, type)
    return isinstance(value, hint)
