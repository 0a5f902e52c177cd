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
from .conv import Conv1D as Conv1D
from .conv import Conv2D as Conv2D
from .conv import DepthwiseConv1D as DepthwiseConv1D
from .conv import DepthwiseConv2D as DepthwiseConv2D
from .dense import Dense as Dense
from .dropout import Dropout as Dropout
from .layernorm import LayerNorm as LayerNorm
from .pooling import AveragePool1D as AveragePool1D
from .pooling import AveragePool2D as AveragePool2D
from .pooling import GlobalAveragePool as GlobalAveragePool
from .pooling import GlobalMaxPool as GlobalMaxPool
from .pooling import MaxPool1D as MaxPool1D
from .pooling import MaxPool2D as MaxPool2D
from .shape import Flatten as Flatten
from .shape import Reshape as Reshape
