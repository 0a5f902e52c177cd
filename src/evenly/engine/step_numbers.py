"""What may differ from step to step: learning rate, momentum, the examples' augmentation, the
weight in an average, dropout and weight decay."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..program.values import Program

# The columns of struct StepNumbers in cpp/program/kernel.hpp.
(_RATE, _MOMENTUM, _MIX, _SHIFT, _AVERAGE, DROPOUT, _DECAY, _CUT, _PLACE,
 FIRST, WHOLE, TOTAL) = range(COLUMNS := 12)
_DRAWN = {"mix": _MIX, "shift": _SHIFT, "cut": _CUT, "place": _PLACE}


def step_numbers(
    program: Program, seed: int, first_step: int, steps: int, rates: Any = None,
    momenta: Any = None, dropouts: Any = None, decays: Any = None,
) -> Any:
    """A row of numbers for each of some steps, as the native core takes them.

    Arguments:
        program, seed: what runs.
        first_step: counted from 0.
        steps: how many.
        rates, momenta: where a schedule moves them; else the optimizer's own count.
        dropouts, decays: what dropout and the weight decay are multiplied by; 1 by default.
    """
    numbers = np.empty((steps, COLUMNS))
    optimizer = program.optimizer
    if rates is None:
        rates = optimizer.learning_rate if optimizer is not None else 0.0
    numbers[:, _RATE] = rates
    numbers[:, _MOMENTUM] = np.nan if momenta is None else momenta
    numbers[:, _MIX] = 1.0
    numbers[:, (_SHIFT, _CUT, _PLACE, FIRST, WHOLE)] = 0.0
    numbers[:, TOTAL] = np.nan
    if program.augment is not None:
        features = math.prod(program.input_shape)
        drawn = program.augment.numbers(seed, first_step, steps, features)
        for name, values in drawn.items():
            numbers[:, _DRAWN[name]] = values
    numbers[:, DROPOUT] = 1.0 if dropouts is None else dropouts
    numbers[:, _DECAY] = 1.0 if decays is None else decays
    average = program.average
    numbers[:, _AVERAGE] = 0.0
    if average is not None and average.by == "step":
        numbers[:, _AVERAGE] = average.weight(np.arange(first_step + 1.0, first_step + steps + 1))
    return numbers


def average_numbers(weight: float) -> Any:
    """The numbers that take the weights into their average between two steps."""
    return np.array([[0.0, np.nan, 1.0, 0.0, weight, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, np.nan]])
