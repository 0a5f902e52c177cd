"""Mistakes about sizes, gates, members, softened targets, watched losses and orthogonal
weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...byhand.exact import Exact
from .base import Context, Mistake, NotHere, exact_array_of, mapped

Wrong = Callable[[Context], Any]
_STAGES = ("image", "conv_1", "pool_1", "conv_2")


def within(*topics: str) -> Callable[[Wrong], Wrong]:
    """For a mistake of these exercises alone: its steps have names that others have too."""
    def guard(wrong: Wrong) -> Wrong:
        def guarded(c: Context) -> Any:
            if c.exercise.topic.name not in topics:
                raise NotHere(c.exercise.topic.name)
            return wrong(c)

        return guarded

    return guard


def of(c: Context, title: str) -> Any:
    """The learner's numbers of a step, by its whole title: the last in front of this one."""
    found = [s for s in c.own.work.steps if s.title == title and s.number < c.step.number]
    if not found:
        raise NotHere(title)
    return c.own.array(found[-1])


def given(c: Context, name: str) -> Any:
    """An input of the exercise, as an array of exact numbers."""
    if name not in c.exercise.inputs:
        raise NotHere(name)
    return mapped(Exact, np.asarray(c.exercise.inputs[name], object))


# Sizes of outputs ---------------------------------------------------------------------------------


def _setting(c: Context) -> list[int]:
    """(window, stride, padding, filters) of a convolution, the first two of pooling."""
    return [int(v) for v in given(c, c.step.layer)]


def _enters(c: Context) -> int:
    """The side that enters a layer."""
    before = _STAGES[_STAGES.index(c.step.layer) - 1]
    if before == "image":
        return int(given(c, "image")[("rows", "columns").index(c.step.name)])
    return int(float(of(c, f"{before}.{c.step.name}").reshape(-1)[0]))


