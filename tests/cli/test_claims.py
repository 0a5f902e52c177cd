"""`evenly study` and the claims, from the outside."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from evenly.claims import ready as room
from evenly.cli import run

pytestmark = pytest.mark.usefixtures("without_pictures")
MINE = """
import time
from evenly.claims import Picture, Study, more
def measure(case):
    time.sleep({pause})
    return {{"score": case["a"] + case.rng().normal() * 0.01, "curve": [1.0, 2.0, case["a"]]}}
STUDY = Study(name="mine", claim="One is more than nought.", source="me", measure=measure,
              factors={{"a": (0, 1)}}, technique=("a",), blocks=8, long_blocks=12,
              parts=(more("score", {{"a": 1}}, than={{"a": 0}}, name="gain"),),
              says={{"holds": "It is {{gain}} more."}},
              pictures=(Picture("Curves", "curve", over="step", by="a"),))
"""


def write_claim(pause: float = 0.0) -> str:
    Path("my_claim.py").write_text(MINE.format(pause=pause))
    return "my_claim.py"


def test_a_claim_of_ones_own_end_to_end(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["study", write_claim(), "--jobs", "2"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert max(map(len, out.splitlines())) <= 80
    assert out.split()[0] == "holds"
    assert "One is more than nought." in out
    assert "It is +1." in out
    assert out.splitlines()[-1] == "Report: evenly-study/report.html"
    folder = Path("evenly-study")
    assert sorted(path.name for path in folder.iterdir()) == [
        "claims.csv", "report.html", "runs.jsonl"]
    [part] = csv.DictReader((folder / "claims.csv").read_text().splitlines())
    assert (part["study"], part["verdict"], part["blocks"]) == ("mine", "holds", "12")
    lines = (folder / "runs.jsonl").read_text().splitlines()
    assert len(lines) == 1 + 24
    page = (folder / "report.html").read_text()
    assert "One is more than nought." in page
    assert "evenly study my_claim.py" in page


def test_the_tour(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(room, "TOUR", ("zero-weights", "l2-gap"))
    assert run(["study", "--blocks", "6"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert max(map(len, out.splitlines())) <= 80
    assert "Zero weights never break the symmetry" in out
    assert "L2 makes the weights smaller" in " ".join(out.split())
    assert "interval" in out
    page = Path("evenly-study/report.html").read_text()
    assert page.index("Zero weights never") < page.index("L2 makes the weights")


@pytest.mark.sweep
def test_one_by_its_name_in_the_form_of_the_tour(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["study", "zero-weights", "--short", "--blocks", "6", "--out", "zero"]) == 0
    assert "Zero weights" in capsys.readouterr().out
    assert Path("zero/report.html").exists()
    assert "evenly study zero-weights --short --blocks 6 --out zero" in Path(
        "zero/report.html").read_text().replace("\N{NON-BREAKING HYPHEN}", "-")


def test_the_list_has_them_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["study", "--list"]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    for name in room.TOUR:
        assert name in out


def test_a_claim_on_ones_own_table(capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["a,b,kind", *(f"{i % 7},{i % 5},{'x' if i % 7 > 3 else 'y'}" for i in range(80))]
    Path("table.csv").write_text("\n".join(lines) + "\n")
    assert run(["study", "l2-gap", "--data", "table.csv", "--target", "kind", "--short",
                "--blocks", "6"]) == 0
    assert "--data table.csv --target kind" in Path("evenly-study/report.html").read_text()


@pytest.mark.parametrize(("words", "says"), [
    (["zero-wieghts"], "study: there is no 'zero-wieghts': did you mean 'zero-weights'?"),
    (["nowhere.py"], "nowhere.py: there is no such file"),
    (["zero-weights", "--jobs", "0"], "jobs: expects a whole number of at least 1, got 0: try 1"),
    (["zero-weights", "--blocks", "3"], "study zero-weights: blocks: expects at least 6, got 3"),
    (["zero-weights", "--net", "cnn"], "--net: is for the study of a table, and zero-weights is a"),
    (["digits", "--blocks", "9"], "--blocks: is for claims (evenly study --list), not for the"),
    (["--data", "t.csv"], "--data: goes with one claim: evenly study NAME --data TABLE"),
    (["zero-weights", "--target", "y"], "--target: goes with a table"),
    (["covariate-shift", "--data", "t.csv"], "study covariate-shift: is about data of its own"),
    (["l2-gap", "--data", "none.csv"], "none.csv: "),
    (["zero-weights", "--backend", "nowhere", "--jobs", "2", "--short"], "backend: "),
    (["zero-weights", "--resume"], "cannot be resumed"),
])
def test_what_cannot_work_is_one_line(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["study", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"evenly: {says}") or (says == "cannot be resumed" and says in err)
    assert err.count("\n") == 1
    assert not Path("evenly-study/report.html").exists()


def test_a_folder_that_exists_is_not_touched(capsys: pytest.CaptureFixture[str]) -> None:
    Path("evenly-study").mkdir()
    Path("evenly-study/report.html").write_text("mine")
    assert run(["study", write_claim()]) == 2
    assert "exists: say --force" in capsys.readouterr().err
    assert Path("evenly-study/report.html").read_text() == "mine"
    assert run(["study", "my_claim.py", "--force"]) == 0
    assert Path("evenly-study/report.html").read_text() != "mine"


@pytest.mark.sweep
def test_ctrl_c_keeps_what_has_ended_and_resume_goes_on(
    capsys: pytest.CaptureFixture[str], own_folder: Path
) -> None:
    write_claim(pause=0.4)
    program = "import sys; from evenly.cli import main; sys.argv[0] = 'evenly'; main()"
    with subprocess.Popen(
        [sys.executable, "-c", program, "study", "my_claim.py", "--jobs", "1"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        runs = Path("evenly-study/runs.jsonl")
        while not runs.exists() or len(runs.read_text().splitlines()) < 6:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert process.returncode == 130, err
    assert "stopping: what has finished is kept" in err
    kept = runs.read_text().splitlines()
    assert 6 <= len(kept) < 25
    assert "go on with" in " ".join(out.split())
    write_claim(pause=0.4)
    assert run(["study", "my_claim.py", "--resume"]) == 0
    found = runs.read_text().splitlines()
    assert len(found) == 25
    assert {json.dumps(json.loads(line), sort_keys=True) for line in kept} <= {
        json.dumps(json.loads(line), sort_keys=True) for line in found}


def test_another_studys_runs_are_not_resumed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["study", write_claim()]) == 0
    capsys.readouterr()
    assert run(["study", "zero-weights", "--resume"]) == 2
    assert "holds the runs of another design" in capsys.readouterr().err
