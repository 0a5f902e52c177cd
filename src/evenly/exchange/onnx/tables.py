"""Networks for tables in ONNX: an input for each column, and its preparation as training learned
it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import ConfigurationError
from ...tables.inputs import (
    CodeInputs,
    DateInputs,
    LevelInputs,
    MeanInputs,
    NumberInputs,
    WordInputs,
)
from ...tables.inputs.numbers import MARGIN
from ...tables.kinds.boolean import _FALSE, _TRUE
from ...tables.kinds.number import _is_float
from ...tables.kinds.words import _SPELLED_ALWAYS
from .estimators import answers, check_fitted, check_settings, finish
from .graph import BATCH, Graph
from .layers import precision

# 1970-01-01 is so many days behind the first day of the year 1.
_EPOCH = 719_162


def of_table(onnx: Any, model: Any, settings: dict[str, Any]) -> tuple[Graph, str]:
    """The graph of a network for a table, and what it is."""
    check_fitted(model, "estimator_")
    check_settings(settings)
    graph = Graph(onnx, np.float64)
    given = {name: graph.input(name, dtype, (BATCH, 1), doc)
             for name, dtype, doc in columns_of(model)}
    x = inputs_of(graph, model, given)
    dtype = precision(model.estimator_.model_.net, settings["dtype"])
    finish(graph, answers(graph, model.estimator_, x, dtype))
    return graph, f"{type(model).__name__} of '{model.target_}'"


def columns_of(model: Any) -> list[tuple[str, Any, str]]:
    """(name, type, what it holds) of each column that is read.

    Raises:
        ConfigurationError: a column that ONNX cannot prepare.
    """
    for part in model.inputs_.parts:
        if type(part) not in PARTS:
            why = ("free text becomes hashed words, and ONNX has no hash" if isinstance(
                part, WordInputs) else f"{type(part).__name__} have no counterpart in ONNX")
            raise ConfigurationError(f"to_onnx: column '{part.name}': {why}: leave the column out "
                                     f"(drop=[{part.name!r}]), and fit")
    return [(column.name, *_held(column.kind)) for column in model.columns_.inputs]


def _held(kind: Any) -> tuple[Any, str]:
    """The type of a column's input, and what it holds."""
    if kind.type == "category":
        return object, "text; '' is a gap"
    if kind.type == "date":
        return np.float64, "days since 1970-01-01, with parts of them; NaN is a gap"
    if kind.type != "boolean":
        return np.float64, f"numbers{f', in {kind.unit}' if kind.unit else ''}; NaN is a gap"
    if kind.is_bool:
        return np.float64, "1 for true, 0 for false; NaN is a gap"
    return object, f"'{kind.true}' or '{kind.false}'; anything else is a gap"


def inputs_of(g: Graph, model: Any, given: dict[str, str]) -> str:
    """(batch, inputs) float64: what the network's estimator reads, of tensors by column."""
    kinds = {column.name: column.kind for column in model.columns_.inputs}
    scaler, made, place = model.estimator_.scaler_, [], 0
    middle = np.zeros(model.inputs_.width) if scaler is None else np.asarray(scaler.middle)
    for part in model.inputs_.parts:
        g.scope = part.name
        nothing = middle[place : place + part.width]
        place += part.width
        x = given[part.name]
        if isinstance(part, BY_LEVEL):
            made.append(_by_level(g, part, x, kinds[part.name], nothing))
        else:
            made += PARTS[type(part)](g, part, x, kinds[part.name])
    g.scope = "inputs"
    return g("Concat", *made, axis=1) if len(made) > 1 else made[0]


def _filled(g: Graph, part: Any, x: str, kind: Any) -> tuple[str, str, list[str]]:
    """(where a number is missing, the numbers with the median there, the input that says so)."""
    for gap in getattr(kind, "gaps", ()):
        if _is_float(gap):  # such as -999
            x = g("Where", g("Equal", x, float(gap)), np.nan, x)
    missing = g("IsNaN", x)
    told = [g("Cast", missing, to=g.onnx.TensorProto.DOUBLE)] if part.gaps else []
    return missing, g("Where", missing, float(part.median), x), told


