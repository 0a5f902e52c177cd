"""The topics on examples with cut columns, slow weights and snapshots, against NumPy, PyTorch and
the library's own rules."""

import numpy as np
import pytest
import torch

import evenly as ev
from evenly.augmentation import is_cut
from evenly.errors import DataError
from evenly.exercises import topic
from tests.exercises.test_topics_d import (
    SEEDS,
    check_targets,
    made,
    same,
    steps_of,
    t64,
)


@pytest.mark.parametrize("seed", SEEDS)
def test_cutmix(seed):
    level, given, answers = made("cutmix", seed)
    n, features = given["x"].shape
    a, b, cut = (int(given[name]) for name in ("a", "b", "cut"))
    other = (np.arange(n) + 1 + int(given["shift"])) % n
    place = (a * np.arange(features) + b) % features
    same(answers["x.place"], place)
    assert sorted(place) == list(range(features))
    own = given["x"].copy()
    own[:, place < cut] = given["x"][other][:, place < cut]
    same(answers["x.cut"], own)
    run = ev.Run(training=True, cut=cut, place=a * features + b)
    assert is_cut(features, run).tolist() == (place < cut).tolist()
    check_targets(level, given, answers, 1 - cut / features, other)


@pytest.mark.parametrize("seed", SEEDS)
def test_lookahead(seed):
    level, given, answers = made("lookahead", seed)
    fast = torch.nn.Parameter(t64(given["weight"]))
    rate = float(given["learning_rate"]) if level > 1 else 1.0
    rule = torch.optim.SGD([fast], rate, momentum=float(given["beta"]) if level == 3 else 0.0)
    every, slow, slows = int(given["every"]), float(given["weight"]), []
    gradients = given["gradients"] if level > 1 else -given["moves"]
    for n, gradient in enumerate(gradients, start=1):
        fast.grad = t64(gradient)
        rule.step()
        same(steps_of(answers, "w.value")[n - 1], fast)
        if level == 3:
            same(steps_of(answers, "w.velocity")[n - 1], rule.state[fast]["momentum_buffer"])
        if n % every == 0:
            slow += float(given["share"]) * (float(fast.detach()) - slow)
            slows.append(slow)
            fast.data.fill_(slow)
    assert slows
    same(np.ravel(steps_of(answers, "w.average")), slows)


@pytest.mark.parametrize("seed", SEEDS)
def test_snapshots(seed):
    level, given, answers = made("snapshots", seed)
    same(answers["mean"], given["answers"].mean(axis=0))
    assert answers["mean"].sum() == pytest.approx(1)
    cycles = len(given["answers"])
    if level > 1:
        epochs = int(given["epochs"])
        ends = np.floor(np.arange(1, cycles + 1) * epochs / cycles + 0.5)
        same(answers["ends"], ends)
        assert set(np.diff([0, *ends])) <= {epochs // cycles, epochs // cycles + 1}
    if level == 3:
        rate, length = float(given["learning_rate"]), epochs // cycles
        rule = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], rate)
        schedule = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(rule, length)
        rates = []
        for _ in range(epochs):
            rates.append(rule.param_groups[0]["lr"])
            rule.step()
            schedule.step()
        same(answers["gone"], given["t"] % length)
        same(answers["rate"], [rates[int(t)] for t in given["t"]])


@pytest.mark.parametrize(("name", "change"), [
    ("cutmix", {"a": 0}), ("cutmix", {"a": 5}), ("cutmix", {"cut": 6}), ("cutmix", {"cut": 0}),
    ("cutmix", {"shift": 2}), ("cutmix", {"b": "1/2"}), ("lookahead", {"every": 0}),
    ("lookahead", {"share": 0}), ("lookahead", {"share": 2}), ("lookahead", {"beta": 1}),
    ("lookahead", {"gradients": [1]}), ("snapshots", {"epochs": 2}),
    ("snapshots", {"t": [180, 0, 0]}),
    ("snapshots", {"answers": [[1, 0]]}),
])
def test_numbers_that_do_not_fit(name, change):
    good = topic(name).exercise(1, 3).numbers()
    words = "cycles" if "answers" in change else next(iter(change))
    with pytest.raises(DataError, match=words):
        topic(name).exercise(level=3, inputs=good | change)


def test_columns_need_a_number_without_a_common_divisor():
    good = topic("cutmix").exercise(1, 3, features=6).numbers()
    with pytest.raises(DataError, match="a must have no divisor in common with the 6 features"):
        topic("cutmix").exercise(level=3, inputs=good | {"a": 4})
