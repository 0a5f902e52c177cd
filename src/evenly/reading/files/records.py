"""JSON as a table: a list of objects, or an object a line."""

from __future__ import annotations

import json
from typing import Any

from ...errors import DataError
from .. import memory
from ..frames import frame_of
from .encodings import as_utf8
from .separated import Table

# Of Python's objects beside the text.
COPIES = 10


def records(data: bytes, name: str, lines: bool, encoding: str | None) -> Table:
    """JSON objects as rows, their keys as columns; a key that an object lacks is a gap.

    Arguments:
        data: the text.
        name: of the file.
        lines: whether each line is an object by itself.
        encoding: None: UTF-8.

    Raises:
        DataError: no such JSON, or objects within objects.
    """
    data, notes = as_utf8(data, name, encoding)
    memory.require(COPIES * len(data), f"{name}: reading JSON")
    rows: Any = []
    if lines:
        for number, line in enumerate(data.splitlines(), 1):
            if line.strip():
                rows.append(_parsed(line, f"{name}: line {number}"))
    else:
        rows = _parsed(data, name)
    if isinstance(rows, dict) and all(isinstance(v, list) for v in rows.values()):
        return Table(_framed(rows, name), notes)
    if not isinstance(rows, list) or not rows or not all(isinstance(r, dict) for r in rows):
        raise DataError(f"{name}: expects a list of JSON objects, one a row: convert it to CSV")
    return Table(_framed(rows, name), notes)


def _framed(rows: Any, name: str) -> Any:
    try:
        return frame_of(rows)
    except DataError as error:
        raise DataError(f"{name}: {error}") from None


def _parsed(text: bytes, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: is not JSON: {' '.join(str(error).split())}") from None
