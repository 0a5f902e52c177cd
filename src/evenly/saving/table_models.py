"""Networks for tables as JSON and arrays, and back."""

from __future__ import annotations

from typing import Any

from ..tables import Columns, NumberColumn, TableModel, TextColumn
from .fitted import KINDS, read_estimator, write_estimator
from .values import NotReadable, Reader, Writer

_PARTS = {"columns", "target", "kind", "estimator"}


def write_table_model(model: TableModel, writer: Writer) -> dict[str, Any]:
    """The JSON of a network for a table; its arrays go to the writer."""
    return {
        "columns": writer.write(model.columns, "columns"),
        "target": writer.write(model.target, "target"),
        "kind": type(model.estimator).__name__,
        "estimator": write_estimator(model.estimator, writer),
    }


def read_table_model(content: Any, reader: Reader, memory: int) -> TableModel:
    """The network for a table of a JSON.

    Raises:
        NotReadable: contents that mean nothing.
        EvenlyError: as :func:`read_estimator`.
    """
    if not isinstance(content, dict) or content.keys() != _PARTS:
        raise NotReadable(f"the table's network should have the fields {', '.join(sorted(_PARTS))}")
    reader.allow(Columns, NumberColumn, TextColumn)
    columns, target = reader.read(content["columns"]), content["target"]
    if not isinstance(columns, Columns) or not isinstance(target, str):
        raise NotReadable("the table's columns and target cannot be made out")
    if content["kind"] not in KINDS:
        raise NotReadable("holds neither a NetClassifier nor a NetRegressor")
    estimator = read_estimator(content["kind"], content["estimator"], reader, memory)
    if columns.width != estimator.n_features_in_:
        raise NotReadable(
            f"the columns make {columns.width} inputs, the network reads "
            f"{estimator.n_features_in_}"
        )
    return TableModel(columns, estimator, target)
