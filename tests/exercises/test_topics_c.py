"""The topics that reason about training: what their numbers are, by another way."""

import itertools
import json
import math

import numpy as np
import pytest
import torch

import evenly as ev
from evenly.byhand.exact import float_array
from evenly.byhand.expressions import evaluate
from evenly.byhand.render.markdown import render_markdown
from evenly.errors import DataError
from evenly.exercises import MODULES, topic
from evenly.exercises.base import written
from evenly.layers.base import Run
from tests.exercises.topics_b import floats, inputs, made
from tests.seeds import many

TOPICS = [name for module, names in MODULES.items() if module.startswith("topics.")
          for name in names]
SEEDS = range(6)


def cases(name, level=3):
    for seed in SEEDS:
        exercise = made(name, seed, level)
        yield floats(exercise), inputs(exercise)


def close(got, wanted):
    np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", TOPICS)
def test_formulas_words_and_hints(name):
    moved = 0
    for seed in SEEDS:
        exercise = made(name, seed)
        steps = exercise.solution.work.steps
        asked = {step.number for step in exercise.asked.values()}

        def changed(place, steps=steps, asked=asked):
            return 7 if place.step in asked else steps[place.step].number_at(place.flat)

        for key, step in exercise.asked.items():
            for index, value in enumerate(step.value.reshape(-1)):
                got = evaluate(step.expression(index))
                assert float(got) == pytest.approx(float(value), rel=1e-12, abs=1e-12), key
                moved += float(evaluate(step.expression(index), changed)) != float(got)
        for ask in exercise.solution.asked:
            assert ask.words[0].isupper() or ask.words.startswith("x ")
            assert ask.hint.endswith((".", "?")), ask
        for level in (1, 2, 3):
            assert exercise.topic.exercise(seed, level).solution.text
    assert moved


@pytest.mark.parametrize("name", TOPICS)
def test_own_numbers_are_worked_out_or_refused(name):
    found = topic(name)
    for level in (1, 2, 3):
        exercise = found.exercise(3, level)
        own = found.exercise(level=level, inputs=json.loads(json.dumps(exercise.template())))
        assert own.answers() == exercise.answers()
    good = {n: written(np.asarray(v, object), exactly=True) for n, v in exercise.inputs.items()}
    for field in found.fields:
        with pytest.raises(DataError, match=f"'{field}' is missing"):
            found.exercise(level=3, inputs={k: v for k, v in good.items() if k != field})
        for bad in ("x", [[1, 2], [3]], [], [None], [[[[[1]]]]], float("nan")):
            with pytest.raises(DataError, match=f"{name}|{field}"):
                found.exercise(level=3, inputs=good | {field: bad})


@pytest.mark.parametrize(("name", "change", "words"), [
    ("dropout-expectation", {"p": 1}, "p must be at least 0 and below 1"),
    ("dropout-expectation", {"units": 0}, "units must be a whole number"),
    ("batch-statistics", {"small": 1}, "small must be a whole number from 2"),
    ("batch-statistics", {"population": [1] * 7}, "at most 6 values"),
    ("averaging-window", {"beta": "0.999"}, "at most 0.99"),
    ("variance-through-layers", {"weights": [-1, 1, 1]}, "at least 0, got -1"),
    ("variance-through-layers", {"sizes": [1, 2, 3]}, "L weights' variances L"),
    ("matrix-chains", {"below": 2}, "below must be more than 0 and below 1"),
    ("large-weights", {"target": [2, 0, 1]}, "target must be whole numbers from 0 to 1"),
    ("min-max-scaling", {"x": [[1, 2], [1, 3]]}, "has range 0"),
    ("min-max-scaling", {"low": 9, "high": 9}, "high must be more than low"),
    ("covariate-shift", {"weight": 0}, "must not be 0"),
    ("scaled-descent", {"x": [[0, 1], [0, 2]]}, "no curvature"),
    ("scaled-descent", {"steps": 7}, "steps must be a whole number from 1 to 6"),
    ("choosing-batch", {"room": 1}, "not even one example fits"),
    ("l2-conventions", {"m": 0}, "m must be a whole number"),
    ("gradient-checking", {"epsilon": 0}, "epsilon must be more than 0"),
    ("gradient-checking", {"wrong": 3}, "wrong must be a whole number from 1 to 2"),
    ("batch-norm-backward", {"x": [[1, 1]] * 4}, "variance 0"),
    ("equal-weights", {"hidden": 0}, "hidden must be a whole number"),
])
def test_what_there_is_not(name, change, words):
    found = topic(name)
    good = {n: written(np.asarray(v, object), exactly=True)
            for n, v in found.exercise(3, 3).inputs.items()}
    with pytest.raises(DataError, match=words):
        found.exercise(level=3, inputs=good | change)


