"""A learning rate that is far too large, and the way back from it."""

import numpy as np

import evenly as ev

rng = np.random.default_rng(0)
x = rng.standard_normal((400, 5))
y = 3 * x[:, 0] - x[:, 1] + 0.1 * rng.standard_normal(400)
net = ev.Sequential([ev.Dense(32), ev.ReLU(), ev.Dense(1)])

try:
    ev.fit(net, x, y, loss=ev.MeanSquaredError(), optimizer=ev.SGD(5.0), epochs=20)
except ev.errors.DivergenceError as error:
    print(f"stopped in epoch {error.epoch}, step {error.step}: {error.layer} was not finite")
    model = ev.fit(error.model, x, y, loss=ev.MeanSquaredError(), optimizer=ev.Adam(1e-2),
                   clip=ev.ClipGlobalNorm(1.0), epochs=40)
    print(f"went on from the last good weights: R2 = {model.evaluate(x, y).score:.3f}")
