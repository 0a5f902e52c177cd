"""The answers of the topics of training against the native kernels and against PyTorch."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch

import evenly as ev
from evenly.exercises import topic
from evenly.exercises.base import written
from evenly.schedules import rates_and_momenta, steps_per_epoch
from tests.exercises.topics_b import LAYERS, RULES, SCHEDULES, floats, inputs, made, trained

pytestmark = pytest.mark.sweep

SEEDS = range(21)
near = {"rtol": 1e-9, "atol": 1e-11}


def t64(values):
    return torch.tensor(np.asarray(values, dtype=np.float64))


def same(got, wanted):
    np.testing.assert_allclose(np.asarray(got, float).reshape(-1),
                               np.asarray(wanted, float).reshape(-1), **near)


# Layers -------------------------------------------------------------------------------------------


def layer_of(name, given, level):
    """(the layer, its arrays, x (1, ...), d_y or None, its states) of an exercise."""
    if name in ("rnn", "lstm", "gru"):
        units = len(given["h"])
        made_of = {"rnn": ev.RNN, "lstm": ev.LSTM, "gru": ev.GRU}[name]
        activation = {"activation": "relu" if level == 1 else "tanh"} if name == "rnn" else {}
        layer = made_of(units, stateful=True, **activation)
        arrays = {n: given[n] for n in ("input_kernel", "recurrent_kernel", "bias",
                                        "recurrent_bias") if n in given}
        return layer, arrays, given["x"][None], given["d_h"][None], {
            n: given[n][None] for n in ("h", "c") if n in given}
    x, d_y = given["x"][None, ..., None], given["d_y"][None, ..., None]
    if "convolution" in name:
        kind = ev.Conv2D if name == "convolution" else ev.Conv1D
        layer = kind(1, given["kernel"].shape, stride=int(given["stride"]),
                     padding=int(given["padding"]))
        return layer, {"kernel": given["kernel"][..., None, None],
                       "bias": given["bias"].reshape(1)}, x, d_y, {}
    kind = ev.MaxPool2D if name == "max-pooling" else ev.AveragePool2D
    return kind(int(given["window"]), int(given["stride"])), {}, x, d_y, {}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_are_the_kernels(name):
    for seed in SEEDS:
        exercise = made(name, seed)
        given, answers = inputs(exercise), floats(exercise)
        layer, arrays, x, d_y, states = layer_of(name, given, exercise.level)
        program = ev.compile(ev.Sequential([layer]), x.shape[1:], batch=1, dtype="float64")
        prefix = f"{layer.type_name}_1."
        engine = ev.Engine(program, weights={prefix + n: a for n, a in arrays.items()})
        for n, state in states.items():
            engine.states[prefix + n][:1] = state
        y = engine.forward(x).copy()
        last = [n for n in answers if n.startswith((f"{prefix}y", f"{prefix}h"))][-1]
        same(answers[last], y)
        if exercise.level == 3:
            d_x, gradients = engine.backward(d_y)
            found = {n: answers[f"{prefix}d_{n}"] for n in (*arrays, "x")
                     if f"{prefix}d_{n}" in answers}
            assert found
            for n, wanted in found.items():
                same(wanted, d_x if n == "x" else gradients[prefix + n])


def torch_layer(name, given, level):
    """(module, its weights by our names, laid out as ours, x, states)."""
    if name in ("rnn", "lstm", "gru"):
        units, features = len(given["h"]), given["x"].shape[1]
        kind = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[name]
        extra = {"nonlinearity": "relu" if level == 1 else "tanh"} if name == "rnn" else {}
        module = kind(features, units, batch_first=True, dtype=torch.float64, **extra)
        with torch.no_grad():
            module.weight_ih_l0.copy_(t64(given["input_kernel"].T))
            module.weight_hh_l0.copy_(t64(given["recurrent_kernel"].T))
            module.bias_ih_l0.copy_(t64(given["bias"]))
            module.bias_hh_l0.zero_()
            if name == "gru":
                module.bias_hh_l0[2 * units:] = t64(given["recurrent_bias"])
        state = t64(given["h"])[None, None]
        return module, {"input_kernel": (module.weight_ih_l0, (1, 0)),
                        "recurrent_kernel": (module.weight_hh_l0, (1, 0)),
                        "bias": (module.bias_ih_l0, (0,))}, (
            state if name != "lstm" else (state, t64(given["c"])[None, None]))
    if "pooling" in name:
        kind = torch.nn.MaxPool2d if name == "max-pooling" else torch.nn.AvgPool2d
        return kind(int(given["window"]), int(given["stride"])), {}, None
    rank = given["kernel"].ndim
    kind = torch.nn.Conv2d if rank == 2 else torch.nn.Conv1d
    module = kind(1, 1, given["kernel"].shape, stride=int(given["stride"]),
                  padding=int(given["padding"]), dtype=torch.float64)
    with torch.no_grad():
        module.weight.copy_(t64(given["kernel"])[None, None])
        module.bias.copy_(t64(given["bias"]).reshape(1))
    return module, {"kernel": (module.weight, tuple(range(rank + 2))),
                    "bias": (module.bias, (0,))}, None


@pytest.mark.parametrize("name", LAYERS)
def test_layers_are_pytorchs(name):
    for seed in SEEDS:
        exercise = made(name, seed)
        given, answers = inputs(exercise), floats(exercise)
        prefix = f"{exercise.solution.setting['layer']}."
        module, weights, state = torch_layer(name, given, exercise.level)
        recurrent = name in ("rnn", "lstm", "gru")
        x = t64(given["x"])[None] if recurrent else t64(given["x"])[None, None]
        x.requires_grad_()
        y = module(x, state)[0][:, -1] if recurrent else module(x)
        last = [n for n in answers if n.startswith((f"{prefix}y", f"{prefix}h"))][-1]
        same(answers[last], y.detach())
        if exercise.level == 3:
            y.backward(t64(given["d_h" if recurrent else "d_y"]).reshape(y.shape))
            if f"{prefix}d_x" in answers:
                same(answers[f"{prefix}d_x"], x.grad)
            for n, (parameter, order) in weights.items():
                same(answers[f"{prefix}d_{n}"], parameter.grad.permute(order))


# Optimizers ---------------------------------------------------------------------------------------


def rule_of(name, given, level):
    numbers = {n: float(given[n]) for n in given
               if n in ("learning_rate", "beta", "beta_1", "beta_2", "epsilon", "weight_decay")}
    kinds = {"gradient-descent": ev.SGD, "momentum": ev.Momentum, "nesterov": ev.Momentum,
             "adagrad": ev.Adagrad, "rmsprop": ev.RMSprop, "adam": ev.Adam, "adamw": ev.AdamW,
             "adamax": ev.AdaMax, "nadam": ev.NAdam}
    extra = {"nesterov": {"nesterov": True},
             "nadam": {"momentum_decay": 0.0, "weight_decay": 0.1 * (level == 3)},
             "momentum": {"average": level > 1, "bias_correction": level == 3}}.get(name, {})
    return kinds[name](**numbers, **extra)


def values(answers, name="w.value"):
    """The weights after each step."""
    return [v for k, v in answers.items() if k == name or k.startswith(f"{name} (")]


def started(exercise):
    """An exercise on RMSprop from a mean square of 0, as kernels and PyTorch begin."""
    if "mean_square" not in exercise.inputs:
        return exercise
    own = {n: written(np.asarray(v, object)) for n, v in exercise.inputs.items()}
    own["mean_square"] = ["0"] * len(own["weights"])
    return topic("rmsprop").exercise(level=exercise.level, inputs=own)


@pytest.mark.parametrize("name", RULES)
def test_rules_are_the_kernels(name):
    for seed in SEEDS:
        exercise = started(made(name, seed))
        given = inputs(exercise)
        after = trained(rule_of(name, given, exercise.level), given["weights"][:, None],
                        given["gradients"][..., None])
        for own, native in zip(values(floats(exercise)), after, strict=True):
            same(own, native["dense_1.kernel"])


def torch_rule(name, given, parameter, level):
    rate = float(given["learning_rate"])
    if name == "gradient-descent":
        return torch.optim.SGD([parameter], rate)
    if name in ("momentum", "nesterov"):
        return torch.optim.SGD([parameter], rate, momentum=float(given["beta"]),
                               nesterov=name == "nesterov")
    epsilon = float(given["epsilon"])
    if name == "adagrad":
        return torch.optim.Adagrad([parameter], rate, eps=epsilon)
    if name == "rmsprop":
        return torch.optim.RMSprop([parameter], rate, alpha=float(given["beta"]), eps=epsilon)
    betas = float(given["beta_1"]), float(given["beta_2"])
    if name == "adam":
        return torch.optim.Adam([parameter], rate, betas, epsilon)
    if name == "adamax":
        return torch.optim.Adamax([parameter], rate, betas, epsilon)
    if name == "nadam":
        return torch.optim.NAdam([parameter], rate, betas, epsilon, 0.1 * (level == 3), 0.0,
                                 decoupled_weight_decay=True)
    return torch.optim.AdamW([parameter], rate, betas, epsilon,
                             weight_decay=float(given["weight_decay"]))


@pytest.mark.parametrize("name", RULES)
def test_rules_are_pytorchs(name, request):
    compared = 0
    # PyTorch keeps NAdam's product in its default type.
    request.addfinalizer(lambda: torch.set_default_dtype(torch.float32))
    torch.set_default_dtype(torch.float64)
    for seed in SEEDS:
        exercise = made(name, seed)
        if name == "momentum" and exercise.level > 1:
            continue  # PyTorch's dampened velocity begins at the first gradient
        given = inputs(exercise)
        parameter = torch.nn.Parameter(t64(given["weights"]))
        rule = torch_rule(name, given, parameter, exercise.level)
        if name == "rmsprop":
            rule.state[parameter] = {"step": torch.tensor(0.0),
                                     "square_avg": t64(given["mean_square"])}
        for own, gradient in zip(values(floats(exercise)), given["gradients"], strict=True):
            parameter.grad = t64(gradient)
            rule.step()
            same(own, parameter.detach())
            compared += 1
    assert compared >= 7


# Penalties, decay, max norm, clipping -------------------------------------------------------------


@pytest.mark.parametrize("name", ["l1", "l2", "elastic-net"])
def test_penalties(name):
    for seed in SEEDS:
        exercise = made(name, seed)
        given, answers = inputs(exercise), floats(exercise)
        rate = float(given["learning_rate"])
        l1, l2 = (float(given[n if name == "elastic-net" else "strength"]) *
                  (name in (n, "elastic-net")) for n in ("l1", "l2"))
        penalty = {"l1": lambda l1=l1: ev.L1(l1), "l2": lambda l2=l2: ev.L2(l2),
                   "elastic-net": lambda l1=l1, l2=l2: ev.ElasticNet(l1, l2)}[name]()
        kernel = t64(given["kernel"]).requires_grad_()
        cost = l1 * kernel.abs().sum() + l2 / 2 * (kernel**2).sum()
        same(answers["dense_1.kernel.penalty"], cost.detach())
        if exercise.level < 3:
            cost.backward()
            same(answers["dense_1.kernel.g"], kernel.grad.numpy() + given["gradient"])
            after = trained(ev.SGD(rate), given["kernel"], [given["gradient"]], penalty=penalty)
            native = after[0]["dense_1.kernel"]
        else:
            loss = torch.nn.functional.mse_loss(t64(given["x"]) @ kernel, t64(given["y"]))
            (loss + cost).backward()
            same(answers["loss"], loss.detach())
            same(answers["dense_1.kernel.g"], kernel.grad)
            net = ev.Sequential([ev.Dense(given["kernel"].shape[1], bias=False)])
            program = ev.compile(net, len(given["kernel"]), batch=len(given["x"]),
                                 loss=ev.MeanSquaredError(), optimizer=ev.SGD(rate),
                                 penalty=penalty, dtype="float64")
            engine = ev.Engine(program, weights={"dense_1.kernel": given["kernel"]})
            engine.step(given["x"], given["y"])
            native = engine.arrays["dense_1.kernel"]
        if exercise.level > 1:
            same(answers["dense_1.kernel.value"], native)
            same(answers["dense_1.kernel.value"],
                 given["kernel"] - rate * answers["dense_1.kernel.g"])


def test_weight_decay():
    for seed in SEEDS:
        exercise = made("weight-decay", seed)
        given, answers = inputs(exercise), floats(exercise)
        rate, decay = float(given["learning_rate"]), float(given["weight_decay"])
        epsilon = float(given["epsilon"])
        start, gradients = given["weights"][:, None], given["gradients"][..., None]
        parameter = torch.nn.Parameter(t64(given["weights"]))
        if exercise.level < 3:
            after = trained(ev.SGD(rate, weight_decay=decay), start, gradients)
            theirs = torch.optim.SGD([parameter], rate, weight_decay=decay)
            for own, native, gradient in zip(values(answers), after, given["gradients"],
                                             strict=True):
                same(own, native["dense_1.kernel"])
                parameter.grad = t64(gradient)
                theirs.step()
                same(own, parameter.detach())  # for plain descent the two decays are one
            continue
        apart = ev.AdamW(rate, 0.5, 0.5, epsilon, weight_decay=decay)
        same(answers["adamw.value"], trained(apart, start, gradients)[0]["dense_1.kernel"])
        through = trained(ev.Adam(rate, 0.5, 0.5, epsilon), start, gradients, penalty=ev.L2(decay))
        same(answers["adam.value"], through[0]["dense_1.kernel"])
        theirs = torch.optim.Adam([parameter], rate, (0.5, 0.5), epsilon, weight_decay=decay)
        parameter.grad = t64(given["gradients"][0])
        theirs.step()
        same(answers["adam.value"], parameter.detach())


@pytest.mark.parametrize("name", ["max-norm", "unit-norm"])
def test_norms(name):
    for seed in SEEDS:
        exercise = made(name, seed)
        given, answers = inputs(exercise), floats(exercise)
        rate = float(given["learning_rate"])
        last = answers["w.value (2)" if exercise.level > 1 else "w.value"]
        before = torch.nn.Parameter(t64(given["kernel"]))
        if exercise.level > 1:
            theirs = torch.optim.SGD([before], rate, momentum=0.5 * (exercise.level == 3))
            theirs.state[before]["momentum_buffer"] = t64(given["velocity"])
            before.grad = t64(given["gradient"])
            theirs.step()
            same(answers["w.value"], before.detach())
        constraint = ev.UnitNorm()
        if name == "unit-norm":
            same(last, torch.nn.functional.normalize(before.detach(), dim=0))
        else:
            limit = float(given["limit"])
            constraint = ev.MaxNorm(limit)
            # PyTorch adds 1e-7 to the norm.
            np.testing.assert_allclose(last, torch.renorm(before.detach(), 2, 1, limit), rtol=1e-6)
        if exercise.level < 3:
            gradient = given["gradient"] if exercise.level == 2 else 0 * given["gradient"]
            after = trained(ev.SGD(rate), given["kernel"], [gradient], constraint=constraint)
            same(last, after[0]["dense_1.kernel"])


def test_gradient_clipping():
    for seed in SEEDS:
        exercise = made("gradient-clipping", seed)
        given, answers = inputs(exercise), floats(exercise)
        level, max_norm, limit = exercise.level, float(given["max_norm"]), float(given["limit"])
        own = {"kernel": given["kernel_gradient"], "bias": given["bias_gradient"]}
        if level == 1:
            del own["bias"]
        parameters = {name: torch.nn.Parameter(t64(g)) for name, g in own.items()}

        def fresh(parameters=parameters, own=own):
            for name, parameter in parameters.items():
                parameter.grad = t64(own[name])
            return list(parameters.values())

        norm = torch.nn.utils.clip_grad_norm_(fresh(), max_norm)
        same(answers["norm"], norm)
        for name, parameter in parameters.items():
            # PyTorch adds 1e-6 to the norm.
            np.testing.assert_allclose(answers[f"{name}.clipped"], parameter.grad, rtol=2e-6)
        torch.nn.utils.clip_grad_value_(fresh(), limit)
        for name, parameter in parameters.items():
            if level != 2:
                same(answers[f"{name}.clipped ({2 if level == 1 else 3})"], parameter.grad)
        rate = float(given["learning_rate"])
        clips = {"": ev.ClipGlobalNorm(max_norm)}
        if level == 1:
            clips[" (2)"] = ev.ClipValue(limit)
        elif level == 3:
            clips |= {" (2)": ev.ClipNorm(max_norm), " (3)": ev.ClipValue(limit)}
        for time, clip in clips.items():
            bias = None if level == 1 else given["bias"]
            gradient = own["kernel"][:, None] if bias is None else (own["kernel"][:, None],
                                                                    own["bias"])
            (after,) = trained(ev.SGD(rate), given["kernel"][:, None], [gradient], bias, clip=clip)
            for name in own:
                moved = (given[name] - after[f"dense_1.{name}"].reshape(-1)) / rate
                np.testing.assert_allclose(answers[f"{name}.clipped{time}"], moved, rtol=1e-8,
                                           atol=1e-8)
                if level == 2:
                    same(answers[f"{name}.value"], after[f"dense_1.{name}"])


# Schedules ----------------------------------------------------------------------------------------


def schedules_of(name, given, level):
    """(ours, PyTorch's as a function of its optimizer)."""
    theirs = torch.optim.lr_scheduler
    if name == "step-decay":
        every, factor = int(given["every"]), float(given["factor"])
        return ev.StepDecay(every, factor), lambda o: theirs.StepLR(o, every, factor)
    if name == "exponential-decay":
        factor = float(given["factor"])
        return ev.ExponentialDecay(factor), lambda o: theirs.ExponentialLR(o, factor)
    if name == "inverse-time-decay":
        decay = float(given["decay"])
        return ev.InverseTimeDecay(decay), lambda o: theirs.LambdaLR(o, lambda t: 1 / (1 + decay *
                                                                                        t))
    if name == "cosine":
        length, floor = int(given["length"]), float(given["floor"])
        end = floor * float(given["learning_rate"])
        return ev.CosineDecay(length, floor, by="epoch"), lambda o: theirs.SequentialLR(
            o, [theirs.CosineAnnealingLR(o, length, end), theirs.LambdaLR(o, lambda t: floor)],
            [length])
    if name == "cosine-restarts":
        first, growth, floor = int(given["first"]), int(given["growth"]), float(given["floor"])
        end = floor * float(given["learning_rate"])
        return ev.CosineRestarts(first, growth, floor), lambda o: (
            theirs.CosineAnnealingWarmRestarts(o, first, growth, end))
    length, start = int(given["length"]), float(given["start"])
    factor = float(given["factor"]) if level > 1 else 1.0
    then = ev.ExponentialDecay(factor, by="epoch") if level > 1 else None
    return ev.LinearWarmup(length, start, then, by="epoch"), lambda o: theirs.SequentialLR(
        o, [theirs.LinearLR(o, start, total_iters=length), theirs.ExponentialLR(o, factor)],
        [length])


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.filterwarnings("ignore:.*epoch parameter in.*:UserWarning")
def test_schedules(name):
    for seed in SEEDS:
        exercise = made(name, seed)
        given, answers = inputs(exercise), floats(exercise)
        ours, make = schedules_of(name, given, exercise.level)
        rate, times = float(given["learning_rate"]), given["t"].astype(int)
        rates, _ = rates_and_momenta(ours, rate, 0, times[-1] + 1, 1, times[-1] + 1)
        same(answers["rate"], rates[times])
        weight = torch.nn.Parameter(t64(given["weight"]))
        optimizer = torch.optim.SGD([weight], rate)
        schedule, theirs = make(optimizer), []
        for t in range(times[-1] + 1):
            theirs.append(optimizer.param_groups[0]["lr"])
            weight.grad = torch.zeros_like(weight)
            if t in times:
                weight.grad = t64(given["gradients"][list(times).index(t)])
            optimizer.step()
            if exercise.level == 3 and t in times:
                place = list(times).index(t)
                same(answers["w.value" if place == 0 else f"w.value ({place + 1})"],
                     weight.detach())
            schedule.step()
        same(answers["rate"], np.array(theirs)[times])


# Statistics of the data ---------------------------------------------------------------------------


def test_input_normalization():
    for seed in SEEDS:
        exercise = made("input-normalization", seed)
        given, answers = inputs(exercise), floats(exercise)
        scaler = ev.Standardizer().fit(given["x"])
        same(answers["train.mean"], scaler.mean)
        same(answers["train.deviation"], scaler.deviation)
        same(answers["train.scaled"], scaler.transform(given["x"]))
        if exercise.level > 1:
            formula = (given["test"] - scaler.mean) / scaler.deviation
            same(answers["test.scaled"], formula)
            # What never varied is 0 behind the scaler.
            same(np.where(scaler.constant, 0, formula), scaler.transform(given["test"]))
            x = t64(given["x"])
            theirs = (t64(given["test"]) - x.mean(0)) / x.std(0, correction=0)
            kept = scaler.deviation != 1 if exercise.level == 3 else slice(None)
            same(answers["test.scaled"][:, kept], theirs[:, kept])
        if exercise.level == 3:
            same(answers["wrong.scaled"],
                 ev.Standardizer().fit(given["test"]).transform(given["test"]))


def test_robust_scaling():
    for seed in SEEDS:
        exercise = made("robust-scaling", seed)
        given, answers = inputs(exercise), floats(exercise)
        scaler = ev.RobustScaler().fit(given["x"])
        same(answers["train.median"], scaler.median)
        same(answers["train.range"], scaler.range)
        same(answers["train.scaled"], scaler.transform(given["x"]))
        places = torch.tensor([0.25, 0.5, 0.75], dtype=torch.float64)
        theirs = torch.quantile(t64(given["x"]), places, dim=0)
        for title, wanted in zip(("lower", "median", "upper"), theirs, strict=True):
            same(answers[f"train.{title}"], wanted)
        if exercise.level > 1:
            same(answers["test.scaled"], scaler.transform(given["test"]))
        if exercise.level == 3:
            x = np.vstack([given["x"][:-1], given["far"]])
            far = ev.RobustScaler().fit(x)
            same(answers["outlier.median"], far.median)
            same(answers["outlier.range"], far.range)
            same(answers["outlier.mean"], x.mean(axis=0))


def test_running_averages():
    for seed in SEEDS:
        exercise = made("running-averages", seed)
        given, answers = inputs(exercise), floats(exercise)
        decay = float(given["decay"])
        batches, n, features = given["batches"].shape
        net = ev.Sequential([ev.BatchNorm(epsilon=0.0, decay=decay, scale=False, center=False)])
        prefix = "batch_norm_1."
        running = {f"{prefix}{kind}": given[kind] for kind in ("running_mean", "running_variance")}
        program = ev.compile(net, features, batch=n, loss=ev.MeanSquaredError(),
                             optimizer=ev.SGD(0.1), dtype="float64")
        engine = ev.Engine(program, weights=running)
        module = torch.nn.BatchNorm1d(features, 1e-300, 1 - decay, affine=False,
                                      dtype=torch.float64)
        module.running_mean, module.running_var = (t64(given["running_mean"]),
                                                   t64(given["running_variance"]))
        for t in range(batches):
            engine.step(given["batches"][t], np.zeros((n, features)))
            module(t64(given["batches"][t]))
            time = "" if t == 0 else f" ({t + 1})"
            for kind, theirs in (("running_mean", module.running_mean),
                                 ("running_variance", module.running_var)):
                same(answers[f"{prefix}{kind}{time}"], engine.arrays[f"{prefix}{kind}"])
                same(answers[f"{prefix}{kind}{time}"], theirs)
        if exercise.level > 1:
            same(answers[f"{prefix}x_hat"], engine.predict(given["new"]))
            same(answers[f"{prefix}x_hat"], module.eval()(t64(given["new"])))
        if exercise.level == 3:
            means = given["batches"].mean(axis=1)
            for t in range(batches):
                weights = decay ** np.arange(t, -1, -1.0)
                wanted = (weights[:, None] * means[: t + 1]).sum(axis=0) / weights.sum()
                same(answers[f"average.corrected{'' if t == 0 else f' ({t + 1})'}"], wanted)


def test_mini_batches():
    for seed in SEEDS:
        exercise = made("mini-batches", seed)
        given, answers = inputs(exercise), floats(exercise)
        rows, batch = int(given["rows"]), int(given["batch"])
        loader = torch.utils.data.DataLoader(torch.arange(rows), batch)
        sizes = [len(part) for part in loader]
        same(answers["steps"], len(sizes))
        same(answers["last"], sizes[-1])
        same(answers["updates"], len(sizes) * int(given["epochs"]))
        if exercise.level == 3:
            parts = np.split(given["gradients"], np.cumsum(sizes)[:-1])
            gradients = [np.array([[part.mean()]]) for part in parts]
            after = trained(ev.SGD(float(given["learning_rate"])), given["weight"].reshape(1, 1),
                            gradients)
            for own, native in zip(values(answers), after, strict=True):
                same(own, native["dense_1.kernel"])


def test_a_training_takes_the_steps_that_are_counted():
    x, y = np.ones((23, 2)), np.ones((23, 1))
    model = ev.fit(ev.Sequential([ev.Dense(1)]), x, y, loss=ev.MeanSquaredError(), batch=5,
                   epochs=3, dtype="float64")
    assert model.engine.steps == 3 * steps_per_epoch(23, 5)
    assert steps_per_epoch(Fraction(20), 5) == 4
