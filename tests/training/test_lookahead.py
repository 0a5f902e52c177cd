"""Lookahead: slow weights from which the optimizer goes on."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import evenly as ev
from evenly.errors import ConfigurationError
from evenly.estimators import NetClassifier

from .checkpointing import BASE, VALUES, X, Y

AHEAD = ev.Lookahead(3, 0.4)


def trained(**more):
    return ev.fit(**{**BASE, "average": AHEAD, **more})


def same(one, other):
    for name, array in one.weights.items():
        np.testing.assert_array_equal(array, other.weights[name], name)


@pytest.mark.parametrize("rule", [ev.SGD(0.1), ev.Adam(0.02)])
def test_it_is_the_papers_algorithm_around_pytorchs_optimizers(rule):
    net = ev.Sequential([ev.Dense(6), ev.Tanh(), ev.Dense(1)])
    program = ev.compile(net, 5, batch=20, loss=ev.MeanSquaredError(), dtype="float64",
                         optimizer=rule, average=AHEAD)
    engine = ev.Engine(program, seed=3)
    module = torch.nn.Sequential(torch.nn.Linear(5, 6), torch.nn.Tanh(), torch.nn.Linear(6, 1))
    module.to(torch.float64)
    for layer, name in ((module[0], "dense_1"), (module[2], "dense_2")):
        layer.weight.data = torch.tensor(engine.arrays[f"{name}.kernel"].T.copy())
        layer.bias.data = torch.tensor(engine.arrays[f"{name}.bias"].copy())
    kind = torch.optim.SGD if isinstance(rule, ev.SGD) else torch.optim.Adam
    optimizer = kind(module.parameters(), lr=rule.learning_rate)
    slow = [parameter.detach().clone() for parameter in module.parameters()]
    x, y = X[:20].astype(np.float64), VALUES[:20, None]
    for step in range(1, 20):
        engine.step(x, y)
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(module(torch.tensor(x)), torch.tensor(y)).backward()
        optimizer.step()
        if step % 3 == 0:
            for own, fast in zip(slow, module.parameters(), strict=True):
                own += 0.4 * (fast.detach() - own)
                fast.data = own.clone()
        for name, own, fast in zip(("dense_1.kernel", "dense_1.bias", "dense_2.kernel"), slow,
                                   module.parameters(), strict=False):
            np.testing.assert_allclose(engine.averages[name], own.numpy().T, 1e-9, 1e-10)
            np.testing.assert_allclose(engine.arrays[name], fast.detach().numpy().T, 1e-9, 1e-10)


def test_all_of_the_way_after_each_step_is_no_lookahead():
    same(ev.fit(**BASE), trained(average=ev.Lookahead(1, 1.0)))
    before = ev.init(BASE["net"], 5, seed=7)
    same(before, trained(average=ev.Lookahead(1000)))  # no step was taken in


def test_any_number_of_threads_and_held_out_rows_change_no_bit():
    one = trained(threads=1)
    same(one, trained(threads=3))
    judged = trained(validation=(X[:20], Y[:20]))
    same(one, judged)
    assert judged.evaluate(X[:20], Y[:20]).loss == pytest.approx(
        judged.history[-1].validation_loss, rel=1e-6)
    best = trained(validation=(X[:20], Y[:20]), early_stopping=ev.EarlyStopping(2))
    assert best.evaluate(X[:20], Y[:20]).loss == pytest.approx(
        min(best.history.column("validation_loss")), rel=1e-6)


def test_resumed_to_the_bit(tmp_path):
    whole = trained()
    for place in (2, 13, 29):
        rule = ev.Checkpoint(tmp_path / str(place), steps=place)

        def stop(rule=rule):
            return any(rule.folder.glob("checkpoint-*.evenly"))

        assert trained(checkpoint=rule, stop=stop).history.stopped == "interrupted"
        again = trained(checkpoint=rule, resume=True)
        same(whole, again)
        for ours, theirs in zip(whole.history, again.history, strict=True):
            assert replace(ours, seconds=0) == replace(theirs, seconds=0)


def test_saved_and_in_estimators(tmp_path):
    model = trained()
    ev.save(tmp_path / "m.safetensors", model)
    same(model, ev.load(tmp_path / "m.safetensors"))
    net = NetClassifier(8, max_epochs=3, members=1, random_state=0, average="lookahead").fit(X, Y)
    assert net.model_.engine.program.average == ev.Lookahead()
    assert np.isfinite(net.predict_proba(X)).all()


@pytest.mark.parametrize(("settings", "words"), [
    ({"every": 0}, "every must be at least 1"), ({"share": 0.0}, "share must be above 0"),
    ({"share": 1.5}, "at most 1"), ({"every": 2.5}, "whole number"),
])
def test_settings(settings, words):
    with pytest.raises(ConfigurationError, match=words):
        ev.Lookahead(**settings)
