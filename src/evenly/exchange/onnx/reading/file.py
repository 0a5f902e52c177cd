"""The graph of an ONNX file. What it says of sizes and places is checked before it is believed."""

from __future__ import annotations

import math
import os
import stat
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....saving.values import NotReadable

# The sets of operators whose meaning is known here.
_OLDEST = 6
_MOST_NODES = 2**16


@dataclass(frozen=True)
class Node:
    """An operator of the graph.

    Attributes:
        where: what messages call it.
        name, op: its name and operator.
        inputs, outputs: names; "" for what is left out.
        settings: attributes by name, the operator's defaults included.
    """

    where: str
    name: str
    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    settings: dict[str, Any]


@dataclass(frozen=True)
class Graph:
    """What one output is made of.

    Attributes:
        nodes: in order, each behind those that it reads.
        constants: arrays by name.
        inputs: by name, whether it holds whole numbers, and its sizes; None for one left open.
        output: its name.
        version: of the set of operators.
        producer: what wrote the file.
    """

    nodes: list[Node]
    constants: dict[str, Any]
    inputs: dict[str, tuple[bool, list[int | None]]]
    output: str
    version: int
    producer: str


def read_graph(model: Any, folder: str | None, output: str | None, known: frozenset[str],
               memory: int) -> Graph:
    """The part of a ``ModelProto`` that an output needs.

    Arguments:
        model: the message.
        folder: where data outside the file may lie; None: nowhere.
        output: which of the graph's outputs; None: the only one.
        known: names of the operators that can be read.
        memory: bytes that the arrays may take.

    Raises:
        NotReadable: what the message says cannot be, or an operator is not known.
    """
    graph = model.graph
    version = _version(model)
    if len(graph.node) > _MOST_NODES:
        raise NotReadable(f"a graph of more than {_MOST_NODES} nodes")
    if graph.sparse_initializer:
        raise NotReadable("it has sparse arrays: write them as plain ones")
    outputs = [value.name for value in graph.output]
    if output is None and len(outputs) != 1:
        raise NotReadable(f"its graph has {len(outputs)} outputs ({_listed(outputs)}): say which "
                          "by output=" if outputs else "no ONNX file, or its graph has no output")
    wanted = outputs[0] if output is None else output
    if wanted not in outputs:
        raise NotReadable(f"its graph has no output {wanted!r}, but {_listed(outputs)}")
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    inputs = {value.name: value for value in graph.input if value.name not in tensors}
    nodes, needed = _needed(graph, wanted, {*tensors, *inputs})
    reader = _Tensors(folder, memory)
    return Graph(
        [_node(node, version, known, reader, model) for node in nodes],
        {name: reader.array(tensor, f"array {name!r}") for name, tensor in tensors.items()
         if name in needed},
        {name: _input(value) for name, value in inputs.items() if name in needed},
        wanted, version, model.producer_name,
    )


def _listed(names: list[str]) -> str:
    return ", ".join(repr(name) for name in names[:10])


