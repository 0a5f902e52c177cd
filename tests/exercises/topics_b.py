"""What the suites on the topics of training share: how exercises are gone through, and what the
native kernels make of the same numbers."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

import evenly as ev
from evenly.byhand.exact import Exact, float_array
from evenly.exercises import topic

LAYERS = ("convolution", "convolution-1d", "max-pooling", "average-pooling", "rnn", "lstm", "gru")
RULES = ("gradient-descent", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw",
         "adamax", "nadam")
SCHEDULES = ("step-decay", "exponential-decay", "inverse-time-decay", "cosine", "cosine-restarts",
             "warmup")
OTHERS = ("l2", "l1", "elastic-net", "weight-decay", "max-norm", "unit-norm", "gradient-clipping",
          "input-normalization", "robust-scaling", "running-averages", "mini-batches")
TOPICS = (*LAYERS, *RULES, *SCHEDULES, *OTHERS)


def made(name, seed, level=None):
    """An exercise; levels and sizes go round with the seed."""
    found = topic(name)
    sizes = {s.name: s.least + (seed // 3) % (s.most - s.least + 1) for s in found.sizes}
    return found.exercise(seed, seed % 3 + 1 if level is None else level, **sizes)


def floats(exercise):
    """The right answers as floats, by key."""
    return {key: float_array(step.value) for key, step in exercise.asked.items()}


def inputs(exercise):
    """Its inputs as floats, by name."""
    return {name: float_array(np.asarray(value, object)) if np.asarray(value).dtype == object
            else np.asarray(value, np.float64) for name, value in exercise.inputs.items()}


def fractions(step):
    """The numbers of a step as fractions; a number that is none is an error."""
    result = []
    for value in step.value.reshape(-1):
        q = Exact(value).fraction
        assert q is not None, f"{step.title}: {value!r}"
        result.append(Fraction(q))
    return result


def trained(rule, kernel, gradients, bias=None, **parts):
    """The native engine on a linear layer whose data are chosen such that the loss has the given
    gradients: the kernels after each step (and the biases, where there are).

    Arguments:
        rule: the optimizer.
        kernel: (inputs, units).
        gradients: one a step, of the kernel's shape; with `bias` pairs of both.
        parts: penalty, clip, constraint.
    """
    rows, units = kernel.shape
    net = ev.Sequential([ev.Dense(units, bias=bias is not None)])
    # One row for each input; with a bias one of zeros, whose error is the rest of its gradient.
    x = np.eye(rows + (bias is not None), rows)
    program = ev.compile(net, rows, batch=len(x), loss=ev.MeanSquaredError(), optimizer=rule,
                         dtype="float64", **parts)
    weights = {"dense_1.kernel": kernel.astype(float)}
    if bias is not None:
        weights["dense_1.bias"] = bias.astype(float)
    engine, after = ev.Engine(program, weights=weights), []
    for gradient in gradients:
        own = gradient if bias is None else np.vstack([gradient[0], gradient[1] -
                                                       gradient[0].sum(axis=0)])
        scores = x @ engine.arrays["dense_1.kernel"] + engine.arrays.get("dense_1.bias", 0)
        engine.step(x, scores - own * own.size / 2)
        after.append({name: array.copy() for name, array in engine.arrays.items()})
    return after
