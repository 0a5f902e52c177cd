"""New rows are read by what training decided, never guessed anew."""

import io

import numpy as np
import pandas as pd
import polars as pl
import pytest

from evenly.errors import DataError
from evenly.tables import Columns, Reading
from evenly.tables.kinds import Boolean, Category, Date, Number


def csv(text, sep=","):
    return pl.read_csv(io.BytesIO(text.encode()), separator=sep, infer_schema=False)


def trained(cells, **reading):
    frame = pl.DataFrame({"v": cells, "beside": [str(i * i % 7) for i in range(len(cells))]})
    return Columns.decide(frame, reading=Reading(**reading))


def read(columns, cells, dtype=None):
    new = pl.DataFrame({"v": pl.Series(cells, dtype=dtype), "beside": ["1"] * len(cells)},
                       strict=False)
    values, notes = columns.values(new)
    return values["v"] if isinstance(values["v"], np.ndarray) else values["v"].to_list(), notes


CODES = ["10", "20", "30", "A1"] * 5


@pytest.mark.parametrize(("cells", "expected"), [
    (["10", "10"], ["10", "10"]), ([10, 10], ["10", "10"]), ([10.0, None], ["10", None]),
    (["10.0", "A1"], ["10", "A1"]), ([" 10 ", "NA"], ["10", None]), ([10, 40], ["10", "40"]),
])
def test_codes_stay_codes(cells, expected):
    assert read(trained(CODES), cells) == (expected, [])


def test_codes_with_leading_zeros_are_as_long_as_in_training():
    columns = trained(["0042", "1200", "0815", "0042"])
    assert read(columns, [42, 1200]) == (["0042", "1200"], [])
    assert read(columns, ["42", "0815"]) == (["0042", "0815"], [])


@pytest.mark.parametrize("cells", [
    ["True", "False", ""], ["true", "FALSE", "NA"], [True, False, None], [1, 0, None],
    ["1", "0", None], [1.0, 0.0, float("nan")], ["yes", "no", ""], ["T", "F", "?"],
])
@pytest.mark.parametrize("before", [["True", "False"] * 3, [True, False] * 3, ["yes", "no"] * 3,
                                    ["true", "", "false"] * 2])
def test_a_truth_value_is_read_in_any_spelling(before, cells):
    values, notes = read(trained(before), cells)
    np.testing.assert_array_equal(values, [1, 0, np.nan])
    assert notes == []


@pytest.mark.parametrize("cells", [
    [1, 2, None], [1.0, 2.0, float("nan")], ["1", "2", ""], [" 1.0", "2e0", "?"], ["+1", "2", "-"],
])
@pytest.mark.parametrize("before", [["1.5", "2.5", "9"], [1.5, 2.5, 9.0], [1, 4, 2]])
def test_numbers_are_read_from_any_type(before, cells):
    values, _ = read(trained(before), cells)
    np.testing.assert_array_equal(values, [1, 2, np.nan])


def test_a_number_may_come_as_a_truth_value():
    assert read(trained(["1", "0", "1", "0"]), [True, False])[0].tolist() == [1, 0]


def test_another_spelling_of_numbers_is_read_and_told():
    values, notes = read(trained(["1.5", "2.5", "9"]), ["1,5", "2,25", "10"])
    assert values.tolist() == [1.5, 2.25, 10]
    assert notes == ["column 'v': written otherwise than in training: decimal comma"]
    values, notes = read(trained(["1,5", "2,5", "9"]), ["1.5", "2.25", "10"])
    assert values.tolist() == [1.5, 2.25, 10]
    assert notes == ["column 'v': written otherwise than in training: decimal point"]


def test_the_trainings_decimal_mark_goes_before():
    columns = trained(["1.234,5", "2,5", "9"])
    assert read(columns, ["1.234", "2,5"]) == (pytest.approx([1234, 2.5]), [])


@pytest.mark.parametrize("cells", [
    ["2024-01-31", "2024-02-01", ""], ["31.01.2024", "01.02.2024", "NA"],
    ["01/31/2024", "02/01/2024", None], ["Jan 31, 2024", "Feb 1, 2024", "?"],
    ["2024-01-31T00:00:00Z", "2024-02-01 00:00", ""],
])
@pytest.mark.parametrize("before", [["2023-01-31", "2023-05-01", "2022-01-01"],
                                    ["31.01.2023", "01.05.2023", "01.01.2022"],
                                    ["01/31/2023", "05/01/2023", "01/01/2022"]])
def test_a_date_is_read_in_any_spelling(before, cells):
    values, _ = read(trained(before), cells)
    np.testing.assert_array_equal(
        values, np.array(["2024-01-31", "2024-02-01", "NaT"], "M8[us]"))


def test_the_order_of_day_and_month_is_the_trainings():
    american = trained(["01/31/2023", "05/01/2023"])
    assert str(read(american, ["02/03/2024"])[0][0])[:10] == "2024-02-03"
    european = trained(["31/01/2023", "01/05/2023"])
    assert str(read(european, ["02/03/2024"])[0][0])[:10] == "2024-03-02"
    values, notes = read(european, ["02/13/2024", "02/03/2024"])
    assert str(values[1])[:10] == "2024-02-03"
    assert notes == ["column 'v': written otherwise than in training: m/d/y"]


