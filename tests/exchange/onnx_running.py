"""ONNX models checked and run."""

from __future__ import annotations

from typing import Any

import onnx
import pytest

ort = pytest.importorskip("onnxruntime", reason="runs what is written")


def run(proto: Any, feeds: dict[str, Any]) -> dict[str, Any]:
    """The outputs by name, of ONNX Runtime; the model passes the checker."""
    onnx.checker.check_model(proto, full_check=True)
    options = ort.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 3, 1
    session = ort.InferenceSession(proto.SerializeToString(), options)
    names = [one.name for one in session.get_outputs()]
    return dict(zip(names, session.run(None, feeds), strict=True))


def as_input(proto: Any, x: Any) -> Any:
    """Rows in the type that the first input has."""
    number = proto.graph.input[0].type.tensor_type.elem_type
    return x.astype(onnx.helper.tensor_dtype_to_np_dtype(number))


def output(proto: Any, x: Any, **more: Any) -> Any:
    """What a network gives for its input."""
    return run(proto, {"input": as_input(proto, x), **more})["output"]
