"""Snapshot ensembles: the weights at the ends of cycles as members of one model."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import evenly as ev
from evenly.errors import ConfigurationError, DivergenceError, FileFormatError
from evenly.training.together import separate

from .checkpointing import BASE, VALUES, X, Y

CYCLES = ev.Snapshots(3)
# 10 epochs: cycles of 3, 4 and 3.
ENDS = (3, 7, 10)


def trained(**more):
    return ev.fit(**{**BASE, "epochs": 10, "average": CYCLES, **more})


def same(one, other):
    assert one.weights.keys() == other.weights.keys()
    for name, array in one.weights.items():
        np.testing.assert_array_equal(array, other.weights[name], name)


def at_the_ends(**more):
    """What a training without snapshots passes through, with the rates of the cycles."""
    rates = np.concatenate([0.01 * (1 + np.cos(np.pi * np.arange(10 * n) / (10 * n))) / 2
                            for n in (3, 4, 3)])

    class Cyclic(ev.Schedule):
        by = "step"

        def factors(self, positions, length):
            return rates[positions.astype(int)] / 0.01

    def until(end):
        return [lambda record: "stop" if record.epoch == end else None]

    return [ev.fit(**{**BASE, "epochs": 10, "schedule": Cyclic(), "callbacks": until(end), **more})
            for end in ENDS]


def test_members_are_the_weights_at_the_ends_of_cycles():
    model, passed = trained(), at_the_ends()
    for member, wanted in zip(separate(model), passed, strict=True):
        same(member, wanted)
    mean = np.mean([one.predict_proba(X) for one in passed], axis=0)
    np.testing.assert_allclose(model.predict_proba(X), mean, rtol=1e-5, atol=1e-6)
    assert len(model.history) == 10
    assert [record.learning_rate < 1e-4 for record in model.history] == [
        epoch in ENDS for epoch in range(1, 11)]


def test_the_schedule_is_that_of_pytorchs_warm_restarts():
    model = trained(epochs=9, schedule=ev.CosineDecay(by="epoch", floor=0.1))
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.01)
    theirs = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 3, eta_min=0.001)
    for record in model.history:
        assert record.learning_rate == pytest.approx(theirs.get_last_lr()[0], rel=1e-12)
        optimizer.step()
        theirs.step()


def test_dropout_and_decay_begin_anew_too():
    rule = ev.AdamW(0.01, weight_decay=0.1)
    model = trained(optimizer=rule, dropout_schedule=ev.CosineDecay(by="epoch"),
                    decay_schedule=ev.CosineDecay(by="epoch"), epochs=6)
    factors = [1.0, 0.5] * 3
    np.testing.assert_allclose(model.history.column("dropout_factor"), factors)
    np.testing.assert_allclose(model.history.column("decay_factor"), factors)


def test_numbers_in_their_own_units():
    settings = ev.Settings(ev.Sequential([ev.Dense(8), ev.ReLU(), ev.Dense(1)]),
                           ev.MeanSquaredError(), epochs=6, average=CYCLES, inputs="standardized",
                           targets="standardized")
    model = ev.fit(settings, X, 1e4 + 100 * VALUES, seed=1)
    assert all(abs(one.predict(X).mean() - 1e4) < 300 for one in separate(model))
    mean = np.mean([one.predict(X) for one in separate(model)], axis=0)
    np.testing.assert_allclose(model.predict(X), mean, rtol=1e-5)


def test_saved_and_any_number_of_threads(tmp_path):
    model = trained(threads=1, validation=0.2)
    same(model, trained(threads=3, validation=0.2))
    ev.save(tmp_path / "m.safetensors", model)
    twin = ev.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(twin.predict(X), model.predict(X))
    assert twin.history.records == model.history.records


def test_resumed_to_the_bit(tmp_path):
    whole = trained()
    for place in (7, 44, 71):  # before, behind and between ends
        rule = ev.Checkpoint(tmp_path / str(place), steps=place)

        def stop(rule=rule):
            return any(rule.folder.glob("checkpoint-*.evenly"))

        assert trained(checkpoint=rule, stop=stop).history.stopped == "interrupted"
        again = trained(checkpoint=rule, resume=True)
        same(whole, again)
        for ours, theirs in zip(whole.history, again.history, strict=True):
            assert replace(ours, seconds=0) == replace(theirs, seconds=0)
        same(whole, trained(checkpoint=rule, resume=True))  # over, and not trained further


def test_a_checkpoint_without_its_snapshots_is_damaged(tmp_path):
    from evenly.files import read_arrays, write_arrays

    rule = ev.Checkpoint(tmp_path, steps=1000)
    trained(checkpoint=rule)
    (path,) = tmp_path.glob("*.evenly")
    arrays, content = read_arrays(path, 2**28)
    write_arrays(path, {key: array for key, array in arrays.items()
                        if key != "snapshot_2/dense_1.kernel"}, content, ".tmp")
    with pytest.raises(FileFormatError, match=r"lacks the array 'snapshot_2/dense_1\.kernel'"):
        trained(checkpoint=rule, resume=True)
    write_arrays(path, arrays | {"snapshot_4/dense_1.kernel": arrays["steps"]}, content, ".tmp")
    with pytest.raises(FileFormatError, match=r"'snapshot_4/dense_1\.kernel', which is nobody's"):
        trained(checkpoint=rule, resume=True)


def test_another_number_of_epochs_has_other_ends(tmp_path):
    rule = ev.Checkpoint(tmp_path, steps=5)
    trained(checkpoint=rule)
    with pytest.raises(ConfigurationError, match="the schedule depends on the number of epochs"):
        trained(checkpoint=rule, resume=True, epochs=12)


@pytest.mark.parametrize(("until", "members"), [(2, 0), (3, 1), (8, 2)])
def test_a_training_that_is_cut_short(until, members):
    stop = [lambda record: "stop" if record.epoch == until else None]
    model = trained(callbacks=stop)
    parts = separate(model)
    assert len(parts) == max(1, members)
    assert len(model.history) == until
    if members == 0:
        assert np.isfinite(model.predict(X)).all()
    for one, wanted in zip(parts, at_the_ends()[:members], strict=False):
        if members:
            same(one, wanted)


def test_what_diverges_says_so():
    with pytest.raises(DivergenceError):
        trained(optimizer=ev.SGD(1e30), net=ev.Sequential([ev.Dense(8), ev.Dense(2)]))


@pytest.mark.parametrize(("settings", "words"), [
    ({"early_stopping": ev.EarlyStopping(), "validation": 0.1}, "leave early_stopping out"),
    ({"schedule": ev.ReduceOnPlateau(monitor="loss")}, "ReduceOnPlateau has no beginning"),
    ({"epochs": 2}, "needs an epoch for each cycle at least, got epochs=2"),
])
def test_what_does_not_go_with_cycles(settings, words):
    with pytest.raises(ConfigurationError, match=words):
        trained(**settings)
    with pytest.raises(ConfigurationError, match="cycles must be at least 2"):
        ev.Snapshots(1)
    with pytest.raises(ConfigurationError, match="average must be a WeightAverage"):
        ev.compile(BASE["net"], 5, loss=BASE["loss"], optimizer=ev.Adam(), average=CYCLES)


def test_ends_are_as_equal_as_they_can_be():
    for cycles in range(2, 8):
        for epochs in range(cycles, 40):
            rule = ev.Snapshots(cycles)
            ends = rule.ends(epochs)
            sizes = np.diff((0, *ends))
            assert len(ends) == cycles
            assert ends[-1] == epochs
            assert sizes.min() >= 1
            assert sizes.max() - sizes.min() <= 1
            for epoch in range(1, epochs + 1):
                before, last = rule.span(epoch, epochs)
                assert before < epoch <= last
                assert last in ends
                assert before in (0, *ends)


def test_a_look_before_training():
    kinds = [finding.kind for finding in ev.check(BASE["net"], X, Y, loss=BASE["loss"],
                                                  average=CYCLES, trials=False)]
    assert kinds == []
