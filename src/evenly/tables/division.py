"""Which rows of a table are trained on, and which are held out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .inputs.base import hashes_of


def contents(values: Mapping[str, Any], rows: int) -> Any:
    """(rows, columns) float64: numbers that stand for the cells, whatever is learned of them.

    Arguments:
        values: by column, as the columns read them.
        rows: how many.
    """
    result = np.zeros((rows, len(values)))
    for place, own in enumerate(values.values()):
        if not isinstance(own, np.ndarray):
            own = hashes_of(own)
        elif own.dtype.kind == "M":
            own = own.astype("datetime64[us]").astype(np.int64)
        result[:, place] = np.where(np.isnan(own), np.nan, own)  # one NaN of many
    return result


def taken(values: Mapping[str, Any], rows: Any) -> dict[str, Any]:
    """Some rows of values by column, in the order and as often as asked for."""
    import polars as pl

    places = pl.Series(rows, dtype=pl.UInt32)
    return {name: own[rows] if isinstance(own, np.ndarray) else own.gather(places)
            for name, own in values.items()}
