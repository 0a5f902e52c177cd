"""Batch normalization with its numbers

You see the four steps of batch normalization as tables of exact numbers: what comes in, what is
left without the mean, what is left of it once it is divided by the deviation, and what gamma and
beta make of that. The library computes them as on paper: a third stays a third.
"""

import matplotlib.pyplot as plt
import numpy as np

import evenly as ev

x = [[1, 2], [3, 6], [5, 4], [7, 8]]
work = ev.show_work(ev.BatchNorm(epsilon=4.0), x,
                    weights={"batch_norm_1.gamma": [3, 3], "batch_norm_1.beta": [1, -1]})
print(work)

# %%
# Every step has its name and its numbers.

STEPS = {"x": np.array(x), "x - mean": work["batch_norm_1.centred"].value,
         "x_hat": work["batch_norm_1.x_hat"].value,
         "gamma x_hat + beta": work["batch_norm_1.y"].value}
axes = plt.subplots(1, 4, figsize=(9, 2.6))[1]
for (label, numbers), panel in zip(STEPS.items(), axes, strict=True):
    panel.imshow(numbers.astype(float), cmap="RdBu", vmin=-14, vmax=14, aspect="auto")
    for (row, column), number in np.ndenumerate(numbers):
        panel.text(column, row, str(number), ha="center", va="center", fontsize=9)
    panel.set_title(label, fontsize=10)
    panel.set_xticks((0, 1), ("feature 1", "feature 2"), fontsize=8)
    panel.set_yticks(range(4), [])
    panel.grid(False)
plt.show()
