"""Which rows train and which test: groups that no split parts, and time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evenly.study import Design, StudyError, Table, check_fits, load, part_sizes
from evenly.study.parts import make_parts, rows_ratio
from evenly.study.summary import describe_data, settings

ROWS = 120


def frame(**changes: Any) -> pd.DataFrame:
    random = np.random.default_rng(0)
    columns = {
        "x": random.normal(size=ROWS).round(4),
        "patient": [f"p{i % 12}" for i in range(ROWS)],
        "day": pd.date_range("2024-01-01", periods=ROWS).strftime("%Y-%m-%d"),
        "y": ["a", "b", "b"] * 40,
    }
    return pd.DataFrame(columns | changes)


def table(path: Path, columns: pd.DataFrame, **settings: Any) -> Table:
    columns.to_csv(path / "t.csv", index=False)
    return load(path / "t.csv", settings.pop("target", "y"), None, **settings)


def test_rows_of_a_group_are_on_one_side(tmp_path: Path) -> None:
    found = table(tmp_path, frame(), groups="patient")
    sides = []
    for seed in range(20):
        train, test = make_parts(found, Design(seeds=20), seed)
        assert sorted([*train, *test]) == list(range(ROWS))
        assert found.groups is not None
        assert not set(found.groups[train]) & set(found.groups[test])
        assert len(set(found.groups[test])) == 3
        sides.append(tuple(test))
    assert len(set(sides)) > 10
    assert rows_ratio(found, Design()) == pytest.approx(3 / 9)


@pytest.mark.parametrize("keep", [False, True])
def test_the_columns_of_groups_and_time_are_no_inputs_unless_said(
    tmp_path: Path, keep: bool
) -> None:
    found = table(tmp_path, frame(), groups="patient", time="day", keep=keep)
    assert [column.name for column in found.columns] == (["x", "patient", "day"] if keep else ["x"])
    assert found.left_out == (() if keep else ("patient", "day"))


def test_each_seed_tests_a_window_behind_what_it_learned(tmp_path: Path) -> None:
    order = np.random.default_rng(1).permutation(ROWS)
    shuffled = frame().iloc[order]
    found = table(tmp_path, shuffled, time="day")
    days = shuffled["day"].to_numpy()
    design = Design(split="time", seeds=4)
    tested: list[int] = []
    for seed in range(4):
        train, test = make_parts(found, design, seed)
        assert days[train].max() < days[test].min()
        assert len(train) == 60 + 15 * seed
        tested += test.tolist()
    # Half of the rows, none twice, up to the last.
    assert len(set(tested)) == len(tested) == 60
    assert days[tested].max() == days.max()
    assert part_sizes(found, design) == (60, 15)
    assert rows_ratio(found, design) == pytest.approx(15 / np.mean([60, 75, 90, 105]))


def test_one_seed_tests_the_last_quarter_and_rows_are_in_order_without_a_column(
    tmp_path: Path,
) -> None:
    train, test = make_parts(table(tmp_path, frame()), Design(split="time", seeds=1), 0)
    assert (train.tolist(), test.tolist()) == (list(range(90)), list(range(90, 120)))


def test_rows_of_one_moment_are_on_one_side(tmp_path: Path) -> None:
    found = table(tmp_path, frame(hour=[i // 7 for i in range(ROWS)]), time="hour")
    assert found.time is not None
    for seed in range(3):
        train, test = make_parts(found, Design(split="time", seeds=3), seed)
        assert found.time[train].max() < found.time[test].min()


def test_time_is_a_number_or_a_date(tmp_path: Path) -> None:
    dates = ["2024-02-01T12:00", "2024-01-31", "2025-01-01"] * 40
    found = table(tmp_path, frame(day=dates), time="day")
    assert found.time is not None
    assert found.time[:3].argsort().tolist() == [1, 0, 2]


@pytest.mark.parametrize("spelled", ["%d.%m.%Y", "%d/%m/%y", "%Y%m%d", "%b %d, %Y"])
def test_times_are_dates_in_any_spelling(tmp_path: Path, spelled: str) -> None:
    days = pd.date_range("2024-01-01", periods=ROWS)
    order = np.random.default_rng(1).permutation(ROWS)
    found = table(tmp_path, frame(day=days[order].strftime(spelled)), time="day")
    assert found.time is not None
    assert found.time.argsort().tolist() == order.argsort().tolist()


def test_groups_and_times_in_arrays(tmp_path: Path) -> None:
    x, y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 2
    np.savez(tmp_path / "t.npz", x=x, y=y, who=np.arange(40) // 4, when=np.arange(40)[::-1])
    found = load(tmp_path / "t.npz", None, None, groups="who", time="when")
    assert (len(found.columns), found.width) == (3, 3)
    assert found.groups is not None
    assert found.time is not None
    assert (len(set(found.groups)), found.time[0]) == (10, 39)
    assert load(tmp_path / "t.npz", None, None, groups="who", keep=True).width == 4
    np.savez(tmp_path / "t.npz", x=x, y=y, who=np.arange(39))
    with pytest.raises(StudyError, match=r"array 'who' expects shape \(40,\), one value a"):
        load(tmp_path / "t.npz", None, None, groups="who")


def test_the_parts_are_said_in_words(tmp_path: Path) -> None:
    found = table(tmp_path, frame(), groups="patient", time="day")
    grouped = describe_data(found, Design()).parts
    assert grouped == (
        "9 of the 12 groups of 'patient' train, 3 test: at least 90 rows train."
    )
    assert "25% of the groups of 'patient'" in dict(settings(found, Design()))["test part"]
    design = Design(split="time", seeds=4)
    assert describe_data(found, design).parts == (
        "In the order of 'day': 4 windows of 15 rows test, one a seed, and all rows before a "
        "window train (60 before the first)."
    )
    assert "a window of rows behind" in dict(settings(found, design))["test part"]


BAD: dict[str, tuple[pd.DataFrame, dict[str, Any], dict[str, Any], str]] = {
    "no such column": (
        frame(), {"groups": "patint"}, {},
        "there is no column 'patint': did you mean 'patient'?",
    ),
    "no such time": (frame(), {"time": "dya"}, {}, "there is no column 'dya': did you mean 'day'?"),
    "the target": (
        frame(), {"groups": "y"}, {}, "'y' is the target: name other columns beside it",
    ),
    "a gap in the groups": (
        frame(patient=["p", None] * 60), {"groups": "patient"}, {},
        "groups 'patient': nothing in 60 of 120 rows, first in row 2: remove or fill the "
        "rows",
    ),
    "a gap in time": (
        frame(day=[None] + [1] * 119), {"time": "day"}, {},
        "time 'day': nothing in 1 of 120 rows, first in row 1: remove or fill the rows",
    ),
    "text for time": (
        frame(day=["2024-01-01", "Monday"] * 60), {"time": "day"}, {},
        "time 'day': expects numbers or dates such as 2024-01-31, got words, such as 2024-01-01, "
        "Monday: write dates so",
    ),
    "too few groups": (
        frame(patient=["p", "q", "r"] * 40), {"groups": "patient"}, {},
        "groups 'patient': expects at least 4 groups, got 3: leave --groups out, or name another "
        "column",
    ),
    "a class in one group": (
        frame(y=["a" if i % 12 == 3 else "b" for i in range(ROWS)]), {"groups": "patient"}, {},
        "groups 'patient': class 'a' is missing in a part of each of 100 draws of seed 0: a class "
        "expects rows in several groups: merge classes, or leave --groups out",
    ),
    "a class that comes late": (
        frame(y=["b"] * 70 + ["a", "b"] * 25), {}, {"split": "time"},
        "--split time: class 'a' is missing in the rows that seed 0 learns from: merge classes, or "
        "take --split random",
    ),
    "a window of one class": (
        frame(y=["a", "b"] * 50 + ["b"] * 20), {}, {"split": "time"},
        "--split time: the window of seed 4 holds one value of the target alone: take fewer "
        "--seeds, or --split random",
    ),
    "more seeds than rows": (
        frame(), {}, {"split": "time", "seeds": 50},
        "--split time: a window expects at least 2 rows to test, 50 seeds leave 1 of 120 rows: "
        "take fewer --seeds",
    ),
    "one moment": (
        frame(day=[1] * ROWS), {"time": "day"}, {"split": "time"},
        "--split time: the rows before the window of seed 0 are 0, expects at least 2: 'day' has "
        "too few different values: name another --time",
    ),
    "groups and time": (
        frame(), {"groups": "patient"}, {"split": "time"},
        "--groups goes with --split random: rows in the order of time part groups: leave one of "
        "them out",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_split_says_so(tmp_path: Path, case: str) -> None:
    columns, given, changes, message = BAD[case]
    with pytest.raises(StudyError) as caught:
        check_fits(table(tmp_path, columns, **given), Design(**changes), 1)
    assert str(caught.value) == f"{tmp_path / 't.csv'}: {message}"


def test_no_such_split() -> None:
    with pytest.raises(StudyError, match="split: there is no 'tme': did you mean 'time'"):
        Design(split="tme")
    with pytest.raises(StudyError, match="measure: there is no 'auk': did you mean 'auc'"):
        Design(measure="auk")
