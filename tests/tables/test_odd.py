"""Columns that say nothing or too much, and what a user says about them."""

import io

import numpy as np
import polars as pl
import pytest

from evenly.errors import DataError
from evenly.tables import Columns, Reading, task_of

RNG = np.random.default_rng(0)
ROWS = 200
NOISE = RNG.normal(size=ROWS).round(3)
KIND = RNG.choice(["red", "blue", "green"], ROWS)


def decided(target=None, reading=None, **columns):
    frame = pl.DataFrame({name: [None if cell is None else str(cell) for cell in cells]
                          for name, cells in columns.items()})
    return Columns.decide(frame, target, reading)


def of(columns, name="v"):
    return next(column for column in columns.columns if column.name == name)


def left_out(cells, name="v", target=None, **others):
    columns = decided(target, **{name: cells}, **(others or {"noise": NOISE[: len(cells)]}))
    return of(columns, name).left_out


COUNT = np.arange(ROWS)


@pytest.mark.parametrize(("name", "cells", "part"), [
    ("v", [""] * ROWS, "empty"),
    ("v", [7] * ROWS, "every row has the same, 7"),
    ("v", ["red"] * ROWS, "every row has the same, red"),
    ("v", COUNT, "rises by one from row to row: an index"),
    ("v", COUNT + 1000, "rises by one from row to row: an index"),
    ("Unnamed: 0", RNG.permutation(ROWS), "has no name and another whole number in each row"),
    ("", COUNT + 1, "an index"),
    ("id", RNG.permutation(ROWS), "named as an id"),
    ("customerId", 1000 + 3 * RNG.permutation(ROWS), "named as an id"),
    ("v", [f"name {i}" for i in range(ROWS)], "another word in each row, such as 'name 0'"),
    ("v", [f"name {max(i, 3)}" for i in range(ROWS)], "197 of 200 words are different"),
    ("v", [f"word {i % 9} of some sentence {i}" for i in range(ROWS)], "free text"),
])
def test_left_out_by_itself(name, cells, part):
    assert part in left_out(list(cells), name)


@pytest.mark.parametrize(("name", "cells"), [
    ("v", [*[7] * (ROWS - 1), ""]),  # whether there is a value says something
    ("year", 1900 + COUNT), ("v", COUNT * 2), ("v", RNG.permutation(ROWS)),
    ("v", NOISE * 2), ("v", KIND), ("v", [f"zip {i % 100}" for i in range(ROWS)]),
    ("width", RNG.permutation(ROWS)), ("void", RNG.permutation(ROWS)),
])
def test_not_left_out(name, cells):
    assert left_out(list(cells), name) == ""


def test_an_index_alone_is_kept_and_told():
    columns = decided("y", x=COUNT, y=NOISE)
    assert of(columns, "x").left_out == ""
    assert "rises by one from row to row: an index; kept" in of(columns, "x").odd[0]


def test_copies():
    columns = decided("y", a=NOISE, b=KIND, c=NOISE, y=KIND, d=[*NOISE[:-1], 0])
    assert [(column.name, column.left_out) for column in columns.columns] == [
        ("a", ""), ("b", "it is a copy of the target"), ("c", "it is a copy of 'a'"), ("d", "")]
    columns = decided("y", a=NOISE, y=NOISE)
    assert of(columns, "a").left_out == "it is a copy of the target"


def test_a_copy_in_another_spelling():
    columns = decided(a=NOISE, b=[f"{number} kg" for number in NOISE])
    assert of(columns, "b").left_out == "it is a copy of 'a'"


@pytest.mark.parametrize(("cells", "target", "part"), [
    (NOISE * 2 + 3, NOISE, "(the target is 0.5 times it, plus -1.5)"),
    (np.exp(NOISE), NOISE, "rises or falls with the target in every row:"),
    (-(NOISE**3), NOISE, "rises or falls with the target in every row:"),
    (np.where(NOISE > .5, "dear", "cheap"), NOISE, "its 2 values are ranges of the target"),
    (np.digitize(NOISE, [-1, 0, 1]), NOISE, "rises or falls with the target in every row:"),
    ([{"red": "r1", "blue": "b1", "green": "g1"}[kind] for kind in KIND], KIND,
     "each of its 3 values has one value of the target"),
    ([{"red": 1, "blue": 5, "green": 7}[kind] for kind in KIND], KIND,
     "each of its 3 values has one value of the target"),
])
def test_what_gives_the_target_away_is_warned_of(cells, target, part):
    columns = decided("y", v=cells, y=target, other=RNG.normal(size=ROWS))
    assert of(columns).left_out == ""
    assert any(part in line for line in of(columns).odd), of(columns).odd
    assert of(columns, "other").odd == ()


