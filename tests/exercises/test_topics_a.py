"""Exercises on layers, losses and first values: their numbers, and what others make of these."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import evenly as ev
from evenly.byhand.exact import Exact, float_array
from evenly.byhand.expressions import evaluate
from evenly.engine import Engine
from evenly.errors import DataError
from evenly.exercises import CATALOGUE, exercise, topic
from evenly.exercises.base import find_step, written
from evenly.exercises.claims import CLAIMS
from evenly.program import compile as compile_program
from evenly.random import dropout_keep
from evenly.training import Model
from tests.seeds import many

pytestmark = pytest.mark.sweep

MODULES = ("dropout", "normalizations", "linear", "activations", "losses", "initialization",
           "depth", "weight_norm")
NAMES = [name for name, module in CATALOGUE.items() if module.rpartition(".")[2] in MODULES]
ACTIVATIONS = [name for name in NAMES if CATALOGUE[name].startswith("layers.activations")]
LOSSES = [name for name in NAMES if CATALOGUE[name].startswith("training.losses")]
NORMS = [name for name in NAMES if CATALOGUE[name].startswith("layers.normalizations")]
DROPOUTS, DEPTHS, RULES = (["dropout", "dropout-classic"],
                           ["vanishing-gradients", "exploding-gradients"], ["xavier", "he"])
FRACTIONS = {"relu", "leaky-relu", "prelu", "softsign", "hard-sigmoid", "hard-swish"}


def sizes(name, seed):
    """Every size of a topic in turn; the smaller ones more often."""
    found = {}
    for k, size in enumerate(topic(name).sizes):
        most = min(size.most, size.default + 1 + seed % 2)
        found[size.name] = size.least + (seed // (3 * (k + 1))) % (most - size.least + 1)
    return found


def made(name, seed, level=None):
    return exercise(name, seed=seed, level=level or 1 + seed % 3, **sizes(name, seed))


def values(e, title, phase=""):
    for step in e.solution.work.steps:
        if step.title == title and phase in ("", step.phase):
            return step.floats
    raise KeyError(title)


def numbers(e, name):
    return float_array(np.asarray(e.inputs[name]))


def fractions_of(e, title):
    step = next(s for s in e.solution.work.steps if s.title == title)
    return [v.fraction if v.is_exact else None for v in map(Exact, step.value.reshape(-1))]


def simple(e, titles, most=1):
    """Whether the numbers of these steps are fractions with so small a denominator."""
    return all(q is not None and q.denominator <= most and abs(q) < 10_000
               for title in titles for q in fractions_of(e, title))


# Not degenerate, and friendly ---------------------------------------------------------------------


def dropout_lives(e):
    for k in (1, 2):
        mask, y = values(e, f"dropout_{k}.mask"), values(e, f"dropout_{k}.y")
        assert (mask == 0).any()
        assert (mask > 0).any()
        assert y.any(axis=0).all()
        assert y.any(axis=1).all()
        assert (values(e, f"dense_{k}.y") < 0).any()
        assert ((values(e, f"relu_{k}.y") > 0) & (mask == 0)).any()
        rate = Fraction(1, k + 1)
        kept = np.array([v >= rate for v in e.inputs[f"numbers_{k}"].reshape(-1)])
        assert ((mask > 0).reshape(-1) == kept).all()
        for i, row in enumerate(mask):
            assert (values(e, f"dropout_{k}.matrix_{i + 1}") == np.diag(row)).all()
    assert simple(e, ["dropout_1.y", "dropout_2.y", "dense_3.y"])
    if e.level >= 2:
        titles = [f"dense_{k}.d_kernel" for k in (1, 2, 3)]
        assert all(values(e, title).any() for title in titles)
        assert simple(e, [*titles, "d_scores"])
        # Weights of two digits at most behind the point.
        news = (20 * values(e, f"dense_{k}.kernel.value") for k in (1, 2, 3))
        assert all(np.allclose(new, np.round(new), rtol=0, atol=1e-9) for new in news)
        n = len(e.inputs["x"])
        error = values(e, "dense_3.y") - numbers(e, "target")
        assert np.allclose(values(e, "d_scores"), 2 * error / n)
    if e.level == 3:
        assert values(e, "relu_1.y", "inference").any()
        assert values(e, "relu_2.y",
                                                                   "inference").any()


def norm_lives(e):
    name = e.solution.setting["layer"]
    root = "root" if name == "rms_norm_1" else "deviation"
    assert simple(e, [f"{name}.{root}"])
    assert (values(e, f"{name}.{root}") > 0).all()
    if root == "deviation":
        assert simple(e, [f"{name}.mean", f"{name}.centred", f"{name}.variance"])
    else:
        assert simple(e, [f"{name}.mean_square"])
    assert numbers(e, "gamma").all()
    assert numbers(e, "d_y").all()
    assert len(np.unique(abs(numbers(e, "x")))) > 1


def linear_lives(e):
    assert numbers(e, "x").any(axis=0).all()
    assert numbers(e, "kernel").any(axis=0).all()
    assert all(simple(e, [ask.title], 2) for ask in e.solution.asked)


def net_lives(e):
    before = values(e, "dense_1.y", "forward")
    assert (before > 0).any(axis=0).all()
    assert (before < 0).any()
    assert simple(e, ["dense_2.y", "error"])
    if e.level >= 2:
        assert values(e, "dense_1.d_kernel").any()
        assert values(e, "dense_2.d_kernel").any()
        assert simple(e, ["d_scores", "dense_1.d_kernel"])
    if e.level == 3:
        assert values(e, "relu_1.y", "inference").any()


# Where sheets would not differ enough with numbers up to 4, and larger ones are no harder.
LARGEST = {"relu": 9, "leaky-relu": 9, "prelu": 9, "softsign": 5}


def activation_lives(e):
    before = values(e, "dense_1.y") if e.level == 3 else numbers(e, "x")
    assert (before > 0).any()
    assert (before < 0).any()
    assert abs(before).max() <= LARGEST.get(e.topic.name, 4)
    assert len(np.unique(before)) >= min(3, before.size)
    assert numbers(e, "d_y").all()
    assert all(float(v) == int(v) for v in e.inputs["x"].reshape(-1))
    exact = all(simple(e, [ask.title], 3600) for ask in e.solution.asked)
    assert exact == (e.topic.name in FRACTIONS)


def errors_live(e):
    error = values(e, "error")
    assert (error > 0).any()
    assert (error < 0).any()
    assert simple(e, ["error"])
    assert simple(e, ["elements", "losses", "d_scores"], 200)
    if "delta" in e.inputs:
        assert (abs(error) > 2).any()
        assert (abs(error) <= 2).any()


def classes_live(e):
    scores, target = numbers(e, "scores"), numbers(e, "target").astype(int)
    right = scores.argmax(axis=1) == target
    assert len(right) == 1 or (right.any() and not right.all())
    assert abs(scores).max() <= 2
    assert simple(e, ["scores", "y"])


def binary_lives(e):
    target, right = numbers(e, "target"), (numbers(e, "scores") > 0) == numbers(e, "target")
    assert target.any()
    assert not target.all()
    assert right.any()
    assert not right.all()
    assert simple(e, ["scores"])


def rule_lives(e):
    assert simple(e, ["bound" if e.level == 2 else "deviation", "variance"], 10**5)
    assert np.ptp(values(e, "kernel"))
    assert (e.level != 3 or len(values(e, "kernel")) == 4)
    assert simple(e, ["weights"], 10**5)


def zeros_live(e):
    kernels = [values(e, f"dense_{k}.d_kernel") for k in (1, 2)]
    assert values(e, "dense_2.d_bias").any()
    same = all((g == g[:, :1]).all() for g in (kernels[0], kernels[1].T))
    assert same == (e.level < 3)
    assert kernels[0].any() == (e.level > 1)


def depth_lives(e):
    depth, product = e.solution.setting["depth"], abs(values(e, "product")).item()
    assert (product > 1.9) == (e.topic.name == "exploding-gradients")
    assert product > 1.9 or 0 < product <= 0.25
    assert all(q is not None for k in range(1, depth + 1)
               for q in fractions_of(e, f"dense_{k}.factor"))
    if e.level >= 2:
        assert all((values(e, f"sigmoid_{k}.y") == 0.5).all() for k in range(1, depth + 1))


def weights_live(e):
    assert simple(e, [f"weight_norm_1.{word}" for word in ("length", "kernel", "y")])
    assert numbers(e, "direction").any(axis=0).all()
    assert values(e, "weight_norm_1.kernel").any()


LIVES = {
    **dict.fromkeys(DROPOUTS, dropout_lives), **dict.fromkeys(NORMS, norm_lives),
    "linear": linear_lives, "linear-net": net_lives,
    **dict.fromkeys(ACTIVATIONS, activation_lives),
    "squared-error": errors_live, "absolute-error": errors_live, "huber": errors_live,
    "softmax-cross-entropy": classes_live, "binary-cross-entropy": binary_lives,
    **dict.fromkeys(RULES, rule_lives), "zero-initialization": zeros_live,
    **dict.fromkeys(DEPTHS, depth_lives), "weight-norm": weights_live,
}


def test_every_topic_has_its_row():
    assert set(LIVES) == set(NAMES)
    assert len(NAMES) >= 30


@pytest.mark.parametrize("name", NAMES)
def test_a_thousand_seeds(name):
    different = set()
    for seed in many(1000):
        e = made(name, seed)
        assert set(e.inputs) == set(e.topic.fields)
        LIVES[name](e)
        assert all(np.isfinite(find_step(e.solution.work, ask).floats).all()
                   for ask in e.solution.asked)
        different.add(repr([(k, np.asarray(v).tolist()) for k, v in e.inputs.items()]))
    assert len(different) > 0.8 * len(many(1000))


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_exercise_and_another_another(name):
    for level in (1, 2, 3):
        one, same, other = (exercise(name, seed=s, level=level) for s in (7, 7, 8))
        assert one.sheet() == same.sheet()
        assert one.answers() == same.answers()
        assert any((numbers(one, k).tolist() != numbers(other, k).tolist()) for k in one.inputs)


@pytest.mark.parametrize("name", NAMES)
def test_formulas_with_numbers_give_the_answers(name):
    for seed in range(9):
        e = made(name, seed)
        for step in e.asked.values():
            for index in range(step.value.size):
                got = float(evaluate(step.expression(index)))
                assert got == pytest.approx(float(step.number_at(index)), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_sheets_say_everything(name):
    for level in (1, 2, 3):
        e = exercise(name, seed=3, level=level)
        assert e.solution.text
        assert all(t[-1] in ".?" for t in e.solution.text)
        assert len(e.asked) == len(e.solution.asked) >= 1
        assert all(ask.words and ask.hint for ask in e.solution.asked)
        # The key ends with the studies that test what is claimed.
        more = 1 if name in CLAIMS else 0
        assert len(e.document().blocks) + more == len(e.document(True).blocks)
        titles = [block.title for block in e.document().blocks if hasattr(block, "title")]
        assert len(titles) == len(e.asked) + len(e.solution.given)


# What others make of the same numbers -------------------------------------------------------------


@dataclass
class Case:
    """A network for Evenly's kernels and the same as a function for PyTorch."""

    layers: list
    x: object
    arrays: dict
    out: str
    first: str
    other: object


