"""An LSTM that reads handwritten digits from top to bottom, a row of 8 pixels a step.

Of every second digit it sees 6 of the 8 rows alone: sequences of unequal length.
Needs scikit-learn for the data: pip install 'evenly[study]'
"""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import evenly as ev

digits = load_digits()
lengths = np.where(np.arange(len(digits.target)) % 2 == 0, 8, 6)
x_train, x_test, y_train, y_test, n_train, n_test = train_test_split(
    digits.images, digits.target, lengths, test_size=0.25, random_state=0
)
steps_that_count = np.arange(8) < n_train[:, None]
scaler = ev.Standardizer(channels=True).fit(x_train[steps_that_count])
x_train, x_test = scaler.transform(x_train), scaler.transform(x_test)

net = ev.Sequential([ev.LSTM(64), ev.LayerNorm(), ev.Dropout(0.2), ev.Dense(10)])
model = ev.fit(net, x_train, y_train, lengths=n_train, validation=(x_test, y_test, n_test),
               loss=ev.SoftmaxCrossEntropy(), optimizer=ev.Adam(3e-3), clip=ev.ClipGlobalNorm(1.0),
               epochs=15, batch=32, seed=0)
for n in (8, 6):
    some = n_test == n
    right = model.predict(x_test[some], n_test[some]).argmax(axis=1) == y_test[some]
    print(f"test accuracy after {n} rows: {right.mean():.3f}")
