"""Mini-batches by hand: how many, how large, and what each does."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from ...errors import DataError
from ...optimizers import SGD
from ...schedules import steps_per_epoch
from ..base import Ask, Inputs, Size, Solution, Topic, by_name
from ..calculation import Draft, count, number, pick, positive, sizes_of, text, timed
from ..friendly import not_zero

_MOST = 10**9


def _draw(rng: np.random.Generator, level: int, batches: int) -> Inputs:
    drawn: Inputs = {"epochs": int(rng.integers(2, 51)), "weight": int(rng.integers(-9, 10)),
                     "learning_rate": pick(rng, (Fraction(1, 2), Fraction(1), Fraction(1, 10)))}
    if level < 3:
        batch = pick(rng, (8, 10, 16, 20, 25, 32, 50, 64, 100, 128))
        rows = batch * int(rng.integers(max(batches - 1, 2), 10 * batches))
        if level == 2:
            rows += int(rng.integers(1, batch))
        return drawn | {"rows": rows, "batch": batch, "gradients": not_zero(rng, 5, 1)}
    batch = int(rng.integers(2, 5))
    left = int(rng.integers(1, batch))
    gradients = []
    for size in [batch] * (batches - 1) + [left]:
        own = not_zero(rng, 6, size)
        # The mean of each mini-batch is whole.
        own[-1] -= own.sum() % size
        gradients += list(own)
    return drawn | {"rows": len(gradients), "batch": batch, "gradients": np.array(gradients)}


def _solve(inputs: Inputs, level: int) -> Solution:
    rows, batch = count(inputs, "rows", 1, _MOST), count(inputs, "batch", 1, _MOST)
    epochs = count(inputs, "epochs", 1, _MOST)
    draft = Draft()
    own = {name: draft.given(name, np.asarray(number(inputs, name), object), words)
           for name, words in (("rows", "Rows of the training set"),
                               ("batch", "Rows of a mini-batch"),
                               ("epochs", "Epochs: passes over the training set"))}
    run = draft.run("forward")
    steps = run.note("steps", steps_per_epoch(own["rows"], own["batch"], run.xp),
                     "rows / batch, rounded up")
    run.note("last", own["rows"] - (steps - 1) * own["batch"], "rows - (steps - 1) batch")
    run.note("updates", steps * own["epochs"], "steps epochs")
    draft.say(
        "In every epoch each row of the training set is used once. The rows are cut into "
        "mini-batches; each makes one step, which updates the weights once. The last mini-batch "
        "holds what is left.")
    draft.ask(
        Ask("steps", "Steps per epoch", "How many mini-batches hold all rows? One that is not "
            "full counts too."),
        Ask("last", "Rows of the last mini-batch of an epoch", "What do the others leave?"),
        Ask("updates", "Updates of the weights in the whole training", "Over all epochs."),
    )
    if level == 3:
        (n,) = sizes_of(inputs, gradients="n")
        if n != rows:
            raise DataError(f"gradients: expects one for each of the {rows} rows, got {n}")
        if -(-rows // batch) > 12:
            raise DataError(f"batch: at most 12 mini-batches are worked out, got "
                            f"{-(-rows // batch)}: give a larger batch or fewer rows")
        rate = positive(inputs, "learning_rate")
        gradients = draft.given("gradients", inputs["gradients"], "The gradient of one weight for "
                                "each row, in the order in which they are used")
        weight: Any = draft.given("weight", np.asarray(number(inputs, "weight"), object),
                                  "The weight before")
        draft.say(f"One epoch is shown for a single weight, with learning rate {text(rate)}. The "
                  "gradient of a mini-batch is the mean over its rows. (To keep it simple, the "
                  "rows' gradients do not change as the weight moves.)")
        rule = SGD(rate)  # type: ignore[arg-type]
        for t, first in enumerate(range(0, rows, batch)):
            at = draft.run("update", layer="w", step=t)
            mean = at.note("gradient", run.xp.mean(gradients[first : first + batch]),
                           "mean of the mini-batch")
            weight, _ = rule.update(weight, mean, (), at)
            draft.ask(
                Ask(timed("w.gradient", t + 1), f"Mini-batch {t + 1}: its gradient",
                    "The mean over its rows: by how many are they divided?"),
                Ask(timed("w.value", t + 1), f"The weight after mini-batch {t + 1}",
                    "Subtract the learning rate times the mini-batch's gradient."),
            )
    return draft.solution({"": ("row",)}, rows=rows, batch=batch, epochs=epochs)


TOPICS = by_name(Topic(
    "mini-batches", "Mini-batches", "The training set in pieces: rows / batch, rounded up, steps "
    "make an epoch, and the last mini-batch holds what is left.",
    ("full mini-batches", "a last one that is not full", "and what each does to a weight"),
    (Size("batches", 3, 2, 6),), _draw, _solve,
    {"rows": "a whole number", "batch": "a whole number", "epochs": "a whole number",
     "gradients": "(rows,), for level 3", "weight": "a number, for level 3",
     "learning_rate": "a number above 0"},
))
