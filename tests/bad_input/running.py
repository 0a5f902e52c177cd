"""Runs a row, and tells what was otherwise than it says."""

from __future__ import annotations

import atexit
import contextlib
import functools
import hashlib
import io
import json
import os
import shlex
import stat
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from evenly.cli import run

from .bad import LONG, Bad, Child, Shell

ZYGOTE = Path(__file__).with_name("zygote.py")
MAIN = "from evenly.cli import main; main()"
SHELL = """evenly() { "$PYTHON" -W error -c "$MAIN" "$@"; }
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
    with row.within():
        if isinstance(row, Child):
            found = _child(row)
        elif isinstance(row, Shell):
            found = _shell(row)
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


@functools.cache
def _zygote() -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-W", "error", str(ZYGOTE)], text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    atexit.register(process.communicate)
    return process


def _child(row: Child) -> list[str]:
    assert isinstance(row.act, str)
    folder = Path().resolve()
    files = [str(folder.parent / name) for name in ("in", "out", "err")]
    task = {"folder": str(folder), "words": shlex.split(row.act), "before": row.before,
            "streams": row.streams, "files": files}
    process = _zygote()
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(task) + "\n")
    process.stdin.flush()
    status = int(process.stdout.readline())
    out, err = (Path(name).read_text() if Path(name).exists() else "" for name in files[1:])
    # A network that is written is said so: of these rows only what is wrong matters.
    return _compared(row, status, out, err, out if row.new else "")


def _shell(row: Shell) -> list[str]:
    assert isinstance(row.act, str)
    environment = {**os.environ, "PYTHON": sys.executable, "MAIN": MAIN}
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
    names = {"{here}": str(Path().resolve()), "{long}": LONG,
             "{size}": f"{os.path.getsize('net.evenly'):,}"}
    for name, value in names.items():
        message = message.replace(name, value)
    return message


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
