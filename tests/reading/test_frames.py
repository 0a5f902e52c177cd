"""Tables of other libraries as polars frames: types kept, gaps null, names once."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse

from evenly.errors import DataError
from evenly.reading.frames import frame_of

DAY = dt.datetime(2024, 5, 1)
BERLIN = pd.to_datetime(["2024-05-01", None]).tz_localize("Europe/Berlin")

# {name: (a pandas column of two values, of which the second is missing; type; first value)}
PANDAS = {
    "float": ([1.5, np.nan], pl.Float64, 1.5),
    "Int64": (pd.array([1, None], "Int64"), pl.Int64, 1),
    "Float64": (pd.array([1.5, pd.NA], "Float64"), pl.Float64, 1.5),
    "boolean": (pd.array([True, None], "boolean"), pl.Boolean, True),
    "text": (["a", None], pl.String, "a"),
    "string": (pd.array(["a", pd.NA], "string"), pl.String, "a"),
    "dates": (pd.to_datetime(["2024-05-01", None]), pl.Datetime, DAY),
    "dates with zone": (BERLIN, pl.Datetime("us", "Europe/Berlin"), BERLIN[0].to_pydatetime()),
    "offset": (pd.to_datetime(["2024-05-01T00:00+02:00", None]), pl.Datetime("us", "UTC"),
               dt.datetime(2024, 4, 30, 22, tzinfo=dt.UTC)),
    "durations": (pd.to_timedelta(["36h", None]), pl.Duration, dt.timedelta(hours=36)),
    "periods": (pd.PeriodIndex(["2024-05", None], freq="M"), pl.Datetime, DAY),
    "categories": (pd.Categorical(["u", None], ["v", "u"]), pl.Enum(["v", "u"]), "u"),
    "categories of numbers": (pd.Categorical([3, None], [1, 3]), pl.Enum(["1", "3"]), "3"),
    "intervals": (pd.arrays.IntervalArray.from_tuples([(0.5, 1), None]), pl.String, "(0.5, 1.0]"),
    "arrow text": (pd.array(["a", None], pd.ArrowDtype(pa.string())), pl.String, "a"),
    "arrow int": (pd.array([1, None], pd.ArrowDtype(pa.int32())), pl.Int32, 1),
    "arrow date": (pd.array([DAY.date(), None], pd.ArrowDtype(pa.date32())), pl.Date, DAY.date()),
    "arrow bool": (pd.array([True, None], pd.ArrowDtype(pa.bool_())), pl.Boolean, True),
    "sparse": (pd.arrays.SparseArray([1.5, np.nan]), pl.Float64, 1.5),
}

# {name: (Python's values, which end with a gap; type; what they become)}
OBJECTS = {
    "booleans": ([True, False, np.nan], pl.Boolean, [True, False]),
    "booleans of NumPy": ([np.True_, np.False_, pd.NA], pl.Boolean, [True, False]),
    "whole numbers": ([1, np.int8(2), None], pl.Int64, [1, 2]),
    "numbers": ([1, 2.5, Decimal("0.5"), np.float32(4), pd.NA], pl.Float64, [1.0, 2.5, 0.5, 4.0]),
    "numbers beyond 64 bits": ([2**70, 1, None], pl.String, [str(2**70), "1"]),
    "numbers and words": ([1, 2.0, 2.5, "?", True, pd.NaT], pl.String,
                          ["1", "2", "2.5", "?", "True"]),
    "dates": ([DAY.date(), pd.NaT], pl.Date, [DAY.date()]),
    "dates and times": ([DAY.date(), pd.Timestamp(DAY), np.datetime64("NaT")], pl.Datetime,
                        [DAY, DAY]),
    "times with zone and without": ([DAY.replace(tzinfo=dt.UTC), DAY, None], pl.String,
                                    ["2024-05-01T00:00:00+00:00", "2024-05-01T00:00:00"]),
    "durations": ([pd.Timedelta("1D"), np.timedelta64(1, "h"), np.timedelta64("NaT")], pl.Duration,
                  [dt.timedelta(1), dt.timedelta(hours=1)]),
    "times": ([dt.time(1, 2), None], pl.Time, [dt.time(1, 2)]),
    "bytes": ([b"a", "b", None], pl.String, ["a", "b"]),
    "gaps": ([float("nan")], pl.Null, []),
    "Decimal's gap": ([Decimal("1"), Decimal("nan")], pl.Float64, [1.0]),
}


@pytest.mark.parametrize("case", PANDAS)
def test_columns_of_pandas(case):
    column, kind, first = PANDAS[case]
    frame = frame_of(pd.DataFrame({"c": pd.Series(column)}, index=None))
    assert frame.schema["c"] == kind
    assert frame["c"].to_list() == [first, None]


@pytest.mark.parametrize("case", OBJECTS)
@pytest.mark.parametrize("made", [
    lambda values: pd.DataFrame({"c": pd.Series(values, dtype=object)}),
    lambda values: {"c": values},
    lambda values: [{"c": value} for value in values],
    lambda values: pl.DataFrame({"c": pl.Series(values, dtype=pl.Object)}),
], ids=["pandas", "dict", "dicts", "polars"])
def test_columns_of_python(case, made):
    values, kind, expected = OBJECTS[case]
    frame = frame_of(made(values))
    assert frame.schema["c"] == kind
    assert frame["c"].to_list() == [*expected, None]


def test_names():
    frame = frame_of(pd.DataFrame([[1, 2, 3, 4]], columns=["a", "a", 5, "a (2)"], index=[7]))
    assert frame.columns == ["a", "a (3)", "5", "a (2)"]
    levels = pd.MultiIndex.from_tuples([("a", "b"), ("a", "")])
    assert frame_of(pd.DataFrame([[1, 2]], columns=levels)).columns == ["a_b", "a"]
    assert frame_of(pa.table([[1], [2]], names=["y", "y"])).rows() == [(1, 2)]


def test_frames_of_polars():
    words = pl.Series(["u", None], dtype=pl.Categorical)
    frame = pl.DataFrame({"f": [1.0, float("nan")], "c": words, "b": [b"u", None]})
    for given in (frame, frame.lazy(), frame.to_arrow()):
        assert frame_of(given).rows() == [(1.0, "u", "u"), (None, None, None)]


@pytest.mark.parametrize(("array", "kind", "rows"), [
    (np.array([[1, 2.5], [np.nan, 3]]), pl.Float64, [(1.0, 2.5), (None, 3.0)]),
    (np.ones((1, 2), np.float16), pl.Float32, [(1.0, 1.0)]),
    (np.ones((1, 2), ">f8"), pl.Float64, [(1.0, 1.0)]),
    (np.ones((1, 2), np.longdouble), pl.Float64, [(1.0, 1.0)]),
    (np.array([[True, False]]), pl.Boolean, [(True, False)]),
    (np.array([["a", "b"]]), pl.String, [("a", "b")]),
    (np.array([["2024-05-01", "NaT"]], "M8[s]"), pl.Datetime, [(DAY, None)]),
    (np.array([["2024-05", "NaT"]], "M8[M]"), pl.Date, [(DAY.date(), None)]),
    (np.array([[36, "NaT"]], "m8[h]"), pl.Duration, [(dt.timedelta(hours=36), None)]),
])
def test_arrays(array, kind, rows):
    frame = frame_of(array)
    assert frame.columns == ["x0", "x1"]
    assert set(frame.dtypes) == {kind} or frame.dtypes[0] == kind
    assert frame.rows() == rows


def test_arrays_of_objects_and_records():
    mixed = np.array([[1, "a"], [None, "b"]], dtype=object)
    assert frame_of(mixed).rows() == frame_of(mixed.tolist()).rows() == [(1, "a"), (None, "b")]
    records = np.array([(1, "a")], dtype=[("i", int), ("s", "U1")])
    assert frame_of(records).to_dicts() == [{"i": 1, "s": "a"}]


REFUSED = {
    "sparse": (sparse.eye(3), "a table: got a sparse matrix: give x.toarray"),
    "one axis": (np.arange(3), r"a table: expects shape \(rows, columns\), got \(3,\) of ndarray: "
                 r"use x\[:, None\]"),
    "images": (np.zeros((2, 2, 2)), r"a table: expects shape \(rows, columns\), got \(2, 2, 2\)"),
    "a mask": (np.ma.masked_array([[1.0]], [[True]]), "its mask would be lost"),
    "text": ("t.csv", "a table: got str: give a table of pandas"),
    "nothing": (None, "a table: got NoneType"),
    "a number": (5, "a table: expects shape"),
    "an empty list": ([], "a table: got an empty list"),
    "lists": ({"a": [[1], [2]]}, "column 'a' holds values of type list, expects numbers or text"),
    "lists of polars": (pl.DataFrame({"a": [[1]]}), r"column 'a' holds List\(Int64\), expects"),
    "lists of arrow": (pa.table({"a": [[1]]}), r"column 'a' holds List\(Int64\), expects"),
    "objects": (pd.DataFrame({"a": [object()]}), "column 'a' holds values of type object"),
    "bytes that are no text": ({"a": [b"\xff"]}, "column 'a' holds bytes that are no text"),
    "lengths": ({"a": [1, 2], "b": [1]}, "column 'b' has 1 values, others have 2"),
    "a scalar": ({"a": 1}, "column 'a' is int, expects a list or an array of values"),
    "a column of two axes": ({"a": np.zeros((2, 2))}, r"column 'a' has shape \(2, 2\)"),
    "rows of other lengths": ([[1], [1, 2]], "got rows of 1 to 2 values"),
    "rows without columns": (pd.DataFrame(index=[1, 2]), "got 2 rows without columns"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_table(case):
    given, message = REFUSED[case]
    with pytest.raises(DataError, match=message):
        frame_of(given)
