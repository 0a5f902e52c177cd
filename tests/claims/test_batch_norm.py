"""The studies of batch norm: what they measure is what it is said to be."""

import numpy as np
import pytest

import evenly as ev
from evenly.claims.data import Data
from evenly.claims.ready import (
    batch_norm_faster,
    batch_norm_place,
    batch_norm_test_time,
    covariate_shift,
    large_batches,
    small_batches,
)
from evenly.claims.shift import MovingNoise, Shift, moved, turned
from evenly.claims.stepwise import Inputs, Steps, places_of, train_steps
from evenly.claims.study import Case
from evenly.claims.training import mlp

pytestmark = pytest.mark.sweep

CASE = Case({}, 0, 5, 6)


def drawn(rows=90, width=6, classes=3):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(rows, width)).astype(np.float32)
    y = (x[:, :classes] + rng.normal(size=(rows, classes))).argmax(1)
    half = rows * 2 // 3
    return Data(x[:half], y[:half], x[half:], y[half:])


def normalized(x):
    return (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_steps_are_those_of_a_fit_and_looking_changes_nothing():
    data, net, seen = drawn(), mlp((5,), 3, norm=ev.BatchNorm()), []
    settings = {"steps": 14, "batch": 20, "optimizer": ev.SGD(0.1)}
    plain = train_steps(CASE, net, data, **settings)
    looked = train_steps(CASE, net, data, look=lambda engine: seen.append(engine.steps),
                         at=(0, 1, 7, 14), **settings)
    assert seen == [0, 1, 7, 14]
    assert plain.losses == looked.losses
    assert len(plain.losses) == 14
    for name, array in plain.engine.arrays.items():
        np.testing.assert_array_equal(array, looked.engine.arrays[name])
    # Three steps are an epoch: each goes through all rows once.
    engine = ev.Engine(plain.engine.program, seed=CASE.seed, threads=1)
    order = ev.random.generator(CASE.seed, "epoch 0").permutation(60)
    for step in range(3):
        rows = order[20 * step : 20 * step + 20]
        assert engine.step(data.x[rows], data.y[rows]).loss == pytest.approx(plain.losses[step])


def test_a_training_that_breaks_counts_as_a_guess():
    data = drawn()
    done = train_steps(CASE, mlp((5,), 3), data, steps=30, batch=20, optimizer=ev.SGD(1e30))
    shares = np.bincount(data.y) / len(data.y)
    assert done.broke
    assert done.score(data.x_test, data.y_test) == shares.max()
    assert len(done.losses) == 30
    assert np.isfinite(done.losses).all()
    assert done.losses[-1] == pytest.approx(-(shares * np.log(shares)).sum())


def test_steps_to_a_loss_count_from_the_first_step():
    def steps(*losses):
        return Steps(None, losses, False, 0.0)

    assert steps(4, 3, 2, 1, 1).steps_to(2, over=1) == 3
    assert steps(4, 3, 2, 1, 1).steps_to(2, over=3) == 4
    assert steps(4, 3, 2, 1, 1).steps_to(0.5, over=1) == 6


def test_inputs_are_normalized_by_their_own_batch():
    data = drawn()
    net = mlp((5, 4), 3, activation=ev.Sigmoid(), norm=ev.BatchNorm())
    places = places_of(net, ev.Sigmoid)
    assert places == [2, 5]
    engine = train_steps(CASE, net, data, steps=5, batch=20, optimizer=ev.SGD(0.5)).engine
    first, second = Inputs(net, places, 6, 30)(engine, data.x_test)
    arrays = engine.arrays

    def of(layer, x):
        x = normalized(x @ arrays[f"dense_{layer}.kernel"] + arrays[f"dense_{layer}.bias"])
        return x * arrays[f"batch_norm_{layer}.gamma"] + arrays[f"batch_norm_{layer}.beta"]

    expected = of(1, data.x_test)
    np.testing.assert_allclose(first, expected, atol=1e-5)
    np.testing.assert_allclose(second, of(2, sigmoid(expected)), atol=1e-5)


def test_halved_images_are_means_of_four_pixels():
    image = np.arange(16, dtype=np.float32)[None]
    found = Data(image, image, image, image).halved()
    np.testing.assert_array_equal(found.x, [[2.5, 4.5, 10.5, 12.5]])


class TestCovariateShift:
    def test_a_distribution_moves_in_its_own_deviations(self):
        before = np.random.default_rng(0).normal(size=(500, 3)) * [1, 10, 0.1]
        later = np.random.default_rng(1).permuted(before, axis=0)
        assert moved(before, later) == 0
        assert moved(before, later + before.std(0)) == pytest.approx(1, rel=1e-4)
        # Twice as wide: the mean distance is the mean size, sqrt(2 / pi) for normal numbers.
        assert moved(before, 2 * later) == pytest.approx(np.sqrt(2 / np.pi), rel=0.1)

    def test_a_gradient_turns(self):
        one = np.array([[1.0, 0.0], [0.0, 1.0]])
        assert turned(one, 3 * one) == pytest.approx(0)
        assert turned(one, one[::-1]) == pytest.approx(1)
        assert turned(one, -one) == pytest.approx(2)

    def test_noise_has_the_distribution_that_is_said(self):
        layer = MovingNoise(2.0, name="noise")
        run = [ev.Run(training=True, seed=3, step=step, layer="noise") for step in range(200)]
        zeros, ones = np.zeros((400, 8), np.float32), np.ones((400, 8), np.float32)
        shifts = np.array([layer.forward(zeros, {}, one)[0] for one in run])
        scales = np.array([layer.forward(ones, {}, one)[0] for one in run]) - shifts
        centers = shifts.mean(1)
        assert -1.02 < centers.min() < -0.9
        assert 0.9 < centers.max() < 1.02
        assert np.abs(shifts - centers[:, None]).max() < 0.23
        assert shifts.std(1).mean() == pytest.approx(0.2 / np.sqrt(3), rel=0.02)
        assert 0.95 < scales.mean(1).min() < 1.05
        assert 1.45 < scales.mean(1).max() < 1.55
        assert scales.std(1).mean() == pytest.approx(0.2, rel=0.02)
        again = layer.forward(ones, {}, run[7])[0]
        np.testing.assert_array_equal(again, layer.forward(ones, {}, run[7])[0])
        y, saved = layer.forward(ones, {}, run[7])
        d_x, _ = layer.backward(ones, {}, saved, run[7])
        np.testing.assert_allclose(d_x, y - layer.forward(zeros, {}, run[7])[0], atol=1e-6)
        still, _ = layer.forward(ones, {}, ev.Run(training=False))
        np.testing.assert_array_equal(still, 1.25 * ones)

    def test_the_shift_is_that_of_the_definitions(self):
        data = drawn()
        net = mlp((5,), 3, activation=ev.Sigmoid())
        shift, kept = Shift(CASE, net, ev.Sigmoid, data, rows=40), []

        def look(engine):
            kept.append({name: array.astype(np.float64) for name, array in engine.arrays.items()})
            shift(engine)

        train_steps(CASE, net, data, steps=6, batch=20, optimizer=ev.SGD(2.0), look=look,
                    at=(4, 5))
        old, new = kept
        x, y = data.x[:40], np.eye(3)[data.y[:40]]

        def hidden(arrays):
            return x @ arrays["dense_1.kernel"] + arrays["dense_1.bias"]

        def gradient(front):
            h = sigmoid(hidden(front))
            scores = np.exp(h @ old["dense_2.kernel"] + old["dense_2.bias"])
            return h.T @ (scores / scores.sum(1, keepdims=True) - y)

        assert shift.gradients == [pytest.approx(turned(gradient(old), gradient(new)), rel=1e-2)]
        assert shift.distributions == [pytest.approx(moved(hidden(old), hidden(new)), rel=1e-4)]
        assert shift.gradients[0] > 1e-4

    def test_noise_moves_what_a_sigmoid_gets_and_batch_norm_does_not(self):
        data, found = drawn(), {}
        for norm in covariate_shift.NORMS:
            net = covariate_shift.network(norm)
            shift = Shift(CASE, net, ev.Sigmoid, data, rows=40)
            train_steps(CASE, net, data, steps=4, batch=20, optimizer=ev.SGD(1e-12), look=shift,
                        at=(0, 1, 2, 3))
            found[norm] = shift.distributions
        assert len(found["none"]) == 2
        assert max(found["none"]) < 1e-4
        assert max(found["batch"]) < 1e-4
        assert min(found["batch, noise"]) > 0.3

    def test_half_of_the_gain_is_what_decides(self):
        def block(noisy):
            scores = {"none": 0.6, "batch": 0.8, "batch, noise": noisy}
            return covariate_shift.half_lost(lambda measure, norm: scores[norm])

        assert block(0.7) == pytest.approx(0)
        assert block(0.6) == pytest.approx(0.1)
        assert block(0.8) == pytest.approx(-0.1)


@pytest.fixture(scope="module")
def model():
    data = drawn(240)
    net = mlp((7,), 3, norm=ev.BatchNorm())
    return data, ev.fit(net, data.x, data.y, loss=ev.SoftmaxCrossEntropy(), epochs=3, seed=1,
                        optimizer=ev.Adam(0.01), progress=False, threads=1)


class TestTestTime:
    @staticmethod
    def by_hand(model, x, mean, variance):
        arrays = model.weights
        x = x @ arrays["dense_1.kernel"] + arrays["dense_1.bias"]
        x = (x - mean(x)) / np.sqrt(variance(x) + 1e-5)
        x = np.maximum(x * arrays["batch_norm_1.gamma"] + arrays["batch_norm_1.beta"], 0)
        return x @ arrays["dense_2.kernel"] + arrays["dense_2.bias"]

    def test_batches_by_their_own_statistics(self, model):
        data, model = model
        found = batch_norm_test_time.by_own(model, data.x_test, 8)
        parts = np.split(data.x_test, 10)
        expected = np.concatenate([
            self.by_hand(model, part, lambda x: x.mean(0), lambda x: x.var(0)) for part in parts])
        np.testing.assert_allclose(found, expected, atol=1e-4)
        assert len(batch_norm_test_time.by_own(model, data.x_test, 32)) == 64

    def test_a_single_example_is_told_by_nothing(self, model):
        data, model = model
        found = batch_norm_test_time.by_own(model, data.x_test, 1)
        assert len(found) == 80
        assert np.ptp(found, axis=0).max() == 0
        score = batch_norm_test_time.score(found, data.y_test)
        assert score == np.mean(data.y_test == found[0].argmax())

    def test_statistics_of_the_whole_training_part(self, model):
        data, model = model
        z = data.x @ model.weights["dense_1.kernel"] + model.weights["dense_1.bias"]
        found = batch_norm_test_time.by_whole(model, data.x, data.x_test)
        expected = self.by_hand(model, data.x_test, lambda _: z.mean(0), lambda _: z.var(0, ddof=1))
        np.testing.assert_allclose(found, expected, atol=1e-4)

    def test_scores_are_bounded(self):
        y = np.array([1.0, 2.0, 3.0], np.float32)
        assert batch_norm_test_time.score(y[:, None], y) == 1
        assert batch_norm_test_time.score(1e9 * y[:, None], y) == 0

    @pytest.mark.parametrize("data", ["wine", "diabetes"])
    def test_small_tables_and_numbers_work(self, data):
        for statistics in ("averages", "own", "whole"):
            found = batch_norm_test_time.measure(
                Case({"statistics": statistics, "decay": 0.9, "data": data}, 0, 1, 2))
            assert 0 <= found["one"] <= 1
            assert len(found["by rows"]) == len(found["rows"])

    def test_the_averages_do_not_move_the_training(self):
        """So decays are compared on one and the same network."""
        data = drawn()
        kernels = [
            ev.fit(mlp((7,), 3, norm=ev.BatchNorm(decay=decay)), data.x, data.y, epochs=2, seed=1,
                   loss=ev.SoftmaxCrossEntropy(), progress=False, threads=1).weights
            for decay in (0.0, 0.999)
        ]
        for name in ("dense_1.kernel", "dense_2.kernel", "batch_norm_1.gamma"):
            np.testing.assert_array_equal(kernels[0][name], kernels[1][name])


def test_the_percentiles_are_those_of_what_the_last_sigmoid_gets(monkeypatch):
    monkeypatch.setattr(batch_norm_faster, "RATES", (1.0, 30.0))
    case = Case({"norm": "batch", "first": "huge"}, 0, 1, 2)
    found = batch_norm_faster.measure(case)
    assert found["looks"][0] == 0
    assert len(found["looks"]) == len(found["median"]) == 21
    # At the first step normalized numbers, a bell or nearly: -1, 0, 1 at 16, 50, 84 %.
    assert found["15th percentile"][0] == pytest.approx(-1.04, abs=0.25)
    assert found["median"][0] == pytest.approx(0, abs=0.25)
    assert found["85th percentile"][0] == pytest.approx(1.04, abs=0.25)
    assert len(found["accuracy by rate"]) == len(found["rates"]) == 2
    works = [rate for rate, accuracy in zip(found["rates"], found["accuracy by rate"], strict=True)
             if accuracy >= 0.5]
    assert found["largest rate"] == max(works)


def test_the_worst_of_bad_first_weights_counts():
    scores = {"none": {"Xavier": 0.8, "tiny": 0.1, "huge": 0.75},
              "batch": {"Xavier": 0.9, "tiny": 0.85, "huge": 0.7}}
    part = batch_norm_faster.forgiven("", "", "tiny", "huge")
    assert part.effect(lambda measure, norm, first: scores[norm][first]) == pytest.approx(0.2 - 0.7)


def test_small_batches_are_charged_beside_no_norm():
    scores = {"none": {2: 0.9, 32: 0.94}, "batch": {2: 0.6, 32: 0.95}}
    part = small_batches.costlier(2)
    assert part.effect(lambda measure, norm, batch: scores[norm][batch]) == pytest.approx(0.31)


def test_half_of_the_narrower_gap_is_what_decides():
    gaps = {"none": {32: 0.08, 512: 0.09}, "batch": {32: 0.04, 512: 0.07}}
    effect = large_batches.STUDY.parts[1].effect
    assert effect(lambda measure, norm, batch: gaps[norm][batch]) == pytest.approx(0.0, abs=1e-9)


def test_the_place_is_in_front_or_behind(monkeypatch):
    nets = []

    def kept(case, net, data, **settings):
        nets.append([type(layer).__name__ for layer in net.layers[:3]])
        return train(case, net, data, **settings)

    train = batch_norm_place.train
    monkeypatch.setattr(batch_norm_place, "train", kept)
    for place in ("before", "after"):
        levels = {"place": place, "activation": "tanh", "data": "wine"}
        batch_norm_place.measure(Case(levels, 0, 1, 2))
    assert nets[0] == ["Dense", "BatchNorm", "Tanh"]
    assert nets[-1] == ["Dense", "Tanh", "BatchNorm"]
