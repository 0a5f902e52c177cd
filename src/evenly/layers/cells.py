"""RNN, LSTM and GRU: what happens in one step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ..initializers import GateBias, Initializer
from .base import ArrayLike, Arrays, ArraySpec, Run, Shape, expect
from .recurrent import Recurrent
from .special import logistic


@dataclass(frozen=True)
class RNN(Recurrent):
    """A simple recurrent layer: ``h_t = f(x_t input_kernel + h_{t-1} recurrent_kernel + bias)``.

    Gradients flow back through all steps: with ``d_a = d_h f'(a)``, ``d_x_t = d_a
    input_kernel'``, ``d_h_{t-1} = d_a recurrent_kernel'``, and each kernel's gradient is the sum
    over the steps.

    Arguments:
        units: size of the state h.
        sequences: whether every step's h comes out, or the last one alone.
        layers: one upon the other; each reads the sequence that the one below gives.
        bidirectional: whether a second layer walks backwards; the outputs stand side by side.
        dropout: between the layers, as :class:`Dropout`.
        recurrent_dropout: fraction of h that each step's product does not see; one mask an example
            for all steps of a sequence (Gal and Ghahramani 2016).
        reverse: walks backwards; the output of a step stays at its place.
        stateful: whether row i of a batch starts with the state in which row i of the batch before
            ended (else with zeros): for sequences that are cut into pieces, trained by truncated
            backpropagation through time. See :attr:`Engine.states`.
        bias: whether a bias is added.
        input_init, recurrent_init: first values of the kernels.
        name: the layer's name; by default ``rnn_1``, ...
        activation: f, ``"tanh"`` or ``"relu"``.

    Shapes: (batch, steps, features) to (batch, units), or (batch, steps, units). Arrays:
    ``input_kernel`` (features, units), ``recurrent_kernel`` (units, units), ``bias`` (units,).
    PyTorch's ``weight_ih_l0`` and ``weight_hh_l0`` are the kernels transposed; the bias is the sum
    of its two.

    With ``lengths`` the steps behind the end of a sequence do not exist: the state stays, the
    output there is 0, and nothing of them reaches a gradient. A sequence of length 0 has no step:
    its last state is the first one.

    Raises:
        ShapeError: examples that are no sequences.

    Source: Elman 1990, "Finding structure in time".

    Example:
        >>> RNN(8, sequences=True).output_shape((5, 3))
        (5, 8)
    """

    activation: str = "tanh"

    kernel: ClassVar[str | None] = "rnn"

    def __post_init__(self) -> None:
        super().__post_init__()
        expect(self.activation in ("tanh", "relu"), self, "activation is 'tanh' or 'relu'",
               self.activation)

    def numbers(self, shape: Shape) -> dict[str, float]:
        return {**super().numbers(shape), "relu": self.activation == "relu"}

    def step(self, pre: ArrayLike, h: ArrayLike, dropped: ArrayLike, states: Sequence[ArrayLike],
             arrays: Arrays, run: Run) -> tuple[tuple[ArrayLike, ...], Any]:
        a = run.note("a", pre + dropped @ arrays["recurrent_kernel"],
                     "x input_kernel + bias + h recurrent_kernel")
        new = run.xp.tanh(a) if self.activation == "tanh" else run.xp.maximum(a, 0)
        new = run.note("h", new, f"{self.activation}(a)")
        return (new,), (dropped, new)

    def step_back(self, d_states: Sequence[ArrayLike], saved: Any, arrays: Arrays, run: Run,
                  gradients: dict[str, ArrayLike]) -> tuple[Any, Any, tuple[Any, ...]]:
        dropped, new = saved
        slope = 1 - new * new if self.activation == "tanh" else (new > 0) * 1
        d_a = run.note("d_a", d_states[0] * slope, "d_h f'(a)")
        gradients["recurrent_kernel"] = gradients["recurrent_kernel"] + dropped.T @ d_a
        return d_a, d_a @ arrays["recurrent_kernel"].T, (0,)


@dataclass(frozen=True)
class LSTM(Recurrent):
    """Long short-term memory::

        i, f, o = sigmoid(x_t input_kernel + h_{t-1} recurrent_kernel + bias), each its columns
        g = tanh(the same, its columns)
        c_t = f c_{t-1} + i g          (the cell: what is forgotten, what is added)
        h_t = o tanh(c_t)

    Gradients: ``d_c += d_h o (1 - tanh(c)^2)``; then ``d_i = d_c g``, ``d_f = d_c c_{t-1}``,
    ``d_g = d_c i``, ``d_o = d_h tanh(c)`` through the gates' slopes, and ``d_c_{t-1} = d_c f``:
    along the cell the gradient is only ever multiplied by f.

    Arguments: as :class:`RNN` (without ``activation``), and
        forget_bias: first value of the forget gate's bias. 1 lets the cell remember from the
            start; PyTorch begins near 0.

    Shapes: (batch, steps, features) to (batch, units), or (batch, steps, units). Arrays:
    ``input_kernel`` (features, 4 units), ``recurrent_kernel`` (units, 4 units), ``bias``
    (4 units,); the gates stand in the order i, f, g, o, as in PyTorch and Keras.

    Raises:
        ShapeError: examples that are no sequences.

    Source: Hochreiter and Schmidhuber 1997; the forget gate: Gers, Schmidhuber and Cummins 2000.

    Example:
        >>> LSTM(8, bidirectional=True).output_shape((5, 3))
        (16,)
    """

    forget_bias: float = 1.0

    gates: ClassVar[int] = 4
    gate_names: ClassVar[str] = "ifgo"
    state_names: ClassVar[tuple[str, ...]] = ("h", "c")
    kernel: ClassVar[str | None] = "lstm"

    def first_bias(self) -> Initializer:
        return GateBias(1, 4, self.forget_bias)

    def workspace(self, shape: Shape, rows: int) -> dict[str, Shape]:
        steps, examples = shape[0], rows // shape[0]
        return {
            **super().workspace(shape, rows),
            "cells": (steps + 1, examples, self.units),
            "cells_tanh": (steps, examples, self.units),
        }

    def step(self, pre: ArrayLike, h: ArrayLike, dropped: ArrayLike, states: Sequence[ArrayLike],
             arrays: Arrays, run: Run) -> tuple[tuple[ArrayLike, ...], Any]:
        xp, note, u = run.xp, run.note, self.units
        a = note("a", pre + dropped @ arrays["recurrent_kernel"],
                 "x input_kernel + bias + h recurrent_kernel")
        i = note("i", logistic(xp, a[:, :u]), "sigmoid(a_i)")
        f = note("f", logistic(xp, a[:, u : 2 * u]), "sigmoid(a_f)")
        g = note("g", xp.tanh(a[:, 2 * u : 3 * u]), "tanh(a_g)")
        o = note("o", logistic(xp, a[:, 3 * u :]), "sigmoid(a_o)")
        c = note("c", f * states[1] + i * g, "f c + i g")
        t = note("tanh_c", xp.tanh(c), "tanh(c)")
        return (note("h", o * t, "o tanh(c)"), c), (dropped, states[1], i, f, g, o, t)

    def step_back(self, d_states: Sequence[ArrayLike], saved: Any, arrays: Arrays, run: Run,
                  gradients: dict[str, ArrayLike]) -> tuple[Any, Any, tuple[Any, ...]]:
        xp, note = run.xp, run.note
        dropped, c, i, f, g, o, t = saved
        d_h = d_states[0]
        d_c = note("d_c", d_states[1] + d_h * o * (1 - t * t), "d_c + d_h o (1 - tanh(c)^2)")
        d_a = note("d_a", xp.concatenate([
            d_c * g * i * (1 - i), d_c * c * f * (1 - f), d_c * i * (1 - g * g),
            d_h * t * o * (1 - o),
        ], axis=1), "gradients of the gates times their slopes")
        gradients["recurrent_kernel"] = gradients["recurrent_kernel"] + dropped.T @ d_a
        return d_a, d_a @ arrays["recurrent_kernel"].T, (0, d_c * f)


@dataclass(frozen=True)
class GRU(Recurrent):
    """Gated recurrent unit::

        r, z = sigmoid(x_t input_kernel + h_{t-1} recurrent_kernel + bias), each its columns
        n = tanh(x_t input_kernel_n + bias_n + r (h_{t-1} recurrent_kernel_n + recurrent_bias))
        h_t = (1 - z) n + z h_{t-1}

    That is ``reset="after"``: the reset gate works behind the product, as in PyTorch and in Keras
    by default. With ``reset="before"`` it works in front, ``(r h_{t-1}) recurrent_kernel_n``, as
    in the paper, and there is no ``recurrent_bias``.

    Arguments: as :class:`RNN` (without ``activation``), and
        reset: ``"after"`` or ``"before"``.

    Shapes: (batch, steps, features) to (batch, units), or (batch, steps, units). Arrays:
    ``input_kernel`` (features, 3 units), ``recurrent_kernel`` (units, 3 units), ``bias``
    (3 units,), ``recurrent_bias`` (units,); the gates stand in the order r, z, n, as in PyTorch
    (Keras has z, r, n). For r and z the bias is the sum of PyTorch's two; ``recurrent_bias`` is
    the part of ``bias_hh_l0`` that belongs to n.

    Raises:
        ShapeError: examples that are no sequences.

    Source: Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder", section
    2.3.

    Example:
        >>> GRU(8).output_shape((5, 3))
        (8,)
    """

    reset: str = "after"

    gates: ClassVar[int] = 3
    gate_names: ClassVar[str] = "rzn"
    kernel: ClassVar[str | None] = "gru"

    def __post_init__(self) -> None:
        super().__post_init__()
        expect(self.reset in ("after", "before"), self, "reset is 'after' or 'before'", self.reset)

    def arrays(self, shape: Shape) -> dict[str, ArraySpec]:
        arrays = super().arrays(shape)
        if self.bias and self.reset == "after":
            arrays["recurrent_bias"] = ArraySpec((self.units,))
        return arrays

    def numbers(self, shape: Shape) -> dict[str, float]:
        return {**super().numbers(shape), "reset_after": self.reset == "after"}

    def workspace(self, shape: Shape, rows: int) -> dict[str, Shape]:
        # what the reset gate multiplies (after), or the product of the two (before)
        return {**super().workspace(shape, rows),
                "inner": (shape[0], rows // shape[0], self.units)}

    def step(self, pre: ArrayLike, h: ArrayLike, dropped: ArrayLike, states: Sequence[ArrayLike],
             arrays: Arrays, run: Run) -> tuple[tuple[ArrayLike, ...], Any]:
        xp, note, u = run.xp, run.note, self.units
        kernel = arrays["recurrent_kernel"]
        gates = logistic(xp, pre[:, : 2 * u] + dropped @ kernel[:, : 2 * u])
        r, z = note("r", gates[:, :u], "sigmoid(a_r)"), note("z", gates[:, u:], "sigmoid(a_z)")
        if self.reset == "after":
            inner = dropped @ kernel[:, 2 * u :]
            if "recurrent_bias" in arrays:
                inner = inner + arrays["recurrent_bias"]
            inner = note("inner", inner, "h recurrent_kernel_n + recurrent_bias")
            n = note("n", xp.tanh(pre[:, 2 * u :] + r * inner), "tanh(x input_kernel_n + r inner)")
        else:
            inner = note("inner", r * dropped, "r h")
            n = note("n", xp.tanh(pre[:, 2 * u :] + inner @ kernel[:, 2 * u :]),
                     "tanh(x input_kernel_n + inner recurrent_kernel_n)")
        return (note("h", (1 - z) * n + z * h, "(1 - z) n + z h"),), (h, dropped, r, z, n, inner)

    def step_back(self, d_states: Sequence[ArrayLike], saved: Any, arrays: Arrays, run: Run,
                  gradients: dict[str, ArrayLike]) -> tuple[Any, Any, tuple[Any, ...]]:
        xp, note, u = run.xp, run.note, self.units
        h, dropped, r, z, n, inner = saved
        kernel, d_h = arrays["recurrent_kernel"], d_states[0]
        d_z = note("d_z", d_h * (h - n) * z * (1 - z), "d_h (h - n) z (1 - z)")
        d_n = note("d_n", d_h * (1 - z) * (1 - n * n), "d_h (1 - z) (1 - n^2)")
        if self.reset == "after":
            d_inner = note("d_inner", d_n * r, "d_n r")
            d_r, left, direct = d_n * inner, dropped, 0
            if "recurrent_bias" in gradients:
                gradients["recurrent_bias"] = gradients["recurrent_bias"] + xp.sum(d_inner, axis=0)
        else:
            d_product = note("d_inner", d_n @ kernel[:, 2 * u :].T, "d_n recurrent_kernel_n'")
            d_inner, d_r, left, direct = d_n, d_product * dropped, inner, d_product * r
        d_gates = xp.concatenate([note("d_r", d_r * r * (1 - r), "through sigmoid"), d_z], axis=1)
        d_kernel = xp.concatenate([dropped.T @ d_gates, left.T @ d_inner], axis=1)
        gradients["recurrent_kernel"] = gradients["recurrent_kernel"] + d_kernel
        d_dropped = d_gates @ kernel[:, : 2 * u].T + direct
        if self.reset == "after":
            d_dropped = d_dropped + d_inner @ kernel[:, 2 * u :].T
        return xp.concatenate([d_gates, d_n], axis=1), d_dropped, (d_h * z,)
