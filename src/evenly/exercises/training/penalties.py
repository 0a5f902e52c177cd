"""Small weights by hand: penalties on them, weight decay, and a limit to their length."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from ...byhand.exact import Exact
from ...byhand.work import work_out
from ...constraints import Constraint, MaxNorm, UnitNorm
from ...errors import DataError
from ...layers import Dense, Sequential
from ...layers.base import Run
from ...losses import MeanSquaredError
from ...optimizers import SGD, Adam, AdamW, Momentum
from ...penalties import L1, L2, ElasticNet, Penalty
from ..base import Ask, Inputs, Size, Solution, Topic, by_name
from ..calculation import Draft, fits, number, pick, positive, sizes_of, text, timed
from ..chains import rooted
from ..friendly import RATES, SLANTING, descending, not_zero, whole

_RATES = (Fraction(1, 2), Fraction(1, 4), Fraction(1, 10))
_KERNEL = (Size("features", 2, 2, 4), Size("units", 2, 1, 4))


# L2, L1, and both ---------------------------------------------------------------------------------


Strengths = Mapping[str, tuple[Fraction, ...]]


def _draw_penalty(rng: np.random.Generator, level: int, features: int, units: int,
                  strengths: Strengths, make: Callable[..., Penalty]) -> Inputs:
    while True:
        kernel = not_zero(rng, 4, (features, units))
        if kernel.size > 2 and rng.integers(2):
            kernel.reshape(-1)[rng.integers(kernel.size)] = 0  # of which the sign is 0
        strength = {n: pick(rng, own) for n, own in strengths.items()}
        x = whole(rng, 2, (2, features))
        while not np.abs(x).sum(axis=1).all():
            x = whole(rng, 2, (2, features))
        # The errors are chosen: multiples of the number of outputs by which the loss divides.
        errors = whole(rng, 2, (2, units)) * units
        errors[0, 0] = errors[0, 0] or units
        drawn: Inputs = {"kernel": kernel, **strength, "learning_rate": pick(rng, _RATES), "x": x,
                         "gradient": not_zero(rng, 5, (features, units)), "y": x @ kernel - errors}
        if level < 3:
            return drawn
        penalty = make(*map(float, strength.values()))
        slope = x.T @ errors / units + penalty.gradient(kernel.astype(float), Run(True))

        def loss(rate: float, drawn: Inputs = drawn, slope: Any = slope) -> float:
            now = drawn["kernel"] - rate * slope
            return float(np.square(drawn["x"] @ now - drawn["y"]).mean())

        def cost(rate: float, loss: Any = loss, drawn: Inputs = drawn, slope: Any = slope,
                 penalty: Penalty = penalty) -> float:
            now = drawn["kernel"] - rate * slope
            return float(loss(rate)) + float(penalty.cost(now, Run(True)))

        # The step lowers the cost, and the loss as well.
        rate = descending(lambda rate, loss=loss, cost=cost: max(  # type: ignore[misc]
            loss(rate) / loss(0.0), cost(rate) / cost(0.0)), RATES[:4])
        if rate is not None:
            return drawn | {"learning_rate": rate}


def _solve_penalty(make: Callable[..., Penalty], words: str, strengths: Strengths,
                   inputs: Inputs, level: int) -> Solution:
    _, units = sizes_of(inputs, kernel="features units")
    rate = positive(inputs, "learning_rate")
    strength = {name: positive(inputs, name) for name in strengths}
    penalty = fits(lambda: make(*strength.values()))
    optimizer = fits(lambda: SGD(rate))  # type: ignore[arg-type]
    cost = Ask("dense_1.kernel.penalty", "What the penalty adds to the cost", words)
    slope = Ask("dense_1.kernel.d_penalty", "The gradient of the penalty",
                "Its derivative, number by number." +
                ("" if isinstance(penalty, L2) else " That of |w| counts as 0 at 0."))
    total = Ask("dense_1.kernel.g", "The gradient of the cost", "Both gradients together.")
    update = Ask("dense_1.kernel.value", "The weights after a step of gradient descent",
                 "Subtract the learning rate times the gradient of the cost.", "update")
    said = f"The cost is the loss plus a penalty on the weights: {penalty_words(penalty)}."
    setting = {**{n: s.fraction for n, s in strength.items()}, "learning_rate": rate.fraction}
    numbers = "The strength is " + text(strength["strength"]) if "strength" in strength else \
        "The strengths are " + " and ".join(f"{n} = {text(s)}" for n, s in strength.items())
    if level == 3:
        x, y = np.asarray(inputs["x"], object), np.asarray(inputs["y"], object)
        sizes_of(inputs, kernel="features units", x="n features", y="n units")
        work = work_out(Sequential([Dense(units, bias=False)]), x, y, loss=MeanSquaredError(),
                        optimizer=optimizer, penalty=penalty, exact=True,
                        weights={"dense_1.kernel": inputs["kernel"]})
        asked = (
            Ask("dense_1.product", "The outputs", "Each row of x times the weights."),
            Ask("loss", "The loss", "The mean of the squared errors over examples and "
                "outputs.", "loss"),
            cost,
            Ask("dense_1.d_kernel", "The gradient of the loss on the weights",
                "The derivative of the loss at the outputs first; then the inputs, transposed, "
                "times it."),
            slope, total, update)
        given = {"dense_1.kernel": "The weights", "x": "The inputs: a row for each example",
                 "target": "The targets"}
        return Solution(work, (
            said, "The layer is linear and has no bias; the loss is the mean squared error over "
            "all examples and outputs.", f"{numbers}, the learning rate {text(rate)}."),
            asked, given, setting)
    sizes_of(inputs, kernel="features units", gradient="features units")
    draft = Draft()
    value = draft.given("kernel", inputs["kernel"], "The weights", "dense_1")
    gradient = draft.given("d_kernel", inputs["gradient"], "The gradient of the loss on them",
                           "dense_1")
    run = draft.run("update", layer="dense_1.kernel")
    penalty.cost(value, run)
    now = run.note("g", gradient + penalty.gradient(value, run), "d_kernel + d_penalty")
    draft.say(said, f"{numbers}.")
    draft.ask(cost, slope, total)
    if level == 2:
        optimizer.update(value, now, (), run)
        draft.ask(update)
        draft.say(f"The learning rate is {text(rate)}.")
    return draft.solution(dict.fromkeys(("dense_1", "dense_1.kernel"), ("in", "unit")), **setting)


def penalty_words(penalty: Penalty) -> str:
    """A penalty's formula in a sentence."""
    if isinstance(penalty, ElasticNet):
        return ("`l1` times the sum of the weights' absolute values, and `l2 / 2` times the sum of "
                "the squared weights")
    return "`strength / 2` times the sum of the squared weights" if isinstance(penalty, L2) else \
        "`strength` times the sum of the weights' absolute values"


