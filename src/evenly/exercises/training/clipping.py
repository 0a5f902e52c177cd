"""Gradient clipping by hand."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from ...clipping import ClipGlobalNorm, ClipNorm, ClipValue
from ...optimizers import SGD
from ..base import Ask, Inputs, Size, Solution, Topic, by_name
from ..calculation import Draft, fits, is_square, pick, positive, sizes_of, text
from ..friendly import not_zero

_RATES = (Fraction(1, 2), Fraction(1), Fraction(1, 10))
_AXES = dict.fromkeys(("kernel", "bias"), ("weight",))


def _with_norm(rng: np.random.Generator, sizes: tuple[int, ...]) -> Any:
    """Vectors of whole numbers, each of whole norm and, together, of whole norm."""
    while True:
        # Number by number, such that the norm so far stays whole.
        first = int(rng.integers(1, 13))
        numbers, square = [first], first * first
        for place in range(1, sum(sizes)):
            # The last vectors are single numbers; all but the first vector may be anything.
            last = place >= sizes[0] - 1
            fitting = [n for n in range(1, 13 if not last else 25)
                       if not last or is_square(square + n * n)]
            if not fitting:
                break
            numbers.append(pick(rng, fitting))
            square += numbers[-1] ** 2
        else:
            signed = np.array(numbers) * rng.choice([-1, 1], len(numbers))
            return [signed[: sizes[0]], *(signed[i : i + 1] for i in range(sizes[0],
                                                                          len(signed)))]


def _draw(rng: np.random.Generator, level: int, weights: int) -> Inputs:
    if level == 1:
        (kernel,) = _with_norm(rng, (weights,))
        bias = not_zero(rng, 3, 1)
    else:
        kernel, bias = _with_norm(rng, (weights, 1))
    size = int((kernel * kernel).sum() + (level > 1) * (bias * bias).sum())
    # Clipping happens, by a factor that leaves the numbers whole.
    above, below = pick(rng, ((1, 2), (1, 3), (2, 3), (1, 4), (3, 4), (1, 5), (2, 5)))
    kernel, bias, limit = below * kernel, below * bias, above * round(size**0.5)
    return {"kernel_gradient": kernel, "bias_gradient": bias, "max_norm": limit,
            "limit": int(rng.integers(1, max(2, int(np.abs(kernel).max())))),
            "kernel": not_zero(rng, 6, weights), "bias": not_zero(rng, 6, 1),
            "learning_rate": pick(rng, _RATES)}


def _solve(inputs: Inputs, level: int) -> Solution:
    sizes_of(inputs, kernel_gradient="n", kernel="n", bias_gradient="m", bias="m")
    max_norm, limit = positive(inputs, "max_norm"), positive(inputs, "limit")
    rate = positive(inputs, "learning_rate")
    draft = Draft()
    run = draft.run("update")
    gradients = {name: draft.given("gradient", inputs[f"{name}_gradient"],
                                   f"The gradient of the {name}", name)
                 for name in ("kernel", "bias")[: 1 + (level > 1)]}
    globally = fits(lambda: ClipGlobalNorm(max_norm))  # type: ignore[arg-type]
    norm_hint = "The root of the sum of the squares of all numbers{}."
    factor_hint = "The limit over the norm; 1 where the norm is smaller."
    setting = {"max_norm": max_norm.fraction, "limit": limit.fraction}
    if level == 1:
        globally.clip(gradients, run)
        fits(lambda: ClipValue(limit)).clip(gradients, run)  # type: ignore[arg-type]
        draft.say(
            f"A gradient is clipped in two ways. By its norm: if it is longer than "
            f"{text(max_norm)}, all of it is scaled down to that length.",
            f"By value: each number by itself is limited to the range from -{text(limit)} to "
            f"{text(limit)}.")
        draft.ask(
            Ask("norm", "The norm of the gradient", norm_hint.format("")),
            Ask("factor", "The factor", factor_hint),
            Ask("kernel.clipped", "The gradient clipped by its norm", "Multiply by the factor."),
            Ask("kernel.clipped (2)", "The gradient clipped by value",
                "Which numbers lie outside the range?"),
        )
        return draft.solution(_AXES, **setting)
    now: Any = globally.clip(gradients, run)
    draft.say("The gradients of a kernel and of a bias are clipped by their global norm: if all "
              f"numbers together are longer than {text(max_norm)}, all are scaled down by the same "
              "factor.")
    draft.ask(
        Ask("norm", "The global norm", norm_hint.format(" of both gradients")),
        Ask("factor", "The factor", factor_hint),
        Ask("kernel.clipped", "The clipped gradient of the kernel", "Multiply by the factor."),
        Ask("bias.clipped", "The clipped gradient of the bias", "By the same factor."),
    )
    if level == 2:
        rule = fits(lambda: SGD(rate))  # type: ignore[arg-type]
        draft.say(f"Then comes a step of gradient descent with learning rate {text(rate)}.")
        for name, words in (("kernel", "The kernel"), ("bias", "The bias")):
            value = draft.given("value", inputs[name], words, name)
            rule.update(value, now[name], (), draft.run("update", layer=name))
            draft.ask(Ask(f"{name}.value", f"{words} after the step",
                          "Subtract the learning rate times the clipped gradient.", "update"))
    else:
        fits(lambda: ClipNorm(max_norm)).clip(gradients, run)  # type: ignore[arg-type]
        fits(lambda: ClipValue(limit)).clip(gradients, run)  # type: ignore[arg-type]
        draft.say(f"For comparison: each gradient by its own norm, with the same limit "
                  f"{text(max_norm)}; and each number by itself, to the range from -{text(limit)} "
                  f"to {text(limit)}.")
        for name in ("kernel", "bias"):
            draft.ask(
                Ask(f"{name}.norm", f"The norm of the gradient of the {name} alone",
                    "The root of the sum of its squares."),
                Ask(f"{name}.clipped (2)", f"The gradient of the {name}, clipped by its own norm",
                    factor_hint),
            )
        draft.ask(*(
            Ask(f"{name}.clipped (3)", f"The gradient of the {name}, clipped by value",
                "Which numbers lie outside the range?") for name in ("kernel", "bias")))
    return draft.solution(_AXES, **setting)


TOPICS = by_name(Topic(
    "gradient-clipping", "Gradient clipping", "Gradients that are too large are cut before the "
    "update: g = g min(1, max_norm / |g|), or each number by itself.",
    ("by norm and by value", "by the global norm, and the update", "three ways compared"),
    (Size("weights", 2, 2, 5),), _draw, _solve,
    {"kernel_gradient": "(weights,)", "bias_gradient": "(units,)", "max_norm": "a number above 0",
     "limit": "a number above 0: of each number, for levels 1 and 3", "kernel": "(weights,)",
     "bias": "(units,)", "learning_rate": "a number above 0"},
))
