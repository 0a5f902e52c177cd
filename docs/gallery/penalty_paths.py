"""L1 and L2, and what becomes of each weight

You see ten weights as the penalty grows: L2 shrinks all of them together, L1 lets those that carry
nothing go first and keeps the three that matter. Seven of the ten inputs are noise.
"""

import matplotlib.pyplot as plt
import numpy as np

import evenly as ev

rng = np.random.default_rng(0)
x = rng.standard_normal((120, 10))
true = np.array([2.0, -1.5, 1.0, 0, 0, 0, 0, 0, 0, 0])
y = x @ true[:, None] + 1.5 * rng.standard_normal((120, 1))
STRENGTHS = {ev.L2: np.geomspace(1e-2, 30, 10), ev.L1: np.geomspace(1e-2, 6, 10)}

# %%
# The rate falls to nothing, so that L1's weights come to rest near zero; exactly zero they are not,
# since the penalty acts through the gradient.

axes = plt.subplots(1, 2, sharey=True)[1]
for (kind, strengths), panel in zip(STRENGTHS.items(), axes, strict=True):
    paths = []
    for strength in strengths:
        model = ev.fit(ev.Sequential([ev.Dense(1)]), x, y, loss=ev.MeanSquaredError(), batch=None,
                       optimizer=ev.SGD(0.05), schedule=ev.PolynomialDecay(), epochs=150,
                       penalty=kind(strength), seed=0)
        paths.append(model.weights["dense_1.kernel"].ravel().copy())
    paths = np.array(paths)
    for place in range(10):
        panel.semilogx(strengths, paths[:, place], color="C0" if place < 3 else "0.6")
    panel.set(title=kind.__name__, xlabel="strength")
    small = np.abs(paths) < 0.02
    middle = len(strengths) // 2 + 1
    print(f"{kind.__name__} at {strengths[middle]:.2f}: {small[middle, 3:].sum()} of 7 weights of "
          f"noise below 0.02, the largest weight {np.abs(paths[middle]).max():.2f}")
axes[0].set_ylabel("weight (grey: of an input that is noise)")
plt.show()
