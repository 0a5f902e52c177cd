"""Words that stand for nothing, and cells as plain strings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import polars as pl

from ...errors import DataError

# In every column. None of these is a level that anybody means: they are what programs write for
# nothing, and the errors of a spreadsheet. In lower case; blanks around them are cut.
ALWAYS = frozenset((
    "", "na", "n/a", "#n/a", "#n/a n/a", "#na", "<na>", "nan", "-nan", "null", "(null)", "<null>",
    "nat", r"\n", "#div/0!", "#value!", "#ref!", "#num!", "#name?", "#null!", "#nv", "#wert!",
    "1.#qnan", "-1.#ind", "1.#ind", "(na)", "(n/a)", "#calc!", "#spill!", "#nombre?", "#valeur!",
))
# In columns of numbers, dates and truth values, whatever their share. In a column of words "none",
# "-" or "unknown" may be a level like any other, and stays one.
AMONG_NUMBERS = frozenset((
    "?", "-", "--", "---", "\u2013", "\u2014", ".", "..", "...", "*", "x", "none", "nil", "missing",
    "unknown", "unbekannt", "inconnu", "not available", "not applicable", "no data", "nodata",
    "not known", "not reported", "not measured", "tbd", "tba", "empty", "blank", "(blank)",
    "k.a.", "k. a.", "n.a.", "n. a.", "n.d.", "nd", "n/d", "s/d", "unk", "undefined", "void",
    "error", "err", "fail", "failed", "bad", "ns", "no value", ":", "/", "(d)", "(x)", "(s)", "(z)",
    "offline", "timeout", "i/o timeout", "calc failed", "overflow", "underflow", "invalid",
    "out of range", "over range", "under range", "no sample", "unavailable", "not found",
    "don't know", "dont know", "do not know", "refused", "prefer not to say", "not stated",
    "no answer", "not specified", "declined", "skipped", "no response", "keine angabe", "entfällt",
    "nicht verfügbar", "fehlt", "non disponible", "non renseigné", "n.c.", "nc", "sin datos",
    "no disponible", "desconocido", "sconosciuto", "onbekend", "brak",
))
# Among words too, but told: it may be one of several signs.
ASKED = "?"
# A row of these sums up the others.
TOTALS = frozenset((
    "total", "totals", "grand total", "subtotal", "sum", "sums", "average", "mean", "gesamt",
    "summe", "gesamtsumme", "insgesamt", "mittelwert", "total général", "total general", "somme",
    "moyenne", "totale", "somma", "suma", "media",
))
# Other words among numbers or dates are gaps where they are this few.
MAX_SHARE = 0.05
MAX_WORDS = 5
# One cell may be any share of so few that are read.
MIN_READ_BESIDE_ONE = 8
# Whole numbers of at most this many values, each at least twice on average, are codes where a word
# stands among them: {10, 20, 30, A1}.
MAX_CODES = 10
# Tables of more rows are read by their different cells, where those are few.
ONCE = 5000
SAMPLE = 1000
FEW = 900



def _spelled(words: Iterable[str]) -> list[str]:
    """Words in the cases that people use: n/a, N/A, N/a, and NaN."""
    return sorted({spelled for word in words for spelled in (
        word, word.upper(), word.capitalize(), word.title())} | {"NaN", "-NaN", "NaT", "K.A."})


_SPELLED_ALWAYS = _spelled(ALWAYS)
_SPELLED_AMONG_NUMBERS = _spelled(ALWAYS | AMONG_NUMBERS)
_WHOLE = r"^(-?\d+)\.0+$"


def cells_of(frame: Any, name: str) -> Any:
    """A column of a frame. A name such as ``^a.*$`` is a pattern to polars, anywhere: it gets a
    blank in front."""
    cells = frame[name]
    return cells.alias(f" {name}") if name.startswith("^") and name.endswith("$") else cells


def strings(cells: Any) -> Any:
    """Cells of any type as strings without blanks around them, spelled the same from any source:
    10.0 is "10", True is "True", a day without a time is "2024-01-31"."""
    dtype = cells.dtype
    if dtype == pl.String:
        return cells.str.strip_chars()
    if dtype == pl.Boolean:
        return cells.cast(pl.String).replace({"true": "True", "false": "False"})
    if dtype.is_float():
        text = cells.fill_nan(None).cast(pl.String)
        return text.str.replace(_WHOLE, "${1}")
    if isinstance(dtype, pl.Datetime):
        text = cells.cast(pl.Datetime("us")).cast(pl.String)
        return text.str.replace(r"\.0+$", "").str.replace(r" 00:00:00$", "")
    if isinstance(dtype, pl.Duration):
        return cells.dt.to_string("polars")
    if dtype == pl.Binary or dtype.is_nested() or dtype == pl.Object:
        raise DataError(
            f"column '{cells.name}': holds {dtype}, expects numbers, text, dates or truth values: "
            "make a column of each part, or drop it"
        )
    return cells.cast(pl.String)


def cleaned(cells: Any, gaps: Iterable[str], among_numbers: bool = False) -> Any:
    """Cells as :func:`strings` spells them, null where a word stands for nothing."""
    silent = [*(_SPELLED_AMONG_NUMBERS if among_numbers else _SPELLED_ALWAYS), *gaps]

    def clean(some: Any) -> Any:
        text = strings(some)
        gone = text.is_in(silent)
        return text.set(gone, None) if gone.any() else text

    return each(cells, clean).alias(cells.name)


def each(cells: Any, read: Callable[[Any], Any]) -> Any:
    """What a function makes of a series of strings; of each different one once, where they are
    few. The function depends on no cell but its own."""
    if cells.dtype == pl.String and len(cells) > ONCE and (
            cells.head(SAMPLE).n_unique() < FEW):
        once = cells.unique()
        if 4 * len(once) < len(cells):
            values = read(once)
            if values.dtype == pl.String and values.equals(once, check_names=False):
                return cells
            return cells.replace_strict(once, values, return_dtype=values.dtype)
    return read(cells)


def listed(words: Iterable[str], most: int = 4) -> str:
    """The first words in quotes, and how many more there are."""
    every = list(words)
    shown = ", ".join(f"'{shorter(word)}'" for word in every[:most])
    return shown + (f" and {len(every) - most} more" if len(every) > most else "")


def shorter(word: str, most: int = 24) -> str:
    return word if len(word) <= most else word[: most - 3] + "..."


def rows_of(mask: Any, most: int = 3) -> str:
    """The first rows of a mask, counted from 1."""
    rows = [int(row) + 1 for row in mask.nonzero()[0][:most]]
    more = int(mask.sum()) - len(rows)
    return (f"row{'s' if len(rows) > 1 or more else ''} {', '.join(map(str, rows))}"
            + (f" and {more} more" if more else ""))


def spared(text: Any, unread: Any, values: Any, what: str) -> tuple[tuple[str, ...], str] | None:
    """Words among what is read that are taken as gaps.

    Arguments:
        text: the stripped cells, null where they say nothing in any column.
        unread: which of them are no number, or no date.
        values: what was read of the others, a NumPy array.
        what: "numbers" or "dates".

    Returns:
        (the words, a line about them; both empty where all is read), or None: they are too many.
    """
    if not unread.any():
        return (), ""
    filled = len(text) - text.null_count()
    cells = text.filter(pl.Series(unread)).alias("word")  # a column may be named as the counts are
    counts = cells.value_counts(sort=True)
    words = counts[cells.name].to_list()
    other = [word for word in words if word.lower() not in AMONG_NUMBERS
             and word.lower().rstrip(": ") not in TOTALS]
    number = sum(counts["count"][i] for i, word in enumerate(words) if word in set(other))
    read = filled - len(cells)
    if not read:
        return None
    if other:
        few = number <= MAX_SHARE * filled or (number == 1 and read >= MIN_READ_BESIDE_ONE)
        if len(other) > MAX_WORDS or not few or _codes(values, read, what):
            return None
    others = "the other is" if len(cells) == 1 else "the others are"
    return tuple(words), (f"{read} of {filled} values are {what}, {others} {listed(words)} "
                          f"({rows_of(unread)}): taken as gaps")


def _codes(values: Any, read: int, what: str) -> bool:
    if what != "numbers":
        return False
    known = values[values == values]
    if np.isinf(known).any() or (known % 1 != 0).any():
        return False
    distinct = len(pl.Series(known).unique())
    return distinct <= MAX_CODES and read >= 2 * distinct
