"""CutMix and cutout of the rows of tables."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import evenly as ev
from evenly.augmentation import is_cut
from evenly.errors import ConfigurationError
from evenly.estimators import NetClassifier, NetRegressor
from tests.contract.common import error
from tests.contract.rows import ids, of_width

from .checkpointing import VALUES, X, Y

FLAT = ev.Sequential([ev.Dense(6, bias=False), ev.BatchNorm(), ev.Tanh(), ev.Dense(3)])


def run_of(augment, step, features, seed=5):
    drawn = augment.numbers(seed, step, 1, features)
    return ev.Run(training=True, seed=seed, step=step, **{
        name: float(value[0]) if name == "mix" else int(value[0]) for name, value in drawn.items()})


@pytest.mark.parametrize("rows", [16, 2, 1])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("augment", [ev.CutMix(1.0), ev.Cutout(0.4)])
@pytest.mark.parametrize("row", **ids(of_width(3)))
def test_kernels_cut_as_the_definition(row, augment, weighted, rows):
    rng = np.random.default_rng(0)
    weights = rng.uniform(0.1, 2, rows) if weighted else None
    x, y = rng.standard_normal((16, 7))[:rows], row.targets(rng, 16, 3 // row.outputs)[:rows]
    net = FLAT if rows > 1 else ev.Sequential([ev.Dense(3)])
    program = ev.compile(net, 7, batch=16, loss=row.loss, optimizer=ev.SGD(0.1), dtype="float64",
                         augment=augment)
    engine = ev.Engine(program, seed=5, threads=2)
    for step in (0, 11):
        engine.steps = step
        value, _, gradients = engine.gradients(x, y, weights)
        run = replace(run_of(augment, step, 7), weights=weights)
        arrays = {name: array.copy() for name, array in engine.arrays.items()}
        scores, saved = net.forward(augment.inputs(x, run), arrays, run)
        cost, kept = row.loss.forward(scores, row.loss.prepare(y, scores.shape[1:], "float64"), run)
        _, exact = net.backward(row.loss.backward(kept, run), arrays, saved, run)
        assert error(value, cost) < 1e-12
        for name, gradient in gradients.items():
            assert error(gradient, exact[name], 1e-3) < 1e-10, name


@pytest.mark.parametrize("features", [1, 2, 3, 6, 7, 12, 64])
def test_every_column_is_cut_as_often(features):
    for augment in (ev.CutMix(1.0), ev.Cutout(0.3)):
        steps = 4000
        drawn = augment.numbers(0, 0, steps, features)
        runs = (ev.Run(True, cut=int(cut), place=int(place))
                for cut, place in zip(drawn["cut"], drawn["place"], strict=True))
        masks = np.array([is_cut(features, run) for run in runs])
        np.testing.assert_array_equal(masks.sum(axis=1), drawn["cut"])
        share = masks.mean()
        deviation = np.sqrt(share * (1 - share) / steps) + 1e-12
        assert (abs(masks.mean(axis=0) - share) < 5 * deviation).all()
        if features > 5 and isinstance(augment, ev.CutMix):
            assert share == pytest.approx(0.25, abs=0.02)  # of min(u, 1 - u)


def test_what_its_authors_compute():
    """Columns of another row, and l = mix l(y_i) + (1 - mix) l(y_j)."""
    run, rng = run_of(ev.CutMix(1.0), 3, 7), np.random.default_rng(1)
    x, y = rng.standard_normal((12, 7)), rng.integers(0, 3, 12)
    other = (np.arange(12) + 1 + run.shift % 11) % 12
    cut = is_cut(7, run)
    wanted = x.copy()
    wanted[:, cut] = x[other][:, cut]
    np.testing.assert_array_equal(ev.CutMix(1.0).inputs(x, run), wanted)
    assert 0 < cut.sum() < 4
    assert run.mix == 1 - cut.sum() / 7
    scores = rng.standard_normal((12, 3))
    loss = ev.SoftmaxCrossEntropy()
    ours, _ = loss.forward(scores, loss.prepare(y, (3,), "float64"), run)
    cross = torch.nn.functional.cross_entropy
    theirs = run.mix * cross(torch.tensor(scores), torch.tensor(y)) + (1 - run.mix) * cross(
        torch.tensor(scores), torch.tensor(y[other]))
    assert ours == pytest.approx(float(theirs), rel=1e-12)


def trained(augment, **more):
    return ev.fit(FLAT, X, np.arange(len(X)) % 3, **{
        "loss": ev.SoftmaxCrossEntropy(), "epochs": 3, "batch": 16, "seed": 1, "augment": augment,
        **more})


@pytest.mark.parametrize("augment", [ev.CutMix(), ev.Cutout()])
def test_the_same_for_threads_and_after_a_break(augment, tmp_path):
    whole = trained(augment, threads=1)
    rule = ev.Checkpoint(tmp_path, steps=5)

    def stop():
        return any(tmp_path.glob("checkpoint-*.evenly"))

    assert trained(augment, checkpoint=rule, stop=stop).history.stopped == "interrupted"
    ev.save(tmp_path / "m.safetensors", whole)
    for other in (trained(augment, threads=3), trained(augment, checkpoint=rule, resume=True),
                  ev.load(tmp_path / "m.safetensors")):
        for name, array in whole.weights.items():
            np.testing.assert_array_equal(array, other.weights[name], name)
    assert (trained(None).weights["dense_1.kernel"] != whole.weights["dense_1.kernel"]).any()


def test_what_is_refused():
    images = ev.Sequential([ev.Flatten(), ev.Dense(3)])
    for augment in (ev.CutMix(), ev.Cutout()):
        with pytest.raises(ConfigurationError, match=r"cuts columns of tables.*shape \(4, 4, 1\)"):
            ev.compile(images, (4, 4, 1), loss=ev.SoftmaxCrossEntropy(), optimizer=ev.Adam(),
                       augment=augment)
    for wrong in (0, 1, -1, np.nan):
        with pytest.raises(ConfigurationError, match="fraction must be"):
            ev.Cutout(wrong)
    for wrong in (0, -1, np.inf):
        with pytest.raises(ConfigurationError, match="alpha must be"):
            ev.CutMix(wrong)


@pytest.mark.parametrize("name", ["mixup", "cutmix", "cutout"])
def test_estimators_know_the_names(name):
    for kind, y in ((NetClassifier, Y), (NetRegressor, VALUES)):
        settings = {"hidden": 8, "max_epochs": 3, "members": 1, "random_state": 0}
        net = kind(**settings, augment=name).fit(X, y)
        value = {"mixup": ev.Mixup(), "cutmix": ev.CutMix(), "cutout": ev.Cutout()}[name]
        assert net.model_.engine.program.augment == value
        assert (net.predict(X) == kind(**settings, augment=value).fit(X, y).predict(X)).all()
    with pytest.raises(ConfigurationError, match="augment must be one of 'mixup', 'cut"):
        NetClassifier(augment="cut").fit(X, Y)


def test_row_numbers_are_cut_and_not_mixed():
    """A row number of another example is one; a mean of two is none."""
    net = ev.Sequential([ev.Branches([ev.Slice(0, 2), [ev.Slice(2), ev.Embedding(9, 3),
                                                       ev.Flatten()]], "concatenate"),
                         ev.Dense(1)])
    x = np.column_stack([np.random.default_rng(0).normal(size=(40, 2)), np.arange(40) % 9])
    for augment in (ev.CutMix(1.0), ev.Cutout(0.3)):
        model = ev.fit(net, x, x[:, :1], loss=ev.MeanSquaredError(), augment=augment, epochs=2,
                       seed=0)
        assert np.isfinite(model.predict(x)).all()
    with pytest.raises(ConfigurationError, match="a mean of two row numbers is none"):
        ev.fit(net, x, x[:, :1], loss=ev.MeanSquaredError(), augment=ev.Mixup(0.2), epochs=2)
