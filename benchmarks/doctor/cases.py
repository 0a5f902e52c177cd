"""The cases of the bank: a sound training, and what was done to it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

import evenly as ev

from . import data as sets
from . import networks
from .data import Data
from .networks import FAMILIES, MORE_FAMILIES, Plan
from .recipes import RECIPES, Made
from .tricks import TRICKS

CHOOSE, REPORT = "choose", "report"
# Candidates; what does not prove to be sick leaves the bank.
EACH, PAIRS = {CHOOSE: 13, REPORT: 5}, {CHOOSE: 110, REPORT: 30}


@dataclass(frozen=True)
class Case:
    """A training of the bank, before anybody knows whether it is truly sick.

    Attributes:
        name: unique; tells data, network and what was done.
        part: ``choose`` or ``report``.
        data: name of the data set.
        plan: of the sound training.
        recipes: name and number of the strength, in the order in which they are applied.
        seed: of the recipes' random choices and of the first training.
        trick: of a healthy case: what it might be mistaken by.
    """

    name: str
    part: str
    data: str
    plan: Plan
    recipes: tuple[tuple[str, int], ...]
    seed: int
    trick: str = ""

    def make(self, without: Collection[str] = ()) -> Made:
        """The plan and the data, recipes applied but for some."""
        plan, data = self.plan, sets.load(self.data)
        if self.trick:
            plan, data = TRICKS[self.trick](plan, data, np.random.default_rng(self.seed))
        for name, strength in self.recipes:
            generator = np.random.default_rng([self.seed, *map(ord, name)])
            if name not in without:
                recipe = RECIPES[name]
                plan, data = recipe.make(plan, data, recipe.strengths[strength], generator)
        return plan, data


def share(*key: Any) -> float:
    """A number in [0, 1) that depends on the key alone."""
    digest = hashlib.sha256(repr(key).encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def names_of(part: str) -> list[str]:
    """The data sets of a part; those of the report alone come twice as often there."""
    known = [name for name in sets.SETS if name not in sets.REPORT_ONLY]
    return known if part == CHOOSE else [*known, *sets.REPORT_ONLY, *sets.REPORT_ONLY]


def random_of(part: str, *key: Any) -> Any:
    """A generator: the parts share no case."""
    words = [ord(letter) for word in key for letter in word]
    return np.random.default_rng([1 if part == CHOOSE else 4, *words])


def sound(data: Data, generator: Any, part: str = CHOOSE) -> Plan:
    """A plan that should do well on these data."""
    def one_of(*values: Any) -> Any:
        return values[generator.integers(len(values))]

    families = FAMILIES[data.form]
    if part == REPORT:
        families = (*families, *MORE_FAMILIES[data.form], *MORE_FAMILIES[data.form])
    family = one_of(*families)
    dense = family in ("mlp", "residual", "branches")
    optimizer, rate = one_of(
        ("adam", 0.01), ("adam", 0.005), ("adamw", 0.01), ("rmsprop", 0.003), ("momentum", 0.03),
        ("momentum", 0.03), ("sgd", 0.2))
    plan = Plan(
        family=family,
        units=one_of(16, 24, 32, 48) if dense else one_of(8, 12),
        depth=one_of(1, 2, 2, 3) if dense else 1 if family in networks.RECURRENT else 2,
        activation=one_of("relu", "relu", "relu", "tanh", "elu", "leaky_relu", "gelu"),
        norm=one_of("", "", "batch", "layer")
        if family not in ("residual", "rnn", "lstm", "gru", "both ways") else "",
        dropout=one_of(0.0, 0.0, 0.0, 0.1, 0.2) if dense else 0.0,
        optimizer=optimizer, rate=rate, batch=one_of(16, 16, 32),
        epochs=40 if dense else 15,
    )
    if family in (*networks.RECURRENT, "both ways"):
        plan = replace(plan, activation="tanh", optimizer="adam", rate=0.01, epochs=30,
                       batch=32)
    if data.task == "numbers" and optimizer == "sgd":
        plan = replace(plan, rate=0.05)
    if data.noisy:
        plan = replace(plan, epochs=20, early_stopping=ev.EarlyStopping(patience=4),
                       optimizer="adam", rate=0.005)
    return plan


def sick(part: str) -> Iterator[Case]:
    """Candidates for the sick ones of a part."""
    for name in RECIPES:
        yield from _of_recipe(name, part)
    yield from _pairs(part)


def _of_recipe(name: str, part: str) -> Iterator[Case]:
    recipe = RECIPES[name]
    generator = random_of(part, name)
    names, found, tries = names_of(part), 0, 0
    while found < EACH[part] and tries < 3000:
        tries += 1
        data = sets.load(names[generator.integers(len(names))])
        plan = sound(data, generator, part)
        if not recipe.fits(plan, data):
            continue
        strength = found % len(recipe.strengths)
        yield Case(f"{name} {strength}, {data.name}, {plan.family}, {found}", part, data.name, plan,
                   ((name, strength),), int(generator.integers(10_000)))
        found += 1


def _pairs(part: str) -> Iterator[Case]:
    generator = np.random.default_rng(2 if part == CHOOSE else 5)
    names, kinds, found = names_of(part), [r for r in RECIPES if RECIPES[r].harm == "score"], 0
    while found < PAIRS[part]:
        data = sets.load(names[generator.integers(len(names))])
        plan = sound(data, generator, part)
        one, two = generator.choice(kinds, 2, replace=False).tolist()
        if not _go_together(one, two, plan, data):
            continue
        # Mild strengths, so that one does not hide the other.
        strengths = [int(generator.integers(max(1, len(RECIPES[r].strengths) - 1)))
                     for r in (one, two)]
        yield Case(f"{one} {strengths[0]} + {two} {strengths[1]}, {data.name}, {plan.family}, "
                   f"{found}", part, data.name, plan,
                   ((one, strengths[0]), (two, strengths[1])), int(generator.integers(10_000)))
        found += 1


def _go_together(one: str, two: str, plan: Plan, data: Data) -> bool:
    """Whether both can be applied, and neither undoes what the other does."""
    changed = []
    for name in (one, two):
        recipe = RECIPES[name]
        if not recipe.fits(plan, data):
            return False
        other, changed_data = recipe.make(plan, data, recipe.strengths[0], np.random.default_rng(0))
        touched = {field.name for field in fields(Plan)
                   if getattr(other, field.name) != getattr(plan, field.name)}
        if changed_data.x is not data.x or changed_data.judge_x is not data.judge_x:
            touched.add("inputs")
        if changed_data.y is not data.y:
            touched.add("targets")
        changed.append(touched)
        plan_after = other
    return not changed[0] & changed[1] and RECIPES[one].fits(plan_after, data)
