"""Models from ONNX files."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from ....engine import Engine
from ....errors import ConfigurationError, EvenlyError, FileFormatError
from ....files import MEMORY
from ....layers.base import Shape
from ....layers.containers import Sequential, leaves
from ....layers.shape import Reshape
from ....losses import Loss
from ....program import compile as compile_program
from ....program import training_rows
from ....saving.values import NotReadable
from ....training import Model
from ..graph import need_onnx
from .axes import THE_BATCH, Group, Made, Value, atoms, flat, grouped, size
from .call import Call, Lengths, Situation, settled
from .file import Graph, Node, read_graph
from .fold import FOLDED, Filled, fold
from .net import assemble
from .rules import RULES

_KNOWN = frozenset(RULES) | FOLDED


def from_onnx(
    model: Any,
    input_shape: int | Shape | None = None,
    *,
    seed: int = 0,
    dtype: str = "float32",
    loss: Loss | None = None,
    threads: int | None = None,
    channels_first: bool | None = None,
    output: str | None = None,
    memory: int = MEMORY,
) -> Model:
    """Builds a model from an ONNX file: layers of ours with its weights, which train on.

    Operators that several make up a layer become that layer (GELU by erf, layer normalization by
    means and roots), sums and concatenations become :class:`Residual` and :class:`Branches`, and
    what merely moves axes is worked into the weights. Our examples have the channels last: where
    the graph reads (batch, channels, height, width), the model reads (height, width, channels).
    A second input that says how long each sequence is becomes ``lengths=``.

    Arguments:
        model: the file's path, its bytes, or an ``onnx.ModelProto``. Nothing in it is run. Arrays
            outside the file are read from its own folder alone.
        input_shape: the shape of one example on our side, where the graph leaves it open.
        seed: of dropout masks.
        dtype: ``"float32"`` or ``"float64"``.
        loss: for ``gradients``, ``evaluate`` and ``predict_proba``.
        threads: by default as many as the work is worth.
        channels_first: whether the graph's input has its channels on axis 1; None: where a
            convolution or another layer of channels reads them there.
        output: which of the graph's outputs the model has, where there are several. What only the
            others need is not read.
        memory: bytes that the file, its arrays, and the model may take.

    Returns:
        A :class:`Model`; its predictions are the graph's.

    Raises:
        FileFormatError: a damaged file, or a graph with something that has no counterpart here; the
            message names the node, its operator, and what to do.
        ConfigurationError: the package onnx is missing, or an argument that cannot be.
        OSError: as ``open``, of the file.

    Example:
        >>> from onnx import parser                                         # doctest: +SKIP
        >>> graph = parser.parse_model('''<ir_version: 8, opset_import: ["" : 17]>
        ...     g (float[n, 3] x) => (float[n, 3] y) { y = Relu(x) }''')    # doctest: +SKIP
        >>> from_onnx(graph).predict([[-1.0, 0.0, 2.0]])                    # doctest: +SKIP
        array([[0., 0., 2.]], dtype=float32)
    """
    onnx = need_onnx("from_onnx")
    shape = (input_shape,) if isinstance(input_shape, int) else input_shape
    if shape is not None and not (
        isinstance(shape, (tuple, list)) and shape
        and all(isinstance(n, int) and n > 0 for n in shape)
    ):
        raise ConfigurationError("from_onnx: input_shape is the shape of one example, such as "
                                 f"(28, 28, 1), got {input_shape!r}")
    if dtype not in ("float32", "float64"):
        raise ConfigurationError(f"from_onnx: dtype is 'float32' or 'float64', got {dtype!r}")
    name, folder = "from_onnx: the model", None
    if isinstance(model, (str, os.PathLike)):
        name, folder = os.fspath(model), os.path.dirname(os.path.abspath(model))
        model = _bytes_of(name, memory)
    try:
        if isinstance(model, (bytes, bytearray, memoryview)):
            model = _parsed(bytes(model), name, memory)
        elif not isinstance(model, onnx.ModelProto):
            raise ConfigurationError("from_onnx: expects a path, bytes or an onnx.ModelProto, got "
                                     f"{type(model).__name__}")
        graph = read_graph(model, folder, output, _KNOWN, memory)
        end, start, left = _best(graph, shape, channels_first, memory)
        layers, arrays = assemble(end.made, start, graph.producer == "evenly")
        return _model(layers, arrays, start.shape, seed, dtype, loss, threads, left)
    except NotReadable as error:
        raise FileFormatError(name, str(error)) from None


def _bytes_of(path: str, memory: int) -> bytes:
    held = os.stat(path)
    if stat.S_ISREG(held.st_mode) and held.st_size > memory:
        raise FileFormatError(path, f"{held.st_size:,} bytes are more than memory={memory:,} "
                                    "allows: give more")
    if not (stat.S_ISREG(held.st_mode) or stat.S_ISDIR(held.st_mode)):
        raise FileFormatError(path, "not a regular file")  # a pipe would be waited for
    with open(path, "rb") as file:
        return file.read(held.st_size)


def _parsed(data: bytes, name: str, memory: int) -> Any:
    import onnx
    from google.protobuf.message import DecodeError

    if len(data) > memory:
        raise FileFormatError(name, f"{len(data):,} bytes are more than memory={memory:,} allows")
    try:
        return onnx.ModelProto.FromString(data)
    except (DecodeError, RecursionError):
        raise NotReadable("truncated, damaged, or no ONNX file") from None


def _best(graph: Graph, shape: Any, channels_first: bool | None, memory: int
          ) -> tuple[Value, Made, int]:
    """The reading of the graph that fits: with the input's axes as they stand, or with its axis 1,
    the channels, put last; where both do, the one that need not reshape the input."""
    found, errors = [], []
    for first in (False, True) if channels_first is None else (channels_first,):
        walk = _Walk(graph, memory)
        try:
            with np.errstate(all="ignore"):  # weights may be of any size
                end, start = walk.read(shape, first)
        except NotReadable as error:
            errors.append((walk.done, str(error)))
        else:
            found.append((walk.reshapes, end, start, memory))
    if not found:
        raise NotReadable(max(errors, key=lambda one: one[0])[1])
    return min(found, key=lambda one: one[0])[1:]


class _Walk:
    """Reads the nodes in order; keeps what each name stands for."""

    def __init__(self, graph: Graph, memory: int) -> None:
        self.graph, self.done, self.reshapes = graph, 0, 0
        uses = Counter(name for node in graph.nodes for name in node.inputs if name)
        uses[graph.output] += 1
        left = memory - sum(array.nbytes for array in graph.constants.values())
        self.at = Situation(uses, None, graph.version, left)
        self.known: dict[str, Any] = dict(graph.constants)

    def read(self, shape: Any, first: bool) -> tuple[Value, Made]:
        start = self._inputs(shape, first)
        for node in self.graph.nodes:
            self._node(node)
            self.done += 1
        end = _ended(self.known[self.graph.output], first, self.graph)
        self.reshapes = _reshapes(end.made)
        return end, start

    def _inputs(self, shape: Any, first: bool) -> Made:
        inputs = dict(self.graph.inputs)
        readers = {name: {(node.op, i) for node in self.graph.nodes
                          for i, read in enumerate(node.inputs) if read == name} for name in inputs}
        lengths = {name for name, (_, dims) in inputs.items() if len(dims) == 1 and all(
            (op in ("RNN", "LSTM", "GRU") and i == 4) or op == "Cast" for op, i in readers[name])}
        self.known |= dict.fromkeys(lengths, Lengths())
        others = [name for name in inputs if name not in lengths]
        if len(others) != 1:
            raise NotReadable(f"its graph has {len(others)} inputs ({', '.join(others)}): one can "
                              "be, and one of lengths: join them to one array in the graph")
        whole, dims = inputs[others[0]]
        if len(dims) < 2:
            raise NotReadable(f"its input {others[0]!r} has no axis beside the batch")
        self.at.batch = dims[0]
        sizes = _sizes(dims[1:], shape, first, others[0])
        groups = atoms(*sizes)
        own = [*groups[1:], groups[0]] if first else groups
        start = Made(None, (), {}, tuple(map(size, own)), f"its input {others[0]!r}")
        self.known[others[0]] = Value(start, tuple(own), ((THE_BATCH,), *groups), whole)
        return start

    def _node(self, node: Node) -> None:
        args = [self.known.get(name) if name else None for name in node.inputs]
        given = [arg for arg in args if arg is not None]
        constant = all(isinstance(arg, (np.ndarray, Filled)) for arg in given)
        try:
            if constant or (isinstance(args[0], Filled) and node.op in FOLDED):
                made: Any = fold(node, args, self.at.left)
                self.at.left -= made.nbytes if isinstance(made, np.ndarray) else 0
            elif node.op in RULES:
                made = RULES[node.op](Call(node, args, self.at))
            else:
                raise NotReadable(f"{node.where}: is read of constants alone, and here it would "
                                  "compute with an activation")
        except EvenlyError as error:
            # What the layer itself says of its settings or of the shape in front of it.
            raise NotReadable(f"{node.where}: {error}") from None
        outputs = made if isinstance(made, tuple) else (made,)
        for name, one in zip(node.outputs, outputs, strict=False):
            if name and one is not None:
                self.known[name] = one
        for name in node.outputs[len(outputs) :]:
            if name and self.at.uses[name]:
                raise NotReadable(f"{node.where}: its output {name!r} is read, which no layer here "
                                  "hands out")


def _sizes(dims: list[int | None], shape: Any, first: bool, name: str) -> list[int]:
    """Sizes of the input's axes; `shape` is ours."""
    if shape is not None:
        theirs = [shape[-1], *shape[:-1]] if first else list(shape)
        if len(theirs) != len(dims) or any(n not in (None, t) for n, t in zip(dims, theirs,
                                                                             strict=True)):
            raise NotReadable(f"its input {name!r} has sizes {_open(dims)} behind the batch, which "
                              f"input_shape={tuple(shape)} is not")
        return theirs
    if None in dims:
        raise NotReadable(f"its input {name!r} has sizes {_open(dims)} behind the batch: give "
                          "from_onnx the input_shape of one example, channels last")
    return [n for n in dims if n is not None]


