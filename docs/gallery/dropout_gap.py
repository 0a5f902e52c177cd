"""Dropout, and labels learned by heart

You see the loss on new rows rise without dropout and stay low with it, on digits of which every
fifth has a wrong label. The network is wide and the rows are few: without help it learns the wrong
labels too, as the loss on the rows of training tells.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import evenly as ev

x, y = load_digits(return_X_y=True)
x = ev.Standardizer().fit(x[:600]).transform(x)
wrong = np.random.default_rng(0).random(600) < 0.2
y[:600][wrong] = (y[:600][wrong] + 5) % 10
few, new = (x[:600], y[:600]), (x[600:], y[600:])

# %%
# The loss in training is measured with dropout on. For a fair gap both sets are evaluated with it
# off after each epoch, as `validation=` does: the same training twice, to the bit.

axes = plt.subplots(1, 2, sharey=True)[1]
for rate, panel in zip((0.0, 0.5), axes, strict=True):
    net = ev.Sequential([ev.Dense(128), ev.ReLU(), ev.Dropout(rate),
                         ev.Dense(128), ev.ReLU(), ev.Dropout(rate), ev.Dense(10)])
    ends = []
    for rows, label in ((few, "rows of training"), (new, "new rows")):
        model = ev.fit(net, *few, validation=rows, loss=ev.SoftmaxCrossEntropy(),
                       optimizer=ev.Adam(2e-3), epochs=30, batch=32, seed=0)
        losses = model.history.column("validation_loss")
        panel.plot(model.history.column("epoch"), losses, label=label)
        ends.append(losses[-1])
    panel.set(title=f"dropout {rate}", xlabel="epoch", ylim=(0, 3))
    print(f"dropout {rate}: loss {ends[0]:.2f} on rows of training, {ends[1]:.2f} on new ones, "
          f"{model.history[-1].validation_score:.0%} of them right")
axes[0].set_ylabel("loss, dropout off")
axes[0].legend()
plt.show()
