"""Pictures and parts drawn, and the colours that they are drawn in."""

import itertools
import re
import xml.etree.ElementTree as tree
from dataclasses import replace
from importlib import resources

import matplotlib
import numpy as np
import pytest

from evenly.claims import Part, Picture, Study, less, run, same
from evenly.claims.drawn import COLUMN, MARKERS, draw, figures, pictured, spread
from evenly.claims.forest import described, forest
from evenly.claims.series import plotted
from evenly.report.drawing import PAGE, PAPER, VARIABLES, svg, written

from .samples import GAPS, NORMS, WORSE

CSS = resources.files("evenly.report").joinpath("templates/report.css").read_text("utf-8")
# Linear light as it is seen without one kind of cone (Machado, Oliveira and Fernandes 2009).
SIGHTS = {
    "all cones": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
}


def scheme(number):
    """The colours of the page: 0 in light, 1 in dark."""
    block = re.findall(r":root \{(.*?)\}", CSS, re.S)[number]
    return dict(re.findall(r"(--[\w-]+): (#\w{6});", block))


def light(colour):
    """Linear red, green and blue."""
    levels = np.array([int(colour[i:i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    low, high = sorted(light(colour) @ [0.2126, 0.7152, 0.0722] for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def lab(linear):
    """OKLab: distances in it are much like those that are seen (Ottosson 2020)."""
    cones = np.array([[0.4122214708, 0.5363325363, 0.0514459929],
                      [0.2119034982, 0.6806995451, 0.1073969566],
                      [0.0883024619, 0.2817188376, 0.6299787005]])
    mixed = np.array([[0.2104542553, 0.7936177850, -0.0040720468],
                      [1.9779984951, -2.4285922050, 0.4505937099],
                      [0.0259040371, 0.7827717662, -0.8086757660]])
    return mixed @ np.cbrt(cones @ np.clip(linear, 0, 1))


SERIES = [f"--series-{place}" for place in range(1, 7)]


@pytest.mark.parametrize("number", [0, 1], ids=["light", "dark"])
def test_lines_stand_out_from_the_page(number):
    colours = scheme(number)
    for name in (*SERIES, "--plain"):
        assert contrast(colours[name], colours["--card"]) >= 3, name
    for name in ("--ink", "--muted", "--good", "--bad", "--warn"):
        assert contrast(colours[name], colours["--card"]) >= 4.5, name
    for name in ("good", "bad", "warn"):
        assert contrast(colours[f"--{name}"], colours[f"--{name}-soft"]) >= 4.5, name


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("number", [0, 1], ids=["light", "dark"])
def test_lines_are_told_apart_whatever_cones_one_has(number, sight):
    colours = scheme(number)
    seen = {name: lab(SIGHTS[sight] @ light(colours[name])) for name in (*SERIES, "--plain")}
    for one, other in itertools.combinations(seen, 2):
        assert np.linalg.norm(seen[one] - seen[other]) > 0.075, (one, other)


def test_figures_have_the_light_colours_of_the_page():
    colours = scheme(0)
    assert PAPER.series == tuple(colours[name] for name in SERIES)
    for name in ("ink", "muted", "rule", "plain", "accent", "good", "bad"):
        assert getattr(PAPER, name) == colours[f"--{name}"]


@pytest.fixture(scope="module")
def norms():
    return run(NORMS)


@pytest.fixture(scope="module")
def gaps():
    return run(GAPS)


def colours_of(figure):
    return set(re.findall(r"#[0-9a-f]{6}\b", svg_of(figure)))


def svg_of(figure):
    import io

    buffer = io.StringIO()
    figure.savefig(buffer, format="svg")
    return buffer.getvalue()


def test_a_figure_a_picture_and_one_of_the_parts(norms):
    before = dict(matplotlib.rcParams)
    found = norms.plot()
    assert dict(matplotlib.rcParams) == before
    assert [figure.get_suptitle() for figure in found] == [
        *(picture.title for picture in NORMS.pictures), ""]
    for figure in found:
        assert not colours_of(figure) & set(VARIABLES), "stand-ins are for pages"
    shown = found._repr_html_()
    assert shown.count("<img ") == len(found)
    assert 'alt="Training loss"' in shown
    assert "pyplot" not in str(type(found[0].canvas))


def test_a_line_is_told_from_others_by_colour_and_marker(norms):
    picture = NORMS.pictures[0]
    found = plotted(NORMS, norms.record, picture)
    figure = draw(NORMS, picture, found, COLUMN, PAPER)
    (axes,) = figure.axes
    lines = axes.get_lines()[:3]
    assert [line.get_marker() for line in lines] == list(MARKERS[:3])
    # What the technique is compared with is grey, as in all reports.
    assert [line.get_color() for line in lines] == [PAPER.plain, *PAPER.series[:2]]
    for line, numbers in zip(lines, found.panels[0].lines, strict=True):
        np.testing.assert_allclose(line.get_ydata(), [point.mean for point in numbers.points])
    assert axes.get_yscale() == "log"
    assert {text.get_text() for text in axes.texts} == {"none", "batch", "layer"}
    assert not figure.legends


def test_bands_and_bars_are_the_intervals(norms):
    numbers = plotted(NORMS, norms.record, NORMS.pictures[0])
    (axes,) = draw(NORMS, NORMS.pictures[0], numbers, COLUMN, PAPER).axes
    band = axes.collections[0].get_paths()[0].vertices[:, 1]
    for point in numbers.panels[0].lines[0].points:
        assert np.isclose(band, point.low).any()
        assert np.isclose(band, point.high).any()
    numbers = plotted(NORMS, norms.record, NORMS.pictures[2])
    (axes,) = draw(NORMS, NORMS.pictures[2], numbers, COLUMN, PAPER).axes
    assert axes.get_xscale() == "log"
    bars = [segment[:, 1].tolist() for segment in axes.collections[0].get_segments()]
    points = numbers.panels[0].lines[0].points
    assert bars == [[point.low, point.high] for point in points]


def test_panels_share_their_axes(norms):
    picture = NORMS.pictures[1]
    figure = draw(NORMS, picture, plotted(NORMS, norms.record, picture), 10, PAPER)
    assert [axes.get_title("left") for axes in figure.axes] == ["depth 5", "depth 20", "depth 40"]
    assert len({(axes.get_xlim(), axes.get_ylim()) for axes in figure.axes}) == 1
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "gain \N{MINUS SIGN}0.1", "gain 0", "gain 0.1"]


def test_words_are_rows_with_dots(gaps):
    picture = GAPS.pictures[0]
    numbers = plotted(GAPS, gaps.record, picture)
    (axes,) = draw(GAPS, picture, numbers, COLUMN, PAPER).axes
    names = [label.get_text().replace("\n", " ") for label in axes.get_yticklabels()]
    assert names == list(GAPS.factors["data"])
    low, high = axes.get_ylim()
    assert low > high, "the first on top"
    dots = [line for line in axes.get_lines() if line.get_marker() != "None"]
    assert len(dots) == 3 * 4
    assert dots[0].get_xdata()[0] == numbers.panels[0].lines[0].points[0].mean


def test_many_lines_have_looks_of_their_own():
    def measure(case):
        return {"loss": [case["width"], case["width"] / 2]}

    study = Study(name="many", claim="C.", source="s", factors={"width": tuple(range(1, 14))},
                  measure=measure, pictures=(Picture("P", "loss", over="epoch", by="width"),),
                  parts=(Part("p", lambda block: 1.0, "more"),))
    figure = figures(study, run(study).record)[0]
    looks = {(line.get_color(), line.get_marker()) for line in figure.axes[0].get_lines()}
    assert len(looks) == 13


def test_a_wide_interval_does_not_squeeze_the_lines():
    def measure(case):
        return {"loss": 1e6 if case.block == 0 and case["norm"] == "b" else 1.0, "other": 1.0}

    study = Study(name="wide", claim="C.", source="s", factors={"norm": ("a", "b"), "n": (1, 2)},
                  measure=measure, pictures=(Picture("P", "loss", over="n", by="norm"),),
                  parts=(Part("p", lambda block: 1.0, "more"),))
    record = run(study).record
    (axes, *_) = figures(study, record)[0].axes
    low, high = axes.get_ylim()
    assert low > -4e5
    assert high < 5.6e5
    said = " Some are wider than the picture."
    assert pictured(study, record, study.pictures[0], "x")["note"].endswith(said)
    normal = pictured(NORMS, run(NORMS).record, NORMS.pictures[0], "x")
    assert not normal["note"].endswith(said)


def test_a_page_drawing_has_title_words_and_the_pages_colours(norms):
    found = pictured(NORMS, norms.record, NORMS.pictures[1], "x")
    for drawing in (found["broad"], found["slim"]):
        root = tree.fromstring(drawing)
        assert root.get("role") == "img"
        assert root.find("{*}title").text == "Spread of activations by layer"
        words = root.find("{*}desc").text
        assert words.startswith("Spread by layer. depth 5, gain \N{MINUS SIGN}0.1: from ")
        assert "depth 40, gain 0.1: from 1" in words
        assert not re.findall(r"#[0-9a-f]{6}\b", drawing)
        for place in (1, 2, 3):
            assert f"var(--series-{place})" in drawing
    assert pictured(NORMS, norms.record, NORMS.pictures[0], "x")["broad"] == ""


def test_names_are_text_and_nothing_else():
    names = ("<script>alert(1)</script>", "a & b", "$x^2$ costs 5$")
    study = replace(
        WORSE, name="names", factors={"momentum": (0.0, 0.9), "what": names},
        measure=lambda case: {"loss & <b>": 1.0 + case["momentum"]},
        parts=(less("loss & <b>", {"momentum": 0.9}, than={"momentum": 0.0},
                    words="<i>$a$</i> & b"),),
        pictures=(Picture("<b>$T$</b>", "loss & <b>", over="what", by="momentum"),
                  Picture("Lines", "loss & <b>", over="momentum", by="what")))
    record = run(study).record
    for picture in study.pictures:
        drawing = pictured(study, record, picture, "x")["slim"]
        assert "<script" not in drawing
        root = tree.fromstring(drawing)
        assert root.find("{*}title").text == picture.title
        texts = " ".join("".join(root.itertext()).split())
        assert "$x^2$" in texts
    figures(study, record)._repr_html_()
    tree.fromstring(svg(forest(study, record, COLUMN, PAGE), "<i>", "y", described(record)))


def test_parts_of_one_unit_share_an_axis_and_ratios_have_their_own(norms):
    figure = forest(NORMS, norms.record, COLUMN, PAPER)
    ratio, points = figure.axes
    assert ratio.get_xscale() == "log"
    assert ratio.get_xlim()[0] < np.exp(norms.record.parts[0].low) < 1 < ratio.get_xlim()[1]
    assert points.get_xlabel() == "points"
    dots = [line for line in points.get_lines() if line.get_marker() != "None"]
    assert [float(line.get_xdata()[0]) for line in dots] == pytest.approx(
        [100 * part.mean for part in norms.record.parts[1:]])
    assert [line.get_color() for line in dots] == [PAPER.good, PAPER.good, PAPER.bad]
    assert len({line.get_marker() for line in dots}) == 2, "not by colour alone"
    assert "(does not count)" in points.texts[-1].get_text().replace("\n", " ")


def test_what_is_expected_is_shaded():
    study = replace(WORSE, name="shaded", parts=(
        less("loss", {"momentum": 0.9}, than={"momentum": 0.0}, words="less"),
        same("loss", {"momentum": 0.9}, than={"momentum": 0.0}, margin=0.25, words="same"),
    ))
    below, within = forest(study, run(study).record, COLUMN, PAPER).axes
    reach = below.collections[0].get_paths()[0].get_extents()
    assert (reach.x0, reach.x1) == (below.get_xlim()[0], 0.0)
    reach = within.collections[0].get_paths()[0].get_extents()
    assert (reach.x0, reach.x1) == (-0.25, 0.25)


@pytest.mark.parametrize("places", [
    [10.0, 50.0, 90.0], [10.0, 10.0], [5.0, 1.0, 3.0, 40.0], [0.0, 5.0, 18.0, 21.0, 22.0],
])
def test_names_at_ends_keep_apart_and_in_order(places):
    moved = spread(places, 12.0)
    order = np.argsort(places, kind="stable")
    gaps = np.diff(np.array(moved)[order])
    assert (gaps >= 12 - 1e-9).all()
    if np.diff(np.sort(places)).min() >= 12:
        assert moved == places
    assert np.mean(moved) == pytest.approx(np.mean(places))


@pytest.mark.parametrize(("number", "text"), [
    (0.05, "0.05"), (0, "0"), (2000, "2000"), (1e-5, "10\u207b\u2075"), (1e6, "10\u2076"),
    (-0.5, "\N{MINUS SIGN}0.5"), (2.5e-7, "2.5\N{MULTIPLICATION SIGN}10\u207b\u2077"),
])
def test_numbers_on_an_axis(number, text):
    assert written(number) == text
