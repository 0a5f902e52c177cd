"""`evenly lesson` at the command line."""

from __future__ import annotations

import builtins
import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from evenly.cli import run
from evenly.exercises import exercise
from evenly.lessons import LESSONS, Claimed, Predict, Read, Sheet, lesson
from evenly.lessons.progress import Kept, Progress, read, write

NAME = "batch-normalization"
STEPS = lesson(NAME).steps
PREDICT = 1 + next(n for n, step in enumerate(STEPS) if isinstance(step, Predict))
SHEET = 1 + next(n for n, step in enumerate(STEPS) if isinstance(step, Sheet))
CLAIM = 1 + next(n for n, step in enumerate(STEPS) if isinstance(step, Claimed))
KEPT = Kept("holds", "It does.", "steps: x 0.27")


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data" / "evenly" / "lessons.json"


@pytest.fixture
def type_lines(monkeypatch: pytest.MonkeyPatch):
    """Types lines; EOF behind the last; an exception is raised."""
    def typed(*lines: str | BaseException) -> list[str]:
        waiting, prompts = iter(lines), []

        def line(prompt: str = "") -> str:
            prompts.append(prompt)
            given = next(waiting, EOFError())
            if isinstance(given, BaseException):
                raise given
            return given

        monkeypatch.setattr(builtins, "input", line)
        return prompts

    return typed


def right(name: str, seed: int, level: int) -> Iterable[str]:
    """The answers of a sheet, a line a step."""
    def flat(values):
        return [t for part in values for t in flat(part)] if isinstance(values, list) else [values]

    return [" ".join(flat(step)) for step in exercise(name, seed, level).answers().values()]


def said(capsys, *words: str, status: int = 0) -> str:
    assert run(["lesson", *words]) == status
    out, err = capsys.readouterr()
    return " ".join((out if status in (0, 1, 130) else err).split())


def done(file: Path) -> tuple[str, ...]:
    return read(file).done.get(NAME, ())


def test_the_list_names_every_lesson_and_how_far_it_is(capsys, file):
    write(file, Progress({"dropout": (lesson("dropout").steps[0].key, "of another version")}))
    text = said(capsys, "--list")
    for name in LESSONS:
        assert f"{name}: {lesson(name).title} ({lesson(name).minutes} minutes" in text
    assert "dropout: Dropout (60 minutes, 13 steps, 1 done)" in text
    assert text.count(" done)") == 1


def test_a_lesson_shows_its_path_and_the_next_step(capsys, file):
    first = said(capsys, NAME)
    assert f"0 of {len(STEPS)} steps done." in first
    assert f"\N{BLACK RIGHT-POINTING SMALL TRIANGLE} 1. Read: {STEPS[0].title}" in first
    assert "Source: Ioffe and Szegedy 2015, algorithm 1." in first
    assert not file.exists()
    said(capsys, NAME, "--done")
    second = said(capsys, NAME)
    assert "\N{CHECK MARK} 1. Read" in second
    assert f"evenly exercise batch-norm --seed 1 --level 1 Do it: evenly lesson {NAME} --step " \
           f"{SHEET} --practice" in second


def test_signs_where_the_terminal_has_no_others(capsys, file):
    from evenly.lessons.shown import path

    progress = Progress({NAME: (STEPS[0].key,)})
    lines = list(path(lesson(NAME), progress, 2, "ascii", 60))
    assert lines[0].startswith("  x  1. Read")
    assert lines[1].startswith(">    2. Do a sheet")
    assert all(len(part) <= 60 for line in lines for part in line.splitlines())


@pytest.mark.parametrize("number", range(1, len(STEPS) + 1))
def test_every_step_is_shown(capsys, number):
    text = said(capsys, NAME, "--step", str(number))
    assert f"{number}. {STEPS[number - 1].kind}: " in text.split("steps done.")[1]


def test_all_is_done(capsys, file):
    write(file, Progress({NAME: tuple(step.key for step in STEPS)}))
    assert "All is done." in said(capsys, NAME)
    assert "all steps are done: say which with --step" in said(capsys, NAME, "--practice", status=2)


