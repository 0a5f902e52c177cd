"""What a table of categories learns

You see twelve months as points: the network was told their numbers alone, in no order, and puts
them on a ring, since what it predicts goes round with the year. A learned row of two numbers for
each category has room for that; a single number would not.
"""

import matplotlib.pyplot as plt
import numpy as np

import evenly as ev

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
rng = np.random.default_rng(0)
shuffled = rng.permutation(12)                      # the number that stands for each month
month = rng.integers(0, 12, 2000)
angle = 2 * np.pi * month / 12
warmth = -np.cos(angle) + 0.2 * rng.standard_normal(2000)
rain = np.sin(angle) + 0.2 * rng.standard_normal(2000)

# %%
# Two numbers a category, and one linear layer behind them: warmth and rain of a month.

net = ev.Sequential([ev.Embedding(12, 2), ev.Flatten(), ev.Dense(2)])
model = ev.fit(net, shuffled[month][:, None], np.column_stack([warmth, rain]),
               loss=ev.MeanSquaredError(), optimizer=ev.Adam(0.03), epochs=20, seed=0)
(name,) = [name for name in model.weights if name.startswith("embedding")]
places = model.weights[name][shuffled]              # in the order of the year

axes = plt.subplots(figsize=(4.2, 4))[1]
axes.plot(*np.vstack([places, places[:1]]).T, color="0.8")
axes.scatter(*places.T, c=np.arange(12), cmap="twilight", s=50, zorder=3)
for label, place in zip(MONTHS, places, strict=True):
    axes.annotate(label, place, xytext=(6, 4), textcoords="offset points")
axes.set(xlabel="first number", ylabel="second number", aspect="equal")
plt.show()
distances = np.linalg.norm(places[:, None] - places, axis=-1)
np.fill_diagonal(distances, np.inf)
beside = (distances.argmin(axis=1) - np.arange(12)) % 12
print(f"the nearest month is the one before or behind for {np.isin(beside, (1, 11)).sum()} of 12")
