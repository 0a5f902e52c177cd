"""Mistakes about chance, scales, data and the conduct of a training."""

from __future__ import annotations

from typing import Any

from ...byhand.exact import Exact
from .base import Context, Mistake, mapped
from .planned import of, within


def _root(value: Any) -> Any:
    return mapped(lambda v: Exact(v).sqrt(), value)


# Chance -------------------------------------------------------------------------------------------

_DROPS = within("dropout-expectation")
_BATCHES = within("batch-statistics")


def _by_drop(c: Context) -> Any:
    """What p gives in place of 1 - p."""
    p = of(c, "p")
    return {"keep": lambda: p, "kept": lambda: of(c, "units") * p, "factor": lambda: 1 / p}[
        c.step.name]()


# Scales -------------------------------------------------------------------------------------------


def _other_target(c: Context) -> Any:
    """The cost of the other class: less z (1 - target) for less z target."""
    z, target = c.get("z"), of(c, "target")
    return c.now + z * target - z * (1 - target)


def _times_layers(c: Context) -> Any:
    return c.get("kernel") * of(c, "layers")


# Data ---------------------------------------------------------------------------------------------


def _scaled(c: Context, smallest: bool, low: str, over: str) -> Any:
    """(x less the smallest, or not) over something."""
    x = c.get("x", layer=c.step.layer)
    return (x - of(c, f"train.{low}") if smallest else x) / of(c, f"train.{over}")


# The conduct of a training ------------------------------------------------------------------------


def _half(c: Context) -> Any:
    return c.now / 2


def _twice(c: Context) -> Any:
    return c.now * 2


def _spread_by_batch(c: Context) -> Any:
    return of(c, "deviation") / of(c, "batch")


def _weight_without_share(c: Context) -> Any:
    """beta^k, without 1 - beta."""
    return c.now / (1 - c.setting("beta"))


def _straight_alone(c: Context) -> Any:
    return c.get("straight")


def _mean_missing(c: Context) -> Any:
    return c.now - c.get("d_mean") / len(c.step.value)


def _variance_missing(c: Context) -> Any:
    return c.get("straight") + c.get("d_mean") / len(c.step.value)


_BACK = within("batch-norm-backward")

EXPERIMENTS = (
    Mistake("drop for keep probability", "The probability of dropping was taken for that of "
            "keeping.", "p drops: keep is 1 - p.", ("keep", "kept", "factor"), _DROPS(_by_drop)),
    Mistake("scaled by keep in training", "The activations were multiplied by keep.",
            "Inverted dropout divides by it in training: 1 / keep.", ("factor",),
            _DROPS(lambda c: of(c, "keep"))),
    Mistake("variance of one for that of the mean", "The variance of a single example was taken.",
            "A mean of n has a variance n times smaller.", ("small.of_mean", "large.of_mean"),
            _BATCHES(lambda c: of(c, "variance"))),
    Mistake("deviation over n", "The deviation was divided by n.",
            "Divide it by the root of n: the variance is what falls with n.",
            ("small.error", "large.error"),
            _BATCHES(lambda c: _root(of(c, "variance")) / of(c, c.step.layer))),
    Mistake("n / (n - 1) turned round", "The variance within the batch was made larger.",
            "Within n examples it is smaller: (n - 1) / n of the true one.",
            ("small.within", "large.within"),
            _BATCHES(lambda c: of(c, "variance") * of(c, c.step.layer)
                     / (of(c, c.step.layer) - 1))),
    Mistake("divided by the batch, not by its root", "The deviation was divided by the batch.",
            "Divide it by the root of the batch.", ("spread",),
            within("gradient-spread")(_spread_by_batch)),
    Mistake("window of 1 / beta", "1 was divided by beta.",
            "Divide by 1 - beta: 0.9 is about ten values.", ("window",),
            within("averaging-window")(lambda c: 1 / of(c, "beta"))),
    Mistake("share of the new value forgotten", "The weights are the powers of beta alone.",
            "Multiply by 1 - beta: then they add up to 1 in the end.", ("weights",),
            within("averaging-window")(_weight_without_share)),
    Mistake("number of inputs forgotten", "The variance of the weights alone was taken.",
            "Each unit adds n products: n times the variance.", ("layer_?.factor",),
            within("variance-through-layers")(
                lambda c: of(c, "weights")[int(c.step.layer[-1]) - 1])),
    Mistake("half of the ReLU forgotten", "The mean square behind the ReLU is that in front of it.",
            "A ReLU cuts off half of it.", ("layer_?.square",),
            within("variance-through-layers")(lambda c: c.get("variance"))),
    Mistake("multiplied by the layers", "The kernel was multiplied by the number of layers.",
            "Each layer multiplies again: raise it to that power.", ("above.product",
                                                                     "below.product"),
            within("matrix-chains")(_times_layers)),
    Mistake("cost of the other class", "The cost is that of the other target.",
            "Subtract z times the target: nothing where the target is 0.", ("*.cost",),
            within("large-weights")(_other_target)),
    Mistake("smallest not subtracted", "The number itself was divided by the range.",
            "Subtract the smallest first: it goes to 0.", ("train.scaled", "test.scaled"),
            within("min-max-scaling")(lambda c: _scaled(c, False, "low", "range"))),
    Mistake("divided by the largest", "The largest number was taken for the range.",
            "Divide by the largest less the smallest.", ("train.scaled", "test.scaled"),
            within("min-max-scaling")(lambda c: _scaled(c, True, "low", "high"))),
    Mistake("measured in the new deviation", "The shift was divided by the new data's deviation.",
            "Divide by that of the training set: it is what was learned.", ("moved",),
            within("covariate-shift")(lambda c: c.now * of(c, "train.deviation")
                                      / of(c, "new.deviation"))),
    Mistake("rate of the flat direction", "The rate is 1 over the smallest curvature.",
            "The steepest direction decides: 1 over the largest.", ("raw.rate", "scaled.rate"),
            within("scaled-descent")(lambda c: 1 / Exact(min(c.get("curvature"))))),
    Mistake("strength halved", "lambda was divided by 2 m.", "The 2 is in both conventions: the "
            "strength is lambda / m.", ("strength",), within("l2-conventions")(_half)),
    Mistake("divided by one epsilon", "The difference to both sides was divided by epsilon.",
            "The two are 2 epsilon apart: divide by that.", ("both",),
            within("gradient-checking")(_twice)),
    Mistake("divided by two epsilons", "The difference to one side was divided by 2 epsilon.",
            "The two are one epsilon apart.", ("ahead",), within("gradient-checking")(_half)),
    Mistake("straight way alone", "The gradient through mean and variance is missing.",
            "Add the two: each example moves the statistics of all.", ("norm.d_x",),
            _BACK(_straight_alone)),
    Mistake("way through the mean forgotten", "The gradient through the mean is missing.",
            "Add d_mean / n.", ("norm.d_x",), _BACK(_mean_missing)),
    Mistake("way through the variance forgotten", "The gradient through the variance is missing.",
            "Add d_variance times 2 centred / n.", ("norm.d_x",), _BACK(_variance_missing)),
    Mistake("half of the root forgotten", "The derivative of 1 / sqrt(variance) has the factor "
            "-1/2, which is not whole here.", "Divide by 2 deviation^3.", ("norm.d_variance",),
            _BACK(_twice)),
    Mistake("hidden units not counted", "One hidden unit was taken for all.",
            "All are equal, and their sum counts: multiply by how many there are.",
            ("net.z", "regression.weights"),
            within("equal-weights")(lambda c: c.now / c.setting("hidden"))),
)
