"""From gradients to new weights: penalty, check, clipping, update, constraint."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ..averaging import WeightAverage
from ..clipping import Clip, ClipNorm, ClipValue
from ..constraints import Constraint
from ..layers.base import ArraySpec
from ..optimizers import ArrayRates, Optimizer
from ..penalties import Penalty
from .parts import Buffer, Instruction


def check_line(
    sizes: Mapping[str, float], penalty: Penalty | None, clip: Clip | None
) -> Instruction:
    """The end of the gradient's list: adds the penalty's part, takes the norm of all gradients, and
    says whether the step is finite."""
    l1, l2 = penalty.strengths if penalty else (0, 0)
    notes = [] if penalty is None else [f"penalty {penalty}"]
    if clip is not None:
        notes.append(f"{clip}")
    return Instruction(
        "gradient_check", (),
        {"values": "values", "gradients": "gradients", "scalars": "scalars", "scratch": "scratch"},
        {**sizes, "l1": l1, "l2": l2, **(clip.numbers if clip else {})}, ", ".join(notes),
    )


def around_still_rows(
    arrays: Mapping[str, ArraySpec], lines: Sequence[Instruction]
) -> list[Instruction]:
    """The lines, which see zeros in the rows that training leaves as they are."""
    before, behind = [], []
    for name, spec in arrays.items():
        if spec.still_row is not None and lines:
            buffers = {"table": name, "held": f"{name}.held"}
            numbers = {"row": spec.still_row, "columns": spec.shape[-1]}
            note = f"row {spec.still_row} of {name}"
            before.append(Instruction("still_row.set_aside", (), buffers, numbers, note))
            behind.append(Instruction("still_row.put_back", (), buffers, numbers, note))
    return [*before, *lines, *behind]


def held_rows(arrays: Mapping[str, ArraySpec]) -> dict[str, tuple[int, ...]]:
    """The buffers that :func:`around_still_rows` wants, and their shapes."""
    return {f"{name}.held": spec.shape[-1:] for name, spec in arrays.items()
            if spec.still_row is not None}


def update_lines(
    sizes: Mapping[str, float], optimizer: Optimizer, clip: Clip | None,
    constraint: Constraint | None, arrays: Mapping[str, ArraySpec], state: Mapping[str, Buffer],
    rates: ArrayRates | None = None,
) -> list[Instruction]:
    """What changes the weights, once a step is known to be finite."""
    trainable = {name: spec for name, spec in arrays.items() if spec.trainable}
    if not trainable:
        return []
    lines = []
    if isinstance(clip, ClipNorm):
        lines += [
            Instruction("clip_norm", (), {"gradient": f"{name}.gradient", "scratch": "scratch"},
                        {"size": math.prod(spec.shape), "max_norm": clip.max_norm}, name)
            for name, spec in trainable.items()
        ]
    states = [f"state_{i + 1}" for i in range(len(optimizer.states))]
    limit = clip.numbers if isinstance(clip, ClipValue) else {}
    kernel, own = f"{optimizer.kernel}.update", {**optimizer.numbers(), **limit}
    if rates is None:
        lines.append(Instruction(
            kernel, (),
            {"values": "values", "gradients": "gradients", "scalars": "scalars",
             **{name: name for name in states}},
            {**sizes, **own, "weight_decay": optimizer.weight_decay}, repr(optimizer),
        ))
    else:
        lines += [_one_update(kernel, name, spec, states, own, optimizer, rates)
                  for name, spec in trainable.items()]
    if constraint is not None:
        lines += [
            Instruction(constraint.kernel, (), {"values": name},
                        {"rows": math.prod(spec.shape[:-1]), "columns": spec.shape[-1],
                         **constraint.numbers}, name)
            for name, spec in trainable.items() if spec.decays
        ]
    return lines


def _one_update(
    kernel: str, name: str, spec: ArraySpec, states: Sequence[str], numbers: Mapping[str, float],
    optimizer: Optimizer, rates: ArrayRates,
) -> Instruction:
    """The update of one array, with its own rate and decay."""
    size, factor = math.prod(spec.shape), rates.factor(name)
    return Instruction(
        kernel, (),
        {"values": name, "gradients": f"{name}.gradient", "scalars": "scalars",
         **{state: f"{name}.{state}" for state in states}},
        {"size": size, "decaying": size if spec.decays else 0, **numbers, "rate_factor": factor,
         "weight_decay": optimizer.weight_decay * rates.decay_factor(name)},
        f"{name}, rate times {factor:g}",
    )


def average_lines(
    average: WeightAverage, state: Mapping[str, Buffer]
) -> tuple[list[Instruction], list[Instruction]]:
    """What begins the averages of parameters and running statistics before a step, and what takes
    these in behind it."""
    pairs = {"values": "average", "statistics": "average_statistics"}
    there = {values: goal for values, goal in pairs.items() if goal in state}


    def lines(kernel: str, of_statistics: str) -> list[Instruction]:
        return [
            Instruction(kernel if values == "values" else of_statistics, (),
                        {"values": values, "average": goal}, {"size": state[values].shape[0]},
                        f"{average}: {values}")
            for values, goal in there.items() if state[values].bytes
        ]

    begin = f"{average.kernel}.begin"
    return lines(begin, begin) if average.leads else [], lines(average.kernel, "average")
