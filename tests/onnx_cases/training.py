"""The loss, and the update rules."""

from __future__ import annotations

from typing import Any

import numpy as np

import evenly as ev

from .cases import Case
from .running import channels_last, engine, outputs


def cross_entropy(case: Case) -> list[Any]:
    """The mean over all positions, which are the steps of an example. A class that is ignored is
    one of weight 0; where it is no class at all, every position is an example, of weight 0."""
    scores, y, weights = case.inputs[:3]
    assert case.attributes["reduction"] == "mean"
    ignored, classes = case.attributes.get("ignore_index"), scores.shape[1]
    scores = channels_last(scores)
    log_probabilities = np.log(outputs(ev.Softmax(name="it"), scores))
    if scores.ndim > 3:
        scores, y = scores.reshape(len(scores), -1, classes), y.reshape(len(y), -1)
    each = None
    if ignored is not None and 0 <= ignored < classes:
        weights = np.ones(classes) if weights is None else weights.copy()
        weights[ignored] = 0
    elif ignored is not None:
        scores, y = scores.reshape(-1, classes), y.reshape(-1)
        each = (y != ignored).astype(float)
        assert 0 < each.sum() < each.size
        y = np.where(y == ignored, 0, y)
    loss = ev.SoftmaxCrossEntropy(class_weights=weights)
    ours = engine(ev.Reshape(scores.shape[1:], name="it"), scores, loss=loss)
    value, _, _ = ours.gradients(scores, y, weights=each)
    # Evaluation is another list of instructions over the same kernel.
    np.testing.assert_allclose(ours.evaluate(scores, y, weights=each).loss, value, rtol=1e-6)
    return [value, np.moveaxis(log_probabilities, -1, 1)][: len(case.outputs)]


def adam(case: Case) -> list[Any]:
    """Adam in its first step, T = 0, corrects no average: ours no longer does once it has run for
    long."""
    settings = case.attributes
    assert settings["norm_coefficient_post"] == 0
    assert case.inputs[1] == 0
    rule = ev.Adam(float(case.inputs[0]), settings["alpha"], settings["beta"], settings["epsilon"])
    return _update(case, rule, states=2, step=10**6)


def momentum(case: Case) -> list[Any]:
    """beta weighs gradients from the second step on, and ours never: in the first they agree."""
    settings = case.attributes
    assert case.inputs[1] == 0
    rule = ev.Momentum(float(case.inputs[0]), settings["alpha"],
                       nesterov=settings["mode"] == "nesterov")
    return _update(case, rule, states=1, step=0)


def _update(case: Case, rule: ev.Optimizer, states: int, step: int) -> list[Any]:
    """One step of each tensor, given as (X1, X2, ..., G1, ..., first state 1, ...): the tensor is
    the kernel of a linear layer. Where the gradient on its one output is 1, the kernel's is the
    layer's input. ``norm_coefficient`` is the strength of an L2 penalty."""
    given = [array for array in case.inputs[2:] if array is not None]
    tensors = len(given) // (2 + states)
    came = []
    for x, g, *before in (given[i::tensors] for i in range(tensors)):
        ours = engine(
            ev.Dense(1, bias=False, name="it"), g[None], {"kernel": x[:, None]}, optimizer=rule,
            loss=ev.MeanSquaredError(), penalty=ev.L2(case.attributes["norm_coefficient"]),
        )
        kept = [ours.buffer(f"it.kernel.state_{i + 1}") for i in range(states)]
        for state, value in zip(kept, before, strict=True):
            state[...] = value[:, None]
        ours.steps = step
        # The error's square has the slope 1 where the error is 1/2.
        ours.step(g[None], g[None] @ x[:, None] - 0.5)
        came.append([array[:, 0].copy() for array in (ours.arrays["it.kernel"], *kept)])
    return [array for kind in zip(*came, strict=True) for array in kind]
