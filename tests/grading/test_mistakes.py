"""Every mistake of the catalogue, made with NumPy alone, is called by its name."""

import numpy as np
import pytest

from evenly.exercises import CATALOGUE, exercise
from evenly.grading import MISTAKES, grade
from tests.grading.scenarios import WORKS, Numbers, answer, exercise_of, scenario, whole
from tests.grading.test_mistakes_in_topics import ROWS as IN_TOPICS
from tests.grading.test_mistakes_of_experiments import ROWS as OF_EXPERIMENTS
from tests.grading.test_mistakes_of_fronts import ROWS as OF_FRONTS

pytestmark = pytest.mark.sweep

B, L, R = "batch_norm_1.", "layer_norm_1.", "rms_norm_1."
D, K = "dense_1.", "dense_1.kernel."
root = np.sqrt


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def correlated(x, kernel, stride=1):
    """The plain correlation of one image, (size, size)."""
    n, k = x.shape[0], kernel.shape[0]
    return np.array([[(x[i : i + k, j : j + k] * kernel).sum() for j in range(0, n - k + 1, stride)]
                     for i in range(0, n - k + 1, stride)])


def image(v):
    return v["x"][0, ..., 0]


def kernel(v):
    return v["conv2d_1.kernel"][..., 0, 0]


def blocks(x):
    """(2, 2) windows of a (4, 4) image: (2, 2, 4)."""
    return x.reshape(2, 2, 2, 2).transpose(0, 2, 1, 3).reshape(2, 2, 4)


def spread(d):
    return np.repeat(np.repeat(d, 2, 0), 2, 1)


def corner(small, size):
    """In the upper left corner, blanks elsewhere."""
    made = np.full((size, size), np.nan)
    made[: small.shape[0], : small.shape[1]] = small
    return made


