"""Files that a command writes: checked before any work is done, and whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import click

from evenly.files import replace_atomically


def check_place(path: Path, kinds: Sequence[str], *, force: bool) -> None:
    """Raises a UsageError when a file cannot be written, or exists and may not be replaced.

    Arguments:
        path: the file.
        kinds: the endings that it may have; none: any.
        force: whether an existing file may be replaced.
    """
    if kinds and path.suffix.lower() not in kinds:
        raise click.UsageError(
            f"{path}: expects a name that ends in {' or '.join(kinds)}, got '{path.suffix}'"
        )
    if path.is_dir():
        raise click.UsageError(f"{path}: is a folder, expects a file: name a file in it")
    if path.exists() and not force:
        raise click.UsageError(f"{path}: exists: say --force to replace it, or name another file")
    if not path.parent.exists():
        raise click.UsageError(f"{path}: there is no folder '{path.parent}': make it first")
    try:
        # Only an attempt tells: rights, read-only disks and special folders all say no here.
        os.rmdir(tempfile.mkdtemp(prefix=".evenly-", dir=path.parent))
    except OSError as error:
        raise cannot(path, error) from error


def cannot(path: Path, error: OSError) -> click.UsageError:
    """The error of a file that cannot be written."""
    return click.UsageError(
        f"{path}: cannot be written: {error.strerror or error}: name another file"
    )


def write_bytes(path: Path, data: bytes) -> None:
    """Writes a file, whole or not at all."""

    def write(file: BinaryIO) -> None:
        file.write(data)

    try:
        replace_atomically(path, write)
    except OSError as error:
        raise cannot(path, error) from error
