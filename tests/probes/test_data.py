"""Summaries of data, against their definitions."""

import numpy as np
import pytest

import evenly as ev
from evenly.errors import DataError
from evenly.probes.data import shared_rows, summarize
from evenly.probes.describe import loss_info
from evenly.records import LossInfo

SOFTMAX, SQUARES = LossInfo("softmax_cross_entropy"), LossInfo("squared_error")


def test_columns():
    random = np.random.default_rng(0)
    few = random.integers(0, 3, 5000)
    x = np.stack([random.normal(1e6, 2.0, 5000), np.full(5000, 7.0), few], 1)
    told = summarize(x, np.zeros(5000), SQUARES)
    for i, column in enumerate(told.columns):
        own = x[:, i]
        assert (column.index, column.smallest, column.largest) == (i, own.min(), own.max())
        assert (column.mean, column.deviation) == pytest.approx((own.mean(), own.std()), rel=1e-6)
        assert column.quartiles == pytest.approx(np.quantile(own, (0.25, 0.5, 0.75)), rel=0.5)
    assert [column.distinct for column in told.columns][1:] == [1, 3]
    assert told.columns[1].deviation == 0


def test_a_large_offset_hides_no_small_spread():
    x = (1e4 + np.random.default_rng(0).normal(0, 1, (4000, 1))).astype(np.float32)
    column = summarize(x, np.zeros(4000), SQUARES).columns[0]
    assert column.deviation == pytest.approx(x.astype(float).std(), rel=1e-3)


def test_channels_stand_for_images():
    x = np.random.default_rng(0).standard_normal((50, 4, 4, 3))
    told = summarize(x, np.arange(50) % 2, SOFTMAX)
    assert told.features == len(told.columns) == 3
    assert told.columns[2].mean == pytest.approx(x[..., 2].mean())


@pytest.mark.parametrize(("y", "loss", "kind", "outputs", "shares"), [
    ([0, 0, 1, 3], SOFTMAX, "classes", 4, (0.5, 0.25, 0, 0.25)),
    ([0, 0, 1, 3], None, "classes", 4, (0.5, 0.25, 0, 0.25)),
    ([[0], [0], [1], [3]], SOFTMAX, "classes", 4, (0.5, 0.25, 0, 0.25)),
    ([[1, 0], [0, 1], [1, 0], [1, 0]], SOFTMAX, "classes", 2, (0.75, 0.25)),
    ([0, 1, 1, 1], LossInfo("binary_cross_entropy"), "labels", 1, (0.75,)),
    ([[0, 1], [1, 1], [1, 1], [1, 1]], LossInfo("binary_cross_entropy"), "labels", 2, (0.75, 1.0)),
    ([0, 1, 1, 1], SQUARES, "numbers", 1, ()),
    ([0.5, 1.5, 2, 9], None, "numbers", 1, ()),
    ([[0, 1], [2, 3], [1, 1], [0, 2]], SOFTMAX, "classes", 4, (0.25, 0.375, 0.25, 0.125)),
])
def test_targets(y, loss, kind, outputs, shares):
    told = summarize(np.arange(4.0)[:, None], np.array(y), loss).targets
    assert (told.kind, told.outputs, told.shares) == (kind, outputs, shares)
    assert told.largest == np.max(y)
    assert told.one_hot == (y == [[1, 0], [0, 1], [1, 0], [1, 0]])


def test_equal_rows_and_contradictions():
    x = np.array([[1.0, 2], [1, 2], [3, 4], [3, 4], [5, 6], [0.0, 0], [-0.0, 0], [7, 8]])
    told = summarize(x, np.array([0, 0, 0, 1, 0, 1, 1, 0]), SOFTMAX)
    assert told.equal_rows == 6 / 8
    assert told.contradictions == 2 / 8
    assert shared_rows(x, np.array([[3, 4], [9, 9]])) == 0.5
    assert shared_rows(x, np.array([[3, 4, 5]])) == 0


def test_long_rows_are_compared_whole():
    x = np.random.default_rng(0).integers(0, 2, (40, 500)) * 1.0
    x[1], x[3] = x[0], x[2]
    x[3, 250] += 1
    for place in range(500):  # wherever they differ
        other = x[:1].copy()
        other[0, place] += 1
        assert shared_rows(x, other) == 0
    told = summarize(x, np.arange(40) % 2, SOFTMAX)
    assert told.equal_rows == 2 / 40
    assert told.contradictions == 2 / 40
    assert shared_rows(x, x[:4]) == 1


