"""Batch normalization in a deep network

You see the loss of twelve sigmoid layers hardly move without batch normalization and fall with it.
The right picture shows why: without it, the outputs of a layer differ less from row to row the
deeper it lies, so that the last layers can hardly tell the digits apart.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

import evenly as ev

x, y = load_digits(return_X_y=True)
x = ev.Standardizer().fit(x).transform(x)
DEPTH = 12


def network(norm):
    layers = []
    for _ in range(DEPTH):
        layers += [ev.Dense(32), *([ev.BatchNorm()] if norm else []), ev.Sigmoid()]
    return ev.Sequential([*layers, ev.Dense(10)])


# %%
# Both networks have the same seed, so the same first weights and the same batches.

left, right = plt.subplots(1, 2)[1]
for norm, label in ((False, "without"), (True, "with batch norm")):
    model = ev.fit(network(norm), x, y, loss=ev.SoftmaxCrossEntropy(), optimizer=ev.Adam(3e-3),
                   epochs=8, batch=64, seed=0)
    left.plot(model.history.column("epoch"), model.history.column("loss"), "o-", label=label)

    spreads = []
    for depth in range(1, DEPTH + 1):
        part = ev.Sequential(network(norm).layers[:depth * (3 if norm else 2)])
        start = ev.Engine(ev.compile(part, x.shape[1:], batch=len(x)), seed=0)
        spreads.append(start.forward(x).std(axis=0).mean())
    right.semilogy(range(1, DEPTH + 1), spreads, "o-", label=label)
    print(f"{label}: accuracy after 8 epochs {model.history[-1].score:.2f}, "
          f"spread in layer {DEPTH} before training {spreads[-1]:.1e}")
left.set(xlabel="epoch", ylabel="loss in training")
right.set(xlabel="layer", ylabel="spread over the rows, untrained")
left.legend()
plt.show()