@pytest.mark.parametrize(("before", "cells", "message"), [
    (["1.5", "2.5", "9"], ["1", "abc", "3"],
     "column 'v': was numbers in training, got 'abc' in 1 of 3 rows, first in row 2: mend the "
     "cell, leave it empty, or say --na abc"),
    ([1.5, 2.5, 9.0], ["1", "2", "see note"],
     "'see note' in 1 of 3 rows, first in row 3.*--na 'see"),
    (["True", "False"] * 2, ["True", "maybe", "2"], "was true or false in training, got 'maybe'"),
    ([True, False] * 2, [2, 1, 0], "was true or false in training, got '2' in 1 of 3"),
    (["2024-01-31", "2024-02-01"], ["2024-01-31", "soon", ""], "was dates in training, got 'soon'"),
    (["2024-01-31", "2024-02-01"], [5, 7, 8], "was dates in training, got '5'"),
    (["1.5", "2.5"], ["1.5", "inf", "2"], "infinity or more than 1e\\+30 in 1 of 3 rows, first in "
     "row 2: mend the rows, or rescale"),
    (["1.5", "2.5"], [1e31, 1.0, 2.0], "infinity or more than 1e\\+30 in 1 of 3"),
])
def test_what_cannot_be_read_is_named_with_its_row(before, cells, message):
    with pytest.raises(DataError, match=message.replace("(", "\\(")):
        read(trained(before), cells)


def test_na_words_are_kept_for_new_rows():
    columns = trained(["1.5", "-999", "2.5", "none given", "8"], na=("-999", "none given"))
    for cells in (["-999", "3"], [-999, 3], [-999.0, 3.0], ["none given", "3.0"]):
        np.testing.assert_array_equal(read(columns, cells)[0], [np.nan, 3])
    words = trained(["red", "zzz", "blue", "red"], na=("zzz",))
    assert read(words, ["zzz", "red"])[0] == [None, "red"]


def test_missing_and_additional_columns():
    columns = Columns.decide(csv("size,kind\n1.5,a\n2.5,b\n4,a\n"))
    with pytest.raises(DataError, match=r"lacks the column 'size' .* do you mean 'Size'"):
        columns.values(csv("Size,kind\n1,a\n"))
    values, notes = columns.values(csv("kind,more,size\nb,7,1.5\n"))
    assert (values["kind"].to_list(), values["size"].tolist()) == (["b"], [1.5])
    assert notes == ["left out, because training had no such column: 'more'"]


def test_a_column_that_was_left_out_need_not_be_there():
    columns = Columns.decide(csv("size,same\n1.5,a\n2.5,a\n4,a\n"))
    assert columns.values(csv("size\n2\n"))[0]["size"].tolist() == [2]


TABLE = pd.DataFrame({
    "size": [1.5, 2.25, np.nan, 4.0, 8.5, 1.25],
    "count": [3, 1, 2, 2, 5, 7],
    "member": [True, False, True, True, False, True],
    "since": pd.to_datetime(["2024-01-31", "2024-02-01", "2024-02-05", None, "2023-12-31",
                             "2022-01-01"]),
    "seen": pd.to_datetime(["2024-01-31 12:00:01", "2024-02-01 13:30:00", "2024-02-05 00:00:00",
                            "2024-03-01 08:15:00", "2023-12-31 23:59:59",
                            "2022-01-01 00:00:00"]),
    "kind": ["red", "blue", None, "red", "green", "blue"],
    "took": pd.to_timedelta(["1h", "36h", "2h", "90min", "5h", "1h"]),
})


def same_table(tmp_path):
    text = TABLE.to_csv(index=False)
    TABLE.to_parquet(tmp_path / "t.parquet")
    nullable = TABLE.convert_dtypes().assign(kind=TABLE["kind"].astype("category"))
    mixed = TABLE.assign(member=pl.Series(TABLE["member"].tolist()).to_list())
    return {
        "csv": csv(text),
        "parquet": pl.read_parquet(tmp_path / "t.parquet"),
        "pandas": pl.from_pandas(TABLE),
        "nullable": pl.from_pandas(nullable),
        "objects": pl.from_pandas(mixed),
        "polars": pl.DataFrame({name: pl.from_pandas(TABLE)[name] for name in TABLE}),
    }


def test_the_same_table_from_any_source_is_the_same(tmp_path):
    frames = same_table(tmp_path)
    decided = {name: Columns.decide(frame, "count") for name, frame in frames.items()}
    first = decided["csv"]
    expected = first.values(frames["csv"])[0]
    assert [type(column.kind) for column in first.columns] == [
        Number, Boolean, Date, Date, Category, Number]
    for source, columns in decided.items():
        for own, other in zip(columns.columns, first.columns, strict=True):
            assert (own.name, own.kind, own.missing, own.distinct, own.shown, own.left_out) == (
                other.name, other.kind, other.missing, other.distinct, other.shown,
                other.left_out), source
        for learned in (columns, first):
            values = learned.values(frames[source])[0]
            for name, numbers in expected.items():
                if isinstance(numbers, np.ndarray):
                    np.testing.assert_array_equal(values[name], numbers)
                else:
                    assert values[name].to_list() == numbers.to_list()
        np.testing.assert_array_equal(columns.answers(frames[source]), TABLE["count"])
