"""The same bits for any number of threads, and on every run."""

import multiprocessing
import sys
import warnings

import numpy as np
import pytest

import evenly as ev
from evenly.engine.threads import ThreadChoice
from evenly.native import available_isas

WIDE = [ev.Dense(300), ev.BatchNorm(), ev.ReLU(), ev.Dropout(0.5), ev.Dense(130), ev.LayerNorm(),
        ev.Tanh(), ev.Dropout(0.3), ev.Dense(5)]
TALL = [ev.BatchNorm(), ev.Dense(33), ev.BatchNorm(), ev.Sigmoid(), ev.Dropout(0.1), ev.Dense(5)]
IMAGES = [ev.Conv2D(17, 3, padding="same"), ev.BatchNorm(), ev.ReLU(), ev.MaxPool2D(2),
          ev.Residual([ev.Conv2D(17, (3, 2), padding="same", groups=17), ev.PReLU()]),
          ev.WeightNorm(ev.Conv2D(9, 2, stride=2)), ev.AveragePool2D(2, stride=1), ev.Flatten(),
          ev.DropConnect(ev.Dense(5), 0.3)]
TILES = [ev.Conv2D(20, 3, padding="same"), ev.BatchNorm(), ev.ReLU(),
         ev.Conv2D(33, 3, bias=False), ev.BatchNorm(), ev.GlobalAveragePool(), ev.Dense(5)]
STEPS = [ev.LSTM(19, layers=2, bidirectional=True, sequences=True, recurrent_dropout=0.2),
         ev.GRU(7, sequences=True), ev.GRU(20, reset="before", sequences=True), ev.RNN(33),
         ev.Dense(5)]
NORMALIZED = [ev.Dense(96), ev.Reshape((4, 3, 8)), ev.GroupNorm(2), ev.ReLU(), ev.Dropout(0.2),
              ev.InstanceNorm(), ev.Tanh(), ev.RMSNorm(2), ev.LayerNorm(3), ev.Dropout(0.4),
              ev.BatchNorm(frozen=True), ev.ReLU(), ev.Flatten(), ev.GroupNorm(12), ev.RMSNorm(),
              ev.Dense(5)]
MEMBERS = [ev.Dense(30), ev.Ensemble([ev.Dense(5), [ev.Tanh(), ev.Dense(5)]], of="classes")]
WITHIN = [ev.Members(7), ev.BatchEnsemble(150), ev.Tanh(), ev.Dropout(0.2), ev.BatchEnsemble(40),
          ev.MemberDense(5), ev.MemberMean("classes")]
NARROW = [ev.BatchNorm(), ev.ReLU(), ev.Dense(70), ev.BatchNorm(), ev.Tanh(), ev.Dense(5)]
NETS = {"narrow": (NARROW, (100,), 64), "within": (WITHIN, (140,), 300),
        "members": (MEMBERS, (20,), 70), "wide": (WIDE, (150,), 64), "tall": (TALL, (21,), 1100),
        "images": (IMAGES, (9, 11, 3), 30), "tiles": (TILES, (10, 32, 16), 9),
        "steps": (STEPS, (6, 5), 40),
        "normalized": (NORMALIZED, (21,), 70)}


def train(name, threads, dtype="float32", isa=""):
    layers, shape, batch = NETS[name]
    program = ev.compile(
        layers, shape, batch=batch, loss=ev.SoftmaxCrossEntropy(), optimizer=ev.Adam(0.01),
        penalty=ev.L2(0.01), clip=ev.ClipGlobalNorm(0.5), dtype=dtype,
    )
    engine = ev.Engine(program, seed=4, threads=threads, isa=isa)
    rng = np.random.default_rng(0)
    n = 3 * batch + 7
    x, y = engine.rows(rng.standard_normal((n, *shape))), engine.targets(rng.integers(0, 5, n))
    records = [np.concatenate(list(engine.train(x, y, rng.permutation(n), batch)))
               for _ in range(2)]
    evaluation = engine.evaluate(x, y)
    return {**{k: v.copy() for k, v in engine.arrays.items()}, "records": np.concatenate(records),
            "scores": engine.predict(x), "evaluation": np.array([evaluation.loss])}


def assert_same_bits(a, b):
    for name, array in a.items():
        assert array.tobytes() == b[name].tobytes(), name


@pytest.mark.parametrize("isa", available_isas())
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NETS)
def test_any_number_of_threads(name, dtype, isa):
    one = train(name, 1, dtype, isa)
    for threads in (2, 3, 8) if dtype == "float32" else (3,):
        assert_same_bits(one, train(name, threads, dtype, isa))


def test_every_run():
    assert_same_bits(train("wide", None), train("wide", None))


def test_another_seed_gives_other_bits():
    x = np.random.default_rng(0).standard_normal((64, 9))
    y = np.arange(64) % 3
    a, b = (
        ev.fit(ev.Sequential([ev.Dense(3)]), x, y, loss=ev.SoftmaxCrossEntropy(), epochs=1, seed=s)
        for s in (0, 1)
    )
    assert (a.predict(x) != b.predict(x)).any()


def _train_in_child(queue):
    queue.put(train("wide", 2)["records"])


@pytest.mark.skipif(sys.platform != "linux", reason="fork is Linux's default")
def test_a_forked_child_trains_too():
    """The parent's threads do not exist in a forked child: waiting for them would never end."""
    wanted = train("wide", 2)["records"]
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 and later: fork + threads
        child = context.Process(target=_train_in_child, args=(queue,))
        child.start()
    got = queue.get(timeout=60)
    child.join(60)
    assert got.tobytes() == wanted.tobytes()


def test_thread_choice_takes_the_fastest(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("evenly.engine.threads.time.perf_counter", lambda: clock[0])
    seconds = {4: 3.0, 2: 1.0, 1: 2.0}
    choice = ThreadChoice(4, fixed=False)

    def call():
        threads, trial = choice.begin()
        clock[0] += seconds[threads]
        choice.end(threads, 10)
        return threads, trial

    assert [call() for _ in range(3)] == [(4, True), (2, True), (1, True)]
    assert choice.best == 2
    # The others are tried again now and then, and win when they have become faster.
    seconds[1] = 0.1
    assert {call()[0] for _ in range(8)} == {1, 2, 4}
    assert choice.best == 1


def test_fixed_threads_stay():
    choice = ThreadChoice(3, fixed=True)
    assert choice.begin() == (3, False)
