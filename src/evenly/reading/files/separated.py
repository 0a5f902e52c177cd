"""Texts of rows and cells (CSV and its kin) as a table of text, each row checked to have as many
cells as the header."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...errors import DataError
from .. import memory
from .cells import UNCLOSED, Row, rows_in
from .encodings import as_utf8, line_of
from .head import Head, head_of

if TYPE_CHECKING:
    import polars as pl

CHUNK = 1 << 24
# What stays in a processor's cache.
NEAR = 1 << 18
QUOTE = 34
# Of a cell as text: a view, whatever its length.
CELL_BYTES = 16
# Of a cell as a Python object, where rows are read one at a time.
OBJECT_BYTES = 72


class Table(NamedTuple):
    """What a file holds: a table, what is worth a note, and the names that several columns had."""

    frame: pl.DataFrame
    notes: list[str]
    repeated: tuple[str, ...] = ()


def separated(data: bytes, name: str, sep: str | None, encoding: str | None) -> Table:
    """A text as a table whose columns are all text, exactly as it stands in the file; an empty cell
    is a gap.

    Raises:
        DataError: no header, a row of too many or too few cells, a quotation that does not end, an
            encoding that is not the text's, more than memory takes; with the line.
    """
    data, notes = as_utf8(data, name, encoding)
    data = data.removesuffix(b"\x1a")  # what ends a file of DOS
    head = head_of(data, name, sep)
    notes += head.notes
    if head.separator == " ":
        data, head = _tabbed(data, head)
        notes.append("cells are parted by runs of blanks")
    names, own, repeated = named(head.titles, head.width)
    notes += own
    text = _Text(data, head, name, names)
    text.require()
    frame, blank = text.frame()
    if blank:
        notes.append(blank)
    frame, own = _without_empty_ends(frame, head, name)
    return Table(frame, notes + own, repeated)


def named(titles: tuple[str, ...], width: int) -> tuple[list[str], list[str], tuple[str, ...]]:
    """(names of columns, each once; what is worth a note; the names that several had)."""
    notes = []
    bare = [title.strip() for title in titles]
    spaced = [title for title, name in zip(titles, bare, strict=True) if title != name and name]
    if spaced:
        notes.append(f"{_count(len(spaced), 'name')} without the blanks around "
                     f"{'it' if len(spaced) == 1 else 'them'}, such as {spaced[0]!r}")
    unnamed = [i for i, title in enumerate(bare) if not title]
    bare += [""] * (width - len(bare))
    if titles and unnamed:
        notes.append(f"{_count(len(unnamed), 'column')} without a name: called column_N by their "
                     f"place, such as 'column_{unnamed[0] + 1}'")
    wanted = [title or f"column_{i + 1}" for i, title in enumerate(bare)]
    counts = Counter(wanted)
    repeated = tuple(title for title, count in counts.items() if count > 1)
    seen: Counter[str] = Counter()
    taken, names = set(wanted), []
    for title in wanted:
        seen[title] += 1
        number, unique = seen[title], title
        if number > 1:
            while (unique := f"{title} ({number})") in taken:
                number += 1
            seen[title] = number
            taken.add(unique)
        names.append(unique)
    for title in repeated:
        notes.append(f"{counts[title]} columns are named '{title}': kept apart as '{title}', "
                     f"'{title} (2)'" + (" and so on" if counts[title] > 2 else ""))
    return names, notes, repeated


def _count(count: int, what: str) -> str:
    return f"1 {what} is" if count == 1 else f"{count} {what}s are"


def _without_empty_ends(
    frame: pl.DataFrame, head: Head, name: str
) -> tuple[pl.DataFrame, list[str]]:
    """A table without the columns at its right that have neither name nor values."""
    if head.trailing and (rows := frame.height - frame.to_series(-1).null_count()):
        raise DataError(
            f"{name}: is not a CSV table: {rows} of {frame.height} rows have more cells than the "
            "header: name each column once"
        )
    count = 0
    bare = list(head.titles) + [""] * head.trailing
    while (
        count < len(bare) - 1 and not bare[-1 - count].strip()
        and frame.to_series(-1 - count).null_count() == frame.height
    ):
        count += 1
    if not count:
        return frame, []
    what = "a column" if count == 1 else f"{count} columns"
    return frame.select(frame.columns[:-count]), [
        f"lines end with a separator: {what} without name or values at the end "
        f"{'is' if count == 1 else 'are'} left out"
    ]


def _tabbed(data: bytes, head: Head) -> tuple[bytes, Head]:
    """A text whose cells are parted by runs of blanks as one whose cells are parted by tabs."""
    rows = re.sub(rb"(?m)^[ \t]+|[ \t]+(?=\r?$)", b"", data[head.start :])
    rows = re.sub(rb"[ \t]+", b"\t", rows)
    # What stands above stays, so that lines are counted as in the file.
    data = data[: head.start] + rows
    end = data.find(head.end.encode(), head.start) + 1 or len(data)
    body = end if head.titles else head.start
    return data, replace(head, separator="\t", body=body)


def _is_blank(row: Row, text: str, width: int) -> bool:
    """Whether a line is blank. In a single column blanks may be a cell."""
    return (
        row.is_blank and (width > 1 or not row.cells[0]) and not row.fault
        and '"' not in text[row.start : row.stop]
    )


def _blank_note(count: int, first: int | None) -> str:
    if count == 1:
        return "a blank line is left out" if first is None else f"line {first} is blank: left out"
    return f"{count} blank lines are left out" + (f", first line {first}" if first else "")


class _Text:
    """A text that is laid out as its head says."""

    def __init__(self, data: bytes, head: Head, name: str, names: list[str]) -> None:
        if data.endswith(head.separator.encode()):
            data += head.end.encode()  # polars does not see an empty cell at the very end
        self.data, self.head, self.name, self.names = data, head, name, names
        self.quoted = data.find(b'"', head.start) >= 0

    def require(self) -> None:
        """Raises DataError where the table would be larger than memory takes."""
        sample = self.data[: 1 << 20]
        lines = sample.count(self.head.end.encode()) + 1
        rows = lines * len(self.data) // max(1, len(sample))
        # Cells of more than 12 bytes are kept beside their views.
        needed = len(self.data) + CELL_BYTES * rows * self.head.width
        memory.require(needed, f"{self.name}: reading {self.head.width} columns")

    def frame(self) -> tuple[Any, str]:
        """(the table, a note about blank lines)."""
        import polars as pl

        frame = self._parsed() if not self.quoted or self._is_well_quoted() else None
        if frame is None:
            return self._slowly()
        frame, blank = frame
        if self.quoted and self.data.find(b'""', self.head.body) >= 0:
            frame = frame.select(pl.when(pl.all() != "").then(pl.all()))
        return frame, blank

    def _parsed(self) -> tuple[Any, str] | None:
        """The table as polars reads it; None where that is not what stands there."""
        import polars as pl

        head = self.head
        options: Any = {
            "separator": head.separator, "quote_char": '"' if self.quoted else None,
            "eol_char": head.end, "infer_schema": False,
        }
        try:
            if head.titles and head.start == 0 and not head.trailing:
                frame = pl.read_csv(self.data, has_header=True, **options)
                if frame.width != head.width:
                    return None
                frame.columns = self.names
            else:
                schema = dict.fromkeys(self.names, pl.String)
                frame = pl.read_csv(self.data[head.body :], has_header=False, schema=schema,
                                    **options)
        except pl.exceptions.PolarsError:
            self._check(self._odd_rows()[1])
            return None
        return self._without_blank(frame)

    def _without_blank(self, frame: Any) -> tuple[Any, str] | None:
        """Rows that lack their last cells look like rows with gaps there: they are told apart."""
        import polars as pl

        head, last = self.head, frame.to_series(-1)
        if head.width == 1 and self.data.find(head.separator.encode(), head.body) >= 0:
            # Of a single column polars does not refuse every row of more cells.
            self._check(self._odd_rows()[1])
        if not last.null_count():
            return frame, ""
        if self.head.width == 1:
            return frame.filter(last.is_not_null()), self._blank_lines(last.is_null().to_numpy())
        if not self.quoted:
            # Rows of too many cells were refused: where there are enough separators, no row lacks
            # one.
            view = np.frombuffer(self.data, np.uint8)[self.head.body :]
            found = int(np.count_nonzero(view == ord(self.head.separator)))
            if found == (self.head.width - 1) * frame.height:
                return frame, ""
        rows, odd = self._odd_rows()
        if rows != frame.height:
            return None
        blank_rows = self._check(odd)
        if not blank_rows:
            return frame, ""
        keep = np.ones(rows, bool)
        keep[[row.number for row in blank_rows]] = False
        last_kept = int(np.flatnonzero(keep)[-1]) if keep.any() else 0
        inner = [row for row in blank_rows if row.number < last_kept]
        note = _blank_note(len(inner), line_of(self.data, inner[0].start)) if inner else ""
        return frame.filter(pl.Series(keep)), note

    def _blank_lines(self, blank: Any) -> str:
        """A note about the blank lines of a single column, but for those at its end."""
        filled = np.flatnonzero(~blank)
        inner = np.flatnonzero(blank[: filled[-1] if len(filled) else 0])
        if not len(inner):
            return ""
        # A quoted cell may stand on several lines.
        first = None if self.quoted else line_of(self.data, self.head.body) + int(inner[0])
        return _blank_note(len(inner), first)

    def _is_well_quoted(self) -> bool:
        """Whether each quotation mark begins a cell, ends one, or is doubled within one: then it
        is enough to count them."""
        view, mark, seen = np.frombuffer(self.data, np.uint8), ord(self.head.separator), 0
        first, stop = self.head.start, len(view)
        for start in range(first, stop, NEAR):
            part = view[start : start + NEAR]
            # Whether a cell ends, or a mark stands, at each byte, the one before and the one after.
            edge = np.ones(len(part) + 2, bool)
            low, high = int(start == first), int(start + len(part) == stop)
            around = view[start - 1 + low : start + len(part) + 1 - high]
            edge[low : len(edge) - high] = (
                (around == mark) | (around == 10) | (around == 13) | (around == QUOTE))
            places = np.flatnonzero(part == QUOTE)
            opening, closing = places[seen % 2 :: 2], places[(seen + 1) % 2 :: 2]
            if not (edge[opening].all() and edge[closing + 2].all()):
                return False
            seen += len(places)
        return seen % 2 == 0

    def _odd_rows(self) -> tuple[int, list[_Odd]]:
        """(how many rows there are, those that have not as many cells as the header)."""
        view = np.frombuffer(self.data, np.uint8)
        mark, end, wanted = ord(self.head.separator), ord(self.head.end), self.head.width - 1
        odd: list[_Odd] = []
        rows, seen, begin, inside = 0, 0, self.head.body, 0
        for start in range(self.head.body, len(view), CHUNK):
            part = view[start : start + CHUNK]
            places = np.flatnonzero((part == mark) | (part == end))
            if self.quoted:
                quotes = np.flatnonzero(part == QUOTE)
                within = (np.searchsorted(quotes, places) + inside) % 2
                places = places[within == 0]
                inside += len(quotes)
            is_end = part[places] == end
            ends = places[is_end] + start
            # How many separators stand before each end, and between two of them.
            before = np.cumsum(~is_end)
            own = np.diff(before[is_end], prepend=-seen) if len(ends) else ends
            starts = np.concatenate([[begin], ends[:-1] + 1]) if len(ends) else ends
            for i in np.flatnonzero(own != wanted):
                odd.append(_Odd(rows + int(i), int(starts[i]), int(ends[i]), int(own[i]) + 1))
            rows += len(ends)
            total = int(before[-1]) if len(before) else 0
            if len(ends):
                begin, seen = int(ends[-1]) + 1, total - int(before[is_end][-1])
            else:
                seen += total
        if begin < len(view):
            if seen != wanted:
                odd.append(_Odd(rows, begin, len(view), seen + 1))
            rows += 1
        return rows, odd

    def _check(self, odd: list[_Odd]) -> list[_Odd]:
        """The blank ones of odd rows; DataError for any other."""
        for row in odd:
            if row.cells > 1 or self.data[row.start : row.stop].strip():
                raise self._wrong(line_of(self.data, row.start), row.cells)
        return odd

    def _wrong(self, line: int, cells: int) -> DataError:
        width = self.head.width - self.head.trailing
        if cells == self.head.common > width and self.head.titles:
            return DataError(
                f"{self.name}: is not a CSV table: the rows have more cells than the header: name "
                "each column once"
            )
        where = "in the header" if self.head.titles else f"in line {self.head.line}"
        return DataError(
            f"{self.name}: is not a CSV table: line {line} has {cells} "
            f"cell{'s' * (cells != 1)}, expects {width} as {where}: mend the line"
        )

    def _slowly(self) -> tuple[Any, str]:
        """The table a row at a time: where quotation marks stand within cells, and to say what is
        wrong with them."""
        import polars as pl

        head = self.head
        text = self.data.decode()
        start = len(self.data[: head.body].decode())
        rows: list[list[str]] = []
        line = text.count(head.end, 0, start)
        guess = head.width * (text.count(head.end) + 1)
        memory.require(OBJECT_BYTES * guess, f"{self.name}: reading {head.width} columns whose "
                       "quotation marks stand within cells")
        blank = []
        for row in rows_in(text, head.separator, head.end, start, line):
            if _is_blank(row, text, head.width):
                blank.append((len(rows), row.line + 1))
                continue
            if row.fault:
                line = row.line + 1
                fault = (f"the quotation that begins in line {line} does not end"
                         if row.fault == UNCLOSED else f"line {line}: {row.fault}")
                raise DataError(f"{self.name}: is not a CSV table: {fault}: mend the line")
            if len(row.cells) != head.width:
                raise self._wrong(row.line + 1, len(row.cells))
            rows.append(row.cells)
        inner = [line for number, line in blank if number < len(rows)]
        note = _blank_note(len(inner), inner[0]) if inner else ""
        columns = zip(*rows, strict=True) if rows else ((),) * head.width
        frame = pl.DataFrame([
            pl.Series(name, [cell or None for cell in cells], dtype=pl.String)
            for name, cells in zip(self.names, columns, strict=True)
        ])
        return frame, note


class _Odd(NamedTuple):
    """A row of another number of cells: its number, from which byte to which, its cells."""

    number: int
    start: int
    stop: int
    cells: int
