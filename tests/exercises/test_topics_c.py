"""The topics on sizes, gates, softened targets, watched losses and orthogonal weights, against the
library's own layers and rules, and against PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import evenly as ev
from evenly.errors import DataError
from evenly.exercises import topic
from evenly.exercises.base import written
from evenly.training.early_stopping import BestSoFar
from evenly.training.history import EpochRecord
from evenly.training.plateau import PlateauFollower
from tests.exercises.topics_b import floats, fractions, inputs

SEEDS = range(9)
near = {"rtol": 1e-9, "atol": 1e-11}


def t64(values, **settings):
    return torch.tensor(np.asarray(values, np.float64), **settings)


def same(got, wanted):
    wanted = wanted.detach() if isinstance(wanted, torch.Tensor) else wanted
    np.testing.assert_allclose(np.asarray(got, float).reshape(-1),
                               np.asarray(wanted, float).reshape(-1), **near)


def made(name, seed, **settings):
    """(level, inputs, answers) of an exercise; levels and sizes go round with the seed."""
    found, level = topic(name), seed % 3 + 1
    sizes = {s.name: s.least + (seed // 3) % (s.most - s.least + 1) for s in found.sizes}
    exercise = found.exercise(seed, level, **sizes, **settings)
    return level, inputs(exercise), floats(exercise)


# Sizes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_output_sizes(seed):
    level, given, answers = made("output-size", seed)
    layers, torches = [], []
    channels = int(given["image"][2])
    for name in ("conv_1", "pool_1", "conv_2")[:level]:
        window, stride, *rest = map(int, given[name])
        if rest:
            layers.append(ev.Conv2D(rest[1], window, stride=stride, padding=rest[0]))
            torches.append(torch.nn.Conv2d(channels, rest[1], window, stride, rest[0]))
            channels = rest[1]
        else:
            layers.append(ev.MaxPool2D(window, stride))
            torches.append(torch.nn.MaxPool2d(window, stride))
        rows, columns, _ = ev.Sequential(layers).output_shape(tuple(map(int, given["image"])))
        assert (answers[f"{name}.rows"], answers[f"{name}.columns"]) == (rows, columns)
        assert answers[f"{name}.numbers"] == rows * columns * channels
        with torch.no_grad():
            y = torch.nn.Sequential(*torches)(torch.zeros(1, *map(int, given["image"][[2, 0, 1]])))
        assert tuple(y.shape) == (1, channels, rows, columns)
        if rest:
            assert answers[f"{name}.parameters"] == sum(p.numel()
                                                        for p in torches[-1].parameters())
    if level == 3:
        net = ev.Sequential([*layers, ev.Flatten(), ev.Dense(int(given["units"]))])
        model = ev.init(net, tuple(map(int, given["image"])))
        assert answers["parameters"] == sum(a.size for a in model.weights.values())


@pytest.mark.parametrize("change", [{"conv_1": [3, 0, 1, 4]}, {"conv_1": [99, 1, 0, 4]},
                                    {"pool_1": [2, 2, 1]}, {"image": [40, "1/2", 3]}])
def test_sizes_that_do_not_fit(change):
    good = topic("output-size").exercise(1, 3).numbers()
    with pytest.raises(DataError, match=next(iter(change))):
        topic("output-size").exercise(level=3, inputs=good | change)


# Gates --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["glu", "swiglu"])
@pytest.mark.parametrize("seed", SEEDS)
def test_gates_are_pytorchs(name, seed):
    level, given, answers = made(name, seed)
    own = {n: t64(given[n], requires_grad=True) for n in given}
    s = own["x"] @ own["gate_kernel"] + own["gate_bias"]
    value = own["x"] @ own["kernel"] + own["bias"]
    s.retain_grad()
    y = F.glu(torch.cat([value, s], 1)) if name == "glu" else F.silu(s) * value
    same(answers["y"], y)
    if level > 1:
        y.backward(t64(given["d_y"]))
        same(answers["d_s"], s.grad)
    if level == 3:
        for n in ("x", "gate_kernel", "gate_bias", "kernel", "bias"):
            same(answers[f"d_{n}"], own[n].grad)


# Softened targets ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_mixup(seed):
    level, given, answers = made("mixup", seed)
    n, mix = len(given["x"]), float(given["mix"])
    other = (np.arange(n) + 1 + int(given["shift"])) % n
    assert (other != np.arange(n)).all()
    same(answers["x.mixed"], mix * given["x"] + (1 - mix) * given["x"][other])
    if level > 1:
        y = mix * given["y"] + (1 - mix) * given["y"][other]
        same(answers["y.mixed"], y)
    if level == 3:
        y_hat = t64(given["y_hat"], requires_grad=True)
        loss = F.mse_loss(y_hat, t64(y), reduction="sum") / n
        loss.backward()
        same(answers["loss"], loss)
        same(answers["d_scores"], y_hat.grad)


@pytest.mark.parametrize("seed", SEEDS)
def test_label_smoothing(seed):
    level, given, answers = made("label-smoothing", seed)
    e = float(given["smoothing"])
    if level == 1:
        same(answers["smoothed"].sum(axis=1), np.ones(len(given["y"])))
        return
    target, scores = t64(given["y"]).argmax(1), t64(np.log(given["y_hat"]))
    for smoothing, key in ((e, "d_scores"), (0.0, "d_plain")):
        own = scores.clone().requires_grad_()
        loss = F.cross_entropy(own, target, label_smoothing=smoothing)
        loss.backward()
        same(answers[key], own.grad)
        if level == 3 and smoothing:
            same(answers["loss"], loss)
    if level == 3:
        # With this gap between the right class's score and the others the gradient is zero.
        best = (float(answers["gap"]) * t64(given["y"])).requires_grad_()
        F.cross_entropy(best, target, label_smoothing=e).backward()
        same(best.grad, np.zeros_like(given["y"]))


# Watched losses -----------------------------------------------------------------------------------


def record(epoch, loss=0.0, score=0.0):
    return EpochRecord(epoch, 1, loss, score, loss, score, 1.0, 0.0)


@pytest.mark.parametrize("seed", SEEDS)
def test_early_stopping(seed):
    level, given, answers = made("early-stopping", seed)
    by = "scores" if level == 3 else "losses"
    rule = ev.EarlyStopping(int(given["patience"]), float(given["min_delta"]),
                            "validation_score" if level == 3 else "validation_loss")
    best, ends = BestSoFar(rule), None
    for epoch, value in enumerate(given[by], 1):
        over = best.is_over(record(epoch, **{by[:-1 if level == 3 else -2]: value}), {})
        same(answers["best"][epoch - 1], given[by][best.epoch - 1])
        assert answers["waited"][epoch - 1] == epoch - best.epoch
        if over and ends is None:
            ends = epoch
            assert answers["restored"] == best.epoch
    assert answers["end"] == ends


@pytest.mark.parametrize("seed", SEEDS)
def test_plateau(seed):
    level, given, answers = made("plateau", seed)
    settings = {"factor": float(given["factor"]), "patience": int(given["patience"]),
                "threshold": float(given["min_delta"]),
                "cooldown": int(given["cooldown"]) if level == 3 else 0}
    rate = float(given["learning_rate"])
    follower = PlateauFollower(ev.ReduceOnPlateau(**settings, threshold_mode="absolute"), rate)
    same(answers["rates"], [follower.after(record(t, loss))
                            for t, loss in enumerate(given["losses"], 1)])
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], rate)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **settings, eps=0,
                                                        threshold_mode="abs")
    for own, loss in zip(answers["rates"], given["losses"], strict=True):
        theirs.step(loss)
        same(own, optimizer.param_groups[0]["lr"])
    assert len(set(answers["rates"])) > 1


@pytest.mark.parametrize(("name", "change"), [
    ("early-stopping", {"patience": 20}), ("early-stopping", {"min_delta": -1}),
    ("plateau", {"patience": "1/2"}), ("plateau", {"factor": 1}), ("plateau", {"losses": [1]}),
    ("mixup", {"mix": 1}), ("mixup", {"shift": 2}), ("label-smoothing", {"smoothing": 1}),
    ("label-smoothing", {"y": [[1, 1, 0, 0], [0, 0, 1, 0]]}), ("lsuv", {"x": [[0, 0]]}),
    ("orthogonal", {"numbers": [[1, 2, 3], [1, 2, 3], [1, 2, 3]]}),
    ("glu", {"d_y": [[1]]}),
])
def test_numbers_that_do_not_fit(name, change):
    level = 2 if name == "early-stopping" else 3
    good = topic(name).exercise(1, level).numbers()
    with pytest.raises(DataError, match=next(iter(change))):
        topic(name).exercise(level=level, inputs=good | change)


# First weights ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_orthogonal(seed):
    level, given, answers = made("orthogonal", seed)
    columns = np.stack([answers[f"column_{k + 1}"] for k in range(given["numbers"].shape[1])], 1)
    q, r = np.linalg.qr(given["numbers"])
    same(columns, q * np.sign(np.diag(r)))
    if level > 1:
        gain = float(given["gain"])
        same(answers["products"], gain**2 * np.eye(len(columns)))
        same(answers["after"], gain**2 * answers["before"])
        weight = torch.nn.init.orthogonal_(torch.empty(3, 3, dtype=torch.float64), gain)
        same((weight.T @ weight)[0, 0], answers["products"][0, 0])


@pytest.mark.parametrize("seed", SEEDS)
def test_lsuv(seed, monkeypatch):
    level, given, answers = made("lsuv", seed)
    kernels = [given[f"kernel_{k}"] for k in (1, 2)][: 1 + (level > 1)]
    layers = [ev.Dense(2, bias=False) for _ in kernels]
    if level == 3:
        layers.insert(1, ev.ReLU())
    left = list(kernels)
    monkeypatch.setattr("evenly.initializers.Orthogonal.sample",
                        lambda self, draws, shape, fan: left.pop(0).astype(float))
    model = ev.init(ev.Sequential(layers), 2, seed=0, dtype="float64")
    left[:] = kernels
    model = ev.lsuv(model, given["x"], tolerance=1e-9)
    for k in range(len(kernels)):
        same(answers[f"dense_{k + 1}.scaled"], model.weights[f"dense_{k + 1}.kernel"])
        same(answers[f"dense_{k + 1}.output"].var(), 1)


@pytest.mark.parametrize("name", ["output-size", "mixup", "early-stopping", "plateau",
                                  "orthogonal", "lsuv"])
@pytest.mark.parametrize("level", [1, 2, 3])
def test_numbers_come_out_well(name, level):
    for seed in range(4):
        for step in topic(name).exercise(seed, level).asked.values():
            assert all(q.denominator <= 10_000 for q in fractions(step)), step.title


@pytest.mark.parametrize("name", ["output-size", "glu", "swiglu", "mixup", "label-smoothing",
                                  "early-stopping", "plateau", "orthogonal", "lsuv"])
def test_every_step_has_words_and_a_hint(name):
    for level in (1, 2, 3):
        exercise = topic(name).exercise(2, level)
        assert all(ask.words[0].isupper() and ask.hint.endswith((".", "?"))
                   for ask in exercise.solution.asked)
        own = {n: written(np.asarray(v, object), exactly=True) for n, v in exercise.inputs.items()}
        assert topic(name).exercise(level=level, inputs=own).answers() == exercise.answers()
