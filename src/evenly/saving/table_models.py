"""Estimators for tables as JSON and arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import ConfigurationError
from ..tables import Column, Columns, Inputs, TableClassifier, TableModel, TableRegressor
from ..tables.inputs import PARTS
from ..tables.kinds import KINDS
from ..tables.models import OWN
from ..tables.records import FitScores, Scored
from .fitted import read_estimator, write_estimator
from .values import NotReadable, Reader, Writer

_KINDS: Mapping[str, tuple[type[TableModel], str]] = {
    "TableClassifier": (TableClassifier, "NetClassifier"),
    "TableRegressor": (TableRegressor, "NetRegressor"),
}
_LEARNED: Mapping[str, Any] = {
    "columns": Columns, "inputs": Inputs, "target": str, "held_out": np.ndarray, "named": bool,
    "notes": tuple[str, ...],
}


def write_table_model(model: Any, writer: Writer) -> dict[str, Any]:
    """The JSON of a fitted estimator for tables; its arrays go to the writer.

    Raises:
        ConfigurationError: another estimator, or one that is not fitted.
    """
    kind = type(model).__name__
    if type(model) is not _KINDS.get(kind, (None,))[0]:
        raise ConfigurationError(
            f"save: expects a TableClassifier or a TableRegressor, got {model!r}"
        )
    if not hasattr(model, "estimator_"):
        raise ConfigurationError(f"save: this {kind} is not fitted: call fit first")
    learned = {
        "columns": model.columns_, "inputs": model.inputs_, "target": model.target_,
        "held_out": model.held_out_, "named": hasattr(model, "feature_names_in_"),
        "notes": model.notes_,
    }
    scores = vars(model).get("scores_")
    return {
        # All other arguments are the network's.
        "params": writer.write({name: getattr(model, name) for name in OWN}, kind),
        "learned": {name: writer.write(value, name) for name, value in learned.items()},
        "estimator": write_estimator(model.estimator_, writer),
        "scores": None if scores is None else writer.write(scores, "scores"),
    }


def read_table_model(kind: str, content: Any, reader: Reader, memory: int) -> TableModel:
    """The fitted estimator for tables of a JSON.

    Raises:
        NotReadable: contents that mean nothing, or parts that do not fit together.
        EvenlyError: as :func:`read_estimator`.
    """
    parts = ("params", "learned", "estimator", "scores")
    if not isinstance(content, dict) or content.keys() != set(parts):
        raise NotReadable(f"the network for tables should have the fields {', '.join(parts)}")
    reader.allow(Column, Columns, Inputs, *KINDS, *PARTS, FitScores, Scored)
    make, inner = _KINDS[kind]
    params = reader.read(content["params"])
    if not isinstance(params, dict) or not params.keys() <= OWN.keys():
        raise NotReadable(f"{kind} does not have all of these arguments")
    learned = reader.record(content["learned"], _LEARNED, kind)
    columns, inputs, held = learned["columns"], learned["inputs"], learned["held_out"]
    if held.ndim != 1 or held.dtype != np.int64 or (np.diff(held, prepend=-1) <= 0).any():
        raise NotReadable("the rows held out should be rising numbers from 0")
    _check_inputs(columns, inputs)
    estimator = read_estimator(inner, content["estimator"], reader, memory)
    if inputs.width != estimator.n_features_in_:
        raise NotReadable(
            f"the columns make {inputs.width} inputs, the network reads "
            f"{estimator.n_features_in_}"
        )
    estimator._coded = len(inputs.codes), inputs.table_rows
    model: Any = make(**params, **estimator.get_params(deep=False))
    model._use(columns, inputs, estimator, learned["target"], learned["named"])
    # A command adds lines of its own, such as those about the file.
    model.held_out_, model.notes_ = held, learned["notes"]
    scores = reader.read(content["scores"])
    if scores is not None:
        if not isinstance(scores, FitScores):
            raise NotReadable("what the fit came to cannot be made out")
        model.scores_ = scores
    return model  # type: ignore[no-any-return]


def _check_inputs(columns: Columns, inputs: Inputs) -> None:
    """Each column that is an input has its part, and each part its column."""
    types = {column.name: column.kind.type for column in columns.inputs}
    if len(types) != len(columns.inputs):
        raise NotReadable("two columns have one name")
    made = {part.name for part in inputs.parts}
    if made != types.keys():
        raise NotReadable(f"the columns and the inputs differ in '{min(made ^ types.keys())[:80]}'")
    for part in inputs.parts:
        if types[part.name] not in part.of:
            raise NotReadable(
                f"the column '{part.name[:80]}' is {types[part.name]}, its inputs are "
                f"{type(part).__name__}"
            )
