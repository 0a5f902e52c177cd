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


@pytest.mark.parametrize("seed", SEEDS)
def test_members_are_the_layers(seed):
    level, given, answers = made("batch-ensemble", seed)
    own = {n: given[n].astype(float) for n in given}
    members, units = own["output_scale"].shape
    layer, run = ev.BatchEnsemble(units), ev.Run(training=True)
    arrays = {n: own[n] for n in ("kernel", "input_scale", "output_scale", "bias")}
    y, saved = layer.forward(np.tile(own["x"], (1, members, 1)), arrays, run)
    same(answers["y"], y)
    if level > 1:
        mean, _ = ev.MemberMean().forward(y, {}, run)
        same(answers["mean"], mean)
        loss = ev.MeanSquaredError()
        value, kept = loss.forward(y, np.tile(own["target"], (1, members, 1)), run)
        same(answers["loss"], value)
    if level == 3:
        _, gradients = layer.backward(loss.backward(kept, run), arrays, saved, run)
        for n in ("kernel", "input_scale", "output_scale"):
            same(answers[f"d_{n}"], gradients[n])


# Softened targets ---------------------------------------------------------------------------------


def check_targets(level, given, answers, mix, other):
    """Targets mixed with those of other rows, and the loss on them, where they are asked for."""
    if level > 1:
        y = mix * given["y"] + (1 - mix) * given["y"][other]
        same(answers["y.mixed"], y)
    if level == 3:
        y_hat = t64(given["y_hat"], requires_grad=True)
        loss = F.mse_loss(y_hat, t64(y), reduction="sum") / len(y)
        loss.backward()
        same(answers["loss"], loss)
        same(answers["d_scores"], y_hat.grad)


@pytest.mark.parametrize("seed", SEEDS)
def test_mixup(seed):
    level, given, answers = made("mixup", seed)
    n, mix = len(given["x"]), float(given["mix"])
    other = (np.arange(n) + 1 + int(given["shift"])) % n
    assert (other != np.arange(n)).all()
    same(answers["x.mixed"], mix * given["x"] + (1 - mix) * given["x"][other])
    check_targets(level, given, answers, mix, other)


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
    ("glu", {"d_y": [[1]]}), ("batch-ensemble", {"bias": [[1]]}),
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
                                  "orthogonal", "lsuv", "weight-averaging", "batch-ensemble",
                                  "cutmix", "lookahead", "snapshots"])
@pytest.mark.parametrize("level", [1, 2, 3])
def test_numbers_come_out_well(name, level):
    for seed in range(4):
        for step in topic(name).exercise(seed, level).asked.values():
            assert all(q.denominator <= 10_000 for q in fractions(step)), step.title


@pytest.mark.parametrize("name", ["output-size", "glu", "swiglu", "mixup", "label-smoothing",
                                  "early-stopping", "plateau", "orthogonal", "lsuv",
                                  "weight-averaging", "batch-ensemble", "cutmix", "lookahead",
                                  "snapshots"])
def test_every_step_has_words_and_a_hint(name):
    for level in (1, 2, 3):
        exercise = topic(name).exercise(2, level)
        assert all(ask.words[0].isupper() and ask.hint.endswith((".", "?"))
                   for ask in exercise.solution.asked)
        own = {n: written(np.asarray(v, object), exactly=True) for n, v in exercise.inputs.items()}
        assert topic(name).exercise(level=level, inputs=own).answers() == exercise.answers()


# Optimizers and schedules -------------------------------------------------------------------------


def steps_of(answers, name):
    return [v for k, v in answers.items() if k == name or k.startswith(f"{name} (")]


@pytest.mark.parametrize("seed", SEEDS)
def test_weight_averaging(seed):
    level, given, answers = made("weight-averaging", seed)
    values = np.asarray(given["values"], float)
    if level == 3:
        steps = np.asarray(given["gradients"], float) * float(given["learning_rate"])
        values = float(given["weight"]) - np.cumsum(steps)
        same(np.ravel(steps_of(answers, "w.value")), values)
    decay = 1.0 if level == 1 else float(given["decay"])
    for n in range(1, len(values) + 1):
        own = decay ** np.arange(n)[::-1]
        same(steps_of(answers, "w.average")[n - 1], np.average(values[:n], weights=own))
        if level > 1 < n:
            same(steps_of(answers, "w.weight")[n - 2], own[-1] / own.sum())


@pytest.mark.parametrize("seed", SEEDS)
def test_adadelta(seed):
    level, given, answers = made("adadelta", seed)
    parameter = torch.nn.Parameter(t64(given["weights"]))
    rate = float(given["learning_rate"]) if level == 3 else 1.0
    rule = torch.optim.Adadelta([parameter], rate, float(given["beta"]), float(given["epsilon"]))
    rule.state[parameter] = {"step": torch.tensor(0.0), "square_avg": t64(given["mean_square"]),
                             "acc_delta": t64(given["mean_change"])}
    for t, gradient in enumerate(given["gradients"]):
        parameter.grad = t64(gradient)
        rule.step()
        same(steps_of(answers, "w.value")[t], parameter)
        same(steps_of(answers, "w.d")[t], rule.state[parameter]["acc_delta"])


