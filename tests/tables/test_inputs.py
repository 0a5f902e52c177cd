"""What the columns of a table become: learned from the training rows, encoded for any."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.preprocessing import OneHotEncoder

from evenly.errors import DataError
from evenly.tables import Columns, Inputs, Reading
from evenly.tables.inputs import (
    Answers,
    DateInputs,
    LevelInputs,
    MeanInputs,
    NumberInputs,
    WordInputs,
)
from evenly.tables.inputs.means import FOLDS, folds_of

TABLE = pl.DataFrame({
    "age": [20.0, 30.0, None, 50.0],
    "city": ["Rome", "Oslo", "Rome", "Bern"],
    "member": [True, False, True, True],
    "since": pd.to_datetime(["2020-01-01", "2020-01-02", "2020-01-03", "2020-01-05"]),
    "word": ["x", None, "y", "x"],
})


def learned(table=TABLE, **rules):
    columns = Columns.decide(table, reading=Reading(**rules))
    return columns, Inputs.learn(columns.inputs, columns.values(table)[0])


def encoded(columns, inputs, table):
    return inputs.encode(columns.values(table)[0])


def test_a_number_far_beyond_training_is_taken_for_the_farthest_it_knows():
    part = NumberInputs.learn("size", np.array([2.0, 4.0, 6.0]))
    out = np.empty((5, 1))
    notes = part.write(np.array([1.0, 7.9, 8.1, 600.0, -50.0]), out)
    assert out[:, 0].tolist() == [1.0, 7.9, 8.0, 8.0, 0.0]
    assert notes == ["column 'size': 8.1 in 3 of 5 rows, first in row 3: training had 2 to 6; "
                     "taken for 8"]


def test_what_is_learned():
    assert learned()[1] == Inputs((
        NumberInputs("age", 30.0, True, low=20.0, high=50.0),
        LevelInputs("city", ("Bern", "Oslo", "Rome")),
        NumberInputs("member", 1.0, low=0.0, high=1.0), DateInputs("since", 18263.5),
        LevelInputs("word", ("x", "y"), gaps=True),
    ))


def test_inputs_are_in_the_order_of_training_and_have_names():
    columns, inputs = learned()
    x, notes = encoded(columns, inputs, TABLE.select("word", "since", "city", "age", "member"))
    assert notes == []
    assert x.shape == (4, inputs.width) == (4, 10)
    assert inputs.names == (
        "age", "age (nothing)", "city = Bern", "city = Oslo", "city = Rome", "member",
        "since (days)", "word = x", "word = y", "word (nothing)",
    )
    np.testing.assert_array_equal(x[:, 0], [20, 30, 30, 50])
    np.testing.assert_array_equal(x[:, 1], [0, 0, 1, 0])
    theirs = OneHotEncoder(sparse_output=False).fit_transform(TABLE.select("city").to_pandas())
    np.testing.assert_array_equal(x[:, 2:5], theirs)
    np.testing.assert_array_equal(x[:, 5], [1, 0, 1, 1])
    np.testing.assert_array_equal(x[:, 6], [18262, 18263, 18264, 18266])
    np.testing.assert_array_equal(x[:, 7:], [[1, 0, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0]])


def test_what_is_unlike_training_is_noted():
    columns, inputs = learned()
    new = TABLE.with_columns(
        pl.Series("city", ["Rome", "Paris", None, "Paris"]),
        pl.Series("member", [True, None, False, True]),
        pl.Series("since", [None] * 3 + [TABLE["since"][3]]),
    )
    x, notes = encoded(columns, inputs, new)
    assert notes == [
        "column 'city': nothing in 1 of 4 rows, first in row 3: training had no gaps here; the "
        "column says nothing about these rows",
        "column 'city': 'Paris' in 2 of 4 rows, first in row 2: no such value in training; the "
        "column says nothing about these rows",
        "column 'member': nothing in 1 of 4 rows, first in row 2: the median of the training rows, "
        "1, is put there",
        "column 'since': nothing in 3 of 4 rows, first in row 1: the median of the training rows, "
        "2020-01-02T12:00:00, is put there",
    ]
    np.testing.assert_array_equal(x[:, 2:5], [[0, 0, 1], [0, 0, 0], [0, 0, 0], [0, 0, 0]])
    means = np.arange(10.0)
    x, _ = inputs.encode(columns.values(new)[0], means)
    np.testing.assert_array_equal(x[1:, 2:5], [[2, 3, 4]] * 3)


def test_columns_of_one_value_say_that_they_had_no_other():
    table = pl.DataFrame({
        "year": [2023] * 30, "on": [True] * 30, "day": [pd.Timestamp("2020-02-03")] * 30,
        "x": range(0, 60, 2),
    })
    columns, inputs = learned(table, keep=("year", "on", "day"))
    assert [part.still for part in inputs.parts] == [True, True, True, False]
    new = table.with_columns(
        pl.Series("year", [2023] * 20 + [2024] * 10), on=pl.lit(False),
        day=pl.lit(pd.Timestamp("2021-02-03 06:00")),
    )
    assert encoded(columns, inputs, new)[1] == [
        "column 'year': 2024 in 10 of 30 rows, first in row 21: training had 2023 alone; the "
        "column says nothing about these rows",
        "column 'on': 0 in 30 of 30 rows, first in row 1: training had 1 alone; the column says "
        "nothing about these rows",
        "column 'day': 2021-02-03T06:00:00 in 30 of 30 rows, first in row 1: training had "
        "2020-02-03 alone; the column says nothing about these rows",
    ]


@pytest.mark.parametrize(("days", "step", "cycles"), [
    (6, "D", ()), (8, "D", ("week",)), (364, "D", ("week",)), (366, "D", ("year", "week")),
    (24, "h", ()), (26, "h", ("day",)), (9 * 24, "h", ("week", "day")),
    (10, "7D", ()), (80, "7D", ("year",)), (5, "YS", ("week",)),
])
def test_cycles_that_training_goes_through(days, step, cycles):
    values = pd.date_range("2021-01-01", periods=days, freq=step).to_numpy()
    assert DateInputs.learn("when", values).cycles == cycles


def test_times_without_a_date_are_parts_of_a_day():
    columns, inputs = learned(pl.DataFrame({"at": ["08:30", "23:45", "00:15", "12:00"] * 5}))
    assert inputs.parts[0].cycles == ("day",)
    x, _ = encoded(columns, inputs, pl.DataFrame({"at": ["06:00", "18:00"]}))
    np.testing.assert_allclose(x[:, 1], [1, -1], atol=1e-9)


def test_cycles_are_what_the_calendar_says():
    part = DateInputs("when", 0.0, ("year", "week", "day"))
    values = np.array(["2021-01-01", "2021-07-02T12", "2020-07-02", "1969-12-29", "NaT"], "M8[us]")
    out = np.empty((5, part.width))
    part.write(values, out)
    assert part.names[1:] == (
        "when (year, sine)", "when (year, cosine)", "when (week, sine)", "when (week, cosine)",
        "when (day, sine)", "when (day, cosine)",
    )
    np.testing.assert_allclose(out[:3, 0], [18628, 18810.5, 18445])
    np.testing.assert_allclose(out[:3, 2], [1, -1, -1], atol=1e-9)
    np.testing.assert_allclose(out[:3, 6], [1, -1, 1], atol=1e-9)
    phase = np.arctan2(out[:4, 3], out[:4, 4]) / (2 * np.pi) * 7 % 7
    weekday = [(value.weekday() + value.hour / 24) for value in pd.to_datetime(values[:4])]
    np.testing.assert_allclose((phase - weekday) % 7, (phase - weekday)[0] % 7, atol=1e-9)
    np.testing.assert_array_equal(out[4], 0)


def test_rare_levels_share_an_input():
    values = [f"v{i:03}" for i in range(150) for _ in range(1 + (i < 20))]
    table = pl.DataFrame({"text": values})
    columns, inputs = learned(table, keep=("text",))
    (part,) = inputs.parts
    assert part.width == 100
    assert set(part.levels) >= {f"v{i:03}" for i in range(20)}
    x, notes = encoded(columns, inputs, pl.DataFrame({"text": ["v000", "v149", "new"]}))
    assert notes == []
    np.testing.assert_array_equal(x.sum(axis=1), [1, 1, 1])
    np.testing.assert_array_equal(x[:, -1], [0, 1, 1])


def test_a_column_of_gaps_alone_at_prediction():
    columns, inputs = learned()
    x, notes = encoded(columns, inputs, TABLE.with_columns(
        age=pl.lit(None, pl.Float64), word=pl.lit(None, pl.String)))
    np.testing.assert_array_equal(x[:, :2], [[30, 1]] * 4)
    np.testing.assert_array_equal(x[:, -1], [1, 1, 1, 1])
    assert notes == []


def test_training_rows_that_are_all_gaps():
    values = {"a": np.full(3, np.nan), "b": np.full(3, "NaT", "M8[us]"),
              "c": pl.Series([None] * 3, dtype=pl.String)}
    columns = Columns.decide(pl.DataFrame({
        "a": [1.0, 2.5], "b": pd.to_datetime(["2020-01-01", "2021-01-01"]), "c": ["x", "y"]}))
    inputs = Inputs.learn(columns.inputs, values)
    x, _ = inputs.encode(values)
    np.testing.assert_array_equal(x, [[0, 1, 0, 1, 1]] * 3)


# Means of the target --------------------------------------------------------------------------


def levels(rows, count, seed=0):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, count, rows)
    return pl.Series("zip", [f"z{code:05}" for code in codes]), codes, rng


def test_a_levels_mean_is_drawn_towards_that_of_all():
    values, codes, rng = levels(3000, 300)
    effect = 5 * rng.normal(size=300)
    y = 100 + effect[codes] + rng.normal(size=3000)
    part = MeanInputs.learn("zip", values, Answers(y[:, None], ("y",)))
    out = np.empty((301, 1))
    part.write(pl.Series([*(f"z{i:05}" for i in range(300)), "new"]), out)
    plain = pd.Series(y).groupby(codes).mean().reindex(range(300)).to_numpy()
    counts = np.bincount(codes, minlength=300)
    # Within a level the variance is 1, between them 25.
    share = counts / (counts + 1 / 25)
    wanted = np.where(counts > 0, y.mean() + share * (plain - y.mean()), y.mean())
    np.testing.assert_allclose(out[:300, 0], wanted, atol=0.05)
    np.testing.assert_allclose(out[300], y.mean(), atol=0.2)
    assert part.names == ("zip (mean of y)",)


def test_levels_that_differ_by_chance_alone_say_nothing():
    values, _, rng = levels(2000, 400, seed=3)
    drawn = [MeanInputs.learn("zip", values, Answers(rng.normal(size=(2000, 1)), ("y",)))
             for _ in range(20)]
    spread = [np.ptp([row[0] for row in part.means]) for part in drawn]
    assert sum(value == 0 for value in spread) >= 5
    assert np.median(spread) < 0.3  # means of 5 rows as they are go over 2.5
    once = MeanInputs.learn("id", pl.Series([str(i) for i in range(50)]),
                            Answers(rng.normal(size=(50, 1)), ("y",)))
    assert np.ptp([row[0] for row in once.means]) == 0


def test_training_rows_do_not_know_their_own_target():
    values, _, rng = levels(600, 120)
    y = rng.normal(size=600)
    folds = folds_of(np.arange(600), 0)
    assert set(folds) == set(range(FOLDS))
    part = MeanInputs.learn("zip", values, Answers(y[:, None], ("y",)))
    for row in (0, 17, 599):
        other = y.copy()
        other[row] += 100
        before, after = np.empty((600, 1)), np.empty((600, 1))
        part.write_training(values, Answers(y[:, None], ("y",)), None, folds, before)
        part.write_training(values, Answers(other[:, None], ("y",)), None, folds, after)
        same = folds == folds[row]
        np.testing.assert_allclose(after[same], before[same], atol=1e-9)
        assert (after[~same] != before[~same]).any()


def test_repetitions_of_a_row_are_in_one_fold():
    rows = np.repeat(np.arange(40), 3)
    folds = folds_of(rows, 7)
    assert (folds.reshape(40, 3) == folds.reshape(40, 3)[:, :1]).all()


def test_classes_have_a_share_each_but_of_two_the_second():
    values = pl.Series("zip", ["a", "a", "b", "b", None] * 20)
    y = np.array([0, 0, 1, 2, 1] * 20)
    three = MeanInputs.learn("zip", values, Answers(y, ("'x'", "'y'", "'z'")))
    assert three.names == ("zip (share of 'x')", "zip (share of 'y')", "zip (share of 'z')")
    out = np.empty((5, 3))
    three.write(values.head(5), out)
    np.testing.assert_allclose(out.sum(axis=1), 1, atol=0.02)
    np.testing.assert_allclose(out[[0, 2, 4]], [[1, 0, 0], [0, .5, .5], [0, 1, 0]], atol=0.1)
    two = MeanInputs.learn("zip", values, Answers(np.minimum(y, 1), ("'x'", "'y'")))
    assert two.names == ("zip (share of 'y')",)


def test_weights_weigh_the_means_whatever_their_scale():
    values, codes, rng = levels(300, 30)
    effect = 50 * rng.normal(size=30)
    y, weights = effect[codes] + rng.normal(size=300), rng.uniform(0.1, 3, 300)
    made = [MeanInputs.learn("zip", values, Answers(y[:, None], ("y",)), weights * scale)
            for scale in (1, 1000)]
    np.testing.assert_allclose(made[0].means, made[1].means)
    own = [np.average(y[codes == i], weights=weights[codes == i]) for i in range(30)]
    np.testing.assert_allclose([row[0] for row in made[0].means[:30]], own, atol=0.1)


# Words ----------------------------------------------------------------------------------------


def test_words_are_counted_by_their_hash():
    part = WordInputs("note")
    out = np.empty((4, part.width))
    assert part.write(pl.Series(["Good, GOOD day!", "day", None, "…"]), out) == []
    good, day = (np.argmax(out[0] == np.log1p(count)) for count in (2, 1))
    assert (good, day) == (146, 144)  # CRC-32, the same on any machine
    np.testing.assert_allclose(out.sum(axis=1), [np.log(3) + np.log(2), np.log(2), 0, 0])
    assert out[1, day] == np.log(2)


@pytest.mark.parametrize("part", [
    lambda: NumberInputs("a", np.inf), lambda: NumberInputs("a", 0.0, low=2.0, high=1.0),
    lambda: DateInputs("a", 0.0, ("month",)),
    lambda: DateInputs("a", 0.0, ("week", "year")), lambda: LevelInputs("a", ("b", "a")),
    lambda: LevelInputs("a", ("a", "a")), lambda: MeanInputs("a", ("x",), ((0.0,),), ("y",)),
    lambda: MeanInputs("a", (), ((np.nan,), (0.0,)), ("y",)),
    lambda: MeanInputs("a", ("b", "a"), ((0.0,),) * 4, ("y",)), lambda: WordInputs("a", 0),
    lambda: Inputs(("a",)),
])
def test_values_that_cannot_be(part):
    with pytest.raises(DataError):
        part()
