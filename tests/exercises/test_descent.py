"""A step that is worked out by hand lowers the loss: in every exercise that has both."""

from fractions import Fraction

import numpy as np
import pytest

from evenly.byhand.exact import float_array
from evenly.exercises import CATALOGUE, topic
from tests.seeds import many

# What the kernel of a layer is called among the inputs, where it is not ``kernel_1``.
SINGLE = ("l2", "l1", "elastic-net")


def with_both():
    """(topic, level) of each exercise that has a loss and an update."""
    found = []
    for name in CATALOGUE:
        for level in (1, 2, 3):
            phases = {step.phase for step in topic(name).exercise(0, level).solution.work.steps}
            if {"loss", "update"} <= phases:
                found.append((name, level))
    return found


BOTH = [*((name, level) for name in ("dropout", "dropout-classic") for level in (2, 3)),
        ("linear-net", 3), *(("zero-initialization", level) for level in (1, 2, 3)),
        *((name, 3) for name in SINGLE)]


def stepped(made):
    """The arrays after the update, by the names of the inputs."""
    after = {}
    for step in made.solution.work.phase("update"):
        if step.name == "value":
            layer, _, array = step.layer.rpartition(".")
            name = array if made.topic.name in SINGLE else f"{array}_{layer.rpartition('_')[2]}"
            after[name] = step.value
    return after


def loss_and_cost(made, inputs):
    if made.topic.name == "zero-initialization":
        # Its last bias is zero before the step, and no input.
        x, target, first, last = (float_array(inputs[n]) for n in
                                  ("x", "target", "kernel_1", "kernel_2"))
        y = np.tanh(x @ first) @ last + float_array(inputs.get("bias_2", np.zeros(1)))
        loss = float(np.square(y - target).mean())
        return loss, loss
    work = made.topic.solve(inputs, made.level).work
    loss = float(work["loss"].floats.reshape(-1)[0])
    added = [step for step in work.steps if step.name == "penalty"]
    return loss, loss + sum(float(step.floats.reshape(-1)[0]) for step in added)


def lowers(name, level, seeds, **sizes):
    for seed in seeds:
        made = topic(name).exercise(seed, level, **sizes)
        before = loss_and_cost(made, made.inputs)
        work = made.solution.work
        assert before[0] == pytest.approx(float(work["loss"].floats.reshape(-1)[0]), rel=1e-12)
        after = loss_and_cost(made, made.inputs | stepped(made))
        assert all(b < a for a, b in zip(before, after, strict=True)), (seed, before, after)
        assert Fraction(1, 20) <= made.inputs["learning_rate"]


def extremes(name):
    sizes = topic(name).sizes
    return {s.name: s.least for s in sizes}, {s.name: s.most for s in sizes}


def test_they_are_found():
    assert set(BOTH) == set(with_both())


@pytest.mark.parametrize(("name", "level"), BOTH)
def test_a_step_lowers_the_loss(name, level):
    lowers(name, level, range(4))
    for sizes in extremes(name):
        lowers(name, level, range(1), **sizes)


@pytest.mark.sweep
@pytest.mark.parametrize(("name", "level"), BOTH)
def test_a_step_lowers_the_loss_of_a_thousand(name, level):
    lowers(name, level, many(1000))
    for sizes in extremes(name):
        lowers(name, level, many(100), **sizes)


def test_inference_after_the_step_knows_the_new_weights():
    made = topic("linear-net").exercise(4, 3)
    after = stepped(made)
    x = float_array(made.inputs["new"])
    h = np.maximum(x @ float_array(after["kernel_1"]) + float_array(after["bias_1"]), 0)
    y = h @ float_array(after["kernel_2"]) + float_array(after["bias_2"])
    (last,) = [step for step in made.solution.work.phase("inference")
               if step.title == "dense_2.y"]
    assert np.allclose(last.floats, y, rtol=1e-12)