def _penalty(name: str, title: str, about: str, make: Callable[..., Penalty], hint: str,
             strengths: Strengths) -> Topic:
    return Topic(
        name, title, about,
        ("cost and gradient", "and the update", "from the data: outputs, loss, gradient, update"),
        _KERNEL,
        lambda rng, level, **sizes: _draw_penalty(rng, level, **sizes, strengths=strengths,
                                                  make=make),
        lambda inputs, level: _solve_penalty(make, hint, strengths, inputs, level),
        {"kernel": "(features, units)", "gradient": "(features, units): of the loss, for levels "
         "1 and 2", "x": "(examples, features), for level 3", "y": "(examples, units), for level 3",
         **dict.fromkeys(strengths, "a number above 0"), "learning_rate": "a number above 0"},
    )


L2_TOPIC = _penalty(
    "l2", "L2 regularization", "Large weights cost: strength / 2 sum(w^2) is added to the cost, "
    "strength w to the gradient.", L2, "Square all weights and add them up; then the factor.",
    {"strength": (Fraction(1, 2), Fraction(1), Fraction(1, 5), Fraction(2))})
L1_TOPIC = _penalty(
    "l1", "L1 regularization", "Weights cost by their size: strength sum(|w|) is added to the "
    "cost, strength sign(w) to the gradient.", L1,
    "Add up the weights without their signs; then the factor.",
    {"strength": (Fraction(1, 2), Fraction(1), Fraction(1, 10), Fraction(2))})
