"""Batch normalization by hand: read it from top to bottom, with a pencil.

A mini-batch of 4 examples with 3 features goes through a linear layer, a ReLU and batch
normalization. At the end the library computes the same in one line.
"""

import numpy as np

import evenly as ev

# A mini-batch: a row for each example, a column for each feature.
x = np.array([[2.0, 3.0, 3.0],
              [8.0, -2.0, 5.0],
              [2.0, 3.0, 5.0],
              [-2.0, -4.0, 0.0]])

# The linear layer: each row times the kernel, plus the bias.
kernel = np.array([[1.0, 0.0, 1.0],
                   [0.0, 1.0, 0.0],
                   [0.0, 0.0, 1.0]])
bias = np.array([0.0, 1.0, 1.0])
linear = x @ kernel + bias
print("linear layer\n", linear)

# ReLU: what is negative becomes 0.
y = np.maximum(linear, 0)
print("ReLU\n", y)

# Each feature by itself, over the batch: sum, mean, variance, standard deviation.
n = len(y)
total = y.sum(axis=0)
mean = total / n
shifted = y - mean
variance = (shifted**2).sum(axis=0) / n  # divided by n, not by n - 1
deviation = np.sqrt(variance)
print("sum", total, " mean", mean, " variance", variance, " deviation", deviation)

# Shift to mean 0, scale to variance 1.
normalized = shifted / deviation
print("normalized\n", normalized.round(3))
assert np.allclose(normalized.mean(axis=0), 0)
assert np.allclose(normalized.var(axis=0), 1)

# Scale and shift, by a matrix whose diagonal and last column are trained. It multiplies each
# example as a column with a 1 written below it.
scale_and_shift = np.array([[2.0, 0.0, 0.0, 1.0],
                            [0.0, -1.0, 0.0, 0.0],
                            [0.0, 0.0, 3.0, -2.0]])
with_ones = np.hstack([normalized, np.ones((n, 1))])
result = (scale_and_shift @ with_ones.T).T
print("scaled and shifted\n", result.round(3))

# The library: the diagonal is called gamma, the last column beta.
net = ev.Sequential([ev.Dense(3), ev.ReLU(), ev.BatchNorm(epsilon=0.0, decay=0.5)])
weights = {"dense_1.kernel": kernel, "dense_1.bias": bias,
           "batch_norm_1.gamma": np.diag(scale_and_shift), "batch_norm_1.beta":
           scale_and_shift[:, -1]}
work = ev.show_work(net, x, weights=weights)
assert np.allclose(work["batch_norm_1.y"].floats, result)

# Every step with its formula, and the formula with the numbers put in.
print(work.text())

# At test time there is no batch: running averages stand in for its statistics. They begin at mean 0
# and variance 1, and go half of the way to each batch's (decay 1/2).
running_mean = 0.5 * 0 + 0.5 * mean
running_variance = 0.5 * 1 + 0.5 * variance * n / (n - 1)  # here divided by n - 1
assert np.allclose(work["batch_norm_1.running_mean"].floats, running_mean)
assert np.allclose(work["batch_norm_1.running_variance"].floats, running_variance)
new = np.array([[3.0, 1.0, 0.0]])
seen = np.maximum(new @ kernel + bias, 0)
tested = np.diag(scale_and_shift) * (seen - running_mean) / np.sqrt(running_variance) \
    + scale_and_shift[:, -1]
print("a new example, by the running averages", tested.round(3))
