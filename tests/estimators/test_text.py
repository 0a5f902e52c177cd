"""Text and dates are no numbers: the error names the estimator that takes them."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from evenly.errors import DataError
from evenly.estimators import NetClassifier, NetRegressor, NetTransformer

NUMBERS = np.arange(20.0)
WORDS = ["x"] * 20
Y = np.arange(20) % 2
TABLES = {
    "pandas": pd.DataFrame({"a": NUMBERS, "b": WORDS}),
    "polars": pl.DataFrame({"a": NUMBERS, "b": WORDS}),
    "Arrow": pa.table({"a": NUMBERS, "b": WORDS}),
    "categories": pd.DataFrame({"a": NUMBERS, "b": pd.Categorical(WORDS)}),
}


@pytest.mark.parametrize(("kind", "other"), [
    (NetClassifier, "TableClassifier"), (NetRegressor, "TableRegressor"),
    (NetTransformer, "TableClassifier"),
])
@pytest.mark.parametrize("name", TABLES)
def test_text_in_a_table(kind, other, name):
    with pytest.raises(DataError) as caught:
        kind(4, max_epochs=1).fit(TABLES[name], Y)
    assert str(caught.value).startswith("could not convert string to float: 'x' in column 'b': Net")
    assert str(caught.value).endswith(
        f"reads numbers alone: take {other}, which reads text, dates and gaps as they stand"
    )


@pytest.mark.parametrize("x", [
    [["x", 1.0]] * 20, np.array([["x", "1"]] * 20), np.array([["x", 1]] * 20, object),
    np.array([[b"x"]] * 20),
])
def test_text_in_an_array(x):
    message = r"^could not convert string to float: b?'x': NetClassifier reads .* TableClassifier,"
    with pytest.raises(DataError, match=message):
        NetClassifier(4, max_epochs=1).fit(x, Y)
    with pytest.raises(DataError, match=message):
        NetClassifier(4).partial_fit(x, Y, [0, 1])


def test_text_at_prediction():
    model = NetRegressor(4, max_epochs=1).fit(TABLES["pandas"].assign(b=1.0), Y)
    with pytest.raises(DataError, match=r"'x' in column 'b': .* take TableRegressor"):
        model.predict(TABLES["pandas"])


def test_dates_beside_numbers():
    table = pd.DataFrame({"a": NUMBERS, "day": pd.Timestamp("2020-01-01")})
    with pytest.raises(DataError, match=r"numbers and dates .* in column 'day': .*TableClassifier"):
        NetClassifier(4, max_epochs=1).fit(table, Y)


@pytest.mark.parametrize("y", [["1,5"] * 20, np.array(["a", "b"] * 10, object)])
def test_targets_of_text(y):
    with pytest.raises(DataError, match=r"^y: could not convert .* take NetClassifier for classes"):
        NetRegressor(4, max_epochs=1).fit(NUMBERS[:, None], y)


def test_other_errors_are_as_they_were():
    with pytest.raises(ValueError, match="Input X contains NaN"):
        NetClassifier(4, max_epochs=1).fit(np.full((20, 1), np.nan), Y)
    with pytest.raises(TypeError, match="float"):
        NetClassifier(4, max_epochs=1).fit(np.array([[{}]] * 20, object), Y)
