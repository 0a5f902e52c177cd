"""A user's script runs, and mypy (strict) and pyright find nothing in it; mistakes they find."""

import json
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "tests" / "typed"
SCRIPT, WRONG = HERE / "script.py", HERE / "wrong.py"
# The lines of WRONG that hold a mistake: all behind the import.
MISTAKES = set(range(4, 1 + len(WRONG.read_text().splitlines())))


def errors(lines, path):
    return [line for line in lines if path.name in line and ": error:" in line]


@pytest.fixture(scope="module")
def mypy():
    """What mypy finds in both, with the settings and the cache of the project."""
    pytest.importorskip("mypy", reason="mypy is not installed: pip install mypy")
    done = subprocess.run([sys.executable, "-m", "mypy", "--no-error-summary", SCRIPT, WRONG],
                          capture_output=True, text=True, cwd=ROOT, timeout=900)
    assert not done.stderr, done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def pyright():
    """What pyright finds in both. Where there is no node, its package would download one."""
    pytest.importorskip("pyright", reason="pyright is not installed: pip install pyright")
    if shutil.which("node") is None:
        pytest.skip("pyright needs node")
    done = subprocess.run(
        [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--outputjson", SCRIPT,
         WRONG], capture_output=True, text=True, cwd=HERE, timeout=900)
    try:
        told = json.loads(done.stdout)["generalDiagnostics"]
    except ValueError:
        pytest.skip(f"pyright cannot run here: {(done.stderr or done.stdout)[-200:]}")
    return [f"{one['file']}:{one['range']['start']['line'] + 1}: error: {one['message']}"
            for one in told if one["severity"] == "error"]


def test_the_package_says_that_it_is_typed():
    assert files("evenly").joinpath("py.typed").is_file()
    assert files("evenly").joinpath("_native.pyi").is_file()


def test_the_script_runs(tmp_path):
    done = subprocess.run([sys.executable, "-W", "ignore", SCRIPT], capture_output=True, text=True,
                          cwd=tmp_path, timeout=300)
    assert done.returncode == 0, done.stderr


def check(lines):
    assert errors(lines, SCRIPT) == []
    assert {int(line.split(":")[1]) for line in errors(lines, WRONG)} >= MISTAKES


@pytest.mark.sweep
def test_mypy(mypy):
    check(mypy)


@pytest.mark.sweep
def test_pyright(pyright):
    check(pyright)
