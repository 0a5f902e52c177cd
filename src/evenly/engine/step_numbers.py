"""What may differ from step to step: learning rate, momentum, mixup."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..program.values import Program

# The columns of struct StepNumbers in cpp/program/kernel.hpp.
_RATE, _MOMENTUM, _MIX, _SHIFT = range(4)


def step_numbers(
    program: Program, seed: int, first_step: int, steps: int, rates: Any = None,
    momenta: Any = None,
) -> Any:
    """A row of numbers for each of some steps, as the native core takes them.

    Arguments:
        program, seed: what runs.
        first_step: counted from 0.
        steps: how many.
        rates, momenta: where a schedule moves them; else the optimizer's own count.
    """
    numbers = np.empty((steps, 4))
    optimizer = program.optimizer
    if rates is None:
        rates = optimizer.learning_rate if optimizer is not None else 0.0
    numbers[:, _RATE] = rates
    numbers[:, _MOMENTUM] = np.nan if momenta is None else momenta
    numbers[:, _MIX], numbers[:, _SHIFT] = 1.0, 0.0
    if program.augment is not None:
        numbers[:, _MIX], numbers[:, _SHIFT] = program.augment.draw(seed, first_step, steps)
    return numbers
