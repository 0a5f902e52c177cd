"""Tables of any library as polars frames."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from .plain import unique_names


def frame_of(X: Any) -> Any:
    """A polars frame of a pandas, polars or Arrow table, a dict of columns, or an array."""
    module = type(X).__module__.partition(".")[0]
    if isinstance(X, pl.LazyFrame):
        return X.collect()
    if module == "polars":
        return X
    if module == "pyarrow":
        return pl.from_arrow(X)
    if module == "pandas":
        names = unique_names(X.columns)
        return pl.DataFrame([_series(n, X.iloc[:, i]) for i, n in enumerate(names)])
    if isinstance(X, dict):
        return pl.DataFrame([_series(str(n), c) for n, c in X.items()])
    X = np.asarray(X)
    return pl.DataFrame([_series(f"x{i}", X[:, i]) for i in range(X.shape[1])])


def _series(name: str, column: Any) -> Any:
    try:
        made = pl.Series(name, column)
        if made.dtype != pl.Object:
            return made
    except (TypeError, ValueError, pl.exceptions.PolarsError):
        pass
    values = list(column)
    gaps = [v is None or v != v for v in values]
    return pl.Series(name, [None if gap else str(v) for v, gap in zip(values, gaps, strict=True)],
                     dtype=pl.String)
