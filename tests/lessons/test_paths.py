"""What the lessons hold: every exercise, every study, sheets that there are, lines that run."""

import contextlib
import io
import re
import shlex
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from evenly.byhand.exact import Exact
from evenly.claims.catalog import load, names
from evenly.cli import run
from evenly.errors import ConfigurationError
from evenly.exercises import CATALOGUE, topic
from evenly.grading import grade
from evenly.lessons import LESSONS, Claimed, Own, Predict, Read, Sheet, lesson, lessons, with_topic
from evenly.lessons.base import Change, Lesson, slug

ROOT = Path(__file__).resolve().parents[2]
ALL = lessons()
STEPS = [(one, step) for one in ALL for step in one.steps]
PREDICTIONS = [step for _, step in STEPS if isinstance(step, Predict)]


def named(step):
    return step.key


def of_kind(kind):
    return [step for _, step in STEPS if isinstance(step, kind)]


# What is on a path --------------------------------------------------------------------------------


def test_every_exercise_is_a_step_or_a_further_sheet_with_a_reason():
    steps = {step.topic for step in of_kind(Sheet)}
    further = {name: why for one in ALL for name, why in one.further.items()}
    assert steps | set(further) == set(CATALOGUE)
    assert not steps & set(further)
    assert all(len(why) > 10 for why in further.values())


def test_every_study_is_a_step_and_says_its_own_claim():
    assert {step.study for step in of_kind(Claimed)} == set(names())
    for step in of_kind(Claimed):
        assert step.claim == load(step.study).claim


def test_names_are_those_of_the_catalogue():
    assert [one.name for one in ALL] == list(LESSONS)
    assert len({one.title for one in ALL}) == len(ALL)


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_a_lesson_has_steps_of_several_kinds(one):
    kinds = [type(step) for step in one.steps]
    assert kinds[0] is Read
    assert kinds[-1] is Own
    assert {Read, Sheet, Own} <= set(kinds)
    assert Predict in kinds or Claimed in kinds
    assert 6 <= len(kinds) <= 20
    assert 20 <= one.minutes <= 90


@pytest.mark.parametrize("step", of_kind(Read), ids=named)
def test_what_is_read_has_a_formula_and_a_source(step):
    assert step.formula
    assert re.search(r"\b(1[89]|20)\d\d", step.source)
    assert all(text.endswith(".") and 40 < len(text) < 600 for text in step.text)


def test_two_steps_of_one_key_are_refused():
    step = Sheet("relu", "Once.")
    with pytest.raises(ConfigurationError, match="two steps are 'sheet relu 1'"):
        Lesson("twice", "Twice", "", 1, (step, step))


def test_lessons_of_a_topic():
    assert [one.name for one in with_topic("batch-norm")] == ["batch-normalization"]
    assert [one.name for one in with_topic("elu")] == ["activations"]


@pytest.mark.parametrize(("name", "near"), [
    ("batch-normalisation", "did you mean batch-normalization"), ("Dropout", "dropout"),
    ("qqq", "there are first-network, "), ("adam", "did you mean"),
])
def test_a_name_that_there_is_not_is_told_with_the_nearest(name, near):
    with pytest.raises(ConfigurationError, match=f"no lesson is called '{name}'.*{near}"):
        lesson(name)


# Sheets -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", of_kind(Sheet), ids=named)
def test_a_sheet_is_there_and_its_command_names_it(step):
    made = step.exercise
    words = shlex.split(step.command)
    assert words[:3] == ["evenly", "exercise", step.topic]
    options = dict(zip(words[3::2], words[4::2], strict=True))
    assert (int(options["--seed"]), int(options["--level"])) == (made.seed, made.level)
    assert options.get("--convention", next(iter(topic(step.topic).conventions), "")) \
        == made.convention


# Predictions --------------------------------------------------------------------------------------


def other(text):
    """Another number."""
    return str(Fraction(text) + 1) if re.fullmatch(r"-?\d+(/\d+)?", text) else f"{text}9"


@pytest.mark.parametrize("step", PREDICTIONS, ids=named)
def test_a_prediction_is_what_the_changed_sheet_has(step):
    """Worked out anew as numbers of one's own, and graded as a sheet."""
    numbers = step.sheet.numbers()
    for change in step.changes:
        array = np.array(numbers[change.name], object)
        exact = np.array([Fraction(v) for v in array.reshape(-1)], object).reshape(array.shape)
        numbers[change.name] = np.vectorize(str, otypes=[object])(change.made(exact)).tolist()
    own = topic(step.topic).exercise(0, step.level, numbers)
    array = np.asarray(own.answers()[step.step], object)
    assert step.after == array[step.at]
    answers = np.full(own.asked[step.step].value.shape, "", object)
    answers[step.at] = step.after
    graded = grade(own, {step.step: answers.tolist()})[step.step]
    assert np.asarray(graded.verdicts, object)[step.at] == "right"
    assert step.verdict(step.after)[0] is True
    assert step.verdict(other(step.after))[0] is False
    assert step.verdict("x!")[0] is None
    assert set(step.given) <= set(topic(step.topic).fields)