def t(values):
    return torch.tensor(np.asarray(values, np.float64), requires_grad=True)


def normalized(x, dims):
    centred = x - x.mean(dim=dims, keepdim=True)
    return centred / (centred**2).mean(dim=dims, keepdim=True).sqrt()


def norm_case(e):
    x, name = numbers(e, "x"), e.solution.setting["layer"]
    arrays = {f"{name}.{k}": numbers(e, k) for k in ("gamma", "beta") if k in e.inputs}
    axes = np.ndim(e.inputs["gamma"])
    dims = tuple(range(-axes, 0))
    if e.topic.name == "layer-norm":
        layer = ev.LayerNorm(axes=axes, epsilon=0.0)

        def own(x):
            return normalized(x, dims)
    elif e.topic.name == "rms-norm":
        layer = ev.RMSNorm(axes=axes, epsilon=0.0)

        def own(x):
            return x / (x**2).mean(dim=dims, keepdim=True).sqrt()
    else:
        groups = x.shape[-1]
        layer = ev.InstanceNorm(epsilon=0.0)
        if e.topic.name == "group-norm":
            groups = int(numbers(e, "groups"))
            layer = ev.GroupNorm(groups, epsilon=0.0)

        def own(x):
            turned = x.transpose(1, -1)
            return F.group_norm(turned, groups, eps=0.0).transpose(1, -1)

    def other(x, w):
        y = own(x) * w[f"{name}.gamma"]
        return y + w[f"{name}.beta"] if f"{name}.beta" in w else y

    return Case([layer], x, arrays, f"{name}.{'y' if len(arrays) > 1 else 'scaled'}", name, other)