def test_units_kept_are_the_mean_of_the_binomial():
    for answers, given in cases("dropout-expectation"):
        n, p = int(given["units"]), float(given["p"])
        chance = np.array([math.comb(n, k) * (1 - p) ** k * p ** (n - k) for k in range(n + 1)])
        kept = np.arange(n + 1)
        close(answers["kept"], chance @ kept)
        close(answers["spread"], chance @ (kept - answers["kept"]) ** 2)
        two = np.stack([given["x"] / (1 - p), 0 * given["x"]])
        weights = np.array([1 - p, p])
        close(answers["mean"], given["x"])
        close(answers["variance"], weights @ (two - given["x"]) ** 2)
        close(answers["variance_plain"], answers["variance"] * (1 - p) ** 2)
    ten = topic("dropout-expectation").exercise(inputs={"units": 10, "p": "1/2", "x": [4]})
    assert ten.answers()["kept"] == "5"


def test_batches_of_two_are_enumerated():
    for answers, given in cases("batch-statistics"):
        values = given["population"]
        pairs = np.array(list(itertools.product(values, values)))
        close(answers["pairs.means"].reshape(-1), pairs.mean(axis=1))
        close(answers["pairs.mean"], values.mean())
        close(answers["pairs.variance"], values.var() / 2)
        close(answers["pairs.expected"], pairs.var(axis=1).mean())
        close(answers["pairs.unbiased"], values.var())
        assert answers["small.error"] % 1 == 0
        for name in ("small", "large"):
            close(answers[f"{name}.error"] ** 2 * given[name], given["variance"])
            close(answers[f"{name}.within"] + answers[f"{name}.of_mean"], given["variance"])


def test_the_spread_of_gradients():
    for answers, given in cases("gradient-spread"):
        w = torch.tensor(given["weight"].item(), dtype=torch.float64, requires_grad=True)
        own = [torch.autograd.grad((w * x - t) ** 2, w)[0].item()
               for x, t in zip(given["x"], given["target"], strict=True)]
        close(answers["gradients"], own)
        close(answers["deviation"], np.std(own))
        assert answers["deviation"] % 1 == 0
        close(answers["spread"], np.std(own) / math.sqrt(given["batch"]))
        close(answers["single"].mean(), answers["whole"])
        close(answers["jitter"], answers["single"].std())


def test_the_window_of_an_average():
    for answers, given in cases("averaging-window"):
        beta, average = float(given["beta"]), 0.0
        for value in given["values"][::-1]:
            average = beta * average + (1 - beta) * value
        close(answers["average"], average)
        close(answers["corrected"], average / (1 - beta ** len(given["values"])))
        many = (1 - beta) * beta ** np.arange(2000)
        close(answers["inside"], many[: int(answers["places"])].sum())
        close(answers["newest"], many[int(answers["places"])])
    ten = topic("averaging-window").exercise(inputs={"beta": "0.9", "values": [1]})
    assert ten.answers()["window"] == "10"


def test_tanh_keeps_its_slope_with_weights_of_variance_one_over_n():
    for answers, given in cases("tanh-fan-in"):
        for name, scale in (("plain", 1), ("scaled", 1 / math.sqrt(len(given["x"])))):
            x = torch.tensor(given["x"], dtype=torch.float64, requires_grad=True)
            y = torch.tanh(x @ torch.tensor(given["numbers"] * scale, dtype=torch.float64))
            y.backward(torch.tensor(given["d_y"], dtype=torch.float64))
            close(answers[f"{name}.y"], y.detach().numpy())
            close(answers[f"{name}.d_x"], x.grad.numpy())
        assert (answers["scaled.slope"] > answers["plain.slope"]).all()


