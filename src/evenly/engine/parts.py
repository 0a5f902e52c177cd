"""Steps whose batches are cut into parts: one process computes some of them, and whatever sums over
a batch is added up in one order, however many processes there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import ConfigurationError
from ..native import available_isas
from ..parallel.group import Group
from ..program.by_parts import by_parts, meets
from ..program.parts import OVERFLOWED, SCALARS
from .gradient_sum import GradientSum, tree
from .runner import Runner
from .step_numbers import FIRST, TOTAL, WHOLE

# (rows, mean, sum of squared deviations) of each column.
Moments = tuple[int, Any, Any]

# The rows [first, last) of a batch: inputs, targets, weights and lengths, the latter two or None.
Take = Callable[[int, int], Sequence[Any]]


class Parts:
    """What the processes of a group have of each batch, and how it becomes one step.

    Arguments:
        engine: of the whole batch: it has the weights, and makes the update.
        group: of the processes. Each has such an engine with the same weights.
        parts: of a batch, a power of two that the group's size divides.

    Attributes:
        asks: what this process has to say, (to end, to write a checkpoint): asked in each step.
        heard: what any of the processes has said in the last step.

    Raises:
        ConfigurationError: a number of parts that does not go with the group; a layer that cannot
            be trained by parts.
    """

    def __init__(self, engine: Runner, group: Group, parts: int) -> None:
        if parts < 1 or parts & (parts - 1):
            raise ConfigurationError(
                f"fit: parts must be a power of two (1, 2, 4, 8, ...), got {parts}"
            )
        if parts % group.size:
            raise ConfigurationError(
                f"fit: a batch has {parts} parts, and {group.size} processes cannot share them "
                f"evenly: start 1, 2, 4, ... of them, {parts} at most, or give another parts="
            )
        self._engine, self._group, self._count = engine, group, parts
        own = parts // group.size
        self._own = range(own * group.rank, own * (group.rank + 1))
        program = by_parts(engine.program, parts)
        self._parts = [Runner(program, seed=engine.seed, isa=engine.isa, beside=engine)
                       for _ in self._own]
        self._lines = program.lists["gradient"]
        own_gradients = [part.buffer("gradients") for part in self._parts]
        self._gradients = GradientSum(program, own_gradients, group)
        meetings = {i for i, line in enumerate(self._lines, 1) if meets(line)}
        self._ends = sorted({*meetings, *self._gradients.ends, len(self._lines)})
        done_once = ("still_row.set_aside", "gradient_check")
        self._check = next(i for i, line in enumerate(engine.program.lists["gradient"])
                           if line.operation in done_once)
        self._tracked = [f"{line.layers[0]}.statistics" for line in self._lines
                         if line.operation == "batch_norm.apply"]
        self.asks: Callable[[], tuple[bool, bool]] = lambda: (False, False)
        self.heard = (False, False)

    def step(self, take: Take, rows: int, numbers: Any, record: Any) -> tuple[int, bool, bool]:
        """One step on a batch of so many rows: (steps made, whether it was not finite, whether its
        update overflowed).

        Arguments:
            take: gives rows of the batch. This process asks for its own alone, or for all where
                rows are mixed with others.
            rows: of the whole batch.
            numbers: of the step, as :meth:`Engine.run` takes them.
            record: to be filled, as :meth:`Engine.train` yields it.
        """
        engine = self._engine
        threads, _ = engine.training_threads.begin()
        cuts = self._cuts(rows)
        bounds = self.bounds(rows)
        data = self._data(take, rows, bounds)
        own_numbers = [_numbers_of(numbers, first, rows) for first, _ in bounds]
        for part, (first, last) in zip(self._parts, bounds, strict=True):
            if first == last:
                part.buffer("gradients")[...] = 0
        begin = 0
        for end in self._ends:
            classes = any("target" in line.buffers.values() for line in self._lines[begin:end])
            for part, (x, y, weights, lengths), own in zip(
                self._parts, data, own_numbers, strict=True
            ):
                part.steps = engine.steps
                # Of an empty part the first line alone, where it takes in what all parts have.
                takes_in = self._lines[begin].operation == "batch_norm.apply"
                last = end if len(x) else begin + takes_in
                part.run("gradient", x, y if classes else None, weights=weights, lengths=lengths,
                         numbers=own, begin=begin, end=last, threads=threads)
            self._meet(end - 1, cuts, own_numbers)
            self._gradients.begin(end)
            begin = end
        self._gradients.finish(engine.buffer("gradients"))
        self._finish(bounds, own_numbers[0][0, TOTAL])
        engine.run("gradient", None, None, rows=rows, numbers=numbers, begin=self._check,
                   threads=threads)
        scalars = engine.buffer("scalars")
        record[:] = [scalars[SCALARS.index(name)] for name in
                     ("loss", "score", "penalty", "gradient_norm", "weight", "scored")]
        failed = SCALARS.index("failed")
        if scalars[failed]:
            return 0, True, False
        for name in self._tracked:
            engine.buffer(name)[...] = self._parts[0].buffer(name)
        engine.run("update", None, None, rows=rows, numbers=numbers, threads=threads)
        engine.training_threads.end(threads, 1)
        return 1, False, scalars[failed] == OVERFLOWED

    def bounds(self, rows: int) -> list[tuple[int, int]]:
        """Of so many rows, where each of this process's parts begins and ends."""
        cuts = self._cuts(rows)
        return [(cuts[part], cuts[part + 1]) for part in self._own]

    def _cuts(self, rows: int) -> list[int]:
        return [rows * part // self._count for part in range(self._count + 1)]

    def _data(self, take: Take, rows: int, bounds: list[tuple[int, int]]) -> list[list[Any]]:
        """The rows of each of the own parts; views of the whole batch where rows are mixed."""
        mixed = self._engine.program.augment is not None
        first, last = (0, rows) if mixed else (bounds[0][0], bounds[-1][1])
        held = take(first, last)
        return [[None if array is None else array[begin - first : end - first] for array in held]
                for begin, end in bounds]

    # Where parts meet -----------------------------------------------------------------------

    def _meet(self, index: int, cuts: list[int], numbers: list[Any]) -> None:
        line = self._lines[index]
        what = meets(line)
        if not what:
            return
        sizes = [cuts[part + 1] - cuts[part] for part in range(self._count)]
        own = [sizes[part] for part in self._own]
        if what == "weight":
            at = SCALARS.index("weight")
            weights = [np.array([part.buffer("scalars")[at] if n else 0.0])
                       for part, n in zip(self._parts, own, strict=True)]
            total = self.sum(weights)
            for row in numbers:
                row[0, TOTAL] = total[0]
            return
        left = [part.buffer(line.buffers["part"]) for part in self._parts]
        for array, n in zip(left, own, strict=True):
            if n == 0:
                array[...] = 0
        if what == "sums":
            whole = self.sum(left)
        else:
            positions = int(line.numbers["rows_per_example"])
            everyone = np.concatenate(self._group.gather(np.stack(left)))
            moments = [(n * positions, *pair) for n, pair in zip(sizes, everyone, strict=True)]
            whole = np.stack(tree(moments, _together)[1:])
        for part in self._parts:
            part.buffer(line.buffers["all"])[...] = whole

    def sum(self, own: list[Any]) -> Any:
        """The sum of all parts' arrays, small ones."""
        return tree(self._group.gather(tree(own, np.add)), np.add)

    def _finish(self, bounds: list[tuple[int, int]], total: float) -> None:
        """The engine's scalars are those of the whole batch; and what the processes say is heard.
        """
        names = ("loss", "score", "scored")
        places = [SCALARS.index(name) for name in names]
        own = [part.buffer("scalars")[places] * (last > first)
               for part, (first, last) in zip(self._parts, bounds, strict=True)]
        said = np.array(self.asks(), float)
        everyone = self._group.gather(np.concatenate([tree(own, np.add), said]))
        scalars = self._engine.buffer("scalars")
        scalars[places] = tree([one[: len(names)] for one in everyone], np.add)
        scalars[SCALARS.index("weight")] = total
        ending, keeping = np.max([one[len(names) :] for one in everyone], axis=0) > 0
        self.heard = bool(ending), bool(keeping)


def common_isa(group: Group) -> str:
    """The best instruction set of all processes of a group; "" for one alone."""
    if group.size == 1:
        return ""
    own = available_isas()
    best_first = group.share(" ".join(reversed(own)).encode()).decode().split()
    has = np.all(group.gather(np.array([name in own for name in best_first])), axis=0)
    if not has.any():
        raise ConfigurationError("fit: workers: the processes have no instruction set in common: "
                                 "start them on processors of one family")
    return best_first[int(has.argmax())]


def _numbers_of(numbers: Any, first: int, rows: int) -> Any:
    own = numbers.copy()
    own[0, FIRST], own[0, WHOLE] = first, rows
    return own


def _together(a: Moments, b: Moments) -> Moments:
    """Moments of two groups of rows (Chan, Golub and LeVeque 1983, equation 2.1)."""
    rows = a[0] + b[0]
    if not a[0] or not b[0]:
        return b if not a[0] else a
    difference = b[1] - a[1]
    mean = a[1] + difference * (b[0] / rows)
    return rows, mean, a[2] + b[2] + difference * difference * (a[0] / rows * b[0])
