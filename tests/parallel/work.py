"""What the workers of the tests do; a module, so that other processes find it."""

import os
import signal
import time

import numpy as np

import evenly as ev
from evenly.study.cells import stopped

X = np.random.default_rng(0).normal(size=(60, 4))
Y = (X[:, 0] > 0).astype(int)


def tiny(n_jobs=None):
    return ev.NetClassifier((4,), max_epochs=2, effort="fast", random_state=0, n_jobs=n_jobs)


def threads_within(n_jobs):
    """Threads that an estimator's engine and one of `fit` take in a worker, at most."""
    from evenly.estimators.settings import threads_of

    # Wide enough to be worth many threads.
    net = ev.Sequential([ev.Dense(1024), ev.Dense(2)])
    program = ev.compile(net, 1024, batch=256)
    own = ev.Engine(program, threads=threads_of(n_jobs))
    ev.fit(net, np.zeros((256, 1024), np.float32), np.arange(256) % 2, epochs=1, batch=256,
           loss=ev.SoftmaxCrossEntropy(), progress=False)
    return own.threads, ev.Engine(program).threads


def squared(number):
    return {"square": number * number}


def killed_once(asks):
    """Ends its process, never the tests' own, the first time, in the middle of it."""
    number, path, owner = asks
    if number == 2 and os.getpid() != owner and not os.path.exists(path):
        with open(path, "w", encoding="utf-8"):
            pass
        os.kill(os.getpid(), signal.SIGKILL)
    return squared(number)


def held(x, asks):
    killed_once(asks)
    return float(x.sum()) + asks[0]


def always_killed(number):
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return squared(number)


def slow(number):
    until = time.monotonic() + 60
    while not stopped() and time.monotonic() < until:
        time.sleep(0.01)
    return squared(number)