def test_variance_through_layers_is_that_of_all_signs():
    for answers, given in cases("variance-through-layers"):
        square = float(given["variance"])
        for k, (n, v) in enumerate(zip(given["sizes"].astype(int), given["weights"], strict=False)):
            n_all = min(n, 10)
            signs = np.array(list(itertools.product([-1, 1], repeat=n_all)))
            sums = signs.sum(axis=1) * math.sqrt(v * square)
            close(answers[f"layer_{k + 1}.variance"] * n_all / n, (sums**2).mean())
            square = (np.maximum(sums, 0) ** 2).mean() * n / n_all
            close(answers[f"layer_{k + 1}.square"], square)
        close(answers["kept"], square / given["variance"])
        close(answers["keeping"] * given["sizes"][:-1] / 2, 1)


def test_chains_are_powers():
    for answers, given in cases("matrix-chains"):
        layers = int(given["layers"])
        for name in ("above", "below"):
            kernels = [torch.tensor(np.eye(2) * given[name], requires_grad=True)
                       for _ in range(layers)]
            y = x = torch.tensor(given["x"], dtype=torch.float64)[None]
            for kernel in kernels:
                y = y @ kernel
            y.backward(torch.tensor(given["d_y"], dtype=torch.float64)[None])
            close(answers[f"{name}.y"], y.detach().numpy()[0])
            close(answers[f"{name}.y_{layers}"], answers[f"{name}.y"])
            close(answers[f"{name}.product"],
                  np.linalg.matrix_power(np.eye(2) * given[name], layers))
            close(answers[f"{name}.d_kernel"], kernels[0].grad.numpy())
            assert x.shape == (1, 2)


def test_large_weights_cost_the_size_of_the_score():
    for answers, given in cases("large-weights"):
        for name, scale in (("small", 1), ("large", given["scale"])):
            z = torch.tensor(given["x"] @ given["kernel"] * scale, dtype=torch.float64,
                             requires_grad=True)
            cost = torch.nn.functional.binary_cross_entropy_with_logits(
                z, torch.tensor(given["target"], dtype=torch.float64), reduction="none")
            cost.sum().backward()
            close(answers[f"{name}.cost"], cost.detach().numpy())
            close(answers[f"{name}.d_z"], z.grad.numpy())
        lost = answers["rounded.lost"].astype(bool)
        assert (lost == (answers["large.cost"] > -math.log(5e-5))).all()


def test_min_max_scaling_is_that_of_scikit_learn():
    from sklearn.preprocessing import MinMaxScaler

    for answers, given in cases("min-max-scaling"):
        scaler = MinMaxScaler().fit(given["x"])
        close(answers["train.scaled"], scaler.transform(given["x"]))
        close(answers["test.scaled"], scaler.transform(given["test"]))
        other = MinMaxScaler((float(given["low"]), float(given["high"])))
        close(answers["other.scaled"], other.fit_transform(given["x"]))
        close(answers["other.back"], given["x"])


def test_shift_is_taken_away_by_normalization():
    for answers, given in cases("covariate-shift"):
        x, new = given["x"], given["new"]
        close(answers["moved"], (new.mean() - x.mean()) / x.std())
        close(answers["wider"], new.std() / x.std())
        assert answers["moved"] != 0 or answers["wider"] != 1
        for name, end in (("before", ""), ("after", "_after")):
            y = x * given[f"weight{end}"] + given[f"bias{end}"]
            close(answers[f"{name}.mean"], y.mean())
            close(answers[f"{name}.deviation"], y.std())
        assert answers["before.deviation"] != answers["after.deviation"]
        close(answers["before.scaled"], answers["after.scaled"])


