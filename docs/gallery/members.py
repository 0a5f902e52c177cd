"""What several networks know of their own ignorance

You see eight networks agree where there is data and part in the gap where there is none. Their
mean is the ensemble's answer, and their spread says where not to trust it; no single one of them
can.
"""

import matplotlib.pyplot as plt
import numpy as np

import evenly as ev

rng = np.random.default_rng(0)
x = np.concatenate([rng.uniform(-3, -1, 60), rng.uniform(1.2, 3, 60)])[:, None]
y = np.sin(2 * x) + 0.1 * rng.standard_normal(x.shape)
grid = np.linspace(-4.5, 4.5, 200)[:, None]

# %%
# Each has a seed of its own, so first weights and batches of its own. `ev.ensemble` joins them into
# one model.

net = ev.Sequential([ev.Dense(40), ev.Tanh(), ev.Dense(40), ev.Tanh(), ev.Dense(1)])
apart = [ev.fit(net, x, y, loss=ev.MeanSquaredError(), optimizer=ev.Adam(5e-3), epochs=80,
                batch=16, seed=seed) for seed in range(8)]
together = ev.ensemble(apart)
answers = np.array([model.predict(grid).ravel() for model in apart])
mean, spread = together.predict(grid).ravel(), answers.std(axis=0)

axes = plt.subplots()[1]
axes.plot(grid, answers.T, color="0.75", linewidth=0.8)
axes.fill_between(grid.ravel(), mean - 2 * spread, mean + 2 * spread, alpha=0.2)
axes.plot(grid, mean, label="their mean")
axes.plot(x, y, ".", color="C1", markersize=4, label="data")
axes.set(xlabel="x", ylabel="y", ylim=(-3, 3))
axes.legend()
plt.show()
near = ((np.abs(grid) > 1.2) & (np.abs(grid) < 3)).ravel()
print(f"spread of the eight: {spread[near].mean():.3f} among the data, "
      f"{spread[(np.abs(grid) < 0.5).ravel()].mean():.3f} in the gap, {spread[-1]:.3f} at the end")