def _version(model: Any) -> int:
    import onnx

    found = [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    newest = onnx.defs.onnx_opset_version()
    if len(found) != 1:
        raise NotReadable("no ONNX file, or it names no version of its operators")
    if not _OLDEST <= found[0] <= newest:
        raise NotReadable(f"its operators are of version {found[0]}; versions {_OLDEST} to "
                          f"{newest} can be read: convert it by onnx.version_converter")
    return int(found[0])


def _needed(graph: Any, output: str, given: set[str]) -> tuple[list[Any], set[str]]:
    """The nodes that an output needs, in order, and the names that they read."""
    made: dict[str, int] = {}
    for i, node in enumerate(graph.node):
        for name in node.output:
            if name and (name in made or name in given):
                raise NotReadable(f"two things of its graph are named {name!r}")
            made[name] = i
    needed, used = {output}, set()
    for i in range(len(graph.node) - 1, -1, -1):
        node = graph.node[i]
        if needed.intersection(node.output) - {""}:
            used.add(i)
            for name in node.input:
                if name and name not in given and made.get(name, i) >= i:
                    raise NotReadable(f"{_where(node)}: reads {name!r}, which nothing before it "
                                      "makes")
                needed.add(name)
    if output not in made and output not in given:
        raise NotReadable(f"nothing in its graph makes the output {output!r}")
    return [graph.node[i] for i in sorted(used)], needed


def _where(node: Any) -> str:
    name = node.name or next((name for name in node.output if name), "")
    return f"node '{name}' ({node.op_type})"


def layer_in(where: str) -> str:
    """The layer's name in what a node is called, if Evenly wrote it: a node is named after its
    layer, or is one of several, ``layer/operator``."""
    return where.removeprefix("node '").rpartition("' (")[0].rpartition("/")[0] or (
        where.removeprefix("node '").rpartition("' (")[0])


def _node(node: Any, version: int, known: frozenset[str], reader: _Tensors, model: Any) -> Node:
    import onnx

    where = _where(node)
    if node.domain not in ("", "ai.onnx") or node.op_type not in known:
        local = {function.name for function in model.functions}
        remedy = (
            "write the functions out first, by onnx.inliner.inline_local_functions"
            if node.op_type in local else
            "take the part in front of it as the output, or build it from operators that can: "
            + ", ".join(sorted(known))
        )
        kind = f"{node.domain}." if node.domain not in ("", "ai.onnx") else ""
        raise NotReadable(f"{where}: the operator {kind}{node.op_type} has no counterpart here: "
                          f"{remedy}")
    try:
        schema = onnx.defs.get_schema(node.op_type, version, "")
    except onnx.defs.SchemaError:
        raise NotReadable(f"{where}: version {version} has no such operator") from None
    for what, names, least, most in (
        ("inputs", node.input, schema.min_input, schema.max_input),
        ("outputs", node.output, schema.min_output, schema.max_output),
    ):
        if not least <= len(names) <= most:
            raise NotReadable(f"{where}: has {len(names)} {what}, not {least} to {most}")
    settings = {
        name: _plain(onnx.helper.get_attribute_value(own.default_value), where, reader)
        for name, own in schema.attributes.items() if own.default_value.name
    }
    for attribute in node.attribute:
        own = schema.attributes.get(attribute.name)
        if own is None or attribute.type != _kind(own) or attribute.ref_attr_name:
            raise NotReadable(f"{where}: its attribute {attribute.name!r} is not of the operator, "
                              "or of another kind")
        settings[attribute.name] = _plain(
            onnx.helper.get_attribute_value(attribute), where, reader)
    missing = [name for name, own in schema.attributes.items()
               if own.required and name not in settings]
    if missing:
        raise NotReadable(f"{where}: lacks its attribute {missing[0]!r}")
    inputs = (*node.input, *[""] * (8 - len(node.input)))
    return Node(where, node.name, node.op_type, inputs, tuple(node.output), settings)


def _kind(attribute: Any) -> int:
    return int(attribute.type.value)


def _plain(value: Any, where: str, reader: _Tensors) -> Any:
    """An attribute's value, text as str and tensors as arrays."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise NotReadable(f"{where}: an attribute is no text") from None
    if isinstance(value, (int, float)):
        return value
    if hasattr(value, "data_type"):
        return reader.array(value, where)
    return [_plain(item, where, reader) for item in value]


def _input(value: Any) -> tuple[bool, list[int | None]]:
    import onnx

    kind = value.type.tensor_type
    if not value.type.HasField("tensor_type") or not kind.HasField("shape"):
        raise NotReadable(f"the input {value.name!r} has no number of axes: name its shape")
    numbers = onnx.TensorProto
    real = {numbers.FLOAT, numbers.DOUBLE, numbers.FLOAT16, numbers.BFLOAT16}
    whole = {numbers.INT64, numbers.INT32, numbers.INT16, numbers.INT8, numbers.UINT8,
             numbers.UINT16, numbers.UINT32, numbers.UINT64}
    if kind.elem_type not in real | whole:
        raise NotReadable(f"the input {value.name!r} holds no numbers")
    sizes = [dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else None
             for dim in kind.shape.dim]
    return kind.elem_type in whole, sizes


class _Tensors:
    """Reads arrays, within the memory that is allowed."""

    def __init__(self, folder: str | None, memory: int) -> None:
        self.folder, self.left = folder, memory

    def array(self, tensor: Any, where: str) -> Any:
        import onnx

        dims = list(tensor.dims)
        try:
            kind = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
            field = onnx.helper.tensor_dtype_to_field(tensor.data_type)
        except KeyError:
            raise NotReadable(f"{where}: holds numbers of an unknown type") from None
        bits = onnx.TensorProto
        plain = kind.kind in "fiub" or tensor.data_type == bits.BFLOAT16
        if not plain or tensor.HasField("segment") or any(n < 0 for n in dims) or len(dims) > 16:
            raise NotReadable(f"{where}: holds no plain numbers")
        size = math.prod(dims)
        self.left -= size * kind.itemsize
        if self.left < 0:
            raise NotReadable(f"{where}: its arrays take more than memory= allows: give more if "
                              "you trust the file")
        if tensor.data_location == bits.EXTERNAL:
            array = np.frombuffer(self._outside(tensor, size * kind.itemsize, where), kind)
            return array.reshape(dims)
        raw = tensor.HasField("raw_data")
        came = len(tensor.raw_data) if raw else len(getattr(tensor, field))
        if came != (size * kind.itemsize if raw else size):
            raise NotReadable(f"{where}: is said to have shape {tuple(dims)}, which is another "
                              "number of values than it has")
        array = onnx.numpy_helper.to_array(tensor)
        return array.astype(np.float32) if tensor.data_type == bits.BFLOAT16 else array

    def _outside(self, tensor: Any, size: int, where: str) -> bytes:
        """Bytes of a file beside the model's: within its folder, through no link."""
        entries = {entry.key: entry.value for entry in tensor.external_data}
        location = entries.get("location", "")
        if self.folder is None:
            raise NotReadable(f"{where}: lies in another file, {location!r}: give from_onnx the "
                              "path of the model's file")
        folder = os.path.realpath(self.folder)
        path = os.path.join(folder, os.path.normpath(location))
        try:
            inside = os.path.commonpath([folder, path]) == folder and os.path.realpath(path) == path
            if not (location and "\0" not in location and inside and path != folder):
                raise NotReadable(f"{where}: would be read from {location!r}, which is not a file "
                                  "in the model's own folder, or a link")
            offset, length = int(entries.get("offset", 0)), int(entries.get("length", size))
            held = os.stat(path)
            if not stat.S_ISREG(held.st_mode):
                raise NotReadable(f"{where}: {location!r} is no file")
            if offset < 0 or length != size or offset + size > held.st_size:
                raise NotReadable(f"{where}: {location!r} does not hold its {size:,} bytes at "
                                  f"{offset:,}")
            with open(path, "rb") as file:
                file.seek(offset)
                data = file.read(size)
        except (OSError, ValueError) as error:
            raise NotReadable(f"{where}: {location!r} cannot be read: {error}") from None
        if len(data) != size:
            raise NotReadable(f"{where}: {location!r} changed while it was read")
        return data