def test_the_bowl_is_the_loss_of_the_data():
    for answers, given in cases("scaled-descent"):
        for name, x, steps in (("raw", given["x"], int(given["steps"])),
                               ("scaled", answers["scaled.x"], 1)):
            w = torch.tensor(given["start"], dtype=torch.float64, requires_grad=True)
            costs = []
            for _ in range(steps + 1):
                cost = ((torch.tensor(x) @ w) ** 2).mean() / 2
                costs.append(cost.item())
                (slope,) = torch.autograd.grad(cost, w)
                before, w = w, (w - slope * float(answers[f"{name}.rate"])).detach()
                w.requires_grad_()
            last = f"{name}.w" if steps == 1 else f"{name}.w ({steps})"
            close(answers[last], before.detach().numpy())
            close(answers[f"{name}.before"], costs[0])
            close(answers[f"{name}.behind"], costs[-1])
            assert costs[-1] < costs[0]
        assert answers["scaled.behind"] == 0
        assert answers["raw.behind"] > 0


def test_a_batch_is_chosen():
    found = set()
    for seed in range(40):
        exercise = made("choosing-batch", seed, 3)
        answers, given = floats(exercise), inputs(exercise)
        rows = int(given["rows"])
        batches = given["batches"].astype(int)
        firsts = [range(0, rows, batch) for batch in batches]
        close(answers["steps"], [len(f) for f in firsts])
        close(answers["last"], [rows - f[-1] for f in firsts])
        memory = 16 * given["parameters"] + 8 * batches * given["numbers"]
        close(answers["memory"], memory)
        room = 100 * given["room"]
        close(answers["fits"], np.where(memory <= room, batches, 0))
        power = 1
        while 16 * given["parameters"] + 16 * power * given["numbers"] <= room:
            power *= 2
        assert answers["power"] == power
        assert answers["chosen"] == (rows if rows <= 2000 else min(power, rows))
        found.add(bool(answers["whole"]))
    assert found == {True, False}


def test_conventions_are_one_penalty():
    for answers, given in cases("l2-conventions"):
        w, rate = given["weights"], float(given["learning_rate"])
        penalty = ev.L2(float(given["lambda"] / given["m"]))
        close(answers["penalty"], penalty.cost(w, Run(True)))
        close(answers["same"], answers["penalty"])
        close(answers["d_penalty"], penalty.gradient(w, Run(True)))
        close(answers["value"], w - rate * (given["gradient"] + penalty.gradient(w, Run(True))))
        close(answers["again"], answers["value"])
        close(answers["twice.penalty"] * 2, answers["penalty"])
        close(answers["twice.lambda"] / answers["twice.m"], given["lambda"] / given["m"])
        close(answers["twice.without_half"] * answers["squares"], answers["penalty"])


def test_a_gradient_is_checked():
    for answers, given in cases("gradient-checking"):
        w, a, b, e = (given[n] for n in ("weights", "cubic", "square", "epsilon"))
        for k in range(len(w)):
            cost = np.poly1d([a[k], b[k], 0, 0])
            close(answers["gradient"][k], cost.deriv()(w[k]))
            close(answers["both"][k], (cost(w[k] + e) - cost(w[k] - e)) / (2 * e))
            close(answers["ahead"][k], (cost(w[k] + e) - cost(w[k])) / e)
        close(answers["off"], a * e**2)
        both, bad = answers["both"], answers["bad"]
        norm = np.linalg.norm
        close(answers["bug.ratio"], norm(both - bad) / (norm(both) + norm(bad)))
        assert answers["right.ratio"] <= answers["bug.ratio"]