# What is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("words", "message"), [
    ((), "name one lesson, or say --list"), ((NAME, "--list"), "name one lesson"),
    (("--list", "--reset"), "name one lesson"), (("--list", "--step", "1"), "name one lesson"),
    (("batchnorm",), "no lesson is called 'batchnorm': did you mean batch-norm"),
    (("zzz",), "no lesson is called 'zzz': there are first-network, losses,"),
    (("",), "no lesson is called ''"),
    ((NAME, "--step", "0"), f"lesson {NAME}: has steps 1 to {len(STEPS)}, got 0"),
    ((NAME, "--step", "99"), f"has steps 1 to {len(STEPS)}, got 99"),
    ((NAME, "--step", "-1"), "got -1"), ((NAME, "--step", "x"), "'x' is not a valid integer"),
    ((NAME, "--done", "--reset"), "--done goes without --reset"),
    ((NAME, "--practice", "--answer", "3"), "--practice goes without --answer"),
    ((NAME, "--reset", "--step", "2"), "--reset goes without --step"),
    ((NAME, "--answer", "3"), "step 1 of batch-normalization asks for no number: its kind is "
                              "'Read'"),
    ((NAME, "--run"), "--run: step 1 of batch-normalization has no study"),
    ((NAME, "--step", str(PREDICT), "--answer", "2..3"), "--answer: answer '2..3', at character"),
])
def test_what_cannot_be_is_refused(capsys, file, words, message):
    assert message in said(capsys, *words, status=2)
    assert not file.exists()


# Doing --------------------------------------------------------------------------------------------


def test_a_prediction(capsys, file):
    step = str(PREDICT)
    assert said(capsys, NAME, "--step", step, "--answer", "7", status=1).startswith("Not 7.")
    assert not file.exists()
    assert said(capsys, NAME, "--step", step, "--answer", "8.67").startswith("Right: 16/3 becomes")
    assert done(file) == (STEPS[PREDICT - 1].key,)


def test_done_and_reset(capsys, file):
    said(capsys, NAME, "--done")
    said(capsys, NAME, "--step", "5", "--done")
    said(capsys, "dropout", "--done")
    assert done(file) == (STEPS[0].key, STEPS[4].key)
    assert "nothing is done now" in said(capsys, NAME, "--reset")
    assert list(read(file).done) == ["dropout"]


@pytest.fixture
def study(monkeypatch):
    """Studies that are over at once."""
    asked = []
    module = sys.modules.get("evenly.cli.lesson") or __import__("evenly.cli.lesson", fromlist="_")

    def study(name):
        asked.append(name)
        return KEPT

    monkeypatch.setattr(module, "_study", study)
    return asked


def test_a_verdict_comes_from_the_study(capsys, file, study):
    text = said(capsys, NAME, "--step", str(CLAIM), "--run")
    assert text == f"holds: {STEPS[CLAIM - 1].claim} It does. steps: x 0.27"
    assert study == [STEPS[CLAIM - 1].study]
    assert done(file) == (STEPS[CLAIM - 1].key,)
    assert "It was run here: holds. It does. steps: x 0.27." in said(
        capsys, NAME, "--step", str(CLAIM))


def test_a_study_is_run_and_tells_what_its_record_tells(capsys, file, monkeypatch):
    """With a study of six blocks that train nothing."""
    from evenly.claims import Study, catalog, less
    from evenly.claims import run as run_study

    def measure(case):
        return {"error": case["rows"] + 0.1 * float(case.rng("draw").normal())}

    tiny = Study(name="tiny", claim="Less is less.", source="here", factors={"rows": (2, 1)},
                 measure=measure, blocks=6,
                 parts=(less("error", {"rows": 1}, than={"rows": 2}, words="error"),))
    monkeypatch.setattr(catalog, "load", lambda name: tiny)
    said(capsys, NAME, "--step", str(CLAIM), "--run")
    record = run_study(tiny).record
    (kept,) = read(file).kept.values()
    assert kept == Kept("holds", record.sentence, f"error: {record.headline.effect}")


# Practice -----------------------------------------------------------------------------------------


