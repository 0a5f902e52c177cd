"""`evenly exercise` at the command line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import evenly.cli.exercise as command
from evenly.cli import run
from evenly.exercises import CATALOGUE, exercise, topic
from evenly.exercises.base import written

from ..byhand.pdf_text import Pdf

OWN = {"weights": [1, "1/2"], "gradients": [[2, 3], [0.25, -1]], "learning_rate": "1/10"}


def test_the_list_names_every_exercise(capsys):
    assert run(["exercise", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines if line[0] != " "] == list(CATALOGUE)
    found = topic("adam")
    at = lines.index("adam: Adam")
    assert lines[at + 1 : at + 4] == [f"    {n} {w}" for n, w in enumerate(found.levels, 1)]
    assert lines[at + 4] == "    --size weights 1..5 (2)"


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_a_problem_and_its_key(name, capsys):
    assert run(["exercise", name, "--seed", "5", "--level", "3"]) == 0
    problem = capsys.readouterr().out
    assert problem.splitlines()[0] == f"{topic(name).title}, level 3, seed 5"
    assert "____" in problem
    assert run(["exercise", name, "--seed", "5", "--level", "3", "--answers"]) == 0
    key = capsys.readouterr().out
    assert key.splitlines()[0].endswith(": key")
    assert "____" not in key


def test_without_a_seed_it_is_seed_0(capsys):
    run(["exercise", "adam"])
    first = capsys.readouterr().out
    run(["exercise", "adam", "--seed", "0", "--level", "1"])
    assert first == capsys.readouterr().out
    assert first.startswith("Adam, level 1, seed 0\n")
    run(["exercise", "adam", "--seed", "1"])
    assert first.splitlines()[1:] != capsys.readouterr().out.splitlines()[1:]


def test_sizes(capsys):
    assert run(["exercise", "convolution", "--size", "size=6", "--size", "window=3",
                "--format", "json"]) == 0
    sheet = json.loads(capsys.readouterr().out)
    assert sheet["sizes"] == {"size": 6, "window": 3}
    assert len(sheet["answers"]["conv2d_1.y"][0]) == 4


def test_a_sheet_to_fill_in_and_its_answers(capsys):
    assert run(["exercise", "adam", "--seed", "3", "--format", "json"]) == 0
    sheet = json.loads(capsys.readouterr().out)
    made = exercise("adam", seed=3)
    assert sheet == json.loads(json.dumps(made.sheet()))
    assert run(["exercise", "adam", "--seed", "3", "--format", "json", "--answers"]) == 0
    key = json.loads(capsys.readouterr().out)
    assert key["answers"] == made.answers()
    assert {**key, "answers": 0} == {**sheet, "key": True, "answers": 0}


def test_own_numbers(capsys):
    Path("own.json").write_text(json.dumps(OWN))
    assert run(["exercise", "gradient-descent", "--input", "own.json", "--level", "2",
                "--format", "json", "--answers"]) == 0
    answers = json.loads(capsys.readouterr().out)["answers"]
    assert answers == {"w.value": ["4/5", "1/5"], "w.value (2)": ["31/40", "3/10"]}


def test_a_file_is_written_whole_and_not_replaced(capsys):
    assert run(["exercise", "adam", "--out", "sheet.txt"]) == 0
    assert "sheet.txt" in capsys.readouterr().out
    text = Path("sheet.txt").read_text()
    assert text.startswith("Adam, level 1, seed 0")
    assert run(["exercise", "adam", "--seed", "9", "--out", "sheet.txt"]) == 2
    assert "--force" in capsys.readouterr().err
    assert Path("sheet.txt").read_text() == text
    assert run(["exercise", "adam", "--seed", "9", "--out", "sheet.txt", "--force"]) == 0
    assert "seed 9" in Path("sheet.txt").read_text()


def test_thirty_sheets(capsys):
    assert run(["exercise", "adam", "--sheets", "30", "--seed", "7", "--out", "all",
                "--format", "json"]) == 0
    assert "30 sheets and their keys, seeds 7 to 36" in capsys.readouterr().out
    files = sorted(path.relative_to("all").as_posix() for path in Path("all").rglob("*.json"))
    assert files == [f"adam-{n:02d}.json" for n in range(7, 37)] + [
        f"keys/adam-{n:02d}-key.json" for n in range(7, 37)]
    contents = {Path("all", name).read_text() for name in files}
    assert len(contents) == 60
    key = json.loads(Path("all/keys/adam-12-key.json").read_text())
    assert key["key"] is True
    assert key["answers"] == exercise("adam", seed=12).answers()
    assert sorted(path.name for path in Path().iterdir()) == ["all"]


def test_sheets_replace_nothing_unless_told():
    Path("all").mkdir()
    assert run(["exercise", "adam", "--sheets", "1", "--out", "all"]) == 0  # empty: it may
    Path("all/mine.txt").write_text("mine")
    Path("all/adam-0.txt").write_text("old")
    assert run(["exercise", "adam", "--sheets", "2", "--out", "all"]) == 2
    assert sorted(path.name for path in Path("all").iterdir()) == [
        "adam-0.txt", "keys", "mine.txt"]
    assert run(["exercise", "adam", "--sheets", "2", "--out", "all", "--force"]) == 0
    assert Path("all/mine.txt").read_text() == "mine"
    assert Path("all/adam-0.txt").read_text().startswith("Adam")
    assert Path("all/keys/adam-1-key.txt").exists()


def test_sheets_that_fail_leave_nothing(monkeypatch):
    calls = []

    def fails(*args):
        calls.append(args)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return b"x"

    monkeypatch.setattr(command.Look, "rendered", fails)
    assert run(["exercise", "adam", "--sheets", "5", "--out", "all"]) == 130
    assert not list(Path().iterdir())


def test_a_seed_whose_answers_repeat_is_passed_over(capsys):
    size = ["--size", "weights=1"]
    words = ["exercise", "gradient-descent", "--sheets", "60", *size, "--format", "json"]
    assert run([*words, "--out", "a"]) == 0
    told = capsys.readouterr().out
    files = sorted(Path("a").glob("*.json"))
    answers = [json.dumps(json.loads(path.read_text())["answers"])
               for path in Path("a/keys").glob("*.json")]
    assert len(files) == len(set(answers)) == len(answers) == 60
    seeds = [int(path.stem.rpartition("-")[2]) for path in files]
    left = [n for n in range(seeds[-1]) if n not in seeds]
    assert left
    assert f"without {', '.join(map(str, left))} (whose answers repeat)" in told
    assert run([*words, "--out", "b"]) == 0  # the same again
    assert {p.name: p.read_text() for p in files} == {
        p.name: p.read_text() for p in Path("b").glob("*.json")}


def test_it_is_said_how_many_sheets_there_are(capsys):
    words = ["exercise", "zero-initialization", "--size", "examples=1", "--size", "hidden=2"]
    assert run([*words, "--sheets", "41", "--out", "a"]) == 2
    told = capsys.readouterr().err
    assert "--sheets 41: there are only 40 with different answers" in told
    assert "ask for 40 or fewer" in told
    assert not Path("a").exists()
    assert run([*words, "--sheets", "40", "--out", "a"]) == 0


def test_a_class_is_graded_without_its_keys(capsys):
    assert run(["exercise", "relu", "--sheets", "3", "--out", "all", "--format", "json"]) == 0
    assert run(["grade", "all", "--csv", "marks.csv"]) == 0
    assert len(Path("marks.csv").read_text().splitlines()) == 4
    capsys.readouterr()
    assert run(["grade", "all/keys/relu-0-key.json"]) == 2
    assert "a key of the exercise, no answers of a learner" in capsys.readouterr().err


def test_all_sheets_in_one_pdf():
    pytest.importorskip("typst", reason="typst is not installed: pip install 'evenly[sheets]'")
    assert run(["exercise", "batch-norm", "--level", "2", "--sheets", "2", "--seed", "9", "--out",
                "all", "--format", "pdf"]) == 0
    names = sorted(path.name for path in Path("all").glob("*.pdf"))
    assert names == [*(f"batch-norm-{n:02d}.pdf" for n in (9, 10)), "batch-norm-all.pdf"]
    single = [Pdf(Path("all", name).read_bytes()) for name in names[:-1]]
    together = Pdf(Path("all/batch-norm-all.pdf").read_bytes())
    assert len(together.pages) == sum(len(pdf.pages) for pdf in single) > 2

    def words(pages):
        return [[run.text for run in page] for page in pages]

    # Each as it is by itself, counted from 1.
    assert ["".join(page) for page in words(together.pages)] == [
        "".join(page) for pdf in single for page in words(pdf.pages)]
    keys = Pdf(Path("all/keys/batch-norm-all-key.pdf").read_bytes())
    assert "seed 10: key" in keys.text()


def test_a_link_to_the_page(capsys):
    words = ["exercise", "batch-norm", "--seed", "7", "--level", "2", "--size", "examples=5"]
    assert run([*words, "--link", "http://localhost:8000/"]) == 0
    told = "".join(capsys.readouterr().out.split())
    path = "/exercise/batch-norm?seed=7&level=2&examples=5&features=3"
    assert f"http://localhost:8000{path}" in told
    assert exercise("batch-norm", 7, 2, examples=5).link == path
    assert run(words) == 0
    assert "localhost" not in capsys.readouterr().out


def test_a_template_is_an_input_file(capsys):
    assert run(["exercise", "batch-norm", "--seed", "4", "--template", "--out", "own.json"]) == 0
    template = json.loads(Path("own.json").read_text())
    assert template["about"]["x"] == "(examples, inputs)"
    capsys.readouterr()
    assert run(["exercise", "batch-norm", "--seed", "4", "--template"]) == 0
    assert json.loads(capsys.readouterr().out) == template
    assert run(["exercise", "batch-norm", "--input", "own.json", "--format", "json",
                "--answers"]) == 0
    answers = json.loads(capsys.readouterr().out)["answers"]
    assert answers == exercise("batch-norm", 4).answers()


BEGINNINGS = {
    ".md": b"# Adam, level 1, seed 0", ".tex": b"\\documentclass", ".html": b"<!doctype html>",
    ".pdf": b"%PDF", ".typ": b"", ".json": b"{",
}


@pytest.mark.parametrize("format_", sorted(command.FORMATS))
def test_each_format_is_written(format_):
    ending, _ = command.FORMATS[format_]
    words = ["exercise", "adam", "--format", format_, "--paper", "Letter", "--out", f"x{ending}"]
    assert run(words) == 0
    data = Path(f"x{ending}").read_bytes()
    assert data.lower().startswith(BEGINNINGS.get(ending, b"Adam, level 1, seed 0").lower())
    if format_ == "typst":
        assert b"us-letter" in data
    if format_ == "pdf":
        assert b"612 792" in data


def test_practice_gets_the_exercise_and_gives_its_status(monkeypatch):
    asked = []

    def practise(made):
        asked.append(made.title)
        return 130

    monkeypatch.setattr("evenly.grading.practice.practise", practise)
    assert run(["exercise", "adam", "--seed", "4", "--practice"]) == 130
    assert asked == ["Adam, level 1, seed 4"]


BAD = [
    ([], "name one exercise"),
    (["adam", "--list"], "name one exercise"),
    (["adma"], "did you mean adam"),
    (["adam", "--seed", "-1"], "seed must be a whole number"),
    (["adam", "--seed", "x"], "--seed"),
    (["adam", "--level", "4"], "--level"),
    (["adam", "--size", "weights"], "expects NAME=N"),
    (["adam", "--size", "weights=-2"], "expects NAME=N"),
    (["adam", "--size", "weights=99"], "from 1 to 5"),
    (["adam", "--size", "units=2"], "no size is called 'units'"),
    (["adam", "--size", "weights=2", "--size", "weights=3"], "twice"),
    (["adam", "--format", "word"], "--format"),
    (["adam", "--paper", "A5"], "--paper"),
    (["adam", "--out", "x.pdf"], ".txt"),
    (["adam", "--out", "no/x.txt"], "no folder"),
    (["adam", "--sheets", "3"], "--out"),
    (["adam", "--sheets", "0", "--out", "x"], "--sheets"),
    (["adam", "--sheets", "3", "--out", "no/where"], "cannot be written"),
    (["adam", "--sheets", "3", "--out", "file"], "is a file"),
    (["adam", "--sheets", "3", "--out", "x", "--answers"], "--sheets goes without"),
    (["adam", "--sheets", "3", "--out", "x", "--input", "own.json"], "--sheets goes without"),
    (["adam", "--practice", "--answers"], "--practice goes without"),
    (["adam", "--template", "--answers"], "--template goes without"),
    (["adam", "--template", "--format", "pdf"], "--template goes without"),
    (["adam", "--link", "localhost"], "expects an address"),
    (["adam", "--input", "nowhere.json"], "cannot be read"),
    (["adam", "--input", "."], "expects a file"),
    (["adam", "--input", "own.json"], "no input is called 'x'"),
    (["adam", "--input", "list.json"], "expects an object"),
    (["adam", "--input", "broken.json"], "is not JSON"),
    (["adam", "--input", "bytes.json"], "is not JSON"),
    (["adam", "--input", "deep.json"], "is not JSON"),
    (["gradient-descent", "--input", "nested.json"], "weights"),
    (["adam", "--input", "large.json"], "at most 1,000,000 bytes"),
    (["gradient-descent", "--input", "long.json"], "at most 400"),
    (["gradient-descent", "--input", "nan.json"], "numbers"),
]


@pytest.mark.parametrize(("words", "message"), BAD, ids=[" ".join(w) or "-" for w, _ in BAD])
def test_bad_words(words, message, capsys):
    Path("file").write_text("")
    for name, text in {"own": '{"x": 1}', "list": "[1]", "broken": "{", "deep": "[" * 10**5,
                       "large": '{"x": "' + "9" * 10**6 + '"}'}.items():
        Path(f"{name}.json").write_text(text)
    Path("bytes.json").write_bytes(b"\xff\xfe\x00\x81")
    Path("nested.json").write_text(json.dumps(OWN)[:-1] + ', "weights": ' + "[" * 400 + "1"
                                   + "]" * 400 + "}")
    Path("long.json").write_text(json.dumps(OWN | {"weights": [1] * 401}))
    Path("nan.json").write_text(json.dumps(OWN | {"learning_rate": float("inf")}))
    before = sorted(Path().iterdir())
    assert run(["exercise", *words]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert len(err.splitlines()) == 1
    assert sorted(Path().iterdir()) == before


def test_a_sheets_inputs_are_an_input_file(capsys):
    Path("own.json").write_text(json.dumps(
        {n: written(v) for n, v in exercise("lstm", seed=4, level=3).inputs.items()}))
    assert run(["exercise", "lstm", "--level", "3", "--input", "own.json", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["inputs"] == json.loads(Path("own.json").read_text())


def test_a_cold_start_loads_what_it_needs():
    code = ("import sys; from evenly.cli import run; run(['exercise', 'adam', '--answers']); "
            "print(sorted(m for m in ('pandas', 'sklearn', 'rich.table', 'matplotlib', "
            "'evenly.engine', 'evenly.training', 'evenly.study', 'evenly._native', 'scipy') "
            "if m in sys.modules))")
    words = [sys.executable, "-c", code]
    out = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert out.splitlines()[-1] == "[]"
