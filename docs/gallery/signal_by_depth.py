"""First weights, and a signal on its way down

You see the size of the signal in each of thirty ReLU layers: with He's deviation it stays, with
half of it the signal fades to a billionth, with twice as much it grows as fast. One factor a
layer, thirty times over, is all there is to it. The gradient on its way back meets the same
factors.
"""

import matplotlib.pyplot as plt
import numpy as np

import evenly as ev

WIDTH, DEPTH = 256, 30
x = np.random.default_rng(0).standard_normal((256, WIDTH))
FIRST = {
    "half of He": (ev.Normal(0.5 * np.sqrt(2 / WIDTH)), 0.5),
    "Xavier": (ev.XavierNormal(), np.sqrt(0.5)),
    "He": (ev.HeNormal(), 1.0),
    "twice He": (ev.Normal(2 * np.sqrt(2 / WIDTH)), 2.0),
}

# %%
# A ReLU halves the mean square, and a layer multiplies it by the width times the weights' variance.
# He's variance, 2 / width, makes the product 1. The dotted lines are that theory.

axes = plt.subplots()[1]
for place, (label, (kernel, factor)) in enumerate(FIRST.items()):
    net = ev.Sequential([layer for _ in range(DEPTH)
                         for layer in (ev.Dense(WIDTH, kernel_init=kernel), ev.ReLU())])
    weights = ev.init(net, WIDTH, seed=0).weights
    signal, sizes = x, []
    for depth in range(1, DEPTH + 1):
        signal = np.maximum(signal @ weights[f"dense_{depth}.kernel"], 0)
        sizes.append(np.sqrt((signal**2).mean()))
    depths = np.arange(1, DEPTH + 1)
    axes.semilogy(depths, sizes, color=f"C{place}", label=label)
    axes.semilogy(depths, factor**depths, ":", color=f"C{place}")
    print(f"{label:>10}: {sizes[0]:.2f} in layer 1, {sizes[-1]:.1e} in layer {DEPTH}")
axes.set(xlabel="layer", ylabel="root mean square of the outputs")
axes.legend()
plt.show()