def test_going_through(capsys, file, type_lines, study):
    sheet, predict = STEPS[SHEET - 1], STEPS[PREDICT - 1]
    assert [type(step) for step in STEPS[:4]] == [Read, Sheet, Predict, Predict]
    type_lines("what?", "", "", *right(sheet.topic, sheet.seed, sheet.level),
               "1", "x", "show", predict.after, "skip", "quit")
    text = said(capsys, NAME, "--practice")
    assert "'what?': Enter goes on, skip, quit." in text
    assert "72 of 72 points" in text
    assert "Not 1." in text
    assert "at character 1" in text
    assert f"{predict.before} becomes {predict.after}." in text
    assert "Right: " in text
    assert text.endswith(f"3 of {len(STEPS)} steps done. Go on with: evenly lesson {NAME} "
                         "--practice")
    assert done(file) == tuple(step.key for step in STEPS[:3])


def test_it_goes_on_where_it_was_and_passes_over_what_is_done(capsys, file, type_lines):
    write(file, Progress({NAME: (STEPS[0].key, STEPS[2].key)}))
    type_lines("done", STEPS[3].after)
    said(capsys, NAME, "--practice")
    assert done(file) == (STEPS[0].key, STEPS[2].key, STEPS[1].key, STEPS[3].key)


def test_a_sheet_that_is_not_right_stays_open(capsys, file, type_lines):
    type_lines("", "skip", *["skip"] * 20)
    text = said(capsys, NAME, "--step", str(SHEET), "--practice")
    assert "The sheet is not all right yet" in text
    assert STEPS[SHEET - 1].key not in done(file)


def test_a_study_in_practice(capsys, file, type_lines, study):
    type_lines("run", "quit")
    assert "holds: It does. steps: x 0.27." in said(capsys, NAME, "--step", str(CLAIM),
                                                    "--practice")
    assert study == [STEPS[CLAIM - 1].study]
    assert read(file).kept == {STEPS[CLAIM - 1].study: KEPT}


@pytest.mark.parametrize("lines", [
    ("", KeyboardInterrupt()), ("", "", KeyboardInterrupt()), ("", "", "1", KeyboardInterrupt()),
])
def test_ctrl_c_keeps_what_is_done(capsys, file, type_lines, lines):
    """At a step's prompt, and within a sheet."""
    type_lines(*lines)
    assert f"1 of {len(STEPS)} steps done." in said(capsys, NAME, "--practice", status=130)
    assert done(file) == (STEPS[0].key,)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no terminal to make")
def test_ctrl_c_in_a_terminal(file):
    main, side = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", "from evenly.cli import main; main()", "lesson", NAME,
         "--practice"], stdin=side, stdout=side, stderr=side, env=os.environ | {"TERM": "dumb"})
    os.close(side)
    shown = b""
    while b"> " not in shown:
        shown += os.read(main, 10_000)
    os.write(main, b"\n")
    while shown.count(b"> ") < 2:
        shown += os.read(main, 10_000)
    for _ in range(60):
        # One that arrives while the prompt is being written waits for the next line.
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.5)
            break
    assert process.returncode == 130
    shown = os.read(main, 10_000)
    os.close(main)
    assert b"Traceback" not in shown
    assert json.loads(file.read_text())["done"] == {NAME: [STEPS[0].key]}


# A file that is broken ----------------------------------------------------------------------------


def test_a_broken_file_is_told_and_left(capsys, file, type_lines):
    file.parent.mkdir(parents=True)
    file.write_text("{")
    for words in ((NAME,), ("--list",), (NAME, "--step", "1", "--practice")):
        type_lines("", "quit")
        assert run(["lesson", *words]) == 0
        out, err = capsys.readouterr()
        assert out
        assert err.startswith(f"evenly: warning: {file}: is no record of lessons, or damaged")
        assert err.count("warning") == 1
    for word in ("--done", "--reset"):
        assert "move it away" in said(capsys, NAME, word, status=2)
    assert file.read_text() == "{"


def test_a_folder_that_cannot_be_written(capsys, file):
    file.parent.parent.write_text("a file in its place")
    assert "progress is not kept: XDG_DATA_HOME" in said(capsys, NAME, "--done", status=2)
    assert run(["lesson", NAME, "--step", str(PREDICT), "--answer", "26/3"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("Right")
    assert err.count("warning") == 1
