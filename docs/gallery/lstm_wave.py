"""An LSTM that goes on by itself

You see a wave that the network was shown, and how it goes on alone: each value that it says is its
next input. It has learned the sum of two waves from single steps, never more than one ahead.
"""

import matplotlib.pyplot as plt
import numpy as np

import evenly as ev

steps = np.arange(1200)
wave = (np.sin(steps / 5) + 0.5 * np.sin(steps / 17)).astype(np.float32)
WINDOW = 40
windows = np.lib.stride_tricks.sliding_window_view(wave[:900], WINDOW + 1)
x, y = windows[:, :-1, None].copy(), windows[:, -1:].copy()

# %%

net = ev.Sequential([ev.LSTM(32), ev.Dense(1)])
model = ev.fit(net, x, y, loss=ev.MeanSquaredError(), optimizer=ev.Adam(5e-3),
               schedule=ev.CosineDecay(), clip=ev.ClipGlobalNorm(1.0), epochs=30, seed=0)

# %%
# From step 900 on nothing is looked up any more.

seen = list(wave[900 - WINDOW:900])
for _ in range(150):
    last = np.array(seen[-WINDOW:], np.float32)[None, :, None]
    seen.append(model.predict(last).item())
said, true = np.array(seen[WINDOW:]), wave[900:1050]
error = np.sqrt(np.mean((said - true) ** 2))
print(f"150 steps alone: off by {error:.3f}, where the wave's own size is {true.std():.2f}")

axes = plt.subplots()[1]
axes.plot(steps[800:900], wave[800:900], color="0.5", label="shown")
axes.plot(steps[900:1050], true, ":", color="0.5", label="how it goes on")
axes.plot(steps[900:1050], said, color="C1", label="what the network says")
axes.set(xlabel="step", ylabel="value", ylim=(-1.8, 2.3))
axes.legend(ncols=3)
plt.show()