# name, scenario, step, what is written
ROWS = [
    ("divided by n - 1", "bn", B + "variance", lambda v: v["x"].var(0, ddof=1)),
    ("squares not averaged", "bn", B + "variance", lambda v: 4 * v["x"].var(0)),
    ("squares not averaged", "rms", R + "mean_square", lambda v: (v["x"] ** 2).sum(1)),
    ("forgot to square", "bn", B + "variance", lambda v: abs(v["x"] - v["x"].mean(0)).mean(0)),
    ("forgot to square", "rms", R + "mean_square", lambda v: v["x"].mean(1)),
    ("mean not subtracted before squaring", "bn", B + "variance",
     lambda v: (v["x"] ** 2).mean(0)),
    ("squared after averaging", "bn", B + "variance", lambda v: v["x"].mean(0) ** 2),
    ("variance in place of its root", "bn", B + "deviation", lambda v: v["x"].var(0)),
    ("forgot epsilon", "bn", B + "deviation", lambda v: v["x"].std(0)),
    ("forgot epsilon", "rms", R + "root", lambda v: root((v["x"] ** 2).mean(1))),
    ("epsilon outside the root", "ln", L + "deviation", lambda v: v["x"].std(1) + 0.25),
    ("sum not divided", "bn", B + "mean", lambda v: v["x"].sum(0)),
    ("divided by the wrong count", "bn", B + "mean", lambda v: v["x"].sum(0) / 3),
    ("axis mixed up", "bn", B + "centred", lambda v: v["x"] - v["x"].mean(1, keepdims=True)),
    ("axis mixed up", "ln", L + "x_hat",
     lambda v: (v["x"] - v["x"].mean(0)) / root(v["x"].var(0) + 0.25)),
    ("axis mixed up", "rms", R + "x_hat",
     lambda v: v["x"] / root((v["x"] ** 2).mean(0) + 0.25)),
    ("mean not subtracted", "bn", B + "centred", lambda v: v["x"]),
    ("mean not subtracted", "ln", L + "x_hat",
     lambda v: v["x"] / root(v["x"].var(1, keepdims=True) + 0.25)),
    ("mean minus x", "bn", B + "centred", lambda v: v["x"].mean(0) - v["x"]),
    ("divided by the variance", "bn", B + "x_hat",
     lambda v: (v["x"] - v["x"].mean(0)) / v["x"].var(0)),
    ("not divided by the deviation", "bn", B + "x_hat", lambda v: v["x"] - v["x"].mean(0)),
    ("multiplied by the deviation", "bn", B + "x_hat",
     lambda v: (v["x"] - v["x"].mean(0)) * root(v["x"].var(0) + 0.25)),
    ("gamma and beta swapped", "bn", B + "y",
     lambda v: v[B + "x_hat"] * v[B + "beta"] + v[B + "gamma"]),
    ("beta forgotten", "bn", B + "y", lambda v: v[B + "x_hat"] * v[B + "gamma"]),
    ("gamma forgotten", "bn", B + "y", lambda v: v[B + "x_hat"] + v[B + "beta"]),
    ("shifted before scaling", "bn", B + "y",
     lambda v: (v[B + "x_hat"] + v[B + "beta"]) * v[B + "gamma"]),
    ("scaled what was not normalized", "bn", B + "y",
     lambda v: v["x"] * v[B + "gamma"] + v[B + "beta"]),
    ("batch statistics at test time", "bn", f"inference: {B}x_hat",
     lambda v: (v["x (2)"] - v["x"].mean(0)) / root(v["x"].var(0) + 0.25)),
    ("batch statistics at test time", "bn", f"inference: {B}x_hat",
     lambda v: (v["x (2)"] - v["x (2)"].mean(0)) / v["x (2)"].std(0)),
    ("old running averages at test time", "bn", f"inference: {B}x_hat",
     lambda v: (v["x (2)"] - v[f"given: {B}running_mean"])
     / root(v[f"given: {B}running_variance"] + 0.25)),
    ("running averages in training", "bn", B + "x_hat",
     lambda v: (v["x"] - v[f"given: {B}running_mean"])
     / root(v[f"given: {B}running_variance"] + 0.25)),
    ("decay swapped", "bn", B + "running_mean",
     lambda v: 0.25 * v[f"given: {B}running_mean"] + 0.75 * v["x"].mean(0)),
    ("decay swapped", "bn", B + "running_variance",
     lambda v: 0.25 * v[f"given: {B}running_variance"] + 0.75 * v["x"].var(0, ddof=1)),
    ("n instead of n - 1 in the running variance", "bn", B + "running_variance",
     lambda v: 0.75 * v[f"given: {B}running_variance"] + 0.25 * v["x"].var(0)),
    ("running average not updated", "bn", B + "running_mean",
     lambda v: v[f"given: {B}running_mean"]),
    ("old running average forgotten", "bn", B + "running_mean", lambda v: 0.25 * v["x"].mean(0)),
    ("deviation in the running variance", "bn", B + "running_variance",
     lambda v: 0.75 * v[f"given: {B}running_variance"]
     + 0.25 * root(v["x"].var(0) + 0.25)),
    ("x_hat missing in d_gamma", "bn", B + "d_gamma", lambda v: v["d_y"].sum(0)),
    ("mean instead of sum in the gradient", "bn", B + "d_beta", lambda v: v["d_y"].mean(0)),
    ("x in place of x_hat in d_gamma", "bn", B + "d_gamma", lambda v: (v["d_y"] * v["x"]).sum(0)),
    ("x_hat in d_beta", "bn", B + "d_beta", lambda v: (v["d_y"] * v[B + "x_hat"]).sum(0)),
    ("gamma forgotten backward", "bn", B + "d_x_hat", lambda v: v["d_y"]),
    ("statistics taken for constants", "bn", B + "d_x",
     lambda v: v[B + "d_x_hat"] / v[B + "deviation"]),
    ("the mean's part of the gradient forgotten", "bn", B + "d_x",
     lambda v: (v[B + "d_x_hat"] - v[B + "x_hat"]
                * (v[B + "d_x_hat"] * v[B + "x_hat"]).mean(0)) / v[B + "deviation"]),
    ("the variance's part of the gradient forgotten", "ln", L + "d_x",
     lambda v: (v[L + "d_x_hat"] - v[L + "d_x_hat"].mean(1, keepdims=True)) / v[L + "deviation"]),
    ("gradient not divided by the deviation", "bn", B + "d_x",
     lambda v: v[B + "d_x_hat"] - v[B + "d_x_hat"].mean(0) - v[B + "x_hat"]
     * (v[B + "d_x_hat"] * v[B + "x_hat"]).mean(0)),
    # Linear
    ("bias forgotten", "net", D + "y", lambda v: v["x"] @ v[D + "kernel"]),
    ("bias forgotten", "conv", "conv2d_1.y",
     lambda v: correlated(image(v), kernel(v))[None, ..., None]),
    ("bias subtracted", "net", D + "y", lambda v: v["x"] @ v[D + "kernel"] - v[D + "bias"]),
    ("kernel transposed", "net", D + "y", lambda v: v["x"] @ v[D + "kernel"].T + v[D + "bias"]),
    ("elementwise product", "net", D + "product", lambda v: v["x"] * v[D + "kernel"]),
    ("gradient of the kernel transposed", "net", D + "d_kernel", lambda v: v["relu_1.d_x"].T
     @ v["x"]),
    ("x not transposed in d_kernel", "net", D + "d_kernel", lambda v: v["x"] @ v["relu_1.d_x"]),
    ("mean instead of sum in a weight's gradient", "net", D + "d_bias",
     lambda v: v["relu_1.d_x"].mean(0)),
    ("mean instead of sum in a weight's gradient", "net", D + "d_kernel",
     lambda v: v["x"].T @ v["relu_1.d_x"] / 3),
    ("d_bias over the wrong axis", "net", D + "d_bias", lambda v: v["relu_1.d_x"].sum(1)),
    ("kernel not transposed backward", "net", D + "d_x",
     lambda v: v["relu_1.d_x"] @ v[D + "kernel"]),
    # Activations
    ("ReLU not applied", "net", "relu_1.y", lambda v: v[D + "y"]),
    ("absolute value for ReLU", "net", "relu_1.y", lambda v: abs(v[D + "y"])),
    ("ReLU turned round", "net", "relu_1.y", lambda v: np.minimum(v[D + "y"], 0)),
    ("ReLU mask forgotten", "net", "relu_1.d_x", lambda v: v["dropout_1.d_x"]),
    ("ReLU mask of the gradient", "net", "relu_1.d_x",
     lambda v: np.maximum(v["dropout_1.d_x"], 0)),
    ("ReLU mask turned round", "net", "relu_1.d_x", lambda v: v["dropout_1.d_x"]
     * (v[D + "y"] <= 0)),
    ("multiplied by the output of ReLU", "net", "relu_1.d_x", lambda v: v["dropout_1.d_x"]
     * np.maximum(v[D + "y"], 0)),
    ("leaky slope on the positive side", "leaky", "leaky_relu_1.y",
     lambda v: np.where(v["x"] > 0, v["x"] / 4, v["x"])),
    ("leaky slope on the positive side", "leaky", "leaky_relu_1.d_x",
     lambda v: np.where(v["x"] > 0, v["d_y"] / 4, v["d_y"])),
    ("leaky slope forgotten", "leaky", "leaky_relu_1.y", lambda v: np.maximum(v["x"], 0)),
    ("sign in the sigmoid", "sigmoid", "sigmoid_1.y", lambda v: sigmoid(-v["x"])),
    ("tanh for sigmoid", "sigmoid", "sigmoid_1.y", lambda v: np.tanh(v["x"])),
    ("tanh for sigmoid", "lstm", "lstm_1.f (2)", lambda v: np.tanh(v["lstm_1.a (2)"][:, 2:4])),
    ("sigmoid for tanh", "tanh", "tanh_1.y", lambda v: sigmoid(v["x"])),
    ("sigmoid for tanh", "lstm", "lstm_1.g", lambda v: sigmoid(v["lstm_1.a"][:, 4:6])),
    ("sigmoid's slope incomplete", "sigmoid", "sigmoid_1.d_x",
     lambda v: v["d_y"] * sigmoid(v["x"])),
    ("tanh's slope incomplete", "tanh", "tanh_1.d_x", lambda v: v["d_y"] * (1 - np.tanh(v["x"]))),
    ("slope of the activation forgotten", "tanh", "tanh_1.d_x", lambda v: v["d_y"]),
    # Dropout
    ("1/keep missing", "net", "dropout_1.mask", lambda v: v["dropout_1.mask"] > 0),
    ("1/keep missing", "net", "dropout_1.y", lambda v: v["relu_1.y"] * (v["dropout_1.mask"] > 0)),
    ("keep and drop probability swapped", "net", "dropout_1.mask",
     lambda v: (v["dropout_1.mask"] > 0) / 0.25),
    ("kept what is dropped", "net", "dropout_1.mask", lambda v: (v["dropout_1.mask"] == 0) / 0.75),
    ("multiplied by keep", "net", "dropout_1.mask", lambda v: (v["dropout_1.mask"] > 0) * 0.75),
    ("dropout not applied", "net", "dropout_1.y", lambda v: v["relu_1.y"]),
    ("mask not applied backward", "net", "dropout_1.d_x", lambda v: v["d_y"]),
    ("dropout at test time", "dropped", f"inference: {D}product",
     lambda v: v["x (2)"] @ v[D + "kernel"] * 0.75),
    ("not scaled at test time", "classic", "inference: dropout_1.y", lambda v: v["x (2)"]),
    ("scaled by the rate at test time", "classic", "inference: dropout_1.y",
     lambda v: v["x (2)"] * 0.25),
    # Convolution and pooling
    ("kernel flipped", "conv", "conv2d_1.product",
     lambda v: correlated(image(v), kernel(v)[::-1, ::-1])[None, ..., None]),
    ("stride ignored", "strided", "conv2d_1.product",
     lambda v: correlated(np.pad(image(v), 1), kernel(v))[:3, :3]),
    ("padding forgotten", "padded", "conv2d_1.product",
     lambda v: corner(correlated(image(v), kernel(v)), 5)),
    ("padded with the edge", "padded", "conv2d_1.product",
     lambda v: correlated(np.pad(image(v), 1, mode="edge"), kernel(v))),
    ("average instead of maximum", "max", "max_pool2d_1.y", lambda v: blocks(image(v)).mean(-1)),
    ("maximum instead of average", "average", "average_pool2d_1.y",
     lambda v: blocks(image(v)).max(-1)),
    ("maximum instead of average", "average", "average_pool2d_1.total",
     lambda v: blocks(image(v)).max(-1)),
    ("window not divided", "average", "average_pool2d_1.y", lambda v: blocks(image(v)).sum(-1)),
    ("gradient of max pooling spread", "max", "max_pool2d_1.d_x",
     lambda v: spread(v["d_y"][0, ..., 0]) / 4),
    ("gradient of average pooling not divided", "average", "average_pool2d_1.d_x",
     lambda v: spread(v["d_y"][0, ..., 0])),
    # Recurrent
    ("recurrent part forgotten", "rnn", "rnn_1.a (2)",
     lambda v: v["x"][:, 1] @ v["rnn_1.input_kernel"] + v["rnn_1.bias"]),
    ("activation forgotten", "rnn", "rnn_1.h", lambda v: v["rnn_1.a"]),
    ("forget and input gate swapped", "lstm", "lstm_1.c (2)",
     lambda v: v["lstm_1.i (2)"] * v["lstm_1.c"] + v["lstm_1.f (2)"] * v["lstm_1.g (2)"]),
    ("old cell forgotten", "lstm", "lstm_1.c (2)",
     lambda v: v["lstm_1.i (2)"] * v["lstm_1.g (2)"]),
    ("gate forgotten", "lstm", "lstm_1.c (2)",
     lambda v: v["lstm_1.f (2)"] * v["lstm_1.c"] + v["lstm_1.g (2)"]),
    ("tanh of the cell forgotten", "lstm", "lstm_1.h (2)",
     lambda v: v["lstm_1.o (2)"] * v["lstm_1.c (2)"]),
    ("output gate forgotten", "lstm", "lstm_1.h", lambda v: np.tanh(v["lstm_1.c"])),
    ("z and 1 - z swapped", "gru", "gru_1.h (2)",
     lambda v: v["gru_1.z (2)"] * v["gru_1.n (2)"] + (1 - v["gru_1.z (2)"]) * v["gru_1.h"]),
    ("reset gate forgotten", "gru", "gru_1.n (2)",
     lambda v: np.tanh(v["x"][:, 1] @ v["gru_1.input_kernel"][:, 4:] + v["gru_1.bias"][4:]
                       + v["gru_1.inner (2)"])),
    # Losses
    ("softmax without normalizing", "softmax", "softmax_1.y",
     lambda v: np.exp(v["x"] - v["x"].max(1, keepdims=True))),
    ("softmax over the wrong axis", "ce", "y_hat", lambda v: v["powers"] / v["powers"].sum(0)),
    ("softmax without the exponential", "ce", "y_hat",
     lambda v: v[D + "y"] / v[D + "y"].sum(1, keepdims=True)),
    ("maximum not subtracted", "ce", "powers", lambda v: np.exp(v[D + "y"])),
    ("cross-entropy of the wrong class", "ce", "losses",
     lambda v: -np.log(v["y_hat"][range(4), [1, 0, 2, 0]])),
    ("minus sign of the logarithm missing", "ce", "losses",
     lambda v: np.log(v["y_hat"][range(4), [0, 2, 1, 2]])),
    ("logarithm missing", "ce", "losses", lambda v: v["y_hat"][range(4), [0, 2, 1, 2]]),
    ("another logarithm", "ce", "losses",
     lambda v: -np.log10(v["y_hat"][range(4), [0, 2, 1, 2]])),
    ("all classes in the loss", "ce", "losses", lambda v: -np.log(v["y_hat"]).sum(1)),
    ("binary cross-entropy: second half forgotten", "bce", "losses",
     lambda v: -(v["target"] * np.log(v["p"]))[:, 0]),
    ("binary cross-entropy: targets swapped", "bce", "elements",
     lambda v: -np.where(v["target"] == 1, np.log(1 - v["p"]), np.log(v["p"]))),
    ("error with its sign reversed", "mse", "error", lambda v: v["target"] - v[D + "y"]),
    ("error not squared", "mse", "elements", lambda v: abs(v["error"])),
    ("halved squares", "mse", "elements", lambda v: v["error"] ** 2 / 2),
    ("loss added up, not averaged", "mse", "loss", lambda v: (v["error"] ** 2).sum()),
    ("factor 2 missing", "mse", "d_scores", lambda v: v["error"] / 5),
    ("gradient not divided by the batch", "mse", "d_scores", lambda v: 2 * v["error"]),
    ("gradient divided by the batch twice", "mse", "d_scores", lambda v: 2 * v["error"] / 25),
    ("target not subtracted", "ce", "d_scores", lambda v: v["y_hat"] / 4),
    ("sign of the gradient reversed", "ce", "d_scores", lambda v: (v["y"] - v["y_hat"]) / 4),
    ("sign of the gradient reversed", "net", D + "d_bias", lambda v: -v["relu_1.d_x"].sum(0)),
    # Updates
    ("1 - beta missing", "average_momentum", K + "velocity",
     lambda v: 0.75 * v[f"given: {K}velocity"] + v[D + "d_kernel"]),
    ("average in place of a sum", "momentum", K + "velocity",
     lambda v: 0.75 * v[f"given: {K}velocity"] + 0.25 * v[D + "d_kernel"]),
    ("beta swapped", "adam", K + "m",
     lambda v: 0.75 * v[f"given: {K}m"] + 0.25 * v[D + "d_kernel"]),
    ("beta swapped", "rmsprop", K + "s",
     lambda v: 0.25 * v[f"given: {K}mean_square"] + 0.75 * v[D + "d_kernel"] ** 2),
    ("square of the gradient forgotten", "rmsprop", K + "s",
     lambda v: 0.75 * v[f"given: {K}mean_square"] + 0.25 * v[D + "d_kernel"]),
    ("old average forgotten", "adam", K + "m", lambda v: 0.75 * v[D + "d_kernel"]),
    ("no bias correction", "adam", K + "m_hat", lambda v: v[f"update: {K}m"]),
    ("bias correction of another step", "adam", K + "v_hat",
     lambda v: v[f"update: {K}v"] / (1 - 0.75**2)),
    ("bias correction turned round", "average_momentum", K + "corrected",
     lambda v: v[f"update: {K}velocity"] * (1 - 0.75**3)),
    ("step uphill", "momentum", K + "value",
     lambda v: v[D + "kernel"] + 0.25 * v[f"update: {K}velocity"]),
    ("learning rate forgotten", "momentum", K + "value",
     lambda v: v[D + "kernel"] - v[f"update: {K}velocity"]),
    ("learning rate forgotten", "rmsprop", K + "value",
     lambda v: v[D + "kernel"] - v[D + "d_kernel"] / (root(v[f"update: {K}s"]) + 0.5)),
    ("old weights forgotten", "momentum", K + "value",
     lambda v: 0.25 * v[f"update: {K}velocity"]),
    ("uncorrected average in the step", "average_momentum", K + "value",
     lambda v: v[D + "kernel"] - 0.25 * v[f"update: {K}velocity"]),
    ("m_hat and v_hat swapped", "adam_up", K + "value",
     lambda v: v[D + "kernel"] - 0.25 * v[K + "v_hat"] / (root(v[K + "m_hat"]) + 0.5)),
    ("root forgotten in the step", "adam", K + "value",
     lambda v: v[D + "kernel"] - 0.25 * v[K + "m_hat"] / (v[K + "v_hat"] + 0.5)),
    ("epsilon under the root", "adam", K + "value",
     lambda v: v[D + "kernel"] - 0.25 * v[K + "m_hat"] / root(v[K + "v_hat"] + 0.5)),
    ("epsilon forgotten in the step", "adam", K + "value",
     lambda v: v[D + "kernel"] - 0.25 * v[K + "m_hat"] / root(v[K + "v_hat"])),
    ("not divided by the root", "adam", K + "value",
     lambda v: v[D + "kernel"] - 0.25 * v[K + "m_hat"]),
    ("gradient in place of the velocity", "momentum", K + "value",
     lambda v: v[D + "kernel"] - 0.25 * v[D + "d_kernel"]),
    ("weight decay with the wrong sign", "sgd", K + "decayed", lambda v: v[D + "kernel"] * 1.125),
    ("weight decay forgotten", "sgd", K + "decayed", lambda v: v[D + "kernel"]),
    # Penalties, clipping
    ("1/2 missing in the penalty", "l2", K + "penalty",
     lambda v: 0.25 * (v[D + "kernel"] ** 2).sum()),
    ("factor 2 in the penalty's gradient", "l2", K + "d_penalty", lambda v: v[D + "kernel"] / 2),
    ("strength of the penalty forgotten", "l1", K + "penalty",
     lambda v: abs(v[D + "kernel"]).sum()),
    ("weights not squared in the penalty", "l2", K + "penalty",
     lambda v: 0.125 * abs(v[D + "kernel"]).sum()),
    ("absolute value forgotten in the penalty", "l1", K + "penalty",
     lambda v: 0.25 * v[D + "kernel"].sum()),
    ("weight for its sign", "l1", K + "d_penalty", lambda v: 0.25 * v[D + "kernel"]),
    ("penalty's gradient forgotten", "l2", K + "g", lambda v: v[D + "d_kernel"]),
    ("penalty's gradient subtracted", "l2", K + "g",
     lambda v: v[D + "d_kernel"] - 0.25 * v[D + "kernel"]),
    ("root of the norm forgotten", "clip", "norm", lambda v: v["norm"] ** 2),
    ("absolute values for the norm", "clip", "norm",
     lambda v: abs(v[D + "d_kernel"]).sum() + abs(v[D + "d_bias"]).sum()),
    ("not clipped", "clip", K + "clipped", lambda v: v[D + "d_kernel"]),
    ("scaled though within the limit", "unclipped", K + "clipped",
     lambda v: v[D + "d_kernel"] * 1000 / v["norm"]),
    ("clipped by the squared norm", "clip", K + "clipped",
     lambda v: v[D + "d_kernel"] * 2 / v["norm"] ** 2),
    ("clipped by its own norm", "clip", K + "clipped",
     lambda v: v[D + "d_kernel"] * 2 / root((v[D + "d_kernel"] ** 2).sum())),
    ("each number clipped", "clip", K + "clipped", lambda v: np.clip(v[D + "d_kernel"], -2, 2)),
    ("limit forgotten in clipping", "clip", K + "clipped",
     lambda v: v[D + "d_kernel"] / v["norm"]),
    # Around training
    ("fan_in alone", "around", "init.variance", lambda v: np.array([1 / 3])),
    ("He instead of Xavier", "around", "init.variance", lambda v: np.array([2 / 3])),
    ("fan_out alone", "around", "init.variance", lambda v: np.array([2 / 5])),
    ("variance instead of deviation", "around", "init.deviation", lambda v: np.array([2 / 8])),
    ("learning rate of another epoch", "around", "rate", lambda v: np.array([2 / (1 + 3 / 3)])),
    ("scaled by the test set's statistics", "around", "test_scaled",
     lambda v: (v["test"] - v["test"].mean(0)) / v["test"].std(0)),
    ("mini-batches rounded down", "around", "batches", lambda v: np.array([3])),
    ("Xavier instead of He", "around", "he.variance", lambda v: np.array([2 / 8])),
    ("1 in place of 2 above the fan", "around", "he.variance", lambda v: np.array([1 / 3])),
    ("fan_out alone", "around", "he.variance", lambda v: np.array([2 / 5])),
    ("clipped by the squared norm", "around", "factor", lambda v: np.array([2 / 25])),
    ("weight alone for the factor", "around", "dense_1.factor", lambda v: np.array([3])),
    ("factors added, not multiplied", "around", "product", lambda v: np.array([4.75])),
    ("sigmoid's slope incomplete", "around", "sigmoid_1.slope", lambda v: np.array([0.5])),
    ("last mini-batch taken for a full one", "around", "last", lambda v: np.array([4])),
    ("sum not divided", "around", "train.mean", lambda v: v["train.x"].sum(0)),
    ("no bias correction", "around", "first.m_hat", lambda v: np.array([1.5])),
    ("bias correction of another step", "around", "first.m_hat",
     lambda v: np.array([1.5 / (1 - 0.75**2)])),
    ("root not taken", "around", "w.root", lambda v: v["w.squares"]),
]