ELASTIC_NET = _penalty(
    "elastic-net", "Elastic net", "L1 and L2 together: l1 sum(|w|) + l2 / 2 sum(w^2) is added to "
    "the cost, l1 sign(w) + l2 w to the gradient.", ElasticNet,
    "Two sums: of the weights without their signs, and of their squares; each with its factor.",
    {"l1": (Fraction(1, 2), Fraction(1), Fraction(1, 5)),
     "l2": (Fraction(1, 2), Fraction(2), Fraction(1, 10), Fraction(1, 5))})


# Weight decay -------------------------------------------------------------------------------------


def _draw_decay(rng: np.random.Generator, level: int, weights: int) -> Inputs:
    rate = pick(rng, (Fraction(1, 2), Fraction(1)))
    epsilon, strength = 2, pick(rng, (Fraction(1, 10), Fraction(1, 5), Fraction(1, 4)))
    drawn: Inputs = {"weights": not_zero(rng, 9, weights), "learning_rate": rate,
                     "epsilon": epsilon, "weight_decay": strength}
    if level == 3:
        # Both gradients come out whole: the loss's, and that with the penalty's in it.
        drawn["weights"] = int(1 / strength) * not_zero(rng, 2, weights)
        found = [chain[0] for chain in rooted("adam", 1, Fraction(1, 2), epsilon) if chain[0] < 13]
        shifts = [int(w * strength) for w in drawn["weights"]]
        fitting = [[s * g for g in found for s in (1, -1) if 0 < abs(s * g + shift) < 13]
                   for shift in shifts]
        drawn["gradients"] = np.array([[pick(rng, options) for options in fitting]])
    else:
        drawn["gradients"] = not_zero(rng, 4, (level, weights))
    return drawn


def _solve_decay(inputs: Inputs, level: int) -> Solution:
    n, *several = sizes_of(inputs, weights="n", gradients="steps n" if level < 3 else "1 n")
    steps = several[0] if several else 1
    if steps > 6:
        raise DataError(f"gradients: at most 6 steps, got {steps}")
    rate, decay = positive(inputs, "learning_rate"), positive(inputs, "weight_decay")
    epsilon = positive(inputs, "epsilon")
    draft = Draft()
    value: Any = draft.given("weights", inputs["weights"], "The weights", "w")
    gradients = [draft.given(f"gradient {t}", gradient, f"The gradient of step {t}" if level < 3
                             else "The gradient of the loss", "w")
                 for t, gradient in enumerate(inputs["gradients"], 1)]
    setting = {"learning_rate": rate.fraction, "weight_decay": decay.fraction}
    numbers = f"The learning rate is {text(rate)}, the weight decay {text(decay)}."
    if level < 3:
        rule = fits(lambda: SGD(rate, weight_decay=decay))  # type: ignore[arg-type]
        for t, gradient in enumerate(gradients, 1):
            value, _ = rule.update(value, gradient, (), draft.run("update", layer="w", step=t - 1),
                                   decays=True)
            draft.ask(
                Ask(timed("w.decayed", t), f"Step {t}: the decayed weights",
                    "Multiply by 1 - learning rate times weight decay."),
                Ask(timed("w.value", t), f"Step {t}: the new weights",
                    "From the decayed weights subtract the learning rate times the gradient."))
        draft.say(
            "Gradient descent with weight decay: in each step the weights first shrink by the "
            "factor `1 - rate decay`, apart from the gradient.", numbers)
        return draft.solution({"w": ("weight",)}, **setting)
    half = Fraction(1, 2)
    settings: Any = (rate, Exact(half), Exact(half), epsilon)
    zero = (np.zeros(n, object),) * 2
    apart = fits(lambda: AdamW(*settings, weight_decay=decay))  # type: ignore[arg-type]
    apart.update(value, gradients[0], zero, draft.run("update", layer="adamw"), decays=True)
    run = draft.run("update", layer="adam")
    through = run.note("g", gradients[0] + L2(decay).gradient(value, run),  # type: ignore[arg-type]
                       "gradient + d_penalty")
    fits(lambda: Adam(*settings)).update(value, through, zero, run)
    root = "The corrected averages of the first step are the gradient itself and its square."
    draft.say(
        "One step of AdamW, whose decay is apart from the gradient, and one of Adam, where the "
        "same decay goes through the gradient as an L2 penalty. They differ: Adam divides the "
        "penalty's part by the root too.",
        f"{numbers} Epsilon is {text(epsilon)} and both betas are 1/2; it is the first step, so "
        "`m` and `v` are 0 before it.")
    draft.ask(
        Ask("adamw.decayed", "AdamW: the decayed weights",
            "Multiply by 1 - learning rate times weight decay."),
        Ask("adamw.m_hat", "AdamW: the corrected average of the gradient", root),
        Ask("adamw.root", "AdamW: the root of the corrected average of its square", root),
        Ask("adamw.value", "AdamW: the new weights", "From the decayed weights subtract the "
            "learning rate times m_hat, divided by the root plus epsilon."),
        Ask("adam.g", "Adam with L2: the gradient with the penalty's in it",
            "The gradient of the loss, plus the weight decay times the weights."),
        Ask("adam.root", "Adam with L2: the root", "As above, for this gradient."),
        Ask("adam.value", "Adam with L2: the new weights", "As above; nothing decays apart."))
    return draft.solution(dict.fromkeys(("w", "adamw", "adam"), ("weight",)), **setting)


