"""The arrays of a program: two arenas, and views into them by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import ConfigurationError, ShapeError
from ..given import as_numbers, cast
from ..program.values import Program
from ..random import generator
from .memory import new_arena
from .turns import Turns


def kept_buffers(program: Program) -> dict[str, str]:
    """What of a program's arena outlives a step: a name for files to the buffer's name. An engine
    that has these arrays and the step number goes on where another one was."""
    places = {f"weights/{name}": name for name in program.arrays}
    if program.optimizer is not None:
        states = [f"state_{i + 1}" for i in range(len(program.optimizer.states))]
        places |= {
            f"{state}/{name}": f"{name}.{state}"
            for state in states for name, spec in program.arrays.items() if spec.trainable
        }
    if program.average is not None:
        places |= {f"average/{name}": f"{name}.average" for name in program.arrays}
    return places | {f"carried/{name}": name for name in program.carried}


class Arrays:
    """Owns the arenas of a program.

    Attributes:
        arrays: every parameter and running statistic by name: views, not copies.
        averages: likewise their averages, where the program has them; empty where not.
        turns: of threads: who has one finds the arrays as they are between two steps.
    """

    def __init__(
        self, program: Program, seed: int, weights: Mapping[str, Any], beside: Arrays | None = None
    ) -> None:
        self.turns = Turns()
        self.program, self.seed = program, seed
        self._state: Any = new_arena(program.state_bytes) if beside is None else beside._state
        self._work = new_arena(program.work_bytes)
        self._views: dict[str, Any] = {}
        self.arrays = {name: self.buffer(name) for name in program.arrays}
        self.averages = {} if program.average is None else {
            name: self.buffer(f"{name}.average") for name in program.arrays
        }
        if beside is None:
            self._initialize(weights)

    def buffer(self, name: str) -> Any:
        """A buffer of the program as an array: a view of its arena."""
        if name not in self._views:
            buffer = self.program.buffers[name]
            arena = (self._state, self._work)[buffer.region]
            flat = arena[buffer.offset : buffer.offset + buffer.bytes].view(buffer.dtype)
            size = int(np.prod(buffer.shape, dtype=np.int64))
            self._views[name] = flat[:size].reshape(buffer.shape)
        return self._views[name]

    def gradient(self, array: str) -> Any:
        """The gradient of a parameter, as the last backward pass left it: a view."""
        return self.buffer(f"{array}.gradient")

    @property
    def states(self) -> dict[str, Any]:
        """What the rows of stateful layers carry from batch to batch, by name (``lstm_1.h``):
        views, (rows, units). Read them, or write first states into them."""
        return {name: self.buffer(name) for name in self.program.carried}

    def reset_states(self) -> None:
        """Sets the states of stateful layers to zero."""
        for state in self.states.values():
            state[...] = 0

    def set_weights(self, weights: Mapping[str, Any]) -> None:
        """Copies arrays by name into the engine's own."""
        for name, value in weights.items():
            if name not in self.arrays:
                known = ", ".join(self.arrays) or "none"
                raise ConfigurationError(f"weights: no array is named '{name}'; there are: {known}")
            value = as_numbers(value, f"weights: '{name}'")
            if value.shape != self.arrays[name].shape:
                raise ShapeError(
                    f"weights: '{name}' has shape {self.arrays[name].shape}, got {value.shape}"
                )
            self.arrays[name][...] = cast(value, self.program.dtype, f"weights: '{name}' holds")

    def swap_averages(self) -> None:
        """Puts the averages in the weights' place, and the weights in theirs."""
        with self.turns:
            for name, average in self.averages.items():
                own = self.arrays[name].copy()
                self.arrays[name][...] = average
                average[...] = own

    def kept(self) -> dict[str, Any]:
        """Copies of all that outlives a step, the optimizer's states too: for :meth:`put_back`."""
        with self.turns:
            return {name: self.buffer(name).copy() for name in kept_buffers(self.program).values()}

    def put_back(self, kept: Mapping[str, Any]) -> None:
        """Makes the arrays what they were when :meth:`kept` was asked."""
        with self.turns:
            for name, value in kept.items():
                self.buffer(name)[...] = value

    def _initialize(self, weights: Mapping[str, Any]) -> None:
        for name, spec in self.program.arrays.items():
            if name not in weights:
                source = generator(self.seed, name)
                self.arrays[name][...] = spec.initializer.sample(source, spec.shape, spec.fan)
        self.set_weights(weights)