def dense(x, w, k):
    y = x @ w[f"dense_{k}.kernel"]
    return y + w[f"dense_{k}.bias"] if f"dense_{k}.bias" in w else y


def linear_case(e):
    arrays = {f"dense_1.{k}": numbers(e, k) for k in ("kernel", "bias")}
    return Case([ev.Dense(len(arrays["dense_1.bias"]))], numbers(e, "x"), arrays, "dense_1.y",
                "dense_1", lambda x, w: dense(x, w, 1))


def one(e, name):
    return numbers(e, name).item()


def relu6(x):
    return x.clamp(0, 1)


ACTIVE = {
    "relu": (lambda e: ev.ReLU(), lambda x, e: F.relu(x)),
    "leaky-relu": (lambda e: ev.LeakyReLU(one(e, "slope")),
                   lambda x, e: F.leaky_relu(x, one(e, "slope"))),
    "elu": (lambda e: ev.ELU(one(e, "alpha")), lambda x, e: F.elu(x, one(e, "alpha"))),
    "selu": (lambda e: ev.SELU(), lambda x, e: F.selu(x)),
    "gelu": (lambda e: ev.GELU(), lambda x, e: F.gelu(x)),
    "gelu-tanh": (lambda e: ev.GELU(approximate=True), lambda x, e: F.gelu(x, approximate="tanh")),
    "silu": (lambda e: ev.SiLU(), lambda x, e: F.silu(x)),
    "mish": (lambda e: ev.Mish(), lambda x, e: F.mish(x)),
    "softplus": (lambda e: ev.Softplus(one(e, "beta")),
                 lambda x, e: F.softplus(x, one(e, "beta"))),
    "softsign": (lambda e: ev.Softsign(), lambda x, e: F.softsign(x)),
    "sigmoid": (lambda e: ev.Sigmoid(), lambda x, e: torch.sigmoid(x)),
    "tanh": (lambda e: ev.Tanh(), lambda x, e: torch.tanh(x)),
    "softmax": (lambda e: ev.Softmax(), lambda x, e: torch.softmax(x, -1)),
    "hard-sigmoid": (lambda e: ev.HardSigmoid(one(e, "slope"), one(e, "shift")),
                     lambda x, e: relu6(one(e, "slope") * x + one(e, "shift"))),
    "hard-swish": (lambda e: ev.HardSwish(), lambda x, e: F.hardswish(x)),
}


