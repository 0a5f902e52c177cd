"""Practice in the terminal, with a learner whose lines are given."""

import io

import pytest
from rich.console import Console

from evenly.exercises import exercise
from evenly.grading.practice import practise, split_numbers

B = "batch_norm_1."


def practice(lines, seed=7, **sizes):
    """(status, what was shown, the prompts): EOF behind the last line; an exception is raised."""
    out, prompts = io.StringIO(), []
    waiting = iter(lines)

    def read(prompt):
        prompts.append(prompt)
        line = next(waiting, EOFError())
        if isinstance(line, BaseException):
            raise line
        return line

    console = Console(file=out, width=100, highlight=False, force_terminal=False)
    status = practise(exercise("batch-norm", seed, 1, **sizes), console, read)
    return status, out.getvalue(), prompts


def right(seed=7, **sizes):
    """The right answers, a line for each row."""
    answers = exercise("batch-norm", seed, 1, **sizes).answers()
    return [" ".join(row) for step in answers.values() for row in step]


def test_a_perfect_run():
    status, shown, prompts = practice(right())
    assert status == 0
    assert "72 of 72 points, 9 of 9 steps." in shown
    assert "wrong" not in shown.split("points, 9")[0].split("empty")[1]
    assert len(prompts) == len(right())


def test_number_by_number_and_all_rows_at_once():
    first = right()[:4]
    for lines in (" ".join(first).split(), [" ".join(first)], [" ; ".join(first)]):
        _, shown, _ = practice(lines)
        assert "12 of 72 points, 1 of 9 steps." in shown


def test_a_second_try_asks_for_the_wrong_numbers_alone():
    lines = right()
    rows = lines[0].split()
    good = rows[1]
    rows[1] = "1000"
    status, shown, prompts = practice([" ".join(rows), *lines[1:4], good])
    assert "11 of 12: 11 right, 1 wrong" in shown
    assert "Once more, the wrong ones." in shown
    assert prompts[4] == "row 1, column 2> "
    assert "12 of 72 points, 1 of 9 steps." in shown
    assert status == 0


def test_after_the_second_try_it_goes_on_from_the_learners_numbers():
    lines = right()
    sums = lines[8].split()
    wrong = "1000 " + " ".join(sums[1:])
    _, shown, _ = practice([*lines[:8], wrong, "1000", "250 " + " ".join(lines[9].split()[1:])])
    assert "Go on: what follows is graded from your own numbers too." in shown
    assert "3 of 3: 2 right, 1 follows" in shown
    assert "1 from your own numbers" in shown


def test_a_mistake_is_named_with_its_rule():
    lines = right()
    values = exercise("batch-norm", 7, 1).asked[B + "variance"].value[0] * 4 / 3
    _, shown, _ = practice([*lines[:14], " ".join(map(repr, values))])
    assert "Mistake: divided by n - 1." in shown
    assert "Divide by the number of values, n." in shown


def test_commands():
    lines = right()
    _, shown, _ = practice(["?", "show", "skip", lines[8], "quit", "never read"])
    assert "Each row of x times the kernel, plus the bias." in shown
    assert "Formula: x kernel + bias" in shown
    assert "row 1, column 1: " in shown
    assert " * " in shown
    assert "3 of 72 points, 3 of 9 steps; shown: 1." in shown


def test_what_is_shown_has_no_points():
    lines = right()
    _, shown, _ = practice([lines[0], "show", "quit"])
    assert "0 of 72 points, 1 of 9 steps; shown: 1." in shown


def test_what_is_skipped_keeps_what_was_typed():
    _, shown, _ = practice([right()[0], "skip", "quit"])
    assert "3 of 72 points" in shown


@pytest.mark.parametrize("line", ["1 2 x", "1/0", "1,2,3"])
def test_a_line_that_is_not_understood_is_asked_for_again(line):
    lines = right()
    _, shown, prompts = practice([line, *lines[:4]])
    assert "Type this line again." in " ".join(shown.split())
    assert prompts[0] == prompts[1]
    assert "12 of 72 points" in shown


def test_too_many_numbers_are_asked_for_again():
    _, shown, _ = practice(["1 " * 13, *right()[:4]])
    assert "13 numbers, 12 are left: type them again." in shown
    assert "12 of 72 points" in shown


@pytest.mark.parametrize(("end", "status"), [(KeyboardInterrupt(), 130), (EOFError(), 0)])
def test_it_ends_politely(end, status):
    got, shown, _ = practice([*right()[:4], end])
    assert got == status
    assert "12 of 72 points, 1 of 9 steps." in shown


def test_signs_for_a_terminal_that_knows_few():
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")
    console = Console(file=out, width=100, highlight=False)
    lines = iter(["1000 " * 12, "quit"])
    practise(exercise("batch-norm", 7, 1), console, lambda prompt: next(lines))
    out.flush()
    assert "X wrong" in out.buffer.getvalue().decode("ascii")


@pytest.mark.parametrize(("line", "parts"), [
    ("3", ["3"]), ("3 4 5", ["3", "4", "5"]), ("1 1/2", ["1", "1/2"]),
    ("0 -1 -2", ["0", "-1", "-2"]),
    ("sqrt(2 + 3) 1", ["sqrt(2 + 3)", "1"]), ("3, 4", ["3", "4"]), ("1;2", ["1", "2"]),
    ("1,5 2,5", ["1,5", "2,5"]), ("(1 1/2) 3", ["(1 1/2)", "3"]), ("", []),
])
def test_lines_are_split(line, parts):
    assert split_numbers(line, 9) == parts


@pytest.mark.parametrize("line", ["1 1/2", "2 sqrt(3)", "3 - 1"])
def test_the_last_number_may_have_spaces(line):
    assert split_numbers(f" {line} ", 1) == [line]
