"""Recurrent layers by hand: RNN, LSTM and GRU over a few steps of one sequence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ...byhand.work import work_out
from ...errors import DataError
from ...layers import GRU, LSTM, RNN, Sequential
from ...layers.base import Run
from ...layers.recurrent import Recurrent
from ..base import Ask, Inputs, Size, Solution, Topic, by_name
from ..calculation import sizes_of, timed
from ..friendly import not_zero, whole

_MOST_STEPS = 4
_HALF = Fraction(1, 2)


@dataclass(frozen=True)
class Cell:
    """A recurrent layer as a topic.

    Attributes:
        name: of the layer's type, ``"lstm"``.
        make: the layer, from its units and the level.
        gates: how many columns of the kernels belong to each unit.
        forward: (note, words, hint) of each step of the sequence.
        backward: likewise, from the last step to the first.
        text: what the sheet says, by level.
        extra: arrays beside kernels and bias, of one number a unit: name and words.
    """

    name: str
    make: Callable[[int, int], Recurrent]
    gates: int
    forward: tuple[tuple[str, str, str], ...]
    backward: tuple[tuple[str, str, str], ...]
    text: Callable[[int], tuple[str, ...]]
    extra: tuple[tuple[str, str], ...] = ()


def _draw(cell: Cell, rng: np.random.Generator, level: int, steps: int, features: int,
          units: int) -> Inputs:
    """Small whole numbers and halves for which no step is all zero and none so large that tanh is
    1."""
    if level == 1 and cell.gates > 1:
        steps = max(steps - 1, 1)
    wide = cell.gates * units
    # Where results are decimals anyway, halves make for more that differ.
    part = 1 if cell.name == "rnn" and level == 1 else _HALF
    for _ in range(5_000):
        drawn: Inputs = {
            "x": whole(rng, 2, (steps, features)),
            "input_kernel": part * whole(rng, 3, (features, wide)),
            "recurrent_kernel": part * not_zero(rng, 3, (units, wide)), "bias": whole(rng, 1, wide),
            "h": rng.integers(0, 2, units) * (level < 3), "d_h": not_zero(rng, 2, units),
        }
        for name, _ in cell.extra:
            drawn[name] = _HALF * not_zero(rng, 4, units)
        if cell.name == "lstm":
            drawn["c"] = rng.integers(0, 2, units) * (level < 3)
        if _well(cell, drawn, level):
            return drawn
    raise AssertionError("no sequence found")  # one in a few is good


def _well(cell: Cell, drawn: Inputs, level: int) -> bool:
    layer = cell.make(len(drawn["h"]), level)
    noted: dict[str, list[Any]] = {}

    def note(layer: str, name: str, value: Any, formula: str) -> Any:
        noted.setdefault(name, []).append(value)
        return value

    arrays = {k: np.asarray(drawn[k], float) for k in ("input_kernel", "recurrent_kernel", "bias",
                                                       *(name for name, _ in cell.extra))}
    arrays |= {k: np.asarray(drawn[k], float)[None] for k in layer.state_names}
    run = Run(True, recorder=note)
    layer.forward(np.asarray(drawn["x"], float)[None], arrays, run)
    inputs = np.asarray(drawn["x"]) @ drawn["input_kernel"] + drawn["bias"]
    moving = bool(all(np.abs(h).max() > 0 for h in noted["h"]) and np.count_nonzero(drawn["x"]))
    enough = bool((np.abs(drawn["x"]).sum(axis=1) > 0).all())
    small = bool(np.abs(inputs).max() <= (9 if cell.name == "rnn" and level == 1 else 3))
    if cell.name == "rnn":
        # A unit beyond reach of any gradient would make a dull exercise.
        small &= bool(np.abs(np.array(noted["a"])).max() <= (12 if level == 1 else 3))
        moving &= bool((np.array(noted["h"])[:, 0] != 0).any(axis=0).all())
    return moving and enough and small


def _solve(cell: Cell, inputs: Inputs, level: int) -> Solution:
    steps, features, units = sizes_of(inputs, x="steps features", h="units")
    wide = cell.gates * units
    if steps > _MOST_STEPS:
        raise DataError(f"x: at most {_MOST_STEPS} steps, got {steps}")
    single = [*dict(cell.extra), *(["c"] if cell.name == "lstm" else []),
              *(["d_h"] if level == 3 else [])]
    sizes_of(inputs, input_kernel=f"{features} {wide}", recurrent_kernel=f"{units} {wide}",
             bias=f"{wide}", **dict.fromkeys(single, f"{units}"))
    layer = f"{cell.name}_1"
    words = {"input_kernel": "The input kernel", "recurrent_kernel": "The recurrent kernel",
             "bias": "The bias", **dict(cell.extra)}
    own = cell.make(units, level)
    weights = {f"{layer}.{name}": inputs[name] for name in words}
    d_y = None
    if level == 3:
        d_y = np.asarray(inputs["d_h"], object)[None]
    x = np.asarray(inputs["x"], object)[None]
    states = {f"{layer}.{name}": np.asarray(inputs[name], object)[None]
              for name in own.state_names}
    work = work_out(Sequential([own]), x, weights=weights, d_y=d_y, exact=True,
                    carried=states)
    given = {"x": "The sequence: a row for each step"}
    given |= {f"{layer}.{name}": said for name, said in words.items()}
    starts = {"h": "The state h before the first step", "c": "The cell c before the first step"}
    given |= {f"{layer}.{name}": starts[name] for name in own.state_names}
    asked = []
    for t in range(1, steps + 1):
        for note, said, hint in cell.forward:
            asked.append(Ask(timed(f"{layer}.{note}", t), f"Step {t}: {said}", hint, "forward"))
    if level == 3:
        given["d_y"] = "The gradient of the loss on the last state"
        for back in range(1, steps + 1):
            for note, said, hint in cell.backward:
                asked.append(Ask(timed(f"{layer}.{note}", back),
                                 f"Backward, step {steps + 1 - back}: {said}", hint, "backward"))
        asked += [
            Ask(f"{layer}.d_input_kernel", "The gradient of the input kernel",
                "For each step the input, as a column, times d_a as a row. Add up the steps.",
                "backward"),
            Ask(f"{layer}.d_recurrent_kernel", "The gradient of the recurrent kernel",
                "For each step the state before it, as a column, times the gradient of what it was "
                "multiplied into. Add up the steps.", "backward"),
            Ask(f"{layer}.d_bias", "The gradient of the bias", "It was added in every step.",
                "backward"),
        ]
    return Solution(work, cell.text(level), tuple(asked), given, {"layer": layer})


def _topic(name: str, title: str, about: str, levels: tuple[str, str, str], cell: Cell) -> Topic:
    wide = "units" if cell.gates == 1 else f"{cell.gates} units"
    fields = {"x": "(steps, features)", "input_kernel": f"(features, {wide})",
              "recurrent_kernel": f"(units, {wide})", "bias": f"({wide},)",
              **{extra: "(units,)" for extra, _ in cell.extra},
              "h": "(units,): the state before the first step"}
    if cell.name == "lstm":
        fields["c"] = "(units,): the cell before the first step"
    units = Size("units", 2, 1, 3) if cell.gates == 1 else Size("units", 1, 1, 2)
    return Topic(
        name, title, about, levels,
        (Size("steps", 2, 1, 3), Size("features", 2, 1, 3), units),
        lambda rng, level, **sizes: _draw(cell, rng, level, **sizes),
        lambda inputs, level: _solve(cell, inputs, level),
        {**fields, "d_h": "(units,): the gradient on the last state"},
    )


_DECIMALS = "Round to four digits behind the point."
_DECAYING = ("The gradient reaches the last state alone. It flows back through the steps: the sums "
             "over the steps are the gradients of the kernels.")


def _with_back(level: int, *text: str) -> tuple[str, ...]:
    return (*text, _DECAYING) if level == 3 else text


def _rnn_text(level: int) -> tuple[str, ...]:
    f = "ReLU" if level == 1 else "tanh"
    return _with_back(level, f"A simple recurrent layer: `h = f(x input_kernel + bias + h "
                      f"recurrent_kernel)` in every step, with {f} for f and the state of the step "
                      "before on the right." + ("" if level == 1 else f" {_DECIMALS}"))


def _lstm_text(level: int) -> tuple[str, ...]:
    return _with_back(
        level, "An LSTM. The columns of the kernels and of the bias belong to the gates in the "
        "order i, f, g, o: input, forget, candidate, output; first all columns of i, then those of "
        "f, and so on.",
        "`i`, `f`, `o` are sigmoid and `g` is tanh of their columns of `a`; `c = f c + i g` and `h "
        f"= o tanh(c)`. {_DECIMALS}")


def _gru_text(level: int) -> tuple[str, ...]:
    return _with_back(
        level, "A GRU. The columns of the kernels and of the bias belong to the gates in the order "
        "r, z, n: reset, update, candidate; first all columns of r, then those of z, then n.",
        "`r` and `z` are sigmoid of the input's part plus the state's; `n = tanh(x input_kernel_n "
        "+ bias_n + r (h recurrent_kernel_n + recurrent_bias))`; `h = (1 - z) n + z h`. "
        f"{_DECIMALS}")


_LEVELS = ("forward, one step less", "forward", "and backward through time")
_A = ("a", "what enters the activations",
      "The input times the input kernel, plus the bias, plus the state before times the recurrent "
      "kernel.")
TOPICS = by_name(
    _topic(
        "rnn", "Recurrent layer", "A state that is handed on: h = f(x input_kernel + bias + h "
        "recurrent_kernel).",
        ("with ReLU", "with tanh", "with tanh, and backward through time"),
        Cell("rnn", lambda units, level: RNN(units, activation="relu" if level == 1 else "tanh",
                                             stateful=True), 1,
             (("a", "what enters the activation", _A[2]),
              ("h", "the new state", "The activation of each number.")),
             (("d_a", "the gradient on what entered the activation",
               "The gradient on the state, times the activation's slope: of tanh it is 1 - h^2. "
               "In an earlier step the gradient on the state comes through the recurrent "
               "kernel."),),
             _rnn_text)),
    _topic(
        "lstm", "LSTM", "A cell that gates write, forget and read: c = f c + i g; h = o tanh(c).",
        _LEVELS,
        Cell("lstm", lambda units, level: LSTM(units), 4,
             (_A, ("i", "the input gate", "Sigmoid of its columns of a."),
              ("f", "the forget gate", "Sigmoid of its columns of a."),
              ("g", "the candidate", "Tanh of its columns of a."),
              ("o", "the output gate", "Sigmoid of its columns of a."),
              ("c", "the new cell", "What is kept of the old cell, plus what is written."),
              ("h", "the new state", "The output gate times tanh of the new cell.")),
             (("d_c", "the gradient on the cell", "What comes from the step behind it (the "
               "gradient there times the forget gate), plus what comes through h."),
              ("d_a", "the gradient on what entered the gates", "The gradient on each gate times "
               "its slope: s (1 - s) for sigmoid, 1 - g^2 for tanh.")),
             _lstm_text)),
    _topic(
        "gru", "GRU", "A state that gates reset and keep: h = (1 - z) n + z h.",
        _LEVELS,
        Cell("gru", lambda units, level: GRU(units), 3,
             (("r", "the reset gate", "Sigmoid of the input's part of its columns, the bias among "
               "it, plus the state's part."),
              ("z", "the update gate", "Likewise, of its own columns."),
              ("inner", "what the reset gate multiplies", "The state before times its columns of "
               "the recurrent kernel, plus the recurrent bias."),
              ("n", "the candidate", "Tanh of the input's part of its columns plus r times the "
              "last."),
              ("h", "the new state", "Between the candidate and the old state: z keeps the old "
              "one.")),
             (("d_z", "the gradient on what entered the update gate",
               "The gradient on h, times the old state minus the candidate, times the slope, z (1 "
               "- z)."),
              ("d_n", "the gradient on what entered the candidate",
               "The gradient on h, times 1 - z, times the slope 1 - n^2."),
              ("d_r", "the gradient on what entered the reset gate",
               "The gradient on the candidate's inside, times what r multiplied, times the "
               "slope.")),
             _gru_text, (("recurrent_bias", "The recurrent bias, of the candidate"),))),
)
