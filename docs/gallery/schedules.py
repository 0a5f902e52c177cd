"""Schedules of the learning rate

You see the shapes of five schedules above the losses that they lead to. A constant rate ends on a
noisy floor: its last steps are as long as its first. All that fall in the end come to rest lower.
"""

import matplotlib.pyplot as plt
import numpy as np

import evenly as ev

rng = np.random.default_rng(0)
x = rng.standard_normal((1000, 10))
y = (x @ rng.standard_normal((10, 1))) + 0.5 * rng.standard_normal((1000, 1))
EPOCHS = 30
SCHEDULES = {
    "constant": None,
    "step": ev.StepDecay(every=10, factor=0.2, by="epoch"),
    "cosine": ev.CosineDecay(by="epoch"),
    "warm-up, cosine": ev.LinearWarmup(5, then=ev.CosineDecay(by="epoch"), by="epoch"),
    "restarts": ev.CosineRestarts(10, by="epoch"),
}

# %%
# The best linear rule leaves the noise's own variance, 0.25; what lies above it is the floor.

columns = np.column_stack([x, np.ones(len(x))])
floor = np.linalg.lstsq(columns, y, rcond=None)[1][0] / len(x)
upper, lower = plt.subplots(2, 1, sharex=True, figsize=(7, 4.6))[1]
for label, schedule in SCHEDULES.items():
    model = ev.fit(ev.Sequential([ev.Dense(1)]), x, y, loss=ev.MeanSquaredError(), batch=5,
                   optimizer=ev.SGD(0.05), schedule=schedule, epochs=EPOCHS, validation=(x, y),
                   seed=0)
    epochs = np.arange(1, EPOCHS + 1)
    positions = np.arange(EPOCHS, dtype=float)
    factors = np.ones(EPOCHS) if schedule is None else schedule.factors(positions, EPOCHS)
    upper.plot(epochs, factors)
    above = model.history.column("validation_loss") - floor
    lower.semilogy(epochs, above, label=label)
    print(f"{label:>15}: ends {above[-1]:.1e} above the floor")
upper.set(ylabel="factor of the rate")
lower.set(ylabel="loss above the floor", xlabel="epoch")
lower.legend(ncols=3)
plt.show()
