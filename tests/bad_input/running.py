"""Runs a row, and tells what was otherwise than it says."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import shlex
import stat
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from evenly.cli import run

from .bad import LONG, Bad, Child

# A pipe whose reader has gone: for standard output, for standard error.
SHELL = """
evenly() { "$PYTHON" -W error "$PROGRAM" "$@"; }
closed_pipe() { "$PYTHON" -c "$CLOSED" 1 "$PYTHON" -W error "$PROGRAM" "${@:2}"; }
closed_pipe2() { "$PYTHON" -c "$CLOSED" 2 "$PYTHON" -W error "$PROGRAM" "${@:2}"; }
"""
CLOSED = """
import os, sys
end, other = os.pipe()
os.dup2(other, int(sys.argv[1]))
os.close(end)
os.execv(sys.argv[2], sys.argv[2:])
"""


@dataclass(frozen=True)
class Seen:
    """What happened.

    Attributes:
        complaints: what was otherwise than the row says; none where all was as it should be.
    """

    complaints: tuple[str, ...]


def observe(row: Bad) -> Seen:
    """Makes the situation of a row in the working folder and runs it."""
    if row.made is not None:
        row.made()
    before, threads, open_files = _contents(Path()), _readers(), _open_files()
    if isinstance(row, Child):
        found = _child(row)
    elif isinstance(row.act, str):
        found = _command(row, row.act)
    else:
        found = _call(row)
    after = _contents(Path())
    for name in sorted(before.keys() | after.keys()):
        if name in before and after.get(name) != before[name]:
            found.append(f"{name} is " + ("other than before" if name in after else "gone"))
        if name not in before and name not in row.new:
            found.append(f"{name} is new")
    found += [f"{name} was not made" for name in row.new if name not in after]
    if _readers() != threads:
        found.append("a thread is left")
    if _open_files() - open_files:
        found.append(f"files are left open: {_open_files() - open_files}")
    return Seen(tuple(found))


def _command(row: Bad, line: str) -> list[str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = run(shlex.split(line))
    return _compared(row, status, out.getvalue(), err.getvalue(), "")


def _child(row: Child) -> list[str]:
    assert isinstance(row.act, str)
    program = Path("..", "program.py").resolve()
    program.write_text(f"{row.before}\nfrom evenly.cli import main\nmain()\n")
    environment = {**os.environ, "PYTHON": sys.executable, "PROGRAM": str(program),
                   "CLOSED": CLOSED, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(["bash", "-c", SHELL + row.act], capture_output=True, text=True,
                          encoding="utf-8", env=environment, timeout=120, check=False)
    return _compared(row, done.returncode, done.stdout, done.stderr, row.out)


def _compared(row: Bad, status: int, out: str, err: str, expected_out: str) -> list[str]:
    found = []
    expected = f"evenly: {_filled(row.message)}\n" if row.message else ""
    if err != expected:
        found.append(f"said {err!r}, expected {expected!r}")
    if status != row.status:
        found.append(f"status {status}, expected {row.status}")
    if out != expected_out:
        found.append(f"printed {out!r}, expected {expected_out!r}")
    return found


def _call(row: Bad) -> list[str]:
    assert callable(row.act)
    assert row.error is not None
    try:
        row.act()
    except Exception as error:
        found = []
        if type(error) is not row.error:
            found.append(f"raised {type(error).__name__}, expected {row.error.__name__}")
        if str(error) != _filled(row.message):
            found.append(f"said {str(error)!r}, expected {_filled(row.message)!r}")
        return found
    return ["nothing was raised"]


def _filled(message: str) -> str:
    """A message with its placeholders filled in."""
    return message.replace("{here}", str(Path().resolve())).replace("{long}", LONG)


def _contents(folder: Path) -> dict[str, str]:
    """Every file by name: its rights and, where it is one, a digest of its bytes."""
    result = {}
    for path in folder.rglob("*"):
        about = path.lstat()
        text = stat.filemode(about.st_mode)
        if path.is_symlink():
            text += f" to {os.readlink(path)}"
        elif stat.S_ISREG(about.st_mode) and os.access(path, os.R_OK):
            text += " " + hashlib.sha256(path.read_bytes()).hexdigest()
        result[str(path)] = text
    return result


def _readers() -> int:
    return sum(thread.name == "evenly-reader" for thread in threading.enumerate())


def _open_files() -> set[str]:
    """What this process has open below the working folder, where the system tells."""
    links = Path("/proc/self/fd")
    here = str(Path().resolve())
    found = set()
    for link in links.iterdir() if links.is_dir() else ():
        with contextlib.suppress(OSError):
            target = os.readlink(link)
            if target.startswith(here):
                found.add(target)
    return found
