"""ONNX models as files: whole or not at all, the arrays beside where one file cannot hold them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from ..files import write_bytes
from .onnx_graph import need_onnx

# What one file of ONNX holds; the rest of the model is small beside its arrays.
LARGEST = 2**31 - 2**24


def data_file(path: Path) -> Path:
    """Where the arrays of a model lie that are not in its own file."""
    return path.with_name(f"{path.name}.data")


def is_large(proto: Any) -> bool:
    """Whether its arrays are more than one file holds."""
    return sum(len(tensor.raw_data) for tensor in proto.graph.initializer) > LARGEST


def save_onnx(proto: Any, path: Path, external: bool = False) -> None:
    """Writes a model; with `external` its arrays lie in :func:`data_file` beside it.

    Raises:
        OSError: as ``open`` and ``write``: a model that was there is as it was.
    """
    if not external:
        write_bytes(path, proto.SerializeToString())
        return
    onnx = need_onnx("save_onnx")
    with tempfile.TemporaryDirectory(prefix=".evenly-", dir=path.parent) as folder:
        twin = Path(folder) / path.name
        onnx.save_model(proto, str(twin), save_as_external_data=True, all_tensors_to_one_file=True,
                        location=data_file(path).name, size_threshold=0)
        os.replace(data_file(twin), data_file(path))
        os.replace(twin, path)
