"""Training steps: the only module that asks the native core for them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..program.parts import OVERFLOWED, SCALARS, WORK
from .checks import as_lengths, check_mixed, check_trainable, is_ready
from .records import NotFiniteError, StepRecord
from .replay import first_not_finite, strange_parameter, strange_states, strange_statistics
from .runner import Runner
from .step_numbers import average_numbers, step_numbers
from .watching import batch_of, rows_of_batch

# A native call returns to Python this often, so that Ctrl-C is heard; a trial of another number of
# threads is shorter.
_SECONDS_A_CALL, _SECONDS_A_TRIAL = 0.05, 0.002


class Engine(Runner):
    """Owns the arrays of a program and runs it.

    Several threads may predict and evaluate with one engine at once, also while another trains in
    :meth:`train`; they take turns. All else, what returns views above all, is for one thread.

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
        parts: makes the steps of :meth:`train` together with other processes; None: alone.

    Example:
        >>> import evenly as ev
        >>> net = ev.Sequential([ev.Dense(2)])
        >>> program = ev.compile(net, 3, batch=4, loss=ev.MeanSquaredError(), optimizer=ev.SGD(0.1))
        >>> engine = ev.Engine(program, seed=0)
        >>> record = engine.step(np.ones((4, 3)), np.zeros((4, 2)))
        >>> engine.arrays["dense_1.kernel"].shape
        (3, 2)
    """

    # Training -------------------------------------------------------------------------------

    def step(self, x: Any, y: Any, weights: Any = None, lengths: Any = None) -> StepRecord:
        """One training step on one batch of at most the planned rows.

        Arguments:
            x, y: the batch.
            weights: of its examples; one of weight 0 is left out of the step.
            lengths: of its sequences.

        Raises:
            NotFiniteError: the loss or a gradient is not finite; the weights stay as they were. Or
                the update itself overflowed: then they are not finite (``error.updated``).
        """
        _, (x, y, weights, lengths) = self._counted(self._batch(x, y, weights, lengths))
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
        threads, _ = self.training_threads.begin()
        record, failed, overflowed = self._executor.step(
            x, y, weights, lengths, self.seed, self.steps, numbers, threads
        )
        self.training_threads.end(threads, 1)
        if failed:
            raise NotFiniteError(
                self.steps, *first_not_finite(self, numbers, x, y, weights, lengths)
            )
        self.steps += 1
        if overflowed:
            raise self._overflow(strange_parameter(self), record[0])
        return StepRecord(*record)

    def _overflow(self, what: str, loss: float) -> NotFiniteError:
        """The error for the last step, whose update has made what is not finite."""
        return NotFiniteError(self.steps - 1, f"{what} after the update", loss, True)

    def train(self, x: Any, y: Any, order: Any, batch: int, weights: Any = None,
              lengths: Any = None, rates: Any = None, momenta: Any = None,
              dropouts: Any = None, decays: Any = None) -> Iterator[Any]:
        """One pass over the data, `batch` rows a step.

        Arguments:
            x, y: as :meth:`rows` and :meth:`targets` return them.
            order: row numbers (int64), or None for all rows as they lie.
            batch: rows a step; the last step takes what is left.
            weights, lengths: of the examples, as the checks of this package return them.
            rates, momenta: learning rate and momentum of each step, where a schedule moves them.
            dropouts, decays: what the rates of dropout and the weight decay are multiplied by.

        Yields:
            Records of the steps done since the last time: (steps, 6) float64 with the columns of
            :class:`StepRecord`. Between two yields pass at most some 50 ms or one step.

        Rows of weight 0 go through the network with the others of their batch, and have no part in
        loss, score and the gradients on the scores: leave them out of the order where they may
        overflow.

        Raises:
            NotFiniteError: as :meth:`step`; at the end of the pass also for running statistics and
                states of the optimizer that have become infinite or NaN.
        """
        n = len(x) if order is None else len(order)
        check_trainable(self.program, n - (n - 1) // batch * batch)
        check_mixed(self.program, lengths)
        batches = -(-n // batch)
        numbers = step_numbers(self.program, self.seed, self.steps, batches, rates, momenta,
                               dropouts, decays)
        data = x, y, weights, lengths
        records = np.zeros((batches, len(StepRecord._fields)))
        done, before = 0, strange_statistics(self)
        while done < batches:
            with self.turns.lock:
                watcher = self.watcher
                watched = watcher if watcher is not None and self.steps >= watcher.due else None
                if watched is not None:
                    parts = batch_of(data, order, n, batch, done)
                    watched.before(self, numbers[done : done + 1], *parts)
                if self.parts is not None:
                    ran, failed, overflowed = self.parts.step(
                        partial(rows_of_batch, data, order, done * batch),
                        min(batch, n - done * batch), numbers[done : done + 1], records[done],
                    )
                elif self._definitions is not None:
                    parts = batch_of(data, order, n, batch, done)
                    ran, failed, overflowed = self._python_step(
                        parts, numbers[done : done + 1], records[done]
                    )
                else:
                    threads, trial = self.training_threads.begin()
                    every, end = self.pause_every, batches
                    if every is not None:
                        end = min(batches, done + every - self.steps % every)
                    if watcher is not None:
                        end = min(end, done + max(1, watcher.due - self.steps))
                    ran, failed, overflowed = self._executor.train(
                        x, y, weights, lengths, order, n, batch, done, end, self.seed,
                        self.steps, numbers[done:], records[done:],
                        _SECONDS_A_TRIAL if trial else _SECONDS_A_CALL, threads,
                    )
                    self.training_threads.end(threads, ran)
                self.steps += ran
                if watched is not None and ran:
                    watched.after(self)
            self.turns.step_aside()
            if ran:
                yield records[done : done + ran]
            done += ran
            if failed:
                parts = batch_of(data, order, n, batch, done)
                with self.turns.lock:
                    raise NotFiniteError(
                        self.steps, *first_not_finite(self, numbers[done : done + 1], *parts)
                    )
            if overflowed:
                raise self._overflow(strange_parameter(self), records[done - 1, 0])
        # The kernels look at parameters alone, step by step.
        for what in (*sorted(strange_statistics(self) - before), *strange_states(self)):
            raise self._overflow(what, records[-1, 0])

    def _python_step(self, parts: list[Any], numbers: Any, record: Any) -> tuple[int, bool, bool]:
        x, y, weights, lengths = parts
        updates = self.run("gradient", x, y, weights=weights, lengths=lengths, numbers=numbers)
        record[:] = [self._scalar(name) for name in
                     ("loss", "score", "penalty", "gradient_norm", "weight", "scored")]
        if self._scalar("failed"):
            return 0, True, False
        for name, value in updates.items():
            self.arrays[name][...] = value
        self.run("update", x, y, numbers=numbers)
        return 1, False, self._scalar("failed") == OVERFLOWED

    def _scalar(self, name: str) -> float:
        return float(self._scalars[SCALARS.index(name)])

    def update(self) -> None:
        """The update alone, from the gradients as they lie in the arena.

        Raises:
            NotFiniteError: it has made a parameter that is not finite.
        """
        self._scalars[SCALARS.index("clip_factor")] = 1.0
        self._scalars[SCALARS.index("failed")] = 0.0
        self.run("update", None, None, rows=self.program.batch)
        self.steps += 1
        if self._scalar("failed") == OVERFLOWED:
            raise self._overflow(strange_parameter(self), self._scalar("loss"))

    def take_average(self, weight: float) -> None:
        """Takes the weights as they are into their average, where that is not the step's own part.

        Arguments:
            weight: of the new values; 1 for the first.
        """
        self.run("average", None, None, rows=self.program.batch, numbers=average_numbers(weight))

    # Parts of a step ------------------------------------------------------------------------

    def forward(self, x: Any, lengths: Any = None) -> Any:
        """Training-mode outputs of one batch: a view. For programs without a loss."""
        x = self.rows(x)
        self._forward_input = x, as_lengths(self.program, lengths, len(x))
        self.run("forward", x, None, lengths=self._forward_input[1])
        return self._left(self.program.outputs["forward"], x, self.program.output_shape)

    def backward(self, d_y: Any) -> tuple[Any, dict[str, Any]]:
        """Gradients for the last :meth:`forward`: d_x and each parameter's by name, as views."""
        x, lengths = self._forward_input
        shape = (len(x), *self.program.output_shape)
        if not is_ready(d_y, self.program.dtype) or d_y.shape != shape:
            d_y = np.ascontiguousarray(d_y, dtype=self.program.dtype).reshape(shape)
        self.run("backward", x, None, output_gradient=d_y, lengths=lengths)
        return self._input_gradient(d_y), self._gradients()

    def gradients(
        self, x: Any, y: Any, weights: Any = None, lengths: Any = None
    ) -> tuple[float, Any, dict[str, Any]]:
        """Loss, d_x (None unless the program wants it) and each parameter's gradient by name, in
        training mode, penalty included; nothing is updated. Arrays are views. Rows of weight 0 are
        left out of the batch, and have a d_x of 0."""
        batch = self._batch(x, y, weights, lengths)
        rows, (x, y, weights, lengths) = self._counted(batch)
        self.run("gradient", x, y, weights=weights, lengths=lengths)
        d_x = self._input_gradient(x)
        if rows is not None and d_x is not None:
            own, d_x = d_x, np.zeros_like(batch[0])
            d_x[rows] = own
        return float(self._scalars[0]), d_x, self._gradients()

    def _gradients(self) -> dict[str, Any]:
        if self._gradient_views is None:
            trainable = (name for name, spec in self.program.arrays.items() if spec.trainable)
            self._gradient_views = {name: self.gradient(name) for name in trainable}
        return self._gradient_views.copy()

    def _input_gradient(self, given: Any) -> Any:
        name = self.program.d_x
        return None if name is None else self._left(name, given, self.program.input_shape)

    def _left(self, name: str, given: Any, shape: tuple[int, ...]) -> Any:
        """What a pass left in a buffer; where no layer does more than reshape, that is what was
        given."""
        is_own = self.program.buffers[name].region <= WORK
        values = self.buffer(name)[: len(given)] if is_own else given
        return values.reshape(len(given), *shape)
