"""The topics on layers in front of a network, against PyTorch, the kernels and numeric slopes."""

import numpy as np
import pytest
import torch

import evenly as ev
from evenly.errors import DataError
from evenly.exercises import topic
from evenly.exercises.base import written
from tests.exercises.topics_b import floats, fractions, inputs, made

NAMES = ("scale", "parametric", "piecewise-linear", "periodic")
near = {"rtol": 1e-9, "atol": 1e-10}


def layer_of(name, given):
    return {"scale": ev.Scale, "parametric": lambda: ev.Parametric(ev.ReLU()),
            "piecewise-linear": lambda: ev.PiecewiseLinear(len(given["edge"])),
            "periodic": lambda: ev.Periodic(1, len(given["frequency"]))}[name]()


def by_torch(name, x, own):
    """The layer in PyTorch's own words."""
    if name == "scale":
        return x * own["factor"]
    if name == "parametric":
        return torch.lerp(x, torch.relu(x), own["share"])
    if name == "periodic":
        wave = torch.cos(2 * torch.pi * x[:, None] * own["frequency"] + own["phase"])
        return torch.cat([x, (wave * own["wave_kernel"]).sum(1) + own["wave_bias"]], 1)
    z = own["slope"] * (x[:, None] - own["edge"])
    parts = [part.clamp(None if i == 0 else 0, None if i == z.shape[1] - 1 else 1)
             for i, part in enumerate(z.unbind(1))]
    return torch.cat(parts, 1)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(9))
def test_every_answer_is_pytorchs_and_the_kernels(name, seed):
    exercise = made(name, seed)
    given, answers = inputs(exercise), floats(exercise)
    layer = layer_of(name, given)
    own = f"{layer.type_name}_1"
    arrays = [key for key in given if key not in ("x", "kernel", "bias", "d_y")]
    tensors = {key: torch.tensor(given[key], dtype=torch.float64, requires_grad=True)
               for key in given}
    y = by_torch(name, tensors["x"], tensors)
    np.testing.assert_allclose(answers[f"{own}.y"], y.detach(), **near)
    layers = [layer]
    weights = {f"{own}.{key.removeprefix('wave_')}": given[key] for key in arrays}
    if exercise.level == 3:
        y = y @ tensors["kernel"] + tensors["bias"]
        layers.append(ev.Dense(len(given["bias"])))
        weights |= {"dense_1.kernel": given["kernel"], "dense_1.bias": given["bias"]}
        np.testing.assert_allclose(answers["dense_1.y"], y.detach(), **near)
    program = ev.compile(ev.Sequential(layers), given["x"].shape[1], 4, dtype="float64")
    kernels = ev.Engine(program, weights=weights).predict(given["x"])
    np.testing.assert_allclose(kernels, y.detach(), **near)
    if exercise.level == 1:
        return
    y.backward(torch.tensor(given["d_y"], dtype=torch.float64))
    np.testing.assert_allclose(answers[f"{own}.d_x"], tensors["x"].grad, **near)
    checked = 0
    for key in arrays:
        slot = f"{own}.d_{key.removeprefix('wave_')}"
        if slot in answers:
            np.testing.assert_allclose(answers[slot], tensors[key].grad, **near)
            checked += 1
    assert checked == {"scale": 1, "parametric": 1, "piecewise-linear": 0, "periodic": 2}[name]
    if exercise.level == 3:
        np.testing.assert_allclose(answers["dense_1.d_kernel"], tensors["kernel"].grad, **near)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("level", [1, 2, 3])
def test_answers_are_fractions_that_lie_apart_from_kinks(name, level):
    for seed in range(4):
        exercise = topic(name).exercise(seed, level)
        for step in exercise.asked.values():
            if name != "periodic":
                assert all(q.denominator <= 64 for q in fractions(step)), step.title
        if name == "piecewise-linear":
            z = floats(exercise)["piecewise_linear_1.z"]
            assert not np.isin(z, (0, 1)).any()
        assert all(ask.words[0].isalpha() and ask.hint.endswith((".", "?"))
                   for ask in exercise.solution.asked)
        own = {n: written(np.asarray(v, object), exactly=True) for n, v in exercise.inputs.items()}
        assert topic(name).exercise(level=level, inputs=own).answers() == exercise.answers()
        assert ("calculator" in " ".join(exercise.solution.text)) == (name == "periodic")


@pytest.mark.parametrize(("name", "change"), [
    ("scale", {"factor": [1, 2, 3]}), ("parametric", {"share": 1}), ("scale", {"d_y": [[1]]}),
    ("scale", {"kernel": [[1, 2]]}), ("scale", {"bias": 1}),
    ("piecewise-linear", {"slope": [[1, 2]]}), ("piecewise-linear", {"edge": [1, 2]}),
    ("piecewise-linear", {"slope": [[1, 0], [1, 1], [1, 1]]}),
    ("periodic", {"phase": [[1]]}), ("periodic", {"wave_bias": [1, 2]}),
])
def test_numbers_that_do_not_fit(name, change):
    good = topic(name).exercise(1, 3).numbers()
    with pytest.raises(DataError, match=next(iter(change))):
        topic(name).exercise(level=3, inputs=good | change)
