"""Training on a file that is not in memory

You see two curves that cover each other: one network trained on an array in memory, one on the
same rows in a file, of which a few megabytes are read at a time. They agree to the last bit, so
how the rows are kept is nobody's business but the disk's.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import evenly as ev

rng = np.random.default_rng(0)
rows, features = 40_000, 250
file = np.lib.format.open_memmap(Path("rows.npy"), "w+", np.float32, (rows, features))
for start in range(0, rows, 10_000):
    file[start:start + 10_000] = rng.standard_normal((10_000, features))
y = (file[:, :10].sum(axis=1) + rng.standard_normal(rows) > 0).astype(int)
file.flush()
print(f"{Path('rows.npy').stat().st_size / 1e6:.0f} MB in the file")

# %%

net = ev.Sequential([ev.Dense(16), ev.ReLU(), ev.Dense(2)])
axes = plt.subplots()[1]
models = {}
for source, label, style in ((np.load("rows.npy"), "in memory", "o-"),
                             (np.load("rows.npy", mmap_mode="r"), "in a file", "+--")):
    models[label] = ev.fit(net, source, y, loss=ev.SoftmaxCrossEntropy(), epochs=4, batch=256,
                           optimizer=ev.Adam(2e-3), seed=0)
    history = models[label].history
    axes.plot(history.column("epoch"), history.column("loss"), style, markersize=10, label=label)
axes.set(xlabel="epoch", ylabel="loss", xticks=range(1, 5))
axes.legend()
plt.show()
one, other = (model.weights for model in models.values())
print("same weights to the bit:", all(np.array_equal(one[name], other[name]) for name in one))
