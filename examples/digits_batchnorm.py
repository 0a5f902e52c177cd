"""Trains the same network with and without batch normalization on handwritten digits.

Needs scikit-learn for the data: pip install 'evenly[study]'
"""

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import evenly as ev

x, y = load_digits(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.25, random_state=0)
scaler = ev.Standardizer().fit(x_train)  # the training set alone
x_train, x_test = scaler.transform(x_train), scaler.transform(x_test)

plain = ev.Sequential([ev.Dense(64), ev.ReLU(), ev.Dense(64), ev.ReLU(), ev.Dense(10)])
normed = ev.Sequential([
    ev.Dense(64), ev.BatchNorm(), ev.ReLU(),
    ev.Dense(64), ev.BatchNorm(), ev.ReLU(),
    ev.Dense(10),
])

for name, net in {"plain": plain, "batch norm": normed}.items():
    model = ev.fit(net, x_train, y_train, loss=ev.SoftmaxCrossEntropy(), optimizer=ev.SGD(0.1),
                   epochs=5, batch=32, validation=(x_test, y_test), seed=0)
    scores = " ".join(f"{score:.3f}" for score in model.history.column("validation_score"))
    print(f"{name:10}  test accuracy after each epoch: {scores}")
