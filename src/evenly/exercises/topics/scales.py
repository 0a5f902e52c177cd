"""What layers do to the scale of numbers, by hand."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from ...errors import DataError
from ..base import Ask, Inputs, Size, Solution, Topic, by_name
from ..calculation import Draft, at_least, count, pick, sizes_of, whole_numbers
from ..friendly import not_zero
from .parts import one

_DIGITS = "Use a calculator, and give four digits behind the point."

# tanh and 1 / n -----------------------------------------------------------------------------------


def _draw_fan(rng: np.random.Generator, level: int, width: int) -> Inputs:
    while True:
        x, numbers = not_zero(rng, 3, width), not_zero(rng, 2, (width, 2))
        sums = x @ numbers
        if sums.all() and abs(sums).max() <= 6 and abs(sums[0]) != abs(sums[1]):
            return {"x": x, "numbers": numbers, "d_y": not_zero(rng, 4, 2)}


def _solve_fan(inputs: Inputs, level: int) -> Solution:
    n, _ = sizes_of(inputs, x="n", numbers="n units", d_y="units")
    draft = Draft()
    x = draft.given("x", inputs["x"], "The inputs")
    numbers = draft.given("numbers", inputs["numbers"],
                          "Random numbers of variance 1, a column for each unit")
    draft.say(
        f"A layer has {n} inputs, without bias, and then tanh. In the first case its weights are "
        "the random numbers themselves, of variance 1; in the second they are divided by the root "
        "of the number of inputs, which makes their variance 1 / n.", _DIGITS)
    kernels = {"plain": numbers * 1}
    run = draft.run("forward", layer="scaled")
    deviation = run.note("deviation", 1 / np.sqrt(run.xp.asarray(n)), "1 / sqrt(n)")
    kernels["scaled"] = run.note("kernel", deviation * numbers, "deviation number")
    draft.ask(
        Ask("scaled.deviation", "The standard deviation of the second case's weights",
            "The root of 1 / n."),
        Ask("scaled.kernel", "The weights of the second case", "Each number is scaled by it."))
    d_y = draft.given("d_y", inputs["d_y"], "The gradient of the loss on the output") \
        if level == 3 else None
    for name, kernel in kernels.items():
        word = "first" if name == "plain" else "second"
        run = draft.run("forward", layer=name)
        z = run.note("z", x @ kernel, "x kernel")
        draft.ask(Ask(f"{name}.z", f"The sums of the {word} case",
                      "The inputs times each column, added up."))
        if level >= 2:
            y = run.note("y", np.tanh(z), "tanh(z)")
            slope = run.note("slope", 1 - y**2, "1 - y^2")
            draft.ask(Ask(f"{name}.y", f"The outputs of the {word} case",
                          "tanh(z) = 1 - 2 / (exp(2 z) + 1)."),
                      Ask(f"{name}.slope", "The slope of tanh there",
                          "1 minus the square of the output. Where it is near 0, tanh is "
                          "saturated."))
        if d_y is not None:
            back = draft.run("backward", layer=name)
            d_z = back.note("d_z", d_y * slope, "d_y slope")
            back.note("d_x", kernel @ d_z, "kernel d_z")
            draft.ask(Ask(f"{name}.d_z", f"Backward, {word} case: the gradient on the sums",
                          "The gradient times the slope."),
                      Ask(f"{name}.d_x", "And on the inputs",
                          "Each input's weights times the gradient on the sums, added up."))
    return draft.solution({"plain": ("unit",), "scaled": ("unit",), "scaled.kernel": ("in", "unit"),
                           "numbers": ("in", "unit"), "x": ("in",), "plain.d_x": ("in",),
                           "scaled.d_x": ("in",), "d_y": ("unit",)}, n=n)


FAN = Topic(
    "tanh-fan-in", "tanh and 1 / n", "A sum of n products has n times the variance of one; weights "
    "of variance 1 / n keep tanh where it is steep.",
    ("the sums, with and without", "and tanh and its slope", "and the gradient that is left"),
    (Size("width", 4, 2, 9),), _draw_fan, _solve_fan,
    {"x": "(inputs,)", "numbers": "(inputs, units): of variance 1", "d_y": "(units,)"},
)

# Variance through three layers --------------------------------------------------------------------


def _draw_variance(rng: np.random.Generator, level: int, layers: int) -> Inputs:
    fans = rng.choice(np.array([4, 5, 8, 10, 20, 25, 50, 100, 200]), layers + 1)
    factors = [pick(rng, (Fraction(1, 4), Fraction(1, 2), 1, 2, 3, 4)) for _ in range(layers)]
    return {"variance": int(rng.integers(1, 13)), "sizes": fans,
            "weights": np.array([Fraction(f) / int(n) for f, n in
                                 zip(factors, fans[:-1], strict=True)], object)}


def _solve_variance(inputs: Inputs, level: int) -> Solution:
    sizes_of(inputs, sizes="n", weights="layers")
    sizes = whole_numbers("sizes", inputs["sizes"], 1, 10**9)
    layers = len(inputs["weights"])
    if len(sizes) != layers + 1 or layers > 8:
        raise DataError(f"sizes, weights: of L weights' variances L + 1 sizes, at most 9, got "
                        f"{layers} and {len(sizes)}")
    at_least("weights: each", inputs["weights"], 0)
    draft = Draft()
    square: Any = one(draft, inputs, "variance", "The variance of the inputs, whose mean is 0",
                      more_than=0)
    fans = draft.given("sizes", sizes, "Inputs of the first layer, then units of each layer")
    weights = draft.given("weights", inputs["weights"], "The variance of each layer's weights")
    bent, start = level >= 2, square
    draft.say(
        "Weights are independent, of mean 0; biases are 0. A unit adds up n products, so its "
        "variance is n times the variance of a weight times the mean square of its inputs.")
    if bent:
        draft.say("Behind each layer is a ReLU. It leaves half of the mean square of numbers that "
                  "are as often negative as positive.")
    for k in range(layers):
        run = draft.run("forward", layer=f"layer_{k + 1}")
        factor = run.note("factor", fans[k] * weights[k], "n weight variance")
        square = run.note("variance", factor * square, "factor mean square")
        draft.ask(Ask(f"layer_{k + 1}.factor", f"By what layer {k + 1} multiplies",
                      "The number of its inputs times the variance of its weights."),
                  Ask(f"layer_{k + 1}.variance", f"The variance of its sums (layer {k + 1})",
                      "The factor times the mean square of what comes in."))
        if bent:
            square = run.note("square", square / 2, "variance / 2")
            draft.ask(Ask(f"layer_{k + 1}.square", "The mean square behind its ReLU", "Half."))
    run = draft.run("forward")
    run.note("kept", square / start, "last / first")
    draft.ask(Ask("kept", "What is left of the mean square of the inputs, as a share of it",
                  "The last mean square divided by the first. Below 1 it is lost, above it grows."))
    if level == 3:
        run.note("keeping", 2 / fans[:-1], "2 / n")
        back = draft.run("backward")
        own = back.note("backward", fans[1:] * weights / 2, "units weight variance / 2")
        product = own[0]
        for k in range(1, layers):
            product = product * own[k]
        back.note("kept_backward", product, "product of factors")
        draft.say("Going backward a layer's input gets the sum over its units, and half of the "
                  "ReLUs let nothing through.")
        draft.ask(
            Ask("keeping", "The variance of each layer's weights that would keep the mean square",
                "n times it, halved, must be 1."),
            Ask("backward", "By what each layer multiplies the mean square of the gradient",
                "The number of its units times the variance of its weights, halved."),
            Ask("kept_backward", "By what all layers multiply it", "The product."))
    return draft.solution({"": ("layer",)}, layers=layers)


VARIANCE = Topic(
    "variance-through-layers", "Variance through three layers", "A layer multiplies the mean "
    "square by n times its weights' variance, a ReLU by 1/2: it is kept, lost or grows.",
    ("linear layers", "with ReLUs", "and what keeps it, forward and backward"),
    (Size("layers", 3, 2, 5),), _draw_variance, _solve_variance,
    {"variance": "a number above 0", "sizes": "(layers + 1,): whole numbers",
     "weights": "(layers,): variances, at least 0"},
)

# Chains of matrices -------------------------------------------------------------------------------


def _draw_chain(rng: np.random.Generator, level: int, layers: int) -> Inputs:
    return {"x": not_zero(rng, 9, 2) * 2, "layers": layers, "d_y": not_zero(rng, 9, 2),
            "above": pick(rng, (Fraction(3, 2), Fraction(3, 2), Fraction(2), Fraction(5, 2))),
            "below": pick(rng, (Fraction(1, 2), Fraction(1, 2), Fraction(1, 4), Fraction(1, 5)))}


def _solve_chain(inputs: Inputs, level: int) -> Solution:
    (n,) = sizes_of(inputs, x="n", d_y="n")
    layers = count(inputs, "layers", 1, 8)
    if n > 4:
        raise DataError(f"x: at most 4 numbers, got {n}")
    draft = Draft()
    x = draft.given("x", inputs["x"], "The inputs")
    draft.given("layers", np.asarray(layers), "The number of layers")
    words = {"above": "The diagonal of the first network's kernels: 1 or more",
             "below": "The diagonal of the second network's kernels: below 1"}
    bounds: dict[str, dict[str, Any]] = {"above": {"least": 1},
                                         "below": {"more_than": 0, "below": 1}}
    d_y = draft.given("d_y", inputs["d_y"], "The gradient of the loss on the output") \
        if level == 3 else None
    draft.say(f"Two networks of {layers} linear layers, without biases. Every kernel is a number "
              "times the identity: 1 or more in the first, below 1 in the second.")
    for name, said in words.items():
        factor = one(draft, inputs, name, said, **bounds[name])
        word = "first" if name == "above" else "second"
        run = draft.run("forward", layer=name)
        kernel = run.note("kernel", factor * np.eye(n), "factor identity")
        draft.ask(Ask(f"{name}.kernel", f"A kernel of the {word} network",
                      "The number stands on the diagonal; all else is 0."))
        y: Any = x
        product: Any = kernel
        for k in range(layers):
            y = y @ kernel
            product = product @ kernel if k else kernel
            if level >= 2:
                y = run.note(f"y_{k + 1}", y, "x kernel")
                draft.ask(Ask(f"{name}.y_{k + 1}", f"Behind its layer {k + 1} ({word} network)",
                              "What comes in, times the kernel."))
        run.note("product", product * 1, "kernel^layers")
        run.note("y", x @ product, "x product")
        draft.ask(Ask(f"{name}.product", f"The product of the {word} network's kernels",
                      "A power of the number on the diagonal."),
                  Ask(f"{name}.y", f"The output of the {word} network", "x times the product."))
        if d_y is not None:
            back = draft.run("backward", layer=name)
            gradient: Any = d_y
            for _ in range(layers - 1):
                gradient = gradient @ kernel.T
            behind = back.note("d_first", gradient * 1, "d_y kernel^(layers - 1)")
            back.note("d_kernel", x[:, None] * behind[None, :], "x d_first")
            draft.ask(Ask(f"{name}.d_first", f"Backward: the gradient behind layer 1 ({word} "
                          "network)", "The gradient times all kernels behind that layer."),
                      Ask(f"{name}.d_kernel", "The gradient of layer 1's kernel",
                          "Each input times each gradient."))
    return draft.solution({"above": ("in", "unit"), "below": ("in", "unit")}, layers=layers)


CHAIN = Topic(
    "matrix-chains", "Chains of matrices", "Kernels a little above the identity make numbers and "
    "gradients grow with the depth, kernels a little below let them vanish: factor^layers.",
    ("the product, and the output", "layer by layer", "and the first layer's gradient"),
    (Size("layers", 3, 2, 6),), _draw_chain, _solve_chain,
    {"x": "(inputs,)", "layers": "a whole number from 1 to 8", "d_y": "(inputs,)",
     "above": "1 or more", "below": "above 0 and below 1"},
)

# Large weights and a sigmoid ----------------------------------------------------------------------


def _draw_large(rng: np.random.Generator, level: int, examples: int) -> Inputs:
    while True:
        x, kernel = not_zero(rng, 3, (examples, 2)), not_zero(rng, 2, 2)
        z = x @ kernel
        if z.all() and abs(z).max() <= 4 and len(set(abs(z))) > 1:
            break
    target = (z > 0).astype(int)
    wrong = int(rng.integers(examples))
    target[wrong] = 1 - target[wrong]  # one is on the wrong side
    # With larger ones an output has more zeros behind the point than an answer may have.
    return {"x": x, "kernel": kernel, "target": target, "scale": int(rng.choice([10, 12, 14, 15]))}


def _solve_large(inputs: Inputs, level: int) -> Solution:
    n, _ = sizes_of(inputs, x="n width", kernel="width", target="n")
    whole_numbers("target", inputs["target"], 0, 1)
    draft = Draft(n)
    x = draft.given("x", inputs["x"], "The examples, a row each")
    kernel = draft.given("kernel", inputs["kernel"], "The weights")
    target: Any = draft.given("target", inputs["target"], "The classes, 0 or 1")
    draft.say("A single unit with a sigmoid: z = x kernel, y = 1 / (1 + exp(-z)).", _DIGITS)
    scale = one(draft, inputs, "scale", "By what the weights are multiplied later", more_than=0)
    cases: list[tuple[str, Any, str]] = [("small", kernel * 1, "")]
    if level >= 2:
        run = draft.run("forward", layer="large")
        cases.append(("large", run.note("kernel", scale * kernel, "scale kernel"),
                      ", large weights"))
        draft.ask(Ask("large.kernel", "The large weights", "Times the scale."))
    for name, own, word in cases:
        run = draft.run("forward", layer=name)
        z = run.note("z", x @ own, "x kernel")
        y = run.note("y", 1 / (1 + np.exp(-z)), "1 / (1 + exp(-z))")
        draft.ask(Ask(f"{name}.z", f"The scores{word}", "Each row times the weights."))
        if level < 3 or name == "small":
            draft.ask(Ask(f"{name}.y", f"The outputs{word}", "exp of the negative score first."))
        if level == 1:
            run.note("slope", y * (1 - y), "y (1 - y)")
            draft.ask(Ask("small.slope", "The slope of the sigmoid there",
                          "y times what is missing to 1."))
            cost_of(draft, name, z, target, word)
            continue
        cost_of(draft, name, z, target, word)
        run.note("d_z", y - target, "y - target")
        draft.ask(Ask(f"{name}.d_z", f"The gradient of the cost on the scores{word}",
                      "The output minus the class."))
    if level >= 2:
        draft.say("Large weights make the unit sure of itself. Where it is right the cost is next "
                  "to 0, and so is the gradient; where it is wrong the cost is nearly the size of "
                  "the score.")
    if level == 3:
        run = draft.run("forward", layer="rounded")
        rounded = run.note("y", run.xp.floor(y * 10000 + Fraction(1, 2)) / 10000,
                           "y, rounded to four digits")
        right = run.note("right", target * rounded + (1 - target) * (1 - rounded),
                         "y or 1 - y, for the right class")
        run.note("lost", np.maximum(0, 1 - np.sign(right)), "1 where log is log 0, else 0")
        draft.say("A computer too has a fixed number of digits. Round the outputs of the large "
                  "weights to four digits: where the probability of the right class becomes 0, the "
                  "cost would be -log 0, which is no number. So the cost is computed from the "
                  "score: `max(z, 0) - z target + log(1 + exp(-|z|))`.")
        draft.ask(
            Ask("rounded.y", "The outputs, rounded to four digits behind the point",
                "Which of them are 0 or 1 then?"),
            Ask("rounded.right", "The rounded probability of the right class",
                "y for class 1, 1 - y for class 0."),
            Ask("rounded.lost", "Write 1 where the cost would be -log 0, else 0",
                "Where is the last step 0?"))
    axes = dict.fromkeys(("target", "small", "large", "rounded"), ("example",))
    return draft.solution(axes | {"kernel": ("in",), "large.kernel": ("in",)}, n=n)


def cost_of(draft: Draft, name: str, z: Any, target: Any, word: str) -> None:
    """The cost from the score, which loses no digit where the output rounds to 0 or 1."""
    run = draft.run("forward", layer=name)
    run.note("cost", np.maximum(z, 0) - z * target + np.log1p(np.exp(-np.abs(z))),
             "max(z, 0) - z target + log(1 + exp(-|z|))")
    draft.ask(Ask(f"{name}.cost", f"The cost of each example{word}",
                  "-log y for class 1, -log(1 - y) for class 0."))


LARGE = Topic(
    "large-weights", "Large weights and a sigmoid", "Large weights push a sigmoid to 0 or 1: its "
    "slope vanishes, a wrong answer costs nearly |z|, and log 0 threatens.",
    ("outputs, slope and cost", "and with large weights", "and log 0"),
    (Size("examples", 3, 2, 5),), _draw_large, _solve_large,
    {"x": "(examples, inputs)", "kernel": "(inputs,)", "target": "(examples,): 0 or 1",
     "scale": "a number above 0"},
)

TOPICS = by_name(FAN, VARIANCE, CHAIN, LARGE)
