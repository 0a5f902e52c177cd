"""What is shown is read back and compared with what was computed."""

import math
import re
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from rich.console import Console

import evenly as ev
from evenly.byhand.document import Document, Paragraph, StepBlock
from evenly.byhand.exact import Exact
from evenly.byhand.expressions import Apply, Number, Place, evaluate
from evenly.byhand.notation import Notation
from evenly.byhand.render.latex import LaTeX, render_latex
from evenly.byhand.render.markdown import render_markdown
from evenly.byhand.render.terminal import render_text
from evenly.byhand.show import show_work
from evenly.byhand.views import Shown
from evenly.byhand.work import work_out
from tests.byhand.reading import (
    latex_table,
    markdown_table,
    part,
    text_table,
    value_of_latex,
    value_of_text,
)

READERS = {"text": (Notation(17, 10**6), value_of_text),
           "latex": (LaTeX(17, 10**6), value_of_latex)}
fractions = st.builds(lambda p, q: Exact(p) / q, st.integers(-40, 40), st.integers(1, 9))
roots = st.builds(lambda q, r: q * Exact(r).sqrt(), fractions, st.sampled_from([2, 3, 5, 10]))
numbers = st.one_of(fractions, roots, st.builds(lambda a, b: a + b, fractions, roots),
                    st.floats(-50, 50).map(lambda v: round(v, 6)))
leaves = st.builds(Number, numbers, st.sampled_from([None, Place(0, 0)]))


def _apply(inner):
    def of(name, count):
        return st.lists(inner, min_size=count[0], max_size=count[1]).map(
            lambda parts: Apply(name, tuple(parts)))

    squares = inner.map(lambda part: Apply("multiply", (part, part)))
    return st.one_of(
        *(of(name, (2, 3)) for name in ("add", "mean", "maximum", "minimum")),
        *(of(name, (2, 2)) for name in ("subtract", "multiply", "divide")),
        *(of(name, (1, 1)) for name in ("negative", "tanh")), squares,
        squares.map(lambda part: Apply("sqrt", (part,))),
        leaves.map(lambda part: Apply("absolute", (part,))),
        st.builds(lambda a, n: Apply("power", (a, Number(Exact(n)))), inner, st.integers(0, 3)),
        st.builds(lambda a, b: Apply("multiply", (Apply("multiply", (a, b)), b)), inner, inner),
    )


expressions = st.recursive(leaves, _apply, max_leaves=8)


@pytest.mark.parametrize("notation", READERS)
@given(value=numbers)
def test_numbers_are_read_back(notation, value):
    writer, read = READERS[notation]
    assert math.isclose(read(writer.number(value)), float(value), rel_tol=1e-9, abs_tol=1e-11)


def values(expression):
    """Of an expression and all that it is made of."""
    yield float(evaluate(expression))
    for argument in expression.arguments if isinstance(expression, Apply) else ():
        yield from values(argument)


@pytest.mark.parametrize("notation", READERS)
@settings(max_examples=120, deadline=None)
@given(expression=expressions)
def test_formulas_with_numbers_are_read_back(notation, expression):
    assume(all(1e-4 < abs(value) < 1e6 for value in values(expression)))
    value = float(evaluate(expression))
    writer, read = READERS[notation]
    written = writer.expression(expression)
    assert math.isclose(read(written), value, rel_tol=1e-6), written
    assert not re.search(r"[-+*] *-", written.replace("e-", "e")), written


def works():
    whole = [[1, 2], [3, 1], [0, 2], [2, 2]]
    weights = {"dense_1.kernel": [[1, -1], [2, 1]], "dense_1.bias": [0, 1]}
    net = ev.Sequential([ev.Dense(2), ev.BatchNorm(epsilon=1.0), ev.ReLU()])
    yield work_out(net, whole, [0, 1, 1, 0], loss=ev.SoftmaxCrossEntropy(), weights=weights,
                   optimizer=ev.Adam(0.1), penalty=ev.L2(0.5), clip=ev.ClipGlobalNorm(1.0))
    yield work_out(net, np.array(whole) / 7.1, [0, 1, 1, 0], loss=ev.SoftmaxCrossEntropy(),
                   optimizer=ev.RMSprop(0.1))
    yield work_out(ev.LSTM(2), np.array([[[1, 2], [0, 1]]]), d_y=[[1, 1]])
    yield work_out(ev.Sequential([ev.GELU(), ev.LayerNorm()]), whole, whole,
                   loss=ev.MeanSquaredError())


@pytest.mark.parametrize("notation", READERS)
def test_every_shown_formula_of_a_calculation_is_read_back(notation):
    writer, read = READERS[notation]
    count = 0
    for work in works():
        for view in Shown(work).views():
            example = view.example()
            if example is None:
                continue
            index, expression = example
            value = float(view.step.number_at(index))
            written = writer.expression(expression)
            assert math.isclose(read(written), value, rel_tol=1e-6, abs_tol=1e-9), written
            count += 1
    assert count > 100


