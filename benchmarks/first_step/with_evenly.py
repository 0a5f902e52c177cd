"""One training step in Evenly."""

import time

import numpy as np

import evenly as ev

random = np.random.default_rng(0)
x = random.standard_normal((128, 784), dtype=np.float32)
y = random.integers(0, 10, 128)
net = ev.Sequential([
    ev.Dense(256), ev.BatchNorm(), ev.ReLU(), ev.Dropout(0.5),
    ev.Dense(256), ev.BatchNorm(), ev.ReLU(), ev.Dropout(0.5),
    ev.Dense(10),
])
program = ev.compile(net, 784, batch=128, loss=ev.SoftmaxCrossEntropy(), optimizer=ev.Adam(1e-3))
engine = ev.Engine(program, seed=0)
engine.step(x, y)
print(time.clock_gettime(time.CLOCK_MONOTONIC))
