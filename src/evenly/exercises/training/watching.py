"""What is decided by a list of losses: when training ends, and when the rate falls."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from ...errors import DataError
from ..base import Ask, Inputs, Size, Solution, Topic, by_name
from ..calculation import Draft, count, pick, positive, sizes_of, text, within

_RATES = tuple(Fraction(n, unit) for unit in (10, 100) for n in (1, 2, 4, 8))


def _draw(rng: np.random.Generator, level: int, epochs: int, stops: bool) -> Inputs:
    """Losses that fall, rise and fall again: patience is tried, and runs out."""
    while True:
        steps = rng.choice([-12, -7, -4, -1, 2, 3, 5, 8], epochs - 1)
        losses = rng.integers(60, 100) + np.concatenate([[0], np.cumsum(steps)])
        patience = int(rng.integers(1 if stops else 0, 3))
        delta = pick(rng, (2, 3, 5)) if level == 2 else 0
        best, waited = _run(losses.tolist(), delta)
        over = [t for t, w in enumerate(waited) if (w >= patience if stops else w > patience)]
        forgiven = any(a and not b for a, b in pairwise(waited))
        small = any(loss < b < loss + delta
                    for loss, b in zip(losses[1:], best, strict=False))
        # Whether an improvement by just as much counts is no one's question.
        doubtful = delta and any(loss + delta == b
                                 for loss, b in zip(losses[1:], best, strict=False))
        if losses.min() > 5 and over and over[0] >= epochs // 2 and forgiven \
                and (small or not delta) and not doubtful:
            break
    hundredths = [Fraction(int(v), 100) for v in losses]
    drawn: Inputs = {"losses": np.array(hundredths, object), "patience": patience,
                     "min_delta": Fraction(delta, 100)}
    if stops:
        # They rise as the losses fall.
        return drawn | {"scores": np.array([Fraction(200 - int(v), 200) for v in losses], object)}
    return {"factor": pick(rng, (Fraction(1, 2), Fraction(1, 10), Fraction(1, 4))),
            "cooldown": int(rng.integers(1, 3)), "learning_rate": pick(rng, _RATES), **drawn}


def _run(losses: list[int], delta: int) -> tuple[list[int], list[int]]:
    """(the best loss, the epochs without a better one) after each epoch."""
    best, waited = [losses[0]], [0]
    for loss in losses[1:]:
        better = loss < best[-1] - delta
        best.append(loss if better else best[-1])
        waited.append(0 if better else waited[-1] + 1)
    return best, waited


def _solve(inputs: Inputs, level: int, stops: bool) -> Solution:
    (n,) = sizes_of(inputs, losses="n")
    if not 2 <= n <= 20:
        raise DataError(f"losses: expects 2 to 20 epochs, got {n}")
    patience = count(inputs, "patience", int(stops), 10**9)
    delta = within("min_delta", inputs["min_delta"], least=0)
    draft = Draft()
    watched = "losses"
    losses = draft.given("losses", inputs["losses"], "The validation loss of each epoch")
    score = stops and level == 3
    if score:
        sizes_of(inputs, losses="n", scores="n")
        watched = "scores"
        draft.words.pop("losses")
        losses = draft.given("scores", inputs["scores"], "The validation score of each epoch: more "
                             "is better")
    run = draft.run("update")
    xp = run.xp
    best: list[Any] = [losses[0] * 1]
    waited: list[Any] = [xp.zeros(())]
    for t in range(1, n):
        better = losses[t] > best[-1] + delta if score else losses[t] < best[-1] - delta
        best.append(xp.where(better, losses[t], best[-1]))
        waited.append(xp.where(better, 0 * losses[t], waited[-1] + 1))
    settings: dict[str, Any] = {"patience": patience, "watched": watched}
    run.note("best", xp.stack(best), "the best so far")
    draft.ask(Ask("best", "The best so far, after each epoch", "It changes only where an epoch is "
                  "better by more than the least that counts."))
    least = "Any improvement counts." if not delta else (
        f"Only an improvement by more than {text(delta)} counts.")
    if not stops:
        return _plateau(inputs, level, draft, waited, least, patience, settings)
    counts = run.note("waited", xp.stack(waited), "epochs since the best")
    draft.say(f"After every epoch the validation {watched[:-1]} is looked at. Training ends after "
              f"the epoch at which {patience} epoch{'s' * (patience > 1)} in a row brought no "
              f"improvement (the patience), and the weights of the best epoch are restored. "
              f"{least} The epochs are counted from 1. Fill in the rows as if training went on "
              "to the last epoch.")
    ends = [t for t in range(n) if float(counts.value[t]) >= patience]
    if not ends:
        raise DataError(f"patience: it does not run out within {n} epochs: give a smaller one")
    last = ends[0]
    # Both epochs are counted from what stands in the row of epochs waited.
    run.note("end", 0 * counts[last] + (last + 1), "first epoch that waited patience")
    run.note("restored", (last + 1) - counts[last], "end - patience")
    draft.ask(
        Ask("waited", "The epochs in a row without improvement, after each", "0 where the epoch is "
            "the best; else one more than before."),
        Ask("end", "After which epoch does training end?", "Where does the row first reach the "
            "patience?"),
        Ask("restored", "Which epoch's weights are restored?", "The best so far at that time."))
    return draft.solution({"": ("epoch",)}, **settings)


def _plateau(inputs: Inputs, level: int, draft: Draft, waited: list[Any], least: str,
             patience: int, settings: dict[str, Any]) -> Solution:
    factor = within("factor", inputs["factor"], more_than=0, below=1)
    cooldown = count(inputs, "cooldown", 0, 10**9) if level == 3 else 0
    rate: Any = draft.given("learning_rate", np.asarray(positive(inputs, "learning_rate"), object),
                            "The learning rate of the first epoch")
    run, rates, bad = draft.run("update"), [], []
    xp = run.xp
    past, cooling = xp.zeros(()), 0
    for count_t in waited:
        past = xp.where(count_t == 0, 0 * past, past + 1)
        if cooling:
            cooling, past = cooling - 1, 0 * past
        bad.append(past)
        if float(past) > patience:
            rate, past, cooling = rate * factor, 0 * past, cooldown
        rates.append(rate * 1)
    run.note("bad", xp.stack(bad), "epochs in a row without improvement")
    run.note("rates", xp.stack(rates), "rate factor where patience has run out")
    words = (f"The learning rate is multiplied by {text(factor)} when the validation loss has not "
             f"become better for more than {patience} epoch{'s' * (patience != 1)} in a row (the "
             f"patience); then the count starts anew. {least} The first epoch is the best so far.")
    if cooldown:
        words += (f" In the {cooldown} epoch{'s' * (cooldown > 1)} after a reduction none is "
                  "counted: the count stays 0 (the cooldown).")
    draft.say(words)
    draft.ask(
        Ask("bad", "The count of epochs without improvement at the end of each, before it starts "
            "anew", "One more than before, and 0 where the loss is the best."),
        Ask("rates", "The learning rate after each epoch", "More than the patience, not as many: "
            "where is the count above it?"))
    return draft.solution({"": ("epoch",)}, factor=factor, **settings)


def _topic(name: str, title: str, about: str, levels: tuple[str, str, str], stops: bool,
           fields: dict[str, str]) -> Topic:
    return Topic(name, title, about, levels, (Size("epochs", 8, 7, 12),),
                 partial(_draw, stops=stops), partial(_solve, stops=stops),
                 {"losses": "(epochs,)", "patience": "a whole number of epochs",
                  "min_delta": "a number of at least 0: what counts as an improvement", **fields})


TOPICS = by_name(
    _topic("early-stopping", "Early stopping",
           "Training ends once so many epochs in a row brought no better validation loss (the "
           "patience), and the best epoch's weights are restored.",
           ("any improvement counts", "only one that is large enough", "by a score"), True,
           {"scores": "(epochs,), for level 3"}),
    _topic("plateau", "The rate that falls on a plateau",
           "The rate is multiplied by a factor once more than so many epochs in a row brought no "
           "better validation loss.",
           ("any improvement counts", "only one that is large enough", "with a cooldown"), False,
           {"factor": "a number above 0 and below 1", "learning_rate": "a number above 0",
            "cooldown": "a whole number of epochs, for level 3"}),
)
