"""Files that a command reads: what the system refuses is one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from evenly.saving import load


def load_file(path: Path) -> Any:
    """What is in a file that Evenly wrote.

    Raises:
        UsageError: there is no such file, or it cannot be read.
        FileFormatError: it is none of Evenly's, or damaged.
    """
    try:
        return load(path)
    except FileNotFoundError as error:
        raise click.UsageError(f"{path}: no such file: check the name and the folder") from error
    except OSError as error:
        raise click.UsageError(f"{path}: cannot be read: {error.strerror or error}") from error
