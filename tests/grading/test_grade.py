"""Verdicts, points and carry-forward credit."""

import json
import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenly.byhand.exact import Exact
from evenly.errors import ConfigurationError, DataError, EvenlyError
from evenly.exercises import exercise
from evenly.grading import grade, sheet_of
from tests.grading.scenarios import Numbers, answer, scenario

B = "batch_norm_1."


def made(level=1, seed=7):
    return exercise("batch-norm", seed, level)


def changed(sheet, **steps):
    answers = sheet.answers()
    answers.update({B + key: value for key, value in steps.items()})
    return answers


@pytest.mark.parametrize("level", [1, 2, 3])
def test_right_answers_have_every_point(level):
    sheet = made(level)
    graded = grade(sheet, sheet.answers())
    assert graded.points == graded.possible == sum(s.value.size for s in sheet.asked.values())
    assert graded.followed == 0
    assert {v for s in graded.steps for v in np.ravel(s.verdicts)} == {"right"}


@pytest.mark.parametrize("answers", [{}, None])
def test_empty_answers_have_none(answers):
    sheet = made()
    graded = grade(sheet, sheet.sheet()["answers"] if answers is None else answers)
    assert graded.points == 0
    assert {v for s in graded.steps for v in np.ravel(s.verdicts)} == {"empty"}
    assert all(step.mistake is None for step in graded.steps)


def test_what_follows_from_a_wrong_number_has_its_points():
    sheet = made()
    mean = np.array([[Exact(100), *sheet.asked[B + "mean"].value[0, 1:]]], object)
    x = sheet.asked["relu_1.y"].value
    centred = x - mean
    variance = (centred * centred).sum(axis=0)[None] / 4
    graded = grade(sheet, changed(sheet, mean=[[repr(v) for v in mean[0]]],
                                  centred=[[repr(v) for v in row] for row in centred],
                                  variance=[[repr(v) for v in variance[0]]]))
    assert graded[B + "mean"].verdicts == [["wrong", "right", "right"]]
    assert graded[B + "centred"].verdicts == [["follows", "right", "right"]] * 4
    assert graded[B + "variance"].verdicts == [["follows", "right", "right"]]
    # From here on he went on with the right numbers.
    assert graded[B + "deviation"].verdicts == [["right", "right", "right"]]
    assert (graded.points, graded.followed) == (graded.possible - 1, 5)


def test_what_follows_may_have_been_rounded_on_the_way():
    sheet = made()
    deviation = Exact(2).sqrt()
    x_hat = sheet.asked[B + "centred"].value / deviation
    answers = changed(sheet, deviation=[["1.414"] * 3],
                      x_hat=[[f"{float(v):.6f}" for v in row] for row in x_hat])
    # With 1.414 for sqrt(2) the sixth digit is another: it follows from the number itself.
    graded = grade(sheet, answers)[B + "x_hat"]
    assert set(np.ravel(graded.verdicts)) <= {"follows", "right"}
    assert graded.followed > 3
    off = changed(sheet, deviation=[["1.414"] * 3],
                  x_hat=[[f"{float(v) * 1.01 + 0.01:.6f}" for v in row] for row in x_hat])
    assert set(np.ravel(grade(sheet, off)[B + "x_hat"].verdicts)) == {"wrong"}


def test_what_was_rounded_on_the_way_is_no_mistake():
    """The third, rounded, times 1000: what comes of it is right, and not from a mistake."""
    sheet = exercise("rms-norm", 1, 1)
    key = next(key for key in sheet.asked if key.endswith("root"))
    root = sheet.asked[key].value.astype(float)
    rounded = np.round(root, 2)
    rest = [k for k in sheet.asked if k != key and sheet.asked[k].number > sheet.asked[key].number]
    answers = sheet.answers() | {key: np.vectorize("{:.2f}".format)(rounded).tolist()}
    for late in rest:
        value = sheet.asked[late].value.astype(float) * root / rounded
        answers[late] = np.vectorize("{:.8f}".format)(value).tolist()
    graded = grade(sheet, answers)
    assert graded.points == graded.possible
    assert graded.followed == 0


