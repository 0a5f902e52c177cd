"""What of a calculation is shown, and how: as tables of numbers with names on rows and columns.

Every renderer reads these views; none looks at arrays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import ConfigurationError
from .expressions import Apply, Expression
from .recorder import PHASES, Step
from .work import Work

HEADINGS = {phase: phase.capitalize() for phase in PHASES}

# Numbers of a step that are looked at for an example of its formula.
_CANDIDATES = 64


@dataclass(frozen=True)
class Table:
    """A matrix of a step: of an array with more axes there are several.

    Attributes:
        caption: which part of the array it is, ``"example 1, channel 2"``; "" for all of it.
        rows, columns: names; "" where there is a single one.
        places: flat indices of the numbers within the step, (rows, columns).
    """

    caption: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    places: Any


@dataclass(frozen=True)
class View:
    """A step as it is shown.

    Attributes:
        step: the step.
        tables: its numbers.
        left_out: what is not shown, in words; "" if nothing.
    """

    step: Step
    tables: tuple[Table, ...]
    left_out: str

    def example(self) -> tuple[int, Expression] | None:
        """(flat index, expression) of the number by which the formula is shown with numbers: the
        first that is not 0, as a 0 often hides how it came about, and was not merely moved."""
        if self.step.origin is None:
            return None
        shown = [int(i) for table in self.tables for i in table.places.reshape(-1)]
        candidates = [i for i in shown if self.step.number_at(i) != 0] or shown
        best = None
        for index in candidates[:_CANDIDATES]:
            expression = self.step.expression(index)
            assert expression is not None
            if isinstance(expression, Apply):
                return index, expression
            best = best or (index, expression)
        return best


@dataclass(frozen=True)
class Shown:
    """A calculation as it is shown: which steps, which rows.

    Arguments:
        work: the calculation.
        layers: names of the layers to show; None: all.
        steps: names of the steps to show, ``"variance"`` or ``"batch_norm_1.variance"``; None: all.
        phases: of :data:`PHASES`; None: all.
        rows: numbers of the examples to show, from 0; None: the first `most_rows`.
        most_rows, most_columns: of a table; the rest is left out, and the view says so.
        digits: behind the point, of decimals.

    Raises:
        ConfigurationError: a layer, step, phase or row that there is not.
    """

    work: Work
    layers: Sequence[str] | None = None
    steps: Sequence[str] | None = None
    phases: Sequence[str] | None = None
    rows: Sequence[int] | None = None
    most_rows: int = 8
    most_columns: int = 8
    digits: int = 4
    most_tables: int = field(default=4, kw_only=True)

    def __post_init__(self) -> None:
        every = self.work.steps
        _known("layer", self.layers, {_layer_of(s) for s in every if s.layer})
        _known("step", self.steps, {s.name for s in every} | {s.title for s in every})
        _known("phase", self.phases, set(PHASES))
        for row in self.rows or ():
            if not 0 <= row < self.work.batch:
                raise ConfigurationError(
                    f"show_work: rows are 0 to {self.work.batch - 1}, got {row}"
                )

    def views(self) -> Iterator[View]:
        """The steps to show, in order."""
        for step in self.work.steps:
            if self._wanted(step):
                yield self.view(step)

    def left_out(self) -> str:
        """The steps that are not shown, in words; "" if all are."""
        hidden = [step for step in self.work.steps if not self._wanted(step)]
        if not hidden:
            return ""
        layers = list(dict.fromkeys(_layer_of(s) for s in hidden if s.layer))
        named = ", ".join(layers[:6]) + (f" and {len(layers) - 6} more" if len(layers) > 6 else "")
        word = "step" if len(hidden) == 1 else "steps"
        return f"{len(hidden)} {word} not shown" + (f": of {named}" if named else "")

    def _wanted(self, step: Step) -> bool:
        if self.phases is not None and step.phase not in self.phases:
            return False
        if self.layers is not None and _layer_of(step) not in self.layers:
            return False
        return self.steps is None or step.name in self.steps or step.title in self.steps

    def view(self, step: Step) -> View:
        """One step, as it is shown."""
        shape = step.value.shape
        notes: list[str] = []
        axes = _axes(step, self.work)
        picked = []
        for place, (size, axis) in enumerate(zip(shape, axes, strict=True)):
            last = place == len(shape) - 1
            most = self.most_columns if last else self.most_rows
            chosen: Sequence[int] = range(min(size, most))
            if axis == "example" and self.rows is not None and size == self.work.batch:
                chosen = list(self.rows)
            if len(chosen) < size:
                notes.append(f"{size - len(chosen)} of {size} {axis or 'row'}s")
            picked.append(np.asarray(chosen, dtype=np.int64))
        ids = np.arange(step.value.size).reshape(shape)
        ids = ids[np.ix_(*picked)] if picked else ids
        names = [[f"{axis} {int(i) + 1}" if axis else str(int(i) + 1) for i in own]
                 for axis, own in zip(axes, picked, strict=True)]
        gates = self.work.gates.get(_layer_of(step), ())
        if shape and shape[-1] == len(gates):
            names[-1] = [gates[int(i)] for i in picked[-1]]
        tables = list(_tables(ids, names, axes))
        if len(tables) > self.most_tables:
            notes.append(f"{len(tables) - self.most_tables} of {len(tables)} tables")
        return View(step, tuple(tables[: self.most_tables]),
                    f"left out: {', '.join(notes)}" if notes else "")


def _known(what: str, wanted: Sequence[str] | None, there: set[str]) -> None:
    for name in wanted or ():
        if name not in there:
            raise ConfigurationError(
                f"show_work: no {what} is called '{name}'; there are {', '.join(sorted(there))}"
            )


def _layer_of(step: Step) -> str:
    """The layer of a step; an array's own steps (its update) belong to the array's layer."""
    return step.layer.partition(".")[0]


def _axes(step: Step, work: Work) -> list[str]:
    """What the axes of a step's array run over."""
    rank = step.value.ndim
    known = work.axes.get(step.title, work.axes.get(step.layer))
    if known is not None and rank <= len(known):
        return list(known[len(known) - rank:])
    array = step.layer if step.phase == "update" or "." in step.layer else \
        f"{step.layer}.{step.name.removeprefix('d_')}"
    if array in work.parts:
        return {0: [], 1: ["unit"], 2: ["in", "unit"]}.get(
            rank, [*_positions(rank), "in", "unit"])
    if rank == 0:
        return []
    if step.value.shape[0] != work.batch and not (step.phase == "inference" and rank > 1):
        return ["", *_positions(rank), "feature"][:rank] if rank > 1 else ["feature"]
    if rank == 1:
        return ["example"]
    return ["example", *_positions(rank), "feature"]


