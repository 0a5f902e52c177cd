"""Ctrl-C is heard in the middle of a prediction or an evaluation that takes minutes."""

import signal
import subprocess
import sys

import numpy as np
import pytest

import evenly as ev

PROGRAM = """
import sys, threading, time
import numpy as np
import evenly as ev
rows = 400_000
net = ev.Sequential([ev.Dense(4000), ev.ReLU(), ev.Dense(4000), ev.ReLU(), ev.Dense(2)])
model = ev.init(net, 1, loss=ev.SoftmaxCrossEntropy())
x, y = np.ones((rows, 1), np.float32), np.zeros(rows, np.int64)
print("started", flush=True)
model.predict(x) if sys.argv[1] == "predict" else model.evaluate(x, y)
"""


@pytest.mark.parametrize("what", ["predict", "evaluate"])
def test_ctrl_c(what):
    """What it would compute is some 10^13 multiplications: the limit is far below that."""
    run = subprocess.Popen([sys.executable, "-c", PROGRAM, what], stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE)
    try:
        assert run.stdout.readline() == b"started\n"
        with pytest.raises(subprocess.TimeoutExpired):
            run.wait(1)
        run.send_signal(signal.SIGINT)
        said = run.communicate(timeout=30)[1]
    finally:
        run.kill()
        run.communicate()
    assert run.returncode == -signal.SIGINT
    assert said.endswith(b"KeyboardInterrupt\n")


@pytest.mark.parametrize("threads", [1, 3])
def test_a_call_in_parts_gives_what_its_batches_give(threads):
    """A call comes back every quarter of a second: its parts make one result, wherever they end."""
    net = ev.Sequential([ev.Dense(700), ev.Tanh(), ev.Dense(700), ev.Tanh(), ev.Dense(3)])
    program = ev.compile(net, 5, batch=16, loss=ev.SoftmaxCrossEntropy(), dtype="float64")
    engine = ev.Engine(program, threads=threads)
    size, rng = program.inference_batch, np.random.default_rng(0)
    x, y = rng.standard_normal((60 * size + 7, 5)), rng.integers(0, 3, 60 * size + 7)
    scores = engine.predict(x)
    parts = [engine.predict(x[i : i + size]) for i in range(0, len(x), size)]
    assert scores.tobytes() == np.concatenate(parts).tobytes()
    whole = engine.evaluate(x, y)
    assert whole == engine.evaluate(x, y)
    shifted = scores - scores.max(axis=1, keepdims=True)
    losses = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(y)), y]
    assert whole.loss == pytest.approx(losses.mean(), rel=1e-12)
    assert whole.score == np.mean(scores.argmax(axis=1) == y)
