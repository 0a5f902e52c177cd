"""Formulas, labels and decimals say what they mean."""

import math

import pytest

import evenly
from evenly.byhand.exact import Exact
from evenly.byhand.notation import Notation, rounded
from evenly.byhand.render import pieces
from evenly.byhand.render.mathml import MathML
from evenly.byhand.render.typst_notation import Typst
from evenly.exercises import exercise
from evenly.layers import GRU, LSTM, RNN


def test_the_mean_of_a_square_has_parentheses():
    text = "mean of (x - mean)^2"
    math_ml = MathML().formula(text)
    _, _, rest = math_ml.partition("mean")
    assert rest.count("<mo") >= 5  # two pairs of parentheses, and the minus
    assert rest.count("(") == rest.count(")") == 2
    assert Typst().formula(text) == 'op("mean", limits: #true) ((x \N{MINUS SIGN} "mean")^(2))'
    assert MathML().formula("sum of x^2").count("(") == 0


def columns(work, title):
    (view,) = [v for v in work.shown.views() if v.step.title == title][:1]
    return view.tables[0].columns


@pytest.mark.parametrize(("layer", "name", "names"), [
    (LSTM(1), "lstm_1", "ifgo"), (GRU(1), "gru_1", "rzn")])
def test_columns_of_gates_are_called_after_them(layer, name, names):
    work = evenly.show_work(layer, [[[1, 2], [0, 1]]], d_y=[[1]])
    for title in (f"{name}.input_kernel", f"{name}.bias", f"{name}.d_recurrent_kernel"):
        assert columns(work, title) == tuple(f"gate {gate}" for gate in names)
    assert columns(work, f"{name}.h") == ("feature 1",)


def test_gates_of_several_units_and_of_exercises():
    wide = evenly.show_work(LSTM(2), [[[1, 2]]])
    assert columns(wide, "lstm_1.bias") == tuple(
        f"{gate}, unit {unit}" for gate in "ifgo" for unit in (1, 2))
    plain = evenly.show_work(RNN(2), [[[1, 2]]])
    assert columns(plain, "rnn_1.bias") == ("unit 1", "unit 2")
    document = exercise("lstm", seed=1).document()
    shown = {b.view.step.title: b.view.tables[0].columns for b in document.blocks
             if hasattr(b, "view")}
    assert shown["lstm_1.input_kernel"] == tuple(f"gate {gate}" for gate in "ifgo")
    assert shown["lstm_1.a"] == shown["lstm_1.input_kernel"]


@pytest.mark.parametrize("value", [0.05004, 0.01234567, 0.0005004, 0.00390625, 0.99996, 0.5])
def test_a_decimal_is_long_enough_to_compute_with(value):
    text = Notation().decimal(rounded(value, 4))
    assert float(text) == pytest.approx(value, rel=5e-4)
    assert rounded(math.sqrt(float(text)), 4) == rounded(math.sqrt(value), 4)


def test_roots_have_the_right_decimals():
    assert Notation().approximate(Exact(1) / 20 * 1) is None
    assert Notation().approximate((Exact(1) / 20).sqrt()) == "0.2236"
    for whole in range(2, 400):
        if (about := Notation().approximate(Exact(whole).sqrt())) is not None:
            assert abs(float(about) - math.sqrt(whole)) <= 0.5e-4 + 1e-12


@pytest.mark.parametrize(("shape", "words"), [
    ((1, 6, 6, 1), "6 x 6"), ((2, 2, 1, 1), "2 x 2"), ((1, 6, 1), "6"), ((1, 1, 1), "1"),
    ((1, 3), "1 x 3"), ((2, 3, 4), "2 x 3 x 4"), ((), "")])
def test_a_single_image_is_no_axis(shape, words):
    assert pieces.size(shape) == words.replace("x", "\N{MULTIPLICATION SIGN}")
