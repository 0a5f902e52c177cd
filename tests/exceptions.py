"""What fails in a worker process, for test_exceptions.py: workers import it by name."""

import numpy as np

import evenly as ev

X = np.random.default_rng(0).standard_normal((40, 3))
Y = (X[:, 0] > 0).astype(int)
WILD = ev.SGD(1e30)
LOSS = ev.SoftmaxCrossEntropy()


def diverge(number=0):
    net = ev.Sequential([ev.Dense(4), ev.ReLU(), ev.Dense(2)])
    ev.fit(net, X, Y, loss=LOSS, optimizer=WILD, epochs=9, threads=1)


def diverge_with_own_layer(number=0):
    """A layer that no other process knows: the model cannot be pickled, the rest can."""

    class Own(ev.ReLU):
        pass

    net = ev.Sequential([ev.Dense(4), Own(), ev.Dense(2)])
    ev.fit(net, X, Y, loss=LOSS, optimizer=WILD, epochs=9, threads=1)
