"""Calculations on which mistakes are made, as exercises that ask for every step."""

from functools import cache

import numpy as np

import evenly as ev
from evenly.byhand.exact import exact_array, float_array
from evenly.byhand.recorder import Recorder
from evenly.byhand.work import Work, work_out
from evenly.exercises.base import Ask, Exercise, Solution, Topic

RNG = np.random.default_rng


def exercise_of(work, asked=None, setting=None):
    """A work as an exercise: it asks for all steps, or for those of these titles."""
    asks, seen = [], set()
    for step in work.steps:
        key = (step.title, step.phase)
        if step.origin is not None and key not in seen and (asked is None or step.title in asked):
            seen.add(key)
            asks.append(Ask(step.title, step.title, "a hint", step.phase))
    solution = Solution(work, ("A problem.",), tuple(asks), {}, setting or {})
    topic = Topic("test", "Test", "A test.", ("1", "2", "3"), (), lambda *a: {},
                  lambda *a: solution, {})
    return Exercise(topic, 0, 1, {}, {}, False, solution)


class Numbers:
    """Floats of every step by key: ``"phase: title"`` where an earlier step has the title."""

    def __init__(self, exercise):
        self.arrays = {}
        for step in exercise.solution.work.steps:
            for key in (step.title, f"{step.phase}: {step.title}"):
                self.arrays.setdefault(key, float_array(step.value))

    def __getitem__(self, key):
        return self.arrays[key]


def whole(seed, shape, largest=5):
    """Whole numbers without 0."""
    rng = RNG(seed)
    return rng.integers(1, largest + 1, shape) * rng.choice([-1, 1], shape)


def _dense(n, units, seed=1):
    return {"dense_1.kernel": whole(seed, (n, units)), "dense_1.bias": whole(seed + 1, units, 3)}


def _bn():
    arrays = {"gamma": [2, -3, 4], "beta": [1, -2, 5], "running_mean": [3, -1, 2],
              "running_variance": [4, 9, 2]}
    return work_out(ev.BatchNorm(epsilon=0.25, decay=0.75), whole(3, (4, 3), 9),
                    weights={f"batch_norm_1.{k}": np.array(v) for k, v in arrays.items()},
                    d_y=whole(4, (4, 3)), inference=whole(5, (2, 3), 9), exact=True)


def _ln():
    return work_out(ev.LayerNorm(epsilon=0.25), whole(6, (3, 4), 9),
                    weights={"gamma": np.array([2, -3, 4, 5]), "beta": np.array([1, 3, -2, 6])},
                    d_y=whole(7, (3, 4)), exact=True)


def _rms():
    return work_out(ev.RMSNorm(epsilon=0.25), whole(8, (3, 4), 9),
                    weights={"gamma": np.array([2, -3, 4, 5])}, d_y=whole(9, (3, 4)), exact=True)


def _net():
    """Square everywhere, so that transposes have the right shape."""
    return work_out(ev.Sequential([ev.Dense(3), ev.ReLU(), ev.Dropout(0.25)]), whole(10, (3, 3)),
                    weights=_dense(3, 3, 11), d_y=whole(13, (3, 3)), exact=True,
                    kept={"dropout_1": [[1, 0, 1], [1, 1, 0], [0, 1, 1]]})


def _dropped():
    return work_out(ev.Sequential([ev.Dropout(0.25), ev.Dense(2)]), whole(14, (3, 3)),
                    weights=_dense(3, 2, 15), exact=True, inference=whole(17, (3, 3)),
                    kept={"dropout_1": [[1, 0, 1], [1, 1, 0], [0, 1, 1]]})


def _classic():
    return work_out(ev.Dropout(0.25, classic=True), whole(18, (3, 3)), exact=True,
                    inference=whole(19, (3, 3)),
                    kept={"dropout_1": [[1, 0, 1], [1, 1, 0], [0, 1, 1]]})


def _layer(layer, seed):
    def make():
        return work_out(layer, whole(seed, (3, 3)), d_y=whole(seed + 1, (3, 3)), exact=True)

    return make


def _with_loss(loss, y, outputs, n=4):
    def make():
        return work_out(ev.Dense(outputs), whole(20, (n, 2), 3), y, loss=loss, exact=True,
                        weights={"kernel": whole(21, (2, outputs), 3) / 4,
                                 "bias": whole(22, outputs, 2) / 4})

    return make


def _conv(stride, padding):
    def make():
        return work_out(ev.Conv2D(1, 3, stride=stride, padding=padding), whole(23, (1, 5, 5, 1)),
                        weights={"kernel": whole(24, (3, 3, 1, 1)), "bias": np.array([3])},
                        exact=True)

    return make


def _pool(layer):
    def make():
        x = RNG(25).permutation(16).reshape(1, 4, 4, 1) + 1
        return work_out(layer, x, d_y=np.array([2, 3, 5, 7]).reshape(1, 2, 2, 1), exact=True)

    return make


def _cell(layer, gates, extra=()):
    def make():
        weights = {"input_kernel": whole(26, (2, 2 * gates)) / 4,
                   "recurrent_kernel": whole(27, (2, 2 * gates)) / 4,
                   "bias": whole(28, 2 * gates) / 4}
        weights |= {name: whole(29, 2) / 4 for name in extra}
        return work_out(layer, whole(30, (1, 3, 2)) / 2, weights=weights, exact=False)

    return make