def activation_case(e):
    arrays, layers = {}, []
    if e.topic.name == "prelu":
        arrays["prelu_1.slope"], layer = numbers(e, "slopes"), ev.PReLU()

        def active(x, w):
            return torch.where(x > 0, x, w["prelu_1.slope"] * x)
    else:
        make, plain = ACTIVE[e.topic.name]
        layer = make(e)

        def active(x, w):
            return plain(x, e)
    name = f"{layer.type_name}_1"
    if e.level < 3:
        return Case([layer], numbers(e, "x"), arrays, f"{name}.y", name, active)
    arrays |= {f"dense_1.{k}": numbers(e, k) for k in ("kernel", "bias")}
    layers = [ev.Dense(len(arrays["dense_1.bias"])), layer]
    return Case(layers, numbers(e, "x"), arrays, f"{name}.y", "dense_1",
                lambda x, w: active(dense(x, w, 1), w))


def depth_case(e):
    depth, layers, arrays = e.solution.setting["depth"], [], {}
    for k in range(depth):
        layers += [ev.Dense(1)] + ([ev.Sigmoid()] if e.level > 1 else [])
        arrays[f"dense_{k + 1}.kernel"] = numbers(e, "weights")[k].reshape(1, 1)
        arrays[f"dense_{k + 1}.bias"] = numbers(e, "biases")[k].reshape(1)

    def other(x, w):
        for k in range(depth):
            x = dense(x, w, k + 1)
            x = torch.sigmoid(x) if e.level > 1 else x
        return x

    return Case(layers, numbers(e, "x"), arrays,
                f"{'sigmoid' if e.level > 1 else 'dense'}_{depth}.y", "dense_1", other)


def weight_case(e):
    arrays = {f"weight_norm_1.{k}": numbers(e, k) for k in ("direction", "gain", "bias")}

    def other(x, w):
        v = w["weight_norm_1.direction"]
        kernel = w["weight_norm_1.gain"] * v / (v * v).sum(dim=0).sqrt()
        return x @ kernel + w["weight_norm_1.bias"]

    return Case([ev.WeightNorm(ev.Dense(len(arrays["weight_norm_1.bias"])))], numbers(e, "x"),
                arrays, "weight_norm_1.y", "weight_norm_1", other)


def net_case(e):
    arrays = {f"dense_{k}.{n}": numbers(e, f"{n}_{k}") for k in (1, 2) for n in ("kernel", "bias")}
    layers = [ev.Dense(len(arrays["dense_1.bias"])), ev.ReLU(),
              ev.Dense(len(arrays["dense_2.bias"]))]
    return Case(layers, numbers(e, "x"), arrays, "dense_2.y", "dense_1",
                lambda x, w: dense(F.relu(dense(x, w, 1)), w, 2))


