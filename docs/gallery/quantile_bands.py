"""Bands that widen where the data do

You see nine in ten points within the band, and the band wide where the points scatter and narrow
where they do not. One network says three quantiles at once, and they never cross; an error bar of
one size, the dotted lines, is too wide on the left and too narrow on the right.
"""

import matplotlib.pyplot as plt
import numpy as np

import evenly as ev

rng = np.random.default_rng(0)
x = rng.uniform(0, 5, (3000, 1))
y = np.sin(2 * x[:, 0]) + (0.05 + 0.2 * x[:, 0]) * rng.standard_normal(3000)
train, new = slice(0, 2000), slice(2000, 3000)

# %%

net = ev.NetRegressor((48, 48), loss="quantile", quantiles=(0.05, 0.5, 0.95), dropout=0.0,
                      effort="fast", max_epochs=60, random_state=0).fit(x[train], y[train])
low, middle, high = net.predict(x[new]).T
within = (y[new] >= low) & (y[new] <= high)
left, right = x[new, 0] < 2.5, x[new, 0] >= 2.5
fixed = np.quantile(np.abs(y[train] - net.predict(x[train])[:, 1]), 0.9)
same = np.abs(y[new] - middle) < fixed
for label, inside in (("band", within), ("one size", same)):
    shares = [f"{part.mean():.0%}" for part in (inside, inside[left], inside[right])]
    print("{}: {} of the new points within, {} on the left, {} on the right".format(label, *shares))

axes = plt.subplots()[1]
order = x[new, 0].argsort()
at = x[new, 0][order]
axes.plot(x[new], y[new], ".", color="0.6", markersize=3)
axes.fill_between(at, low[order], high[order], alpha=0.25, label="from 5 to 95 %")
axes.plot(at, middle[order], label="median")
for sign in (-1, 1):
    axes.plot(at, middle[order] + sign * fixed, ":", color="C1")
axes.set(xlabel="x", ylabel="y")
axes.legend()
plt.show()
