"""Tables of other libraries, and Python's own values, as a polars DataFrame.

What is missing is null, however it is spelled: None, NaN, NaT, ``pandas.NA``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DataError
from ..given import check_mask, of_library
from .values import column_of, plain_series

if TYPE_CHECKING:
    import polars as pl

_REMEDY = "give a table of pandas, polars or pyarrow, a dict of columns, or an array"


def frame_of(x: Any) -> pl.DataFrame:
    """A table as a polars DataFrame.

    Numbers, booleans, dates and times keep their types, categories become an ``Enum``. A column of
    mixed Python values becomes text: text as it is, numbers and dates as Python writes them, whole
    numbers without a point. A pandas index is ignored. Names become text, those of several levels
    joined by ``_``; of columns of one name the second is ``name (2)``. Columns without names, of
    arrays and lists, are ``x0``, ``x1``, ...

    Arguments:
        x: a table of pandas, polars (lazy too) or pyarrow, or of anything that hands out Arrow; a
            dict of columns; a list of dicts, or of rows; an array (rows, columns), or of records.

    Raises:
        DataError: no table; sparse matrices; columns of lists or other structures; masked arrays;
            columns of different lengths.

    Example:
        >>> frame_of({"size": [1.5, float("nan")], "kind": ["a", None]}).rows()
        [(1.5, 'a'), (None, None)]
    """
    import polars as pl

    if isinstance(x, pl.LazyFrame):
        x = x.collect()
    if isinstance(x, pl.Series):
        x = x.to_frame(x.name or "x0")
    if isinstance(x, pl.DataFrame):
        return _framed([(name, plain_series(x[name], name)) for name in x.columns], x.height)
    if found := _of_pandas(x):
        return found[0]
    if _is_of("pyarrow", x, "Table", "RecordBatch"):
        columns = [(name, _of_arrow(x.column(i), name)) for i, name in enumerate(x.schema.names)]
        return _framed(columns, x.num_rows)
    if isinstance(x, Mapping):
        return _framed([(name, column_of(values, str(name))) for name, values in x.items()])
    if hasattr(x, "__arrow_c_stream__"):
        return frame_of(pl.DataFrame(x))
    scipy = sys.modules.get("scipy.sparse")
    if scipy is not None and scipy.issparse(x):
        raise DataError(
            "a table: got a sparse matrix: give x.toarray() where memory allows, or take "
            "NetClassifier or NetRegressor, which take sparse matrices as they are"
        )
    if isinstance(x, (str, bytes)) or x is None:
        raise DataError(f"a table: got {type(x).__name__}: {_REMEDY}")
    check_mask(x, "a table", "fill them with filled(), or leave such rows out")
    x = of_library(x, "a table")
    if isinstance(x, Sequence) and not isinstance(x, np.ndarray):
        return _of_rows(x)
    return _of_array(x)


def _of_pandas(x: Any) -> tuple[pl.DataFrame] | None:
    if _is_of("pandas", x, "Series"):
        x = x.to_frame("x0" if x.name is None else x.name)
    if not _is_of("pandas", x, "DataFrame"):
        return None
    columns = [(name, column_of(x.iloc[:, i], _title(name))) for i, name in enumerate(x.columns)]
    return (_framed(columns, len(x)),)


def _is_of(package: str, x: Any, *names: str) -> bool:
    """Whether a value is of one of these classes of a package, which is not imported for it."""
    module = sys.modules.get(package)
    return module is not None and isinstance(x, tuple(getattr(module, name) for name in names))


def _of_arrow(column: Any, name: str) -> Any:
    import polars as pl

    return plain_series(pl.Series(name, pl.from_arrow(column)), name)


def _of_rows(rows: Sequence[Any]) -> pl.DataFrame:
    if not rows:
        raise DataError(f"a table: got an empty {type(rows).__name__}: {_REMEDY}")
    if all(isinstance(row, Mapping) for row in rows):
        names = list(dict.fromkeys(name for row in rows for name in row))
        return _framed([
            (name, column_of([row.get(name) for row in rows], str(name))) for name in names
        ])
    if all(isinstance(row, (list, tuple, np.ndarray)) for row in rows):
        widths = {len(row) for row in rows}
        if len(widths) > 1:
            raise DataError(f"a table: got rows of {min(widths)} to {max(widths)} values: expects "
                            "as many in each: fill the shorter ones with None")
        return _framed([
            (f"x{i}", column_of([row[i] for row in rows], f"x{i}")) for i in range(widths.pop())
        ], len(rows))
    raise DataError(f"a table: got a {type(rows).__name__} of {type(rows[0]).__name__}: {_REMEDY}")


def _of_array(x: Any) -> pl.DataFrame:
    array = np.asarray(x)
    if array.dtype.names:
        if array.ndim != 1:
            raise DataError(f"a table: expects records of shape (rows,), got {array.shape}")
        return _framed([(name, column_of(array[name], name)) for name in array.dtype.names])
    if array.ndim != 2:
        hint = "use x[:, None] for a single column" if array.ndim == 1 else _REMEDY
        raise DataError(f"a table: expects shape (rows, columns), got {array.shape} of "
                        f"{type(x).__name__}: {hint}")
    return _framed([
        (f"x{i}", column_of(array[:, i], f"x{i}")) for i in range(array.shape[1])
    ], len(array))


def _framed(columns: Iterable[tuple[Any, Any]], rows: int | None = None) -> pl.DataFrame:
    """Columns as a table, each name once."""
    import polars as pl

    titles, series = [], []
    for title, column in columns:
        titles.append(_title(title))
        series.append(column)
        wanted = len(series[0]) if rows is None else rows
        if len(column) != wanted:
            raise DataError(f"a table: column '{titles[-1]}' has {len(column)} values, others have "
                            f"{wanted}: they must be as many")
    named = [own.alias(name) for own, name in zip(series, unique(titles), strict=True)]
    if not named and rows:
        raise DataError(f"a table: got {rows} rows without columns: {_REMEDY}")
    return pl.DataFrame(named)


def unique(titles: Sequence[str]) -> list[str]:
    """Names made different from each other: the second `y` becomes `y (2)`."""
    taken, seen, result = set(titles), dict[str, int](), []
    for title in titles:
        number = seen.get(title, 0) + 1
        name = title
        if number > 1:
            while (name := f"{title} ({number})") in taken:
                number += 1
            taken.add(name)
        seen[title] = number
        result.append(name)
    return result


def _title(name: Any) -> str:
    if isinstance(name, tuple):
        return "_".join(str(part) for part in name if str(part))
    return str(name)
