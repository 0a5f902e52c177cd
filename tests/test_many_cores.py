"""The simulated team: its arithmetic, and what it hears of a real program."""

import math

import numpy as np
import pytest
from benchmarks.many_cores import Line, Team, lines_of, step_on

import evenly as ev
from evenly.errors import ConfigurationError, ShapeError
from tests.contract.test_large_images import engine_of

TEAM = Team(barrier=1e-3, bandwidth=8.0, core=2.0, cache=100)


def test_a_phase_takes_its_largest_share_and_a_barrier():
    line = Line("a", ((5, 1.0), (1, 0.5), (0, 0.25)), True, 0, 0)
    assert line.on(1, TEAM, cold=False) == 1.75
    assert line.on(4, TEAM, cold=False) == pytest.approx(2 / 5 + 0.75 + 3 * 2e-3)
    assert line.largest(64) == pytest.approx((0.2 + 0.75) / 1.75)
    last = Line("b", ((64, 1.0),), False, 0, 0)  # nobody waits behind it
    assert last.on(64, TEAM, cold=False) == pytest.approx(1 / 64)
    assert step_on([line, last], 2, TEAM, cold=False) == pytest.approx(
        3 / 5 + 0.75 + 0.5 + 4e-3)


def test_memory_bounds_what_many_cores_gain():
    line = Line("a", ((64, 1.0),), True, 4, 0)
    assert line.on(2, TEAM, cold=True) == pytest.approx(4 / 4 + 1e-3)
    assert line.on(16, TEAM, cold=True) == pytest.approx(4 / 8 + 4e-3)


def test_lines_of_a_network_count_its_products_and_meetings():
    net = [ev.Conv2D(6, 3), ev.BatchNorm(), ev.ReLU(), ev.Flatten(), ev.Dense(5),
           ev.Reshape((1, 5)), ev.LSTM(7), ev.Dense(3)]
    engine = engine_of(net, (8, 9, 2), 4, loss=ev.SoftmaxCrossEntropy(), optimizer=ev.Adam())
    x = engine.rows(np.ones((4, 8, 9, 2)))
    y = engine.targets([0, 1, 2, 0])
    lines = lines_of(engine, x, y, rounds=1)
    named = {line.name: line for line in lines}
    conv, dense = 4 * 6 * 7 * 6 * 18, 4 * 252 * 5
    assert named["convolution.forward conv2d_1"].products == conv
    assert named["convolution.backward conv2d_1"].products == conv
    assert named["dense.forward dense_1 reshape_1"].products == dense
    assert named["dense.backward dense_1 reshape_1"].products == 2 * dense
    assert named["lstm.forward lstm_1"].products == 4 * (5 + 7) * 28
    assert len(lines) == sum(len(engine.program.lists[key]) for key in ("gradient", "update"))
    assert all(math.isfinite(line.seconds) and line.phases for line in lines)
    assert named["softmax_cross_entropy"].phases[0][0] == 4  # an example each


@pytest.mark.parametrize(("rows", "columns", "behind", "tasks"), [
    (64, 128, [ev.ReLU()], 1), (64, 300, [ev.ReLU()], 3), (64, 300, [ev.Dropout(0.5)], 3),
    (4096, 64, [], 32),
])
def test_a_batch_norm_is_shared_by_strips_or_by_blocks(rows, columns, behind, tasks):
    engine = engine_of([ev.BatchNorm(), *behind], (columns,), rows)
    x = np.random.default_rng(0).standard_normal((rows, columns)).astype(np.float32)
    engine.forward(x)
    assert engine.phases("forward", 0, x)[0][0] == tasks
    phases = engine.phases("backward", len(engine.program.lists["backward"]) - 1, x, None, x)
    assert tasks in [count for count, _ in phases]


def test_what_has_no_kernel_is_shared_by_nobody():
    class Twice(ev.Layer):
        name = None

        def forward(self, x, arrays, run):
            return 2 * x, None

        def backward(self, d_y, arrays, saved, run):
            return 2 * d_y, {}

    engine = engine_of([ev.Dense(3), Twice(), ev.Dense(2)], (4,))
    x = engine.rows(np.ones((1, 4)))
    engine.forward(x)
    assert [count for count, _ in engine.phases("forward", 0, x)] == [1]
    with pytest.raises(ev.errors.ConfigurationError, match="has no kernel"):
        engine.phases("forward", 1, x)
    assert engine.phases("forward", 2, x)
    with pytest.raises(ev.errors.ConfigurationError, match="'forward' has 3 instructions, got 3"):
        engine.phases("forward", 3, x)


@pytest.mark.parametrize(("asked", "error", "says"), [
    (("nope", 0, (8, 4)), ConfigurationError, "key must be one of forward, backward, update"),
    (("forward", 1, (8, 4)), ConfigurationError, "'forward' has 1 instructions, got 1"),
    (("forward", -1, (8, 4)), ConfigurationError, "'forward' has 1 instructions, got -1"),
    (("forward", 0, (8, 2)), ShapeError, r"expects inputs of shape \(n, 4\), got \(8, 2\)"),
    (("forward", 0, (9, 4)), ShapeError, "planned for 8 rows, got 9"),
])
def test_phases_of_what_there_is_not(asked, error, says):
    engine = ev.Engine(ev.compile([ev.Dense(3)], 4, batch=8))
    key, number, shape = asked
    with pytest.raises(error, match=says):
        engine.phases(key, number, np.ones(shape, np.float32))
