"""What a hasty doctor mistakes for a sickness: changes of sound trainings that stay sound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

import evenly as ev

from .data import Data
from .networks import Plan
from .recipes import Made, _imbalanced

Trick = Callable[[Plan, Data, Any], Made]


def _plan(**changes: Any) -> Trick:
    return lambda plan, data, generator: (replace(plan, **changes), data)


def _outliers(plan: Plan, data: Data, generator: Any) -> Made:
    """One value in two hundred is eight times as large."""
    def change(x: Any) -> Any:
        return np.where(generator.random(x.shape) < 0.005, 8 * x, x)

    return plan, data.inputs(change)


def _small_validation(plan: Plan, data: Data, generator: Any) -> Made:
    rows = generator.permutation(len(data.watch_x))[:12]
    return plan, replace(data, watch_x=data.watch_x[rows], watch_y=data.watch_y[rows])


def _in_unit_range(plan: Plan, data: Data, generator: Any) -> Made:
    """Inputs from 0 to 1, as pictures come."""
    low, high = data.x.min(), data.x.max()
    return plan, data.inputs(lambda x: (x - low) / (high - low))


def _shifted(plan: Plan, data: Data, generator: Any) -> Made:
    """Columns of somewhat different scale and place, as they come from a meter."""
    factor = 2.0 ** generator.uniform(-1, 1, data.shape[-1])
    return plan, data.inputs(lambda x: (x + 0.5) * factor)


def _idle_columns(plan: Plan, data: Data, generator: Any) -> Made:
    """Two columns that are always zero beside those that say something."""
    return plan, data.inputs(
        lambda x: np.concatenate([x, np.zeros((*x.shape[:-1], 2))], axis=-1))


def _rare_class(plan: Plan, data: Data, generator: Any) -> Made:
    return _imbalanced(plan, data, 0.25, generator)


def _larger_targets(plan: Plan, data: Data, generator: Any) -> Made:
    return plan, data.targets(lambda y: (3 * y + 2).astype(np.float32))


def _faster(factor: float) -> Trick:
    return lambda plan, data, generator: (replace(plan, rate=plan.rate * factor), data)


TRICKS: dict[str, Trick] = {
    "outliers": _outliers,
    "sparse relu": _plan(family="mlp", activation="relu", bias=-0.3, units=48, norm=""),
    "small batches": _plan(batch=8, optimizer="momentum", rate=0.01),
    "oscillates and decays": lambda plan, data, generator: (replace(
        plan, optimizer="momentum", rate=0.1, batch=16,
        schedule=ev.CosineDecay()), data),
    "warm-up": _plan(schedule=ev.LinearWarmup(80)),
    "small validation": _small_validation,
    "deep residual": _plan(family="residual", depth=8, units=24, dropout=0.0),
    "clipped lstm": _plan(family="lstm", units=16, depth=1, clip=ev.ClipGlobalNorm(1.0),
                          optimizer="adam", rate=0.01, epochs=50),
    "batch norm, 16": _plan(family="mlp", norm="batch", batch=16),
    "high rate": _faster(3.0),
    "linear": _plan(family="mlp", depth=0, optimizer="adam", rate=0.02, epochs=60),
    "rare class": _rare_class,
    "early stopping": _plan(early_stopping=ev.EarlyStopping(patience=6), epochs=80),
    "small network": _plan(units=6, depth=1),
    "unit range": _in_unit_range,
    "shifted": _shifted,
    "idle columns": _idle_columns,
    "larger targets": _larger_targets,
    "half dropped": _plan(family="mlp", dropout=0.4, units=96, depth=2),
    "light penalty": _plan(l2=1e-3),
    "whole batch": _plan(batch=1000, epochs=250, optimizer="adam", rate=0.01),
    "tanh": _plan(family="mlp", activation="tanh", depth=3, norm=""),
    "cosine": _plan(schedule=ev.CosineDecay()),
}


def suits(trick: str, data: Data) -> bool:
    linear = ("linear", "small network")
    return not (
        (trick == "clipped lstm" and data.form != "sequence")
        or (trick in linear and not data.linear)
        or (trick in ("sparse relu", "deep residual", "batch norm, 16", "half dropped", "tanh")
            and data.form != "table")
        or (trick == "larger targets" and data.task != "numbers")
        or (trick == "rare class" and (data.task == "numbers" or len(data.x) < 200))
        or (trick == "oscillates and decays" and data.task == "numbers")
        or (trick == "early stopping" and data.name in ("iris", "wine"))
    )