def _side(c: Context, padded: int, up: bool = False) -> Exact:
    """The side of an output, with so many times the padding."""
    window, stride, *rest = _setting(c)
    free = _enters(c) + padded * (rest[0] if rest else 0) - window
    return Exact((math.ceil(free / stride) if up else free // stride) + 1)


def _weights_alone(c: Context) -> Any:
    return c.now - _setting(c)[3]


def _one_channel(c: Context) -> Any:
    window, _, _, filters = _setting(c)
    return Exact(window * window * filters + filters)


_sizes = within("output-size")
SIDES = ("conv_?.rows", "conv_?.columns", "pool_?.rows", "pool_?.columns")
_CONVOLVED = SIDES[:2]
_PARAMETERS = ("conv_?.parameters",)

# Gates and softened targets -----------------------------------------------------------------------


def _sigmoid_gate(c: Context) -> Any:
    s = of(c, "s")
    return mapped(lambda v: Exact.inexact(1 / (1 + math.exp(-float(v)))), s)


def _swapped_mix(c: Context) -> Any:
    """mix x_j + (1 - mix) x_i."""
    x, mix = of(c, c.step.layer), c.setting("mix")
    n, shift = len(x), int(float(c.setting("shift")))
    other = x[[(i + 1 + shift) % n for i in range(n)]]
    return (1 - mix) * x + mix * other


def _swapped_weights(c: Context) -> Any:
    """share slow + (1 - share) fast: with the right one it adds up to both weights."""
    share, fast = c.setting("share"), c.get("value")
    if share == 1:
        raise NotHere("share")
    slow = (c.now - share * fast) / (1 - share)
    return slow + fast - c.now


def _wrong_classes_alone(c: Context) -> Any:
    """e spread over the wrong classes; the right one has 1 - e."""
    y, e = of(c, "y"), c.setting("smoothing")
    return (1 - e) * y + e / (y.shape[1] - 1) * (1 - y)


def _right_has_less(c: Context) -> Any:
    """1 - e for the right class, e / classes for the others."""
    y, e = of(c, "y"), c.setting("smoothing")
    return (1 - e) * y + e / y.shape[1] * (1 - y)


# What is watched ----------------------------------------------------------------------------------


def _any_improvement(c: Context) -> Any:
    """The best so far, where every improvement counts."""
    watched = c.exercise.solution.setting["watched"]
    values, more = given(c, watched), watched == "scores"
    best = [values[0]]
    for value in values[1:]:
        best.append(max(best[-1], value) if more else min(best[-1], value))
    return exact_array_of(best, c.step.value.shape)


def _too_early(c: Context) -> Any:
    """The rate falls as soon as the count is the patience."""
    patience = c.setting("patience")
    if c.exercise.level == 3 or not float(patience):
        raise NotHere("a count that starts anew in one way")
    best, rate, count, rates = of(c, "best"), c.setting("learning_rate"), 0, []
    for epoch, value in enumerate(best):
        better = epoch == 0 or value != best[epoch - 1]
        count = 0 if better else count + 1
        if count >= float(patience):
            rate, count = rate * c.setting("factor"), 0
        rates.append(rate)
    return exact_array_of(rates, c.step.value.shape)


# Orthogonal weights -------------------------------------------------------------------------------


def _column(c: Context) -> int:
    return int(c.step.name.rsplit("_", 1)[1])


def _first_share_alone(c: Context) -> Any:
    k = _column(c)
    if k < 3:
        raise NotHere("two earlier columns")
    return of(c, "numbers")[:, k - 1] - of(c, f"share_1_{k}") * of(c, "column_1")


def _not_divided(c: Context) -> Any:
    k = _column(c)
    return of(c, "numbers")[:, 0] if k == 1 else of(c, f"left_{k}")


PLANNED = (
    Mistake("padding counted once", "The padding was added once; it lies on both sides.",
            "Add it twice: size + 2 padding - window.", _CONVOLVED,
            _sizes(lambda c: _side(c, 1))),
    Mistake("padding not counted", "The padding was left out of the size.",
            "Add it on both sides: size + 2 padding - window.", _CONVOLVED,
            _sizes(lambda c: _side(c, 0))),
    Mistake("first position not counted", "The steps of the window were counted, and not the place "
            "where it starts.", "Add 1: floor((size + 2 padding - window) / stride) + 1.", SIDES,
            _sizes(lambda c: c.now - 1)),
    Mistake("positions rounded up", "A window that does not fit was counted.",
            "Round the division down: what does not fill a whole stride is left out.", SIDES,
            _sizes(lambda c: _side(c, 2, up=True))),
    Mistake("biases not counted", "The weights alone were counted.", "Add a bias for each filter.",
            _PARAMETERS, _sizes(_weights_alone)),
    Mistake("channels not counted", "A filter was given one window of weights; it has one for each "
            "channel.", "Multiply by the channels that come in.", _PARAMETERS,
            _sizes(_one_channel)),
    Mistake("gate not squashed", "The linear layer of the gate was taken as it is.",
            "Put it through the gate's function first.", ("gate",),
            within("glu", "swiglu")(lambda c: of(c, "s"))),
    Mistake("sigmoid for SiLU", "The gate is the sigmoid of s; SwiGLU's is s times that.",
            "Multiply by s: s / (1 + exp(-s)).", ("gate",), within("swiglu")(_sigmoid_gate)),
    Mistake("gate added", "Value and gate were added.", "Multiply them, number by number.", ("y",),
            within("glu", "swiglu")(lambda c: of(c, "value") + of(c, "gate"))),
    Mistake("input scales not used", "The product is that of the example itself.",
            "Multiply the example by the member's scales first.", ("product",),
            within("batch-ensemble")(lambda c: np.tile(given(c, "x") @ given(c, "kernel"),
                                                       (len(c.now), 1)))),
    Mistake("bias scaled", "The bias was added before the output scale.",
            "Scale the product, then add the bias.", ("y",), within("batch-ensemble")(
                lambda c: given(c, "output_scale") * (of(c, "product") + given(c, "bias")))),
    Mistake("loss of the mean", "The error of the members' mean was squared.",
            "Square each member's own error: they are judged one by one.", ("loss",),
            within("batch-ensemble")(lambda c: np.mean((of(c, "mean") - given(c, "target"))**2))),
    Mistake("members not in the mean", "Each member's gradient is that of a loss of its own.",
            "The loss is a mean over the members too: divide by their number.", ("d_y",),
            within("batch-ensemble")(lambda c: c.now * len(c.now))),
    Mistake("kernel's gradient from the example", "The example itself was multiplied by the "
            "gradients.", "The kernel read scaled inputs: those, transposed, times d_product.",
            ("d_kernel",), within("batch-ensemble")(
                lambda c: np.outer(given(c, "x"), of(c, "d_product").sum(axis=0)))),
    Mistake("shares of the mix swapped", "The partner has the share mix, and the row itself the "
            "rest.", "The row itself has the share mix, its partner 1 - mix.",
            ("x.mixed", "y.mixed"), within("mixup", "cutmix")(_swapped_mix)),
    Mistake("shares of the two weights swapped", "The share was taken of the slow weight, and the "
            "rest of the fast one.", "Go the share of the way from the slow weight to the fast "
            "one.", ("w.average",), within("lookahead")(_swapped_weights)),
    Mistake("smoothing over the wrong classes alone", "The smoothing was divided among the wrong "
            "classes.", "Divide it among all classes: the right one gets its share back.",
            ("smoothed",), within("label-smoothing")(_wrong_classes_alone)),
    Mistake("share of the right class forgotten", "The right class has 1 - e, without its part of "
            "what is given to all.", "Add e / classes there as well.", ("smoothed",),
            within("label-smoothing")(_right_has_less)),
    Mistake("small improvements counted", "Every improvement was counted, also those that are "
            "too small.", "An epoch is better only where it beats the best by more than the least "
            "that counts.", ("best",), within("early-stopping", "plateau")(_any_improvement)),
    Mistake("an epoch too long", "Training went on for one epoch more than the patience.",
            "It ends at the first epoch at which the count is the patience.", ("end",),
            within("early-stopping")(lambda c: c.now + 1)),
    Mistake("last weights for the best", "The epoch at which training ended was named.",
            "Go back to the best epoch: the end less the epochs waited.", ("restored",),
            within("early-stopping")(lambda c: of(c, "end"))),
    Mistake("rate cut at the patience", "The rate was cut when the count was the patience.",
            "The rate falls only when the count is above the patience.", ("rates",),
            within("plateau")(_too_early)),
    Mistake("column not divided by its length", "What is left of the column was taken as it is.",
            "Divide it by its length.", ("column_?",), within("orthogonal")(_not_divided)),
    Mistake("column not cleared", "Nothing was subtracted from the column.",
            "Subtract what lies along each earlier unit column.", ("left_?",),
            within("orthogonal")(lambda c: of(c, "numbers")[:, _column(c) - 1])),
    Mistake("column cleared of the first alone", "What lies along the first unit column was "
            "subtracted, and no more.", "Subtract what lies along every earlier unit column.",
            ("left_?",), within("orthogonal")(_first_share_alone)),
    Mistake("gain not squared", "The products have the gain once.",
            "Both factors have it: gain times gain.", ("products",),
            within("orthogonal")(lambda c: c.now / c.setting("gain"))),
    Mistake("scaled by the variance", "The kernel was divided by the variance.",
            "Divide it by the root of the variance, the deviation.", ("dense_?.scaled",),
            within("lsuv")(lambda c: c.get("kernel_" + c.step.layer[-1], layer="")
                           / c.get("variance"))),
    Mistake("scaled the wrong way round", "The kernel was multiplied by the deviation.",
            "Divide: an output that is too wide needs smaller weights.", ("dense_?.scaled",),
            within("lsuv")(lambda c: c.get("kernel_" + c.step.layer[-1], layer="")
                           * c.get("deviation"))),
    Mistake("roots upside down", "The root of the squared gradients is above, that of the changes "
            "below.", "Changes above, gradients below: above / root g.", ("w.change",),
            within("adadelta")(lambda c: c.now * (c.get("root") / c.get("above"))**2)),
    Mistake("change not squared", "The average took the change as it is.", "Square the change "
            "first: beta d + (1 - beta) change^2.", ("w.d",),
            within("adadelta")(lambda c: c.now + (1 - c.setting("beta"))
                               * (c.get("change") - c.get("change")**2))),
    Mistake("factor r forgotten", "The step has the root and not the factor r.",
            "Multiply by r, which makes the first trusted steps small.", ("w.share",),
            within("radam")(lambda c: c.now / c.get("r"))),
)
