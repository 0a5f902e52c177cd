"""The layers: one page a family, each with its declaration and its definition.

A page is loaded when one of its layers is asked for.
"""

from typing import TYPE_CHECKING

from ..lazy import lazily

if TYPE_CHECKING:
    from .activations import ELU as ELU
    from .activations import SELU as SELU
    from .activations import LeakyReLU as LeakyReLU
    from .activations import ReLU as ReLU
    from .activations import Sigmoid as Sigmoid
    from .activations import Softplus as Softplus
    from .activations import Softsign as Softsign
    from .activations import Tanh as Tanh
    from .base import ArraySpec as ArraySpec
    from .base import Layer as Layer
    from .base import Run as Run
    from .base import Shape as Shape
    from .batchnorm import BatchNorm as BatchNorm
    from .cells import GRU as GRU
    from .cells import LSTM as LSTM
    from .cells import RNN as RNN
    from .containers import Branches as Branches
    from .containers import Residual as Residual
    from .containers import Sequential as Sequential
    from .conv import Conv1D as Conv1D
    from .conv import Conv2D as Conv2D
    from .conv import DepthwiseConv1D as DepthwiseConv1D
    from .conv import DepthwiseConv2D as DepthwiseConv2D
    from .dense import Dense as Dense
    from .dropout import Dropout as Dropout
    from .embedding import Embedding as Embedding
    from .ensemble import Ensemble as Ensemble
    from .ensemble import MemberMean as MemberMean
    from .gated import GELU as GELU
    from .gated import HardSigmoid as HardSigmoid
    from .gated import HardSwish as HardSwish
    from .gated import Mish as Mish
    from .gated import SiLU as SiLU
    from .groupnorm import GroupNorm as GroupNorm
    from .groupnorm import InstanceNorm as InstanceNorm
    from .layernorm import LayerNorm as LayerNorm
    from .members import BatchEnsemble as BatchEnsemble
    from .members import MemberDense as MemberDense
    from .members import Members as Members
    from .noise import AlphaDropout as AlphaDropout
    from .noise import GaussianDropout as GaussianDropout
    from .noise import GaussianNoise as GaussianNoise
    from .noise import SpatialDropout as SpatialDropout
    from .noise import StochasticDepth as StochasticDepth
    from .numeric import Periodic as Periodic
    from .numeric import PiecewiseLinear as PiecewiseLinear
    from .parametric import Parametric as Parametric
    from .pooling import AveragePool1D as AveragePool1D
    from .pooling import AveragePool2D as AveragePool2D
    from .pooling import GlobalAveragePool as GlobalAveragePool
    from .pooling import GlobalMaxPool as GlobalMaxPool
    from .pooling import MaxPool1D as MaxPool1D
    from .pooling import MaxPool2D as MaxPool2D
    from .prelu import PReLU as PReLU
    from .rmsnorm import RMSNorm as RMSNorm
    from .scale import Scale as Scale
    from .shape import Flatten as Flatten
    from .shape import Reshape as Reshape
    from .slice import Slice as Slice
    from .softmax import Softmax as Softmax
    from .wrapped import DropConnect as DropConnect
    from .wrapped import WeightNorm as WeightNorm
else:
    __getattr__, __dir__ = lazily(__name__, {
        "activations": (
            "ELU", "SELU", "LeakyReLU", "ReLU", "Sigmoid", "Softplus", "Softsign", "Tanh",
        ),
        "base": ("ArraySpec", "Layer", "Run", "Shape"),
        "batchnorm": ("BatchNorm",),
        "cells": ("GRU", "LSTM", "RNN"),
        "containers": ("Branches", "Residual", "Sequential"),
        "conv": ("Conv1D", "Conv2D", "DepthwiseConv1D", "DepthwiseConv2D"),
        "dense": ("Dense",),
        "dropout": ("Dropout",),
        "embedding": ("Embedding",),
        "ensemble": ("Ensemble", "MemberMean"),
        "gated": ("GELU", "HardSigmoid", "HardSwish", "Mish", "SiLU"),
        "groupnorm": ("GroupNorm", "InstanceNorm"),
        "layernorm": ("LayerNorm",),
        "members": ("BatchEnsemble", "MemberDense", "Members"),
        "noise": (
            "AlphaDropout", "GaussianDropout", "GaussianNoise", "SpatialDropout", "StochasticDepth",
        ),
        "numeric": ("Periodic", "PiecewiseLinear"),
        "parametric": ("Parametric",),
        "pooling": (
            "AveragePool1D", "AveragePool2D", "GlobalAveragePool", "GlobalMaxPool", "MaxPool1D",
            "MaxPool2D",
        ),
        "prelu": ("PReLU",),
        "rmsnorm": ("RMSNorm",),
        "scale": ("Scale",),
        "shape": ("Flatten", "Reshape"),
        "slice": ("Slice",),
        "softmax": ("Softmax",),
        "wrapped": ("DropConnect", "WeightNorm"),
    })
