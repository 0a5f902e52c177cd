"""Probabilities that mean what they say

You see a network that is too sure of itself, its line below the diagonal, and the same network
after calibration, near it: of the answers with 90 %, nine in ten are now right. One number, the
temperature, was fitted on held-out rows; the answers themselves are the same.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split

import evenly as ev
from evenly.estimators import reliability

x, y = make_classification(3000, 20, n_informative=6, flip_y=0.2, random_state=0)
x, x_new, y, y_new = train_test_split(x, y, test_size=2000, random_state=0)

# %%
# Without early stopping a wide network learns the noise in the labels too, and is sure of it.

left, right = plt.subplots(1, 2)[1]
left.plot([0, 1], [0, 1], ":", color="0.5")
for calibrate, label in ((False, "as trained"), (True, "calibrated")):
    net = ev.NetClassifier((64, 64), dropout=0.0, validation=0.2, early_stopping=False,
                           max_epochs=60, calibrate=calibrate, effort="fast", random_state=0)
    sure = net.fit(x, y).predict_proba(x_new)[:, 1]
    told = reliability(y_new, sure, bins=8)
    left.plot(told.predicted, told.observed, "o-", label=label)
    right.hist(sure, bins=20, histtype="step", linewidth=1.5)
    print(f"{label}: off by {told.error:.3f} on average, accuracy {net.score(x_new, y_new):.3f}")
left.set(xlabel="probability that was said", ylabel="share that came true")
right.set(xlabel="probability that was said", ylabel="new rows")
left.legend()
plt.show()
