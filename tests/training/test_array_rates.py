"""Learning rates and decays by array."""

import numpy as np
import pytest
import torch

import evenly as ev
from evenly.errors import ConfigurationError
from evenly.estimators import NetClassifier

from .checkpointing import BASE, VALUES, X, Y

NAMES = ("dense_1.kernel", "dense_1.bias", "dense_2.kernel", "dense_2.bias")


def trained(**more):
    return ev.fit(**{**BASE, **more})


@pytest.mark.parametrize("factors", [{}, {"*": 1.0}])
def test_factors_of_1_change_nothing(factors):
    plain, own = trained(), trained(rates=ev.ArrayRates(factors))
    for name, array in plain.weights.items():
        np.testing.assert_array_equal(array, own.weights[name], name)


def test_one_factor_for_all_is_another_rate():
    for rule in (ev.SGD, ev.Adam, ev.RMSprop):
        plain = trained(optimizer=rule(0.25, weight_decay=0.5))
        own = trained(optimizer=rule(0.5, weight_decay=0.5), rates=ev.ArrayRates({"*": 0.5}))
        for name, array in plain.weights.items():
            np.testing.assert_array_equal(array, own.weights[name], name)
        decayed = trained(optimizer=rule(0.25, weight_decay=1.0), rates=ev.ArrayRates(
            decays={"*.kernel": 0.5}))
        for name, array in plain.weights.items():
            np.testing.assert_array_equal(array, decayed.weights[name], name)


def test_a_factor_of_0_keeps_an_array_as_it_is():
    first = ev.init(BASE["net"], 5, seed=7).weights
    own = trained(rates=ev.ArrayRates({"dense_1.*": 0.0}), optimizer=ev.AdamW(0.1))
    for name, array in own.weights.items():
        still = name.startswith("dense_1.")
        assert np.array_equal(array, first[name]) == still, name


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_groups_are_pytorchs(dtype):
    net = ev.Sequential([ev.Dense(6), ev.Tanh(), ev.Dense(1)])
    rates = ev.ArrayRates({"dense_1.kernel": 6.0, "*.bias": 0.1}, {"dense_2.*": 0.25})
    program = ev.compile(net, 5, batch=20, loss=ev.MeanSquaredError(), dtype=dtype, rates=rates,
                         optimizer=ev.AdamW(0.01, weight_decay=0.3))
    engine = ev.Engine(program, seed=3)
    module = torch.nn.Sequential(torch.nn.Linear(5, 6), torch.nn.Tanh(), torch.nn.Linear(6, 1))
    module.to(torch.float64)
    parameters = [module[0].weight, module[0].bias, module[2].weight, module[2].bias]
    for name, parameter in zip(NAMES, parameters, strict=True):
        parameter.data = torch.tensor(engine.arrays[name].T.astype(np.float64).copy())
    optimizer = torch.optim.AdamW([
        {"params": [parameters[0]], "lr": 0.06, "weight_decay": 0.3},
        {"params": [parameters[1], parameters[3]], "lr": 0.001, "weight_decay": 0.0},
        {"params": [parameters[2]], "lr": 0.01, "weight_decay": 0.075},
    ])
    x, y = X[:20].astype(np.float64), VALUES[:20, None]
    for _ in range(30):
        engine.step(x, y)
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(module(torch.tensor(x)), torch.tensor(y)).backward()
        optimizer.step()
    most = 1e-4 if dtype == "float32" else 1e-10
    for name, parameter in zip(NAMES, parameters, strict=True):
        np.testing.assert_allclose(engine.arrays[name], parameter.detach().numpy().T, most, most)


def test_estimators_take_a_dict():
    net = NetClassifier(8, max_epochs=3, random_state=0, rates={"*.bias": 0.0, "*.beta": 0.0})
    net.fit(X, Y)
    assert not net.model_.weights["dense_2.bias"].any()
    assert not net.model_.weights["batch_norm_1.beta"].any()
    net.set_params(rates=None).partial_fit(X, Y)
    assert net.model_.weights["dense_2.bias"].any()


@pytest.mark.parametrize(("make", "words"), [
    (lambda: ev.ArrayRates({"*": -1.0}), "ArrayRates: rates are factors by name"),
    (lambda: ev.ArrayRates({"*": float("nan")}), "at least 0, got"),
    (lambda: ev.ArrayRates({"*": float("inf")}), "finite"),
    (lambda: ev.ArrayRates({1: 1.0}), "rates are factors by name"),
    (lambda: ev.ArrayRates({"*": True}), "rates are factors by name"),
    (lambda: ev.ArrayRates(0.1), "rates are factors by name"),
    (lambda: ev.ArrayRates(decays=[("*",)]), "decays are factors by name"),
    (lambda: trained(rates=ev.ArrayRates({"dense_9.*": 0.1})),
     "rates names 'dense_9.*', which fits no array that is trained; there are: dense_1.kernel"),
    (lambda: trained(rates=ev.ArrayRates({"*.running_mean": 0.1})), "fits no array that is"),
    (lambda: trained(rates=ev.ArrayRates(decays={"*.bias": 0.1})), "fits no array that decays"),
    (lambda: trained(rates={"*": 0.1}), "rates must be an ArrayRates, got"),
    (lambda: ev.compile(ev.Dense(2), 3, rates=ev.ArrayRates()), "rates of arrays that no"),
    (lambda: NetClassifier(rates=0.1).fit(X, Y), "rates must be factors by array"),
])
def test_what_cannot_be(make, words):
    with pytest.raises(ConfigurationError, match=words.replace("*", r"\*")):
        make()
