"""One column of a table, decided."""

from __future__ import annotations

from dataclasses import dataclass

from .kinds import Kind


@dataclass(frozen=True)
class Column:
    """One column, decided.

    Attributes:
        name: its header.
        kind: how its cells are read.
        reason: why this kind, in a line.
        missing: rows of training without a value.
        distinct: different values there; of many numbers an estimate, within some percent.
        shown: their range, or examples.
        left_out: why it is no input, in a line; empty where it is one.
        odd: what looks odd about it, a line each.
        asked: whether the kind was said rather than decided.
    """

    name: str
    kind: Kind
    reason: str
    missing: int = 0
    distinct: int = 0
    shown: str = ""
    left_out: str = ""
    odd: tuple[str, ...] = ()
    asked: bool = False
