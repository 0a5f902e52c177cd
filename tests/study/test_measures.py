"""Each measure against its definition, written out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from evenly.study import MEASURES, StudyError
from evenly.study.checks import check_measure
from evenly.study.data import make_table
from evenly.study.designs import Design
from evenly.study.measures import BY_NAME, default_measure, measure, scale_of
from evenly.study.records import Interval

TRUTH = np.array([0, 0, 0, 1, 1, 2])
CHANCES = np.array([
    [0.7, 0.2, 0.1], [0.5, 0.4, 0.1], [0.2, 0.6, 0.2], [0.3, 0.4, 0.3], [0.1, 0.8, 0.1],
    [0.5, 0.1, 0.4],
])


def area(positive: Any, score: Any) -> float:
    """The share of pairs of a positive and a negative that are in order; a tie is half a pair."""
    pairs = [(a, b) for a in score[positive] for b in score[~positive]]
    return float(np.mean([(a > b) + 0.5 * (a == b) for a, b in pairs]))


def test_several_classes() -> None:
    found = dict(measure("classification", TRUTH, CHANCES))
    assert found["accuracy"] == pytest.approx(4 / 6)
    assert found["balanced-accuracy"] == pytest.approx((2 / 3 + 1 + 0) / 3)
    areas = [area(k == TRUTH, CHANCES[:, k]) for k in range(3)]
    assert found["auc"] == pytest.approx(np.mean(areas))
    assert found["log-loss"] == pytest.approx(-np.mean(np.log(CHANCES[np.arange(6), TRUTH])))
    hits = np.eye(3)[TRUTH]
    assert found["brier"] == pytest.approx(((CHANCES - hits) ** 2).sum(axis=1).mean())


def test_two_classes() -> None:
    truth, chances = TRUTH[:5], CHANCES[:5, :2] / CHANCES[:5, :2].sum(axis=1, keepdims=True)
    found = dict(measure("classification", truth, chances))
    assert found["auc"] == pytest.approx(area(truth == 1, chances[:, 1]))
    assert found["brier"] == pytest.approx(((chances[:, 1] - truth) ** 2).mean())


def test_numbers() -> None:
    truth, said = np.array([1.0, 2.0, 6.0]), np.array([2.0, 2.0, 4.0])
    found = dict(measure("regression", truth, said))
    assert found["mae"] == pytest.approx(1.0)
    assert found["rmse"] == pytest.approx(math.sqrt(5 / 3))
    assert found["r2"] == pytest.approx(1 - 5 / 14)


def test_a_class_that_the_test_part_lacks_needs_no_word() -> None:
    truth, chances = np.array([0, 0, 1, 1]), CHANCES[:4, [0, 2, 1]]
    assert chances.argmax(axis=1).tolist() == [0, 0, 2, 2]
    found = dict(measure("classification", truth, chances))
    assert found["balanced-accuracy"] == pytest.approx((1 + 0) / 2)
    assert found["auc"] == pytest.approx(
        np.mean([area(truth == k, chances[:, k]) for k in range(2)])
    )


def test_what_is_not_defined_is_none() -> None:
    assert dict(measure("classification", np.zeros(4, int), CHANCES[:4]))["auc"] is None
    assert dict(measure("regression", np.ones(3), np.zeros(3)))["r2"] is None
    assert dict(measure("regression", np.ones(3), np.zeros(3)))["mae"] == 1.0


def test_which_way_is_better() -> None:
    lower = {row.name for row in MEASURES if row.lower_is_better}
    assert lower == {"log-loss", "brier", "mae", "rmse"}
    assert default_measure("classification").name == "accuracy"
    assert default_measure("regression").name == "r2"


@pytest.mark.parametrize(("name", "values", "interval", "text"), [
    ("balanced-accuracy", [], Interval(0.9731, 0.0062, 5), "97.3 ±0.6"),
    ("auc", [], Interval(0.9731, 0.0062, 5), "0.973 ±0.006"),
    ("mae", [45123.0], Interval(45123.4, 1203.2, 5), "45123 ±1203"),
    ("mae", [1.2e-4], Interval(1.234e-4, 1.1e-5, 5), "0.0001234 ±0.0000110"),
    ("rmse", [4.2e9], Interval(4.2e9, 1.1e8, 5), "4.2e+09 ±1.1e+08"),
    ("rmse", [0.0], Interval(0.0, None, 1), "0.000"),
])
def test_measures_are_written_short(
    name: str, values: list[float], interval: Interval, text: str
) -> None:
    scale = scale_of(BY_NAME[name], values, 100)
    assert scale.interval(interval) == text
    assert scale.sign == (-1 if BY_NAME[name].lower_is_better else 1)


OF_CLASSES = "accuracy, balanced-accuracy, auc, log-loss, brier"


@pytest.mark.parametrize(("target", "name", "rest"), [
    (["a", "b"] * 6, "mae", f"classes: choose from {OF_CLASSES}"),
    ([i / 7 for i in range(12)], "auc", "numbers: choose from r2, mae, rmse"),
])
def test_a_measure_of_the_other_task(target: list[Any], name: str, rest: str) -> None:
    import pandas as pd

    table = make_table("t", pd.DataFrame({"x": range(12)}), pd.Series(target), "y", None, None)
    with pytest.raises(StudyError) as caught:
        check_measure(table, Design(measure=name))
    assert str(caught.value) == f"t: target 'y': --measure {name} is not for {rest}"
