"""The public cases of the operators, each as a graph of that operator, read as a layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import helper, numpy_helper

import evenly as ev
from evenly.errors import FileFormatError
from tests.onnx_cases import norms, recurrent, simple, windows
from tests.onnx_cases.cases import Case, all_cases
from tests.onnx_cases.table import RUN

pytestmark = pytest.mark.sweep  # every case of a long list

RECURRENT = ("RNN", "LSTM", "GRU")
# Whole arrays of these cases are one example: the operator's axes begin behind the batch.
ONE_EXAMPLE = ("LayerNormalization", "RMSNormalization", "Softmax")
# What our layers have no counterpart of, and what the message says.
REFUSED = {
    "gemm_all_attributes": "transA", "gemm_transposeA": "transA",
    "softmax_axis_1": "not the last one",
}
LAYERS = [run for run, _, _ in RUN if run.__module__ in (
    simple.__name__, norms.__name__, windows.__name__, recurrent.__name__)
    and run not in (simple.dropout_nothing, norms.batch_norm_training, windows.max_pool_places)]
CASES = [name for run, names, _ in RUN if run in LAYERS for name in names
         if "uint8" not in name]


def graph_of(case: Case) -> tuple[Any, Any, Any]:
    """(model, its input, its output): the case's first input is the graph's, others are constants,
    and sequences have the batch in front."""
    x, rest = case.inputs[0], case.inputs[1:]
    wanted = case.outputs[0] if case.outputs[0] is not None else case.outputs[1]
    attributes = dict(case.attributes)
    nodes, source = [], "x"
    if case.operator in ONE_EXAMPLE or x.ndim == 1 or case.name == "test_prelu_example":
        x, wanted = x[None], wanted[None]
        if attributes.get("axis", -1) >= 0:
            attributes["axis"] += 1
    names = [f"w{i}" if array is not None else "" for i, array in enumerate(rest)]
    constants = [numpy_helper.from_array(np.asarray(array), name)
                 for name, array in zip(names, rest, strict=True) if name]
    while names and not names[-1]:
        names.pop()
    if case.operator in RECURRENT and not attributes["layout"]:
        x, source = x.swapaxes(0, 1), "steps"
        nodes.append(helper.make_node("Transpose", ["x"], ["steps"], perm=[1, 0, 2]))
    outputs = ["" if y is None or (i and case.outputs[0] is not None) else f"y{i}"
               for i, y in enumerate(case.outputs)]
    node = helper.make_node(case.operator, [source, *names], outputs, name="it", **attributes)
    kind = helper.np_dtype_to_tensor_dtype(x.dtype)
    final = next(name for name in outputs if name)
    graph = helper.make_graph([*nodes, node], "g", [
        helper.make_tensor_value_info("x", kind, ["n", *x.shape[1:]])],
        [helper.make_tensor_value_info(final, kind, None)], constants)
    opset = helper.make_opsetid("", case.version)
    return helper.make_model(graph, opset_imports=[opset]), x, wanted


def ours(case: Case, model: ev.Model, x: Any, y: Any) -> tuple[Any, Any]:
    """Input and output as the model has them."""
    if case.operator in RECURRENT:
        if case.attributes["layout"]:
            return x, y
        y = np.moveaxis(y, -2, 0)  # of ([steps,] directions, batch, units)
        return x, y.reshape(*y.shape[:-2], -1)
    if model.input_shape == np.moveaxis(x, 1, -1).shape[1:]:
        return np.moveaxis(x, 1, -1), np.moveaxis(y, 1, -1) if y.ndim > 2 else y
    return x, y


@pytest.mark.parametrize("name", CASES)
def test_case(name):
    case = all_cases()[f"test_{name}"]
    proto, x, wanted = graph_of(case)
    if name in REFUSED:
        with pytest.raises(FileFormatError, match=f"node 'it'.*{REFUSED[name]}"):
            ev.from_onnx(proto)
        return
    model = ev.from_onnx(proto, dtype="float64" if x.dtype == np.float64 else "float32")
    x, wanted = ours(case, model, x, wanted)
    got = model.predict(x)
    assert got.shape == wanted.shape
    np.testing.assert_allclose(got, wanted, rtol=case.rtol, atol=case.atol)