def named(exercise, key, wrong, others=None):
    """The name of the mistake that is found in a step."""
    step = exercise.asked[key]
    wrong = np.asarray(wrong, float).reshape(step.value.shape)
    made = np.array(answer(np.where(np.isnan(wrong), 0, wrong)), object).reshape(wrong.shape)
    made[np.isnan(wrong)] = ""
    graded = grade(exercise, {**(others or {}), key: made.tolist()})[key]
    assert graded.points < graded.possible
    return graded.mistake.name if graded.mistake else None


@pytest.mark.parametrize(("name", "where", "key", "wrong"), ROWS,
                         ids=[f"{row[0]} {row[1]} {row[2]}" for row in ROWS])
def test_a_mistake_is_named(name, where, key, wrong):
    exercise = scenario(where)
    assert named(exercise, key, wrong(Numbers(exercise))) == name


def test_every_mistake_has_a_row():
    named = {row[0] for row in [*ROWS, *IN_TOPICS, *OF_EXPERIMENTS, *OF_FRONTS]}
    assert named == {mistake.name for mistake in MISTAKES}
    assert len(MISTAKES) == len({mistake.name for mistake in MISTAKES})


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: m.name)
def test_every_mistake_says_what_to_do(mistake):
    for text in (mistake.words, mistake.advice):
        assert text.endswith("."), text
        assert len(text) >= 12, text