@pytest.fixture(scope="module")
def shown():
    return show_work(ev.BatchNorm(epsilon=1.0), [[1, 2], [2, 4], [3, 3], [4, 3]])


def test_tables_are_read_back(shown):
    step = shown.work["batch_norm_1.x_hat"]
    wanted = step.floats
    text = part(shown.text(), "batch_norm_1.x_hat", "batch_norm_1.scaled")
    assert np.allclose(text_table(text), wanted, atol=1e-12)
    markdown = part(shown.markdown(), r"batch\_norm\_1.x\_hat", r"batch\_norm\_1.scaled")
    assert np.allclose(markdown_table(markdown), wanted, atol=1e-12)
    latex = part(shown.latex(), r"batch\_norm\_1.x\_hat", r"batch\_norm\_1.scaled")
    assert np.allclose(latex_table(latex), wanted, atol=1e-12)
    assert "sqrt(6)/3 ≈ 0.8165" in text
    assert r"$\frac{\sqrt{6}}{3} \approx 0.8165$" in markdown


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_no_line_is_longer_than_the_width(width):
    x = np.random.default_rng(0).standard_normal((12, 30))
    work = show_work(ev.Sequential([ev.Dense(20), ev.LayerNorm()]), x, most_columns=10)
    text = work.text(width)
    assert max(map(len, text.splitlines())) <= width
    block = part(text, "layer_norm_1.centred = ", "layer_norm_1.variance")
    # Tables that are too wide go on below.
    pieces = [[cell for line in block.splitlines() if f"  example {i + 1}  " in line
               for cell in line.split("  example", 1)[1].split()[1:]] for i in range(8)]
    found = [[float(cell) for cell in row] for row in pieces]
    assert np.allclose(found, work.work["layer_norm_1.centred"].floats[:8, :10], atol=1e-4)


def test_a_blank_step_shows_neither_numbers_nor_their_formula(shown):
    (view,) = [v for v in shown.shown.views() if v.step.name == "variance"]
    document = Document("Exercise", (Paragraph("Compute `variance`."), StepBlock(
        view, "Variance", blank=True, hint="The mean of squares.", key="a")))
    texts = render_text(document), render_markdown(document), render_latex(document)
    for text in texts:
        assert "5/4" not in text
        assert "{5}{4}" not in text
        assert "3/2" not in text
        assert "{3}{2}" not in text
        assert "The mean of squares." in text
        assert "feature 2" in text
    assert texts[0].count("_______") == 2
    filled = Document("Exercise", (StepBlock(view, "Variance"),))
    assert "5/4" in render_text(filled)


def test_what_is_left_out_is_said():
    work = show_work(ev.Sequential([ev.Dense(3), ev.ReLU()]), np.ones((20, 2)), layers=["relu_1"],
                     rows=[4], most_columns=2)
    for text in (work.text(), work.markdown(), work.latex()):
        assert "left out: 19 of 20 examples, 1 of 3 features" in text
        assert "steps not shown" in text
        assert "example 5" in text
        assert "example 1" not in text


def test_a_terminal_gets_colours_and_a_pipe_none(shown):
    def printed(**settings):
        console = Console(width=80, legacy_windows=False, **settings)
        with console.capture() as capture:
            console.print(shown)
        return capture.get()

    coloured = printed(force_terminal=True, color_system="256")
    plain = printed(force_terminal=False, color_system=None)
    assert "\x1b[" in coloured
    assert "\x1b[" not in plain
    assert [line.rstrip() for line in plain.splitlines()] == shown.text().splitlines()
    assert not re.search("[\x01\x02\x03\ue000]", plain)
    assert [line.rstrip() for line in re.sub(r"\x1b\[[\d;]*m", "", coloured).splitlines()] \
        == shown.text().splitlines()


def test_latex_environments_are_closed(shown):
    text = shown.latex()
    for name in re.findall(r"\\begin\{(\w+)\}", text):
        assert text.count(rf"\begin{{{name}}}") == text.count(rf"\end{{{name}}}")
    assert text.count(r"\[") == text.count(r"\]")
    fragment = shown.latex(fragment=True)
    assert "documentclass" not in fragment
    assert fragment in text


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_latex_compiles(tmp_path):
    for i, work in enumerate(works()):
        path = tmp_path / f"{i}.tex"
        path.write_text(render_latex(Document("T", tuple(
            StepBlock(view, view.step.title, blank=i == 1) for view in Shown(work).views()))))
        subprocess.run(["pdflatex", "-interaction=nonstopmode", "-halt-on-error", path.name],
                       cwd=tmp_path, check=True, capture_output=True)
