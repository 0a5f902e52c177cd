"""Learning rates that change, by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from ...errors import DataError
from ...optimizers import SGD
from ...schedules import (
    CosineDecay,
    CosineRestarts,
    ExponentialDecay,
    InverseTimeDecay,
    LinearWarmup,
    OneCycle,
    Schedule,
    StepDecay,
)
from ..base import Ask, Inputs, Size, Solution, Topic, by_name
from ..calculation import Draft, count, fits, number, pick, positive, sizes_of, text, timed
from ..friendly import not_zero

_HALF, _QUARTER, _TENTH = Fraction(1, 2), Fraction(1, 4), Fraction(1, 10)
# Rates of one or two digits, so many that the sheets of a class differ.
_RATES = tuple(dict.fromkeys(Fraction(n, unit) for unit in (10, 100, 1000) for n in range(1, 100)))
_FACTORS = tuple(Fraction(p, q) for p, q in ((1, 2), (2, 3), (3, 4), (1, 3), (1, 4), (1, 5), (2, 5),
                                             (3, 5), (4, 5), (1, 10), (3, 10), (7, 10), (9, 10)))


@dataclass(frozen=True)
class Decay:
    """A schedule as a topic.

    Attributes:
        name, title, about: of the topic.
        make: the schedule, from the inputs and the level.
        formula: of the factor.
        fields: its settings: what each is, by name.
        draw: gives the settings and, for level 2, times far apart: ``draw(rng, level, times)``.
        says: a sentence about it, in which settings stand by name.
        unit: what t counts.
        hint: towards the factor.
        also: what the sentence goes on with at a level.
        length: the name of the input that says how long the whole training is; "": until the last
            time that is asked for.
    """

    name: str
    title: str
    about: str
    make: Callable[[Inputs, int], Schedule]
    formula: str
    fields: Mapping[str, str]
    draw: Callable[[np.random.Generator, int, int], Inputs]
    says: str
    unit: str
    hint: str
    also: Callable[[Inputs, int], str] = lambda inputs, level: ""
    length: str = ""

    def sentence(self, inputs: Inputs, level: int) -> str:
        """What the sheet says about it."""
        words = self.says + self.also(inputs, level)
        return words.format(**{name: text(number(inputs, name)) for name in self.fields
                               if f"{{{name}}}" in words})


def _draw(own: Decay, rng: np.random.Generator, level: int, times: int) -> Inputs:
    drawn = {"t": np.arange(times), **own.draw(rng, level, times)}
    drawn["learning_rate"] = pick(rng, _RATES)
    return {**drawn, "weight": int(rng.integers(-9, 10)), "gradients": not_zero(rng, 4, times)}


def _solve(own: Decay, inputs: Inputs, level: int) -> Solution:
    (n,) = sizes_of(inputs, t="n")
    if any(t < 0 or Fraction(t).denominator != 1 for t in np.asarray(inputs["t"], object)):
        raise DataError(f"t must be whole numbers of at least 0: {own.unit}s counted from 0")
    rate = positive(inputs, "learning_rate")
    draft = Draft()
    t = draft.given("t", inputs["t"], f"The {own.unit}s, counted from 0")
    schedule = fits(lambda: own.make(inputs, level))
    run = draft.run("update")
    length = _whole(inputs, own.length) if own.length else max(int(max(inputs["t"])), 1)
    factors = run.note("factor", schedule.factors(t, length), own.formula)
    rates = run.note("rate", rate * factors, "learning_rate factor")
    draft.say(
        f"{own.sentence(inputs, level)} The learning rate itself is {text(rate)}.")
    draft.ask(
        Ask("factor", f"The factor of each {own.unit}", own.hint),
        Ask("rate", f"The learning rate of each {own.unit}", "The factor times the rate."),
    )
    momenta = schedule.momenta(t, length)
    if momenta is not None:
        run.note("momentum", momenta, "b + (a - b) share")
        draft.ask(Ask("momentum", f"The momentum of each {own.unit}", "It goes the other way: from "
                      "the highest to the lowest, and back."))
    if level == 3:
        sizes_of(inputs, t="n", gradients="n")
        gradients = draft.given("gradients", inputs["gradients"],
                                "The gradient of a weight in each of them")
        weight: Any = draft.given("weight", np.asarray(number(inputs, "weight"), object),
                                  "The weight before")
        rule = SGD(rate)  # type: ignore[arg-type]
        draft.say(f"A single weight takes a step of gradient descent in each {own.unit}.")
        for i in range(n):
            weight, _ = rule.update(weight, gradients[i], (), draft.run(
                "update", layer="w", step=i, learning_rate=rates[i]))
            draft.ask(Ask(timed("w.value", i + 1), f"The weight after step {i + 1}",
                          "Subtract this step's rate times this step's gradient."))
    return draft.solution({"": ("",)}, learning_rate=rate.fraction)


def _topic(own: Decay) -> Topic:
    return Topic(
        own.name, own.title, f"{own.about}: {own.formula}.",
        (f"the first {own.unit}s", f"{own.unit}s further on", "and the updates"),
        (Size("times", 4, 3, 6),), partial(_draw, own), partial(_solve, own),
        {"t": f"(times,): {own.unit}s, counted from 0", **own.fields,
         "learning_rate": "a number above 0", "weight": "a number, for level 3",
         "gradients": "(times,), for level 3"},
    )


def _later(rng: np.random.Generator, times: int, most: int) -> Any:
    """So many different times, rising."""
    return np.sort(rng.choice(most + 1, times, replace=False))


def _draw_steps(rng: np.random.Generator, level: int, times: int) -> Inputs:
    every = int(rng.integers(1, 4)) if level != 2 else pick(rng, (5, 10, 20))
    factor = pick(rng, _FACTORS if level != 2 else (_HALF, _TENTH, Fraction(1, 5), Fraction(3, 10)))
    drawn: Inputs = {"every": min(every, times - 1), "factor": factor}
    if level != 2:
        return drawn
    t = _later(rng, times, 4 * every)
    while t[0] // every == t[-1] // every:
        t = _later(rng, times, 4 * every)
    return {**drawn, "every": every, "t": t}


def _draw_exponential(rng: np.random.Generator, level: int, times: int) -> Inputs:
    if level == 2:
        factor = pick(rng, _FACTORS[:3] + _FACTORS[8:9])
        return {"factor": factor, "t": 1 + _later(rng, times, 5)}
    return {"factor": pick(rng, _FACTORS if times < 6 else _FACTORS[:9])}


def _draw_inverse(rng: np.random.Generator, level: int, times: int) -> Inputs:
    decay = pick(rng, (Fraction(1), _HALF, Fraction(2), Fraction(1, 3), _QUARTER, Fraction(3, 2),
                      Fraction(2, 3), Fraction(3, 4), Fraction(3), _TENTH, Fraction(1, 5)))
    if level != 2:
        return {"decay": decay}
    decay = pick(rng, (_TENTH, Fraction(1, 5), Fraction(1, 20)))
    # 1 + decay t is whole.
    return {"decay": decay, "t": int(1 / decay) * (1 + _later(rng, times, 9))}


def _draw_cosine(rng: np.random.Generator, level: int, times: int) -> Inputs:
    # At 0, 1/3, 1/2, 2/3 and 1 of the way the cosine is a fraction.
    unit = int(rng.integers(1, 20 if level == 2 else 5))
    places = [0, 2, 3, 4, 6, 7] if level != 1 else [0, 2, 3, 4, 6, 8]
    chosen = np.sort(rng.choice(len(places), times, replace=False))
    t = unit * np.array(places)[chosen]
    if not np.isin(chosen, (1, 2, 3)).any():
        t[-1], t = 3 * unit, np.sort(np.append(t[:-1], 3 * unit))
    return {"length": 6 * unit, "t": t,
            "floor": Fraction(0) if level == 1 else pick(rng, (_TENTH, Fraction(1, 5), _HALF))}


def _draw_restarts(rng: np.random.Generator, level: int, times: int) -> Inputs:
    # As above; the falls are 6, 6, 6 long, or 6, 12, 24.
    unit, growth = int(rng.integers(1, 10 if level == 2 else 5)), 1 if level == 1 else 2
    falls = [(0, 2, 3, 4), (6, 8, 9, 10), (12, 14, 15, 16)] if growth == 1 else \
        [(0, 2, 3, 4), (6, 10, 12, 14), (18, 26, 30, 34)]
    while True:
        chosen = np.sort(rng.choice(12, times, replace=False))
        # Not all are in the same fall, nor at the same share of theirs.
        if chosen[0] // 4 < chosen[-1] // 4 and len(set(chosen % 4)) > 1:
            break
    return {"first": 6 * unit, "growth": growth, "t": unit * np.array(falls).reshape(-1)[chosen],
            "floor": Fraction(0) if level == 1 else pick(rng, (_TENTH, Fraction(1, 5), _HALF))}


def _draw_warmup(rng: np.random.Generator, level: int, times: int) -> Inputs:
    length = int(rng.integers(2, times + 1))
    start = pick(rng, (_TENTH, Fraction(1, 5), _QUARTER, _HALF))
    t = {}
    if level == 2:
        length = pick(rng, [n for n in (4, 5, 10, 20) if n >= times])
        t = {"t": np.sort(np.append(_later(rng, times - 1, length - 1),
                                    length + int(rng.integers(1, 4))))}
    return {"length": length, "start": start, "factor": _HALF, **t}


def _draw_cycle(rng: np.random.Generator, level: int, times: int) -> Inputs:
    # The way up takes 6 parts, the way down 6 or 12: shares at which the cosine is a fraction.
    unit, down = int(rng.integers(1, 5)), int(rng.integers(1, 3))
    ways = ((0, 2, 3, 4, 6), tuple(6 + down * k for k in (2, 3, 4, 6)))
    places = [int(rng.choice(ways[0][1:4])), int(rng.choice(ways[1][:3]))]
    left = [p for p in (*ways[0], *ways[1]) if p not in places]
    places += rng.choice(left, times - 2, replace=False).tolist()
    length = unit * 6 * (1 + down) + 1
    return {"t": unit * np.sort(places), "length": length,
            "rise": Fraction(6 * unit + 1, length), "start_divisor": pick(rng, (2, 4, 5, 10)),
            "end_divisor": pick(rng, (2, 4, 5, 10)),
            "highest": pick(rng, (Fraction(19, 20), Fraction(9, 10))),
            "lowest": pick(rng, (Fraction(17, 20), Fraction(4, 5)))}


def _cycle(inputs: Inputs, level: int) -> Schedule:
    settings: Any = {name: number(inputs, name) for name in
                     ("rise", "start_divisor", "end_divisor", "highest", "lowest")}
    return OneCycle(**settings, shape="linear" if level == 1 else "cosine",
                    cycle_momentum=level == 2)


def _whole(inputs: Inputs, name: str) -> int:
    return count(inputs, name, 1, 10**6)


def _warmup(inputs: Inputs, level: int) -> Schedule:
    then = ExponentialDecay(number(inputs, "factor"), by="step") if level > 1 else None  # type: ignore[arg-type]
    return LinearWarmup(_whole(inputs, "length"), number(inputs, "start"), then)  # type: ignore[arg-type]


_ABOVE_0, _SHARE = "a number above 0", "a share of the rate, 0 to 1"
_EPOCHS, _LONG = "a whole number of epochs", "a whole number of steps"
_COSINES = "cos is 1/2 at a third of half a turn, 0 at half of it, -1/2 at two thirds"

_DECAYS = (
    Decay(
        "step-decay", "Step decay", "The rate is multiplied by a factor every so often",
        lambda n, level: StepDecay(_whole(n, "every"), number(n, "factor")),  # type: ignore[arg-type]
        "factor^floor(t / every)", {"every": _EPOCHS, "factor": _ABOVE_0}, _draw_steps,
        "The learning rate is multiplied by {factor} every {every} epochs: its factor is "
        "`factor^floor(t / every)`.",
        "epoch", "How many times has the rate been multiplied by then?"),
    Decay(
        "exponential-decay", "Exponential decay", "The rate is multiplied by a factor each time",
        lambda n, level: ExponentialDecay(number(n, "factor")),  # type: ignore[arg-type]
        "factor^t", {"factor": _ABOVE_0}, _draw_exponential,
        "The learning rate is multiplied by {factor} after every epoch: its factor is `factor^t`.",
        "epoch", "The first epoch has t = 0."),
    Decay(
        "inverse-time-decay", "Inverse time decay",
        "The rate is divided by a number that grows with time",
        lambda n, level: InverseTimeDecay(number(n, "decay")),  # type: ignore[arg-type]
        "1 / (1 + decay t)", {"decay": _ABOVE_0}, _draw_inverse,
        "The factor of the learning rate is `1 / (1 + decay t)` with decay {decay}.",
        "epoch", "The first epoch has t = 0."),
    Decay(
        "cosine", "Cosine decay", "The rate falls to a floor along half a cosine",
        lambda n, level: CosineDecay(_whole(n, "length"), number(n, "floor")),  # type: ignore[arg-type]
        "floor + (1 - floor) (1 + cos(pi t / length)) / 2", {"length": _LONG, "floor": _SHARE},
        _draw_cosine,
        "The learning rate falls along half a cosine to {floor} of itself in {length} steps, and "
        "stays there: its factor is `floor + (1 - floor) (1 + cos(pi t / length)) / 2`.",
        "step", f"What share of the way is it? {_COSINES}, -1 at the end."),
    Decay(
        "cosine-restarts", "Cosine decay with restarts",
        "The rate falls along half a cosine, again and again, u being the time since the last "
        "restart",
        lambda n, level: CosineRestarts(_whole(n, "first"), count(n, "growth", 1, 100),
                                        number(n, "floor")),  # type: ignore[arg-type]
        "floor + (1 - floor) (1 + cos(pi u / n)) / 2",
        {"first": _EPOCHS, "growth": "a whole number of at least 1: how many times longer each "
         "next fall is", "floor": _SHARE}, _draw_restarts,
        "The learning rate falls along half a cosine towards {floor} of itself, and then starts "
        "anew. The first fall takes {first} epochs",
        "epoch", "Which fall is it, and what share of its way? A restart itself begins a fall. "
        f"{_COSINES}.",
        lambda n, level: ("" if number(n, "growth") == 1 else
                          "; each next fall is {growth} times as long") +
        ". The factor is `floor + (1 - floor) (1 + cos(pi u / n)) / 2`, u being the time since the "
        "last restart and n the length of this fall."),
    Decay(
        "warmup", "Learning-rate warm-up", "The rate rises along a straight line", _warmup,
        "start + (1 - start) t / length",
        {"length": _LONG, "start": _SHARE,
         "factor": f"{_ABOVE_0}: of the decay behind it, for levels 2 and 3"}, _draw_warmup,
        "The learning rate rises along a straight line from {start} of itself to the whole in "
        "{length} steps: its factor is `start + (1 - start) t / length`",
        "step", "Is the step still within the warm-up?",
        lambda n, level: ", and 1 from then on." if level == 1 else
        ". At t = length the factor is 1; from then on it is multiplied by {factor} after each "
        "step."),
    Decay(
        "one-cycle", "One cycle", "The rate rises to its peak and falls to next to nothing, the "
        "momentum goes the other way; from a to b, a share u of the way", _cycle,
        "a + (b - a) u, or b + (a - b) (1 + cos(pi u)) / 2",
        {"length": _LONG, "rise": "the share of the training until the peak, 0 to 1",
         "start_divisor": "at least 1: the peak over the first rate",
         "end_divisor": "at least 1: the first rate over the last",
         "highest": "the momentum at the start, below 1",
         "lowest": "the momentum at the peak, below 1"}, _draw_cycle,
        "One cycle of {length} steps: the factor of the learning rate rises from "
        "1 / {start_divisor} to 1, its peak at `t = rise length - 1` with rise {rise}, and falls "
        "until the last step, `t = length - 1`, to the first factor divided by {end_divisor}.",
        "step", f"Is it on the way up or down, and what share of that way? {_COSINES}.",
        lambda n, level: " Both ways are straight lines: from a to b, a share u of the way, it is "
        "`a + (b - a) u`." if level == 1 else " Both ways are half cosines: from a to b, a share u "
        "of the way, it is `b + (a - b) (1 + cos(pi u)) / 2`." + (
            " The momentum goes likewise from {highest} to {lowest} at the peak, and back to "
            "{highest}." if level == 2 else ""), "length"),
)
TOPICS = by_name(*map(_topic, _DECAYS))