def test_backward_of_batch_norm_by_three_ways():
    for answers, given in cases("batch-norm-backward"):
        rows, kernel, gamma, beta = (torch.tensor(given[n], dtype=torch.float64,
                                                  requires_grad=True)
                                     for n in ("x", "kernel", "gamma", "beta"))
        bias = torch.zeros(kernel.shape[1], dtype=torch.float64, requires_grad=True)
        x = rows @ kernel + bias
        mean = x.mean(0)
        # The mean and the variance as numbers that x_hat takes, each with a gradient of its own.
        variance = ((x - mean) ** 2).mean(0)
        for part in (x, mean, variance):
            part.retain_grad()
        y = gamma * (x - mean) / variance.sqrt() + beta
        y.backward(torch.tensor(given["d_y"], dtype=torch.float64))
        close(answers["norm.d_mean"], mean.grad.numpy())
        close(answers["norm.d_variance"], variance.grad.numpy())
        for name in ("norm.d_x", "norm.compact"):
            close(answers[name], x.grad.numpy())
        close(answers["norm.d_gamma"], gamma.grad.numpy())
        close(answers["norm.d_beta"], beta.grad.numpy())
        close(answers["dense.d_kernel"], kernel.grad.numpy())
        close(answers["dense.d_x"], rows.grad.numpy())
        close(answers["dense.d_bias"], bias.grad.numpy())


@pytest.mark.parametrize("level", [1, 2, 3])
def test_equal_weights_are_a_logistic_regression(level):
    for answers, given in cases("equal-weights", level):
        units, x, target = int(given["hidden"]), given["x"], given["target"]
        kernel, last, bias, x, target = (
            torch.tensor(own, dtype=torch.float64, requires_grad=True) for own in (
                np.tile(given["kernel"][:, None], units), np.full(units, given["last"]),
                0.0, x, target))

        def loss(kernel, last, bias, x=x, target=target):
            z = x @ kernel @ last + bias
            return z, torch.nn.functional.binary_cross_entropy_with_logits(z, target.detach())

        z, cost = loss(kernel, last, bias)
        cost.backward()
        close(answers["net.z"], z.detach().numpy())
        close(answers["regression.z"], answers["net.z"])
        for k in range(units):
            close(answers["net.d_kernel"], kernel.grad[:, k].numpy())
            close(answers["net.d_last"], last.grad[k].item())
        close(answers["net.d_bias"], bias.grad.item())
        if level == 1:
            assert not answers["net.d_kernel"].any()
            assert answers["regression.d_weights"].any()
            continue
        rate = float(given["learning_rate"])
        after = [part - rate * part.grad for part in (kernel, last, bias)]
        now, less = loss(*after)
        assert less < cost
        close(answers["net.kernel"], after[0][:, 0].detach().numpy())
        if level == 3:
            close(answers["inference: regression.z"], now.detach().numpy())


@pytest.mark.parametrize("name", ["dropout", "dropout-classic"])
def test_the_matrices_of_inference(name):
    for answers, given in cases(name):
        for k, keep in enumerate(1 - given["rates"], 1):
            matrix = answers[f"dropout_{k}.matrix"]
            scale = keep if name == "dropout-classic" else 1
            close(matrix, np.eye(len(matrix)) * scale)
            behind = answers[f"inference: relu_{k}.y"] @ matrix
            kernel, bias = (answers[f"dense_{k + 1}.{part}.value"] for part in ("kernel", "bias"))
            close(answers[f"inference: dense_{k + 1}.y"], behind @ kernel + bias)


def test_formulas_are_written_out_and_axes_named():
    """As formulas, not as words; and an input is called one, not an example."""
    key = render_markdown(topic("gradient-checking").exercise(3).document(True))
    assert r"\text{both} = \frac{" in key
    key = render_markdown(topic("scaled-descent").exercise(3).document(True))
    assert r"\text{rate} = \frac{1}{\max" in key
    curvature = key.partition("curvature in each direction")[2].partition("###")[0]
    assert "| feature 1 | feature 2 |" in curvature


def test_given_numbers_are_finite():
    for name in TOPICS:
        for step in topic(name).exercise(1, 3).solution.work.phase("given"):
            assert np.isfinite(float_array(step.value)).all()


@pytest.mark.sweep
@pytest.mark.parametrize("name", TOPICS)
def test_hundreds_of_seeds(name):
    seen = set()
    for seed in many(300):
        exercise = made(name, seed)
        assert all(np.isfinite(values).all() for values in floats(exercise).values())
        seen.add(json.dumps(exercise.answers()))
    assert len(seen) >= 0.9 * len(many(300))