def zeros_case(e):
    arrays = {f"dense_{k}.kernel": numbers(e, f"kernel_{k}") for k in (1, 2)}
    arrays["dense_2.bias"] = np.zeros(1)
    layers = [ev.Dense(arrays["dense_1.kernel"].shape[1], bias=False), ev.Tanh(), ev.Dense(1)]
    return Case(layers, numbers(e, "x"), arrays, "dense_2.y", "dense_1",
                lambda x, w: dense(torch.tanh(dense(x, w, 1)), w, 2))


CASES = {
    **dict.fromkeys(NORMS, norm_case), "linear": linear_case, "linear-net": net_case,
    **dict.fromkeys(ACTIVATIONS, activation_case), **dict.fromkeys(DEPTHS, depth_case),
    "weight-norm": weight_case, "zero-initialization": zeros_case,
}


def model_of(layers, x, arrays, loss, seed=0):
    program = compile_program(ev.Sequential(layers), x.shape[1:], len(x), loss, dtype="float64")
    weights = {name: np.ascontiguousarray(a) for name, a in arrays.items()}
    return Model(Engine(program, seed=seed, weights=weights))


def compare(e):
    """The answers against the kernels' and against PyTorch's."""
    case = CASES[e.topic.name](e)
    y = values(e, case.out, "forward")
    n = len(y)
    target = None
    if "target" in e.inputs:
        target = numbers(e, "target")
        learns = e.level >= 2 or e.topic.name == "zero-initialization"
        d_y = 2 * (y - target) / n
    else:
        # The squared error whose gradient is d_y.
        learns, d_y = e.level >= 2, numbers(e, "d_y") if "d_y" in e.inputs else None
        target = y - y.size // y.shape[-1] * d_y / 2
    model = model_of(case.layers, case.x, case.arrays, ev.MeanSquaredError(reduction="sum"))
    np.testing.assert_allclose(model.predict(case.x), y, rtol=1e-9, atol=1e-9)
    leaves, x = {k: t(a) for k, a in case.arrays.items()}, t(case.x)
    out = case.other(x, leaves)
    np.testing.assert_allclose(out.detach().numpy(), y, rtol=1e-9, atol=1e-9)
    if not learns:
        return
    _, native = model.gradients(case.x, target)
    (out * torch.tensor(d_y)).sum().backward()
    found = {f"{case.first}.d_x": ("d_x", x)}
    for name in case.arrays:
        layer, _, array = name.rpartition(".")
        found[f"{layer}.d_{array}"] = (name, leaves[name])
    for title, (name, leaf) in found.items():
        own = values(e, title, "backward").reshape(leaf.shape)  # in groups, of GroupNorm
        np.testing.assert_allclose(native[name], own, rtol=1e-8, atol=1e-9, err_msg=title)
        np.testing.assert_allclose(leaf.grad.numpy(), own, rtol=1e-8, atol=1e-9, err_msg=title)
        if e.level == 3 and name != "d_x" and "learning_rate" in e.inputs:
            new = case.arrays[name] - one(e, "learning_rate") * leaf.grad.numpy()
            np.testing.assert_allclose(values(e, f"{name}.value"), new, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_kernels_and_torch_agree(name):
    for seed in range(21):
        compare(made(name, seed))


@pytest.mark.parametrize("name", ["linear-net"])
def test_inference_runs_on_the_new_weights(name):
    for seed in range(2, 20, 3):
        e = made(name, seed)
        arrays = {f"dense_{k}.{n}": values(e, f"dense_{k}.{n}.value")
                  for k in (1, 2) for n in ("kernel", "bias")}
        layers = net_case(e).layers
        model = model_of(layers, numbers(e, "new"), arrays, None)
        np.testing.assert_allclose(model.predict(numbers(e, "new")),
                                   values(e, "dense_2.y", "inference"), rtol=1e-9)


def torch_dropout(e):
    """Forward, backward and inference of the dropout exercise by autograd, from the numbers."""
    w = {f"{n}_{k}": t(numbers(e, f"{n}_{k}")) for k in (1, 2, 3) for n in ("kernel", "bias")}
    rates, classic = numbers(e, "rates"), e.topic.name == "dropout-classic"

    def net(x, w, training):
        for k in (1, 2):
            x = F.relu(x @ w[f"kernel_{k}"] + w[f"bias_{k}"])
            if training:
                keep = torch.tensor(numbers(e, f"numbers_{k}") >= rates[k - 1] - 1e-12)
                x = x * keep * (1 if classic else 1 / (1 - rates[k - 1]))
            elif classic:
                x = x * (1 - rates[k - 1])
        return x @ w["kernel_3"] + w["bias_3"]

    y = net(torch.tensor(numbers(e, "x")), w, True)
    ((y - torch.tensor(numbers(e, "target"))) ** 2).sum(dim=1).mean().backward()
    rate = one(e, "learning_rate")
    new = {name: (a - rate * a.grad).detach() for name, a in w.items()}
    return y.detach().numpy(), w, new, net(torch.tensor(numbers(e, "new")), new, False).numpy()


def compare_dropout(e):
    y, w, new, after = torch_dropout(e)
    np.testing.assert_allclose(values(e, "dense_3.y", "forward"), y, rtol=1e-9)
    if e.level == 1:
        return
    for k in (1, 2, 3):
        for n in ("kernel", "bias"):
            np.testing.assert_allclose(values(e, f"dense_{k}.d_{n}"), w[f"{n}_{k}"].grad,
                                       rtol=1e-8, atol=1e-9)
            np.testing.assert_allclose(values(e, f"dense_{k}.{n}.value"), new[f"{n}_{k}"],
                                       rtol=1e-8, atol=1e-9)
    if e.level == 3:
        np.testing.assert_allclose(values(e, "dense_3.y", "inference"), after, rtol=1e-8)


@pytest.mark.parametrize("name", DROPOUTS)
def test_torch_agrees_on_dropout(name):
    for seed in range(21):
        compare_dropout(made(name, seed))


@pytest.mark.parametrize("name", DROPOUTS)
def test_kernels_agree_on_dropout_with_the_masks_that_they_draw(name):
    """The masks that the kernels draw, put in as random numbers."""
    for seed in range(20):
        inputs = dict(exercise(name, seed=seed, level=2).inputs)
        rates = [0.5, 1 / 3]
        for k in (1, 2):
            shape = np.shape(inputs[f"numbers_{k}"])
            keep = dropout_keep(seed, f"dropout_{k}", 0, shape, rates[k - 1])
            inputs[f"numbers_{k}"] = np.where(keep, 0.9, 0.1)
        e = exercise(name, level=3, inputs=inputs)
        classic = name == "dropout-classic"
        arrays = {f"dense_{k}.{n}": numbers(e, f"{n}_{k}")
                  for k in (1, 2, 3) for n in ("kernel", "bias")}
        layers = [ev.Dense(4), ev.ReLU(), ev.Dropout(0.5, classic=classic), ev.Dense(3), ev.ReLU(),
                  ev.Dropout(1 / 3, classic=classic), ev.Dense(2)]
        model = model_of(layers, numbers(e, "x"), arrays, ev.MeanSquaredError(reduction="sum"),
                         seed)
        loss, native = model.gradients(numbers(e, "x"), numbers(e, "target"))
        np.testing.assert_allclose(loss, values(e, "loss"), rtol=1e-9)
        for array in arrays:
            layer, _, own = array.rpartition(".")
            np.testing.assert_allclose(native[array], values(e, f"{layer}.d_{own}"), rtol=1e-8,
                                       atol=1e-9)
        after = {array: values(e, f"{array}.value") for array in arrays}
        model = model_of(layers, numbers(e, "new"), after, None)
        np.testing.assert_allclose(model.predict(numbers(e, "new")),
                                   values(e, "dense_3.y", "inference"), rtol=1e-8)


def loss_case(e):
    """(Evenly's loss, PyTorch's loss of (scores, target, weights))."""
    level = e.level
    mean = 1 if level == 1 else None
    if e.topic.name in ("squared-error", "absolute-error", "huber"):
        reduction = "sum" if mean else "mean"
        delta = one(e, "delta") if "delta" in e.inputs else None
        loss = {"squared-error": lambda: ev.MeanSquaredError(reduction=reduction),
                "absolute-error": lambda: ev.MeanAbsoluteError(reduction=reduction),
                "huber": lambda: ev.Huber(reduction=reduction, delta=delta)}[e.topic.name]()

        def other(s, y, w):
            each = {"squared-error": lambda: F.mse_loss(s, y, reduction="none"),
                    "absolute-error": lambda: F.l1_loss(s, y, reduction="none"),
                    "huber": lambda: F.huber_loss(s, y, reduction="none", delta=delta),
                    }[e.topic.name]()
            return ((each.sum(dim=1) if mean else each.mean(dim=1)) * w).sum() / w.sum()

        return loss, other
    e_label = one(e, "smoothing") if level >= 2 else 0.0
    class_weights = tuple(numbers(e, "class_weights")) if level == 3 else None
    if e.topic.name == "softmax-cross-entropy":
        def other(s, y, w):
            v = None if class_weights is None else torch.tensor(class_weights, dtype=torch.float64)
            y = y.long()
            each = F.cross_entropy(s, y, weight=v, label_smoothing=e_label, reduction="none")
            own = torch.ones(len(y), dtype=torch.float64) if v is None else v[y]
            return (each * w).sum() / (w * own).sum()

        return ev.SoftmaxCrossEntropy(e_label, class_weights), other

    def other(s, y, w):
        v = torch.ones_like(y) if class_weights is None else \
            class_weights[0] * (1 - y) + class_weights[1] * y
        each = F.binary_cross_entropy_with_logits(s, y * (1 - e_label) + e_label / 2,
                                                  reduction="none")
        return ((each * v).mean(dim=1) * w).sum() / (v.mean(dim=1) * w).sum()

    return ev.BinaryCrossEntropy(e_label, class_weights), other


def compare_loss(e):
    loss, other = loss_case(e)
    scores = numbers(e, "y" if "y" in e.inputs else "scores")
    target = numbers(e, "target")
    weights = numbers(e, "weights") if e.level == 3 else None
    k = scores.shape[1]
    # A network that hands its input on: the gradient on x is that on the scores.
    arrays = {"dense_1.kernel": np.eye(k), "dense_1.bias": np.zeros(k)}
    native, gradients = model_of([ev.Dense(k)], scores, arrays, loss).gradients(
        scores, target, sample_weight=weights)
    own, d_scores = values(e, "loss"), values(e, "d_scores")
    np.testing.assert_allclose(own, native, rtol=1e-9)
    np.testing.assert_allclose(d_scores, gradients["d_x"], rtol=1e-8, atol=1e-12)
    s = t(scores)
    w = torch.ones(len(scores), dtype=torch.float64) if weights is None else torch.tensor(weights)
    value = other(s, torch.tensor(target), w)
    value.backward()
    np.testing.assert_allclose(own, value.item(), rtol=1e-9)
    np.testing.assert_allclose(d_scores, s.grad, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_kernels_and_torch_agree_on_losses(name):
    for seed in range(21):
        compare_loss(made(name, seed))


class Given:
    """A generator that gives the numbers of the exercise."""

    def __init__(self, numbers):
        self.numbers = numbers

    def standard_normal(self, shape):
        return self.numbers.reshape(shape)

    def uniform(self, low, high, shape):
        return (low + (high - low) * self.numbers).reshape(shape)


def compare_rule(e):
    kind = {("xavier", False): ev.XavierNormal, ("xavier", True): ev.XavierUniform,
            ("he", False): ev.HeNormal, ("he", True): ev.HeUniform}[e.topic.name, e.level == 2]
    setting = "gain" if e.topic.name == "xavier" else "negative_slope"
    rule = kind(**{setting: one(e, setting)})
    *window, inputs, units = (int(v) for v in numbers(e, "kernel"))
    layer = ev.Conv2D(units, tuple(window)) if window else ev.Dense(units)
    shape = (*(max(w, 6) for w in window), inputs) if window else (inputs,)
    fan = layer.arrays(shape)["kernel"].fan
    assert (values(e, "fan_in").item(), values(e, "fan_out").item()) == fan
    np.testing.assert_allclose(values(e, "variance"), rule.variance(fan), rtol=1e-12)
    drawn = numbers(e, "numbers")
    np.testing.assert_allclose(values(e, "weights"), rule.sample(Given(drawn), drawn.shape, fan),
                               rtol=1e-9, atol=1e-12)
    if not window and e.level == 2:
        kernel = torch.empty(units, inputs, dtype=torch.float64)
        torch.manual_seed(0)
        if e.topic.name == "xavier":
            torch.nn.init.xavier_uniform_(kernel, gain=one(e, "gain"))
        else:
            torch.nn.init.kaiming_uniform_(kernel, a=one(e, "negative_slope"))
        bound = values(e, "bound").item()
        assert kernel.abs().max().item() <= bound * (1 + 1e-9)
        assert kernel.numel() < 100 or kernel.abs().max().item() > 0.8 * bound


@pytest.mark.parametrize("name", RULES)
def test_initializers_agree(name):
    for seed in range(60):
        compare_rule(made(name, seed))


# Numbers of one's own -----------------------------------------------------------------------------

WITNESS = {**dict.fromkeys(CASES, compare), **dict.fromkeys(DROPOUTS, compare_dropout),
           **dict.fromkeys(LOSSES, compare_loss), **dict.fromkeys(RULES, compare_rule)}
MOVED = {"x", "y", "scores", "bias", "gamma", "beta", "d_y", "gain", "direction", "new",
         "kernel_1", "kernel_2", "kernel_3", "bias_1", "bias_2", "bias_3", "weights", "biases",
         "slopes", "class_weights"}


@pytest.mark.parametrize("name", NAMES)
def test_own_numbers_as_a_file_holds_them(name):
    for level in (1, 2, 3):
        drawn = exercise(name, seed=5, level=level)
        own = exercise(name, level=level, inputs={k: written(np.asarray(v, object))
                                                  for k, v in drawn.inputs.items()})
        assert own.own
        assert own.sheet()["inputs"]
        assert own.answers() == drawn.answers()


@pytest.mark.parametrize("name", NAMES)
def test_own_numbers_need_not_be_friendly(name):
    for seed in range(6):
        drawn = made(name, seed)
        inputs = {}
        for k, (field, value) in enumerate(drawn.inputs.items()):
            value = np.asarray(value, object)
            fixed = field not in MOVED or (name in RULES)
            shift = np.resize([Fraction(37 + 11 * k, 100), Fraction(-1, 7), Fraction(3, 16)],
                              value.shape)
            if field in ("weights", "class_weights", "slopes"):
                shift = abs(shift)
            inputs[field] = value if fixed else value + shift
        e = exercise(name, level=drawn.level, inputs=inputs)
        assert name in RULES or e.answers() != drawn.answers()
        WITNESS[name](e)


BAD = {"text": "three", "empty": [], "uneven": [[1, 2], [3]], "none": None,
       "truth": [True], "infinite": float("inf")}


@pytest.mark.parametrize("name", NAMES)
def test_bad_numbers_are_refused(name):
    inputs = exercise(name, seed=1, level=3).inputs
    for field in topic(name).fields:
        for what, value in BAD.items():
            with pytest.raises(DataError, match=name) as caught:
                exercise(name, level=3, inputs={**inputs, field: value})
            assert field in str(caught.value), what
        for wrong in ([inputs[field]], [[[[inputs[field]]]]]):
            with pytest.raises(DataError, match=r"must|shape"):
                exercise(name, level=3, inputs={**inputs, field: wrong})
        with pytest.raises(DataError, match="missing"):
            exercise(name, level=3, inputs={k: v for k, v in inputs.items() if k != field})


BOUNDS = [
    ("dropout", "rates", [1, 0.5], "below 1"), ("dropout", "rates", [-0.1, 0.5], "at least 0"),
    ("dropout", "learning_rate", 0, "more than 0"), ("dropout-classic", "rates", [0.5], "shape"),
    ("layer-norm", "x", [[2, 2, 2, 2], [1, 2, 3, 4]], "variance 0"),
    ("rms-norm", "x", [[0, 0, 0, 0], [1, 2, 3, 4]], "mean square 0"),
    ("group-norm", "groups", 3, "divide"), ("group-norm", "groups", 0.5, "whole"),
    ("instance-norm", "x", [[[1, 2]], [[3, 4]]], "two positions"),
    ("leaky-relu", "slope", 0, "more than 0"), ("elu", "alpha", -1, "more than 0"),
    ("softplus", "beta", 0, "more than 0"), ("hard-sigmoid", "slope", 0, "more than 0"),
    ("softmax-cross-entropy", "target", [0, 3], "whole numbers from 0 to 2"),
    ("softmax-cross-entropy", "target", [0, 0.5], "whole numbers"),
    ("softmax-cross-entropy", "smoothing", 1, "below 1"),
    ("softmax-cross-entropy", "class_weights", [1, 0, 1], "more than 0"),
    ("softmax-cross-entropy", "weights", [0, 0], "not all be 0"),
    ("binary-cross-entropy", "target", [[0, 2], [1, 0], [0, 0]], "target"),
    ("binary-cross-entropy", "weights", [-1, 1, 1], "at least 0"),
    ("huber", "delta", 0, "more than 0"), ("xavier", "gain", 0, "more than 0"),
    ("xavier", "kernel", [4], "shape"), ("he", "kernel", [4, 0], "whole numbers"),
    ("he", "negative_slope", -1, "at least 0"), ("weight-norm", "direction", [[0, 1], [0, 1]],
                                                 "column of zeros"),
    ("linear", "learning_rate", -1, "more than 0"),
]


@pytest.mark.parametrize(("name", "field", "value", "words"), BOUNDS)
def test_numbers_out_of_bounds_are_refused(name, field, value, words):
    inputs = exercise(name, seed=1, level=3).inputs
    with pytest.raises(DataError, match=words) as caught:
        exercise(name, level=3, inputs={**inputs, field: value})
    assert field in str(caught.value)
