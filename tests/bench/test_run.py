"""The bench as a user runs it: rows, peers that are absent, an interrupt."""

import json
import sys

import pytest
from benchmarks import __main__ as bench
from benchmarks import harness, training_step
from benchmarks.floor import Machine
from benchmarks.peers import PEERS, versions
from benchmarks.rows import Result

MACHINE = Machine(1e9, ((1, 1e9),))


@pytest.fixture
def quiet(monkeypatch):
    """No measuring, and this process keeps its processors."""
    monkeypatch.setattr(bench, "pin", lambda threads: None)
    monkeypatch.setattr(bench, "measure_machine", lambda threads: MACHINE)
    asked = []

    def measure(name, row, peers, settings, say):
        if len(asked) == 2:
            raise KeyboardInterrupt
        asked.append((row.name, peers))
        return Result(row, dict.fromkeys(peers, (1.0, 2.0, 3.0)))

    monkeypatch.setattr(harness, "measure", measure)
    return asked


def test_rows_are_listed(capsys):
    assert bench.main(["networks", "--row", "batch-ensemble", "--list"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in listed] == ["batch-ensemble-16", "batch-ensemble-32"]


def test_a_row_that_is_not_there(capsys):
    assert bench.main(["--row", "transformer"]) == 2
    assert "no row's name has 'transformer' in it" in capsys.readouterr().out


def test_absent_peers_are_told_and_stand_in_the_table(quiet, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(bench, "versions", lambda names, pythons: {"evenly": "1", "torch": "2"})
    path = tmp_path / "bench.json"
    assert bench.main(["training_step", "--row", "30-64", "--json", str(path)]) == 0
    out = capsys.readouterr().out
    assert "JAX is left out: it is not installed." in out
    assert "| not installed | 1.00 x PyTorch |" in out
    assert quiet == [("30-64-64-2, batch 32", ["evenly", "torch"])]
    report = json.loads(path.read_text())
    assert report["versions"].endswith("Evenly 1, PyTorch 2.")
    row, = report["rows"]
    assert row["absent"] == ["torch_compiled", "jax"]
    assert row["floor"] > 0


def test_an_interrupt_keeps_the_rows_that_are_done(quiet, capsys, tmp_path):
    path = tmp_path / "bench.json"
    arguments = ["training_step", "--peers", "evenly", "--json", str(path)]
    assert bench.main(arguments) == 130
    assert f"stopped after 2 rows; {path} has them" in capsys.readouterr().out
    rows = json.loads(path.read_text())["rows"]
    assert [row["row"] for row in rows] == [row.name for row in training_step.ROWS[:2]]
    assert all(row["floor"] > 0 for row in rows)


@pytest.mark.parametrize(("arguments", "words"), [
    (["--processor-time"], "--processor-time needs --threads 1"),
    (["--python", "pytabkit"], "expects PEER=PATH, got 'pytabkit'"),
    (["--python", "pytabkit=/no/python"], "/no/python is no interpreter"),
    (["--python", f"pytab={sys.executable}"], "unknown: pytab; there are evenly"),
    (["--peers", "tensorflow"], "unknown: tensorflow"),
])
def test_what_cannot_be_is_refused(arguments, words, capsys):
    with pytest.raises(SystemExit):
        bench.main(arguments)
    assert words in capsys.readouterr().err


def test_a_peer_may_have_an_interpreter_of_its_own():
    found = versions(["numpy", "skorch"], {"numpy": sys.executable, "skorch": sys.executable})
    assert found.get("numpy") == versions(["numpy"])["numpy"]
    assert ("skorch" in found) is ("skorch" in versions(["skorch"]))


def test_a_row_is_measured_in_processes_of_their_own():
    row = training_step.ROWS[0]
    settings = harness.Settings(threads=1, rounds=2, round_seconds=1e-3, processor_time=True)
    said = []
    result = harness.measure("training_step", row, ["evenly", "skorch"], settings, said.append)
    assert len(result.samples["evenly"]) == 2
    assert 0 < min(result.samples["evenly"]) < 1e3
    assert list(result.samples) == ["evenly"]
    assert said == list(result.notes)
    assert f"{PEERS['skorch'].label} fails" in said[0]
    assert "processor time, medians of 2 rounds" in settings.said()


def test_a_whole_fit_has_a_score():
    from benchmarks.estimators import Fit

    class Table:
        classifies = False

        def parts(self):
            import numpy as np

            x = np.linspace(-1, 1, 40, dtype=np.float32)[:, None]
            return x, x[:, 0], x, x[:, 0]

    from sklearn.linear_model import LinearRegression

    fit = Fit(LinearRegression, Table(), column=True)
    fit(2)
    assert fit.y.shape == (40, 1)
    assert fit.score() > 0.999
