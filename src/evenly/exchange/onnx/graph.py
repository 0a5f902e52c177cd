"""A graph of ONNX while it is written: nodes, constants, and values whose axes may stand in another
order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ...extras import needed
from ...layers.base import Shape
from ...version import __version__

# The first opset that has an operator as it is written here; the lowest that is written is 8. Batch
# normalization says itself that it is inference from 14 on; before, not all runtimes know.
SINCE = {
    "ArgMax": 1, "AveragePool": 7, "BatchNormalization": 14, "Cast": 9, "Equal": 11, "Erf": 9,
    "GreaterOrEqual": 12, "Greater": 9, "Less": 9, "IsNaN": 9, "Where": 9, "Not": 1, "OneHot": 9,
    "LSTM": 7, "GRU": 7, "RNN": 7, "Clip": 11, "Pad": 11, "CumSum": 11, "GatherElements": 11,
    "Slice": 10, "Mod": 10, "Flatten": 9, "Sign": 9,
}
# From when on windows may have gaps.
GAPS_SINCE = {"MaxPool": 10, "AveragePool": 19}
LOWEST = 8
# Reductions and the like have their axes as an attribute, and from these opsets on as an input.
AXES_AS_INPUT = {"ReduceLogSumExp": 18, "ReduceMax": 18, "ReduceMean": 18, "ReduceSum": 13,
                 "Squeeze": 13, "Unsqueeze": 13}
ML = "ai.onnx.ml"
BATCH = "batch"
INPUT, OUTPUT, LENGTHS = "input", "output", "lengths"


def need_onnx(function: str) -> Any:
    """The package, or a ConfigurationError that says how to get it."""
    return needed(function, "onnx", "onnx")


class Graph:
    """What is written so far. Called with an operator and its inputs, names or numbers, it adds a
    node and returns the name of what comes out.

    Arguments:
        onnx: the package.
        dtype: of the numbers.
        indices: whether the network's inputs are whole numbers that an Embedding looks up.
        prefix: in front of all names, where others write into the same graph.
    """

    def __init__(self, onnx: Any, dtype: Any, indices: bool = False, prefix: str = "") -> None:
        self.onnx, self.dtype, self.indices = onnx, np.dtype(dtype), indices
        self.prefix = prefix
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []
        self.arrays: dict[str, Any] = {}
        self.scope = ""
        self._nodes: list[tuple[str, str, tuple[str, ...], list[str], dict[str, Any]]] = []
        self._counts: Counter[str] = Counter()
        self._renamed: dict[str, str] = {}

    @contextmanager
    def within(self, name: str | None) -> Iterator[None]:
        """What is written meanwhile belongs to a layer of that name."""
        before, self.scope = self.scope, name or self.scope
        yield
        self.scope = before

    def unique(self, name: str) -> str:
        name = self.prefix + name
        self._counts[name] += 1
        return name if self._counts[name] == 1 else f"{name}_{self._counts[name]}"

    def __call__(self, op: str, *inputs: Any, dtype: Any = None, **attributes: Any) -> str:
        return self.several(op, 1, *inputs, dtype=dtype, **attributes)[0]

    def several(self, op: str, count: int, *inputs: Any, dtype: Any = None,
                **attributes: Any) -> list[str]:
        """The same for an operator with several outputs."""
        names = tuple(one if isinstance(one, str) else self.constant(one, dtype=dtype)
                      for one in inputs)
        outputs = [self.unique(f"{self.scope}/{op}") for _ in range(count)]
        self._nodes.append((op, self.scope, names, outputs, attributes))
        return outputs

    def constant(self, value: Any, name: str | None = None, dtype: Any = None) -> str:
        """An array of the graph, in its own type of numbers unless another is said."""
        array = np.asarray(value)
        if dtype is not None or array.dtype.kind == "f":
            array = array.astype(dtype or self.dtype)
        name = self.unique(name or f"{self.scope}/constant")
        self.arrays[name] = np.ascontiguousarray(array).reshape(array.shape)
        return name

    def whole(self, *numbers: int) -> str:
        """Whole numbers, as shapes and places are given."""
        return self.constant(np.array(numbers, np.int64))

    def input(self, name: str, dtype: Any, shape: tuple[Any, ...], doc: str = "") -> str:
        """A tensor that goes in; the text says what it holds."""
        name = self.unique(name)
        self.inputs.append(self._info(name, dtype, shape))
        self.inputs[-1].doc_string = doc
        return name

    def output(self, value: str, name: str, dtype: Any, shape: tuple[Any, ...]) -> None:
        """Has a value come out under a name."""
        name = self.unique(name)
        self.rename(value, name)
        self.outputs.append(self._info(name, dtype, shape))

    def rename(self, value: str, name: str) -> None:
        """Gives a value the name that is known outside of the graph."""
        inner = value in {out for _, _, _, outputs, _ in self._nodes for out in outputs}
        if inner and value not in self._renamed:
            self._renamed[value] = name
        else:
            self._renamed[self("Identity", value)] = name

    def _info(self, name: str, dtype: Any, shape: tuple[Any, ...]) -> Any:
        helper = self.onnx.helper
        kind = np.dtype(dtype)
        number = self.onnx.TensorProto.STRING if kind.kind in "OUT" else (
            helper.np_dtype_to_tensor_dtype(kind))
        return helper.make_tensor_value_info(name, number, shape)

    @property
    def opset(self) -> int:
        """The lowest that has every operator as it is written."""
        return max([LOWEST, *(
            max(SINCE.get(op, 1), GAPS_SINCE.get(op, 1) if "dilations" in own else 1)
            for op, *_, own in self._nodes)])

    def model(self, doc: str, opset: int | None = None) -> Any:
        """The finished model."""
        helper, opset = self.onnx.helper, max(self.opset, opset or 0)
        nodes = self._finished(opset)
        opsets = [helper.make_opsetid("", opset)]
        if any(node.domain for node in nodes):
            opsets.append(helper.make_opsetid(ML, 2))
        constants = [self._tensor(name, array) for name, array in self.arrays.items()]
        graph = helper.make_graph(nodes, "evenly", self.inputs, self.outputs, constants,
                                  doc_string=doc)
        model = helper.make_model(graph, opset_imports=opsets, producer_name="evenly",
                                  producer_version=__version__, doc_string=doc)
        # In version 3 constants would have to be inputs.
        model.ir_version = max(4, helper.find_min_ir_version_for(opsets))
        return model

    def parts(self, opset: int) -> tuple[list[Any], list[Any]]:
        """Nodes and constants, for a graph that others write around them."""
        made = self._finished(opset)
        return made, [self._tensor(*pair) for pair in self.arrays.items()]

    def _tensor(self, name: str, array: Any) -> Any:
        if array.dtype.kind in "OUT":
            flat = [str(value).encode() for value in array.ravel().tolist()]
            return self.onnx.helper.make_tensor(name, self.onnx.TensorProto.STRING, array.shape,
                                                flat)
        return self.onnx.numpy_helper.from_array(array, name)

    def _finished(self, opset: int) -> list[Any]:
        # A layer of one node gives it its name.
        alone = Counter(scope for op, scope, *_ in self._nodes if op != "Transpose")
        made, found = [], self._renamed
        for op, scope, inputs, outputs, attributes in self._nodes:
            own = dict(attributes)
            if opset >= AXES_AS_INPUT.get(op, 1000) and "axes" in own:
                inputs = (*inputs, self.whole(*own.pop("axes")))
            while inputs and not inputs[-1]:
                inputs = inputs[:-1]
            name = self.prefix + scope if alone[scope] == 1 and op != "Transpose" else outputs[0]
            sides = ([found.get(one, one) for one in names] for names in (inputs, outputs))
            made.append(self.onnx.helper.make_node(
                op, *sides, name=name, domain=ML if op == "LabelEncoder" else "", **own))
        return made


class Value:
    """A value of the network: the tensors that hold it, by the order of their axes.

    Arguments:
        graph: where they are.
        shape: of one example, as our side has it.
        forms: names of tensors by order: ``(0, 3, 1, 2)`` is (batch, channels, height, width) of
            our (batch, height, width, channels).
        unflat: the value that this one is the flattened numbers of, where no tensor holds it yet.
    """

    def __init__(self, graph: Graph, shape: Shape, forms: dict[tuple[int, ...], str],
                 unflat: Value | None = None) -> None:
        self.graph, self.shape, self.forms, self.unflat = graph, shape, forms, unflat

    @property
    def axes(self) -> int:
        """Of an example."""
        return len(self.shape)

    @property
    def ours(self) -> tuple[int, ...]:
        """The order with channels last."""
        return tuple(range(self.axes + 1))

    @property
    def first(self) -> tuple[int, ...]:
        """The order with channels first."""
        return (0, self.axes, *range(1, self.axes)) if self.axes else (0,)

    def form(self, order: tuple[int, ...]) -> str:
        """A tensor with its axes in this order; transposed where there is none yet."""
        if not self.forms and self.unflat is not None:
            inner = self.unflat
            self.forms[self.ours] = self.graph("Reshape", inner.form(inner.ours),
                                               self.graph.whole(0, *self.shape))
        if order not in self.forms:
            have, name = next(iter(self.forms.items()))
            moved = [have.index(axis) for axis in order]
            self.forms[order] = self.graph("Transpose", name, perm=moved)
        return self.forms[order]

    def any(self) -> tuple[str, tuple[int, ...]]:
        """Whatever tensor there is, and its order."""
        if not self.forms:
            self.form(self.ours)
        order, name = next(iter(self.forms.items()))
        return name, order

    def along(self, array: Any, order: tuple[int, ...]) -> Any:
        """One number a channel, so shaped that it meets the channels in that order."""
        behind = len(order) - 1 - order.index(self.axes)
        return array.reshape(array.shape[0], *(1,) * behind) if array.size > 1 else array
