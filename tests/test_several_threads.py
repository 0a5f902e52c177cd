"""Several threads of a program with one model; and a process that is forked meanwhile."""

import os
import pickle
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import evenly as ev

RNG = np.random.default_rng(0)
X = RNG.standard_normal((600, 20)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int64)
LOSS = ev.SoftmaxCrossEntropy()


class Slow(ev.ReLU):
    """A layer of one's own, which runs in Python: other threads come between its lines."""

    kernel = None

    def forward(self, x, arrays, run):
        y, saved = super().forward(x, arrays, run)
        time.sleep(0.0002)
        return y, saved


def model_with(layer):
    return ev.init(ev.Sequential([ev.Dense(16), layer, ev.Dense(2)]), 20, loss=LOSS)


@pytest.mark.parametrize("layer", [ev.ReLU(), Slow()], ids=["native", "own layer"])
def test_threads_that_predict_and_evaluate_at_once(layer):
    model = model_with(layer)
    parts = [X[i : i + 50] for i in range(0, 600, 50)]
    labels = [Y[i : i + 50] for i in range(0, 600, 50)]
    scores = [model.predict(part).tobytes() for part in parts]
    losses = [model.evaluate(part, y).loss for part, y in zip(parts, labels, strict=True)]

    def differs(number):
        i = number % len(parts)
        if number % 2:
            return model.predict(parts[i]).tobytes() != scores[i]
        return model.evaluate(parts[i], labels[i]).loss != losses[i]

    with ThreadPoolExecutor(4) as pool:
        assert not any(pool.map(differs, range(240)))


@pytest.mark.parametrize("layer", [ev.ReLU(), Slow()], ids=["native", "own layer"])
def test_what_is_pickled_while_another_thread_trains_is_of_one_step(layer):
    net = ev.Sequential([ev.Dense(64), layer, ev.Dense(2)])
    program = ev.compile(net, 20, batch=16, loss=LOSS, optimizer=ev.Adam())
    engine, again = (ev.Engine(program, seed=1) for _ in range(2))
    x, y = engine.rows(X), engine.targets(Y)
    end = threading.Event()

    def train():
        while not end.is_set():
            for _ in engine.train(x, y, None, 16):
                pass

    thread = threading.Thread(target=train)
    thread.start()
    try:
        kept = [engine.__getstate__() for _ in range(8) if not time.sleep(0.01)]
        copied = pickle.loads(pickle.dumps(engine))
    finally:
        end.set()
        thread.join()
    assert copied.steps >= kept[-1]["steps"] > 0
    again.pause_every = 1
    states = {}
    last = kept[-1]["steps"]
    while again.steps < last:
        for _ in again.train(x, y, None, 16):
            if again.steps in {state["steps"] for state in kept}:
                states[again.steps] = again.kept()
            if again.steps == last:
                break
    for state in kept:
        if state["steps"]:
            own = pickle.loads(pickle.dumps(engine))
            own.__setstate__(state)
            for name, value in states[state["steps"]].items():
                assert own.buffer(name).tobytes() == value.tobytes(), (name, state["steps"])


FORK = """
import os, sys, threading, time
import numpy as np
import evenly as ev
from tests.test_several_threads import Slow, X, Y, model_with

kind = sys.argv[1]
if kind == "estimator":
    model = ev.NetClassifier(hidden=(256, 256), max_epochs=1, norm=None).fit(X, Y)
else:
    model = model_with(Slow() if kind == "own layer" else ev.Dense(2000))
large = np.concatenate([X] * 100)
threading.Thread(target=lambda: [model.predict(large) for _ in range(10**6)], daemon=True).start()
time.sleep(0.3)
said, enough = [], time.monotonic() + 60
# One has to fall into a call, however seldom the thread has its turn.
while len(said) < 3 or 7 not in said and time.monotonic() < enough:
    child = os.fork()
    if child == 0:
        try:
            model.predict(X)
            os._exit(0)
        except RuntimeError as error:
            os._exit(7 if "forked while another thread computed" in str(error) else 1)
    last = time.monotonic() + 60
    while (ended := os.waitpid(child, os.WNOHANG))[0] == 0:
        if time.monotonic() > last:
            os.kill(child, 9)
        time.sleep(0.01)
    said.append(os.waitstatus_to_exitcode(ended[1]))
print(*said)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing is forked here")
@pytest.mark.parametrize("kind", ["native", "own layer", "estimator"])
def test_a_fork_while_a_thread_predicts(kind):
    """The child is told, where it would wait for ever. Or it computes, where the fork fell between
    two calls."""
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    paths = os.pathsep.join([root, *sys.path])
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", FORK, kind], text=True, timeout=400,
                         capture_output=True, env=os.environ | {"PYTHONPATH": paths}, cwd=root)
    statuses = set(run.stdout.split())
    assert statuses <= {"0", "7"}, run.stdout + run.stderr
    assert "7" in statuses, "no fork fell into a call: nothing was tested"


def test_an_own_layer_may_ask_its_model():
    """The turn of a thread is its own: it does not wait for itself."""

    class Asking(ev.ReLU):
        kernel = None

        def forward(self, x, arrays, run):
            pickle.dumps(asked[0].engine.__getstate__()["steps"])
            return super().forward(x, arrays, run)

    asked = []
    asked.append(model_with(Asking()))
    assert asked[0].predict(X).shape == (600, 2)
