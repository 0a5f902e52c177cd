"""Arrays and execution: the only package that talks to the native core."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..errors import DataError, ShapeError
from ..layers.base import Run
from ..native import Executor
from ..program.values import SCALARS, Program, native_line
from .arrays import Arrays
from .checks import (
    as_lengths,
    as_rows,
    as_targets,
    as_weights,
    check_mixed,
    check_seed,
    check_trainable,
    most_threads,
)
from .definitions import DefinitionRunner
from .records import Evaluation, NotFiniteError, StepRecord
from .replay import first_not_finite
from .segments import segments
from .step_numbers import step_numbers
from .threads import ThreadChoice
from .watching import Watcher, batch_of

# A native call returns to Python this often, so that Ctrl-C is heard; a trial of another number of
# threads is shorter.
_SECONDS_A_CALL, _SECONDS_A_TRIAL = 0.05, 0.002


class Engine(Arrays):
    """Owns the arrays of a program and runs it.

    Arguments:
        program: from :func:`evenly.compile`.
        seed: of the initial weights and the dropout masks.
        threads: how many; by default the engine measures what is fastest, and goes on measuring.
            The results are the same to the bit for any number.
        weights: arrays by name that take the place of initial ones, parameters and running
            statistics; those not named are initialized.
        isa: instruction set of the kernels, of ``evenly.native.available_isas()``; "" for the best.

    Attributes:
        arrays: every parameter and running statistic by name: views, not copies.
        pause_every: :meth:`train` yields at each step whose number this divides; None: as it comes.
        watcher: looks at steps of :meth:`train`; None: nobody does.

    Example:
        >>> import evenly as ev
        >>> net = ev.Sequential([ev.Dense(2)])
        >>> program = ev.compile(net, 3, batch=4, loss=ev.MeanSquaredError(), optimizer=ev.SGD(0.1))
        >>> engine = ev.Engine(program, seed=0)
        >>> record = engine.step(np.ones((4, 3)), np.zeros((4, 2)))
        >>> engine.arrays["dense_1.kernel"].shape
        (3, 2)
    """

    def __init__(
        self,
        program: Program,
        *,
        seed: int = 0,
        threads: int | None = None,
        weights: Mapping[str, Any] | None = None,
        isa: str = "",
    ) -> None:
        super().__init__(program, check_seed(seed), weights or {})
        self.threads = most_threads(program, threads)
        fixed = threads is not None
        self._kept = (threads, isa)
        self._training_threads = ThreadChoice(self.threads, fixed)
        self._inference_threads = ThreadChoice(self.threads, fixed)
        self.steps = 0
        self.pause_every: int | None = None
        self.watcher: Watcher | None = None
        self._numbers = step_numbers(program, self.seed, 0, 1) if program.augment is None else None
        self._scalars = self.buffer("scalars")
        loss = program.loss
        self._classes = (
            program.output_shape[-1] if loss is not None and loss.targets_are_classes else 0
        )
        self._executor = self._make_executor(isa)
        self._definitions = DefinitionRunner(program) if program.has_python else None
        self._segments = {key: list(segments(key, lines)) for key, lines in program.lists.items()}
        # The layer that the data enters, past those that only reshape.
        self._first = next((
            (name, layer) for name, layer in program.net.named_layers() if not layer.reshapes
        ), None)
        self._gradient_views: dict[str, Any] | None = None
        inference = program.lists["inference"]
        if inference:
            self._scores = program.buffers[program.outputs["inference"]].place

    def _make_executor(self, isa: str) -> Executor:
        buffers = self.program.buffers
        lists = {
            name: [native_line(line, buffers) for line in lines]
            for key, instructions in self.program.lists.items()
            for name, lines in segments(key, instructions)
            if not lines or not lines[0].is_python
        }
        places = [
            buffers[name].place if name in buffers else None
            for name in ("batch_input", "batch_target", "batch_weights", "batch_lengths")
        ]
        x, y, weights, lengths = places
        return Executor(
            lists, self.program.dtype == "float64", isa, self._state, self._work,
            buffers["scalars"].place, x, y, weights, lengths, self._classes,
        )

    def __getstate__(self) -> dict[str, Any]:
        """The program, the settings and all that the state arena holds, the optimizer's states
        included: an engine made of them goes on where this one was."""
        threads, isa = self._kept
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
        x = as_rows(self.program, x)
        if self._first is not None:
            name, layer = self._first
            layer.check_values(x, name)
        return x

    def targets(self, y: Any) -> Any:
        """Targets as the kernels want them."""
        return as_targets(self.program, y)

    def _batch(self, x: Any, y: Any, weights: Any, lengths: Any) -> tuple[Any, Any, Any, Any]:
        x, y = self.rows(x), self.targets(y)
        if len(x) != len(y):
            raise DataError(f"x has {len(x)} rows and y has {len(y)}: they must be as many")
        if len(x) == 0:
            raise DataError("expects at least one row, got none")
        return (x, y, as_weights(self.program, weights, len(x)),
                as_lengths(self.program, lengths, len(x)))

    # Training -------------------------------------------------------------------------------

    def step(self, x: Any, y: Any, weights: Any = None, lengths: Any = None) -> StepRecord:
        """One training step on one batch of at most the planned rows.

        Arguments:
            x, y: the batch.
            weights: of its examples.
            lengths: of its sequences.

        Raises:
            NotFiniteError: the loss or a gradient is not finite; the weights stay as they were.
        """
        x, y, weights, lengths = self._batch(x, y, weights, lengths)
        if len(x) > self.program.batch:
            raise ShapeError(
                f"step: the program is planned for batches of {self.program.batch} rows, "
                f"got {len(x)}: compile it with a larger batch"
            )
        check_trainable(self.program, len(x))
        if self._definitions is not None:
            for records in self.train(x, y, None, len(x), weights, lengths):
                return StepRecord(*records[0].tolist())
        check_mixed(self.program, lengths)
        numbers = self._own_numbers()
        threads, _ = self._training_threads.begin()
        *record, failed = self._executor.step(
            x, y, weights, lengths, self.seed, self.steps, numbers, threads
        )
        self._training_threads.end(threads, 1)
        if failed:
            raise NotFiniteError(
                self.steps, *first_not_finite(self, numbers, x, y, weights, lengths)
            )
        self.steps += 1
        return StepRecord(*record)

    def _own_numbers(self) -> Any:
        """The numbers of a step that no schedule moves: the same for each, but for mixup."""
        if self.program.augment is not None:
            return step_numbers(self.program, self.seed, self.steps, 1)
        return self._numbers

    def train(self, x: Any, y: Any, order: Any, batch: int, weights: Any = None,
              lengths: Any = None, rates: Any = None, momenta: Any = None) -> Iterator[Any]:
        """One pass over the data, `batch` rows a step.

        Arguments:
            x, y: as :meth:`rows` and :meth:`targets` return them.
            order: row numbers (int64), or None for all rows as they lie.
            batch: rows a step; the last step takes what is left.
            weights, lengths: of the examples, as the checks of this package return them.
            rates, momenta: learning rate and momentum of each step, where a schedule moves them.

        Yields:
            Records of the steps done since the last time: (steps, 5) float64 with the columns of
            :class:`StepRecord`. Between two yields pass at most some 50 ms or one step.

        Raises:
            NotFiniteError: as :meth:`step`.
        """
        n = len(x) if order is None else len(order)
        check_trainable(self.program, n - (n - 1) // batch * batch)
        check_mixed(self.program, lengths)
        batches = -(-n // batch)
        numbers = step_numbers(self.program, self.seed, self.steps, batches, rates, momenta)
        data = x, y, weights, lengths
        records = np.zeros((batches, len(StepRecord._fields)))
        done = 0
        while done < batches:
            watcher = self.watcher
            watched = watcher if watcher is not None and self.steps >= watcher.due else None
            if watched is not None:
                parts = batch_of(data, order, n, batch, done)
                watched.before(self, numbers[done : done + 1], *parts)
            if self._definitions is not None:
                parts = batch_of(data, order, n, batch, done)
                ran, failed = self._python_step(parts, numbers[done : done + 1], records[done])
            else:
                threads, trial = self._training_threads.begin()
                every = self.pause_every
                end = batches if every is None else min(batches, done + every - self.steps % every)
                if watcher is not None:
                    end = min(end, done + max(1, watcher.due - self.steps))
                ran, failed = self._executor.train(
                    x, y, weights, lengths, order, n, batch, done, end, self.seed,
                    self.steps, numbers[done:], records[done:],
                    _SECONDS_A_TRIAL if trial else _SECONDS_A_CALL, threads,
                )
                self._training_threads.end(threads, ran)
            self.steps += ran
            if watched is not None and ran:
                watched.after(self)
            if ran:
                yield records[done : done + ran]
            done += ran
            if failed:
                parts = batch_of(data, order, n, batch, done)
                raise NotFiniteError(
                    self.steps, *first_not_finite(self, numbers[done : done + 1], *parts)
                )

    def _python_step(self, parts: list[Any], numbers: Any, record: Any) -> tuple[int, bool]:
        x, y, weights, lengths = parts
        updates = self.run("gradient", x, y, weights=weights, lengths=lengths, numbers=numbers)
        s = dict(zip(SCALARS, self._scalars.tolist(), strict=True))
        record[:] = s["loss"], s["score"], s["penalty"], s["gradient_norm"], s["weight"]
        if s["failed"]:
            return 0, True
        self.run("update", x, y, numbers=numbers)
        for name, value in updates.items():
            self.arrays[name][...] = value
        return 1, False

    def update(self) -> None:
        """The update alone, from the gradients as they lie in the arena."""
        self._scalars[SCALARS.index("clip_factor")] = 1.0
        self.run("update", None, None, rows=self.program.batch)
        self.steps += 1

    # Parts of a step ------------------------------------------------------------------------

    def forward(self, x: Any, lengths: Any = None) -> Any:
        """Training-mode outputs of one batch: a view. For programs without a loss."""
        x = self.rows(x)
        self._forward_input = x, as_lengths(self.program, lengths, len(x))
        self.run("forward", x, None, lengths=self._forward_input[1])
        return self.buffer(self.program.outputs["forward"])[: len(x)].reshape(
            len(x), *self.program.output_shape
        )

    def backward(self, d_y: Any) -> tuple[Any, dict[str, Any]]:
        """Gradients for the last :meth:`forward`: d_x and each parameter's by name, as views."""
        x, lengths = self._forward_input
        d_y = np.ascontiguousarray(d_y, dtype=self.program.dtype).reshape(
            len(x), *self.program.output_shape
        )
        self.run("backward", x, None, output_gradient=d_y, lengths=lengths)
        return self._input_gradient(len(x)), self._gradients()

    def gradients(
        self, x: Any, y: Any, weights: Any = None, lengths: Any = None
    ) -> tuple[float, Any, dict[str, Any]]:
        """Loss, d_x (None unless the program wants it) and each parameter's gradient by name, in
        training mode, penalty included; nothing is updated. Arrays are views."""
        x, y, weights, lengths = self._batch(x, y, weights, lengths)
        self.run("gradient", x, y, weights=weights, lengths=lengths)
        return float(self._scalars[0]), self._input_gradient(len(x)), self._gradients()

    def _gradients(self) -> dict[str, Any]:
        if self._gradient_views is None:
            trainable = (name for name, spec in self.program.arrays.items() if spec.trainable)
            self._gradient_views = {name: self.gradient(name) for name in trainable}
        return self._gradient_views.copy()

    def _input_gradient(self, rows: int) -> Any:
        if self.program.d_x is None:
            return None
        return self.buffer(self.program.d_x)[:rows].reshape(rows, *self.program.input_shape)

    def run(
        self, key: str, x: Any, y: Any, *, output_gradient: Any = None, weights: Any = None,
        lengths: Any = None, rows: int | None = None, numbers: Any = None, begin: int = 0,
        end: int | None = None, threads: int | None = None,
    ) -> dict[str, Any]:
        """Runs instructions [begin, end) of a list on one batch, by default on as many threads as
        training; returns new running statistics of the layers that run through their definition."""
        rows = len(x) if rows is None else rows
        if rows > max(self.program.batch, self.program.inference_batch * (key == "inference")):
            raise ShapeError(f"the program is planned for {self.program.batch} rows, got {rows}")
        if y is not None and self._classes and (y.min() < 0 or y.max() >= self._classes):
            raise DataError(f"class numbers must lie between 0 and {self._classes - 1}")
        if numbers is None:
            numbers = self._own_numbers()
        updates: dict[str, Any] = {}
        position = 0
        for name, lines in self._segments[key]:
            first = max(begin - position, 0)
            last = len(lines) if end is None else min(len(lines), end - position)
            position += len(lines)
            if first >= last:
                continue
            if lines[0].is_python:
                assert self._definitions is not None
                external = {"input": x, "output_gradient": output_gradient, "lengths": lengths}
                updates |= self._definitions.run(
                    lines[0], rows, self.seed, self.steps, self.buffer, external
                )
            else:
                self._executor.run(
                    name, first, last, x, y, output_gradient, weights, lengths, rows, self.seed,
                    self.steps, numbers, threads or self._training_threads.best,
                )
        return updates

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
        total, score = self.loss_and_score_sum(x, y, weights, lengths)
        loss = self.program.loss
        assert loss is not None
        return Evaluation(total, loss.score(score, y))

    def loss_and_score_sum(
        self, x: Any, y: Any, weights: Any = None, lengths: Any = None
    ) -> tuple[float, float]:
        """Mean loss, and the right answers or the squared errors of all rows, in inference mode.
        Arguments as the checks of this package return them."""
        loss = self.program.loss
        assert loss is not None
        if self._definitions is not None or not self.program.lists["inference"]:
            run = Run(training=False, lengths=lengths, weights=weights)
            total, score = loss.evaluate(self.predict(x, lengths), y, run)
        else:
            threads, _ = self._inference_threads.begin()
            total, score = self._executor.evaluate(
                x, y, weights, lengths, self.program.inference_batch, threads
            )
            self._inference_threads.end(threads, len(x))
        return float(total), float(score)

