"""Recurrent layers: what they share. One layer in one direction is computed here; several layers
or both directions are spelled out into such ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from ..errors import ConfigurationError, ShapeError
from ..initializers import Initializer, Orthogonal, XavierUniform, Zeros
from .base import ArrayLike, Arrays, ArraySpec, Gradients, Layer, Run, Shape, expect, whole_panels
from .containers import Branches, Sequential
from .dropout import Dropout


@dataclass(frozen=True)
class Recurrent(Layer):
    """Base of RNN, LSTM and GRU: the walk over the steps. A subclass has ``step`` and
    ``step_back``."""

    units: int
    sequences: bool = False
    layers: int = 1
    bidirectional: bool = False
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    reverse: bool = False
    stateful: bool = False
    bias: bool = True
    input_init: Initializer = field(default_factory=XavierUniform)
    recurrent_init: Initializer = field(default_factory=Orthogonal)
    name: str | None = None

    gates: ClassVar[int] = 1
    gate_names: ClassVar[str] = ""
    state_names: ClassVar[tuple[str, ...]] = ("h",)
    takes_lengths: ClassVar[bool] = True

    def __post_init__(self) -> None:
        expect(self.units >= 1, self, "units must be at least 1", self.units)
        expect(self.layers >= 1, self, "layers must be at least 1", self.layers)
        for name in ("dropout", "recurrent_dropout"):
            rate = getattr(self, name)
            expect(0 <= rate < 1, self, f"{name} must be at least 0 and below 1", rate)
        expect(not (self.stateful and self.bidirectional), self,
               "stateful needs one direction: the other would have to begin at the end",
               "bidirectional=True")
        expect(not (self.reverse and self.bidirectional), self,
               "reverse has no meaning where both directions are run", "bidirectional=True")

    @property
    def tracks(self) -> bool:
        return self.stateful

    @property
    def is_single(self) -> bool:
        """One layer, one direction."""
        return self.layers == 1 and not self.bidirectional

    def expand(self) -> Layer:
        """Layers in both directions are branches side by side, named ``lstm_1_2_reverse`` and so
        on: the second layer of ``lstm_1``, backwards."""
        if self.is_single:
            return self
        parts: list[Layer] = []
        for number in range(1, self.layers + 1):
            last = number == self.layers
            one = replace(self, layers=1, bidirectional=False, dropout=0.0,
                          sequences=self.sequences or not last, name=f"{self.name}_{number}")
            if self.bidirectional:
                other = replace(one, reverse=True, name=f"{one.name}_reverse")
                parts.append(Branches([one, other], "concatenate", name=f"{one.name}_both"))
            else:
                parts.append(one)
            if self.dropout and not last:
                parts.append(Dropout(self.dropout, name=f"{one.name}_dropout"))
        return Sequential(parts)

    def check(self, shape: Shape, name: str) -> None:
        if len(shape) != 2:
            came = ", ".join(["batch", *map(str, shape)])
            raise ShapeError(
                f"{type(self).__name__} '{name}': expects (batch, steps, features), got ({came}): "
                "add Reshape((steps, features)) before it"
            )

    def output_shape(self, shape: Shape) -> Shape:
        width = self.units * (2 if self.bidirectional else 1)
        return (shape[0], width) if self.sequences else (width,)

    def arrays(self, shape: Shape) -> dict[str, ArraySpec]:
        wide, inputs = self.gates * self.units, shape[-1]
        fans = (inputs, self.units), (self.units, self.units)
        arrays = {
            "input_kernel": ArraySpec((inputs, wide), self.input_init, decays=True, fan=fans[0]),
            "recurrent_kernel": ArraySpec((self.units, wide), self.recurrent_init, decays=True,
                                          fan=fans[1]),
        }
        if self.bias:
            arrays["bias"] = ArraySpec((wide,), self.first_bias())
        return arrays

    def first_bias(self) -> Initializer:
        """First values of the bias."""
        return Zeros()

    def not_read_again(self, shape: Shape) -> tuple[str, ...]:
        return "x", "y"  # both are kept steps first

    def states(self, shape: Shape) -> dict[str, Shape]:
        return dict.fromkeys(self.state_names, (self.units,)) if self.stateful else {}

    def numbers(self, shape: Shape) -> dict[str, float]:
        numbers: dict[str, float] = {
            "steps": shape[0], "inputs": shape[1], "units": self.units,
            "sequences": self.sequences, "reverse": self.reverse,
        }
        if self.recurrent_dropout:
            numbers["recurrent_rate"] = self.recurrent_dropout
        return numbers

    @property
    def draws(self) -> bool:  # type: ignore[override]
        return self.recurrent_dropout > 0

    @property
    def drops(self) -> bool:  # type: ignore[override]
        return self.recurrent_dropout > 0

    def workspace(self, shape: Shape, rows: int) -> dict[str, Shape]:
        steps, inputs = shape
        examples, units, wide = rows // steps, self.units, self.gates * self.units
        space = {
            "inputs": (steps, examples, inputs),
            "gates_kept": (steps, examples, wide),
            "hidden": (steps + 1, examples, units),
            # the recurrent kernel as the products read it: for forward, then for backward
            "packed": (wide * whole_panels(units),),
            "d_state": (2, examples, units),
        }
        if self.recurrent_dropout:
            space |= {"mask": (examples, units), "dropped": (steps, examples, units)}
        return space

    # The definition --------------------------------------------------------------------------

    def step(self, pre: ArrayLike, h: ArrayLike, dropped: ArrayLike, states: Sequence[ArrayLike],
             arrays: Arrays, run: Run) -> tuple[tuple[ArrayLike, ...], Any]:
        """One step: (new states, h first; what step_back needs). `pre` is the input's part of the
        pre-activations, `dropped` is h behind recurrent dropout."""
        raise NotImplementedError

    def step_back(self, d_states: Sequence[ArrayLike], saved: Any, arrays: Arrays, run: Run,
                  gradients: dict[str, ArrayLike]) -> tuple[Any, Any, tuple[Any, ...]]:
        """(d_pre, d_dropped, gradients on the states before, apart from d_dropped); adds to the
        gradients of the recurrent arrays."""
        raise NotImplementedError

    def _steps(self, n: int, steps: int, run: Run) -> list[tuple[Any, Any]]:
        """For each step: whether it counts for each example (n, 1), and the position (n,) that the
        example has then."""
        lengths = np.full(n, steps) if run.lengths is None else np.asarray(run.lengths)
        walk = []
        for s in range(steps):
            position = np.maximum(lengths - 1 - s, 0) if self.reverse else np.full(n, s)
            walk.append(((s < lengths)[:, None], position))
        return walk

    def _mask(self, n: int, run: Run) -> Any:
        if not (run.training and self.recurrent_dropout):
            return None
        rate = run.dropped(self.recurrent_dropout)
        return run.note("mask", run.keep((n, self.units), rate) / (1 - rate), "keep / (1 - rate)")

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        if not self.is_single:
            raise ConfigurationError(
                f"{type(self).__name__}: several layers or directions run within Sequential([...])"
            )
        xp, n, steps = run.xp, x.shape[0], x.shape[1]
        rows = xp.arange(n)
        zeros = xp.zeros((n, self.units), dtype=x.dtype)
        states = tuple(arrays[name][:n] if name in arrays else zeros for name in self.state_names)
        mask = self._mask(n, run)
        y = xp.zeros((n, steps, self.units), dtype=x.dtype)
        kept = []
        for counts, position in self._steps(n, steps, run):
            now = xp.where(counts, x[rows, position], 0)
            pre = now @ arrays["input_kernel"]
            if "bias" in arrays:
                pre = pre + arrays["bias"]
            dropped = states[0] if mask is None else states[0] * mask
            new, saved = self.step(pre, states[0], dropped, states, arrays, run)
            states = tuple(xp.where(counts, a, b) for a, b in zip(new, states, strict=True))
            if self.sequences:
                y[rows, position] = xp.where(counts, states[0], y[rows, position])
            kept.append((now, saved))
        if self.stateful:
            for name, state in zip(self.state_names, states, strict=True):
                run.update(name, state)
        y = y if self.sequences else states[0]
        return run.note("y", y, "h"), (kept, mask, x.shape, run.lengths)

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        kept, mask, shape, _ = saved
        xp, n, steps = run.xp, shape[0], shape[1]
        rows = xp.arange(n)
        d_x = xp.zeros(shape, dtype=d_y.dtype)
        gradients = {name: xp.zeros(a.shape, dtype=d_y.dtype) for name, a in arrays.items()
                     if name not in self.state_names}
        zeros = xp.zeros((n, self.units), dtype=d_y.dtype)
        d_states = tuple(
            d_y if i == 0 and not self.sequences else zeros for i in range(len(self.state_names))
        )
        walk = self._steps(n, steps, run)
        for (counts, position), (now, own) in zip(reversed(walk), reversed(kept), strict=True):
            if self.sequences:
                d_states = (d_states[0] + xp.where(counts, d_y[rows, position], 0), *d_states[1:])
            inside = tuple(xp.where(counts, d, 0) for d in d_states)
            d_pre, d_dropped, before = self.step_back(inside, own, arrays, run, gradients)
            d_h = before[0] + (d_dropped if mask is None else d_dropped * mask)
            d_states = tuple(
                xp.where(counts, a, d) for a, d in zip((d_h, *before[1:]), d_states, strict=True)
            )
            gradients["input_kernel"] = gradients["input_kernel"] + now.T @ d_pre
            if "bias" in gradients:
                gradients["bias"] = gradients["bias"] + xp.sum(d_pre, axis=0)
            d_now = d_pre @ arrays["input_kernel"].T
            d_x[rows, position] = xp.where(counts, d_now, d_x[rows, position])
        for name, gradient in gradients.items():
            gradients[name] = run.note(f"d_{name}", gradient, "sum over the steps")
        return run.note("d_x", d_x, "d_pre input_kernel'"), gradients
