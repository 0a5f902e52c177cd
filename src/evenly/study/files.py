"""Table files for a study: the columns that it asks for, by name."""

from __future__ import annotations

from pathlib import Path

from ..errors import ConfigurationError, DataError
from ..reading import table as reading
from .designs import nearest
from .errors import StudyError


def read(
    path: Path, target: str | None, others: tuple[str, ...] = (), *, sep: str | None = None,
    encoding: str | None = None,
) -> tuple[reading.Read, str]:
    """(a table file as :func:`evenly.reading.table.read` reads it, the name of its target).

    Args:
        path: of the file.
        target: the column to predict; in an .npz file the array's name, `y` if not given.
        others: columns (arrays, in an .npz file) that must be there.
        sep, encoding: of a text.

    Raises:
        StudyError: no such file, not readable, not of its kind, no such column, or more than
            memory takes.
    """
    beside = [*([] if target is None else [target]), *others]
    try:
        found = reading.read(path, beside=beside, sep=sep, encoding=encoding)
    except (DataError, ConfigurationError) as error:
        raise StudyError(str(error)) from error
    names = found.frame.columns
    if target is None and found.inputs is not None:
        target = "y"
        if target not in names:
            own = [found.inputs[0][:-1], *(n for n in names if n not in found.inputs)]
            raise StudyError(f"{path}: there is no array 'y': say --target NAME: it holds "
                             f"{', '.join(own)}")
    if target is None:
        more = f" and {len(names) - 8} more" if len(names) > 8 else ""
        raise StudyError(f"{path}: which column is to be predicted? Say --target NAME: "
                         f"the columns are {', '.join(names[:8])}{more}")
    for name in (target, *others):
        if name not in names:
            raise StudyError(f"{path}: there is no column '{name}': {nearest(name, names[:50])}")
        if name in found.repeated:
            count = 1 + sum(own.startswith(f"{name} (") for own in names)
            raise StudyError(f"{path}: {count} columns are named '{name}': rename them")
    if target in others:
        raise StudyError(f"{path}: '{target}' is the target: name other columns beside it")
    return found, target
