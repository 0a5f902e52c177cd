"""Members that share a kernel by hand: one matrix, scales of their own, each judged by itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..base import Ask, Inputs, Size, Solution, Topic, by_name
from ..calculation import Draft, sizes_of
from ..friendly import not_zero, whole

_SHAPES = {"x": "width", "kernel": "width units", "input_scale": "members width",
           "output_scale": "members units", "bias": "members units"}


def _draw(rng: np.random.Generator, level: int, members: int, width: int, units: int) -> Inputs:
    """Small whole numbers; no two members see the same input, and no kernel's column is empty."""
    while True:
        signs = 2 * rng.integers(0, 2, (members, width)) - 1
        kernel = whole(rng, 2, (width, units))
        if len(np.unique(signs, axis=0)) == members and kernel.any(axis=0).all():
            return {"x": not_zero(rng, 3, width), "input_scale": signs, "kernel": kernel,
                    "output_scale": not_zero(rng, 2, (members, units)),
                    "bias": whole(rng, 3, (members, units)), "target": whole(rng, 4, units)}


def _solve(inputs: Inputs, level: int) -> Solution:
    more = {"target": "units"} if level > 1 else {}
    sizes_of(inputs, **_SHAPES, **more)
    draft = Draft()
    own = {name: draft.given(name, inputs[name], words) for name, words in (
        ("x", "The example, which every member reads"),
        ("input_scale", "Scales of the inputs, a row each member"),
        ("kernel", "The kernel that all members share"),
        ("output_scale", "Scales of the outputs, a row each member"),
        ("bias", "Biases, a row each member"))}
    run = draft.run("forward")
    scaled = run.note("scaled", own["input_scale"] * own["x"], "input_scale x")
    product = run.note("product", scaled @ own["kernel"], "scaled kernel")
    y = run.note("y", own["output_scale"] * product + own["bias"], "output_scale product + bias")
    draft.say("Several networks in one: the members of a layer share its kernel, and each has "
              "scales and biases of its own. A row below is a member.",
              "y = output_scale product + bias, number by number, with product = scaled kernel, a "
              "product of matrices, and scaled = input_scale x, number by number.")
    draft.ask(Ask("scaled", "What each member's kernel reads", "Its row of scales times x."),
              Ask("product", "The shared product", "Each row times the kernel."),
              Ask("y", "What each member answers", "The bias comes last, unscaled."))
    if level > 1:
        _judged(draft, own, (scaled, product, y), inputs, level)
    rows: dict[str, tuple[str, ...]] = dict.fromkeys(
        ("scaled", "input_scale", "d_scaled", "d_input_scale"), ("member", "in"))
    rows |= dict.fromkeys(("product", "y", "output_scale", "bias", "d_y", "d_product",
                           "d_output_scale", "error"), ("member", "unit"))
    rows |= {"kernel": ("in", "unit"), "d_kernel": ("in", "unit"), "x": ("in",),
             "target": ("unit",), "mean": ("unit",)}
    return draft.solution({"": ("member", "unit"), **rows})


def _judged(draft: Draft, own: Any, steps: tuple[Any, Any, Any], inputs: Inputs,
            level: int) -> None:
    scaled, product, y = steps
    target = draft.given("target", inputs["target"], "The target of the example")
    run = draft.run("loss")
    run.note("mean", run.xp.mean(y, axis=0), "mean over the members of y")
    error = run.note("error", y - target, "y - target")
    run.note("loss", run.xp.mean(error * error), "mean of error^2")
    draft.say("Together they answer by their mean. In training each is judged by itself: the loss "
              "is the mean of the squared errors of all members, not that of their mean.")
    draft.ask(Ask("mean", "What they answer together", "The mean of each column.", "loss"),
              Ask("error", "Each member's error", "Its own answer less the target.", "loss"),
              Ask("loss", "The loss", "Square each error, then the mean of all.", "loss"))
    if level < 3:
        return
    back = draft.run("backward")
    d_y = back.note("d_y", error * 2 / error.size, "2 error / (members units)")
    back.note("d_output_scale", d_y * product, "d_y product")
    d_product = back.note("d_product", own["output_scale"] * d_y, "output_scale d_y")
    back.note("d_kernel", scaled.T @ d_product, "scaled' d_product")
    d_scaled = back.note("d_scaled", d_product @ own["kernel"].T, "d_product kernel'")
    back.note("d_input_scale", d_scaled * own["x"], "d_scaled x")
    draft.ask(*(Ask(title, words, hint, "backward") for title, words, hint in (
        ("d_y", "The gradient on each answer", "As many numbers share the mean as there are "
         "errors."),
        ("d_output_scale", "The gradients of the output scales", "What is each multiplied by?"),
        ("d_product", "The gradient on the product", "The scale stays in front."),
        ("d_kernel", "The gradient of the shared kernel", "Transposed, times the gradient behind "
         "it: the product adds up the members."),
        ("d_scaled", "The gradient on what the kernel reads", "Times the kernel, transposed."),
        ("d_input_scale", "The gradients of the input scales", "What is each multiplied by?"))))


TOPICS = by_name(Topic(
    "batch-ensemble", "Members that share a kernel (BatchEnsemble)",
    "Several networks in one: y_i = output_scale_i ((input_scale_i x) kernel) + bias_i.",
    ("forward", "and what each is judged by", "and backward"),
    (Size("members", 2, 2, 4), Size("width", 2, 2, 4), Size("units", 2, 1, 3)), _draw, _solve,
    {"x": "(width,)", "input_scale": "(members, width)", "kernel": "(width, units)",
     "output_scale": "(members, units)", "bias": "(members, units)",
     "target": "(units,), from level 2 on"},
))
