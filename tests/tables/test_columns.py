"""Columns of a table: what is learned, what is encoded, what is unlike training."""

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import OneHotEncoder

from evenly.errors import DataError
from evenly.tables import Columns, NumberColumn, TextColumn

TABLE = pd.DataFrame({
    "age": [20.0, 30.0, np.nan, 50.0],
    "city": ["Rome", "Oslo", "Rome", "Bern"],
    "member": [True, False, True, True],
    "since": pd.to_datetime(["2020-01-01", "2020-01-02", "2020-01-03", "2020-01-05"]),
    "empty": [np.nan] * 4,
    "word": ["x", None, "y", "x"],
})


def test_what_is_learned():
    assert Columns.learn(TABLE) == Columns((
        NumberColumn("age", 30.0, True), TextColumn("city", ("Bern", "Oslo", "Rome")),
        NumberColumn("member", 1.0), NumberColumn("since", 18263.5),
        TextColumn("word", ("x", "y"), gaps=True),
    ))


def test_inputs_in_the_order_of_training_whatever_the_tables():
    columns = Columns.learn(TABLE)
    x, notes = columns.encode(TABLE[["word", "since", "city", "age", "member"]])
    assert notes == []
    assert x.shape == (4, columns.width) == (4, 10)
    np.testing.assert_array_equal(x[:, 0], [20, 30, 30, 50])
    np.testing.assert_array_equal(x[:, 1], [0, 0, 1, 0])
    theirs = OneHotEncoder(sparse_output=False).fit_transform(TABLE[["city"]])
    np.testing.assert_array_equal(x[:, 2:5], theirs)
    np.testing.assert_array_equal(x[:, 5], [1, 0, 1, 1])
    np.testing.assert_array_equal(np.diff(x[:, 6]), [1, 1, 2])
    np.testing.assert_array_equal(x[:, 7:], [[1, 0, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0]])


def test_what_is_unlike_training_is_noted():
    columns = Columns.learn(TABLE)
    new = TABLE.assign(city=["Rome", "Paris", None, "Paris"], member=[1.0, np.nan, 0.0, 1.0],
                       more=1)
    x, notes = columns.encode(new)
    assert notes == [
        "left out, because training used no such column: 'empty', 'more'",
        "column 'city': nothing in 1 of 4 rows, first in row 3: training had no gaps here; the "
        "column says nothing about these rows",
        "column 'city': 'Paris' in 2 of 4 rows, first in row 2: no such value in training; the "
        "column says nothing about these rows",
        "column 'member': nothing in 1 of 4 rows, first in row 2: the median of the training rows, "
        "1, is put there",
    ]
    np.testing.assert_array_equal(x[:, 2:5], [[0, 0, 1], [0, 0, 0], [0, 0, 0], [0, 0, 0]])
    assert x[1, 5] == 1.0


def test_rare_values_share_an_input():
    values = [f"v{i:03}" for i in range(150) for _ in range(1 + (i < 20))]
    columns = Columns.learn(pd.DataFrame({"text": values}))
    (column,) = columns.columns
    assert column.width == 100
    assert set(column.values) >= {f"v{i:03}" for i in range(20)}
    x, notes = columns.encode(pd.DataFrame({"text": ["v000", "v149", "new"]}))
    assert notes == []
    np.testing.assert_array_equal(x.sum(axis=1), [1, 1, 1])
    np.testing.assert_array_equal(x[:, -1], [0, 1, 1])


@pytest.mark.parametrize(("change", "message"), [
    (lambda t: t.drop(columns=["age", "city"]), "the table lacks columns 'age', 'city' that training had; it has 'member'"),  # noqa: E501
    (lambda t: t.drop(columns="age"), "the table lacks the column 'age' that training had"),
    (lambda t: t.assign(age=["a", "20", "30", None]),
     "column 'age': was numbers in training, got text in 1 of 4 rows, first in row 1: 'a'"),
    (lambda t: t.assign(city=[1.5, 2, 3, 4]),
     "column 'city': was text in training, such as 'Bern', got numbers, such as 1.5"),
    (lambda t: t.assign(age=[1, np.inf, 2, 3]),
     r"column 'age': infinity or more than 1e\+30 in 1 of 4 rows, first in row 2"),
    (lambda t: t.assign(age=[1, 1e31, 2, 3]), r"column 'age': infinity or more than 1e\+30"),
])
def test_what_cannot_be_encoded_is_named(change, message):
    with pytest.raises(DataError, match=message):
        Columns.learn(TABLE).encode(change(TABLE))


def test_a_table_that_holds_nothing():
    with pytest.raises(DataError, match="no input columns that hold anything"):
        Columns.learn(pd.DataFrame({"a": [np.nan, np.nan]}))


def test_a_column_of_gaps_alone_at_prediction():
    columns = Columns.learn(TABLE)
    x, notes = columns.encode(TABLE.assign(age=np.nan, word=np.nan))
    np.testing.assert_array_equal(x[:, :2], [[30, 1]] * 4)
    np.testing.assert_array_equal(x[:, -1], [1, 1, 1, 1])
    assert notes == ["left out, because training used no such column: 'empty'"]
