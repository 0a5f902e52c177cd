"""How a text is laid out, from its first lines: separator, what stands above the header, header."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from ...errors import DataError
from .cells import Row, rows_in

SAMPLE_BYTES = 1 << 20
SAMPLE_ROWS = 200
SAMPLE_CELLS = 200_000
# At ties a comma is the likeliest to be part of the cells, as decimal commas are.
SEPARATORS = ("\t", ";", "|", ",")
NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "blanks"}
WORDS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "bar": "|", "space": " ",
         "blanks": " "}
NONE = "\x1f"
# At most so many lines stand above a header.
ABOVE = 30
_SAID = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_COMMENT = ("#", "//", "%")
_NUMBER = re.compile(
    r"[\s$€£¥+\-(]*(?:\d[\d.,'\u00a0\u202f ]*|[.,]\d+)(?:[eE][+-]?\d+)?\s*[%$€£¥)]?\s*")
_DATE = re.compile(r"\s*\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\b.*")


@dataclass(frozen=True)
class Head:
    """How a text is laid out.

    Attributes:
        separator: what stands between cells; a blank stands for any run of blanks.
        titles: the cells of the header as they are; none where there is no header.
        width: how many cells a row has.
        start: how many bytes stand above the header, or above the first row without one.
        body: how many bytes stand above the first row.
        line: the number of the line at `start`, from 1.
        end: what ends a line.
        common: how many cells most rows of the sample have.
        trailing: whether each row but not the header ends with a separator.
        notes: what is worth one.
    """

    separator: str
    titles: tuple[str, ...]
    width: int
    start: int
    body: int
    line: int
    end: str
    common: int
    trailing: bool = False
    notes: tuple[str, ...] = ()


def head_of(data: bytes, name: str, separator: str | None) -> Head:
    """How a text in UTF-8 is laid out.

    Arguments:
        data: the text.
        name: of the file, for messages.
        separator: where it is given: one character, or a word of :data:`WORDS`.

    Raises:
        DataError: a separator that cannot be one; no line that could be a header.
    """
    sample = _sample(data)
    said = _SAID.match(sample.text)
    if said:
        sample, separator = sample.below(said.end()), separator or said[1]
    above, below = [], sample
    for line in rows_in(sample.text, "\0", sample.end, sample.start, sample.line):
        if not _is_comment(line):
            below = sample.below(line.start)
            break
        above.append(line)
    found = _separator(below, separator)
    records = rows_of(below, found)
    if not records:
        raise DataError(f"{name}: is not a CSV table: there is no header: expects a header and "
                        "rows")
    common = _common([len(r.cells) for r in records])
    comments = [line for line in above if line.start < records[0].start and not line.is_blank]
    notes = []
    if own := _commented_header(comments, records, found, common):
        comments.pop()
        records.insert(0, own)
        notes.append(f"line {own.line + 1} begins with a mark of comments: taken as the header")
    notes += _left_out(comments)
    at = _header(records, common)
    notes += _left_out(records[:at])
    return _laid_out(sample, records[at:], found, common, notes)


def titles_above(rows: Sequence[list[str]]) -> int:
    """How many of the first rows of a sheet are titles above its header."""
    common = _common([sum(bool(cell.strip()) for cell in cells) for cells in rows])
    return _header([Row(0, 0, 0, _stripped(cells)) for cells in rows], common)


def _stripped(cells: list[str]) -> list[str]:
    """The cells without the empty ones at the end."""
    count = max((i + 1 for i, cell in enumerate(cells) if cell.strip()), default=0)
    return cells[:count]


def _left_out(above: Sequence[Row]) -> list[str]:
    if not above:
        return []
    first, last = above[0].line + 1, above[-1].line + 1
    lines = f"line {first} above the header is" if first == last else \
        f"lines {first} to {last} above the header are"
    return [f"{lines} left out: {' '.join(' '.join(above[0].cells).split())[:60]}"]


def _laid_out(
    sample: Sample, records: list[Row], found: str, common: int, notes: list[str]
) -> Head:
    header, rows = records[0], records[1:]
    numbers = _is_row(header.cells, rows)
    titles: tuple[str, ...] = ()
    if numbers:
        last = len(header.cells)
        named = "column is named column_1" if last == 1 else \
            f"columns are named column_1 to column_{last}"
        notes.append(f"line {header.line + 1} holds numbers alone: there is no header; the {named}")
    else:
        titles = tuple(header.cells)
        notes += _unlike_a_header(header, rows)
    trailing = (
        bool(rows) and common == len(header.cells) + 1 and not numbers
        and all(r.cells[-1] == "" for r in rows if len(r.cells) == common)
    )
    return Head(
        found, titles, len(header.cells) + trailing, sample.bytes_above(header.start),
        sample.bytes_above(header.start if numbers else header.stop), header.line + 1, sample.end,
        common, trailing, tuple(notes),
    )


def separator_of(word: str) -> str:
    """A separator from what a person says.

    Raises:
        DataError: more than one character, or one that cannot be a separator.
    """
    mark = WORDS.get(word, word)
    if len(mark) != 1 or mark in '"\n\r\0' or mark.isalnum() or len(mark.encode()) != 1:
        raise DataError(
            f"sep: expects one character such as ',' or ';', or one of {', '.join(WORDS)}, got "
            f"{word!r}"
        )
    return mark


def rows_of(sample: Sample, separator: str) -> list[Row]:
    """The first rows of a sample, blank ones left out."""
    records: list[Row] = []
    size = 0
    blanks = separator == " "
    for row in rows_in(sample.text, "\0" if blanks else separator, sample.end, sample.start,
                       sample.line):
        if row.is_blank:
            continue
        records.append(row._replace(cells=row.cells[0].split()) if blanks else row)
        size += len(records[-1].cells)
        if len(records) >= SAMPLE_ROWS or size >= SAMPLE_CELLS:
            return records
    # The last may go on behind the sample.
    return records[:-1] if sample.is_cut and len(records) > 2 else records


def is_number(cell: str) -> bool:
    """Whether a cell looks like a number or a date."""
    return bool(_NUMBER.fullmatch(cell) or _DATE.fullmatch(cell))


class Sample(NamedTuple):
    """The first lines of a text.

    Attributes:
        text: whole lines, from the beginning.
        end: what ends a line.
        is_cut: whether more lines follow.
        start, line: the character where what counts begins, and its line from 0.
    """

    text: str
    end: str
    is_cut: bool
    start: int = 0
    line: int = 0

    def below(self, start: int) -> Sample:
        """The same from a character on."""
        return self._replace(start=start, line=self.text.count(self.end, 0, start))

    def bytes_above(self, place: int) -> int:
        return len(self.text[:place].encode())


def _sample(data: bytes) -> Sample:
    """The first lines: a few at least, however long they are."""
    end = "\n" if b"\n" in data else "\r"
    cut = len(data)
    if cut > SAMPLE_BYTES:
        mark, place = end.encode(), -1
        for _ in range(5):
            place = data.find(mark, place + 1)
            if place < 0:
                break
        if place >= 0:
            cut = max(data.rfind(mark, 0, SAMPLE_BYTES), place) + 1
    return Sample(data[:cut].decode("utf-8", "replace"), end, cut < len(data))


def _is_comment(line: Row) -> bool:
    text = line.cells[0].strip()
    return not text or text.startswith(_COMMENT)


def _separator(sample: Sample, given: str | None) -> str:
    """What stands between cells: where most rows have the same number of cells, at least two."""
    if given is not None:
        return separator_of(given)
    scores = dict.fromkeys(SEPARATORS, 0.0)
    for mark in SEPARATORS:
        if sample.text.find(mark, sample.start) >= 0:
            counts = [len(r.cells) for r in rows_of(sample, mark)]
            common = _common(counts)
            scores[mark] = counts.count(common) / len(counts) if common > 1 else 0.0
    best = max(SEPARATORS, key=lambda mark: scores[mark])
    if scores[best] >= 0.5:
        return best
    lines = [r.cells[0] for r in rows_of(sample, "\0")]
    if _is_aligned(lines):
        return " "
    header = (lines or [""])[0]
    mark = max((",", ";", "\t", "|"), key=header.count)
    # Rows of all lengths: the header decides, and the rows that do not fit it are named. Where it
    # is one name, a line is a cell, whatever stands in it.
    return mark if mark in header or not any(map(sample.text.count, SEPARATORS)) else NONE


def _is_aligned(lines: list[str]) -> bool:
    """Whether runs of blanks part the cells: as many in each line, and numbers among them or more
    than one blank between them."""
    rows = [line.split() for line in lines]
    if len(rows) < 2 or len(rows[0]) < 2 or len({len(row) for row in rows}) > 1:
        return False
    if any('"' in line for line in lines):
        return False
    wide = all(re.search(r"\S(\t|\s{2,})\S", line) for line in lines)
    return wide or any(all(map(is_number, column)) for column in zip(*rows[1:], strict=True))


def _common(counts: Sequence[int]) -> int:
    """The most frequent number of cells, the larger one at ties."""
    found = Counter(counts)
    return max(found, key=lambda count: (found[count], count), default=1)


def _commented_header(
    comments: list[Row], records: list[Row], separator: str, common: int
) -> Row | None:
    """The header where it is the last of the comments above the rows: as many names as a row has
    cells, and no header after it."""
    if not comments or common < 2 or _is_header(records[0], records[1:]):
        return None
    last = comments[-1]
    bare = last.cells[0].strip().lstrip("#%/").strip()
    if separator == " ":
        cells = bare.split()
    else:
        cells = next((row.cells for row in rows_in(bare, separator, "\n")), [])
    if len(cells) != common or any(map(is_number, cells)):
        return None
    return last._replace(cells=cells)


def _is_header(record: Row, rows: Sequence[Row]) -> bool:
    """Whether a record is unlike the rows after it: a word above numbers, and no number."""
    if any(map(is_number, record.cells)):
        return False
    sample = [row.cells for row in rows[:ABOVE] if len(row.cells) == len(record.cells)]
    return any(
        any(is_number(row[i]) for row in sample) for i in range(len(record.cells))
    )


def _header(records: list[Row], common: int) -> int:
    """Which record is the header: the first, unless titles stand above it, rows with hardly a cell
    above one that has them all and no number among them."""
    for number, record in enumerate(records[: ABOVE + 1]):
        if len(record.cells) == common and all(
            cell.strip() and not is_number(cell) for cell in record.cells
        ):
            return number
        if number == len(records) - 1 or not _is_title(record.cells, common):
            return 0
    return 0


def _is_title(cells: list[str], common: int) -> bool:
    filled = sum(bool(cell.strip()) for cell in cells)
    if not cells[0].strip():
        return False
    if len(cells) < common:
        return filled <= max(1, common // 2 if common >= 4 else 1)
    return common >= 3 and filled == 1


def _is_row(cells: Sequence[str], rows: Sequence[Row]) -> bool:
    """Whether what stands for a header holds numbers alone, and these are no names: names go up or
    down by the same step, or are many and go one way."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    if not filled or not all(map(is_number, filled)):
        return False
    if not rows:
        return True
    try:
        values = [float(cell) for cell in filled]
    except ValueError:
        return True
    if len(filled) < max(2, len(cells) - 1):
        return True
    steps = [b - a for a, b in pairwise(values)]
    one_way = all(step > 0 for step in steps) or all(step < 0 for step in steps)
    return not (_is_even(filled) or (one_way and len(values) >= 5))


def _is_even(cells: Sequence[str]) -> bool:
    """Whether cells are whole numbers that go up or down by one step, as years do."""
    if not all(re.fullmatch(r"\s*-?\d{1,15}\s*", cell) for cell in cells):
        return False
    steps = {int(b) - int(a) for a, b in pairwise(cells)}
    return len(steps) <= 1 and 0 not in steps


def _unlike_a_header(header: Row, rows: Sequence[Row]) -> list[str]:
    """A note where a header's cells are numbers above numbers: perhaps it is a row."""
    sample = [row.cells for row in rows[:ABOVE] if len(row.cells) == len(header.cells)]
    odd = [
        cell for i, cell in enumerate(header.cells)
        if is_number(cell) and sample and all(is_number(row[i]) for row in sample if row[i].strip())
    ]
    if not odd or (_is_even(odd) and len(odd) < len(header.cells)):
        return []
    return [f"line {header.line + 1} is taken as the header, and has {len(odd)} of "
            f"{len(header.cells)} names that are numbers, such as '{odd[0]}': if it is a row, put "
            "the columns' names above it"]