@pytest.mark.parametrize("where", WORKS)
def test_none_is_named_in_right_answers(where):
    exercise = scenario(where)
    graded = grade(exercise, exercise.answers())
    assert [step.key for step in graded.steps if step.mistake] == []
    assert [s.key for s in graded.steps if s.points < s.possible] == []


@pytest.mark.parametrize("level", [1, 2, 3])
def test_none_is_named_in_right_answers_of_many_seeds(level):
    for seed in range(50):
        made = exercise("batch-norm", seed, level)
        graded = grade(made, made.answers())
        assert (graded.points, graded.followed) == (graded.possible, 0)
        assert not any(step.mistake for step in graded.steps)


def test_none_is_named_in_numbers_that_come_from_nowhere():
    rng = np.random.default_rng(0)
    for seed in range(10):
        made = exercise("batch-norm", seed, 3)
        for key, step in made.asked.items():
            noise = rng.integers(100, 999, step.value.shape) + 0.37
            assert named(made, key, noise) is None, (seed, key)


def test_one_slip_of_the_pen_is_no_known_mistake():
    made = exercise("batch-norm", 3, 1)
    answers = made.answers()
    answers["batch_norm_1.variance"][0][1] = "1000"
    graded = grade(made, answers)["batch_norm_1.variance"]
    assert (graded.points, graded.mistake) == (2, None)


