"""The whole batch, one example at a time, and mini-batches: by step and by second."""

from __future__ import annotations

import math
import time
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

import evenly as ev

from ...engine import NotFiniteError
from ..data import Data, split
from ..parts import less, more
from ..pictures import Picture
from ..study import Case, Study
from ..training import guessed, loss_for, mlp, train
from ..tuned import best_rate

# Rows a step, the rate that the search for the best one begins at, and the steps it may take.
WAYS = {"mini": (32, 0.3, 2**8), "one": (1, 0.03, 2**12), "whole": (0, 1.0, 2**7)}
WATCHED = 128


def made(case: Case, data: Data, rate: float) -> tuple[Any, Any, Any, int]:
    """An engine on one thread, what it trains on, and the rows of a step."""
    batch = WAYS[case["batch"]][0] or len(data.x)
    loss = loss_for(data)
    program = ev.compile(mlp((64,), data.classes), data.x.shape[1], batch=batch, loss=loss,
                         optimizer=ev.SGD(rate))
    engine = ev.Engine(program, seed=case.seed, threads=1)
    return engine, engine.rows(data.x), engine.targets(data.y), batch


def descent(case: Case, data: Data, rate: float, until: float = 0.0) -> tuple[Any, Any, Any]:
    """Nine numbers of steps, the cost of all rows after each as a share of a guess's, and the loss
    of every single step. A cost above a guess's, and what breaks, counts as a guess."""
    engine, x, y, batch = made(case, data, rate)
    rng = np.random.default_rng([case.seed, 1])
    steps = np.geomspace(1, WAYS[case["batch"]][2], 9).round().astype(int)
    costs, losses, left = np.ones(len(steps)), [], np.empty(0, np.int64)
    guess = guessed(data)[1]
    with suppress(NotFiniteError):
        for place, (before, after) in enumerate(pairwise([0, *steps.tolist()])):
            while len(left) < (after - before) * batch:
                left = np.concatenate([left, rng.permutation(len(x))])
            order, left = np.split(left, [(after - before) * batch])
            losses += [records[:, 0] for records in engine.train(x, y, order, batch)]
            cost = engine.evaluate(x, y).loss / guess
            costs[place] = min(max(cost, 1e-6), 1.0) if math.isfinite(cost) else 1.0
            if costs[place] <= until:
                break
    return steps, costs, np.concatenate([*losses, np.full(WATCHED, guess)])


def steps_to(steps: Any, costs: Any, target: float) -> float:
    """Steps until the cost is at the target, on straight lines between logarithms; where it is
    not reached, more than all by as much as is missing."""
    for place in range(1, len(steps)):
        if costs[place] <= target < costs[place - 1]:
            share = math.log(costs[place - 1] / target) / math.log(costs[place - 1] / costs[place])
            return float(steps[place - 1] * (steps[place] / steps[place - 1]) ** share)
    return 1.0 if costs[0] <= target else float(steps[-1] * costs[-1] / target)


def aim(case: Case, data: Data) -> float:
    """The cost that is waited for: nine tenths of the way from a guess's to where Adam is after
    twenty passes. It is the same for all cases of a block."""
    judge = replace(case, seed=case.data_seed)
    found = train(judge, mlp((64,), data.classes), data, epochs=20, optimizer=ev.Adam(3e-3))
    return 0.1 + 0.9 * min(found.train_loss / guessed(data)[1], 1.0)


def unrest(losses: Any) -> float:
    """How far a loss lies off its neighbours, as a share of itself: from second differences, which
    a steady fall leaves at 0 and independent noise of deviation s at s."""
    return float(np.sqrt(np.mean(np.diff(np.log(losses), 2) ** 2) / 6))


def seconds_of_a_pass(case: Case, data: Data) -> float:
    """Processor time of this thread for a pass over the rows, the least of five: other work on
    the machine can only add to it."""
    engine, x, y, batch = made(case, data, 1e-6)
    shortest, found = 20 * time.get_clock_info("thread_time").resolution, []
    for _ in range(5):
        passes, started = 0, time.thread_time()
        while not passes or time.thread_time() - started < shortest:
            list(engine.train(x, y, None, batch))
            passes += 1
        found.append((time.thread_time() - started) / passes)
    return min(found)


