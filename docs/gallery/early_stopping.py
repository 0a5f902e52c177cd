"""Stopping early, and which epoch is kept

You see the validation loss turn while the training loss goes on falling; the line marks the epoch
whose weights the model has in the end. Training went on for as many epochs as `patience` says, and
then back.
"""

import matplotlib.pyplot as plt
import numpy as np

import evenly as ev

rng = np.random.default_rng(1)
x = rng.standard_normal((300, 20))
y = (x[:, :2].sum(axis=1) + 0.8 * rng.standard_normal(300) > 0).astype(int)
net = ev.Sequential([ev.Dense(64), ev.ReLU(), ev.Dense(64), ev.ReLU(), ev.Dense(2)])

# %%

model = ev.fit(net, x, y, loss=ev.SoftmaxCrossEntropy(), optimizer=ev.Adam(1e-3), epochs=200,
               validation=0.3, early_stopping=ev.EarlyStopping(patience=10), seed=0)
history = model.history
axes = plt.subplots()[1]
axes.plot(history.column("epoch"), history.column("loss"), label="training")
axes.plot(history.column("epoch"), history.column("validation_loss"), label="validation")
axes.axvline(history.best_epoch, color="C2", linestyle=":", label="kept")
axes.set(xlabel="epoch", ylabel="loss")
axes.legend()
plt.show()
kept = history[history.best_epoch - 1]
print(f"stopped by {history.stopped} after epoch {len(history)}; kept epoch {kept.epoch}, with "
      f"{kept.validation_loss:.2f} where the last has {history[-1].validation_loss:.2f}")
