"""One pass over all rows of Parquet files: what each column holds, and where it does not fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DataError
from .parts import Part, Paths, files_of
from .values import plain_series

if TYPE_CHECKING:
    import polars as pl

# {column: which rows of a frame do not fit}
Check = Callable[["pl.DataFrame"], Mapping[str, Any]]


@dataclass(frozen=True)
class ColumnSurvey:
    """What a column holds in all rows.

    Attributes:
        name: of the column.
        type: as polars names it; of numbers of several types the widest.
        missing: rows without a value.
        minimum, maximum: of what can be ordered, None of an empty column. NaN counts as missing.
        distinct: how many values; None where more than the limit.
    """

    name: str
    type: str
    missing: int
    minimum: Any
    maximum: Any
    distinct: int | None


@dataclass(frozen=True)
class Misfit:
    """What a check found in a column.

    Attributes:
        column: its name.
        count: in how many rows.
        path, row, value: the first of them: its file, its number there from 0, its cell.
    """

    column: str
    count: int
    path: str
    row: int
    value: Any

    def __str__(self) -> str:
        more = f", and in {self.count - 1} more rows" if self.count > 1 else ""
        return f"{self.path}, row {self.row}: column '{self.column}': {self.value!r}{more}"


@dataclass(frozen=True)
class Survey:
    """All rows of some files.

    Attributes:
        rows: how many.
        columns: by name.
        misfits: by the name of the column, those that had any.
    """

    rows: int
    columns: Mapping[str, ColumnSurvey]
    misfits: Mapping[str, Misfit]


def surveyed(paths: Paths, check: Check | None = None, limit: int = 10_000) -> Survey:
    """Read all rows once, a few megabytes at a time.

    Arguments:
        paths: a file, a folder, or several.
        check: says of a frame which rows do not fit, for instance into types that a sample told.
        limit: as many different values of a column are counted.

    Raises:
        DataError: files that are not alike; what the check raises, with file and rows.

    Example:
        >>> import tempfile
        >>> import polars as pl
        >>> folder = tempfile.TemporaryDirectory()
        >>> pl.DataFrame({"n": ["1", "2", "x", None]}).write_parquet(f"{folder.name}/t.parquet")
        >>> survey = surveyed(folder.name, lambda frame: {"n": frame["n"] == "x"})
        >>> survey.columns["n"].missing, survey.columns["n"].distinct
        (1, 3)
        >>> survey.misfits["n"].row, survey.misfits["n"].value
        (2, 'x')
        >>> folder.cleanup()
    """
    files = files_of(paths)
    tallies = {name: _Tally(name, limit) for name in files.names}
    misfits: dict[str, Misfit] = {}
    for part in files.parts():
        for name, tally in tallies.items():
            tally.add(part.frame[name])
        if check is not None:
            _note(part, check, misfits)
    return Survey(files.rows, {name: tally.told() for name, tally in tallies.items()}, misfits)


def _note(part: Part, check: Check, misfits: dict[str, Misfit]) -> None:
    try:
        found = check(part.frame)
    except DataError as error:
        raise DataError(f"{part.place}: {error}") from error
    for name, rows in found.items():
        bad = np.asarray(rows.fill_null(False) if hasattr(rows, "fill_null") else rows, bool)
        if not bad.any():
            continue
        before, at = misfits.get(name), int(bad.argmax())
        first = before or Misfit(name, 0, str(part.path), part.first + at, part.frame[name][at])
        count = first.count + int(bad.sum())
        misfits[name] = Misfit(name, count, first.path, first.row, first.value)


@dataclass
class _Tally:
    """What was seen of a column so far."""

    name: str
    limit: int
    missing: int = 0
    minimum: Any = None
    maximum: Any = None
    types: dict[str, Any] = field(default_factory=dict)
    values: Any = None
    many: bool = False

    def add(self, series: Any) -> None:
        import polars as pl

        series = plain_series(series, self.name)
        self.missing += series.null_count()
        if series.dtype == pl.Null:
            return
        self.types[str(series.dtype)] = series.dtype
        for name, own in (("minimum", series.min()), ("maximum", series.max())):
            before = getattr(self, name)
            if own is not None:
                pick = min if name == "minimum" else max
                setattr(self, name, own if before is None else pick(own, before))
        if not self.many:
            own = series.drop_nulls().unique()
            both = own if self.values is None else \
                pl.concat([self.values.to_frame(), own.to_frame()], how="vertical_relaxed")[
                    self.name].unique()
            self.many = len(both) > self.limit
            self.values = None if self.many else both

    def told(self) -> ColumnSurvey:
        import polars as pl

        kinds = list(self.types.values())
        widest = pl.concat(
            [pl.DataFrame({"c": pl.Series([], dtype=kind)}) for kind in kinds],
            how="vertical_relaxed").schema["c"] if kinds else pl.Null()
        distinct = None if self.many else 0 if self.values is None else len(self.values)
        return ColumnSurvey(self.name, str(widest), self.missing, self.minimum, self.maximum,
                            distinct)
