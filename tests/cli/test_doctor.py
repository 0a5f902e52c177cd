"""`evenly doctor` in a shell's words."""

import json

import numpy as np
import pytest

from evenly.cli import run
from evenly.records import write_lines

from ..doctor.sick import HEALTHY, SICK


@pytest.fixture
def sick(tmp_path):
    path = tmp_path / "run.jsonl"
    write_lines(SICK["rate_too_high"][0], path)
    return path


def test_text(sick, capsys):
    assert run(["doctor", str(sick)]) == 0
    told = capsys.readouterr().out
    assert told.startswith("One finding: rate_too_high.")
    assert "Cure: Lower the learning rate" in told


def test_json(sick, capsys):
    assert run(["doctor", str(sick), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["findings"][0]["kind"] == "rate_too_high"
    assert not told["healthy"]


def test_healthy_is_no_failure(tmp_path, capsys):
    path = tmp_path / "ok.jsonl"
    write_lines(HEALTHY["plain"], path)
    assert run(["doctor", str(path)]) == 0
    assert "Healthy" in capsys.readouterr().out


def test_a_page(sick, tmp_path, capsys):
    page = tmp_path / "run.html"
    assert run(["doctor", str(sick), "--page", str(page)]) == 0
    assert "1. rate_too_high" in page.read_text(encoding="utf-8")
    assert run(["doctor", str(sick), "--page", str(page)]) == 2
    assert "say --force" in capsys.readouterr().err
    assert run(["doctor", str(sick), "--page", str(page), "--force"]) == 0


@pytest.mark.parametrize(("words", "told"), [
    (["nothing.jsonl"], "cannot be read"),
    ([], "expects a .jsonl file of records, or --cure TABLE"),
    (["a.jsonl", "--cure", "b.csv"], "expects a .jsonl file of records, or --cure TABLE"),
    (["nothing.jsonl", "--page", "x.txt"], "ends in .html"),
    (["--cure", "t.csv", "--seeds", "1"], "at least 2"),
])
def test_bad_words(words, told, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["doctor", *words]) == 2
    err = capsys.readouterr().err
    assert told in err
    assert err.count("\n") == 1


def test_a_file_of_something_else(tmp_path, capsys):
    path = tmp_path / "bad.jsonl"
    path.write_text("hello\n")
    assert run(["doctor", str(path)]) == 2
    assert "line 1" in capsys.readouterr().err


def test_cures_are_tried_on_a_table(tmp_path, capsys):
    generator = np.random.default_rng(0)
    x = generator.standard_normal((160, 4))
    table = np.c_[200 * x + 900, x[:, 0] > x[:, 1]]
    path = tmp_path / "table.csv"
    np.savetxt(path, table, delimiter=",", header="a,b,c,d,y", comments="")
    words = ["doctor", "--cure", str(path), "--target", "y", "--hidden", "8", "--seeds", "2",
             "--epochs", "10"]
    assert run(words) == 0
    told = capsys.readouterr().out
    assert "inputs_not_scaled" in told
    assert "ev.fit(" in told
    assert "by accuracy on validation rows" in told


def test_cures_are_judged_by_what_is_asked_for(tmp_path, capsys):
    generator = np.random.default_rng(0)
    x = generator.standard_normal((160, 4))
    path = tmp_path / "table.csv"
    np.savetxt(path, np.c_[200 * x + 900, x[:, 0] > x[:, 1]], delimiter=",", header="a,b,c,d,y",
               comments="")
    words = ["doctor", "--cure", str(path), "--target", "y", "--hidden", "8", "--seeds", "2",
             "--epochs", "5", "--measure"]
    assert run([*words, "balanced"]) == 0
    assert "by balanced accuracy on validation rows" in capsys.readouterr().out
    assert run([*words, "loss"]) == 0
    assert "by loss on validation rows" in capsys.readouterr().out
    assert run([*words, "R2"]) == 2
    assert "has no meaning for these targets" in capsys.readouterr().err
    assert run([*words, "f1"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
