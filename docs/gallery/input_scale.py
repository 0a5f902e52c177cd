"""Why inputs are put on one scale

You see the cost of a linear neuron as rings: long and thin with the inputs as they come, round
once they are standardized. The rate must suit the steepest direction, so in the thin valley the
other one is hardly walked at all. How thin it is, the condition number says.
"""

import matplotlib.pyplot as plt
import numpy as np

import evenly as ev

rng = np.random.default_rng(0)
raw = np.column_stack([rng.normal(0, 1, 200), rng.normal(0, 12, 200)])   # metres, and decimetres
y = raw @ [[1.5], [-0.1]] + 0.1 * rng.standard_normal((200, 1))
PANELS = {"as they come": raw, "standardized": ev.Standardizer().fit(raw).transform(raw)}

# %%
# Gradient descent on the whole set, at nine tenths of the largest rate that does not diverge.

axes = plt.subplots(1, 2)[1]
for (label, x), panel in zip(PANELS.items(), axes, strict=True):
    curvatures = np.linalg.eigvalsh(2 * x.T @ x / len(x))
    program = ev.compile(ev.Sequential([ev.Dense(1, bias=False, kernel_init=ev.Zeros())]), 2,
                         len(x), ev.MeanSquaredError(), optimizer=ev.SGD(1.8 / curvatures[-1]))
    engine = ev.Engine(program)
    path = [engine.arrays["dense_1.kernel"].ravel().copy()]
    for _ in range(25):
        engine.step(x, y)
        path.append(engine.arrays["dense_1.kernel"].ravel().copy())
    path = np.array(path)
    goal = np.linalg.lstsq(x, y, rcond=None)[0].ravel()
    reach = 1.3 * np.abs(path - goal).max()
    u, v = np.meshgrid(*(np.linspace(end - reach, end + reach, 200) for end in goal))
    cost = ((np.stack([u, v], axis=-1) @ x.T - y.ravel()) ** 2).mean(axis=-1)
    panel.contour(u, v, cost - cost.min(), levels=np.geomspace(2e-4, 1, 9) * np.ptp(cost),
                  colors="0.8", linewidths=0.8)
    panel.plot(*path.T, ".-", linewidth=1)
    panel.plot(*goal, "*", color="C1", markersize=12)
    condition = curvatures[-1] / curvatures[0]
    panel.set(title=f"{label}: condition {condition:.0f}", xlabel="weight 1", ylabel="weight 2",
              aspect="equal")
    left = np.linalg.norm(path[-1] - goal) / np.linalg.norm(path[0] - goal)
    print(f"{label}: condition {condition:.1f}, {left:.1%} of the way is left after 25 steps")
plt.show()
