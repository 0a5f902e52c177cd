"""Finding a learning rate in one short run

You see the loss of one training whose rate grows with every step: it lies flat, falls, and
explodes. The steepest part of the fall is a good rate to start from, and the edge is where not to
go. The right picture checks it with three trainings.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import evenly as ev

x, y = load_digits(return_X_y=True)
x = ev.Standardizer().fit(x).transform(x).astype(np.float32)
net = ev.Sequential([ev.Dense(64), ev.BatchNorm(), ev.ReLU(), ev.Dense(10)])

# %%
# `Engine.train` is one pass over the data and takes a rate for each step. Batches of 16 make 112
# steps of it.

rates = np.geomspace(1e-4, 30, 112)
program = ev.compile(net, 64, 16, ev.SoftmaxCrossEntropy(), optimizer=ev.SGD(1.0))
engine = ev.Engine(program, seed=0)
order = np.random.default_rng(0).permutation(len(x))[:16 * len(rates)]
passes = engine.train(engine.rows(x), engine.targets(y), order, 16, rates=rates)
losses = np.concatenate([records[:, 0] for records in passes])
smooth = np.convolve(losses, np.ones(9) / 9, mode="valid")
middle = rates[4:-4]
steepest = middle[np.gradient(smooth, np.log(middle))[:smooth.argmin()].argmin()]
print(f"steepest fall at {steepest:.2f}, lowest at {middle[smooth.argmin()]:.2f}")

left, right = plt.subplots(1, 2)[1]
left.semilogx(rates, losses, ".", alpha=0.4)
left.semilogx(middle, smooth)
left.axvline(steepest, color="C2", linestyle=":", label=f"steepest: {steepest:.2f}")
left.set(xlabel="learning rate", ylabel="loss of the step", ylim=(0, 8))
left.legend()

# %%
# A hundredth of it wastes time; a hundred times as much learns little or nothing.

for factor in (0.01, 1, 100):
    model = ev.fit(net, x, y, loss=ev.SoftmaxCrossEntropy(), optimizer=ev.SGD(steepest * factor),
                   epochs=5, batch=16, seed=0)
    right.plot(range(1, 6), model.history.column("loss"), "o-", label=f"{steepest * factor:.3g}")
    print(f"rate {steepest * factor:.3g}: accuracy {model.history[-1].score:.2f}")
right.set(xlabel="epoch", ylabel="loss", ylim=(0, 4))
right.legend(title="learning rate")
plt.show()