def _open(dims: Iterable[int | None]) -> str:
    return f"({', '.join('?' if n is None else str(n) for n in dims)})"


def _ended(what: Any, first: bool, graph: Graph) -> Value:
    """The output, with our axes cut as the graph's are."""
    node = Node(f"the output {graph.output!r}", "", "", (), (), {})
    value = settled(what, node)
    if value.padding:
        raise NotReadable(f"{node.where}: ends with padding, which only a convolution can take")
    at = [i for i, group in enumerate(value.theirs) if THE_BATCH in group]
    if len(at) != 1 or value.theirs[at[0]] != (THE_BATCH,):
        raise NotReadable(f"{node.where}: joins the examples with another axis")
    rest = (*value.theirs[: at[0]], *value.theirs[at[0] + 1 :])
    orders: list[tuple[Group, ...]] = [rest, (*rest[1:], *rest[:1])]
    fitting = [order for order in orders if flat(order) == flat(value.ours)]
    if not fitting or at[0]:
        if flat(rest) == flat(value.ours):
            return value
        raise NotReadable(
            f"{node.where}: its axes stand in another order than ours, channels last: behind a "
            "Flatten there must come a linear layer, which can be put in our order"
        )
    same = [order for order in fitting if tuple(map(size, order)) == value.made.shape]
    target = same[0] if same else fitting[-1 if first else 0]
    return grouped(value, target or ((),), node.where)


