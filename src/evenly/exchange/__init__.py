"""Networks of other libraries, in both directions."""

from .keras_reader import from_keras as from_keras
from .keras_writer import to_keras as to_keras
from .onnx_reader import from_onnx as from_onnx
from .onnx_sklearn import register_onnx_converters as register_onnx_converters
from .onnx_writer import to_onnx as to_onnx
from .sklearn_reader import from_sklearn as from_sklearn
from .torch_reader import from_torch as from_torch
from .torch_writer import to_torch as to_torch