def _trained(optimizer, step=2, y=34, **settings):
    def make():
        states = {f"dense_1.{array}": tuple(whole(31 + i, shape, 4) ** 2
                                            for i in range(len(optimizer.states)))
                  for array, shape in (("kernel", (2, 1)), ("bias", (1,)))}
        return work_out(ev.Dense(1), whole(33, (4, 2), 3), whole(y, 4), exact=True,
                        loss=ev.MeanSquaredError(), optimizer=optimizer, states=states, step=step,
                        weights={"kernel": whole(35, (2, 1)), "bias": whole(36, 1)}, **settings)

    return make


def _around():
    """What topics compute that are no layers: a step each."""
    recorder = Recorder(True)
    fan_in, fan_out = recorder.given("fan_in", [3]), recorder.given("fan_out", [5])
    run = recorder.run("forward", layer="init")
    he = recorder.run("forward", layer="he")
    he.note("variance", 2 / fan_in, "2 / fan_in")
    recorder.run("update", layer="").note("factor", np.minimum(1, 2 / recorder.given("norm", [5])),
                                          "min(1, max_norm / norm)")
    weight, slope = recorder.given("weight", [[3]]), recorder.given("slope", [[0.25]])
    dense = recorder.run("backward", layer="dense_1")
    factor = dense.note("factor", slope * weight, "slope weight")
    recorder.run("backward", layer="").note("product", factor * recorder.given("other", [[4]]),
                                            "product of all factors")
    y = recorder.run("forward", layer="sigmoid_1").note("y", slope * 2, "y")
    recorder.run("backward", layer="sigmoid_1").note("slope", y * (1 - y), "y (1 - y)")
    first = recorder.run("update", layer="first")
    m = first.note("m", recorder.given("g", [6], "first") * 0.25, "beta_1 m + (1 - beta_1) g")
    first.note("m_hat", m / 0.25, "m / (1 - beta_1^t)")
    rows, batch = recorder.given("rows", [10]), recorder.given("batch", [4])
    recorder.run("forward", layer="").note("last", rows - 2 * batch, "rows - (steps - 1) batch")
    samples = recorder.given("x", [[1.0, 4], [3, 8], [8, 0]], "train")
    train = recorder.run("forward", layer="train")
    train.note("mean", np.mean(samples, axis=0), "mean of x")
    variance = run.note("variance", 2 / (fan_in + fan_out), "2 / (fan_in + fan_out)")
    run.note("deviation", np.sqrt(variance), "sqrt(variance)")
    epoch = recorder.given("epoch", [4])
    recorder.run("forward", layer="").note("rate", 2 / (1 + epoch / 3), "rate / (1 + decay epoch)")
    squares = recorder.given("squares", [4, 9], "w")
    recorder.run("update", layer="w").note("root", np.sqrt(squares), "sqrt(s)")
    count, size = recorder.given("examples", [14]), recorder.given("size", [4])
    recorder.run("forward", layer="").note("batches", (count + 2) / size, "ceil(examples / size)")
    x = recorder.given("test", [[1, 5], [3, 4], [8, 0]])
    mean = recorder.given("mean", [2, 1])
    deviation = recorder.given("deviation", [3, 2])
    recorder.run("forward", layer="").note("test_scaled", (x - mean) / deviation, "")
    return Work(tuple(recorder.steps), 3)


WORKS = {
    "bn": _bn, "ln": _ln, "rms": _rms, "net": _net, "dropped": _dropped, "classic": _classic,
    "leaky": _layer(ev.LeakyReLU(0.25), 40), "sigmoid": _layer(ev.Sigmoid(), 41),
    "tanh": _layer(ev.Tanh(), 44), "softmax": _layer(ev.Softmax(), 45),
    "ce": _with_loss(ev.SoftmaxCrossEntropy(), np.array([0, 2, 1, 2]), 3),
    "bce": _with_loss(ev.BinaryCrossEntropy(), np.array([0, 1, 1, 0]), 1),
    "mse": _with_loss(ev.MeanSquaredError(), whole(46, 5), 1, 5),
    "conv": _conv(1, 0), "strided": _conv(2, 1), "padded": _conv(1, 1),
    "max": _pool(ev.MaxPool2D(2)), "average": _pool(ev.AveragePool2D(2)),
    "rnn": _cell(ev.RNN(2), 1), "lstm": _cell(ev.LSTM(2), 4),
    "gru": _cell(ev.GRU(2), 3, ("recurrent_bias",)),
    "sgd": _trained(ev.SGD(0.25, weight_decay=0.5)),
    "momentum": _trained(ev.Momentum(0.25, 0.75)),
    "average_momentum": _trained(ev.Momentum(0.25, 0.75, average=True, bias_correction=True)),
    "rmsprop": _trained(ev.RMSprop(0.25, 0.75, 0.5)),
    "adam": _trained(ev.Adam(0.25, 0.25, 0.75, 0.5)),
    "adam_up": _trained(ev.Adam(0.25, 0.25, 0.75, 0.5), y=2),
    "l2": _trained(ev.SGD(0.25), penalty=ev.L2(0.25)),
    "l1": _trained(ev.SGD(0.25), penalty=ev.L1(0.25)),
    "clip": _trained(ev.SGD(0.25), clip=ev.ClipGlobalNorm(2.0)),
    "unclipped": _trained(ev.SGD(0.25), clip=ev.ClipGlobalNorm(1000.0)),
    "around": _around,
}


@cache
def scenario(name):
    """An exercise by name."""
    return exercise_of(WORKS[name](), setting={"max_norm": 1000})


def answer(values):
    """Numbers as a learner types them, with enough digits."""
    values = np.asarray(values, float)
    return np.array([f"{v:.12g}" if v != round(v) else str(int(v)) for v in values.reshape(-1)],
                    object).reshape(values.shape).tolist()


__all__ = ["WORKS", "Numbers", "answer", "exact_array", "exercise_of", "scenario", "whole"]
