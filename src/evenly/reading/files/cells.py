"""The rows of a text one at a time, wherever quotation marks stand.

A cell that begins with a quotation mark ends with one, and doubled marks within are one; blanks
around it do not count. A mark anywhere else is part of the cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple


class Row(NamedTuple):
    """A row: from which character to which, the number of its first line from 0, its cells, and
    what is wrong with a quotation in it."""

    start: int
    stop: int
    line: int
    cells: list[str]
    fault: str = ""

    @property
    def is_blank(self) -> bool:
        return len(self.cells) == 1 and not self.cells[0].strip()


@cache
def _cell(separator: str, end: str) -> re.Pattern[str]:
    mark, blank = re.escape(separator), r"[ \t]" if separator != "\t" else " "
    closed = rf'{blank}*"([^"]*+(?:""[^"]*+)*+)"{blank}*(?={mark}|\r?{end}|\Z)'
    return re.compile(rf"{closed}|([^{mark}{end}]*)")


UNCLOSED = "unclosed"
_QUOTATION = re.compile(r'\s*"[^"]*+(?:""[^"]*+)*+"')


def rows_in(text: str, separator: str, end: str, start: int = 0, line: int = 0) -> Iterator[Row]:
    """The rows of a text, blank ones too.

    Arguments:
        text: all of it.
        separator: one character.
        end: what ends a line; a `\\r` before it belongs to it.
        start: where the first row begins.
        line: its number.
    """
    match, place, stop = _cell(separator, end).match, start, len(text)
    while place < stop:
        cells: list[str] = []
        begin, fault = place, ""
        following = text.find(end, place)
        following = stop if following < 0 else following
        if text.find('"', place, following) < 0:
            cells = text[place : following].split(separator)
            if end == "\n" and cells[-1].endswith("\r"):
                cells[-1] = cells[-1][:-1]
            place = min(following + 1, stop)
            yield Row(begin, place, line, cells)
            line += 1
            continue
        while True:
            found = match(text, place)
            assert found is not None  # the second form takes anything
            inner, plain = found.groups()
            place = found.end()
            if plain is None:
                cells.append(inner.replace('""', '"') if '""' in inner else inner)
            else:
                if end == "\n" and plain.endswith("\r"):
                    plain = plain[:-1]
                if not fault and plain.lstrip().startswith('"'):
                    fault = _fault(text, found.start())
                cells.append(plain)
            if place < stop and text[place] == separator:
                place += 1
                continue
            if text.startswith("\r" + end, place):
                place += 1
            place += 1
            break
        place = min(place, stop)
        yield Row(begin, place, line, cells, fault)
        line += text.count(end, begin, place)


def _fault(text: str, place: int) -> str:
    if _QUOTATION.match(text, place):
        return "text follows the end of a quotation"
    return UNCLOSED
