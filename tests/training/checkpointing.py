"""What the tests of checkpoints have in common."""

import numpy as np
import pytest

import evenly as ev
from evenly.engine import kept_buffers
from evenly.training.checkpoints import Checkpoint

LOSS = ev.SoftmaxCrossEntropy()
RNG = np.random.default_rng(3)
X = RNG.standard_normal((101, 5)).astype(np.float32)
Y = (X[:, 0] * X[:, 1] + 0.3 * RNG.standard_normal(101) > 0).astype(int)
VALUES = X[:, :2] @ [1.0, -2.0] + 0.1 * RNG.standard_normal(101)
WEIGHTS = RNG.uniform(0.5, 2, 101)
NET = ev.Sequential([ev.Dense(8), ev.BatchNorm(), ev.ReLU(), ev.Dropout(0.3), ev.Dense(2)])
BASE = {"net": NET, "x": X, "y": Y, "loss": LOSS, "optimizer": ev.Adam(0.01), "epochs": 4,
        "batch": 10, "seed": 7, "progress": False}


class Killed(BaseException):
    """Stands for a kill: nothing more is written."""


def assert_same(model, other, engine=True):
    for name, array in model.weights.items():
        assert array.tobytes() == other.weights[name].tobytes(), name
    if engine:
        assert model.engine.steps == other.engine.steps
        for name in kept_buffers(model.engine.program).values():
            a, b = (m.engine.buffer(name) for m in (model, other))
            assert a.tobytes() == b.tobytes(), name
    assert model.history.stopped == other.history.stopped
    assert model.history.best_epoch == other.history.best_epoch
    assert [plain(r) for r in model.history] == [plain(r) for r in other.history]


def plain(record):
    """A record but for its time; NaN is equal to itself."""
    return repr([v for k, v in vars(record).items() if k != "seconds"])


def named(folder):
    return sorted(path.name for path in folder.glob("checkpoint-*"))


def batches():
    for start in range(0, 101, 17):
        yield X[start : start + 17], Y[start : start + 17]


def begun(folder, steps=3, **more):
    """A folder with checkpoints 6, 9 and 12 of a training that was killed, ten steps an epoch."""
    def stop():
        if any(name >= "checkpoint-0000000012.evenly" for name in named(folder)):
            raise Killed
        return False

    with pytest.raises(Killed):
        ev.fit(**BASE | more, checkpoint=Checkpoint(folder, steps=steps), stop=stop)
    if steps == 3:
        assert named(folder) == [f"checkpoint-{n:010d}.evenly" for n in (6, 9, 12)]
    return Checkpoint(folder, steps=steps)