def _reshapes(made: Made) -> int:
    """How many layers that reshape stand directly behind the input."""
    seen, left, count = {made}, [made], 0
    while left:
        one = left.pop()
        count += isinstance(one.layer, Reshape) and one.inputs[0].layer is None and not (
            one.inputs[0].join)
        for other in one.inputs:
            if other not in seen:
                seen.add(other)
                left.append(other)
    return count


def _model(layers: Any, arrays: list[dict[str, Any]], shape: Shape, seed: int, dtype: str,
           loss: Loss | None, threads: int | None, memory: int) -> Model:
    """The network with the arrays, once it is known what it takes."""
    if not layers:
        raise NotReadable("its output is its input: there is no layer")
    try:
        net = Sequential(layers).named
        rows = training_rows(net, shape)
        program = compile_program(net, shape, rows, dtype=dtype)
    except EvenlyError as error:
        raise NotReadable(f"its network cannot be: {error}") from None
    if loss is not None:
        program = compile_program(net, shape, rows, loss, dtype=dtype)
    needed = program.state_bytes + program.work_bytes
    if needed > memory:
        raise NotReadable(f"the network needs {needed:,} bytes, memory={memory:,} does not allow "
                          "it: give from_onnx more if you trust the file")
    weights: dict[str, Any] = {}
    for layer, own in zip(leaves(net), arrays, strict=True):
        weights |= {f"{layer.name}{slot}": value for slot, value in own.items()}
    return Model(Engine(program, seed=seed, weights=weights, threads=threads))


