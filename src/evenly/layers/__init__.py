"""The layers: one page a family, each with its declaration and its definition."""

from .activations import ReLU as ReLU
from .activations import Sigmoid as Sigmoid
from .activations import Tanh as Tanh
from .base import ArraySpec as ArraySpec
from .base import Layer as Layer
from .base import Run as Run
from .base import Shape as Shape
from .batchnorm import BatchNorm as BatchNorm
from .containers import Branches as Branches
from .containers import Residual as Residual
from .containers import Sequential as Sequential
from .dense import Dense as Dense
from .dropout import Dropout as Dropout
from .layernorm import LayerNorm as LayerNorm
from .shape import Flatten as Flatten
from .shape import Reshape as Reshape