def test_what_fails_in_one_row_is_no_function_of_the_target():
    cells = NOISE * 2 + 3
    cells[150] = 0
    assert of(decided("y", v=cells, y=NOISE)).odd == ()
    codes = [{"red": "r1", "blue": "b1", "green": "g1"}[kind] for kind in KIND]
    codes[150] = "b1" if KIND[150] != "blue" else "r1"
    assert of(decided("y", v=codes, y=KIND)).odd == ()


MANY = 3000


@pytest.mark.parametrize(("cells", "part"), [
    ([*range(0, 60, 3), *[""] * 180], "90% of the rows say nothing"),
    ([0] * MANY + [1], "99.9% of the rows have the same, 0"),
    (["no"] * MANY + ["yes"], "99.9% of the rows have the same"),
    (["red"] * MANY + ["blue"], "99.9% of the rows have the same, red"),
    ([*NOISE[:190], *[-999] * 10], "-999 in 10 of 200 rows"),
    ([*RNG.integers(0, 100, 190), *[9999] * 10], "9999 in 10 of 200 rows"),
    ([*NOISE[:199], 1e6], "1000000 in row 200 is far from the others"),
    ([*["Red"] * 50, *["red"] * 50, *["blue"] * 50], "'Red', 'red' are levels of their own"),
    ([*["New York"] * 50, *["new-york"] * 50, *["Rome"] * 50], "'New York', 'new-york'"),
    ([*["2024-01-31", "2023-05-05", "2024-03-01"] * 30, *["1900-01-01"] * 3], "1900-01-01 in 3 of"),
    ([10, 20, 70] * 50, "only 3 different whole numbers: where they are codes"),
    (["male", "female", "total"] * 30, "the level 'total' may sum up the others"),
])
def test_warned_of(cells, part):
    columns = decided(v=cells, noise=RNG.normal(size=len(cells)))
    assert of(columns).left_out == ""
    assert any(part in line for line in of(columns).odd), of(columns).odd


@pytest.mark.parametrize("cells", [
    RNG.integers(0, 1000, ROWS), RNG.integers(1, 6, ROWS), NOISE, RNG.lognormal(0, 2, ROWS),
    [*RNG.integers(0, 1000, 190), *[999] * 10], RNG.integers(-99, 99, ROWS), KIND,
    [99] * 10 + list(RNG.integers(0, 120, 190)), ["1970-01-01", "1970-01-02", "1970-03-01"] * 30,
])
def test_nothing_to_say(cells):
    columns = decided(v=cells, noise=RNG.normal(size=len(cells)))
    assert columns.notes == ()


def test_rows_that_say_total():
    columns = decided("sold", shop=["Bern", "Rome", "Oslo", "Bern", "Total:"],
                      sold=[5, 7, 9, 4, 25])
    assert columns.totals == (4,)
    assert columns.notes[-1].startswith("row 5: says 'Total'")
    spread = decided(shop=["Total", "Rome", "Oslo", "Total", "Bern"], sold=[5, 7, 9, 4, 5])
    assert spread.totals == ()  # a level, which is warned of


def test_what_the_user_says():
    table = {"v": COUNT, "w": NOISE, "kind": KIND, "same": [1] * ROWS}
    columns = decided(reading=Reading(drop=("w",), keep=("v", "same"), types={"same": "category"}),
                      **table)
    assert of(columns, "w").left_out == "as asked for"
    assert of(columns).left_out == ""
    assert of(columns).odd == ("it rises by one from row to row: an index: kept, as asked for",)
    assert [column.name for column in columns.inputs] == ["v", "kind", "same"]
    assert of(columns, "same").asked
    assert of(columns, "same").kind.type == "category"


@pytest.mark.parametrize(("reading", "message"), [
    (lambda: Reading(drop=("prize",)), "drop: there is no column 'prize'; do you mean 'price'?"),
    (lambda: Reading(keep=("Price",)), "keep: there is no column 'Price'; do you mean 'price'?"),
    (lambda: Reading(types={"zzz": "date"}), "types: there is no column 'zzz'; it has 'price'"),
    (lambda: Reading(types={"price": "dates"}), "'dates' is no type: do you mean 'date'?"),
    (lambda: Reading(types={"price": "zzz"}), "'zzz' is no type: it has 'number', 'boolean'"),
    (lambda: Reading(decimal=";"), "decimal: expects . or , got ';'"),
    (lambda: Reading(drop=("price",), keep=("price",)), "'price': is to be dropped and kept"),
    (lambda: Reading(drop=("y",)), "drop: 'y' is the target"),
    (lambda: Reading(types={"kind": "number"}),
     "'kind': cannot be read as number, with cells such"),
    (lambda: Reading(types={"kind": "date"}), "'kind': cannot be read as date"),
])
def test_what_the_user_says_is_checked(reading, message):
    with pytest.raises(DataError) as caught:
        decided("y", reading(), price=NOISE, y=NOISE * 2, kind=KIND)
    assert message in str(caught.value)


