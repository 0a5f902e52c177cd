"""A convolutional network on handwritten digits of 8 x 8 pixels.

Needs scikit-learn for the data: pip install 'evenly[study]'
"""

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import evenly as ev

digits = load_digits()
images = digits.images[..., None]  # channels last: (rows, 8, 8, 1)
x_train, x_test, y_train, y_test = train_test_split(
    images, digits.target, test_size=0.25, random_state=0
)
scaler = ev.Standardizer(channels=True).fit(x_train)  # one scale for all pixels of a channel
x_train, x_test = scaler.transform(x_train), scaler.transform(x_test)

net = ev.Sequential([
    ev.Conv2D(16, 3, padding="same"), ev.BatchNorm(), ev.ReLU(), ev.MaxPool2D(2),
    ev.Conv2D(32, 3, padding="same"), ev.BatchNorm(), ev.ReLU(), ev.MaxPool2D(2),
    ev.Flatten(), ev.Dense(64), ev.ReLU(), ev.Dropout(0.2),
    ev.Dense(10),
])
model = ev.fit(net, x_train, y_train, loss=ev.SoftmaxCrossEntropy(), optimizer=ev.Adam(1e-3),
               epochs=15, batch=32, validation=(x_test, y_test), seed=0)
print(f"{model!r}: test accuracy {model.history[-1].validation_score:.3f}")
