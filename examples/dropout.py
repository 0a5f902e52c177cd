"""Dropout and the gradient of the squared error by hand: read it from top to bottom, with a pencil.

A training set of two examples goes through Linear(2, 4), ReLU, Dropout(1/2), Linear(4, 3), ReLU,
Dropout(1/3), Linear(3, 2): forward, loss, backward, and one step of gradient descent. Then the
network sees an example that is new. At the end the library computes the same.
"""

import numpy as np

import evenly as ev

# The training set: a row for each example, and its targets.
x = np.array([[1.0, 2.0],
              [2.0, 3.0]])
target = np.array([[2.0, 4.0],
                   [6.0, 2.0]])

# The weights of the three linear layers; a row for each input, a column for each unit.
kernel_1 = np.array([[2.0, -1.0, 1.0, 1.0],
                     [-1.0, 2.0, -1.0, 1.0]])
bias_1 = np.array([1.0, 0.0, -1.0, -2.0])
kernel_2 = np.array([[1.0, 0.0, -1.0],
                     [0.0, 1.0, 1.0],
                     [-1.0, 1.0, 0.0],
                     [0.0, -1.0, -1.0]])
bias_2 = np.array([0.0, 1.0, 0.0])
kernel_3 = np.array([[1.0, 0.0],
                     [0.0, 1.0],
                     [-1.0, 2.0]])
bias_3 = np.array([1.0, 0.0])

# Random numbers decide what is kept: a unit is dropped where its number is below the rate. Those
# kept are divided by the keep probability 1 - rate. As a matrix that is a diagonal.
rate_1, rate_2 = 1 / 2, 1 / 3
numbers_1 = np.array([0.83, 0.61, 0.24, 0.97])
numbers_2 = np.array([0.52, 0.11, 0.78])
keep_1, keep_2 = numbers_1 >= rate_1, numbers_2 >= rate_2
dropout_1 = np.diag(keep_1 / (1 - rate_1))  # 2 on the diagonal where a unit is kept
dropout_2 = np.diag(keep_2 / (1 - rate_2))  # 3/2
print("dropout matrices\n", dropout_1, "\n", dropout_2)

# Forward.
a_1 = x @ kernel_1 + bias_1
h_1 = np.maximum(a_1, 0) @ dropout_1
a_2 = h_1 @ kernel_2 + bias_2
h_2 = np.maximum(a_2, 0) @ dropout_2
y = h_2 @ kernel_3 + bias_3
print("output\n", y)

# The loss: squared errors, summed over an example's outputs, and the mean over the two examples.
# The gradient of a squared error has a factor 2; the mean divides it by 2 examples.
loss = ((y - target) ** 2).sum() / len(x)
d_y = 2 * (y - target) / len(x)
print("loss", round(loss, 6), "\ngradient on the output\n", d_y)

# Backward, in the opposite order. The same dropout matrices; the ReLU lets through what was
# positive in forward.
d_kernel_3 = h_2.T @ d_y
d_bias_3 = d_y.sum(axis=0)
d_a_2 = (d_y @ kernel_3.T @ dropout_2) * (a_2 > 0)
d_kernel_2 = h_1.T @ d_a_2
d_bias_2 = d_a_2.sum(axis=0)
d_a_1 = (d_a_2 @ kernel_2.T @ dropout_1) * (a_1 > 0)
d_kernel_1 = x.T @ d_a_1
d_bias_1 = d_a_1.sum(axis=0)
print("gradient of the first kernel\n", d_kernel_1)

# The update: a step against the gradient.
rate = 0.05
new = {
    "dense_1.kernel": kernel_1 - rate * d_kernel_1, "dense_1.bias": bias_1 - rate * d_bias_1,
    "dense_2.kernel": kernel_2 - rate * d_kernel_2, "dense_2.bias": bias_2 - rate * d_bias_2,
    "dense_3.kernel": kernel_3 - rate * d_kernel_3, "dense_3.bias": bias_3 - rate * d_bias_3,
}

# Inference: nothing is dropped and nothing is scaled; the dropout matrices are identities.
unseen = np.array([[2.0, 1.0]])
h = np.maximum(unseen @ new["dense_1.kernel"] + new["dense_1.bias"], 0) @ np.eye(4)
h = np.maximum(h @ new["dense_2.kernel"] + new["dense_2.bias"], 0) @ np.eye(3)
predicted = h @ new["dense_3.kernel"] + new["dense_3.bias"]
print("prediction for an example that is new", predicted.round(4))

# The library does the same, with the same masks.
net = ev.Sequential([
    ev.Dense(4), ev.ReLU(), ev.Dropout(rate_1),
    ev.Dense(3), ev.ReLU(), ev.Dropout(rate_2),
    ev.Dense(2),
])
work = ev.show_work(
    net, x, target, loss=ev.MeanSquaredError(reduction="sum"), optimizer=ev.SGD(rate),
    weights={"dense_1.kernel": kernel_1, "dense_1.bias": bias_1, "dense_2.kernel": kernel_2,
             "dense_2.bias": bias_2, "dense_3.kernel": kernel_3, "dense_3.bias": bias_3},
    kept={"dropout_1": np.tile(keep_1, (2, 1)), "dropout_2": np.tile(keep_2, (2, 1))},
    inference=unseen,
)
assert np.allclose(work["dense_3.y"].floats, y)
for name, value in new.items():
    assert np.allclose(work[f"{name}.value"].floats, value)
assert np.allclose(work.phase("inference")[-1].floats, predicted)

# Every step with its formula, and the formula with the numbers put in.
print(work.text())
