"""What chance does, by hand: units kept, statistics of small batches, and the spread of a gradient.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from ...errors import DataError
from ..base import Ask, Inputs, Size, Solution, Topic, by_name
from ..calculation import Draft, count, is_square, number, pick, sizes_of, text
from ..friendly import not_zero, square_variance
from .parts import one

# How many units dropout keeps ---------------------------------------------------------------------


def _draw_kept(rng: np.random.Generator, level: int, activations: int) -> Inputs:
    p = pick(rng, (Fraction(1, 2), Fraction(1, 4), Fraction(1, 5), Fraction(3, 4), Fraction(2, 5)))
    return {"units": p.denominator * int(rng.integers(1, 13)), "p": p,
            "x": np.array([Fraction(int(v)) * (1 - p) for v in not_zero(rng, 12, activations)],
                          object) * int(rng.integers(1, 4))}


def _solve_kept(inputs: Inputs, level: int) -> Solution:
    sizes_of(inputs, x="n")
    count(inputs, "units", 1, 10**6)
    draft = Draft()
    units = one(draft, inputs, "units", "Units of the layer")
    p = one(draft, inputs, "p", "The probability p that a unit is dropped", least=0, below=1)
    x = draft.given("x", inputs["x"], "The activations of some units, in front of dropout")
    run = draft.run("forward")
    keep = run.note("keep", 1 - p, "1 - p")
    run.note("kept", units * keep, "units keep")
    plain = run.note("plain", keep * x + p * 0, "keep x + p 0")
    draft.say(
        "Dropout keeps each unit with probability 1 - p, independently of the others, and sets it "
        "to 0 otherwise. An expectation is the sum of all values, each times its probability.")
    draft.ask(
        Ask("keep", "The probability that a unit is kept", "What is missing from p to 1?"),
        Ask("kept", "The expected number of units kept",
            "Each unit adds the probability that it is kept."),
        Ask("plain", "The expected value of each activation behind dropout, without scaling",
            "It is x where it is kept, else 0: each times its probability."),
    )
    if level >= 2:
        factor = run.note("factor", 1 / keep, "1 / keep")
        scaled = run.note("scaled", factor * x, "factor x")
        mean = run.note("mean", keep * scaled + p * 0, "keep scaled + p 0")
        run.note("inference", keep * x, "keep x")
        draft.say("Inverted dropout multiplies what it keeps by 1 / (1 - p). Classic dropout "
                  "leaves it as it is, and multiplies by 1 - p in inference instead.")
        draft.ask(
            Ask("factor", "The factor of what is kept", "1 divided by the keep probability."),
            Ask("scaled", "What each activation becomes where it is kept", "Times the factor."),
            Ask("mean", "The expected value of each scaled activation",
                "Its value where it is kept, times the probability of that. Compare it with x."),
            Ask("inference", "What classic dropout gives in inference",
                "Compare it with the expectation without scaling."),
        )
    if level == 3:
        run.note("spread", units * keep * p, "units keep p")
        squares = run.note("squares", keep * scaled**2, "keep scaled^2")
        run.note("variance", squares - mean**2, "squares - mean^2")
        run.note("variance_plain", keep * x**2 - plain**2, "keep x^2 - plain^2")
        draft.ask(
            Ask("spread", "The variance of the number of units kept",
                "That of a single unit is (1 - p) p; variances of independent units add up."),
            Ask("squares", "The expected square of each scaled activation",
                "The square where it is kept, times the probability of that."),
            Ask("variance", "The variance of each scaled activation",
                "The expected square minus the square of the expected value."),
            Ask("variance_plain", "The variance of each activation without scaling",
                "Likewise, with x in the place of the scaled activation."),
        )
    return draft.solution({"": ("unit",)}, layer="dropout")


KEPT = Topic(
    "dropout-expectation", "What dropout keeps on average", "Of n units n (1 - p) are kept on "
    "average; 1 / (1 - p) brings the mean of each activation back.",
    ("how many units, and the mean of each", "and with scaling: the mean stays", "and variances"),
    (Size("activations", 3, 1, 6),), _draw_kept, _solve_kept,
    {"units": "a whole number", "p": "at least 0 and below 1: the probability to drop",
     "x": "(activations,)"},
)


# Statistics of small batches ----------------------------------------------------------------------


def _draw_statistics(rng: np.random.Generator, level: int, values: int) -> Inputs:
    small, large = pick(rng, ((2, 512), (2, 128), (8, 512), (4, 256), (2, 32), (2, 200)))
    # The root of the variance over the batch's size is whole.
    variance = small * int(rng.integers(1, 13)) ** 2
    while True:
        population = rng.choice(25, values, replace=False)
        spread = int(values * (population**2).sum() - population.sum() ** 2)
        # The variance, spread / values^2, is twice a square.
        if spread % 2 == 0 and is_square(spread // 2):
            break
    return {"mean": int(rng.integers(-9, 10)), "variance": variance, "small": small,
            "large": large, "population": population}


def _solve_statistics(inputs: Inputs, level: int) -> Solution:
    (m,) = sizes_of(inputs, population="m")
    if m > 6:
        raise DataError(f"population: at most 6 values, got {m}")
    for name in ("small", "large"):
        count(inputs, name, 2, 10**6)
    draft = Draft()
    mean = one(draft, inputs, "mean", "The mean of a feature over all data")
    variance = one(draft, inputs, "variance", "Its variance over all data", more_than=0)
    sizes = {name: one(draft, inputs, name, f"Examples of a {name} batch")
             for name in ("small", "large")}
    draft.say(
        "A batch of n examples is drawn at random from all data. Its mean is as often too high as "
        "too low: its expectation is the mean of the data, its variance that of the data over n. "
        "The root of this variance is the standard error. The variance within the batch, divided "
        "by n, is too small on average: its expectation is (n - 1) / n times that of the data.")
    errors: dict[str, Any] = {}
    for name, n in sizes.items():
        run = draft.run("forward", layer=name)
        of = run.note("of_mean", variance / n, "variance / n")
        errors[name] = run.note("error", np.sqrt(of), "sqrt(of_mean)")
        run.note("low", mean - errors[name], "mean - error")
        run.note("high", mean + errors[name], "mean + error")
        run.note("within", variance * (n - 1) / n, "variance (n - 1) / n")
        draft.ask(
            Ask(f"{name}.of_mean", f"The variance of the mean of a {name} batch",
                "The data's variance, divided by the number of examples."),
            Ask(f"{name}.error", f"The standard error of the mean of a {name} batch",
                "Its root."),
            Ask(f"{name}.low", f"One standard error below the mean, for a {name} batch",
                "The mean of the data minus the standard error."),
            Ask(f"{name}.high", "And one above it", "Plus the standard error."),
            Ask(f"{name}.within", f"The expected variance within a {name} batch",
                "Times n - 1, over n."),
        )
    run = draft.run("forward")
    run.note("times", errors["small"] / errors["large"], "error small / error large")
    draft.ask(Ask("times", "How many times less sure the small batch is of the mean",
                  "One standard error divided by the other."))
    if level >= 2:
        values = draft.given("population", inputs["population"],
                             "All the data of another feature: few values")
        run = draft.run("forward", layer="pairs")
        first, second = values[:, None], values[None, :]
        means = run.note("means", (first + second) / 2, "(first + second) / 2")
        middle = run.note("mean", run.xp.mean(means), "mean of means")
        error = run.note("variance", run.xp.mean((means - middle) ** 2), "mean of (means - mean)^2")
        run.note("error", np.sqrt(error), "sqrt(variance)")
        draft.say("Of the other feature write down all batches of two, of which the second may be "
                  "the same example again: a row for the first, a column for the second.")
        draft.ask(
            Ask("pairs.means", "The mean of every batch of two", "Half of their sum."),
            Ask("pairs.mean", "The mean of all these means", "Compare it with that of the data."),
            Ask("pairs.variance", "The variance of these means",
                "The mean of their squared distances to the last step."),
            Ask("pairs.error", "The standard error", "Its root."),
        )
        if level == 3:
            within = run.note("within", ((first - second) / 2) ** 2, "((first - second) / 2)^2")
            expected = run.note("expected", run.xp.mean(within), "mean of within")
            run.note("unbiased", 2 * expected, "n / (n - 1) expected")
            draft.ask(
                Ask("pairs.within", "The variance within every batch of two",
                    "Both are half their difference away from the mean."),
                Ask("pairs.expected", "The mean of these variances",
                    "Compare it with the variance of the data."),
                Ask("pairs.unbiased", "And of the variances divided by n - 1 in place of n",
                    "Times n / (n - 1), with n = 2."),
            )
    return draft.solution({"": ("value",), "pairs": ("first", "second")})


STATISTICS = Topic(
    "batch-statistics", "Statistics of a small and a large batch", "The mean of n examples has "
    "standard error sqrt(variance / n); their variance is (n - 1) / n of the true one on average.",
    ("standard errors of two sizes", "and all batches of two", "and the variance within them"),
    (Size("values", 3, 3, 4),), _draw_statistics, _solve_statistics,
    {"mean": "a number", "variance": "a number above 0", "small": "a whole number from 2 on",
     "large": "a whole number from 2 on", "population": "(values,)"},
)


# One example against the batch --------------------------------------------------------------------


def _draw_spread(rng: np.random.Generator, level: int, examples: int) -> Inputs:
    while True:
        # Half of the gradients: with these the deviation is whole.
        halves = 2 * (square_variance(rng, examples, 1, 16)[:, 0] - int(rng.integers(0, 6)))
        if halves.sum():
            break
    x, weight = not_zero(rng, 2, examples), int(not_zero(rng, 3, 1)[0])
    return {"x": x, "target": weight * x - halves // x, "weight": weight,
            "batch": pick(rng, (4, 9, 16, 25, 100)),
            "learning_rate": Fraction(1, int(rng.choice([10, 20, 100])))}


def _solve_spread(inputs: Inputs, level: int) -> Solution:
    (n,) = sizes_of(inputs, x="n", target="n")
    count(inputs, "batch", 1, 10**6)
    draft = Draft(n)
    x = draft.given("x", inputs["x"], "The input of each example")
    target = draft.given("target", inputs["target"], "The target of each example")
    weight = one(draft, inputs, "weight", "The weight w")
    batch = one(draft, inputs, "batch", "Examples of a mini-batch") if level >= 2 else None
    rate = one(draft, inputs, "learning_rate", "The learning rate", more_than=0) if level == 3 \
        else None
    run = draft.run("backward")
    error = run.note("error", weight * x - target, "w x - target")
    gradients = run.note("gradients", 2 * error * x, "2 error x")
    mean = run.note("mean", run.xp.mean(gradients), "mean of gradients")
    variance = run.note("variance", run.xp.mean((gradients - mean) ** 2),
                        "mean of (gradients - mean)^2")
    deviation = run.note("deviation", np.sqrt(variance), "sqrt(variance)")
    draft.say(
        "A single weight is trained: y = w x, and the loss of an example is (y - target)^2. Its "
        "gradient differs from example to example; the batch's is the mean of them.")
    draft.ask(
        Ask("error", "The error of each example", "The output minus the target."),
        Ask("gradients", "The gradient of each example",
            "A square has the factor 2 in its derivative; then times x."),
        Ask("mean", "The gradient of the whole batch", "The mean of the examples' gradients."),
        Ask("variance", "The variance of the examples' gradients",
            f"The mean of the squared distances to their mean: divide by {n}."),
        Ask("deviation", "Their standard deviation: how far one example is off, typically",
            "Its root."),
    )
    if batch is not None:
        run.note("spread", deviation / np.sqrt(batch), "deviation / sqrt(batch)")
        run.note("work", 1 * batch, "batch")
        run.note("gain", np.sqrt(batch), "sqrt(batch)")
        draft.say("The gradient of a mini-batch drawn at random has the deviation of single "
                  "examples, divided by the root of its size.")
        draft.ask(
            Ask("spread", "The standard deviation of a mini-batch's gradient",
                "Divide by the root of the batch's size."),
            Ask("work", "How many times the work of one example a mini-batch is",
                "One gradient for each example."),
            Ask("gain", "How many times more exact its gradient is",
                "One deviation over the other. Compare it with the work."),
        )
    if rate is not None:
        own = draft.run("update")
        own.note("single", weight - rate * gradients, "w - rate gradient")
        own.note("whole", weight - rate * mean, "w - rate mean")
        own.note("jitter", rate * deviation, "rate deviation")
        draft.ask(
            Ask("single", "The weight after a step by each example alone",
                "Subtract the learning rate times its gradient. Each starts from w."),
            Ask("whole", "The weight after a step by the whole batch",
                "It is also the mean of the last step's."),
            Ask("jitter", "The standard deviation of the weight after a step by one example",
                "The learning rate times the deviation of the gradient."),
        )
    return draft.solution({"": ("example",)}, n=n)


SPREAD = Topic(
    "gradient-spread", "One example against the batch", "The gradient of one example is right on "
    "average and off by the deviation; that of b examples by deviation / sqrt(b).",
    ("the spread of single gradients", "and of a mini-batch's", "and steps by each"),
    (Size("examples", 4, 4, 6),), _draw_spread, _solve_spread,
    {"x": "(examples,)", "target": "(examples,)", "weight": "a number",
     "batch": "a whole number", "learning_rate": "a number above 0"},
)


# An average over about 1 / (1 - beta) numbers -----------------------------------------------------


def _draw_window(rng: np.random.Generator, level: int, values: int) -> Inputs:
    beta = pick(rng, (Fraction(1, 2), Fraction(2, 3), Fraction(3, 4), Fraction(4, 5),
                      Fraction(9, 10), Fraction(9, 10), Fraction(19, 20)))
    return {"beta": beta, "values": 10 * not_zero(rng, 9, values)}


def _solve_window(inputs: Inputs, level: int) -> Solution:
    (n,) = sizes_of(inputs, values="n")
    draft = Draft()
    beta = one(draft, inputs, "beta", "beta, the share of the old average", least=0, below=1)
    if n > 12 or float(beta) > 0.99:
        raise DataError(f"beta, values: beta at most 0.99 and at most 12 values, got "
                        f"{text(number(inputs, 'beta'))} and {n}")
    values = draft.given("values", inputs["values"], "The numbers, the newest first")
    run = draft.run("forward")
    window = run.note("window", 1 / (1 - beta), "1 / (1 - beta)")
    powers = run.xp.stack([beta**k for k in range(n)])
    weights = run.note("weights", (1 - beta) * powers, "(1 - beta) beta^k")
    shares = run.note("shares", weights * values, "weight value")
    average = run.note("average", run.xp.sum(shares), "sum of shares")
    draft.say(
        "An exponentially weighted average: `average = beta average + (1 - beta) number`, from 0 "
        "on. So the number of k steps ago has weight (1 - beta) beta^k. It is said to be an "
        "average over about 1 / (1 - beta) numbers: see what is meant.")
    draft.ask(
        Ask("window", "Over about how many numbers it averages", "1 divided by 1 - beta."),
        Ask("weights", "The weight of each number, the newest first",
            "Each is beta times the one before it."),
        Ask("shares", "What each number adds to the average", "Its weight times the number."),
        Ask("average", "The average", "Add them up."),
    )
    if level >= 2:
        places = run.note("places", run.xp.ceil(window), "window, rounded up")
        left = run.note("left", beta ** int(float(places)), "beta^window")
        run.note("inside", 1 - left, "1 - left")
        run.note("newest", left * (1 - beta), "left (1 - beta)")
        draft.say("1 / e = 0.3679 is what is left of a weight after one such window, nearly.")
        draft.ask(
            Ask("places", "The window, as a whole number", "Rounded up."),
            Ask("left", "What is left of a number's weight after so many steps, as a share of it",
                "Beta to the power of the window. Compare it with 1 / e."),
            Ask("inside", "The sum of the weights within the window",
                "The weights (1 - beta) beta^k add up to 1 - beta^window."),
            Ask("newest", "The weight of the first number behind the window",
                "The newest one's weight times what is left."),
        )
    if level == 3:
        total = run.note("total", run.xp.sum(weights), "sum of weights")
        corrected = run.note("corrected", average / total, "average / total")
        plain = run.note("plain", run.xp.mean(values), "mean of values")
        run.note("apart", corrected - plain, "corrected - plain")
        draft.say("The weights of the numbers so far do not add up to 1, as the average began at "
                  "0: its bias is corrected by dividing by their sum.")
        draft.ask(
            Ask("total", "The sum of the weights of these numbers",
                "It is also 1 - beta to the power of their number."),
            Ask("corrected", "The average with its bias corrected", "Divide by that sum."),
            Ask("plain", "The plain mean of these numbers", "Each has the same weight."),
            Ask("apart", "How far the two are apart", "Corrected minus plain."),
        )
    return draft.solution({"": ("number",)})


WINDOW = Topic(
    "averaging-window", "Beta as a number of values", "An exponentially weighted average with beta "
    "is one over about 1 / (1 - beta) numbers: beta = 0.9 over 10.",
    ("weights and window", "and what is left behind it", "and with bias correction"),
    (Size("values", 3, 2, 6),), _draw_window, _solve_window,
    {"beta": "at least 0, at most 0.99", "values": "(values,): the newest first"},
)

TOPICS = by_name(KEPT, STATISTICS, SPREAD, WINDOW)
