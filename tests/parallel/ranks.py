"""What each process of test_mpi.py does: ``ranks.py CASE FOLDER``. The first one tells in a line of
JSON what it came to."""

import json
import os
import signal
import sys
from functools import partial
from pathlib import Path

import numpy as np

import evenly as ev
from evenly import parallel
from evenly.errors import DataError, WorkersError

EPOCHS = 4


def trained(workers=None, epochs=EPOCHS, **more):
    """A training with all that the processes have to agree on."""
    rng = np.random.default_rng(5)
    x = rng.standard_normal((203, 6))
    y = (x[:, 0] + 0.5 * x[:, 1] ** 2 > 0.5).astype(int)
    net = ev.Sequential([ev.Dense(16), ev.BatchNorm(), ev.ReLU(), ev.Dropout(0.3), ev.Dense(2)])
    given = {"x": x, "y": y, "seed": 3, "optimizer": ev.Adam(0.01), **more}
    return ev.fit(net, given.pop("x"), given.pop("y"), loss=ev.SoftmaxCrossEntropy(), batch=32,
                  epochs=epochs, validation=0.2, progress=False, workers=workers, **given)


def told(model):
    """All weights and losses, to the bit."""
    weights = {name: array.tobytes().hex() for name, array in sorted(model.weights.items())}
    columns = ("loss", "score", "validation_loss", "gradient_norm")
    return {**weights, **{name: list(model.history.column(name)) for name in columns}}


def caught(kind, task):
    try:
        task()
    except kind as error:
        return str(error)
    return "nothing was raised"


def transport(world, folder):
    """Each call of the transport, and what is said where one has failed."""
    from test_group import conversation

    group = parallel.group(world)
    assert parallel.group(world) is group
    told = [conversation(group)]
    text = np.arange(6).reshape(2, 3)[:, ::2]  # not contiguous
    out = np.empty((3, 2), int).T[:2, :2]
    group.exchange(group.rank ^ 1, text, out)
    told.append(out.tolist())
    same = {"net": "a" * 200, "seed": "1"}
    parallel.agree(group, same)
    told.append(caught(WorkersError, lambda: parallel.agree(
        group, {**same, "net": "a" * 200 + f" in {group.rank}"})))
    told.append(caught(WorkersError, lambda: _failing(group)) if group.rank == 0 else
                caught(ValueError, lambda: _failing(group)))
    again = parallel.group(world)
    told.append([again is not group, again.share(b"goes on").decode(), group.threads])
    return told


def _failing(group):
    with parallel.together(group):
        if group.rank == 1:
            raise ValueError("row 7 is bad")
        group.wait()


def fits(world, folder):
    """A training, or the rest of one."""
    rule = ev.Checkpoint(folder / "checkpoints", steps=4)
    return told(trained(world, checkpoint=rule, resume=True))


def begins(world, folder):
    """A training that ends early, after a checkpoint in the middle of an epoch."""
    rule = ev.Checkpoint(folder / "checkpoints", steps=4)
    last = world.rank == world.size - 1
    trained(world, checkpoint=rule, callbacks=[lambda record: "stop" if last else None])
    for path in (folder / "checkpoints").glob("*6.evenly"):
        path.unlink()  # of the end
    return sorted(path.name for path in (folder / "checkpoints").glob("*.evenly"))


def killed(world, folder):
    """One process is killed in the middle."""
    def kill(record):
        if record.epoch == 2 and world.rank == 1:
            os.kill(os.getpid(), signal.SIGKILL)

    rule = ev.Checkpoint(folder / "checkpoints", steps=4)
    return told(trained(world, epochs=10**6, checkpoint=rule, callbacks=[kill]))


def refused(world, folder):
    """What is different, or fails, in one process."""
    rng, odd = np.random.default_rng(0), world.rank == 1
    x = rng.standard_normal((203, 6))
    bad = np.where(np.arange(203)[:, None] == 7, np.nan, x) if odd else x
    y = (x[:, 0] > 0).astype(int)

    def interrupted(record):
        if odd:
            raise KeyboardInterrupt

    said = [caught(WorkersError, partial(trained, world, **more)) for more in (
        {"seed": 3 + odd}, {"optimizer": ev.Adam(0.01 * (1 + odd))}, {"x": x + odd, "y": y},
        {"x": x[:, :6 - odd], "y": y},
    )]
    said.append(caught(DataError if odd else WorkersError, lambda: trained(world, x=bad, y=y)))
    said.append(caught(KeyboardInterrupt if odd else WorkersError,
                       lambda: trained(world, callbacks=[interrupted])))
    trained(world, epochs=1)
    return said


if __name__ == "__main__":
    from mpi4py import MPI

    sys.path.insert(0, os.path.dirname(__file__))
    world = MPI.COMM_WORLD
    found = globals()[sys.argv[1]](world, Path(sys.argv[2]))
    if world.rank == 0:
        print(json.dumps(found, default=bytes.decode), flush=True)