@pytest.mark.parametrize("seed", SEEDS)
def test_radam(seed):
    level, given, answers = made("radam", seed)
    numbers = [float(given[n]) for n in ("learning_rate", "beta_1", "beta_2", "epsilon")]
    first, own = int(given["first"]), ev.RAdam(*numbers)
    parameter = torch.nn.Parameter(t64(given["weights"]))
    rule = torch.optim.RAdam([parameter], numbers[0], tuple(numbers[1:3]), numbers[3])
    rule.state[parameter] = {"step": torch.tensor(float(first - 1)), "exp_avg": t64(given["m"]),
                             "exp_avg_sq": t64(given["v"])}
    value, state = given["weights"], (given["m"], given["v"])
    for t, gradient in enumerate(given["gradients"]):
        value, state = own.update(value, gradient, state, ev.layers.base.Run(
            True, step=first - 1 + t))
        same(steps_of(answers, "w.value")[t], value)
        parameter.grad = t64(gradient)
        rule.step()
        same(steps_of(answers, "w.value")[t], parameter)
    assert ("w.r" in answers) == (level > 1)


@pytest.mark.parametrize("seed", SEEDS)
def test_adam_of_a_matrix(seed):
    _, given, answers = made("adam-matrix", seed)
    parameter = torch.nn.Parameter(t64(given["weights"]))
    rule = torch.optim.Adam([parameter], float(given["learning_rate"]),
                            (float(given["beta_1"]), float(given["beta_2"])), eps=0.0)
    same(abs(answers["w.value"] - given["weights"]), np.full(parameter.shape,
                                                             given["learning_rate"]))
    for t, gradient in enumerate(given["gradients"]):
        parameter.grad = t64(gradient)
        rule.step()
        same(steps_of(answers, "w.value")[t], parameter)


def test_a_gradient_of_zero_divides_by_zero_without_epsilon():
    good = topic("adam-matrix").exercise(1).numbers()
    with pytest.raises(DataError, match="a division by 0"):
        topic("adam-matrix").exercise(inputs=good | {"gradients": [[[0, 1], [1, 1]]]})


def test_a_rule_says_the_number_of_its_step():
    asked = topic("radam").exercise(1, 3).solution.asked
    (r,) = [ask for ask in asked if ask.title == "w.r"]
    assert r.words.startswith("Step 6: ")


@pytest.mark.parametrize("seed", SEEDS)
def test_one_cycle(seed):
    level, given, answers = made("one-cycle", seed)
    rate, length = float(given["learning_rate"]), int(given["length"])
    names = ("rise", "start_divisor", "end_divisor", "highest", "lowest")
    own = ev.OneCycle(**{n: float(given[n]) for n in names},
                      shape="linear" if level == 1 else "cosine")
    same(answers["factor"], own.factors(given["t"], length))
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], rate, momentum=0.5)
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rate, length, pct_start=float(given["rise"]),
        anneal_strategy="linear" if level == 1 else "cos",
        base_momentum=float(given["lowest"]), max_momentum=float(given["highest"]),
        div_factor=float(given["start_divisor"]), final_div_factor=float(given["end_divisor"]))
    rates, momenta = [], []
    for _ in range(length):
        rates.append(optimizer.param_groups[0]["lr"])
        momenta.append(optimizer.param_groups[0]["momentum"])
        optimizer.step()
        if len(rates) < length:
            theirs.step()
    times = given["t"].astype(int)
    same(answers["rate"], np.array(rates)[times])
    if level == 2:
        same(answers["momentum"], np.array(momenta)[times])


@pytest.mark.parametrize("name", ["global-average-pooling", "global-max-pooling"])
@pytest.mark.parametrize("seed", SEEDS)
def test_global_pooling(name, seed):
    level, given, answers = made(name, seed)
    x = t64(given["x"][None].transpose(0, 3, 1, 2), requires_grad=True)
    largest = name == "global-max-pooling"
    y = (F.adaptive_max_pool2d if largest else F.adaptive_avg_pool2d)(x, 1).flatten(1)
    layer = "global_max_pool_1" if largest else "global_average_pool_1"
    same(answers[f"{layer}.y"], y)
    if level == 2:
        y.backward(t64(given["d_y"])[None])
    if level == 3:
        kernel = t64(given["kernel"], requires_grad=True)
        out = y @ kernel + t64(given["bias"])
        out.backward(t64(given["d_scores"])[None])
        same(answers["dense_1.y"], out)
        same(answers["dense_1.d_kernel"], kernel.grad)
    if level > 1:
        same(answers[f"{layer}.d_x"], x.grad.permute(0, 2, 3, 1))