def test_a_step_left_empty_does_not_break_the_chain():
    sheet = made()
    total = sheet.asked[B + "sum"].value + 4
    centred = sheet.asked["relu_1.y"].value - total / 4
    answers = changed(sheet, sum=[[repr(v) for v in total[0]]], mean=[["", "", ""]],
                      centred=[[repr(v) for v in row] for row in centred])
    graded = grade(sheet, answers)
    assert graded[B + "mean"].count("empty") == 3
    assert graded[B + "centred"].count("follows") == 12


def test_the_relu_follows_the_learners_own_sign():
    """The learner's input has another sign than the right one, and the gradient passes."""
    sheet = made(3)
    y = sheet.asked["dense_1.y"].value
    row, column = next(zip(*np.where(y.astype(float) < 0), strict=True))
    answers = sheet.answers()
    answers["dense_1.y"][row][column] = "6"
    answers["relu_1.y"][row][column] = "6"
    gradient = sheet.asked[B + "d_x"].value[row, column]
    answers["relu_1.d_x"][row][column] = repr(gradient)
    graded = grade(sheet, answers)
    assert graded["relu_1.y"].verdicts[row][column] == "follows"
    assert graded["relu_1.d_x"].verdicts[row][column] in ("follows", "right")
    assert gradient == 0 or graded["relu_1.d_x"].verdicts[row][column] == "follows"


def test_the_sigmoid_follows_the_learners_own_sign():
    where = scenario("lstm")
    v = Numbers(where)
    mine = -v["lstm_1.a"]
    gate = 1 / (1 + np.exp(-mine[:, 2:4]))
    graded = grade(where, {"lstm_1.a": answer(mine), "lstm_1.f": answer(gate)})
    assert set(np.ravel(graded["lstm_1.f"].verdicts)) == {"follows"}


def test_the_leaky_relu_follows_the_learners_own_sign():
    where = scenario("leaky")
    v = Numbers(where)
    graded = grade(where, {"leaky_relu_1.y": answer(np.where(v["x"] > 0, v["x"], v["x"] / 4))})
    assert graded["leaky_relu_1.y"].points == 9


@pytest.mark.parametrize(("key", "cut", "missing"), [
    (B + "mean", lambda rows: [rows[0][:2]], 1), (B + "mean", lambda rows: rows[0][:2], 1),
    ("dense_1.y", lambda rows: [*rows[:3], rows[3][:1]], 2),
    ("dense_1.y", lambda rows: rows[:3], 3),
    ("dense_1.y", lambda rows: [rows[0], rows[1][:1], *rows[2:]], 2),
    ("dense_1.y", lambda rows: [rows[0], [], *rows[2:]], 3),
    ("dense_1.y", lambda rows: [rows[0], "", *rows[2:]], 3),
    ("dense_1.y", lambda rows: [rows[0], None, *rows[2:]], 3),
])
def test_what_a_short_row_lacks_is_missing_and_the_rest_is_graded(key, cut, missing):
    sheet = made()
    answers = sheet.answers()
    answers[key] = cut(answers[key])
    graded = grade(sheet, answers)
    assert graded[key].count("empty") == missing
    assert graded.points == graded.possible - missing
    size = graded[key].possible
    assert graded[key].notes == (f"{missing} of {size} numbers are missing: it has shape "
                                 f"{sheet.asked[key].value.shape}",)


def test_a_short_row_of_a_picture():
    sheet = exercise("max-pooling", 1, 3)
    answers = sheet.answers()
    rows = [[cell[0] for cell in row] for row in answers["max_pool2d_1.d_x"][0]]
    for short in ([*rows[:3], rows[3][:2]], [[[[v] for v in row] for row in rows[:3]]
                                            + [[[v] for v in rows[3][:2]]]]):
        graded = grade(sheet, {**answers, "max_pool2d_1.d_x": short})
        assert graded["max_pool2d_1.d_x"].count("empty") == 2
        assert graded.points == graded.possible - 2


