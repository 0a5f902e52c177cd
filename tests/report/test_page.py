from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from typing import Any

import pytest

from evenly.report import render
from evenly.report.drawing import VARIABLES
from evenly.study.records import RunRecord, Scale, StudyRecord

Make = Callable[..., StudyRecord]
VOID = {"meta", "link", "br", "img", "input", "hr"}
SHAPES = {"path", "use", "rect", "line", "circle", "polyline"}
drawn = cache(render)  # a study is a value, and to draw its page takes a second


class Page(HTMLParser):
    """Reads a page strictly: every element is closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: dict[str, list[str]] = {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in set(self.open):
            self.words.setdefault(tag, []).append(data)

    def text(self, tag: str) -> str:
        return " ".join("".join(self.words.get(tag, [])).split())

    def all(self, name: str) -> list[str]:
        return [value for _, attrs in self.tags if (value := attrs.get(name)) is not None]


def test_nothing_is_asked_of_the_outside(make_study: Make) -> None:
    html = drawn(make_study())
    page = Page(html)
    for attribute in ("src", "href", "xlink:href", "action", "data", "poster", "srcset"):
        for value in page.all(attribute):
            assert value.startswith("#") or value == "data:,"
    assert not {"script", "iframe", "object", "embed", "base"} & {tag for tag, _ in page.tags}
    assert "http:" not in html
    assert "https:" not in html
    assert "@import" not in html
    assert "@font-face" not in html
    # What url() names is in the page.
    names = set(page.all("id"))
    for target in re.findall(r"url\(([^)]*)\)", html):
        assert target.removeprefix("#") in names


def test_names_in_the_page_are_different(make_study: Make) -> None:
    page = Page(drawn(make_study()))
    names = page.all("id")
    assert len(names) == len(set(names))
    assert all(link.removeprefix("#") in names for link in page.all("href") if link != "data:,")


def test_charts_take_their_colours_from_the_page(make_study: Make) -> None:
    html = drawn(make_study())
    charts = "".join(re.findall(r"<svg.*?</svg>", html, flags=re.DOTALL))
    assert not re.findall(r"#[0-9a-f]{6}\b", charts)
    style = html[html.index("<style>") : html.index("</style>")]
    light, dark = style.split("@media (prefers-color-scheme: dark)", 1)
    for variable in VARIABLES.values():
        assert f"{variable}:" in light
        assert f"{variable}:" in dark.split("}\n}", 1)[0]


def test_every_number_of_the_table_is_there(make_study: Make) -> None:
    page = Page(drawn(make_study()))
    assert page.text("h1") == make_study().sentence
    table = page.text("tbody")
    assert "dropout 91.0 ±2.0 +2.0 [+1.0, +3.0] 0.020 +2.0 3 0.25 helped" in table
    assert "l2 91.0 ±2.0 \u22125.0 [\u22127.0, \u22123.0]" in table
    assert page.text("pre").endswith("evenly study 'a<b>.csv' --target 'R&D'")
    facts = page.text("dl")
    for fact in ("0, 1", "3.11.7", "2025-01-02 03:04:05+00:00", "0" * 64, "R&D"):
        assert fact in facts
    assert "Left out, because they are empty: q." in page.text("header")


def test_the_network_is_named(make_study: Make) -> None:
    changes = {"net": "cnn", "net_title": "convolutional networks"}
    study = make_study(**changes)
    data = replace(study.data, examples="images of 8 x 8 with 1 channel")
    page = Page(drawn(replace(study, data=data)))
    header = page.text("header")
    assert "a<b>.csv · cnn" in header
    assert (
        "Convolutional networks (cnn) learn from images of 8 x 8 with 1 channel of a<b>.csv "
        "which of 3 classes 'R&D' is. 90 rows train, 30 rows test. The score is accuracy."
    ) in header
    assert "images of 8 x 8 with 1 channel" in page.text("dl")


def test_every_variant_has_its_curves(make_study: Make) -> None:
    html = drawn(make_study())
    for name in ("plain", "dropout", "l2"):
        for title in (f"Test accuracy of {name}", f"Training and test loss of {name}"):
            (chart,) = re.findall(rf"<svg[^>]*><title>{title} by epoch.*?</svg>", html, re.DOTALL)
            assert "var(--accent)" in chart
            assert ("var(--plain)" in chart) == (name != "plain" and title.startswith("Test"))
    # Wide screens and phones get a drawing each.
    assert html.count("<title>Paired differences") == 2
    forest = re.findall(r"<svg[^>]*><title>Paired.*?</svg>", html, re.DOTALL)[0]
    assert "var(--good)" in forest
    assert "var(--bad)" in forest


def test_text_from_the_table_is_escaped(make_study: Make) -> None:
    sentence = "With 2 seeds: <script>alert(1)</script> & l2."
    html = drawn(make_study(sentence=sentence))
    assert "<script" not in html
    assert Page(html).text("h1") == sentence
    assert "a<b>.csv" not in html


def test_the_references_stand_in_the_table_and_beside_each_network(make_study: Make) -> None:
    study = make_study()
    text = Page(drawn(study)).text("tbody")
    assert "simplest always 'x<y>' 41.0 ±2.0 \u221250.0 [\u221251.0, \u221249.0]" in text
    assert "reference plain 91.0" in text
    # The second table: against each reference.
    assert "plain +50.0 [+49.0, +51.0] 0.002 better" in text
    without = Page(drawn(replace(study, references=(), variants=tuple(
        replace(v, against=()) for v in study.variants))))
    assert "Is a network needed?" not in without.text("h2")


def test_which_side_of_zero_is_better(make_study: Make) -> None:
    study = make_study()
    assert "Right of zero is better." in Page(drawn(study)).text("p")
    scale = Scale("log loss", 1.0, 3, "", "", lower_is_better=True)
    page = Page(drawn(replace(study, scale=scale)))
    assert "Left of zero is better." in page.text("p")
    assert "The score is log loss: lower is better." in page.text("header")
    # Curves stay loss and score.
    assert "Test accuracy of l2 by epoch" in page.text("title")


def test_an_interval_without_0_and_no_finding_are_told_apart(make_study: Make) -> None:
    study = make_study()
    alone = replace(study.variants[1], verdict="unclear")
    page = Page(drawn(replace(study, variants=(study.variants[0], alone))))
    assert "unclear after Holm" in page.text("td")
    assert "unclear after Holm" not in Page(drawn(study)).text("td")
    assert "a bar may leave zero out and its verdict be unclear" in page.text("p")


def test_what_to_train_follows_the_verdict(make_study: Make) -> None:
    page = Page(drawn(make_study()))
    header = page.text("header")
    assert "dropout: it helped. evenly fit 'a<b>.csv' --target 'R&D'" in header
    assert "table = load(Path('a<b>.csv'), 'R&D', None)" in page.text("pre")
    assert "Plain is the network without normalization and regularization" in header
    none = Page(drawn(make_study(advice="", fit_command="", fit_code="")))
    assert "Train it" not in none.text("h2")
    assert "evenly fit" not in none.text("pre")


def test_what_a_reference_run_has_to_say_is_said(make_study: Make) -> None:
    study = make_study()
    noted = tuple(replace(run, note="not converged") for run in study.reference_runs)
    page = Page(drawn(replace(study, reference_runs=noted)))
    assert page.text("header").count("simplest: not converged.") == 1


def test_an_early_end_is_said_first(make_study: Make) -> None:
    study = make_study()
    page = Page(drawn(replace(study, interrupted=True, runs=study.runs[:4])))
    assert "Stopped early: 4 of 6 runs had finished." in page.text("header")
    assert "Stopped early" not in Page(drawn(study)).text("header")


def test_divergence_is_said_and_drawn_without_harm(make_study: Make, broken_run: RunRecord) -> None:
    study = make_study()
    html = drawn(replace(study, runs=(*study.runs[:5], broken_run)))
    assert (
        "1 of 6 runs diverged and have no scores. The first: l2, seed 1: "
        "epoch 2, step 9: not finite" in Page(html).text("header")
    )
    assert "nan" not in re.findall(r'd="[^"]*"', html)


@pytest.mark.parametrize(
    "changes",
    [
        {"epochs": 1},
        {"curve_scale": Scale("R²", 1.0, 3, "", "")},
        {"runs": ()},
        {"seeds": 1},
    ],
    ids=["one epoch", "numbers", "no runs", "one seed"],
)
def test_odd_studies_are_drawn_too(make_study: Make, changes: dict[str, Any]) -> None:
    page = Page(drawn(make_study(**changes)))
    assert SHAPES & {tag for tag, _ in page.tags}


def test_without_differences_there_is_no_chart_of_them(make_study: Make) -> None:
    study = make_study()
    html = drawn(replace(study, variants=study.variants[:1]))
    assert "Paired differences" not in html
    assert "Differences from plain" not in html


def test_drawing_leaves_the_callers_settings_alone(make_study: Make) -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    render(make_study())
    assert dict(matplotlib.rcParams) == before


def test_the_same_study_gives_the_same_page(make_study: Make) -> None:
    assert drawn(make_study()) == render(make_study())
