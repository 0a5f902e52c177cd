"""Predictions with weights that no longer change, from any number of threads at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..program.frozen import PACK
from ..program.values import Program
from .checks import allowed_threads, as_lengths, entered, most_threads, rows_for
from .memory import new_arena
from .native_calls import make_executor
from .step_numbers import COLUMNS
from .threads import ThreadChoice

# Below this many multiplications a call is one thread's.
_WORK_OF_ONE = 150_000


class FrozenEngine:
    """Owns packed weights, and a working memory for each call that runs at the same time.

    Arguments:
        program: from :func:`evenly.program.frozen.compile_frozen`.
        weights: arrays by name.
        threads: of a call, at most; None: measured. Calls that run at once have one each.
        isa: instruction set of the kernels; "" for the best.

    Attributes:
        program: the same.
    """

    def __init__(
        self, program: Program, weights: Mapping[str, Any], threads: int | None = None,
        isa: str = "",
    ) -> None:
        self.program = program
        self._fixed = threads is not None
        self._threads = most_threads(program, threads) if self._fixed else allowed_threads()
        self._isa = isa
        self._state = new_arena(program.state_bytes)
        self._first = entered(program)
        # Measured for each size of a call apart: what is best for one row is not for a thousand.
        self._choices: dict[int, ThreadChoice] = {}
        name = program.outputs["inference"]
        self._scores = program.buffers[name].place
        self._made = 0
        self._free: list[Any] = []
        for name in program.arrays:
            if name in program.buffers:
                buffer = program.buffers[name]
                own = self._state[buffer.offset : buffer.offset + buffer.bytes].view(buffer.dtype)
                own[...] = np.asarray(weights[name]).reshape(-1)
        first = self._memory()
        numbers = np.zeros((1, COLUMNS))
        for key, lines in program.lists.items():
            if key.startswith(PACK):
                kernel = np.ascontiguousarray(weights[lines[0].layers[0] + ".kernel"],
                                              program.dtype)
                first[0].run(key, 0, 1, kernel, None, None, None, None, len(kernel), 0, 0,
                             numbers, 1)
        self._free.append(first)

    def _memory(self) -> Any:
        """(what runs the program, its working memory)."""
        self._made += 1
        work = new_arena(self.program.work_bytes)
        return make_executor(self.program, self._isa, self._state, work, 0, None), work

    def rows(self, x: Any) -> Any:
        """Inputs as the kernels want them; errors as of :meth:`Engine.rows`."""
        return rows_for(self.program, self._first, x)

    def predict(self, x: Any, lengths: Any = None) -> Any:
        """Scores, shape (rows, outputs...): a new array, the only one that is made."""
        program = self.program
        x = self.rows(x)
        lengths = as_lengths(program, lengths, len(x))
        output = np.empty((len(x), *program.output_shape), program.dtype)
        if not program.lists["inference"]:
            output[...] = x.reshape(output.shape)
        elif len(x):
            # No lock: taking from a list is one step of the interpreter.
            try:
                memory = self._free.pop()
            except IndexError:
                memory = self._memory()
            try:
                self._run(memory[0], x, lengths, output)
            finally:
                self._free.append(memory)
        return output

    def _run(self, executor: Any, x: Any, lengths: Any, output: Any) -> None:
        program = self.program
        threads, choice = self._threads, None
        if not self._fixed:
            alone = len(self._free) == self._made - 1
            large = program.multiply_adds * len(x) >= 2 * _WORK_OF_ONE
            if threads > 1 and alone and large:
                size = len(x).bit_length()
                choice = self._choices.setdefault(size, ThreadChoice(min(threads, 16), False))
                threads, _ = choice.begin()
            else:
                threads = 1
        executor.predict(x, lengths, program.inference_batch, self._scores, output, threads)
        if choice is not None:
            choice.end(threads, len(x))
