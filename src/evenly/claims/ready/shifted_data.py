"""Test data that are not as the training data are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import evenly as ev

from ..data import Array, Data, whole
from ..parts import Block, Part, more
from ..pictures import Picture
from ..study import Case, Study
from ..training import epochs_for, mlp, train

CURES: dict[str, Callable[[], dict[str, Any]]] = {
    "none": dict,
    "dropout": lambda: {"dropout": 0.5},
    "batch norm": lambda: {"norm": ev.BatchNorm()},
    "L2": lambda: {"penalty": ev.L2(0.01)},
    "mixup": lambda: {"augment": ev.Mixup(0.4)},
    "all four": lambda: {"dropout": 0.5, "norm": ev.BatchNorm(), "penalty": ev.L2(0.01),
                         "augment": ev.Mixup(0.4)},
    "some seen": dict,
}
TRIED = tuple(name for name in CURES if name not in ("none", "some seen"))
TRAIN, TEST, SEEN = 700, 200, 70
# Blocks draw the rows of a test part from one table: so large a share of two such parts is common.
RATIO = TEST / (1797 - TEST)


def moved(images: Array) -> Array:
    """Square images an eighth of their width to the right."""
    side = int(np.sqrt(images.shape[1]))
    by = round(side / 8)
    square = images.reshape(-1, side, side)
    return np.pad(square, ((0, 0), (0, 0), (by, 0)))[:, :, :side].reshape(images.shape)


def sides(case: Case) -> tuple[Data, Array]:
    """The case's data, "is this digit even?", and which digits the rows of its test part show.

    The common digits are all but one even and one odd one, drawn for the block. All cases train on
    the same common digits; where "some" are "seen", a tenth of them gives way to rows like those of
    the test.
    """
    x, y = whole(case["images"])
    rng = case.rng("rows")
    rare = rng.choice([0, 2, 4, 6, 8]), rng.choice([1, 3, 5, 7, 9])
    rows = rng.permutation(len(x))
    is_rare = np.isin(y[rows], rare)
    own, like_test = rows[~is_rare][:TRAIN], rows[~is_rare][TRAIN:]
    if case["shift"] == "rare digits":
        like_test = rows[is_rare]
    extra, test = like_test[:SEEN], like_test[SEEN:SEEN + TEST]
    look = moved if case["shift"] == "moved" else (lambda images: images)
    inputs, targets = x[own], y[own]
    if case["cure"] == "some seen":
        inputs = np.concatenate([inputs[:-SEEN], look(x[extra])])
        targets = np.concatenate([targets[:-SEEN], y[extra]])
    data = Data(inputs, targets % 2, look(x[test]), y[test] % 2)
    return data, y[test]


def measure(case: Case) -> dict[str, Any]:
    """One training, tested on its kind of test data."""
    data, _ = sides(case)
    settings = CURES[case["cure"]]()
    built = {name: settings.pop(name) for name in ("dropout", "norm") if name in settings}
    done = train(case, mlp((64, 64), 2, **built), data, epochs=epochs_for(400, data),
                 optimizer=ev.Adam(2e-3), **settings)
    return {"test accuracy": done.test, "training accuracy": done.train}


def drop(block: Block, shift: str, cure: str) -> float:
    """What the shift costs with a cure."""
    return float(block("test accuracy", shift="none", cure=cure)
                 - block("test accuracy", shift=shift, cure=cure))


def left(shift: str, cure: str) -> Part:
    """More than half of the cost remains with this cure. (The best of the cures, picked by the very
    numbers it is judged by, would seem to cure where there is nothing to cure.)"""
    return Part(
        f"what {shift} cost with {cure}, less half of what they cost without",
        lambda block: drop(block, shift, cure) - drop(block, shift, "none") / 2, "more",
        unit="points", factor=100, digits=1,
    )


def parts_of(shift: str, name: str) -> tuple[Part, ...]:
    """The shift costs much; each cure leaves more than half of it; data would cure."""
    words = f"test accuracy, {shift}, some of them among the training data"
    return (
        # Five points are the least that anybody would call a shift.
        Part(f"what {shift} cost without a cure", lambda block: drop(block, shift, "none"), "more",
             least=0.05, unit="points", factor=100, digits=1, name=f"{name}_cost"),
        *(left(shift, cure) for cure in TRIED),
        Part(f"what {shift} cost with all four cures",
             lambda block: drop(block, shift, "all four"), "more", unit="points",
             factor=100, digits=1, counts=False, name=f"{name}_all"),
        more("test accuracy", {"cure": "some seen"}, than={"cure": "none"}, at={"shift": shift},
             least=0.05, unit="points", factor=100, digits=1, words=words, counts=False,
             name=f"{name}_seen"),
    )


FOUND = ("Rare digits cost {rare_cost} of accuracy, with all four cures {rare_all}; moved digits "
         "{moved_cost}, with all four {moved_all}; a tenth of such rows among the training data "
         "changes it by {rare_seen} and {moved_seen}")

STUDY = Study(
    name="shifted-data",
    claim="A shift between training and test data cannot be cured by regularization or "
    "normalization.",
    source="course notes (trained on common cars, tested on rare ones)",
    factors={"images": ("digits",), "shift": ("none", "rare digits", "moved"),
             "cure": tuple(CURES)},
    long_factors={"images": ("digits", "mnist")},
    blocks=12,
    technique=("shift",),
    measure=measure,
    test_ratio=RATIO,
    parts=(*parts_of("rare digits", "rare"), *parts_of("moved", "moved")),
    about="Is a digit even? 700 rows of eight of the ten digits, drawn for each block, train two "
    "hidden layers of 64 ReLU units, 400 steps of Adam at 0.002. The test shows 200 other rows of "
    "these digits, or of the two that were left out, or of the eight moved by an eighth of their "
    "width. Cures are dropout 0.5, batch norm, L2 0.01, mixup 0.4, and all four; \"some seen\" "
    "puts 70 rows like those of the test in the place of as many others of the training part. A "
    "cure is one that takes away half of what the shift costs.",
    says={
        "holds": FOUND + ": with each of the cures more than half of the cost remains.",
        "fails": FOUND + ": one shift costs nothing, or one cure takes away half of its cost.",
        "cannot tell": FOUND + ": not enough to tell whether each cure leaves more than half of "
        "the cost.",
    },
    pictures=(
        Picture("Test accuracy by what the test shows", "test accuracy", over="cure", by="shift",
                panels="images"),
    ),
    exercises=("input-normalization", "dropout", "batch-norm", "l2"),
    layers=("Dropout", "BatchNorm", "L2", "Mixup"),
)