def _positions(rank: int) -> list[str]:
    """The names of the axes between the first and the last."""
    return ["row", "column"] if rank == 4 else ["position"] * (rank - 2)


def _tables(ids: Any, names: list[list[str]], axes: list[str]) -> Iterator[Table]:
    """Matrices of the last two axes that mean something; one for each place on the others."""
    if ids.ndim == 0:
        yield Table("", ("",), ("",), ids.reshape(1, 1))
    elif ids.ndim == 1:
        yield Table("", ("",), tuple(names[0]), ids.reshape(1, -1))
    elif ids.ndim == 2:
        rows = ("",) if len(names[0]) == 1 and not names[0][0].startswith("example") \
            else tuple(names[0])
        yield Table("", rows, tuple(names[1]), ids)
    elif axes[-2:] == ["in", "unit"]:
        # A kernel that slides: a matrix of its places for every channel and every filter.
        for i, channel in enumerate(names[-2]):
            for u, unit in enumerate(names[-1]):
                part = ids[..., i, u]
                single = ids.shape[-2] == ids.shape[-1] == 1
                rows = tuple(names[0]) if part.ndim == 2 else ("",)
                yield Table("" if single else f"{channel}, {unit}", rows, tuple(names[-3]),
                            part.reshape(len(rows), -1))
    elif ids.ndim == 3:
        for i, caption in enumerate(names[0]):
            yield Table(caption if ids.shape[0] > 1 else "", tuple(names[1]), tuple(names[2]),
                        ids[i])
    elif names[0][0].startswith("example") or names[2][0].startswith("column"):
        # Images: a matrix of positions for every channel of every example.
        for i, first in enumerate(names[0]):
            for c, channel in enumerate(names[-1]):
                part = ids[i, ..., c]
                yield Table(f"{first}, {channel}", tuple(names[1]), tuple(names[2]),
                            part.reshape(part.shape[0], -1))
    else:
        # A convolution's kernel: a matrix of places in the window for every input of every unit.
        for u, unit in enumerate(names[3]):
            for i, entering in enumerate(names[2]):
                yield Table(f"{unit}, {entering}", tuple(names[0]), tuple(names[1]),
                            ids[:, :, i, u])
