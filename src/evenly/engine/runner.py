"""What runs a program's lists on its arrays: whole batches in inference, parts of a step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import ConfigurationError, DataError, ShapeError
from ..layers.base import Run
from ..program.values import Program
from .arrays import Arrays
from .checks import (
    as_lengths,
    as_targets,
    as_weights,
    check_seed,
    entered,
    most_threads,
    rows_for,
    rows_that_count,
)
from .definitions import DefinitionRunner
from .native_calls import make_executor
from .records import Evaluation
from .segments import segments
from .step_numbers import DROPOUT, FIRST, step_numbers
from .threads import ThreadChoice
from .watching import Watcher


class Runner(Arrays):
    """Owns the arrays of a program and runs its lists; :class:`Engine` trains with it.

    Arguments: as of :class:`Engine`, and
        beside: another, whose parameters, statistics and optimizer's states it computes with.
    """

    def __init__(
        self,
        program: Program,
        *,
        seed: int = 0,
        threads: int | None = None,
        weights: Mapping[str, Any] | None = None,
        isa: str = "",
        beside: Runner | None = None,
    ) -> None:
        super().__init__(program, check_seed(seed), weights or {}, beside)
        self.threads = most_threads(program, threads)
        fixed = threads is not None
        self._kept = (threads, isa)
        self.isa = isa
        self.training_threads = ThreadChoice(self.threads, fixed)
        self._inference_threads = ThreadChoice(self.threads, fixed)
        self.steps = 0
        self.pause_every: int | None = None
        self.watcher: Watcher | None = None
        self.parts: Any = None
        self._moves = program.augment is not None or program.average is not None
        self._numbers = None if self._moves else step_numbers(program, self.seed, 0, 1)
        self._scalars = self.buffer("scalars")
        loss = program.loss
        self._classes = (
            program.output_shape[-1] if loss is not None and loss.targets_are_classes else 0
        )
        # The number that may stand in a target's place without being a class.
        self._ignored: int | None = getattr(loss, "ignore_index", None)
        self._executor = make_executor(
            program, isa, self._state, self._work, self._classes, self._ignored
        )
        self._definitions = DefinitionRunner(program) if program.has_python else None
        # Of each list: the native segments and the definitions in it, with how many lines each has.
        self._segments = {
            key: [(name, len(part), part[0] if part and part[0].is_python else None)
                  for name, part in segments(key, lines)]
            for key, lines in program.lists.items()
        }
        self._first = entered(program)
        self._gradient_views: dict[str, Any] | None = None
        inference = program.lists["inference"]
        if inference:
            self._scores = program.buffers[program.outputs["inference"]].place

    def __getstate__(self) -> dict[str, Any]:
        """The program, the settings and all that the state arena holds, the optimizer's states
        included: an engine made of them goes on where this one was."""
        threads, isa = self._kept
        with self.turns:
            return {"program": self.program, "seed": self.seed, "threads": threads, "isa": isa,
                    "steps": self.steps, "state": self._state.copy()}

    def __setstate__(self, kept: dict[str, Any]) -> None:
        self.__init__(  # type: ignore[misc]
            kept["program"], seed=kept["seed"], threads=kept["threads"], isa=kept["isa"]
        )
        self._state[...] = kept["state"]
        self.steps = kept["steps"]

    # Data -----------------------------------------------------------------------------------

    def rows(self, x: Any) -> Any:
        """Inputs as the kernels want them: C-contiguous, the program's dtype and shape.

        Raises:
            ShapeError: examples of another shape.
            DataError: data that the first layer cannot take.
        """
        return rows_for(self.program, self._first, x)

    def targets(self, y: Any) -> Any:
        """Targets as the kernels want them."""
        return as_targets(self.program, y)

    def _batch(self, x: Any, y: Any, weights: Any, lengths: Any) -> tuple[Any, Any, Any, Any]:
        x, y = self.rows(x), self.targets(y)
        if len(x) != len(y):
            raise DataError(f"x has {len(x)} rows and y has {len(y)}: they must be as many")
        if len(x) == 0:
            raise DataError("expects at least one row, got none")
        return (x, y, as_weights(self.program.dtype, weights, len(x)),
                as_lengths(self.program, lengths, len(x)))

    def _counted(self, parts: Any) -> tuple[Any, Any]:
        """(which rows of a batch count, the batch of them alone); (None, the batch) for all."""
        rows = rows_that_count(self.program, parts[2])
        if rows is None:
            return None, parts
        return rows, tuple(None if part is None else part[rows] for part in parts)

    # Parts of a program ---------------------------------------------------------------------

    def _own_numbers(self) -> Any:
        """The numbers of a step that no schedule moves: the same for each, but for mixup and the
        average of weights."""
        if self._moves:
            return step_numbers(self.program, self.seed, self.steps, 1)
        return self._numbers

    def _check_planned(self, key: str, rows: int) -> None:
        if rows > self.program.batch and (
            key != "inference" or rows > self.program.inference_batch
        ):
            raise ShapeError(f"the program is planned for {self.program.batch} rows, got {rows}")

    def run(
        self, key: str, x: Any, y: Any, *, output_gradient: Any = None, weights: Any = None,
        lengths: Any = None, rows: int | None = None, numbers: Any = None, begin: int = 0,
        end: int | None = None, threads: int | None = None,
    ) -> dict[str, Any]:
        """Runs instructions [begin, end) of a list on one batch, by default on as many threads as
        training; returns new running statistics of the layers that run through their definition."""
        rows = len(x) if rows is None else rows
        self._check_planned(key, rows)
        if y is not None and self._classes:
            known = y if self._ignored is None else y[y != self._ignored]
            if known.size and (known.min() < 0 or known.max() >= self._classes):
                raise DataError(f"class numbers must lie between 0 and {self._classes - 1}")
        if numbers is None:
            numbers = self._own_numbers()
        updates: dict[str, Any] = {}
        position = 0
        for name, count, definition in self._segments[key]:
            first = begin - position if begin > position else 0
            last = count if end is None or end - position > count else end - position
            position += count
            if first >= last:
                continue
            if definition is not None:
                assert self._definitions is not None
                external = {"input": x, "output_gradient": output_gradient, "lengths": lengths}
                updates |= self._definitions.run(
                    definition, rows, self.seed, self.steps, self.buffer, external,
                    float(numbers[0, DROPOUT]), int(numbers[0, FIRST]),
                )
            else:
                self._executor.run(
                    name, first, last, x, y, output_gradient, weights, lengths, rows, self.seed,
                    self.steps, numbers, threads or self.training_threads.best,
                )
        return updates

    def phases(
        self, key: str, number: int, x: Any, y: Any = None, output_gradient: Any = None
    ) -> list[tuple[int, float]]:
        """(tasks, seconds) of each phase of a native instruction, run on one thread: what a team
        shares out between two meetings, and how long all of it takes one of them.

        Arguments:
            key: a list of the program, such as "forward" or "gradient".
            number: of the instruction in it, from 0.
            x, y: a batch; y where the list has the loss.
            output_gradient: of the shape of the outputs, where "backward" begins with it.

        Raises:
            ConfigurationError: no such list or instruction, or one that runs its definition.
            ShapeError, DataError: as of :meth:`rows`; more rows than the program is planned for.
        """
        if key not in self._segments:
            raise ConfigurationError(f"phases: key must be one of {', '.join(self._segments)}, "
                                     f"got {key!r}")
        count = len(self.program.lists[key])
        if not 0 <= number < count:
            raise ConfigurationError(f"phases: '{key}' has {count} instructions, got {number}")
        x, y = self.rows(x), None if y is None else self.targets(y)
        self._check_planned(key, len(x))
        position = 0
        for name, count, definition in self._segments[key]:
            at = number - position
            position += count
            if at < count:
                if definition is not None:
                    raise ConfigurationError(
                        f"phases: {definition.operation} of {', '.join(definition.layers)} has no "
                        "kernel, and no team shares it"
                    )
                return self._executor.phases(
                    name, at, x, y, output_gradient, None, None, len(x), self.seed, self.steps,
                    self._own_numbers(),
                )
        raise AssertionError("segments hold each instruction")

    # Inference ------------------------------------------------------------------------------

    def predict(self, x: Any, lengths: Any = None) -> Any:
        """Scores in inference mode, shape (rows, outputs...): a new array."""
        x = self.rows(x)
        lengths = as_lengths(self.program, lengths, len(x))
        program = self.program
        if program.carried and len(x) > program.inference_batch:
            raise ShapeError(
                f"predict: the network is stateful, so each row needs a place of its own: at most "
                f"{program.inference_batch} rows, got {len(x)}: predict them in parts, and give "
                "Engine.states to each"
            )
        output = np.empty((len(x), *program.output_shape), dtype=program.dtype)
        if len(x) == 0:
            return output
        if not program.lists["inference"]:
            output[...] = x.reshape(output.shape)
        elif self._definitions is not None:
            name = program.outputs["inference"]
            for first in range(0, len(x), program.inference_batch):
                at = slice(first, first + program.inference_batch)
                part = x[at]
                own = None if lengths is None else lengths[at]
                with self.turns:
                    self.run("inference", part, None, lengths=own)
                    scores = self.buffer(name)[: len(part)]
                    output[first : first + len(part)] = scores.reshape(-1, *program.output_shape)
        else:
            threads, _ = self._inference_threads.begin()
            self._executor.predict(
                x, lengths, program.inference_batch, self._scores, output, threads
            )
            self._inference_threads.end(threads, len(x))
        return output

    def evaluate(self, x: Any, y: Any, weights: Any = None, lengths: Any = None) -> Evaluation:
        """Loss and score in inference mode."""
        x, y, weights, lengths = self._batch(x, y, weights, lengths)
        total, score, scored = self.loss_and_score_sum(x, y, weights, lengths)
        loss = self.program.loss
        assert loss is not None
        run = Run(training=False, lengths=lengths, weights=weights)
        shape = (len(y), *self.program.output_shape)
        return Evaluation(total, loss.score(score, scored, loss.spread(y, shape, run)))

    def loss_and_score_sum(
        self, x: Any, y: Any, weights: Any = None, lengths: Any = None
    ) -> tuple[float, float, float]:
        """Mean loss, the right answers or the squared errors of all rows that count, and how many
        these are, in inference mode. Arguments as the checks of this package return them."""
        loss = self.program.loss
        assert loss is not None
        if self._definitions is not None or not self.program.lists["inference"]:
            run = Run(training=False, lengths=lengths, weights=weights)
            total, score, scored = loss.evaluate(self.predict(x, lengths), y, run)
        else:
            threads, _ = self._inference_threads.begin()
            total, score, scored = self._executor.evaluate(
                x, y, weights, lengths, self.program.inference_batch, threads
            )
            self._inference_threads.end(threads, len(x))
        return float(total), float(score), float(scored)
