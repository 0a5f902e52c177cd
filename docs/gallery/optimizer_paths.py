"""Four optimizers in a narrow valley

You see the paths that four rules take from the same point: plain descent bounces from wall to
wall, momentum swings through, RMSprop goes along the diagonal, since it divides each direction by
its own size, and Adam does both. The valley is fifty times as steep across as along.
"""

import matplotlib.pyplot as plt
import numpy as np

import evenly as ev

STEEP = np.array([1.0, 50.0])
RULES = {"SGD": ev.SGD(0.037), "momentum": ev.Momentum(0.012), "RMSprop": ev.RMSprop(0.08),
         "Adam": ev.Adam(0.3)}

# %%
# An optimizer is a value with its rule as a method: `update` gives the new value and the new state.

axes = plt.subplots(1, 4, sharey=True, figsize=(9, 2.8))[1]
ground = np.meshgrid(np.linspace(-4.5, 1.5, 80), np.linspace(-1.6, 1.6, 80))
height = sum(steep * part**2 / 2 for steep, part in zip(STEEP, ground, strict=True))
for (label, rule), panel in zip(RULES.items(), axes, strict=True):
    place, state = np.array([-4.0, 1.2]), tuple(np.zeros(2) for _ in rule.states)
    path = [place]
    for step in range(60):
        place, state = rule.update(place, STEEP * place, state, ev.Run(True, step=step))
        path.append(place)
    path = np.array(path)
    panel.contour(*ground, height, levels=np.geomspace(0.1, 60, 9), colors="0.8", linewidths=0.8)
    panel.plot(*path.T, ".-", markersize=4, linewidth=1)
    panel.plot(0, 0, "*", color="C1", markersize=10)
    panel.set(title=label, xlabel="along", xlim=(-4.5, 1.5), ylim=(-1.6, 1.6))
    print(f"{label:>8}: after 60 steps {np.linalg.norm(path[-1]):.3f} from the lowest point")
axes[0].set_ylabel("across")
plt.show()
