"""Sound trainings, and among them those that look sick to a hasty doctor."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from . import data as sets
from .cases import CHOOSE, REPORT, Case, names_of, sound
from .tricks import TRICKS, suits

PLAIN, EACH = {CHOOSE: 200, REPORT: 69}, {CHOOSE: 10, REPORT: 3}


def healthy(part: str) -> Iterator[Case]:
    """Candidates for the healthy ones of a part."""
    generator = np.random.default_rng(3 if part == CHOOSE else 6)
    names = names_of(part)
    for number in range(PLAIN[part]):
        data = sets.load(names[number % len(names)])
        plan = sound(data, generator, part)
        yield Case(f"healthy, {data.name}, {plan.family}, {number}", part, data.name, plan, (),
                   int(generator.integers(10_000)))
    for trick in TRICKS:
        generator = np.random.default_rng([3 if part == CHOOSE else 6, *map(ord, trick)])
        suited = [name for name in names if suits(trick, sets.load(name))]
        for number in range(EACH[part]):
            # From the end: there are the data sets of the report alone.
            place = (number + len(trick)) if part == CHOOSE else -1 - 2 * number
            data = sets.load(suited[place % len(suited)])
            plan = sound(data, generator, part)
            family = TRICKS[trick](plan, data, np.random.default_rng(0))[0].family
            yield Case(f"healthy ({trick}), {data.name}, {family}, {number}", part, data.name, plan,
                       (), int(generator.integers(10_000)), trick)
