"""Update rules by hand whose steps adapt in other ways: Adadelta, RAdam, and Adam of a matrix."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from ...layers.base import ArrayLike, Run
from ...optimizers import Adam, Optimizer, RAdam
from ...optimizers.base import State, Stepped
from .. import chains
from ..base import Inputs
from ..calculation import pick
from ..friendly import not_zero
from .optimizers import ADAM, Numbers, Rule, rooted, rule_topic

_HALF = Fraction(1, 2)
# Betas and epsilons of Adadelta for which there are many chains.
_CHAINED = tuple((Fraction(n, d), epsilon) for n, d, epsilon in (
    (1, 2, 1), (1, 2, 3), (1, 2, 7), (3, 4, 1), (3, 4, 9), (1, 4, 2), (1, 4, 3), (1, 4, 4)))


@dataclass(frozen=True)
class Adadelta(Optimizer):
    """Adadelta, for sheets alone: ``s = beta s + (1 - beta) g^2``; ``change = sqrt(d + epsilon) /
    sqrt(s + epsilon) g``; ``d = beta d + (1 - beta) change^2``; ``value -= learning_rate change``.

    Source: Zeiler 2012, "ADADELTA: an adaptive learning rate method", algorithm 1 (there without a
    learning rate).
    """

    learning_rate: float = 1.0
    beta: float = 0.9
    epsilon: float = 1e-6

    states: ClassVar[tuple[str, ...]] = ("mean_square", "mean_change")

    def step(self, value: ArrayLike, gradient: ArrayLike, state: State, run: Run) -> Stepped:
        s, d = state
        s = run.note("s", self.beta * s + (1 - self.beta) * gradient * gradient,
                     "beta s + (1 - beta) g^2")
        root = run.note("root", run.xp.sqrt(s + self.epsilon), "sqrt(s + epsilon)")
        above = run.note("above", run.xp.sqrt(d + self.epsilon), "sqrt(d + epsilon)")
        change = run.note("change", above / root * gradient, "above / root g")
        d = run.note("d", self.beta * d + (1 - self.beta) * change * change,
                     "beta d + (1 - beta) change^2")
        return run.note("value", value - self.rate(run) * change, "value - rate change"), (s, d)


@dataclass(frozen=True)
class _Bare(Adam):
    """Adam with epsilon 0, whatever its field says."""

    def step(self, value: ArrayLike, gradient: ArrayLike, state: State, run: Run) -> Stepped:
        m, v = self.averages(gradient, state, run)
        m_hat, v_hat = self.corrected(m, v, run)
        root = run.note("root", run.xp.sqrt(v_hat), "sqrt(v_hat)")
        return run.note("value", value - self.rate(run) * m_hat / root,
                        "value - rate m_hat / root"), (m, v)


@dataclass(frozen=True)
class _Rectified(RAdam):
    """RAdam that writes down rho and r."""

    def step(self, value: ArrayLike, gradient: ArrayLike, state: State, run: Run) -> Stepped:
        t, xp = run.step + 1, run.xp
        m, v = self.averages(gradient, state, run)
        m_hat = run.note("m_hat", m / (1 - self.beta_1**t), "m / (1 - beta_1^t)")
        beta = xp.asarray(self.beta_2)
        end = run.note("rho_inf", 2 / (1 - beta) - 1, "2 / (1 - beta_2) - 1")
        rho = run.note("rho", end - 2 * t * beta**t / (1 - beta**t),
                       "rho_inf - 2 t beta_2^t / (1 - beta_2^t)")
        if self.rectification(t) is None:
            return run.note("value", value - self.rate(run) * m_hat, "value - rate m_hat"), (m, v)
        r = run.note("r", xp.sqrt((rho - 4) * (rho - 2) * end / ((end - 4) * (end - 2) * rho)),
                     "sqrt((rho - 4) (rho - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho))")
        share = run.note("share", r * xp.sqrt(1 - beta**t) / (xp.sqrt(v) + self.epsilon),
                         "r sqrt(1 - beta_2^t) / (sqrt(v) + epsilon)")
        return run.note("value", value - self.rate(run) * m_hat * share,
                        "value - rate m_hat share"), (m, v)


# Numbers that come out well -----------------------------------------------------------------------


def _changed(rng: np.random.Generator, level: int, steps: int, weights: int) -> Inputs:
    beta, epsilon = pick(rng, _CHAINED)
    found = chains.changed(steps, beta, epsilon)
    columns = [pick(rng, found) for _ in range(weights)]
    rows = np.array([[*column[:2], *map(int, column[2:])] for column in columns], object).T
    return {"mean_square": rows[0] ** 2 - epsilon, "mean_change": rows[1] ** 2 - epsilon,
            "gradients": rows[2:] * rng.choice([-1, 1], weights), "beta": beta,
            "epsilon": epsilon, "learning_rate": pick(rng, (_HALF, Fraction(2), Fraction(1, 4)))}


def _rectified(rng: np.random.Generator, level: int, steps: int, weights: int) -> Inputs:
    # From the sixth step on rho is above 5 with each of these.
    first = {1: int(rng.integers(2, 5)), 2: int(rng.integers(6, 13)), 3: 5}[level]
    return {"m": not_zero(rng, 9, weights), "v": rng.integers(1, 60, weights), "first": first,
            "gradients": not_zero(rng, 9, (steps, weights)), "beta_1": pick(rng, (
                _HALF, Fraction(3, 4), Fraction(9, 10))),
            "beta_2": pick(rng, (Fraction(9, 10), Fraction(19, 20), Fraction(99, 100))),
            "epsilon": Fraction(1, 10**8),
            "learning_rate": pick(rng, (_HALF, Fraction(1, 10), Fraction(1, 5)))}


def _adadelta(numbers: Numbers, level: int) -> Optimizer:
    rate: Any = numbers["learning_rate"] if level == 3 else numbers["beta"] ** 0
    return Adadelta(rate, numbers["beta"], numbers["epsilon"])  # type: ignore[arg-type]


_BETAS = {"beta_1": (_HALF,), "beta_2": (_HALF, Fraction(3, 4))}
_RULES = {
    "adadelta": Rule(
        "Adadelta", "Each weight moves by the root of its mean squared change over the root of its "
        "mean squared gradient: change = sqrt(d + epsilon) / sqrt(s + epsilon) g.",
        ("one step", "two steps", "two steps, with a learning rate"), _adadelta,
        ("learning_rate", "beta", "epsilon"),
        (("s", "the mean square of the gradient (s)", "Beta times the old one, and 1 - beta times "
          "the square of the gradient."),
         ("root", "the root of s plus epsilon", "Epsilon stands under the root."),
         ("above", "the root of d plus epsilon", "The d that the step before left."),
         ("change", "the change", "Divide the two roots; times the gradient."),
         ("d", "the mean square of the changes (d)", "Beta times the old one, and 1 - beta times "
          "the square of the change."),
         ("value", "the new weights", "Subtract the change, times the learning rate where there "
          "is one.")),
        (1, 2, 2), _changed,
        lambda level: (
            "Adadelta: `s = beta s + (1 - beta) g^2`; `change = sqrt(d + epsilon) / sqrt(s + "
            "epsilon) g`; `d = beta d + (1 - beta) change^2`, number by number. Earlier steps have "
            "left the s and d that are given. Epsilon is larger here than in practice, so that the "
            "numbers come out well.",
            "The weights move against the change, times the learning rate." if level == 3 else
            "The weights move against the change itself: as in the publication there is no "
            "learning rate, and the one that is given plays no part.",
            *(["Use a calculator, and give four digits behind the point."] if level > 1 else [])),
        (("mean_square", "The mean square of the gradient that earlier steps left (s)"),
         ("mean_change", "The mean square of the changes that earlier steps left (d)"))),
    "radam": Rule(
        "RAdam", "Adam that waits until its root can be trusted: rho = rho_inf - 2 t beta_2^t / (1 "
        "- beta_2^t) must be above 5.",
        ("an early step: without the root", "a later step: with the root and its factor r",
         "the step at which the root comes in"),
        lambda n, level: _Rectified(
            *(n[k] for k in ("learning_rate", "beta_1", "beta_2", "epsilon"))),  # type: ignore[arg-type]
        ("learning_rate", "beta_1", "beta_2", "epsilon"),
        (("m", "the average of the gradient (m)", "Beta 1 times the old m, and 1 - beta 1 times "
          "the gradient."),
         ("v", "the average of the squared gradient (v)", "Beta 2 times the old v, and 1 - beta 2 "
          "times the square of the gradient."), ADAM[2],
         ("rho_inf", "rho_inf", "2 / (1 - beta 2) - 1: the same in every step."),
         ("rho", "rho", "Put in the step's number. Is it above 5?"),
         ("r", "the factor r", "The root of a quotient of two products."),
         ("share", "what m_hat is multiplied by", "r times the root of 1 - beta 2^t, over the root "
          "of v plus epsilon."),
         ("value", "the new weights", "Where rho is at most 5, subtract the learning rate times "
          "m_hat; else times what stands above, too.")),
        (1, 1, 2), _rectified,
        lambda level: (
            "RAdam: `rho_inf = 2 / (1 - beta_2) - 1` and `rho = rho_inf - 2 t beta_2^t / (1 - "
            "beta_2^t)` in step t. Where rho is at most 5 the weights move by the learning rate "
            "times `m_hat = m / (1 - beta_1^t)` alone.",
            "Where rho is above 5 this is multiplied by `r sqrt(1 - beta_2^t) / (sqrt(v) + "
            "epsilon)`, with `r = sqrt((rho - 4) (rho - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) "
            "rho))`. Earlier steps have left the m and v that are given. Use a calculator, and "
            "give four digits behind the point."),
        (("m", "The average of the gradient that earlier steps left (m)"),
         ("v", "The average of its square that earlier steps left (v)")), first=True),
    "adam-matrix": Rule(
        "Adam of a matrix, with epsilon 0", "Adam works number by number: of a matrix m, v and the "
        "step are matrices. With epsilon 0 the first step is the learning rate, with the sign of "
        "the gradient: w = w - rate m_hat / sqrt(v_hat).",
        ("one step", "two steps", "three steps"),
        lambda n, level: _Bare(*(n[k] for k in ("learning_rate", "beta_1", "beta_2"))),  # type: ignore[arg-type]
        ("learning_rate", "beta_1", "beta_2"),
        (*ADAM[:-1], ("value", "the new weights", "Subtract the learning rate times m_hat, divided "
                      "by the root.")),
        (1, 2, 3), rooted("adam", _BETAS, {}, 0),
        lambda level: (
            "Adam of a matrix: `m` is a running average of the gradient, `v` one of its square; "
            "both are matrices of zeros at first, and all is done number by number: `g^2` squares "
            "each number, nothing is multiplied as matrices are. In step t they are divided by `1 "
            "- beta_1^t` and `1 - beta_2^t`.",
            "Epsilon is 0 here: the weights move by the learning rate times m_hat, divided by the "
            "root of v_hat. A gradient of 0 in the first step would divide by 0."),
        matrix=True),
}
TOPICS = {name: rule_topic(name, rule) for name, rule in _RULES.items()}
