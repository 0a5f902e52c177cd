"""A class of three in a hundred

You see what a class weight buys and what it costs: as the rare class counts more, more of it is
found, and more of the others are taken for it. Accuracy, which is what one looks at first, says
nothing of it.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_classification
from sklearn.metrics import precision_score, recall_score
from sklearn.model_selection import train_test_split

import evenly as ev

x, y = make_classification(4000, 10, n_informative=4, weights=[0.97], flip_y=0.01,
                           class_sep=0.6, random_state=3)
x, x_new, y, y_new = train_test_split(x, y, test_size=0.5, stratify=y, random_state=0)
net = ev.Sequential([ev.Dense(32), ev.ReLU(), ev.Dense(2)])

# %%

weights = [1, 3, 10, 30, 100]
found, right, accuracy = [], [], []
for weight in weights:
    model = ev.fit(net, x, y, loss=ev.SoftmaxCrossEntropy(class_weights=(1.0, weight)),
                   optimizer=ev.Adam(5e-3), epochs=12, batch=64, seed=0)
    answers = model.predict(x_new).argmax(axis=1)
    found.append(recall_score(y_new, answers))
    right.append(precision_score(y_new, answers))
    accuracy.append((answers == y_new).mean())
    print(f"weight {weight:>3}: finds {found[-1]:.0%} of the rare class, of those it names "
          f"{right[-1]:.0%} are, accuracy {accuracy[-1]:.0%}")

axes = plt.subplots()[1]
axes.semilogx(weights, found, "o-", label="of the rare class, found")
axes.semilogx(weights, right, "o-", label="of those named rare, rare")
axes.semilogx(weights, accuracy, "o:", label="accuracy")
axes.axhline(np.mean(y_new == 0), color="0.5", linewidth=0.8)
axes.text(100, np.mean(y_new == 0) - 0.01, "accuracy of never saying it", va="top", ha="right",
          color="0.4")
axes.set(xlabel="weight of the rare class", ylabel="share", ylim=(0, 1.02))
axes.legend()
plt.show()
