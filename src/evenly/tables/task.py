"""Whether a target is classes or numbers, and why."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from ..errors import DataError
from .column import Column

Task = Literal["classification", "regression"]

# Whole numbers with at most this many different values are taken for classes.
MAX_WHOLE_CLASSES = 20


def task_of(target: Column, values: Any, asked: Task | None = None) -> tuple[Task, str]:
    """(the task, its reason in a few words).

    Arguments:
        target: the column to predict, decided.
        values: its values, as ``Columns.answers`` gives them.
        asked: the task, where it was said.

    Raises:
        DataError: regression of what is no number.

    Example:
        >>> from evenly.tables.kinds import Number
        >>> task_of(Column("y", Number(), "numbers"), np.array([1.0, 2.0, 1.0]))
        ('classification', 'the target has 2 different whole numbers')
    """
    kind = target.kind.type
    if asked == "regression" and kind in ("category", "text", "nothing"):
        known = list(values.drop_nulls().head(1)) if kind != "nothing" else []
        such = f", such as '{known[0]}'" if known else ""
        raise DataError(
            f"target '{target.name}': regression expects numbers, got "
            f"{'nothing' if kind == 'nothing' else 'words'}{such} ({target.reason}): say "
            f"--task classification, or --as {target.name}=number with --na for words among numbers"
        )
    if asked is not None:
        return asked, "as asked for"
    if kind in ("category", "text"):
        return "classification", f"the target is {target.reason}"
    if kind == "boolean":
        return "classification", f"the target is {target.reason}"
    numbers = values.astype("M8[us]").astype(np.float64) if kind == "date" else values
    known = numbers[~np.isnan(numbers)] if kind != "date" else numbers[~np.isnat(values)]
    count = len(np.unique(known))
    if kind != "date" and (known % 1 == 0).all() and count <= MAX_WHOLE_CLASSES:
        return "classification", f"the target has {count} different whole numbers"
    return "regression", f"the target is {target.reason}, {count} different ones"
