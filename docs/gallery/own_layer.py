"""A layer of one's own

You see waves learned with a layer that the library does not have: y = x + sin(a x)^2 / a, with an
a for each unit that is trained along. They go on where the data end. With ReLU in its place the
same network finds little more than two straight pieces in the same time.
"""

from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np

import evenly as ev


@dataclass(frozen=True)
class Snake(ev.Layer):
    """y = x + sin(a x)^2 / a."""

    name: str | None = None

    def arrays(self, shape):
        return {"a": ev.ArraySpec(shape, ev.Constant(2.0))}

    def forward(self, x, arrays, run):
        a = arrays["a"]
        return x + np.sin(a * x) ** 2 / a, x

    def backward(self, d_y, arrays, x, run):
        a = arrays["a"]
        slope = 1 + np.sin(2 * a * x)
        d_a = x * np.sin(2 * a * x) / a - np.sin(a * x) ** 2 / a**2
        return d_y * slope, {"a": (d_y * d_a).sum(axis=0)}


# %%
# Two methods are all: it trains through the same program, and its gradient can be checked against
# differences.

rng = np.random.default_rng(0)
x = rng.uniform(-4, 4, (400, 1))
y = np.sin(3 * x) + 0.3 * x
snake = Snake()
arrays, at, h = {"a": np.full(1, 2.0)}, np.linspace(-1, 1, 5)[:, None], 1e-6
slope, _ = snake.backward(np.ones((5, 1)), arrays, at, ev.Run(True))
numeric = (snake.forward(at + h, arrays, ev.Run(True))[0]
           - snake.forward(at - h, arrays, ev.Run(True))[0]) / (2 * h)
print(f"backward against differences: {np.abs(slope - numeric).max():.0e}")

# %%

grid = np.linspace(-7, 7, 400)[:, None]
axes = plt.subplots()[1]
axes.plot(grid, np.sin(3 * grid) + 0.3 * grid, color="0.7", label="true")
axes.axvspan(-4, 4, color="0.95", label="where the data are")
for layer, label in ((ev.ReLU(), "ReLU"), (snake, "own layer")):
    net = ev.Sequential([ev.Dense(48), layer, ev.Dense(1)])
    model = ev.fit(net, x, y, loss=ev.MeanSquaredError(), optimizer=ev.Adam(0.01), epochs=80,
                   schedule=ev.CosineDecay(), seed=0)
    axes.plot(grid, model.predict(grid), label=label)
    print(f"{label}: loss {model.history[-1].loss:.4f}")
axes.set(xlabel="x", ylabel="y", ylim=(-4, 4))
axes.legend(ncols=2)
plt.show()
