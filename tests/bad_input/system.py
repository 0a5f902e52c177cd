"""What the system refuses: rights, and room on the disk."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from unittest.mock import patch

import evenly as ev

from .bad import Bad, Child

FIT = "fit table.csv --target kind --epochs 2 --hidden 4 --out"
PREDICT = "predict m.evenly new.csv --out"

Within = Callable[[], AbstractContextManager[object]]


def refused(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def no_opening(*names: str) -> Within:
    """Files that open refuses as without rights: by this root is refused too."""
    real = io.open

    def opened(path, mode="r", *rest, **more):  # type: ignore[no-untyped-def]
        if isinstance(path, (str, os.PathLike)) and os.path.basename(path) in names:
            raise refused(errno.EACCES)
        return real(path, mode, *rest, **more)

    @contextlib.contextmanager
    def within() -> Iterator[None]:
        with patch("io.open", opened), patch("builtins.open", opened):
            yield

    return within


def raising(name: str, number: int) -> Within:
    """A function of the system that fails."""
    return lambda: patch(name, side_effect=refused(number))


def no_writing(*names: str) -> Within:
    """Files that are there and may only be read."""
    real = os.access

    def access(path, mode, **more):  # type: ignore[no-untyped-def]
        mine = os.path.basename(path) in names and mode & os.W_OK
        return not mine and real(path, mode, **more)

    return lambda: patch("os.access", access)


def room_for(size: int) -> Within:
    """No file may be longer: what is more is refused in the middle of a write, as on a full disk.
    """
    @contextlib.contextmanager
    def within() -> Iterator[None]:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    return within


# Rights bind every user but root: where root runs the tests, the child goes on as nobody.
NOBODY = """
import os
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
"""


def long_table() -> None:
    """Makes long.csv: 16 000 rows to predict."""
    lines = Path("new.csv").read_text().splitlines()
    Path("long.csv").write_text("\n".join(lines[:1] + lines[1:] * 2000) + "\n")


ROWS = [
    # Rights
    Bad("a table without the right to read", f"{FIT} o.evenly",
        "table.csv: cannot be read: Permission denied", within=no_opening("table.csv")),
    Bad("a Parquet table without the right to read",
        "fit table.parquet --target kind --out o.evenly",
        "table.parquet: cannot be read: Permission denied", within=no_opening("table.parquet")),
    Bad("rows to predict without the right to read", f"{PREDICT} p.csv",
        "new.csv: cannot be read: Permission denied", within=no_opening("new.csv")),
    Bad("a model without the right to read", f"{PREDICT} p.csv",
        "m.evenly: cannot be read: Permission denied", within=no_opening("m.evenly")),
    Bad("a folder without the right to write", f"{FIT} o.evenly",
        "o.evenly: cannot be written: Permission denied: name another file",
        within=raising("tempfile.mkdtemp", errno.EACCES)),
    Bad("a disk that is read only", f"{FIT} o.evenly",
        "o.evenly: cannot be written: Read-only file system: name another file",
        within=raising("tempfile.mkdtemp", errno.EROFS)),
    Bad("a disk with no room for a name", f"{FIT} o.evenly",
        "o.evenly: cannot be written: No space left on device: name another file",
        within=raising("tempfile.mkdtemp", errno.ENOSPC)),
    Bad("an old model without the right to write", f"{FIT} m.evenly --force",
        "m.evenly: cannot be written: Permission denied: name another file",
        within=no_writing("m.evenly")),
    Bad("old predictions without the right to write", f"{PREDICT} p.csv --force",
        "p.csv: cannot be written: Permission denied: name another file",
        lambda: shutil.copy("new.csv", "p.csv"), within=no_writing("p.csv")),
    Bad("saving over a file without the right to write",
        lambda: ev.save("net.evenly", ev.load("net.evenly")),
        "[Errno 13] Permission denied: 'net.evenly'", None, PermissionError,
        within=no_writing("net.evenly")),
    Bad("a model that is gone once it is trained", f"{FIT} o.evenly",
        "o.evenly: cannot be written: Stale file handle: name another file",
        within=raising("os.replace", errno.ESTALE)),
    Bad("a folder that the system does not write to", f"{FIT} /proc/o.evenly",
        "/proc/o.evenly: cannot be written: No such file or directory: name another file"),
    Child("a table that is another's to read", f"{FIT} o.evenly",
          "table.csv: cannot be read: Permission denied",
          lambda: (os.chmod(".", 0o777), os.chmod("table.csv", 0)), before=NOBODY),
    Child("a model that is another's to read", "show m.evenly",
          "m.evenly: cannot be read: Permission denied",
          lambda: os.chmod("m.evenly", 0), before=NOBODY),
    Child("a folder that is another's to write to", f"{FIT} o.evenly",
          "o.evenly: cannot be written: Permission denied: name another file",
          lambda: os.chmod(".", 0o555), before=NOBODY),
    Child("an old model that is another's to write", f"{FIT} m.evenly --force",
          "m.evenly: cannot be written: Permission denied: name another file",
          lambda: (os.chmod(".", 0o777), os.chmod("m.evenly", 0o444)), before=NOBODY),
    # A full disk
    Bad("no room for a new model", f"{FIT} o.evenly",
        "o.evenly: cannot be written: File too large: name another file", within=room_for(1000)),
    Bad("no room for a model in place of another", f"{FIT} m.evenly --force",
        "m.evenly: cannot be written: File too large: name another file", within=room_for(1000)),
    Bad("a full disk when a new model is forced to it", f"{FIT} o.evenly",
        "o.evenly: cannot be written: No space left on device: name another file",
        within=raising("os.fsync", errno.ENOSPC)),
    Bad("a full disk when another model is forced to it", f"{FIT} m.evenly --force",
        "m.evenly: cannot be written: No space left on device: name another file",
        within=raising("os.fsync", errno.ENOSPC)),
    Bad("a disk that fails", f"{FIT} m.evenly --force",
        "m.evenly: cannot be written: Input/output error: name another file",
        within=raising("os.fsync", errno.EIO)),
    Bad("no room for predictions", "predict m.evenly long.csv --out p.csv",
        "p.csv: cannot be written: File too large: name another file", long_table,
        within=room_for(10_000)),
    Bad("saving without room", lambda: ev.save("net.evenly", ev.load("net.evenly")),
        "[Errno 27] File too large", None, OSError, within=room_for(1000)),
    Bad("saving to a full disk", lambda: ev.save("net.evenly", ev.load("net.evenly")),
        "[Errno 28] No space left on device", None, OSError,
        within=raising("os.fsync", errno.ENOSPC)),
    Bad("/dev/full for a model", f"{FIT} /dev/full --force",
        "/dev/full: cannot be written: not a regular file: name another file"),
    Bad("/dev/full for predictions", f"{PREDICT} full.csv --force",
        "full.csv: cannot be written: not a regular file: name another file",
        lambda: os.symlink("/dev/full", "full.csv")),
    Child("no room for the curves", f"{FIT} o.evenly --members 1 --curves c.png",
          "c.png: cannot be written: File too large: name another file; the network is in "
          "o.evenly", before="import resource\n"
          "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))", new=("o.evenly",)),
]
