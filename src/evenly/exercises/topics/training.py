"""Choices of training by hand: the batch, a penalty's convention, and checking a gradient."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from ...errors import DataError
from ...schedules import steps_per_epoch
from ..base import Ask, Inputs, Size, Solution, Topic, by_name
from ..calculation import Draft, count, pick, sizes_of, whole_numbers
from ..friendly import not_zero, whole
from .parts import one

# Choosing a batch ---------------------------------------------------------------------------------


def _draw_batch(rng: np.random.Generator, level: int, batches: int) -> Inputs:
    sizes = np.sort(rng.choice(2 ** np.arange(4, 4 + max(batches, 6)), batches, replace=False))
    return {"rows": int(rng.integers(20, 1000)) * int(rng.choice([8, 10, 25, 50])),
            "epochs": int(rng.integers(2, 31)), "batches": sizes,
            "numbers": int(rng.choice([100, 200, 250, 400, 500])) * int(rng.integers(1, 9)),
            "parameters": 1000 * int(rng.integers(1, 30)),
            "room": 1000 * int(rng.integers(200, 900))}


def _solve_batch(inputs: Inputs, level: int) -> Solution:
    sizes_of(inputs, batches="n")
    for name, most in (("rows", 10**9), ("epochs", 10**6), ("numbers", 10**9),
                       ("parameters", 10**9), ("room", 10**9)):
        count(inputs, name, 1, most)
    whole_numbers("batches", inputs["batches"], 1, 10**9)
    draft = Draft()
    rows = one(draft, inputs, "rows", "Rows of the training set")
    epochs = one(draft, inputs, "epochs", "Epochs")
    batches = draft.given("batches", inputs["batches"], "Sizes of a mini-batch to choose from")
    run = draft.run("forward")
    steps = run.note("steps", run.xp.stack([steps_per_epoch(rows, batches[i], run.xp)
                                            for i in range(len(batches))]),
                     "rows / batch, rounded up")
    run.note("updates", steps * epochs, "steps epochs")
    run.note("last", rows - (steps - 1) * batches, "rows - (steps - 1) batch")
    whole_set = run.note("whole", run.xp.floor(run.xp.minimum(2000 / rows, 1)),
                         "1 where rows <= 2000, else 0")
    draft.say(
        "A step needs the activations of its mini-batch, and makes one update. Small batches make "
        "many updates of rough gradients; large ones use the machine better. Powers of two fit "
        "memory well. A training set of up to 2000 rows or so is used whole: then an epoch is one "
        "step.")
    draft.ask(
        Ask("steps", "Steps per epoch, for each size", "One that is not full counts too."),
        Ask("updates", "Updates in the whole training", "Over all epochs."),
        Ask("last", "Rows of the last mini-batch of an epoch", "What do the others leave?"),
        Ask("whole", "Write 1 if the set is small enough to be used whole, else 0",
            "Has it at most 2000 rows?"))
    if level >= 2:
        numbers = one(draft, inputs, "numbers", "Activations of one example, in all layers")
        parameters = one(draft, inputs, "parameters", "Parameters of the network")
        fixed = run.note("fixed", 4 * 4 * parameters, "4 bytes, 4 times the parameters")
        each = run.note("each", 2 * 4 * numbers, "4 bytes, 2 times the activations")
        memory = run.note("memory", fixed + batches * each, "fixed + batch each")
        draft.say("A number takes 4 bytes. Parameters are held four times: themselves, their "
                  "gradients, and the two averages of Adam. Activations are held twice: themselves "
                  "and their gradients.")
        draft.ask(
            Ask("fixed", "The bytes that do not depend on the batch",
                "Four numbers for each parameter."),
            Ask("each", "The bytes of one example", "Two numbers for each activation."),
            Ask("memory", "The bytes of a step, for each size of a mini-batch",
                "What is fixed, plus the batch times one example."))
    if level == 3:
        room = one(draft, inputs, "room", "The memory that there is, in bytes, divided by 100")
        bytes_ = run.note("bytes", 100 * room, "100 room")
        run.note("fits", run.xp.where(memory <= bytes_, batches, 0), "batch where it fits, else 0")
        most = run.note("most", run.xp.floor((bytes_ - fixed) / each), "(bytes - fixed) / each")
        if float(most) < 1:
            raise DataError("room: not even one example fits")
        # Half of one more keeps the logarithm of a power of two from being rounded down.
        doublings = run.xp.floor(np.log(most + Fraction(1, 2)) / np.log(run.xp.asarray(2)))
        power = run.note("power", 2**doublings, "2^floor(log(most) / log(2))")
        run.note("chosen", run.xp.minimum(rows, whole_set * rows + (1 - whole_set) * power),
                 "rows if they are few, else the power of two")
        draft.ask(
            Ask("bytes", "The memory in bytes", "Times 100."),
            Ask("fits", "Write each size that fits, and 0 for those that do not",
                "Compare the bytes of a step with the memory."),
            Ask("most", "How many examples fit at most",
                "What is left beside the fixed part, divided by one example's; rounded down."),
            Ask("power", "The largest power of two among these", "1, 2, 4, 8, 16, ..."),
            Ask("chosen", "The size to begin with",
                "The whole set where it is small, else the power of two; never more than there "
                "are rows."))
    return draft.solution({"": ("size",)})


BATCH = Topic(
    "choosing-batch", "Choosing a batch", "Steps, updates and memory of several sizes; the largest "
    "power of two that fits, and the whole set where it is small.",
    ("steps and updates", "and memory", "and the choice"),
    (Size("batches", 3, 2, 6),), _draw_batch, _solve_batch,
    {"rows": "a whole number", "epochs": "a whole number", "batches": "(sizes,): whole numbers",
     "numbers": "a whole number: activations of an example", "parameters": "a whole number",
     "room": "a whole number: the memory's bytes, divided by 100"},
)

# lambda / (2 m) -----------------------------------------------------------------------------------


def _draw_lambda(rng: np.random.Generator, level: int, features: int) -> Inputs:
    m = int(rng.choice([2, 4, 5, 8, 10, 20, 50, 100]))
    return {"weights": not_zero(rng, 9, features), "m": m, "lambda": m * pick(
        rng, (Fraction(1, 10), Fraction(1, 5), Fraction(1, 2), Fraction(1), Fraction(2))),
        "gradient": not_zero(rng, 9, features), "loss": int(rng.integers(1, 40)),
        "learning_rate": pick(rng, (Fraction(1, 10), Fraction(1, 5), Fraction(1, 100)))}


def _solve_lambda(inputs: Inputs, level: int) -> Solution:
    sizes_of(inputs, weights="n", gradient="n")
    count(inputs, "m", 1, 10**6)
    draft = Draft()
    weights = draft.given("weights", inputs["weights"], "The weights")
    m = one(draft, inputs, "m", "m: examples of the training set")
    strength = one(draft, inputs, "lambda", "lambda", more_than=0)
    loss = one(draft, inputs, "loss", "The mean loss of the examples", least=0)
    run = draft.run("forward")
    squares = run.note("squares", run.xp.sum(weights**2), "sum of w^2")
    penalty = run.note("penalty", strength / (2 * m) * squares, "lambda / (2 m) squares")
    run.note("cost", loss + penalty, "loss + penalty")
    own = run.note("strength", strength / m, "lambda / m")
    run.note("same", own / 2 * squares, "strength / 2 squares")
    draft.say(
        "Course notes write the penalty as `lambda / (2 m)` times the sum of the squared weights: "
        "lambda stands beside the sum of the losses, and everything is divided by m. This library "
        "writes `strength / 2` times that sum, beside the mean loss. It is a convention: with "
        "strength = lambda / m both are the same.")
    draft.ask(
        Ask("squares", "The sum of the squared weights", "Square each, add up."),
        Ask("penalty", "The penalty", "Times lambda, divided by 2 m."),
        Ask("cost", "The cost", "The mean loss plus the penalty."),
        Ask("strength", "The strength in this library's convention",
            "Which number makes strength / 2 equal to lambda / (2 m)?"),
        Ask("same", "The penalty by it", "Half of the strength times the sum of the squares."))
    if level >= 2:
        gradient = draft.given("gradient", inputs["gradient"],
                               "The gradient of the mean loss on the weights")
        rate = one(draft, inputs, "learning_rate", "The learning rate", more_than=0)
        back = draft.run("backward")
        slope = back.note("d_penalty", own * weights, "lambda / m w")
        total = back.note("g", gradient + slope, "gradient + d_penalty")
        update = draft.run("update")
        update.note("value", weights - rate * total, "w - rate g")
        shrink = update.note("shrink", 1 - rate * own, "1 - rate lambda / m")
        update.note("again", shrink * weights - rate * gradient, "shrink w - rate gradient")
        draft.ask(
            Ask("d_penalty", "The gradient of the penalty", "The 2 of the square cancels."),
            Ask("g", "The gradient of the cost", "Both together."),
            Ask("value", "The weights after a step of gradient descent",
                "Subtract the learning rate times the last step."),
            Ask("shrink", "By what the step shrinks the weights",
                "1 minus the learning rate times lambda / m."),
            Ask("again", "The weights after the step, once more",
                "Shrink them, then subtract the learning rate times the loss's gradient alone."))
    else:
        one(Draft(), inputs, "learning_rate", "", more_than=0)
    if level == 3:
        double = draft.run("forward", layer="twice")
        twice = double.note("m", 2 * m, "2 m")
        double.note("penalty", strength / (2 * twice) * squares, "lambda / (2 m) squares")
        double.note("lambda", own * twice, "strength m")
        double.note("without_half", own / 2, "lambda / (2 m)")
        draft.say("Last, the training set becomes twice as large, with the same mean loss.")
        draft.ask(
            Ask("twice.m", "The number of examples then", "Twice."),
            Ask("twice.penalty", "The penalty then, with the same lambda",
                "Divide by the new 2 m. The data weigh more than the penalty."),
            Ask("twice.lambda", "The lambda that would leave the penalty as it was",
                "It must keep lambda / m."),
            Ask("twice.without_half", "In the first set, the alpha of a convention that writes "
                "alpha times the sum of squares", "Compare the factors before the sum."))
    return draft.solution({"": ("weight",)})


LAMBDA = Topic(
    "l2-conventions", "lambda / (2 m), a convention", "The penalty lambda / (2 m) sum w^2 is "
    "strength / 2 sum w^2 with strength = lambda / m.",
    ("cost in both conventions", "and gradient, step and shrinking", "and twice the data"),
    (Size("features", 2, 1, 5),), _draw_lambda, _solve_lambda,
    {"weights": "(weights,)", "m": "a whole number", "lambda": "a number above 0",
     "loss": "a number of at least 0", "gradient": "(weights,)",
     "learning_rate": "a number above 0"},
)

# Checking a gradient ------------------------------------------------------------------------------


def _draw_check(rng: np.random.Generator, level: int, weights: int) -> Inputs:
    return {"weights": not_zero(rng, 3, weights), "cubic": not_zero(rng, 3, weights),
            "square": whole(rng, 4, weights), "epsilon": pick(rng, (Fraction(1, 10),
                                                                   Fraction(1, 10),
                                                                   Fraction(1, 100))),
            "wrong": int(rng.integers(1, weights + 1))}


def _solve_check(inputs: Inputs, level: int) -> Solution:
    (n,) = sizes_of(inputs, weights="n", cubic="n", square="n")
    place = count(inputs, "wrong", 1, n)
    draft = Draft()
    w = draft.given("weights", inputs["weights"], "The weights w")
    cubic = draft.given("cubic", inputs["cubic"], "The numbers a")
    square = draft.given("square", inputs["square"], "The numbers b")
    epsilon = one(draft, inputs, "epsilon", "epsilon", more_than=0)

    def cost(at: Any) -> Any:
        """Of each weight by itself."""
        return cubic * at**3 + square * at**2

    draft.say(
        "The cost is the sum of `a w^3 + b w^2` over the weights. A gradient that a program "
        "computes is checked by moving one weight by epsilon: the cost's other summands stay, so "
        "each weight's own summand is enough.")
    run = draft.run("forward")
    up = run.note("raised", cost(w + epsilon), "J(w + epsilon)")
    down = run.note("lowered", cost(w - epsilon), "J(w - epsilon)")
    exact = draft.run("backward").note("gradient", 3 * cubic * w**2 + 2 * square * w,
                                       "3 a w^2 + 2 b w")
    both = run.note("both", (up - down) / (2 * epsilon), "(raised - lowered) / (2 epsilon)")
    run.note("off", both - exact, "both - gradient")
    draft.ask(
        Ask("gradient", "The gradient, by the rules of derivatives", "Weight by weight."),
        Ask("raised", "Each weight's summand with the weight raised by epsilon",
            "Put w + epsilon in."),
        Ask("lowered", "And lowered by epsilon", "Put w - epsilon in."),
        Ask("both", "The difference to both sides, over 2 epsilon",
            "Divide by how far the two are apart."),
        Ask("off", "How far it is off", "The difference minus the gradient."))
    if level >= 2:
        here = run.note("here", cost(w), "J(w)")
        ahead = run.note("ahead", (up - here) / epsilon, "(raised - here) / epsilon")
        run.note("ahead_off", ahead - exact, "ahead - gradient")
        draft.say("A difference to one side needs one cost less, and is less exact: off by about "
                  "epsilon, where the one to both sides is off by about epsilon^2.")
        draft.ask(
            Ask("here", "Each summand where the weights are", "Put w in."),
            Ask("ahead", "The difference to one side, over epsilon", "From w to w + epsilon."),
            Ask("ahead_off", "How far that one is off", "Compare it with the other."))
    if level == 3:
        sign = np.array([Fraction(-1 if k == place - 1 else 1) for k in range(n)], object)
        bad = run.note("bad", exact * sign, "the gradient, one sign wrong")
        for name, own in (("right", exact), ("bug", bad)):
            at = draft.run("forward", layer=name)
            apart = at.note("apart", np.sqrt(run.xp.sum((both - own) ** 2)),
                            "length of the difference")
            size = at.note("size", np.sqrt(run.xp.sum(both**2)) + np.sqrt(run.xp.sum(own**2)),
                           "sum of both lengths")
            at.note("ratio", apart / size, "apart / size")
        draft.say("A program is checked by one number: the length of the difference of both "
                  "gradients, divided by the sum of their lengths. Small means right. Last, a "
                  f"program that has the sign of weight {place} wrong.",
                  "Use a calculator, and give six digits behind the point.")
        draft.ask(Ask("bad", "The gradient of the wrong program",
                      f"Weight {place} has the other sign."))
        for name, word in (("right", "the right gradient"), ("bug", "the wrong one")):
            draft.ask(
                Ask(f"{name}.apart", f"The length of the difference, for {word}",
                    "The root of the sum of its squares."),
                Ask(f"{name}.size", "The sum of both lengths", "A root for each of them."),
                Ask(f"{name}.ratio", "The ratio", "Divide."))
    return draft.solution({"": ("weight",)})


CHECK = Topic(
    "gradient-checking", "Checking a gradient", "The difference (J(w + eps) - J(w - eps)) / "
    "(2 eps) beside the gradient: off by about eps^2, to one side by about eps.",
    ("differences to both sides", "and to one side", "and a program with a wrong sign"),
    (Size("weights", 2, 1, 4),), _draw_check, _solve_check,
    {"weights": "(weights,)", "cubic": "(weights,)", "square": "(weights,)",
     "epsilon": "a number above 0", "wrong": "which weight has the wrong sign, from 1"},
)

TOPICS = by_name(BATCH, LAMBDA, CHECK)