def test_a_mistake_is_named_behind_another_one():
    """From the learner's own numbers: the mean is wrong, and the variance divided by n - 1."""
    where = scenario("bn")
    v = Numbers(where)
    mean = v["x"].mean(0) + 1
    centred = v["x"] - mean
    others = {B + "mean": answer(mean[None]), B + "centred": answer(centred)}
    assert named(where, B + "variance", (centred**2).sum(0) / 3, others) == "divided by n - 1"


def test_a_mistake_is_named_where_the_learner_went_on_from_the_right_numbers():
    where = scenario("bn")
    v = Numbers(where)
    others = {B + "centred": answer(v["x"] * 0 + 7)}
    assert named(where, B + "variance", v["x"].var(0, ddof=1), others) == "divided by n - 1"


def test_a_mistake_is_named_behind_rounded_numbers():
    """The deviation is wrong and rounded; he multiplied by it, as his calculator had it."""
    where = scenario("bn")
    v = Numbers(where)
    others = {B + "deviation": [["2.646", "3.317", "3.606"]]}
    wrong = (v["x"] - v["x"].mean(0)) * root([7, 11, 13])
    assert named(where, B + "x_hat", wrong, others) == "multiplied by the deviation"
    assert named(where, B + "x_hat", wrong * 1.01, others) is None


