"""A study's result in a notebook: frame, figures, page."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from matplotlib.colors import to_hex

from evenly.report import StudyResult, history_jsonl, render, results_csv
from evenly.report.drawing import VARIABLES
from evenly.study.records import RunRecord, Scale, StudyRecord

Make = Callable[..., StudyRecord]


def test_the_frame_is_the_csv_file(make_study: Make, broken_run: RunRecord) -> None:
    study = make_study()
    study = replace(study, runs=(*study.runs[:5], broken_run))
    frame = StudyResult(study).frame()
    text = io.StringIO()
    frame.to_csv(text, index=False)
    written = list(csv.DictReader(io.StringIO(results_csv(study))))
    framed = list(csv.DictReader(io.StringIO(text.getvalue())))
    assert list(frame.columns) == list(written[0])
    assert [row["variant"] for row in framed] == [row["variant"] for row in written]
    assert [row["test_accuracy"] for row in framed] == [row["test_accuracy"] for row in written]
    assert frame["difference_from_plain"].isna().sum() == 3
    assert frame.loc[frame["kind"] == "network"].shape[0] == 6


def test_the_history_is_the_file_of_lines(make_study: Make) -> None:
    study = make_study(epochs=3)
    frame = StudyResult(study).history()
    assert len(frame) == len(history_jsonl(study).splitlines()) == 18
    assert frame["epoch"].max() == 3


def test_figures_are_drawn_in_colours_of_their_own(make_study: Make) -> None:
    differences, curves = StudyResult(make_study()).plot()
    assert [tick.get_text() for tick in differences.axes[0].get_yticklabels()] == ["l2", "dropout"]
    assert "right of 0 is better" in differences.axes[0].get_title("left")
    assert len(curves.axes) == 6
    used = {to_hex(line.get_color()) for figure in (differences, curves) for axes in figure.axes
            for line in axes.lines}
    assert len(used) > 3
    assert not used & set(VARIABLES)
    for figure in (differences, curves):
        picture = io.BytesIO()
        figure.savefig(picture, format="png")
        assert picture.getvalue().startswith(b"\x89PNG")


@pytest.mark.parametrize("is_lower", [True, False])
def test_which_side_is_better_stands_above_the_differences(
    make_study: Make, is_lower: bool
) -> None:
    scale = Scale("MAE", 1.0, 2, "", "", lower_is_better=is_lower)
    figure = StudyResult(make_study(scale=scale)).plot()[0]
    assert f"{'left' if is_lower else 'right'} of 0" in figure.axes[0].get_title("left")


def test_without_differences_there_are_curves_alone(make_study: Make) -> None:
    study = make_study()
    assert len(StudyResult(replace(study, variants=study.variants[:1])).plot()) == 1


def test_a_notebook_shows_the_page_in_a_frame(make_study: Make) -> None:
    study = make_study()
    shown = StudyResult(study)._repr_html_()
    (page,) = re.findall(r'srcdoc="([^"]*)"', shown)
    assert html.unescape(page) == render(study)
    assert 'title="a&lt;b&gt;.csv: a study by evenly"' in shown


def test_as_text(make_study: Make) -> None:
    lines = str(StudyResult(make_study())).splitlines()
    assert lines[0].startswith("With 2 seeds: dropout")
    assert lines[1].split() == ["simplest", "41.0", "±2.0", "-50.0", "[-51.0,", "-49.0]",
                                "reference"]
    assert lines[-1].startswith("To train on all rows")
