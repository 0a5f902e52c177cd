"""Where textbooks differ, a sheet goes by one convention, and says which."""

import json
from fractions import Fraction

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from evenly.byhand.exact import float_array
from evenly.cli.exercise import exercise as command
from evenly.errors import ConfigurationError, DataError
from evenly.exercises import CATALOGUE, exercise, topic
from evenly.grading import grade
from evenly.grading.sheets import sheet_of
from evenly.initializers import LeCunNormal
from evenly.web.spec import from_json, link

WITH = [name for name in CATALOGUE if topic(name).conventions]
EVERY = [(name, word) for name in WITH for word in topic(name).conventions]
OTHERS = [(name, word) for name in WITH for word in [*topic(name).conventions][1:]]


def test_those_that_have_some():
    assert {"dropout", "dropout-classic", "squared-error", "xavier"} <= set(WITH)


@pytest.mark.parametrize(("name", "word"), EVERY)
@pytest.mark.parametrize("level", [1, 2, 3])
def test_a_sheet_says_and_keeps_its_convention(name, word, level):
    made = exercise(name, 3, level, convention=word)
    assert any(f"`{word}`" in text for text in made.solution.text)
    sheet = json.loads(json.dumps(made.key()))
    assert sheet["convention"] == word
    read = sheet_of(sheet)
    assert read.exercise.solution.text == made.solution.text
    graded = read.grade()
    assert graded.points == graded.possible > 0
    assert f"convention={word}" in made.link
    assert f"convention={word}" in link(made, seed=5)
    del sheet["answers"], sheet["key"]
    assert from_json(sheet).answers() == made.answers()
    # Numbers of one's own go by it too.
    own = exercise(name, level=level, inputs=made.numbers(), convention=word)
    assert own.answers() == made.answers()


@pytest.mark.parametrize(("name", "word"), OTHERS)
def test_another_convention_has_other_answers(name, word):
    plain = exercise(name, 3, 2)
    other = exercise(name, level=2, inputs=plain.numbers(), convention=word)
    assert other.answers() != plain.answers()
    assert "convention" in exercise(name, 3, 2, convention=word).title
    assert "convention" not in plain.title


def test_the_first_is_the_default():
    for name in WITH:
        first = next(iter(topic(name).conventions))
        assert exercise(name, 1).answers() == exercise(name, 1, convention=first).answers()
        sheet = exercise(name, 1).key()
        del sheet["convention"]
        assert sheet_of(sheet).exercise.convention == first


@pytest.mark.parametrize("name", ["dropout", "relu"])
def test_one_that_there_is_not(name):
    with pytest.raises(ConfigurationError, match=f"{name}: no convention is called 'other'; there"):
        exercise(name, convention="other")
    with pytest.raises(DataError, match="'convention' must be a word, got 3"):
        sheet_of({**exercise(name).key(), "convention": 3})


def test_on_the_command_line():
    made = CliRunner().invoke(command, ["dropout", "--convention", "keep", "--seed", "3"])
    assert made.exit_code == 0
    assert "keep = 2/3" in made.output
    listed = CliRunner().invoke(command, ["--list"])
    assert "--convention keep: " in listed.output


@pytest.mark.parametrize("name", ["dropout", "dropout-classic"])
@pytest.mark.parametrize("seed", range(5))
def test_keep_has_masks_as_good_as_drop(name, seed):
    made = exercise(name, seed, 3, convention="keep")
    for k, keep in ((1, Fraction(1, 2)), (2, Fraction(2, 3))):
        assert made.inputs["rates"][k - 1] == keep
        kept = np.array(made.inputs[f"numbers_{k}"] < keep, bool)
        factor = 1 if name == "dropout-classic" else float(1 / keep)
        mask = float_array(made.asked[f"dropout_{k}.mask"].value)
        assert (mask == kept * factor).all()
        assert 0 < kept.sum() < kept.size
    work = made.solution.work
    last = [s for s in work.phase("inference") if s.title.endswith(".y")][-1]
    x = float_array(made.inputs["new"])
    for k in (1, 2, 3):
        after = {n: float_array(work[f"dense_{k}.{n}.value"].value) for n in ("kernel", "bias")}
        x = x @ after["kernel"] + after["bias"]
        if k < 3:
            x = np.maximum(x, 0) * (float(made.inputs["rates"][k - 1])
                                    if name == "dropout-classic" else 1)
    np.testing.assert_allclose(last.floats, x, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("level", [1, 2, 3])
def test_summed_squares_are_pytorchs(level):
    for seed in range(5):
        made = exercise("squared-error", seed, level, convention="summed")
        y, target, weights = (torch.tensor(float_array(np.asarray(made.inputs[n])).astype(float))
                              for n in ("y", "target", "weights"))
        y.requires_grad_()
        losses = ((y - target) ** 2).sum(1) if level == 1 else ((y - target) ** 2).mean(1)
        loss = (losses * weights).sum() if level == 3 else losses.sum()
        loss.backward()
        work = made.solution.work
        np.testing.assert_allclose(work["loss"].floats, loss.detach(), rtol=1e-12)
        np.testing.assert_allclose(work["d_scores"].floats, y.grad, rtol=1e-12)


@pytest.mark.parametrize("level", [1, 2, 3])
def test_xavier_of_the_inputs_alone_is_lecuns(level):
    for seed in range(5):
        made = exercise("xavier", seed, level, convention="inputs")
        work = made.solution.work
        fans = tuple(int(work[name].floats) for name in ("fan_in", "fan_out"))
        gain = float(np.asarray(made.inputs["gain"])[()])
        assert float(work["variance"].floats) == pytest.approx(
            gain**2 * LeCunNormal().variance(fans))
        spread = work["bound" if level == 2 else "deviation"].value.reshape(-1)[0]
        assert spread.fraction is not None


def test_a_wrong_answer_is_graded():
    made = exercise("squared-error", 3, 2, convention="summed")
    answers = made.answers()
    answers["d_scores"][0][0] = "1000"
    graded = grade(made, answers)
    assert graded.possible - graded.points == 1


@pytest.mark.parametrize("name", ["dropout", "dropout-classic"])
@pytest.mark.parametrize("seed", range(5))
def test_the_step_of_a_summed_loss_lowers_it(name, seed):
    made = exercise(name, seed, 2, convention="summed")
    work = made.solution.work
    error = work["error"].floats
    assert float(work["loss"].floats) == pytest.approx(float((error**2).sum()))
    np.testing.assert_allclose(work["d_scores"].floats, 2 * error)
    after = {f"{n}_{k}": work[f"dense_{k}.{n}.value"].value for k in (1, 2, 3)
             for n in ("kernel", "bias")}
    assert float(made.again(made.inputs | after).work["loss"].floats) < float(work["loss"].floats)
