"""The numbers of a picture."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from evenly.claims import Picture, Study, less
from evenly.claims.captions import described, noted
from evenly.claims.records import RunRecord
from evenly.claims.series import plotted
from evenly.claims.verdict import judged
from evenly.study.errors import StudyError

FACTORS = {"norm": ("none", "batch"), "rate": (0.1, 1.0, 10.0), "bias": (True, False)}


def numbers(case):
    rng = case.rng(str(dict(case.levels)))
    loss = [case["rate"] * (1 + value) for value in rng.random(4)]
    return {"loss": loss, "last": loss[-1], "time": [1.0, 2.0, 4.0, 8.0], "zero": 0.0}


STUDY = Study(name="sample", claim="It is so.", source="notes", factors=FACTORS, measure=numbers,
              parts=(less("last", {"norm": "batch"}, than={"norm": "none"}),), blocks=6)


def recorded(study, measure=None, leave=lambda run: False):
    cases = study.cases()
    runs = [RunRecord(case.levels, case.block, (measure or study.measure)(case)) for case in cases]
    return judged(study, "tour", [run for run in runs if not leave(run)], cases, 1.0)


RECORD = recorded(STUDY)


def of_blocks(record, pick, **levels):
    """A number a block: the mean over its trainings at these levels."""
    return np.array([
        np.mean([pick(run) for run in record.runs if run.block == block
                 and all(run.levels[k] == v for k, v in levels.items())])
        for block in range(6)
    ])


def only(points):
    assert len(points) == 1
    return points[0]


@pytest.mark.parametrize("ratio", [0.0, 0.4])
def test_over_the_levels_of_a_factor(ratio):
    study = replace(STUDY, test_ratio=ratio)
    found = plotted(study, RECORD, Picture("P", "last", over="rate", by="norm", at={"bias": True}))
    assert not found.is_list
    assert not found.is_words
    assert found.labels == ("none", "batch")
    line = only(found.panels).lines[1]
    assert [point.x for point in line.points] == [0.1, 1.0, 10.0]
    values = of_blocks(RECORD, lambda run: run.values["last"], norm="batch", rate=1.0, bias=True)
    half = stats.t.ppf(0.975, 5) * values.std(ddof=1) * math.sqrt(1 / 6 + ratio)
    point = line.points[1]
    np.testing.assert_allclose([point.mean, point.low, point.high],
                               [values.mean(), values.mean() - half, values.mean() + half])


def test_a_logarithmic_scale_has_means_of_logarithms():
    found = plotted(STUDY, RECORD, Picture("P", "last", over="norm", log="y"))
    assert found.is_geometric
    assert found.is_words
    values = of_blocks(RECORD, lambda run: run.values["last"], norm="none")
    logs = np.log(values)
    half = stats.t.ppf(0.975, 5) * logs.std(ddof=1) / math.sqrt(6)
    point = only(only(found.panels).lines).points[0]
    np.testing.assert_allclose([point.mean, point.low, point.high],
                               np.exp([logs.mean(), logs.mean() - half, logs.mean() + half]))
    words = noted(Picture("P", "last", over="norm"), found)
    assert words.startswith("Geometric means over 6 blocks; bars are")


def test_over_the_places_of_a_list():
    picture = Picture("P", "loss", over="epoch", by="bias", panels="norm", at={"rate": 1.0})
    found = plotted(STUDY, RECORD, picture)
    assert found.is_list
    assert [panel.title for panel in found.panels] == ["none", "batch"]
    assert found.labels == ("bias yes", "bias no")
    points = found.panels[1].lines[0].points
    assert [point.x for point in points] == [1, 2, 3, 4]
    values = of_blocks(RECORD, lambda run: run.values["loss"][2], norm="batch", rate=1.0, bias=True)
    assert points[2].mean == pytest.approx(values.mean())
    timed = plotted(STUDY, RECORD, replace(picture, places="time", over="second"))
    assert [point.x for point in timed.panels[0].lines[0].points] == [1, 2, 4, 8]


def test_lists_of_several_lengths_are_means_of_those_that_reach():
    def shorter(case):
        loss = [float(case.block)] * (2 if case.block < 3 else 3)
        return {"loss": loss, "last": loss[-1]}

    found = plotted(STUDY, recorded(STUDY, shorter), Picture("P", "loss", over="epoch"))
    means = [point.mean for point in only(only(found.panels).lines).points]
    assert means == [2.5, 2.5, 4.0]


def test_only_whole_blocks_are_drawn():
    record = recorded(STUDY, leave=lambda run: run.block == 5 and run.levels["rate"] == 1.0)
    found = plotted(STUDY, record, Picture("P", "last", over="norm"))
    assert found.blocks == 5
    values = of_blocks(record, lambda run: run.values["last"], norm="none")[:5]
    assert only(only(found.panels).lines).points[0].mean == pytest.approx(values.mean())


def test_a_line_runs_from_left_to_right():
    study = replace(STUDY, factors={**FACTORS, "rate": (1.0, 10.0, 0.1)})
    found = plotted(study, recorded(study), Picture("P", "last", over="rate"))
    assert [point.x for point in only(only(found.panels).lines).points] == [0.1, 1.0, 10.0]


def test_a_band_of_ones_own():
    def spread(case):
        middle = [1.0 + case.block, 2.0]
        return {"last": 1.0, "middle": middle, "low": [v - 1 for v in middle],
                "high": [v * 4 for v in middle], "short": [1.0]}

    record = recorded(STUDY, spread)
    picture = Picture("P", "middle", over="step", band=("low", "high"))
    found = plotted(STUDY, record, picture)
    first, second = only(only(found.panels).lines).points
    assert (first.mean, first.low, first.high) == (3.5, 2.5, 14.0)
    assert (second.mean, second.low, second.high) == (2.0, 1.0, 8.0)
    assert noted(picture, found) == "Means over 6 blocks; bands reach from low to high."
    assert "band there 1 to 8" in described(picture, found)
    with pytest.raises(StudyError, match="'P': band: there is no measure 'lower': expects one"):
        plotted(STUDY, record, replace(picture, band=("lower", "high")))
    with pytest.raises(StudyError, match="'P': band: differs in length from the measure 'middle'"):
        plotted(STUDY, record, replace(picture, band=("short", "high")))


def test_levels_that_are_not_run_together_are_left_out():
    study = replace(STUDY, leaves_out=lambda levels: levels["norm"] == "none"
                    and levels["rate"] == 10.0)
    record = recorded(study)
    found = plotted(study, record, Picture("P", "last", over="rate", by="norm"))
    none, batch = only(found.panels).lines
    assert [point.x for point in none.points] == [0.1, 1.0]
    assert [point.x for point in batch.points] == [0.1, 1.0, 10.0]
    panels = plotted(study, record, Picture("P", "last", over="norm", panels="rate")).panels
    assert [len(panel.lines[0].points) for panel in panels] == [2, 2, 1]


def test_what_has_no_logarithm_is_left_out_and_said():
    def some(case):
        return {"share": [0.0 if case.block else -1.0, 1.0 + case.block], "last": 1.0}

    found = plotted(STUDY, recorded(STUDY, some), Picture("P", "share", over="step", log="y"))
    assert not found.is_geometric
    assert [point.x for point in only(only(found.panels).lines).points] == [2]
    words = noted(Picture("P", "share", over="step"), found)
    assert "1 point is not above 0, and left out" in words


def test_one_block_has_no_interval():
    record = replace(RECORD, runs=tuple(run for run in RECORD.runs if run.block == 0))
    found = plotted(STUDY, record, Picture("P", "last", over="rate"))
    for point in only(only(found.panels).lines).points:
        assert point.low == point.mean == point.high
    assert noted(Picture("P", "last", over="rate"), found) == "One block: there are no intervals."


def test_a_picture_in_words():
    def plain(case):
        loss = [float(case["rate"]), 0.25]
        return {"loss": loss, "last": loss[0]}

    record = recorded(STUDY, plain)
    picture = Picture("P", "loss", over="epoch", by="norm", at={"rate": 10.0}, unit="nats")
    assert described(picture, plotted(STUDY, record, picture)) == (
        "Loss in nats by epoch. none: from 10 at epoch 1 to 0.25 at epoch 2, interval there 0.25 "
        "to 0.25. batch: from 10 at epoch 1 to 0.25 at epoch 2, interval there 0.25 to 0.25.")
    picture = Picture("P", "last", over="norm", panels="rate", at={"bias": True})
    words = described(picture, plotted(STUDY, record, picture))
    assert "rate 0.1: none 0.1, interval 0.1 to 0.1; batch 0.1, interval 0.1 to 0.1." in words


@pytest.mark.parametrize(("picture", "message"), [
    (Picture("P", "lost", over="epoch"),
     "there is no measure 'lost': expects one of loss, last, time, zero"),
    (Picture("P", "last", over="epoch"),
     "over: there is no factor 'epoch': expects one of norm, rate, bias"),
    (Picture("P", "loss", over="rate"),
     "over: the measure 'loss' is a list: expects what its places are, got the factor 'rate'"),
    (Picture("P", "last", over="rate", by="nrom"),
     "by: there is no factor 'nrom': expects one of norm, rate, bias"),
    (Picture("P", "last", over="rate", panels="depth"), "panels: there is no factor 'depth'"),
    (Picture("P", "last", over="rate", at={"depth": 3}), "at: there is no factor 'depth'"),
    (Picture("P", "last", over="rate", at={"norm": "layer"}),
     "at: the factor 'norm' has no level 'layer': expects one of 'none', 'batch'"),
    (Picture("P", "last", over="rate", by="rate"),
     "over: the factor 'rate' is in by, panels or at too"),
    (Picture("P", "loss", over="second", places="last"),
     "places: there is no list 'last': expects one of loss, time"),
    (Picture("P", "last", over="norm", log="x"),
     "log: the levels of 'norm' are not all above 0: leave x out of log"),
    (Picture("P", "zero", over="norm", log="y"),
     "log: the measure 'zero' is nowhere above 0: leave y out of log"),
])
def test_a_picture_of_what_does_not_exist(picture, message):
    with pytest.raises(StudyError) as caught:
        plotted(STUDY, RECORD, picture)
    assert str(caught.value).startswith(f"study sample: picture 'P': {message}")


def test_a_measure_that_is_a_list_now_and_then():
    def mixed(case):
        return {"last": 1.0, "odd": [1.0] if case.block else 1.0}

    with pytest.raises(StudyError, match="'odd' is a number in some trainings and a list in"):
        plotted(STUDY, recorded(STUDY, mixed), Picture("P", "odd", over="epoch"))