@pytest.mark.parametrize("step", PREDICTIONS, ids=named)
def test_a_question_does_not_tell_its_answer(step):
    if step.before != step.after and step.after not in ("0", "50"):
        assert not re.search(rf"(?<![\d/]){re.escape(step.after)}(?![\d/])", step.question)


def test_a_prediction_is_read_as_answers_are():
    step = next(step for step in PREDICTIONS if step.title == "Twice the gamma")
    assert step.after == "26/3"
    for text in ("26/3", "8.67", "8,6667", "8 2/3", " 8.(6) "):
        assert step.verdict(text)[0] is True
    right, words = step.verdict("8")
    assert (right, words[:6]) == (False, "Not 8.")
    assert "at character 1" in step.verdict("abc")[1]


def test_changes():
    values = np.array([[Fraction(1), Fraction(2)]], object)
    assert Change("x", times=2, plus=1).made(values).tolist() == [[3, 5]]
    assert Change("x", to=7, at=(0, 1)).made(values).tolist() == [[1, 7]]
    assert Change("x", to=7).made(Fraction(1)).tolist() == 7
    assert values.tolist() == [[1, 2]]
    assert Exact(Change("x", times=Fraction(1, 2), at=(0, 0)).made(values)[0, 0]) \
        == Exact(Fraction(1, 2))


# Lines that run -----------------------------------------------------------------------------------


@pytest.fixture
def table(tmp_path, monkeypatch):
    """A table, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    x = random.standard_normal((60, 2)).round(2)
    rows = [f"{a},{b},{'yes' if a > b else 'no'}" for a, b in x]
    Path("table.csv").write_text("\n".join(["width,height,kind", *rows]) + "\n")


# What the doctor finds in them, as their texts promise.
FOUND = {
    "own find-it-in-a-training": "vanishing_gradient", "own check-before-training":
    "inputs_not_scaled", "own a-rate-that-is-too-high": "rate_too_high",
    "own ask-the-doctor": "batch_norm_mismatch",
}


@pytest.mark.parametrize("step", [step for step in of_kind(Own) if step.code], ids=named)
def test_the_python_lines_run(step):
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        exec(compile(step.code, step.title, "exec"), {"__name__": "lines"})
    assert shown.getvalue().strip()
    assert FOUND.get(step.key, "") in shown.getvalue().replace(" ", "_")


COMMANDS = [pytest.param(line, marks=[pytest.mark.sweep] * ("study" in line), id=line)
            for step in of_kind(Own) for line in step.commands]


@pytest.mark.parametrize("line", COMMANDS)
@pytest.mark.usefixtures("table")
def test_the_commands_run(line, capsys):
    words = shlex.split(line)
    assert words[0] == "evenly"
    if words[1] == "show":
        assert run(["fit", "table.csv", "--target", "kind", "--epochs", "1", "--out", words[2]]) \
            == 0
    few = ["--epochs", "1"] if words[1] == "fit" else []
    assert run([*words[1:], *few]) == 0, capsys.readouterr().err


def test_slugs():
    assert slug("One step: w = w - rate g") == "one-step-w-w-rate-g"
    assert slug("What it does?") == "what-it-does"


# The table of the documentation -------------------------------------------------------------------


def table_of_notes():
    """(line, lesson, names of sheets, titles of steps, names of studies) of each row."""
    text = (ROOT / "docs" / "learning.md").read_text().split("| what course notes say |")[1]
    for row in text.split("\n\n")[0].splitlines()[2:]:
        line, name, sheets, studies = (cell.strip() for cell in row.strip("|").split("|"))
        yield (line, name.strip("`"), re.findall(r"`([^`]+)`", sheets),
               re.findall(r"\*([^*]+)\*", sheets), re.findall(r"`([^`]+)`", studies))


def test_every_line_of_the_notes_is_on_the_path_that_the_table_names():
    rows = list(table_of_notes())
    assert len(rows) > 70
    assert len({line for line, *_ in rows}) == len(rows)
    for line, name, sheets, titles, studies in rows:
        found = lesson(name)
        assert sheets or titles, line
        assert set(sheets) <= {*found.topics, *found.further}, line
        assert set(titles) <= {step.title for step in found.steps}, line
        assert set(studies) <= set(found.studies), line


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_the_table_has_every_sheet_and_study_of_a_lesson(one):
    rows = [row for row in table_of_notes() if row[1] == one.name]
    assert {name for row in rows for name in row[2]} == {*one.topics, *one.further}
    assert {name for row in rows for name in row[4]} == set(one.studies)
