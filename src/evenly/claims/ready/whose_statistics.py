"""By whose statistics test data are normalized."""

from __future__ import annotations

from typing import Any

import numpy as np

import evenly as ev

from ..data import Data, split
from ..parts import Block, Part, more
from ..pictures import Picture
from ..study import Case, Study
from ..training import guessed, mlp, train

# A point of accuracy is what a user would not notice between two ways.
NOTICED = 0.01
TEN = 10


def measure(case: Case) -> dict[str, Any]:
    """One network, tested on rows that come in one of several ways."""
    raw = split(case["data"], case, standardize=False)
    done = train(case, mlp((32,), raw.classes), raw.standardized(), epochs=15,
                 optimizer=ev.Adam(3e-3))
    if done.model is None:
        return {"score": guessed(raw)[0]}
    x, order = as_it_gets_them(raw, case["test rows"], case["statistics"])
    return {"score": done.model.evaluate(x, raw.y_test[order]).score}


def as_it_gets_them(data: Data, how: str, whose: str) -> tuple[Any, Any]:
    """The test rows as the network gets them, and which rows they are."""
    parts = parts_of(data, how)
    order = np.concatenate(parts)
    if whose == "none":
        return data.x_test[order], order
    if whose == "training":
        return ev.Standardizer().fit(data.x).transform(data.x_test[order]), order
    own = (data.x_test[part] for part in parts)
    return np.concatenate([ev.Standardizer().fit(rows).transform(rows) for rows in own]), order


def parts_of(data: Data, how: str) -> list[Any]:
    """The places of the test rows that are normalized together."""
    rows = np.arange(len(data.x_test))
    if how == "all at once":
        return [rows]
    if how == "one class at a time":
        return [rows[data.y_test == one] for one in np.unique(data.y_test)]
    size = 1 if how == "one at a time" else TEN
    return [rows[first : first + size] for first in range(0, len(rows), size)]


def all_at_once(block: Block) -> float:
    """What the training set's statistics are better by with the whole test set, and a point that
    nobody would notice."""
    own, training = (block("score", statistics=whose, **{"test rows": "all at once"})
                     for whose in ("own", "training"))
    return float(training - own) + NOTICED


def against(whose: str, rows: str, **settings: Any) -> Part:
    """The training set's statistics against others, on rows that come in this way."""
    told = {"none": "none", "own": "the test rows' own"}[whose]
    return more("score", {"statistics": "training"}, than={"statistics": whose},
                at={"test rows": rows}, unit="points", factor=100, digits=1,
                words=f"score by the training set's statistics, against {told}, {rows}",
                **settings)


STUDY = Study(
    name="test-statistics",
    claim="Test data must be normalized by the training set's statistics, not by their own, and "
          "not left as they are.",
    source="course notes (deeplearning.ai, Improving deep neural networks, week 1)",
    factors={
        "data": ("cancer", "digits"),
        "test rows": ("all at once", "one at a time", "ten at a time", "one class at a time"),
        "statistics": ("training", "own", "none"),
    },
    long_factors={"data": ("cancer", "digits", "wine")},
    technique=("statistics",),
    measure=measure,
    parts=(
        against("none", "all at once", least=0.05, every=("data",), name="none"),
        against("own", "one at a time", least=0.05, every=("data",), name="one"),
        against("own", "ten at a time", least=NOTICED, every=("data",), name="ten"),
        against("own", "one class at a time", least=0.05, every=("data",), name="class"),
        Part("score by the training set's statistics and a point more, against the test rows' "
             "own, all at once", all_at_once, "more",
             unit="points", factor=100, digits=1, every=("data",)),
        against("own", "all at once", name="all", counts=False),
    ),
    test_ratio=1 / 3,
    about="A network of 32 hidden units is trained on inputs of mean 0 and deviation 1 (Adam with "
          "rate 0.003, 15 epochs) and tested on the quarter of the rows that was held out. These "
          "are normalized by the training set's statistics, by their own, or not at all; and they "
          "come all at once, one or ten at a time, or all of one class at a time. With the whole "
          "test set at once its own statistics are nearly the training set's: there the claim "
          "asks only that the latter are no worse than by a point of accuracy.",
    says={
        "holds": "The training set's statistics are better than none by {none}, than the test "
                 "rows' own by {one} one at a time, {ten} ten at a time, {class} a class at a "
                 "time; with the whole test set at once the two differ by {all}.",
        "fails": "The training set's statistics differ from none by {none}, from the test rows' "
                 "own by {one} one at a time, {ten} ten at a time, {class} a class at a time and "
                 "{all} all at once: not all of it as claimed.",
        "cannot tell": "The training set's statistics differ from none by {none}, from the test "
                       "rows' own by {one} one at a time, {ten} ten at a time, {class} a class at "
                       "a time and {all} all at once; not all of the claim is sure.",
    },
    pictures=(
        Picture("Test score by how the rows come and by whose statistics they are normalized",
                "score", over="test rows", by="statistics", panels="data",
                about="One row minus its own mean is 0 whatever it holds; the mean of a class is "
                      "what tells it from another."),
    ),
    exercises=("input-normalization",),
    layers=("Standardizer",),
    seconds=5.0,
)
