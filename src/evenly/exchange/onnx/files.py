"""ONNX models as files: whole or not at all, the arrays beside where one file cannot hold them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from ...files import write_bytes

# What one file of ONNX holds; the rest of the model is small beside its arrays.
LARGEST = 2**31 - 2**24


def data_file(path: Path) -> Path:
    """Where the arrays of a model lie that are not in its own file."""
    return path.with_name(f"{path.name}.data")


def is_large(proto: Any) -> bool:
    """Whether its arrays are more than one file holds."""
    return sum(len(tensor.raw_data) for tensor in proto.graph.initializer) > LARGEST


def save_onnx(proto: Any, path: Path, external: bool = False) -> None:
    """Writes a model; with `external` its arrays move to :func:`data_file` beside it.

    Raises:
        OSError: as ``open`` and ``write``.
    """
    if not external:
        write_bytes(path, proto.SerializeToString())
        return
    with tempfile.TemporaryDirectory(prefix=".evenly-", dir=path.parent) as folder:
        beside = Path(folder) / "data"
        _move_arrays(proto, beside, data_file(path).name)
        os.replace(beside, data_file(path))
    write_bytes(path, proto.SerializeToString())


def _move_arrays(proto: Any, beside: Path, name: str) -> None:
    """Writes the arrays of a model to a file, in their place the offsets in the file of a name."""
    with open(beside, "wb") as file:
        for tensor in proto.graph.initializer:
            if not tensor.raw_data:  # text stays
                continue
            told = {"location": name, "offset": file.tell(), "length": len(tensor.raw_data)}
            file.write(tensor.raw_data)
            tensor.ClearField("raw_data")
            tensor.data_location = tensor.EXTERNAL
            for key, value in told.items():
                tensor.external_data.add(key=key, value=str(value))
