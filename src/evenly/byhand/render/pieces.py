"""What the renderers for screen and paper ask of a document alike."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable, Iterator

from ...errors import ConfigurationError
from ..document import Block, Document, StepBlock
from ..expressions import Expression, Place, places
from ..views import Table

# As many colours as the style sheets have; the next operand begins again.
_COLOURS = 6


def need(what: str, module: str, extra: str) -> None:
    """Raises an error that names the package that is missing and how to get it."""
    if importlib.util.find_spec(module) is None:
        raise ConfigurationError(
            f"{what} needs {module}, which is not installed: pip install 'evenly[{extra}]'"
        )


def blocks(document: Document) -> Iterator[tuple[Block, frozenset[int]]]:
    """The blocks in order, each with the numbers of the steps that are the reader's to fill in.

    A formula with a number of such a step would give its answer away. Where a later block shows the
    step, it is no secret any more.
    """
    hidden: frozenset[int] = frozenset()
    for block in document.blocks:
        if isinstance(block, StepBlock):
            own = frozenset({block.view.step.number})
            hidden = hidden | own if block.blank else hidden - own
        yield block, hidden


def has_blanks(document: Document) -> bool:
    return any(isinstance(block, StepBlock) and block.blank for block in document.blocks)


def tells(expression: Expression | None, hidden: frozenset[int]) -> bool:
    """Whether a formula with its numbers may be shown."""
    return expression is not None and not any(p.step in hidden for p in places(expression))


def size(shape: tuple[int, ...]) -> str:
    """The shape of an array, as one reads it; "" of a single number."""
    if len(shape) > 2:
        # A single image or a single channel is no axis to a reader.
        shape = tuple(length for length in shape if length > 1) or (1,)
    return " \N{MULTIPLICATION SIGN} ".join(map(str, shape))


def sources(found: list[Place]) -> list[Place]:
    """Places, each once, in order."""
    return list(dict.fromkeys(found))


def operands(expressions: Iterable[Expression | None]) -> dict[int, str]:
    """A class for each earlier step that numbers are made from, in order of appearance."""
    names: dict[int, str] = {}
    for expression in expressions:
        for place in places(expression) if expression is not None else ():
            names.setdefault(place.step, f"o{len(names) % _COLOURS + 1}")
    return names


def cell_name(table: Table, row: int, column: int) -> str:
    """``example 1, unit 2``: by what names a cell is found; "" where it is the only one."""
    words = [table.caption, table.rows[row] if row < len(table.rows) else "",
             table.columns[column] if column < len(table.columns) else ""]
    return ", ".join(word for word in words if word)


def quoted(text: str) -> list[tuple[bool, str]]:
    """A sentence in parts: (whether it stood between backticks, text).

    Example:
        >>> quoted("take `x` away")
        [(False, 'take '), (True, 'x'), (False, ' away')]
    """
    parts = re.split(r"`([^`]*)`", text)
    return [(i % 2 == 1, part) for i, part in enumerate(parts) if part]
