"""Update rules by hand: a few steps of a few weights, from given gradients."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ...byhand.exact import Exact
from ...errors import DataError
from ...optimizers import SGD, Adagrad, Adam, AdaMax, AdamW, Momentum, NAdam, Optimizer, RMSprop
from .. import chains
from ..base import Ask, Inputs, Size, Solution, Topic, expect_shape
from ..calculation import Draft, count, fits, number, pick, sizes_of
from ..friendly import not_zero

_MOST_STEPS = 6
_SETTINGS = {
    "learning_rate": "The learning rate", "beta": "Beta, the share of the old average",
    "beta_1": "Beta 1, of the average of the gradient",
    "beta_2": "Beta 2, of the average of its square", "epsilon": "Epsilon",
    "weight_decay": "The weight decay",
}
Numbers = Mapping[str, Exact]


@dataclass(frozen=True)
class Rule:
    """An update rule as a topic.

    Attributes:
        title, about, levels: of the topic.
        make: the rule, from its settings by name and the level.
        settings: names of the inputs that it needs, each a single number.
        asked: (name of the note, words, hint) of each step; a note that the rule does not make at
            a level is left out.
        steps: of each level.
        draw: ``draw(rng, level, weights)`` gives settings, and gradients (steps, weights).
        says: what the sheet says about the rule at a level.
        states: (name, words) of the rule's states, where they begin at given ones and not at zero;
            those that are means of squares are named ``mean_...`` or ``v``.
        first: whether the first step's number is given too, and not 1.
        matrix: whether the weights are a kernel.
    """

    title: str
    about: str
    levels: tuple[str, str, str]
    make: Callable[[Numbers, int], Optimizer]
    settings: tuple[str, ...]
    asked: tuple[tuple[str, str, str], ...]
    steps: tuple[int, int, int]
    draw: Callable[[np.random.Generator, int, int, int], Inputs]
    says: Callable[[int], tuple[str, ...]]
    states: tuple[tuple[str, str], ...] = ()
    first: bool = False
    matrix: bool = False


def rule_topic(name: str, rule: Rule) -> Topic:
    """The topic of an update rule."""
    def draw(rng: np.random.Generator, level: int, **sizes: int) -> Inputs:
        shape, steps = tuple(sizes.values()), rule.steps[level - 1]
        drawn = rule.draw(rng, level, steps, math.prod(shape))
        drawn["gradients"] = drawn["gradients"].reshape(steps, *shape)
        return {"weights": not_zero(rng, 9, shape), **drawn}

    def solve(inputs: Inputs, level: int) -> Solution:
        return _solve(rule, inputs, level)

    own = {state: f"(weights,): {words}" for state, words in rule.states}
    own |= {"first": "a whole number: of the first step, counted from 1"} if rule.first else {}
    sizes = (Size("rows", 2, 1, 3), Size("units", 2, 1, 3)) if rule.matrix else (
        Size("weights", 2, 1, 5),)
    shape = ", ".join(size.name for size in sizes)
    return Topic(
        name, rule.title, rule.about, rule.levels, sizes, draw, solve,
        {"weights": f"({shape}{',' * (not rule.matrix)})",
         "gradients": f"(steps, {shape}): a {'matrix' if rule.matrix else 'row'} for each step",
         **own,
         **{setting: f"a number: {_SETTINGS[setting].lower()}" for setting in rule.settings}},
    )


def _solve(rule: Rule, inputs: Inputs, level: int) -> Solution:
    axes = "rows n" if rule.matrix else "n"
    *shape, steps = sizes_of(inputs, weights=axes, gradients=f"steps {axes}")
    if steps > _MOST_STEPS:
        raise DataError(f"gradients: at most {_MOST_STEPS} steps, got {steps}")
    draft = Draft()
    settings = {name: number(inputs, name) for name in rule.settings}
    optimizer = fits(lambda: rule.make(settings, level))
    value: Any = draft.given("weights", inputs["weights"], "The weights", "w")
    first = count(inputs, "first", 1, 1000) if rule.first else 1
    gradients = [draft.given(f"gradient {t}", gradient, f"The gradient of step {t}", "w")
                 for t, gradient in enumerate(inputs["gradients"], first)]
    state: tuple[Any, ...] = tuple(np.zeros(shape, object) for _ in optimizer.states)
    for name, _ in rule.states:
        expect_shape(name, inputs[name], *shape)
        if name.startswith(("mean", "v")) and any(v < 0 for v in np.asarray(inputs[name]).flat):
            raise DataError(f"{name} must not be negative: it is a mean of squares")
    if rule.states:
        state = tuple(draft.given(own, inputs[own], words, "w") for own, words in rule.states)
    if rule.first:
        draft.given("first", np.asarray(first), "The first step's number t")
    for name, setting in settings.items():
        draft.given(name, setting, _SETTINGS[name])
    draft.say(*rule.says(level))
    for t, gradient in enumerate(gradients, first):
        run, before = draft.run("update", layer="w", step=t - 1), len(draft.recorder.steps)
        value, state = optimizer.update(value, gradient, state, run, decays=True)
        made = {step.name: step.title for step in draft.recorder.steps[before:]}
        draft.ask(*(Ask(made[note], f"Step {t}: {words}", hint, "update")
                    for note, words, hint in rule.asked if note in made))
    return draft.solution({"w": ("in", "unit") if rule.matrix else ("weight",)}, steps=steps,
                          **{k: v.fraction for k, v in settings.items()})


# Numbers that come out well ---------------------------------------------------------------------


def _whole(rng: np.random.Generator, level: int, steps: int, weights: int) -> Inputs:
    """Gradients whose averages by halves stay whole: the first is halved most often."""
    while True:
        rows = np.array([2 ** (steps - 1 - t) * not_zero(rng, 5, weights) for t in range(steps)])
        velocity, moving = np.zeros(weights), True
        for gradient in rows:
            velocity = velocity / 2 + gradient
            # Neither the velocity nor the direction one step ahead may vanish.
            moving &= bool(velocity.all() and (velocity / 2 + gradient).all())
        if moving:
            return {"gradients": rows, "learning_rate": pick(rng, _RATES)}


def _momentum(rng: np.random.Generator, level: int, steps: int, weights: int) -> Inputs:
    drawn = _whole(rng, level, steps, weights) | {"beta": Fraction(1, 2)}
    if level == 3:
        drawn["gradients"] = chains.corrected(rng, steps, weights)
    return drawn


def _decayed(rng: np.random.Generator, level: int, steps: int, weights: int) -> Inputs:
    return _whole(rng, level, steps, weights) | {"beta": Fraction(1, 2)}


def rooted(kind: str, betas: Mapping[str, tuple[Fraction, ...]],
           extra: Mapping[str, tuple[Fraction, ...]],
           fixed: int | None = None) -> Callable[..., Inputs]:
    """Gradients whose squares add up, or average, to squares; `fixed`: the epsilon of a rule that
    is not given one."""

    def draw(rng: np.random.Generator, level: int, steps: int, weights: int) -> Inputs:
        drawn: Inputs = {"learning_rate": pick(rng, _LARGE_RATES)}
        for name, options in {**betas, **extra}.items():
            drawn[name] = pick(rng, options)
        beta = drawn.get("beta_2", drawn.get("beta", Fraction(0)))
        epsilon = pick(rng, _EPSILONS[kind]) if fixed is None else fixed
        found = chains.rooted(kind, steps, beta, epsilon)
        rows = np.array([pick(rng, found) for _ in range(weights)]).T
        if fixed is None:
            drawn["epsilon"] = epsilon
        if kind == "mean":
            drawn["mean_square"], rows = rows[0] ** 2, rows[1:]
        drawn["gradients"] = rows * rng.choice([-1, 1], weights)
        return drawn

    return draw


def _topped(rng: np.random.Generator, level: int, steps: int, weights: int) -> Inputs:
    beta, epsilon = pick(rng, (_HALF, Fraction(3, 4))), int(rng.integers(1, 4))
    return {"gradients": chains.topped(rng, steps, weights, beta, epsilon), "beta_1": _HALF,
            "beta_2": beta, "epsilon": epsilon, "learning_rate": pick(rng, _LARGE_RATES)}


def _ahead(rng: np.random.Generator, level: int, steps: int, weights: int) -> Inputs:
    # With this share of the old average, what looks ahead has the smallest denominators.
    share, beta, epsilon = Fraction(2, 3), pick(rng, (_HALF, Fraction(3, 4))), pick(rng, (1, 2))
    found = chains.ahead(steps, share, beta, epsilon)
    rows = np.array([pick(rng, found) for _ in range(weights)]).T
    drawn: Inputs = {"gradients": rows * rng.choice([-1, 1], weights), "beta_1": share,
                     "beta_2": beta, "epsilon": epsilon, "learning_rate": pick(rng, _LARGE_RATES)}
    if level == 3:
        # The first decay leaves whole weights.
        drawn |= {"weights": 10 * not_zero(rng, 3, weights), "learning_rate": Fraction(1)}
    return drawn


_HALF, _QUARTER, _TENTH = Fraction(1, 2), Fraction(1, 4), Fraction(1, 10)
_RATES = (_HALF, _QUARTER, _TENTH, Fraction(1, 5))
# With these the denominators come out smallest.
_EPSILONS = {"sum": (2, 3), "mean": (2, 3), "adam": (1, 2)}
_LARGE_RATES = (Fraction(1), _HALF, Fraction(2))


# The rules ----------------------------------------------------------------------------------------

_EACH = ("one step", "two steps", "three steps")
_STEPS = (1, 2, 3)
_VALUE = ("value", "the new weights")
_M = ("m", "the average of the gradient (m)",
      "Beta 1 times the old m, and 1 - beta 1 times the gradient. At first m is 0.")
_V = ("v", "the average of the squared gradient (v)",
      "Beta 2 times the old v, and 1 - beta 2 times the square of the gradient. At first v is 0.")
ADAM = (
    _M, _V,
    ("m_hat", "m with its bias corrected (m_hat)", "Divide m by 1 - beta 1 to the power of the "
     "step's number."),
    ("v_hat", "v with its bias corrected (v_hat)", "Divide v by 1 - beta 2 to the power of the "
     "step's number."),
    ("root", "the root of v_hat", "Number by number. Epsilon comes later."),
    (*_VALUE, "Subtract the learning rate times m_hat, divided by the root plus epsilon."),
)


def _adam(numbers: Numbers, level: int) -> Optimizer:
    return Adam(*(numbers[n] for n in ("learning_rate", "beta_1", "beta_2", "epsilon")))  # type: ignore[arg-type]


def _adamw(numbers: Numbers, level: int) -> Optimizer:
    return AdamW(*(numbers[n] for n in ("learning_rate", "beta_1", "beta_2", "epsilon")),  # type: ignore[arg-type]
                 weight_decay=numbers["weight_decay"])  # type: ignore[arg-type]


def _adamax(numbers: Numbers, level: int) -> Optimizer:
    return AdaMax(*(numbers[n] for n in ("learning_rate", "beta_1", "beta_2", "epsilon")))  # type: ignore[arg-type]


def _nadam(numbers: Numbers, level: int) -> Optimizer:
    decay: Any = Exact(_TENTH) if level == 3 else 0
    rate, beta_1, beta_2, epsilon = (
        numbers[n] for n in ("learning_rate", "beta_1", "beta_2", "epsilon"))
    return NAdam(rate, beta_1, beta_2, epsilon, 0, weight_decay=decay)  # type: ignore[arg-type]


def _nadam_words(level: int) -> tuple[str, ...]:
    words = (
        "NAdam: Adam that looks ahead. `m` is a running average of the gradient, `v` one of its "
        "square; both are 0 at first. The momentum `mu` is half of beta 1 in every step here.",
        "In step t, `m_hat = mu m / (1 - mu^(t+1)) + (1 - mu) g / (1 - mu^t)` with the new m, and "
        "`v_hat = v / (1 - beta_2^t)`. Epsilon is larger here than in practice, so that the "
        "numbers come out well.")
    if level < 3:
        return words
    return (*words, "Apart from the gradient the weights decay: in each step they first shrink by "
                    "the factor `1 - rate / 10`.")


def _velocity(level: int) -> tuple[str, ...]:
    first = "At first the velocity is 0. Each weight has its own."
    if level == 1:
        return (f"Gradient descent with momentum: the velocity is `beta velocity + g`. {first}",)
    average = ("The velocity is an exponentially weighted average of the gradients: `beta velocity "
               f"+ (1 - beta) g`. {first}")
    if level == 2:
        return (f"Gradient descent with momentum. {average}",)
    return (f"Gradient descent with momentum and bias correction. {average}",
            "In step t the weights move by the velocity divided by `1 - beta^t`. The velocity that "
            "is kept for the next step is not divided.")


_ADAM_WORDS = (
    "`m` is a running average of the gradient, `v` one of its square, number by number; both are 0 "
    "at first. In step t they are divided by `1 - beta_1^t` and `1 - beta_2^t`, as they began at "
    "0. Epsilon is larger here than in practice, so that the numbers come out well.",
)

_RULES = {
    "gradient-descent": Rule(
        "Gradient descent", "Each weight moves against its gradient: w = w - rate g.", _EACH,
        lambda n, level: SGD(n["learning_rate"]),  # type: ignore[arg-type]
        ("learning_rate",),
        ((*_VALUE, "Subtract the learning rate times the gradient."),), _STEPS, _whole,
        lambda level: ("Gradient descent: each weight moves against its gradient, by the learning "
                       "rate times the gradient.",)),
    "momentum": Rule(
        "Momentum", "A velocity gathers the gradients: velocity = beta velocity + g; "
        "w = w - rate velocity.",
        ("the velocity as a sum, two steps", "the velocity as an average, three steps",
         "and with bias correction"),
        lambda n, level: Momentum(n["learning_rate"], n["beta"], average=level > 1,  # type: ignore[arg-type]
                                  bias_correction=level == 3),
        ("learning_rate", "beta"),
        (("velocity", "the velocity", "Beta times the old velocity, plus the new gradient with its "
          "weight."),
         ("corrected", "the velocity with its bias corrected", "Divide by 1 - beta to the power of "
          "the step's number."),
         (*_VALUE, "Subtract the learning rate times what stands above.")),
        (2, 3, 3), _momentum, _velocity),
    "nesterov": Rule(
        "Nesterov momentum", "Momentum that looks ahead: velocity = beta velocity + g; "
        "w = w - rate (beta velocity + g).",
        _EACH, lambda n, level: Momentum(n["learning_rate"], n["beta"], nesterov=True),  # type: ignore[arg-type]
        ("learning_rate", "beta"),
        (("velocity", "the velocity", "Beta times the old velocity, plus the gradient."),
         ("ahead", "the direction, one step ahead", "Beta times the new velocity, plus the "
          "gradient once more."),
         (*_VALUE, "Subtract the learning rate times the direction.")),
        _STEPS, _decayed,
        lambda level: ("Gradient descent with Nesterov momentum. The velocity is `beta velocity + "
                       "g`, and 0 at first. The weights move along `beta velocity + g` with the "
                       "new velocity.",)),
    "adagrad": Rule(
        "Adagrad", "Each weight has its own rate: s = s + g^2; w = w - rate g / (sqrt(s) + "
        "epsilon).",
        _EACH, lambda n, level: Adagrad(n["learning_rate"], n["epsilon"]),  # type: ignore[arg-type]
        ("learning_rate", "epsilon"),
        (("s", "the sum of the squared gradients", "Add the square of each number of the gradient. "
          "At first the sum is 0."),
         ("root", "its root", "Number by number."),
         (*_VALUE, "Subtract the learning rate times the gradient, divided by the root plus "
          "epsilon.")),
        _STEPS, rooted("sum", {}, {}),
        lambda level: ("Adagrad: the gradient is divided by the root of the sum of all its squares "
                       "so far, plus epsilon, number by number. The sum is 0 at first. Epsilon is "
                       "larger here than in practice, so that the numbers come out well.",)),
    "rmsprop": Rule(
        "RMSprop", "The gradient over the root of its mean square: s = beta s + (1 - beta) g^2; "
        "w = w - rate g / (sqrt(s) + epsilon).",
        _EACH, lambda n, level: RMSprop(n["learning_rate"], n["beta"], n["epsilon"]),  # type: ignore[arg-type]
        ("learning_rate", "beta", "epsilon"),
        (("s", "the mean square of the gradient", "Beta times the old mean square, and 1 - beta "
          "times the square of the gradient."),
         ("root", "its root", "Number by number."),
         (*_VALUE, "Subtract the learning rate times the gradient, divided by the root plus "
          "epsilon.")),
        _STEPS, rooted("mean", {"beta": (_HALF, Fraction(3, 4), Fraction(9, 10))}, {}),
        lambda level: ("RMSprop: the gradient is divided by the root of its mean square, plus "
                       "epsilon, number by number. The mean square is `beta s + (1 - beta) g^2`; "
                       "earlier steps have left the one that is given. Epsilon is larger here than "
                       "in practice, so that the numbers come out well.",),
        (("mean_square", "The mean square that earlier steps left"),)),
    "adam": Rule(
        "Adam", "The average gradient over the root of the average square, both corrected for "
        "their start at zero: w = w - rate m_hat / (sqrt(v_hat) + epsilon).",
        _EACH, _adam, ("learning_rate", "beta_1", "beta_2", "epsilon"), ADAM, _STEPS,
        rooted("adam", {"beta_1": (_HALF,), "beta_2": (_HALF, Fraction(3, 4))}, {}),
        lambda level: ("Adam: the weights move along the average gradient, divided by the root of "
                       "the average squared gradient plus epsilon.", *_ADAM_WORDS)),
    "adamw": Rule(
        "AdamW", "Adam with weight decay apart from the gradient: first w = w (1 - rate decay), "
        "then Adam's step.",
        _EACH, _adamw, ("learning_rate", "beta_1", "beta_2", "epsilon", "weight_decay"),
        (("decayed", "the decayed weights", "Multiply by 1 - learning rate times weight decay. The "
          "gradient plays no part."), *ADAM[:-1],
         (*_VALUE, "From the decayed weights subtract the learning rate times m_hat, divided by "
          "the root plus epsilon.")),
        _STEPS, rooted("adam", {"beta_1": (_HALF,), "beta_2": (_HALF, Fraction(3, 4))},
                        {"weight_decay": (_TENTH, Fraction(1, 5), _QUARTER)}),
        lambda level: ("AdamW: in each step the weights first shrink by the factor `1 - rate "
                       "decay`; then comes Adam's step, whose averages see the gradient alone.",
                       *_ADAM_WORDS)),
    "adamax": Rule(
        "AdaMax", "Adam with the largest recent gradient in the place of the mean square: "
        "u = max(beta_2 u, |g| + epsilon); w = w - rate / (1 - beta_1^t) m / u.",
        _EACH, _adamax, ("learning_rate", "beta_1", "beta_2", "epsilon"),
        (_M,
         ("u", "the largest recent gradient (u)", "Which is larger: beta 2 times the old u, or the "
          "gradient without its sign plus epsilon? At first u is 0."),
         (*_VALUE, "Divide the learning rate by 1 - beta 1 to the power of the step's number. "
          "Subtract it times m / u.")),
        _STEPS, _topped,
        lambda level: ("AdaMax: the weights move along the average gradient `m`, divided by the "
                       "size of the largest recent gradient: `u = max(beta_2 u, |g| + epsilon)`, "
                       "number by number. Both are 0 at first.",
                       "In step t the learning rate is divided by `1 - beta_1^t`, as m began at 0. "
                       "Epsilon is larger here than in practice, so that the numbers come out "
                       "well.")),
    "nadam": Rule(
        "NAdam", "Adam that looks ahead, as Nesterov's momentum does: m_hat = mu m / (1 - "
        "mu^(t+1)) + (1 - mu) g / (1 - mu^t); w = w - rate m_hat / (sqrt(v_hat) + epsilon).",
        ("one step", "two steps", "two steps, with weight decay"), _nadam,
        ("learning_rate", "beta_1", "beta_2", "epsilon"),
        (("decayed", "the decayed weights", "Multiply by 1 - learning rate / 10. The gradient "
          "plays no part."), _M, _V,
         ("m_hat", "m one step ahead (m_hat)", "The new m and the gradient, each with its weight "
          "and its correction: two summands."),
         *ADAM[3:]), (1, 2, 2), _ahead, _nadam_words),
}
TOPICS = {name: rule_topic(name, rule) for name, rule in _RULES.items()}
