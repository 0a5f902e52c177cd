"""Table files for a study: inputs, target and the columns beside them, as pandas objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ConfigurationError, DataError
from ..tables import reading
from .designs import nearest
from .errors import StudyError

if TYPE_CHECKING:
    import polars as pl

# Words for a gap where a file holds text.
GAPS = (
    "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>",
    "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
)
BOOLEANS = {"True": 1.0, "TRUE": 1.0, "true": 1.0, "False": 0.0, "FALSE": 0.0, "false": 0.0}


@dataclass(frozen=True)
class Source:
    """What a file holds: inputs and target as pandas objects, and the file's digest.

    `example` is the shape of one example where the inputs are an array; its numbers are the columns
    of `inputs`, in order. `others` are the columns beside inputs and target that were asked for,
    `notes` what was decided or left out while reading.
    """

    inputs: Any
    target: Any
    target_name: str
    sha256: str
    example: tuple[int, ...] | None
    others: dict[str, Any]
    notes: tuple[str, ...] = ()


def read(path: Path, target: str | None, others: Mapping[str, bool] | None = None) -> Source:
    """Read a table file, as :func:`evenly.tables.reading.read` does.

    Args:
        path: of the file.
        target: the column to predict; in an .npz file the array's name, `y` if not given.
        others: columns (arrays, in an .npz file) to hand out by themselves, and whether they are
            inputs as well.

    Raises:
        StudyError: no such file, not readable, not of its kind, no such column, or more than
            memory takes.
    """
    others = others or {}
    found = _found(path, [*([] if target is None else [target]), *others])
    names = found.frame.columns
    if target is None and found.inputs is not None:
        target = "y"
        if target not in names:
            own = [found.inputs[0][:-1], *(n for n in names if n not in found.inputs)]
            raise StudyError(f"{path}: there is no array 'y': say --target NAME: it holds "
                             f"{', '.join(own)}")
    if target is None:
        raise StudyError(
            f"{path}: which column is to be predicted? Say --target NAME: {_listed(names)}"
        )
    for name in (target, *others):
        if name not in names:
            raise StudyError(f"{path}: there is no column '{name}': {nearest(name, names[:50])}")
        if name in found.repeated:
            count = 1 + sum(own.startswith(f"{name} (") for own in names)
            raise StudyError(f"{path}: {count} columns are named '{name}': rename them")
    if target in others:
        raise StudyError(f"{path}: '{target}' is the target: name other columns beside it")
    frame, kept = found.frame, [name for name, is_input in others.items() if is_input]
    example = found.example
    if found.inputs is None:
        left_out = {target, *others} - set(kept)
        inputs = _as_pandas(frame, [name for name in names if name not in left_out])
    else:
        inputs = _array(frame.select(found.inputs), len(found.example or ()))
        if kept:
            inputs = inputs.assign(**{name: _as_pandas(frame, [name])[name] for name in kept})
            example = inputs.shape[1:]
    beside = _as_pandas(frame, [target, *others])
    return Source(inputs, beside[target], target, found.sha256, example,
                  {name: beside[name] for name in others}, found.notes)


def read_columns(path: Path) -> Any:
    """Read a table file as it is, a pandas table: for predictions, where no column is the target.

    An array `x` (or the only one) of an .npz file has columns named as :func:`read` names them.

    Raises:
        StudyError: as :func:`read`.
    """
    found = _found(path, [])
    if found.inputs is None:
        return _as_pandas(found.frame, found.frame.columns)
    if len(found.example or ()) != 1:
        raise StudyError(
            f"{path}: array '{found.inputs[0][:-1]}' expects numbers or text of shape (rows, "
            f"features), got examples of shape {found.example}"
        )
    return _array(found.frame.select(found.inputs), 1)


def _found(path: Path, beside: list[str]) -> reading.Read:
    try:
        return reading.read(path, beside=beside)
    except (DataError, ConfigurationError) as error:
        raise StudyError(str(error)) from error


def _as_pandas(frame: pl.DataFrame, names: list[str]) -> Any:
    """Some columns of a table; those of text are numbers where all but the gaps is a number."""
    import pandas as pd
    import polars as pl

    columns = []
    for series in map(frame.to_series, map(frame.get_column_index, names)):
        if series.dtype == pl.String:
            series = _typed(series)
        elif series.dtype.is_decimal():
            series = series.cast(pl.Float64)
        columns.append(series)
    if not columns:
        return pd.DataFrame(index=range(frame.height))
    return pl.DataFrame(columns).to_pandas()


def _typed(texts: pl.Series) -> pl.Series:
    import polars as pl

    texts = texts.set(texts.is_in(GAPS).fill_null(False), None)
    bare, gaps = texts.str.strip_chars(" "), texts.null_count()
    if gaps == len(texts):
        return texts.cast(pl.Float64)
    for kind in (pl.Int64, pl.Float64):
        numbers = bare.cast(kind, strict=False)
        if numbers.null_count() == gaps:
            return numbers
    if not gaps and bare.is_in(list(BOOLEANS)).all():
        return bare.replace_strict(BOOLEANS, return_dtype=pl.Float64).cast(pl.Boolean)
    return texts


def _array(frame: pl.DataFrame, axes: int) -> Any:
    """An array's columns, in one piece: column by column would take minutes for large images."""
    import pandas as pd

    x = frame.to_numpy()
    if axes > 1 and x.dtype.kind in "biuf" and x.dtype != np.float32:
        x = x.astype(np.float64)
    return pd.DataFrame(x, columns=frame.columns)


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:8])
    return f"the columns are {shown}" + (f" and {len(names) - 8} more" if len(names) > 8 else "")
