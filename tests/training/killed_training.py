"""A training for test_checkpoints.py to kill.

Arguments: a folder for checkpoints, a file for what comes out, and where the process shall kill
itself: nowhere (""), or "write 2", say, at the second call of what a checkpoint's writing calls.
"""

import os
import signal
import sys

import numpy as np

import evenly as ev
from evenly import files
from evenly.training.checkpoints import Checkpoint


def trained(checkpoint=None, **more):
    """The training: what is random and what is carried along in most kinds of training is in it."""
    rng = np.random.default_rng(5)
    x = rng.standard_normal((240, 6))
    y = (x[:, 0] + 0.5 * x[:, 1] ** 2 + rng.standard_normal(240) > 0.5).astype(int)
    net = ev.Sequential(
        [ev.Dense(16), ev.BatchNorm(), ev.ReLU(), ev.Dropout(0.3), ev.Dense(2)]
    )
    return ev.fit(
        net, x, y, loss=ev.SoftmaxCrossEntropy(), optimizer=ev.Adam(0.003), batch=8, epochs=60,
        schedule=ev.CosineDecay(), validation=0.2, threads=1, progress=False,
        early_stopping=ev.EarlyStopping(patience=12), checkpoint=checkpoint, **more,
    )


def told(model):
    """All that a training ends with, but for the time that it took."""
    names = ("epoch", "steps", "loss", "score", "validation_loss", "validation_score",
             "gradient_norm", "penalty", "learning_rate")
    history = {f"history {name}": model.history.column(name) for name in names}
    ended = {"stopped": model.history.stopped, "best": model.history.best_epoch}
    return {**model.weights, **history, **{key: np.array(value) for key, value in ended.items()}}


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def at_call(number, function, last):
    """The function, until at its `number`-th call `last` comes instead."""
    calls = 0

    def counted(*arguments, **more):
        nonlocal calls
        calls += 1
        return (last if calls == number else function)(*arguments, **more)

    return counted


def half_written(file, data):
    file.write(data[: len(data) // 2])
    file.flush()
    die()


def plan(where):
    """Puts the killing where it is wanted: before the call."""
    what, number = where.split()
    if what == "write":
        files._write_all = at_call(int(number), files._write_all, half_written)
    else:
        setattr(os, what, at_call(int(number), getattr(os, what), lambda *_, **__: die()))


if __name__ == "__main__":
    folder, out, where = sys.argv[1:]
    if where:
        plan(where)
    print("begins", flush=True)
    model = trained(Checkpoint(folder, steps=2, keep=2), resume=True)
    np.savez(out, **told(model))