def _number(g: Graph, part: Any, x: str, kind: Any) -> list[str]:
    if kind.type == "boolean" and not kind.is_bool:
        words = {spelled: place for place, own in ((0, {*_FALSE, kind.false}),
                                                   (1, {*_TRUE, kind.true}))
                 for word in own
                 for spelled in (word, word.lower(), word.upper(), word.capitalize())}
        x = g("Gather", g.constant(np.array([0.0, 1.0, np.nan])), _codes(g, x, words, 2), axis=0)
    _, known, told = _filled(g, part, x, kind)
    margin = MARGIN * (part.high - part.low)
    within = g("Min", g("Max", known, part.low - margin), part.high + margin)
    return [within, *told]


def _date(g: Graph, part: Any, x: str, kind: Any) -> list[str]:
    missing, days, told = _filled(g, part, x, kind)
    parts = [days]
    for cycle in part.cycles:
        angle = g("Mul", CYCLES[cycle](g, days), 2 * np.pi)
        parts += [g("Where", missing, 0.0, g(op, angle)) for op in ("Sin", "Cos")]
    return [*parts, *told]


def _of_week(g: Graph, days: str) -> str:
    # Whole days stay whole: a quotient's fraction would not be the same number in each week.
    gone = g("Sub", days, g("Mul", g("Floor", g("Div", days, 7.0)), 7.0))
    return g("Div", gone, 7.0)


def _of_year(g: Graph, days: str) -> str:
    """The part of its year that has gone by. The year is guessed by the mean length of one, and
    mended by the days on which it begins and ends."""
    def begin(year: str) -> str:
        before = g("Sub", year, 1.0)
        total = g("Sub", g("Mul", before, 365.0), float(_EPOCH))
        for op, period in (("Add", 4.0), ("Sub", 100.0), ("Add", 400.0)):
            total = g(op, total, g("Floor", g("Div", before, period)))
        return total

    year = g("Floor", g("Add", g("Div", days, 365.2425), 1970.0))
    early = g("Less", days, begin(year))
    year = g("Where", early, g("Sub", year, 1.0), year)
    late = g("GreaterOrEqual", days, begin(g("Add", year, 1.0)))
    year = g("Where", late, g("Add", year, 1.0), year)
    start, end = begin(year), begin(g("Add", year, 1.0))
    return g("Div", g("Sub", days, start), g("Sub", end, start))


CYCLES: dict[str, Callable[[Graph, str], str]] = {
    "year": _of_year, "week": _of_week, "day": lambda g, days: g("Sub", days, g("Floor", days)),
}


def _by_level(g: Graph, part: Any, x: str, kind: Any, nothing: Any) -> str:
    """A row of numbers for each level, for other words, and for a gap."""
    import polars as pl

    other, gap = len(part.levels), len(part.levels) + 1
    new = "-" + "".join(part.levels)  # longer than any
    rows = np.empty((gap + 1, part.width))
    part.write(pl.Series([*part.levels, new, None], dtype=pl.String), rows)
    rows = np.where(np.isnan(rows), nothing, rows)
    words = dict.fromkeys(("", *_SPELLED_ALWAYS, *kind.gaps), gap)
    words |= {spelled: place for place, level in enumerate(part.levels)
              for spelled in _spellings(level, kind.width)}
    code = _codes(g, x, words, other)
    return g("Reshape", g("Gather", g.constant(rows), code, axis=0), g.whole(-1, part.width))


def _codes(g: Graph, x: str, words: dict[str, int], other: int) -> str:
    """Numbers of words, and one for all others."""
    return g("LabelEncoder", x, keys_strings=list(words), values_int64s=list(words.values()),
             default_int64=other)


def _spellings(level: str, width: int) -> list[str]:
    """How whole numbers that are levels may come: 10.0 is 10, and 42 is 0042."""
    spelled = [level]
    if re.fullmatch(r"[-+]?\d+", level):
        short = level.lstrip("0") or "0"
        spelled += [one + tail for one in {level, short if width else level}
                    for tail in ("", ".0", ".00")]
    return spelled


# What a column is by a row of numbers for each level.
BY_LEVEL = (LevelInputs, MeanInputs, CodeInputs)
PARTS: dict[type, Any] = {NumberInputs: _number, DateInputs: _date,
                          **dict.fromkeys(BY_LEVEL)}
