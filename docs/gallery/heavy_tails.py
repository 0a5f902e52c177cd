"""A line through data with a few wild values

You see three lines through the same points: six wild ones pull the line of squares up to them,
those of absolute values and of Huber's loss stay with the many. A square asks a point ten times as
far out for a hundred times the pull; the right picture shows the pulls.
"""

import matplotlib.pyplot as plt
import numpy as np

import evenly as ev

rng = np.random.default_rng(0)
x = rng.uniform(-2, 2, (100, 1))
y = 1.5 * x + 0.3 * rng.standard_normal((100, 1))
wild = np.argsort(x.ravel())[-6:]
y[wild] -= 12
LOSSES = {"squares": ev.MeanSquaredError(), "absolute": ev.MeanAbsoluteError(),
          "Huber": ev.Huber(delta=0.5)}

# %%

left, right = plt.subplots(1, 2, width_ratios=(3, 2))[1]
left.plot(x, y, ".", color="0.5")
errors = np.linspace(-5, 5, 201)
for label, loss in LOSSES.items():
    model = ev.fit(ev.Sequential([ev.Dense(1)]), x, y, loss=loss, optimizer=ev.Adam(0.05),
                   schedule=ev.PolynomialDecay(), epochs=60, batch=20, seed=0)
    slope = model.weights["dense_1.kernel"].item()
    ends = np.array([[-2.0], [2.0]])
    left.plot(ends, model.predict(ends), label=label)
    values = [model.evaluate(np.zeros((1, 1)), [[model.predict(np.zeros((1, 1))).item() - error]],
                             ).loss for error in errors]
    right.plot(errors, np.gradient(values, errors), label=label)
    print(f"{label:>8}: slope {slope:.2f} (1.50 without the wild ones)")
left.set(xlabel="x", ylabel="y")
left.legend()
right.set(xlabel="error", ylabel="pull: the loss's slope", ylim=(-4, 4))
plt.show()
