"""Networks of other libraries, in both directions."""

from .onnx_reader import from_onnx as from_onnx
from .sklearn_reader import from_sklearn as from_sklearn
from .torch_reader import from_torch as from_torch
from .torch_writer import to_torch as to_torch
