"""Goals, reasons and tables of the bench."""

import pytest
from benchmarks import goals, table
from benchmarks.page import every_row
from benchmarks.rows import AtMost, Faster, FasterThanAsGood, NearFloor, Result, Row

NAMES = [row.name for _, row in every_row()]


def result(ours=2.0, torch=3.0, floor=1.0, wanted=(), **given):
    samples = {peer: (value,) for peer, value in (("evenly", ours), ("torch", torch)) if value}
    return Result(Row("a row", None, tuple(wanted)), samples, floor, **given)


def test_names_are_told_apart():
    assert len(NAMES) == len(set(NAMES))


@pytest.mark.parametrize("key", [*goals._BOTH, *goals._OTHERS, *goals.reasons()])
def test_goals_and_reasons_are_of_a_row(key):
    assert any(name.startswith(key) for name in NAMES), key


def test_a_row_has_the_goals_of_its_own_name():
    assert goals.goals("BatchNorm (4096, 1024)") == (Faster(1.8), NearFloor(1.5))
    assert goals.goals("BatchNorm-ReLU-Dropout (4096, 1024)") == (Faster(10), NearFloor(2))
    assert goals.goals("predict 784-256-256-10, batch 1") == (Faster(1.2),)
    assert goals.goals("predict 784-256-256-10, batch 256") == (Faster(1.1), NearFloor(1.2))
    assert goals.goals("what nobody measures") == ()


def test_every_training_step_has_a_goal_of_both_kinds():
    for title, row in every_row():
        if title.startswith("Training step"):
            assert [type(goal) for goal in row.goals] == [Faster, NearFloor], row.name
            assert row.needs is not None


@pytest.mark.parametrize(("goal", "met"), [
    (Faster(1.5), True), (Faster(1.6), False), (Faster(1, "jax"), None),
    (NearFloor(2), True), (NearFloor(1.9), False), (AtMost(2), True), (AtMost(0.5, "torch"), False),
])
def test_a_goal_is_met_or_not(goal, met):
    assert goal.met(result()) is met


@pytest.mark.parametrize(("ours", "torch", "scores", "met"), [
    (2, 3, {"evenly": 0.9, "torch": 0.9}, True),
    (2, 1, {"evenly": 0.9, "torch": 0.8}, True),  # faster, but not as good
    (2, 1, {"evenly": 0.9, "torch": 0.899}, False),
    (2, 1, {"evenly": 0.9}, None),
])
def test_speed_counts_where_the_score_is_as_good(ours, torch, scores, met):
    assert FasterThanAsGood(1).met(result(ours, torch, scores=scores)) is met


def test_a_table_says_what_is_missed_and_why(monkeypatch):
    monkeypatch.setattr(goals, "reasons", lambda: {"a r": "it waits."})
    one = result(wanted=(Faster(1.2), NearFloor(1.5)), absent=("jax",), scores={"evenly": 0.5})
    text = table.markdown("Rows", [one])
    assert "| 2 at 0.500 | 3 | not installed | 1.50 x PyTorch |" in text
    assert "| 1.2 x; 1.5 x floor (no) | 1 | 2.00 |" in text
    assert "- **a row** misses 1.5 x floor: it waits." in text
    brief = table.markdown("Rows", [one], brief=True)
    assert "| **2** at 0.500 | 3 | 1.50 x PyTorch |" in brief
    assert "it waits" not in brief
    record, = table.as_json("Rows", [one])
    assert record["times_the_floor"] == 2.0
    assert record["reason"] == "it waits."
    assert record["absent"] == ["jax"]


def test_a_goal_that_is_missed_for_no_known_reason_is_seen(monkeypatch):
    monkeypatch.setattr(goals, "reasons", dict)
    assert table.why([result(wanted=(NearFloor(1),))]) == [
        "**a row** misses 1 x floor: the reason is not known yet."]
    assert table.why([result(wanted=(NearFloor(2),))]) == []
