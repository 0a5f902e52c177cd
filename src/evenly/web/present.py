"""An exercise as the page shows it: matrices with names on rows and columns, formulas as MathML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from ..byhand.document import Paragraph, StepBlock
from ..byhand.exact import Exact
from ..byhand.expressions import places
from ..byhand.recorder import Step
from ..byhand.render import parts, pieces
from ..byhand.render.mathml import MathML
from ..byhand.views import Shown, Table
from ..errors import EvenlyError
from ..exercises import Exercise
from ..exercises.base import find_step, written


@dataclass(frozen=True)
class Cell:
    """A number.

    Attributes:
        flat: its place within the step's array.
        place: its place within the work, ``"3-0"``.
        name: ``"example 1, feature 2"``, "" for a number that stands alone.
        math: the number as MathML.
        text: as one types it, ``"-1/3"``.
        near: the decimal beside a root, as MathML; "" for other numbers.
    """

    flat: int
    place: str
    name: str
    math: Markup
    text: str
    near: Markup


@dataclass(frozen=True)
class Matrix:
    """A table of a step.

    Attributes:
        caption: which part of the array it is; "" for all.
        columns: names; () where there are none.
        rows: (name, cells) of each row.
        named: whether the rows have names.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    named: bool


@dataclass(frozen=True)
class Part:
    """A step of the page.

    Attributes:
        key: by which answers name it; "" of what is given.
        title, hint: in words.
        number: of the step within the work.
        shape: of its array.
        formula: with symbols, as MathML; "" of what is given.
        matrices: its numbers.
    """

    key: str
    title: str
    hint: str
    number: int
    shape: tuple[int, ...]
    formula: Markup
    matrices: tuple[Matrix, ...]

    @property
    def size(self) -> str:
        return pieces.size(self.shape)


@dataclass(frozen=True)
class Input:
    """An input of the exercise, to be changed.

    Attributes:
        name: as the topic calls it.
        words: what it is.
        part: its numbers.
    """

    name: str
    words: str
    part: Part


def texts(exercise: Exercise) -> list[str]:
    """The paragraphs of the problem."""
    return [block.text for block in exercise.document().blocks if isinstance(block, Paragraph)]


def given(exercise: Exercise) -> list[Part]:
    """What is given."""
    return [_part(block) for block in _steps(exercise) if not block.key]


def asked(exercise: Exercise) -> list[Part]:
    """What is asked for. Its numbers are in here: the page leaves them out."""
    return [_part(block) for block in _steps(exercise) if block.key]


def inputs(exercise: Exercise) -> list[Input]:
    """The inputs on which what is asked depends, with the words under which the page shows them."""
    work = exercise.solution.work
    starts = [step for step in work.steps if step.origin is None]
    used = {place.step for step in exercise.asked.values() for flat in range(step.value.size)
            for place in _places(step, flat)}
    found: list[Input] = []
    for name, value in exercise.inputs.items():
        value = np.asarray(value)
        step = _start(name, value, starts)
        if not (_matters(exercise, name) if step is None else step.number in used):
            continue
        words = exercise.solution.given.get(step.title, "") if step is not None else ""
        words = words or f"{name} {exercise.topic.fields[name]}"
        numbers = np.array([Exact(v) for v in value.reshape(-1)], object).reshape(value.shape)
        shown = Step(-1 if step is None else step.number, "given", "", name, 1, "", numbers, None)
        # By its own name an array of a layer is found among its parts, and so its axes have names.
        view = Shown(work, most_rows=10**6, most_columns=10**6, most_tables=10**6).view(
            shown if step is None else step)
        part = _part(StepBlock(view, words), shown)
        found.append(Input(name, words, part))
    return found


def shown_work(exercise: Exercise, keys: Mapping[str, Any] | list[str]) -> list[dict[str, Any]]:
    """The work of steps that are asked for, by key: values, and how each number came about."""
    titles = {block.key: block.title for block in _steps(exercise)}
    steps = exercise.solution.work.steps
    made = []
    for key in keys:
        step = exercise.asked[key]
        expressions = [step.expression(flat) for flat in range(step.value.size)]
        sources = pieces.operands(expressions)
        math = MathML(operands=sources)
        cells = [{
            "flat": flat, "math": math.math(math.number(step.number_at(flat))),
            "near": math.near(step.number_at(flat)), "text": str(value),
            "formula": math.math(math.expression(expression)
                                 + parts.written_results(step.number_at(flat), math)),
            "from": [f"{p.step}-{p.flat}" for p in pieces.sources(list(places(expression)))],
        } for flat, (value, expression) in enumerate(
            zip(np.asarray(written(step.value), object).reshape(-1), expressions, strict=True))
            if expression is not None]
        made.append({"key": key, "words": titles[key].partition(". ")[2], "step": step.number,
                     "formula": _formula(step, math), "cells": cells,
                     "sources": {str(number): name for number, name in sources.items()},
                     "names": {str(number): steps[number].name.replace("_", " ")
                               for number in sources}})
    return made


def _steps(exercise: Exercise) -> Iterator[StepBlock]:
    for block in exercise.document().blocks:
        if isinstance(block, StepBlock):
            yield block


def _part(block: StepBlock, other: Step | None = None) -> Part:
    step = other or block.view.step
    math = MathML()
    # The page numbers the steps by itself.
    title = block.title.partition(". ")[2] if block.key else block.title
    formula = Markup(_formula(step, math))
    return Part(block.key, title, block.hint, step.number, step.value.shape, formula,
                tuple(_matrix(step, table, math) for table in block.view.tables))


def _matrix(step: Step, table: Table, math: MathML) -> Matrix:
    rows = []
    for r, flats in enumerate(table.places.tolist()):
        cells = tuple(
            Cell(flat, f"{step.number}-{flat}", pieces.cell_name(table, r, c),
                 Markup(math.math(math.number(step.number_at(flat)))),
                 str(written(np.asarray(step.number_at(flat), object), step.origin is None)),
                 Markup(math.near(step.number_at(flat))))
            for c, flat in enumerate(flats)
        )
        rows.append((table.rows[r] if r < len(table.rows) else "", cells))
    return Matrix(table.caption, table.columns if any(table.columns) else (), tuple(rows),
                  any(table.rows))


def _formula(step: Step, math: MathML) -> str:
    if not step.formula:
        return ""
    return math.math(f"{math.symbol(step.name)}{math.equals}{math.formula(step.formula)}")


def _places(step: Step, flat: int) -> Iterator[Any]:
    expression = step.expression(flat)
    if expression is not None:
        yield from places(expression)


def _matters(exercise: Exercise, name: str) -> bool:
    """Whether what is asked depends on an input that is no step by itself: tried with others."""
    value = np.asarray(exercise.inputs[name], object)
    others = {**exercise.inputs, name: value * 2 + 1}
    try:
        solution = exercise.again(others)
    except EvenlyError:
        return True
    return any(
        step.value.shape != found.value.shape or bool(np.any(step.value != found.value))
        for step, found in zip(exercise.asked.values(),
                               (find_step(solution.work, ask) for ask in solution.asked),
                               strict=True)
    )


def _start(name: str, value: Any, starts: list[Step]) -> Step | None:
    """The given step that holds an input: of that name and these numbers, else of these numbers
    alone; None where no single one does."""
    alike = [step for step in starts if step.value.shape == value.shape and all(
        a == b for a, b in zip(step.value.reshape(-1), value.reshape(-1), strict=True))]
    called = [step for step in alike if step.name == name]
    return (called or alike)[0] if len(called) == 1 or len(alike) == 1 else None
