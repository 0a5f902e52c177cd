"""A fitted estimator for tables and a table, as the computations take them."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..errors import TableWarning
from ..tables.kinds import Number
from ..tables.targets import known, labels_read
from .answers import Answers
from .records import ColumnLine


def answers_of(model: Any, frame: Any) -> tuple[Answers, Any, tuple[str, ...]]:
    """The rows of a frame that have a target which training knew.

    Arguments:
        model: a fitted TableClassifier or TableRegressor.
        frame: a polars frame with the columns of training and the target.

    Returns:
        (answers, their rows in the frame from 0, what is worth a note).

    Raises:
        DataError: the target is missing, or is written as training's type cannot read it.
    """
    target, notes = model.columns_.target, []
    values = model.columns_.answers(frame)
    rows = np.flatnonzero(known(values))
    if len(rows) < frame.height:
        notes.append(f"target '{target.name}': nothing in {frame.height - len(rows)} of "
                     f"{frame.height} rows: they are left out")
    truth = labels_of_rows(model, values, rows)
    if hasattr(model, "classes_"):
        there = np.isin(truth, model.classes_)
        if not there.all():
            other = str(truth[int((~there).argmax())])
            notes.append(f"target '{target.name}': {int((~there).sum())} of {len(rows)} rows are "
                         f"of a class that training did not have, such as '{other}': they are "
                         "left out")
            rows, truth = rows[there], truth[there]
    chosen = frame[rows] if len(rows) < frame.height else frame
    return Answers(model, chosen, truth), rows, tuple(notes)


def labels_of_rows(model: Any, values: Any, rows: Any) -> Any:
    """Targets as the model has them, of rows that have one."""
    import polars as pl

    own = values[rows] if isinstance(values, np.ndarray) else values.gather(
        pl.Series(rows, dtype=pl.UInt32))
    target = model.columns_.target
    kind = target.kind if hasattr(model, "classes_") else Number()
    return labels_read(kind, own, f"the target '{target.name}'")


def linear_inputs(model: Any) -> Any:
    """What makes of a frame the inputs of a linear model: those of the network, scaled as there;
    but row numbers of a table are no quantities: of each level there is an input, of many levels of
    the most frequent."""
    def inputs(frame: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TableWarning)
            x, _ = model.encode(frame)
        x = model.estimator_._as_trained(x, None)[0]
        codes = model.inputs_.codes
        if not codes:
            return x
        first = x.shape[1] - len(codes)
        return np.concatenate([x[:, :first], *(
            part.indicators(x[:, first + i]) for i, part in enumerate(codes))], axis=1)
    return inputs


def column_lines(model: Any) -> tuple[ColumnLine, ...]:
    """The columns as they are shown."""
    made = _made(model)
    return tuple(
        ColumnLine(column.name, column.kind.type, made.get(column.name, ""), column.reason,
                   column.missing, column.distinct, column.shown, column.left_out, column.odd)
        for column in model.columns_.columns
    )


def _made(model: Any) -> dict[str, str]:
    """What each column becomes, in words."""
    names: dict[str, list[str]] = {}
    for part in model.inputs_.parts:
        names.setdefault(part.name, []).extend(part.names)
    return {name: _words(name, own) for name, own in names.items()}


def _words(name: str, inputs: list[str]) -> str:
    text = f"{len(inputs)} input{'s' if len(inputs) != 1 else ''}"
    # 'day (week, sine)' and 'day (week, cosine)' are one thing in two numbers.
    inner = ["value" if one == name else one[len(name):].strip(" ()").split(",")[0]
             for one in inputs if one == name or one.startswith(f"{name} (")]
    inner = list(dict.fromkeys(inner))
    shown = ", ".join(inner[:8]) + (", ..." if len(inner) > 8 else "")
    return f"{text}: {shown}" if shown and len(inputs) > 1 else text