@pytest.mark.parametrize(("key", "wrong", "name"), [
    (B + "x_hat", lambda v: (v["x"] - v["x"].mean(0)) / root(v["x"].var(0, ddof=1) + 0.25),
     "divided by n - 1"),
    (B + "y", lambda v: v[B + "gamma"] * (v["x"] - v["x"].mean(0)) / (v["x"].std(0) + 0.25)
     + v[B + "beta"], "epsilon outside the root"),
])
def test_a_mistake_is_named_on_the_way_to_what_is_asked(key, wrong, name):
    work = WORKS["bn"]()
    made = exercise_of(work, asked=[key])
    assert named(made, key, wrong(Numbers(made))) == name


def test_the_shapes_of_a_scenario_are_never_a_reason_to_fail():
    """Every mistake at every step of every scenario: none raises, whatever it is asked about."""
    for where in WORKS:
        made = scenario(where)
        for key, step in made.asked.items():
            grade(made, {key: answer(whole(1, step.value.shape) * 1000 + 0.5)})


@pytest.mark.parametrize("name", CATALOGUE)
@pytest.mark.parametrize("level", [1, 2, 3])
def test_no_exercise_is_a_reason_to_fail(name, level):
    """Every mistake at every step of every exercise: right answers have all points, wrong ones
    none, and nothing raises."""
    made = exercise(name, 5, level)
    graded = grade(made, made.answers())
    assert [s.key for s in graded.steps if s.points < s.possible] == []
    wrong = {key: np.full(step.value.shape, "1234.5678").tolist()
             for key, step in made.asked.items()}
    assert grade(made, wrong).points < graded.points
