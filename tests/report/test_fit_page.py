"""The page of a fit: whole, by itself, and the same for names of any kind."""

import re
from dataclasses import replace

import numpy as np
import pytest

from evenly import explain, report

from ..explain.samples import Dear, Price, Thirds, table
from ..explain.test_explain import NAMES, encoded

TYPES = ("number", "category", "boolean", "date", "number")


def make(kind, held=True):
    """The record of a fit of 300 rows."""
    frame, rng = table(), np.random.default_rng(0)
    if kind == "price":
        model = Price(frame)
        truth, inputs = model.predict(frame) + rng.normal(0, 4, 300), encoded(model)
    elif kind == "dear":
        model = Dear(frame)
        truth = np.where(rng.random(300) < model.predict_proba(frame)[:, 1], "dear", "cheap")
        inputs = encoded(model.price)
    else:
        model = Thirds(frame)
        truth = model.classes_[model.predict_proba(frame).argmax(axis=1)].copy()
        truth[::7] = "low"
        inputs = encoded(model.price)
    answers = explain.Answers(model, frame, truth)
    out = answers.rows(np.arange(200, 300)) if held else None
    training = answers.rows(np.arange(200)) if held else answers
    scores = explain.score(training, out, inputs, table="houses.csv", target=kind,
                           notes=("column 'id': left out: it counts the rows",))
    lines = [explain.ColumnLine("id", "number", "", "numbers", 0, 300, "1 to 300", "an index", ()),
             *(explain.ColumnLine(name, of, "1 input", "", 0, 2, "a, b", "", ("odd thing",))
               for name, of in zip(NAMES, TYPES, strict=True))]
    part = out if held else training
    values = model.columns_.values(part.frame)[0]
    return explain.explained(part, np.arange(len(part)), scores, lines, values,
                             part="held-out" if held else "training",
                             command=f"evenly fit houses.csv --target {kind}",
                             facts=(("evenly", "0"),))


@pytest.fixture(scope="module")
def pages():
    return {kind: report.render_fit(make(kind)) for kind in ("price", "dear", "thirds")}


def test_a_page_asks_for_nothing(pages):
    for page in pages.values():
        assert not re.search(r"(src|href)=\"(?!data:|#)", page)
        assert "url(" not in re.sub(r"url\(#", "", page)
        assert "@import" not in page
        assert "<script" not in page
        ids = re.findall(r'\bid="([^"]+)"', page)
        assert len(ids) == len(set(ids))


def test_every_part_is_there(pages):
    for title in ("Columns", "Scores", "What the columns are worth",
                  "How answers change with a column", "Worst rows", "Left out, and read otherwise",
                  "Run it again"):
        assert all(f"<h2>{title}</h2>" in page for page in pages.values()), title
    assert "<h2>Residuals</h2>" in pages["price"]
    assert "<h2>Confusion</h2>" not in pages["price"]
    for kind in ("dear", "thirds"):
        assert "<h2>Confusion</h2>" in pages[kind]
        assert "<h2>Are the probabilities what they say?</h2>" in pages[kind]
    assert pages["price"].index("<h2>Columns") < pages["price"].index("<h2>Scores")


def test_the_headline_says_what_it_came_to():
    record = make("price")
    page = report.render_fit(record)
    own, mean, ridge = (line.of("r2") for line in record.scores.lines)
    head = re.search(r"<h1>(.*?)</h1>", page)[1]
    assert f"R² {own:.3f} on 100 held-out rows" in head
    assert f"ridge regression has R² {ridge:.3f}" in head
    assert mean is not None
    assert "column &#39;id&#39;: left out: it counts the rows" in page
    assert "odd thing" in page


def test_a_network_that_is_not_needed_is_said_so():
    record = make("price")
    network, *others = record.scores.lines
    worse = replace(network, held_out=tuple((name, -1.0) for name, _ in network.held_out))
    page = report.render_fit(replace(record, scores=replace(
        record.scores, lines=(worse, *others))))
    assert "The network is no better than ridge regression" in page
    assert "The network is no better than" not in report.render_fit(
        replace(record, scores=replace(record.scores, lines=(network,))))


def test_rows_that_trained_are_said_so():
    page = report.render_fit(make("dear", held=False))
    assert "No rows were held out" in page
    assert "training rows" in page
    assert "held out</th>" not in page


def test_names_are_text_and_nothing_else():
    record = make("dear")
    mean = "<script>alert(1)</script> & $x^2$"
    importance = tuple(replace(one, column=mean) if one.column == "size" else one
                       for one in record.importance)
    dependence = tuple(replace(one, column=mean) for one in record.dependence)
    page = report.render_fit(replace(
        record, importance=importance, dependence=dependence,
        scores=replace(record.scores, target=mean, table=mean, notes=(mean,))))
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 5


def test_a_wide_table_is_a_page_still():
    record = make("price")
    many = tuple(replace(record.columns[0], name=f"c{i}") for i in range(1000))
    page = report.render_fit(replace(record, columns=many, scores=replace(
        record.scores, notes=tuple(f"note {i}" for i in range(900)))))
    assert "700 more columns." in page
    assert "700 more.</p>" in page
    assert "c299" in page
    assert "c300<" not in page


@pytest.mark.sweep
@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_is_wider_than_its_window(pages, tmp_path, width, browser):
    for kind, text in pages.items():
        path = tmp_path / f"{kind}.html"
        path.write_text(text)
        page = browser.new_page(viewport={"width": width, "height": 800})
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width, kind
        page.close()