@pytest.mark.parametrize("text", ["1/0", "two", "1,2,3"])
def test_what_is_not_understood_is_said(text):
    sheet = made()
    graded = grade(sheet, changed(sheet, mean=[[text, *sheet.answers()[B + "mean"][0][1:]]]))
    assert graded[B + "mean"].verdicts == [["unreadable", "right", "right"]]
    assert text in graded[B + "mean"].notes[0]
    assert graded.points == graded.possible - 1


@pytest.mark.parametrize("form", [
    lambda a: a[0], lambda a: np.array(a, object), lambda a: tuple(map(tuple, a)),
    lambda a: [[float(v) for v in row] for row in a], lambda a: [[[v] for v in a[0]]],
])
def test_other_shapes_that_mean_the_same(form):
    sheet = made()
    answers = sheet.answers()
    answers[B + "mean"] = form(answers[B + "mean"])
    assert grade(sheet, answers).points == grade(sheet, sheet.answers()).points


def test_one_number_needs_no_list():
    sheet = exercise("batch-norm", 1, 1, features=1)
    answers = sheet.answers()
    answers[B + "mean"] = answers[B + "mean"][0][0]
    assert grade(sheet, answers)[B + "mean"].points == 1


@pytest.mark.parametrize(("answers", "message"), [
    ([], "answers are lists by key, got list"),
    ({"batch_norm_1.meen": []}, "did you mean 'batch_norm_1.mean'?"),
    ({"zzz": 1}, "no step 'zzz' is asked for: there are dense_1.y"),
    ({B + "mean": [["1", "2", "3", "4"]]}, "must have shape (1, 3), got (1, 4)"),
    ({B + "mean": "1"}, "must have shape (1, 3), got ()"),
    ({B + "mean": []}, "got (0,)"),
    ({B + "mean": [["1", "2", "3"], ["1"]]}, "rows of 'batch_norm_1.mean' must have equal length"),
    ({B + "mean": [[[[[[[[["1"]]]]]]]]]}, "too many lists within each other"),
    ({B + "mean": {"a": 1}}, "must have shape (1, 3), got ()"),
])
def test_answers_of_another_form_are_refused(answers, message):
    with pytest.raises(DataError, match=re.escape(message)):
        grade(made(), answers)


def test_a_grade_as_json():
    sheet = made()
    right = sheet.answers()[B + "variance"]
    unbiased = [[str(Fraction(text) * 4 / 3) for text in right[0]]]
    graded = grade(sheet, changed(sheet, variance=unbiased))
    told = json.loads(json.dumps(graded.as_dict()))
    assert told["points"] == graded.points
    assert told["exercise"] == "batch-norm"
    step = next(s for s in told["steps"] if s["key"] == B + "variance")
    assert step["mistake"]["name"] == "divided by n - 1"
    assert "expected" not in step
    assert graded.as_dict(expected=True)["steps"][5]["expected"] == right


@pytest.mark.sweep
@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(0, 200), st.sampled_from([1, 2, 3]), st.data())
def test_random_corruptions_have_the_verdicts_they_should(seed, level, data):
    """Each number is right, wrong by some number of its own, blank or unreadable; from what is left
    blank the rest is right all the same."""
    root = Exact(17).sqrt()
    sheet = exercise("batch-norm", seed, level)
    answers, expected = {}, {}
    some = st.sampled_from(["right"] * 5 + ["wrong", "empty", "unreadable"])
    for key, step in sheet.asked.items():
        kinds = data.draw(st.lists(some, min_size=step.value.size, max_size=step.value.size))
        texts = {"empty": "", "unreadable": "1//2"}
        wrong = [repr(v + 1000 + (101 * step.number + 7 * i) * root)
                 for i, v in enumerate(step.value.reshape(-1))]
        right = [repr(v) for v in step.value.reshape(-1)]
        cells = [{"right": r, "wrong": w, **texts}[kind]
                 for kind, r, w in zip(kinds, right, wrong, strict=True)]
        answers[key] = np.array(cells, object).reshape(step.value.shape).tolist()
        expected[key] = np.array(kinds, object).reshape(step.value.shape).tolist()
    graded = grade(sheet, answers)
    assert {step.key: step.verdicts for step in graded.steps} == expected
    assert graded.points == sum(np.ravel(v).tolist().count("right") for v in expected.values())


