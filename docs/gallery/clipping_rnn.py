"""Clipping the gradient of a recurrent network

You see gradients that grow to many times their usual length and take the loss with them,
and the same network learn once they are clipped. It reads thirty numbers one by one, and must say
their sum; whoever says 0 has a loss of 1.
"""

import matplotlib.pyplot as plt
import numpy as np

import evenly as ev

rng = np.random.default_rng(0)
x = rng.standard_normal((512, 30, 1))
y = x.sum(axis=1) / np.sqrt(30)
net = ev.Sequential([ev.RNN(32), ev.Dense(1)])

# %%
# `Engine.step` is one training step, and tells the length of the gradient before it was clipped.

upper, lower = plt.subplots(2, 1, sharex=True, figsize=(7, 4.6))[1]
for clip, label in ((None, "as they come"), (ev.ClipGlobalNorm(1.0), "clipped to 1")):
    program = ev.compile(net, x.shape[1:], 64, ev.MeanSquaredError(),
                         optimizer=ev.Momentum(0.05), clip=clip)
    engine = ev.Engine(program, seed=1)
    batches = np.random.default_rng(1)
    steps = []
    for _ in range(300):
        rows = batches.permutation(len(x))[:64]
        steps.append(engine.step(x[rows], y[rows]))
    losses = np.array([step.loss for step in steps])
    norms = np.array([step.gradient_norm for step in steps])
    upper.semilogy(norms, label=label, alpha=0.8)
    lower.semilogy(losses, label=label, alpha=0.8)
    print(f"{label}: longest gradient {norms.max():,.0f}, median {np.median(norms):.2f}, "
          f"highest loss {losses.max():,.1f}, mean of the last fifty {losses[-50:].mean():.2f}")
upper.set(ylabel="gradient's length")
lower.set(ylabel="loss", xlabel="step")
lower.legend()
plt.show()
