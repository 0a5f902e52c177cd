"""The report's folder: its files appear together or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from .errors import ReportError

FILES = ("report.html", "results.csv", "history.jsonl")


def check_folder(out: Path, *, force: bool, names: Sequence[str] = FILES) -> None:
    """Check, before any work is done, that a report can be written; leave nothing behind.

    Args:
        out: the folder to write.
        force: whether an existing folder may be written into.
        names: of the files that will be written.

    Raises:
        ReportError: it exists and `force` is off, it is a file, or it cannot be written.
    """
    try:
        if out.is_symlink() and not out.exists():
            raise ReportError(f"{out}: is a link that leads nowhere: name another --out")
        if out.exists() and not out.is_dir():
            raise ReportError(f"{out}: is a file, expects a folder: name another --out")
        if out.exists() and not force:
            raise ReportError(
                f"{out}: exists: say --force to replace the report in it, or name another --out"
            )
        for name in names:
            if (out / name).is_dir():
                raise ReportError(f"{out / name}: is a folder, expects a file: name another --out")
        place = out
        while not place.exists():
            place = place.parent
        # Only an attempt tells: rights, read-only disks and special folders all say no here.
        os.rmdir(tempfile.mkdtemp(prefix=".evenly-", dir=place))
    except OSError as error:
        if isinstance(error, ReportError):
            raise
        raise _cannot(out, error) from error


def write_folder(out: Path, contents: Mapping[str, str], *, force: bool) -> None:
    """Write the files of a report, all or nothing.

    They are written beside their place and then renamed. In a folder that exists only files of the
    same names are replaced; if that fails half-way, the old ones are put back.

    Args:
        out: the folder to write; folders above it are made.
        contents: text by file name.
        force: whether an existing folder may be written into.

    Raises:
        ReportError: it exists and `force` is off, or it cannot be written.
    """
    check_folder(out, force=force, names=list(contents))
    made: list[Path] = []
    staging: Path | None = None
    try:
        into = out if out.exists() else out.parent
        made = _make_parents(into)
        staging = Path(tempfile.mkdtemp(prefix=".evenly-", dir=into))
        for name, text in contents.items():
            # Line ends are written as they are, on every system.
            (staging / name).write_text(text, encoding="utf-8", newline="")
        if out.exists():
            _replace(staging, out, list(contents))
            made = []
        else:
            staging.chmod(0o777 & ~_umask())
            staging.rename(out)
            staging, made = None, []
    except OSError as error:
        raise _cannot(out, error) from error
    finally:
        # What is left here is left of a failure, or of Ctrl-C.
        for folder in [*reversed(made), *([staging] if staging else [])]:
            shutil.rmtree(folder, ignore_errors=True)


def _cannot(out: Path, error: OSError) -> ReportError:
    return ReportError(f"{out}: cannot be written: {error.strerror or error}: name another --out")


def _make_parents(folder: Path) -> list[Path]:
    """Make a folder and those above it; returns those that were new, the topmost first."""
    new: list[Path] = []
    place = folder
    while not place.exists():
        new.insert(0, place)
        place = place.parent
    folder.mkdir(parents=True, exist_ok=True)
    return new


def _replace(staging: Path, out: Path, names: list[str]) -> None:
    old = staging / "old"
    old.mkdir()
    kept: list[str] = []
    placed: list[str] = []
    try:
        for name in names:
            if (out / name).exists():
                (out / name).rename(old / name)
                kept.append(name)
        for name in names:
            (staging / name).rename(out / name)
            placed.append(name)
    except OSError:
        for name in placed:
            (out / name).unlink(missing_ok=True)
        for name in kept:
            (old / name).rename(out / name)
        raise


def _umask() -> int:
    """The rights that new files do not get. It can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