def measure(case: Case) -> dict[str, Any]:
    """One way of descent at its own best rate: cost by step, and what a step takes."""
    rows = (600, 200) if case["data"] in ("digits", "mnist") else ()
    data = split(case["data"], case, *rows)
    target = aim(case, data)

    def steps_at(one: Case, part: Data, rate: float) -> float:
        return steps_to(*descent(one, part, rate, until=target)[:2], target)

    rate = best_rate(case, data, WAYS[case["batch"]][1], steps_at, seeds=1).best
    steps, costs, losses = descent(case, data, rate)
    first = np.clip(losses[:WATCHED] / guessed(data)[1], 1e-6, None)
    to_target = steps_to(steps, costs, target)
    a_pass = seconds_of_a_pass(case, data)
    a_step = a_pass * (WAYS[case["batch"]][0] or len(data.x)) / len(data.x)
    return {
        "cost": costs, "steps": steps, "seconds at": steps * a_step, "first losses": first,
        "unrest": unrest(first),
        "steps to target": to_target, "rate": rate,
        "seconds an example": a_pass / len(data.x), "seconds a step": a_step,
        "seconds to target": to_target * a_step,
    }


ONE, MINI, WHOLE = ({"batch": name} for name in ("one", "mini", "whole"))
# A machine that is busy with something else shifts a measured time by some ten per cent: what is
# less than half as much again is not told apart.
SURELY = math.log(1.5)

STUDY = Study(
    name="batch-sizes",
    claim="The whole batch is steady and slow, one example is noisy and loses vectorization; "
          "mini-batches are between, and soonest there.",
    source="course notes",
    factors={"data": ("digits",), "batch": ("mini", "one", "whole")},
    long_factors={"data": ("digits", "mnist", "cancer", "diabetes")},
    technique=("batch",),
    measure=measure,
    parts=(
        more("unrest", ONE, than=MINI, ratio=True, every=("data",), name="noisy",
             words="unrest of the loss by step: one example against a mini-batch"),
        less("unrest", WHOLE, than=MINI, ratio=True, every=("data",), name="steady",
             words="unrest of the loss by step: the whole batch against a mini-batch"),
        more("seconds a step", WHOLE, than=MINI, ratio=True, least=SURELY, every=("data",),
             name="slow", words="seconds a step: the whole batch against a mini-batch"),
        more("seconds an example", ONE, than=MINI, ratio=True, least=SURELY, every=("data",),
             name="alone", words="seconds an example: one at a time against mini-batches"),
        less("seconds to target", MINI, than=WHOLE, ratio=True, least=SURELY, every=("data",),
             name="whole", words="seconds to the target: mini-batches against the whole batch"),
        less("seconds to target", MINI, than=ONE, ratio=True, least=SURELY, every=("data",),
             name="one", words="seconds to the target: mini-batches against one example"),
        less("steps to target", WHOLE, than=MINI, ratio=True, counts=False,
             words="steps to the target: the whole batch against mini-batches"),
        more("steps to target", ONE, than=MINI, ratio=True, counts=False,
             words="steps to the target: one example against mini-batches"),
    ),
    test_ratio=1 / 3,
    long_blocks=12,
    about="A network with one hidden layer of 64 (ReLU) and plain descent, by the whole training "
          "part, by 32 rows and by single rows, each at its own best learning rate (fewest steps "
          "to the target, on a part of the rows and from other first weights). The target is a "
          "cost of the training part, nine tenths of the way from a guess's to what Adam has after "
          "20 passes. Unrest is how far the loss of a step lies off its neighbours (second "
          "differences of its logarithm, over the first 128 steps). A training that breaks counts "
          "as a guess. Seconds are measured, as processor time of one thread, the least of five "
          "passes: they differ a little from run to run and from machine to machine, so only a "
          "factor above 1.5 counts.",
    says={
        "holds": "By step the whole batch is the steadiest and one example the noisiest; a "
                 "mini-batch reaches the target in {whole} of the whole batch's time and {one} of "
                 "the time of one example, which costs {alone} the time an example.",
        "fails": "Not all of it is so: by second, mini-batches need {whole} of the whole batch's "
                 "time and {one} of the time of one example; unrest is {noisy} for one example and "
                 "{steady} for the whole batch.",
        "cannot tell": "Not all of it is sure: by second, mini-batches need {whole} of the whole "
                       "batch's time and {one} of the time of one example; unrest is {noisy} for "
                       "one example and {steady} for the whole batch.",
    },
    pictures=(
        Picture("Cost by second", "cost", over="seconds", places="seconds at", by="batch",
                panels="data", log="xy", unit="share of a guess's"),
        Picture("Cost by step", "cost", over="step", places="steps", by="batch", panels="data",
                log="xy", unit="share of a guess's"),
        Picture("Loss of each of the first steps", "first losses", over="step", by="batch",
                panels="data", log="y", unit="share of a guess's"),
    ),
    exercises=("mini-batches", "gradient-descent", "gradient-spread", "choosing-batch"),
    layers=("SGD",),
    seconds=3,
)
