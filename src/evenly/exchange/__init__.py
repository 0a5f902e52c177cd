"""Networks of other libraries, in both directions."""

from .keras.reader import from_keras as from_keras
from .keras.writer import to_keras as to_keras
from .onnx.reading.reader import from_onnx as from_onnx
from .onnx.sklearn import register_onnx_converters as register_onnx_converters
from .onnx.writer import to_onnx as to_onnx
from .sklearn_reader import from_sklearn as from_sklearn
from .torch.reader import from_torch as from_torch
from .torch.writer import to_torch as to_torch