def leave_one_out(x, y, answer):
    return np.array([answer(np.delete(x, i, 0), np.delete(y, i, 0), x[i]) for i in range(len(x))])


def test_the_nearest_other_row():
    random = np.random.default_rng(0)
    x, y = random.standard_normal((60, 3)) * (1, 100, 0.01), random.integers(0, 3, 60)
    scaled = (x - x.mean(axis=0)) / x.std(axis=0)
    answers = leave_one_out(scaled, y, lambda a, b, row: b[((a - row) ** 2).sum(axis=1).argmin()])
    assert summarize(x, y, SOFTMAX).neighbour_score == pytest.approx((answers == y).mean())


@pytest.mark.parametrize("features", [4, 100])
def test_a_linear_model_on_rows_that_it_has_not_seen(features):
    random = np.random.default_rng(0)
    x = random.standard_normal((80, features))
    y = x[:, 0] - 2 * x[:, 1] + 0.1 * random.standard_normal(80)
    scaled = (x - x.mean(axis=0)) / x.std(axis=0)
    best = []
    for strength in (1e-4, 1e-2, 1.0):
        def answer(a, b, row, strength=strength):
            c = a - scaled.mean(axis=0)
            w = np.linalg.solve(c.T @ c + strength * 80 * np.eye(features), c.T @ (b - y.mean()))
            return y.mean() + row @ w
        left = y - leave_one_out(scaled, y, answer)
        best.append(1 - (left**2).sum() / ((y - y.mean()) ** 2).sum())
    assert summarize(x, y, SQUARES).linear_score == pytest.approx(max(best), abs=0.02)


def test_noise_teaches_nothing():
    random = np.random.default_rng(0)
    told = summarize(random.standard_normal((400, 5)), random.integers(0, 2, 400), SOFTMAX)
    assert told.linear_score < 0.6
    assert told.neighbour_score < 0.6
    told = summarize(random.standard_normal((400, 5)), random.standard_normal(400), SQUARES)
    assert told.linear_score < 0.05
    assert told.constant_score == 0


@pytest.mark.parametrize(("loss", "y", "outputs"), [
    (ev.SoftmaxCrossEntropy(), np.array([0, 0, 1, 2, 2, 2]), 3),
    (ev.SoftmaxCrossEntropy(label_smoothing=0.2), np.array([0, 0, 1, 2, 2, 2]), 3),
    (ev.BinaryCrossEntropy(), np.array([[0, 1], [1, 1], [0, 1], [0, 0], [1, 1], [0, 1]]), 2),
    (ev.MeanSquaredError(), np.array([[1.0, 5], [2, 7], [2, 9], [4, 1], [5, 0], [9, 3]]), 2),
    (ev.MeanSquaredError(reduction="sum"), np.array([[1.0, 5], [2, 7], [2, 9], [4, 1], [5, 0],
                                                     [9, 3]]), 2),
    (ev.MeanAbsoluteError(), np.array([1.0, 2, 3, 4, 9, 20]), 1),
    (ev.Huber(delta=2.0), np.array([1.0, 2, 3, 4, 9, 20]), 1),
])
def test_the_best_constant_answer_is_what_a_lone_bias_learns(loss, y, outputs):
    x = np.zeros((6, 1), np.float32)
    net = ev.Sequential([ev.Dense(outputs, kernel_init=ev.Zeros())])
    model = ev.fit(net, x, y, loss=loss, epochs=1000, batch=None, optimizer=ev.Adam(0.2),
                   schedule=ev.CosineDecay())
    told = summarize(x, y, loss_info(loss))
    assert told.constant_loss == pytest.approx(model.evaluate(x, y).loss, rel=2e-3)


def test_what_cannot_be_summed_up():
    with pytest.raises(DataError, match="as many rows in both"):
        summarize(np.zeros((3, 1)), np.zeros(4))
    with pytest.raises(DataError, match="at least one"):
        summarize(np.zeros((0, 1)), np.zeros(0))


def test_numbers_that_are_not_finite_are_counted():
    x = np.ones((10, 2))
    x[3, 1], x[4, 0] = np.nan, np.inf
    told = summarize(x, np.arange(10) % 2, SOFTMAX)
    assert told.not_finite == 2
    assert told.neighbour_score is None
    assert told.linear_score is None