WEIGHT_DECAY = Topic(
    "weight-decay", "Weight decay", "Weights shrink in each step, apart from the gradient: "
    "w = w (1 - rate decay), then the step.",
    ("one step of gradient descent", "two steps", "AdamW against Adam with L2"),
    (Size("weights", 2, 1, 5),), _draw_decay, _solve_decay,
    {"weights": "(weights,)", "gradients": "(steps, weights)", "learning_rate": "a number above 0",
     "weight_decay": "a number above 0", "epsilon": "a number above 0, for level 3"},
)


# Max norm and unit norm ---------------------------------------------------------------------------

_VECTORS = {**SLANTING, 2: (*SLANTING[2], (0, 5), (0, 2))}


def _vector(rng: np.random.Generator, size: int) -> Any:
    """A vector of whole numbers whose length is whole."""
    return rng.permutation(pick(rng, _VECTORS[size])) * rng.choice([-1, 1], size)


def _length(vector: Any) -> int:
    return round(float(np.sqrt((vector * vector).sum())))


def _draw_max_norm(rng: np.random.Generator, level: int, features: int, units: int,
                   slanting: bool = False) -> Inputs:
    while True:
        after = np.stack([_vector(rng, features) for _ in range(units)], axis=1)
        lengths = [_length(column) for column in after.T]
        limit = int(rng.integers(2, 11))
        # One is too long at least, and where there are several, one is not.
        # Where all are divided by their lengths, one has several numbers other than 0.
        if max(lengths) > limit and (units == 1 or min(lengths) <= limit) and (
                not slanting or (np.count_nonzero(after, axis=0) > 1).any()):
            break
    rate = pick(rng, (Fraction(1, 2), Fraction(1, 4), Fraction(1)))
    gradient = int(1 / rate) * not_zero(rng, 3, (features, units))
    velocity = 2 * not_zero(rng, 2, (features, units)) * int(1 / rate)
    kernel = after
    if level == 2:
        kernel = after + (gradient * rate).astype(np.int64)
    elif level == 3:
        kernel = after + ((gradient + velocity // 2) * rate).astype(np.int64)
    return {"kernel": kernel, "gradient": gradient, "velocity": velocity, "limit": limit,
            "learning_rate": rate, "beta": Fraction(1, 2)}


def _solve_max_norm(inputs: Inputs, level: int) -> Solution:
    limit = positive(inputs, "limit")
    return _constrained(
        fits(lambda: MaxNorm(limit)),  # type: ignore[arg-type]
        f"No unit's weights may be longer than {text(limit)}: a column that is longer is scaled "
        "down to that length, the others stay.",
        ("The weights within the limit",
         "Which columns are too long? Each is multiplied by the limit over its length."),
        {"limit": limit.fraction}, inputs, level)


def _draw_unit_norm(rng: np.random.Generator, level: int, features: int, units: int) -> Inputs:
    drawn = _draw_max_norm(rng, level, features, units, slanting=True)
    del drawn["limit"]
    return drawn


def _solve_unit_norm(inputs: Inputs, level: int) -> Solution:
    return _constrained(
        UnitNorm(), "Every unit's weights have length 1: each column is divided by its length.",
        ("The weights of length 1", "Divide each column by its length."), {}, inputs, level)


def _constrained(constraint: Constraint, sentence: str, last: tuple[str, str],
                 setting: dict[str, Any], inputs: Inputs, level: int) -> Solution:
    """A constraint on the columns of a kernel, at levels 2 and 3 after a step."""
    sizes_of(inputs, **dict.fromkeys(("kernel", "gradient", "velocity"), "features units"))
    rate, beta = positive(inputs, "learning_rate"), number(inputs, "beta")
    draft = Draft()
    value: Any = draft.given("kernel", inputs["kernel"], "The weights: a column for each unit", "w")
    run = draft.run("update", layer="w")
    draft.say(sentence)
    if level > 1:
        gradient = draft.given("gradient", inputs["gradient"], "Their gradient", "w")
        after = f"The learning rate is {text(rate)}."
        if level == 2:
            value, _ = fits(lambda: SGD(rate)).update(value, gradient, (), run)  # type: ignore[arg-type]
            draft.say(f"First comes a step of gradient descent. {after}")
        else:
            velocity = draft.given("velocity so far", inputs["velocity"], "The velocity so far",
                                   "w")
            rule = fits(lambda: Momentum(rate, beta))  # type: ignore[arg-type]
            value, _ = rule.update(value, gradient, (velocity,), run)
            draft.say(f"First comes a step with momentum, `velocity = {text(beta)} velocity + g`. "
                      f"{after}")
            draft.ask(Ask("w.velocity", "The new velocity",
                          "The share of the old one, plus the gradient."))
        draft.ask(Ask("w.value", "The weights after the step",
                      "Subtract the learning rate times the direction."))
    constraint.apply(value, run)
    draft.ask(Ask("w.norms", "The length of each unit's weights",
                  "The root of the sum of the squares of a column."),
              Ask("w.value" if level == 1 else "w.value (2)", *last))
    return draft.solution({"w": ("in", "unit")}, **setting)


_STEPPED = {
    "kernel": "(features, units)", "gradient": "(features, units), for level 2 and 3",
    "velocity": "(features, units), for level 3", "learning_rate": "a number above 0",
    "beta": "the share of the old velocity, for level 3",
}
MAX_NORM = Topic(
    "max-norm", "Max-norm constraint", "No unit's weights are longer than a limit: "
    "w = w min(1, limit / |w|), column by column, after each update.",
    ("the constraint", "after a step of gradient descent", "after a step with momentum"),
    _KERNEL, _draw_max_norm, _solve_max_norm, _STEPPED | {"limit": "a number above 0"},
)
UNIT_NORM = Topic(
    "unit-norm", "Unit-norm constraint", "Every unit's weights have length 1: w = w / |w|, column "
    "by column, after each update.",
    ("the constraint", "after a step of gradient descent", "after a step with momentum"),
    _KERNEL, _draw_unit_norm, _solve_unit_norm, _STEPPED,
)

TOPICS = by_name(L2_TOPIC, L1_TOPIC, ELASTIC_NET, WEIGHT_DECAY, MAX_NORM, UNIT_NORM)
