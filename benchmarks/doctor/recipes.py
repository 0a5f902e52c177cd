"""How a sound training is made sick: one recipe an ailment, at several strengths.

A recipe changes the plan or the data and nothing else, so that its cure is to leave it out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import evenly as ev

from .data import Data
from .networks import Plan

Made = tuple[Plan, Data]


@dataclass(frozen=True)
class Recipe:
    """An ailment.

    Attributes:
        kinds: findings that name it; the first is its own, the others say the same in other words.
        make: (plan, data, strength, generator) to a sick (plan, data).
        strengths: from mild to severe.
        fits: whether it can be applied to this plan and data at all.
        also: findings that are true of it as its consequence, never the first to cure.
        harm: ``score`` (on the judge's rows), or ``promise``: validation says more than is true.
    """

    kinds: tuple[str, ...]
    make: Callable[[Plan, Data, Any, Any], Made]
    strengths: tuple[Any, ...]
    fits: Callable[[Plan, Data], bool] = lambda plan, data: True
    also: tuple[str, ...] = ()
    harm: str = "score"


def _plan(**changes: Callable[[Any], Any] | Any) -> Callable[[Plan, Data, Any, Any], Made]:
    """A recipe that sets fields of the plan; a function is called with the strength."""
    def make(plan: Plan, data: Data, strength: Any, generator: Any) -> Made:
        values = {name: value(strength) if callable(value) else value
                  for name, value in changes.items()}
        return replace(plan, **values), data

    return make


def _rate(factor_of: Callable[[Any], float]) -> Callable[[Plan, Data, Any, Any], Made]:
    def make(plan: Plan, data: Data, strength: Any, generator: Any) -> Made:
        return replace(plan, rate=plan.rate * factor_of(strength), schedule=None), data

    return make


def _unscaled(plan: Plan, data: Data, strength: Any, generator: Any) -> Made:
    kind, size = strength
    columns = data.shape[-1]
    if kind == "one":
        factor = np.ones(columns)
        factor[generator.integers(columns)] = size
        return plan, data.inputs(lambda x: x * factor)
    if kind == "spread":
        factor = 10 ** generator.uniform(0, np.log10(size), columns)
        return plan, data.inputs(lambda x: (x + 2) * factor)
    if kind == "offset":
        return plan, data.inputs(lambda x: x + size)
    return plan, data.inputs(lambda x: x * size)


def _constant(plan: Plan, data: Data, strength: Any, generator: Any) -> Made:
    """Columns that became constant on the way: cut to whole numbers, or never filled."""
    columns = data.shape[-1]
    lost = generator.permutation(columns)[: round(strength * columns)]

    def change(x: Any) -> Any:
        x = x.copy()
        x[..., lost] = 0.0
        return x

    return plan, data.inputs(change)


def _numbers(plan: Plan, data: Data, strength: Any, generator: Any) -> Made:
    factor, offset = strength
    return plan, data.targets(lambda y: (y * factor + offset).astype(np.float32))


def _mismatch(plan: Plan, data: Data, strength: Any, generator: Any) -> Made:
    """Validation and test inputs prepared in another way than those that are trained on."""
    kind, size = strength

    def change(x: Any) -> Any:
        return (x * size if kind == "factor" else x + size).astype(np.float32)

    return plan, replace(data, watch_x=change(data.watch_x), judge_x=change(data.judge_x))


def _imbalanced(plan: Plan, data: Data, strength: Any, generator: Any) -> Made:
    """Most rows of all classes but one are missing from the training and validation part."""
    common = int(generator.integers(data.outputs if data.task == "classes" else 2))

    def keep(y: Any) -> Any:
        kept = (y == common) | (generator.random(len(y)) < strength)
        for one in np.unique(y):
            kept[np.flatnonzero(y == one)[:2]] = True
        return kept

    train, watch = keep(data.y), keep(data.watch_y)
    # As many steps as before: what is tried is the imbalance, not fewer steps.
    epochs = round(plan.epochs * len(train) / train.sum())
    return replace(plan, epochs=min(epochs, 4 * plan.epochs)), replace(
        data, x=data.x[train], y=data.y[train], watch_x=data.watch_x[watch],
        watch_y=data.watch_y[watch])


def _shuffled(plan: Plan, data: Data, strength: Any, generator: Any) -> Made:
    """So many of the labels belong to other rows; the judge's are right."""
    def shuffle(y: Any) -> Any:
        y = y.copy()
        moved = np.flatnonzero(generator.random(len(y)) < strength)
        y[moved] = y[generator.permutation(moved)]
        return y

    return plan, replace(data, y=shuffle(data.y), watch_y=shuffle(data.watch_y))


def _wrong_range(plan: Plan, data: Data, strength: Any, generator: Any) -> Made:
    low, high = strength
    return replace(plan, output="sigmoid", loss="squared"), data.targets(
        lambda y: np.where(y == 1, high, low))


def _overfit(plan: Plan, data: Data, strength: Any, generator: Any) -> Made:
    epochs, units = strength
    return replace(plan, epochs=plan.epochs * epochs, units=units, dropout=0.0, l2=0.0,
                   weight_decay=0.0, early_stopping=None), data


def _leak(plan: Plan, data: Data, strength: Any, generator: Any) -> Made:
    """So much of the validation part is rows of the training part, which the network learns by
    heart."""
    count = round(strength * len(data.watch_x))
    rows = generator.choice(len(data.x), count, replace=False)
    watch_x, watch_y = data.watch_x.copy(), data.watch_y.copy()
    watch_x[:count], watch_y[:count] = data.x[rows], data.y[rows]
    plan = replace(plan, epochs=40, rate=0.01, units=48, early_stopping=None)
    return plan, replace(data, watch_x=watch_x, watch_y=watch_y)


def _dead(plan: Plan, data: Data) -> bool:
    return plan.activation == "relu" and not plan.norm and plan.family in ("mlp", "cnn", "conv1d")


def _saturates(plan: Plan, data: Data) -> bool:
    return plan.family == "mlp" and plan.activation in ("tanh", "sigmoid") and not plan.norm


def _plain(plan: Plan, data: Data) -> bool:
    return plan.family in ("mlp", "cnn", "conv1d") and not plan.norm


def _dense(plan: Plan, data: Data) -> bool:
    return plan.family == "mlp"


def _numeric(plan: Plan, data: Data) -> bool:
    return data.task == "numbers"


def _classes(plan: Plan, data: Data) -> bool:
    return data.task == "classes"


def _labels(plan: Plan, data: Data) -> bool:
    return data.task == "labels"


def _curved(plan: Plan, data: Data) -> bool:
    return data.name in ("rings", "friedman", "stripes", "shapes", "moons", "clusters") and (
        plan.family in ("mlp", "cnn"))


def _descends(plan: Plan, data: Data) -> bool:
    return plan.optimizer in ("sgd", "momentum")


def _batch_norm(plan: Plan, data: Data) -> bool:
    return plan.norm == "batch" and plan.family in ("mlp", "cnn", "conv1d")


STUCK = ("not_learning", "cannot_memorize")

RECIPES: dict[str, Recipe] = {
    "symmetric": Recipe(
        ("symmetric_init",), _plan(init=ev.Constant), (0.0, 0.05, 0.3),
        lambda plan, data: plan.family in ("mlp", "cnn", "conv1d") and not plan.dropout,
        also=("bad_init_scale", "vanishing_gradient", *STUCK)),
    "large weights": Recipe(
        ("bad_init_scale", "exploding_gradient"), _plan(init=ev.Normal), (1.0, 2.0, 5.0), _plain,
        also=("saturation", "dead_relu", *STUCK)),
    "small weights": Recipe(
        ("bad_init_scale", "vanishing_gradient"), _plan(init=ev.Normal, depth=4),
        (1e-2, 1e-3, 1e-4), _plain, also=STUCK),
    "deep sigmoid": Recipe(
        ("vanishing_gradient",),
        lambda plan, data, depth, generator: (replace(
            plan, activation="sigmoid", depth=depth, init=ev.XavierNormal(), norm=""), data),
        (4, 6, 9), _dense, also=("saturation", "bad_init_scale", *STUCK)),
    "deep relu": Recipe(
        ("exploding_gradient", "bad_init_scale"),
        lambda plan, data, deviation, generator: (replace(
            plan, activation="relu", depth=7, units=32, init=ev.Normal(deviation), norm=""), data),
        (0.4, 0.6, 0.9), _dense, also=("dead_relu", *STUCK)),
    "recurrent weights": Recipe(
        ("exploding_gradient", "bad_init_scale", "saturation"),
        lambda plan, data, deviation, generator: (replace(
            plan, recurrent_init=ev.Normal(deviation)), data),
        (0.6, 1.0, 2.0), lambda plan, data: plan.recurrent,
        also=STUCK),
    "dead": Recipe(
        ("dead_relu",), _plan(bias=float), (-3.0, -6.0, -10.0), _dead,
        also=("vanishing_gradient", "bad_init_scale", *STUCK)),
    "saturated": Recipe(
        ("saturation", "bad_init_scale"), _plan(init=ev.Normal), (1.0, 2.0, 4.0), _saturates,
        also=("exploding_gradient", "vanishing_gradient", *STUCK)),
    "rate high": Recipe(
        ("rate_too_high", "oscillation", "divergence"), _rate(float), (30.0, 100.0, 1000.0),
        also=("exploding_gradient", "dead_relu", "saturation", *STUCK)),
    "momentum": Recipe(
        ("oscillation", "rate_too_high", "divergence"),
        lambda plan, data, rate, generator: (replace(
            plan, optimizer="momentum", momentum=0.98, rate=rate, schedule=None), data),
        (0.1, 0.3, 1.0), _descends, also=("exploding_gradient", "dead_relu", "saturation", *STUCK)),
    "rate low": Recipe(
        ("rate_too_low",), _rate(lambda strength: 1 / strength),
        (30.0, 100.0, 1000.0), also=("undertrained", *STUCK)),
    "too short": Recipe(
        ("undertrained",),
        lambda plan, data, epochs, generator: (replace(plan, epochs=epochs, schedule=None), data),
        (1, 2, 3)),
    "too long": Recipe(
        ("overfitting",), _overfit, ((3, 64), (6, 64), (10, 96)),
        lambda plan, data: data.noisy and plan.family in ("mlp", "residual")),
    "few units": Recipe(
        ("underfitting_capacity",), _plan(units=int), (1, 2),
        lambda plan, data: not data.linear and not plan.norm, also=("cannot_memorize",
                                                                    "not_learning")),
    "penalty": Recipe(
        ("over_regularized",), _plan(l2=float), (0.5, 1.5, 5.0), also=STUCK),
    "decay": Recipe(
        ("over_regularized",), _plan(optimizer="adamw", weight_decay=float, rate=0.01),
        (10.0, 30.0), also=STUCK),
    "dropout": Recipe(
        ("dropout_too_strong",), _plan(dropout=float), (0.8, 0.9, 0.95),
        lambda plan, data: plan.family != "residual", also=("over_regularized",)),
    "unscaled": Recipe(
        ("inputs_not_scaled",), _unscaled,
        (("spread", 1e3), ("one", 1e3), ("offset", 100.0), ("all", 100.0), ("spread", 1e5)),
        lambda plan, data: plan.norm != "batch" or data.form == "table",
        also=("saturation", "exploding_gradient", "dead_relu", "rate_too_high", *STUCK)),
    "scaled twice": Recipe(
        ("inputs_scaled_twice", "inputs_not_scaled"),
        lambda plan, data, factor, generator: (plan, data.inputs(lambda x: x / factor)),
        (50.0, 255.0, 4096.0), lambda plan, data: plan.norm == "" and plan.family != "residual",
        also=("rate_too_low", "vanishing_gradient", "undertrained", *STUCK)),
    "constant": Recipe(
        ("inputs_constant",), _constant, (0.7, 0.9, 1.0),
        lambda plan, data: data.shape[-1] > 3, also=STUCK),
    "numbers": Recipe(
        ("targets_not_scaled",), _numbers, ((1e2, 1e3), (1e4, 0.0), (1e3, 1e4)), _numeric,
        also=("undertrained", "rate_too_low", "exploding_gradient", "clipping_always",
              *STUCK)),
    "mismatch": Recipe(
        ("train_test_mismatch",), _mismatch,
        (("add", 1.0), ("add", 2.0), ("factor", 1 / 16), ("add", 5.0)),
        also=("overfitting",)),
    "imbalance": Recipe(
        ("class_imbalance",), _imbalanced, (0.04, 0.08),
        lambda plan, data: data.task != "numbers" and len(data.x) > 100, also=("overfitting",)),
    "shuffled": Recipe(
        ("labels_corrupted",), _shuffled, (0.6, 0.8, 1.0), also=("overfitting", *STUCK)),
    "wrong range": Recipe(
        ("labels_wrong_range", "output_activation_wrong", "loss_wrong"), _wrong_range,
        ((1, 2), (0, 255), (0, 10)), _labels, also=("saturation", *STUCK)),
    "softmax twice": Recipe(
        ("output_activation_wrong",), _plan(output="softmax"), ("softmax",), _classes),
    "sigmoid before the loss": Recipe(
        ("output_activation_wrong",), _plan(output=str), ("sigmoid", "relu"),
        lambda plan, data: data.task != "numbers", also=("saturation", *STUCK)),
    "bounded output": Recipe(
        ("output_activation_wrong",), _plan(output=str), ("sigmoid", "relu", "tanh"), _numeric,
        also=("targets_not_scaled", "saturation", *STUCK)),
    "wrong loss": Recipe(
        ("loss_wrong",), _plan(loss=str), ("numbers", "absolute", "squared"), _classes, also=STUCK),
    "no activations": Recipe(
        ("missing_activations",), _plan(activation=""), ("none",), _curved,
        also=("underfitting_capacity", "cannot_memorize")),
    "lagging": Recipe(
        ("batch_norm_mismatch",), _plan(norm_decay=float, norm="batch"), (0.995, 0.999, 0.9999),
        _batch_norm, also=("overfitting",)),
    "batches of two": Recipe(
        ("batch_too_small", "batch_norm_mismatch"), _plan(batch=int), (2, 3), _batch_norm,
        also=("rate_too_high",)),
    "dropout in front": Recipe(
        ("batch_norm_mismatch", "dropout_too_strong"), _plan(dropout=float, dropout_first=True),
        (0.5, 0.7), _batch_norm),
    "clipped": Recipe(
        ("clipping_always",), _plan(clip=ev.ClipGlobalNorm), (1e-3, 1e-2, 3e-2), _descends,
        also=("rate_too_low", "undertrained", *STUCK)),
    "wrong sign": Recipe(
        ("gradient_sign",), _plan(own="wrong sign"), (1,),
        also=("rate_too_high", "exploding_gradient", "saturation", *STUCK)),
    "mixed rows": Recipe(
        ("rows_coupled",), _plan(own="mixes rows"), (1,),
        lambda plan, data: plan.family in ("mlp", "cnn"),
        also=("batch_norm_mismatch", "overfitting", *STUCK)),
    "leak": Recipe(
        ("validation_leaks",), _leak, (0.5, 1.0),
        lambda plan, data: data.noisy, also=("overfitting",), harm="promise"),
}
