"""Files that a command writes: checked before any work is done, and whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from evenly import files


def check_place(
    path: Path, kinds: Sequence[str], *, force: bool, inputs: Mapping[str, Path] | None = None
) -> None:
    """Raises a UsageError when a file cannot be written, or exists and may not be replaced.

    Arguments:
        path: the file.
        kinds: the endings that it may have; none: any.
        force: whether an existing file may be replaced.
        inputs: the files that are read, by what they are: none of them may be replaced.
    """
    if kinds and path.suffix.lower() not in kinds:
        raise click.UsageError(
            f"{path}: expects a name that ends in {' or '.join(kinds)}, got '{path.suffix}'"
        )
    try:
        _check_place(path, force, inputs or {})
    except OSError as error:
        raise cannot(path, error) from error


def _check_place(path: Path, force: bool, inputs: Mapping[str, Path]) -> None:
    if path.is_dir():
        raise click.UsageError(f"{path}: is a folder, expects a file: name a file in it")
    for what, source in inputs.items():
        if is_same(path, source):
            raise click.UsageError(f"{path}: is the {what} that is read: name another file")
    if path.exists() and not force:
        raise click.UsageError(f"{path}: exists: say --force to replace it, or name another file")
    # A link stays one: what it points to is written.
    folder = Path(os.path.realpath(path)).parent if path.is_symlink() else path.parent
    if not folder.exists():
        raise click.UsageError(f"{path}: there is no folder '{folder}': make it first")
    if path.exists():
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        if not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    # Only an attempt tells: rights, read-only disks and special folders all say no here.
    os.rmdir(tempfile.mkdtemp(prefix=".evenly-", dir=folder))


def is_same(path: Path, other: Path) -> bool:
    """Whether two names, of which none need be there, are of one file."""
    if path.exists() and other.exists():
        return path.samefile(other)
    return os.path.realpath(path) == os.path.realpath(other)


def cannot(path: Path, error: OSError) -> click.UsageError:
    """The error of a file that cannot be written."""
    return click.UsageError(
        f"{path}: cannot be written: {error.strerror or error}: name another file"
    )


def write_bytes(path: Path, data: bytes) -> None:
    """Writes a file, whole or not at all."""

    try:
        files.write_bytes(path, data)
    except OSError as error:
        raise cannot(path, error) from error