def test_a_learner_with_own_numbers_all_the_way_has_all_points_but_one():
    """One wrong number at the start; everything else is worked out by the library from it."""
    sheet = made(1, 11)
    own = {name: np.asarray(value, object).copy() for name, value in sheet.inputs.items()}
    own["bias"] = own["bias"] + 1
    other = exercise("batch-norm", inputs={k: v.tolist() for k, v in own.items()}, level=1)
    graded = grade(sheet, other.answers())
    first = graded["dense_1.y"]
    assert first.points == 0
    rest = [v for s in graded.steps[1:] for v in np.ravel(s.verdicts)]
    assert set(rest) <= {"right", "follows"}
    assert graded.followed > 10


@pytest.mark.parametrize(("change", "message"), [
    ({"exercise": 3}, "'exercise' must be"), ({"exercise": "batchnorm"}, "did you mean batch-norm"),
    ({"answers": []}, "'answers' must be"), ({"colour": 1}, "no field 'colour'"),
    ({"name": 3}, "'name' must be text"), ({"name": "a" * 300}, "'name' must be text"),
    ({"sizes": {"seed": 3}}, "'sizes' must be"), ({"sizes": [1]}, "'sizes' must be"),
    ({"sizes": {"examples": 99}}, "examples must be"), ({"level": "1"}, "level must be"),
    ({"seed": -1}, "seed must be"),
    ({"key": 1}, "'key' must be true or false"), ({"inputs": [1]}, "inputs are numbers by name"),
])
def test_sheets_that_are_wrong(change, message):
    with pytest.raises((DataError, ConfigurationError), match=re.escape(message)):
        sheet_of({**made().sheet(), **change})


@pytest.mark.parametrize("field", ["seed", "level"])
def test_a_sheet_without_its_seed_is_refused(field):
    data = made().sheet()
    del data[field]
    with pytest.raises(DataError, match=f"'{field}' is missing: without it nobody knows which"):
        sheet_of(data)


def test_a_sheet_of_own_numbers_needs_no_seed():
    sheet = made(2, 5)
    own = exercise("batch-norm", inputs=sheet.inputs, level=2)
    data = own.sheet() | {"answers": own.answers()}
    del data["seed"]
    read = sheet_of(json.loads(json.dumps(data)))
    assert read.grade().points == read.grade().possible


def test_a_sheet_is_read_back():
    sheet = made(2, 5)
    data = sheet.sheet() | {"answers": sheet.answers(), "name": "  Ada \n L. "}
    read = sheet_of(json.loads(json.dumps(data)))
    assert read.name == "Ada L."
    assert read.grade().points == read.grade().possible
    own = exercise("batch-norm", inputs=sheet.inputs, level=2)
    again = sheet_of(json.loads(json.dumps(own.sheet() | {"answers": own.answers()})))
    assert again.grade().points == again.grade().possible


@pytest.mark.parametrize(("call", "message"), [
    (lambda: exercise(5), "exercise: expects the name of one, such as 'relu', got 5"),
    (lambda: exercise(["relu"]), "exercise: expects the name of one, such as 'relu', got"),
    (lambda: grade("relu", {}), "grade: expects an exercise, as ev.exercise makes one, got"),
])
def test_what_is_no_exercise(call, message):
    with pytest.raises(EvenlyError, match=re.escape(message)):
        call()