def test_an_unknown_target_is_named():
    with pytest.raises(DataError, match="no column 'prize' to predict; do you mean 'price'"):
        decided("prize", price=NOISE, kind=KIND)


def test_cells_that_are_lists_are_refused():
    with pytest.raises(DataError, match=r"column 'v': holds List\(Int64\), expects numbers"):
        Columns.decide(pl.DataFrame({"v": [[1, 2], [3]]}))


TASKS = [
    (["True", "False", "True"], "classification", "the target is true or false"),
    (["yes", "no", "yes"], "classification", "the target is yes or no"),
    (["a", "b", "a"], "classification", "the target is words"),
    (["1", "2", "1"], "classification", "the target has 2 different whole numbers"),
    (["100,8", "99,2", "98,25"], "regression",
     "the target is numbers, decimal comma, 3 different ones"),
    (["1 234 $", "2 000 $", "950 $"], "classification", "the target has 3 different whole numbers"),
    (["0.5", "1.5", "0.5"], "regression", "the target is numbers, 2 different ones"),
    ([str(i) for i in range(21)], "regression", "the target is numbers, 21 different ones"),
    (["0042", "0815", "0042"], "classification", "the target is codes with leading zeros"),
]


@pytest.mark.parametrize(("cells", "task", "reason"), TASKS)
def test_the_task_and_its_reason(cells, task, reason):
    frame = pl.DataFrame({"x": [str(i * i % 7) for i in range(len(cells))], "y": cells})
    columns = Columns.decide(frame, "y")
    assert task_of(columns.target, columns.answers(frame)) == (task, reason)
    assert task_of(columns.target, columns.answers(frame), "classification")[0] == "classification"


def test_regression_of_words_is_refused():
    frame = pl.DataFrame({"x": ["1", "2", "4"], "y": ["low", "high", "low"]})
    columns = Columns.decide(frame, "y")
    with pytest.raises(DataError, match="regression expects numbers, got words, such as 'low'"):
        task_of(columns.target, columns.answers(frame), "regression")


def test_many_columns_at_once():
    frame = pl.DataFrame({f"c{i}": ["1.5", "2", str(i), "NA"] for i in range(5000)})
    columns = Columns.decide(frame, "c7")
    assert len(columns.columns) == 4999
    assert {column.kind.type for column in columns.columns} == {"number"}
    assert {column.missing for column in columns.columns} == {1}


@pytest.mark.parametrize("name", ["*", "^v.*$", "a b", "", "0", "price (€)", "\u00e4",
                                  "count", "literal", "cell", "value", "len"])
def test_a_name_means_nothing(name):
    text = f'"{name}",other,third\n1.5,2.5,a\n"2,5",3.5,b\n4.5,9,a\n5.5,1,a\n'
    frame = pl.read_csv(io.BytesIO(text.encode()), infer_schema=False)
    columns = Columns.decide(frame, "third")
    assert [column.name for column in columns.columns] == [name, "other"]
    assert columns.columns[1].kind.type == "number"


def test_empty_tables():
    frame = pl.DataFrame({"a": [], "b": []}, schema={"a": pl.String, "b": pl.Float64})
    columns = Columns.decide(frame)
    assert [column.kind.type for column in columns.columns] == ["nothing", "nothing"]
    assert Columns.decide(pl.DataFrame({"a": ["1"], "b": ["x"]})).rows == 1


@pytest.mark.parametrize("name", ["count", "value", "word", "cell", "text"])
@pytest.mark.parametrize("cells", [["yes", "no", "-"], ["1,5", "?", "-"], ["red", "red", "blue"],
                                   ["31.01.2024", "-", "01.02.2024"], ["007", "042", "007"]])
def test_a_name_that_polars_uses(name, cells):
    frame = pl.DataFrame({name: cells * 4, "other": [str(i * i % 7) for i in range(12)]})
    other = frame.rename({name: "v"})
    own, same = Columns.decide(frame), Columns.decide(other)
    assert own.columns[0].kind == same.columns[0].kind
    assert own.values(frame)[0].keys() == {name, "other"}
