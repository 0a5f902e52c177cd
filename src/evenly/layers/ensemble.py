"""Several networks that answer as one: the mean of what they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from ..errors import ShapeError
from .base import ArrayLike, Arrays, Gradients, Layer, Run, Shape, expect, expect_rank
from .containers import Joined, Sequential, _branch, _several
from .special import softplus

# What is averaged, and its number in the kernel.
AVERAGES = {"numbers": 0, "logs": 1, "classes": 2, "labels": 3, "quantiles": 4}
# A row's members stand beside each other on the kernel's stack.
MOST_MEMBERS = 1024
# softplus(x) is exp(x) to the last digit below.
_TAIL = -37.0


class _Averages:
    """What is averaged, and how."""

    of: str
    levels: int
    anchor: int

    def _check_way(self) -> None:
        known = ", ".join(map(repr, AVERAGES))
        expect(isinstance(self.of, str) and self.of in AVERAGES, self, f"of is one of {known}",
               self.of)
        whole = all(type(value) is int for value in (self.levels, self.anchor))
        expect(whole and 0 <= self.anchor < self.levels, self,
               "levels is a whole number >= 1, and anchor one from 0 to levels - 1",
               (self.levels, self.anchor))
        expect(self.levels == 1 or self.of == "quantiles", self, "levels are for of='quantiles'",
               self.levels)

    def _check_outputs(self, outputs: int, name: str) -> None:
        if outputs % self.levels:
            raise ShapeError(
                f"{type(self).__name__} '{name}': {self.levels} levels of each target need as many "
                f"outputs, got {outputs}: give the layer in front of it a multiple of {self.levels}"
            )

    def _way_numbers(self) -> dict[str, float]:
        return {"average": AVERAGES[self.of], "levels": self.levels, "anchor": self.anchor}

    def _ways(self) -> Any:
        return {
            "numbers": (_of_numbers, _back_to_numbers), "logs": (_of_logs, _back_to_logs),
            "classes": (_of_classes, _back_to_classes), "labels": (_of_labels, _back_to_labels),
            "quantiles": (self._of_quantiles, self._back_to_quantiles),
        }[self.of]

    def _anchors(self, columns: int) -> Any:
        """(outputs,) whether an output is an anchor; the others are gaps."""
        return np.arange(columns) % self.levels == self.anchor

    def _of_quantiles(self, x: ArrayLike, run: Run) -> tuple[ArrayLike, Any]:
        xp, note = run.xp, run.note
        mean = note("mean", xp.mean(x, axis=0), "mean over the members of x")
        gap = note("gap", xp.mean(softplus(xp, x), axis=0), "mean of log(1 + exp(x))")
        far = xp.max(x, axis=0) < _TAIL
        safe = xp.where(far, 1.0, gap)
        inverse = xp.where(far, _log_mean_exp(x, xp), safe + xp.log(-xp.expm1(-safe)))
        inverse = note("inverse", inverse, "log(exp(gap) - 1)")
        return note("y", xp.where(self._anchors(x.shape[-1]), mean, inverse),
                    "mean of the anchors, else inverse"), None

    def _back_to_quantiles(
        self, d_y: ArrayLike, x: ArrayLike, y: ArrayLike, saved: Any, run: Run
    ) -> ArrayLike:
        xp = run.xp
        ratio = run.note("ratio", xp.exp(softplus(xp, -y) - softplus(xp, -x)),
                         "sigmoid(x) / sigmoid(y)")
        one = xp.ones_like(ratio)
        return xp.where(self._anchors(x.shape[-1]), one, ratio) * d_y / len(x)


@dataclass(frozen=True)
class Ensemble(_Averages, Joined):
    """Networks that read the same input; their answers are averaged, in the space in which they are
    answers, and the average is given back as a score.

    With the members' outputs ``x_1, ..., x_k``:

    - ``of="numbers"``: ``y = mean(x_i)``;
    - ``"classes"``: ``y = log(mean(softmax(x_i)))``, so that ``softmax(y)`` is the mean of the
      members' probabilities;
    - ``"labels"``, each of yes and no: ``y = logit(mean(sigmoid(x_i)))``, so that ``sigmoid(y)`` is
      that mean;
    - ``"logs"``, of which exp is the answer, as :class:`Poisson` has it: ``y =
      log(mean(exp(x_i)))``;
    - ``"quantiles"`` as of :class:`Quantile` with several levels: the anchors as numbers, the gaps
      as ``softplus(y) = mean(softplus(x_i))``.

    Gradients: of numbers ``d_x_i = d_y / k``. Else with ``f`` of the mean (exp, softmax, sigmoid,
    softplus): ``d_x_i = f'(x_i) (d_y / f'(y)) / k``; of classes ``d_x_i = r_i - softmax(x_i)
    sum(r_i)`` with ``r_i = d_y softmax(x_i) / (k exp(y))``.

    A loss behind it is that of the average: members that are trained so lean on each other. To have
    each learn for itself, train them apart and put them together with :func:`evenly.ensemble`.

    Arguments:
        members: layers or sequences of layers, up to 1024.
        of: what is averaged.
        levels, anchor: of quantiles: how many of each target, and which of them is the anchor.
        name: the layer's name; by default ``ensemble_1``, ...

    Raises:
        ConfigurationError: no member, or another way to average.
        ShapeError: outputs of several shapes.

    Source: Hansen and Salamon 1990, "Neural network ensembles"; Lakshminarayanan, Pritzel and
    Blundell 2017, "Simple and scalable predictive uncertainty estimation using deep ensembles",
    section 2.4.

    Example:
        >>> from evenly.layers import Dense
        >>> Ensemble([Dense(3), [Dense(8), Dense(3)]], of="classes").output_shape((4,))
        (3,)
    """

    members: tuple[Layer, ...]
    of: str = "numbers"
    levels: int = 1
    anchor: int = 0
    name: str | None = None

    join = "average"
    kernel = "average"
    takes_epilogue = False
    remedy = "give the members the same output shape"

    def __init__(self, members: Sequence[Layer | Sequence[Layer]], of: str = "numbers",
                 levels: int = 1, anchor: int = 0, name: str | None = None) -> None:
        parts = tuple(_branch(self, member) for member in _several(self, members))
        for key, value in (("members", parts), ("of", of), ("levels", levels), ("anchor", anchor),
                           ("name", name)):
            object.__setattr__(self, key, value)
        expect(1 <= len(parts) <= MOST_MEMBERS, self, f"needs 1 to {MOST_MEMBERS} members",
               len(parts))
        self._check_way()
        self.check_names()

    @property
    def parts(self) -> tuple[Layer, ...]:
        return self.members

    def with_parts(self, parts: Sequence[Layer]) -> Self:
        return type(self)(parts, self.of, self.levels, self.anchor, self.name)

    def check(self, shape: Shape, name: str) -> None:
        super().check(shape, name)
        self._check_outputs(self.output_shape(shape)[-1], name)

    def numbers(self, shape: Shape) -> dict[str, float]:
        return self._way_numbers()

    def joined(self, outputs: Sequence[ArrayLike], run: Run) -> tuple[ArrayLike, Any]:
        x = run.xp.stack(outputs, axis=0)
        forward, _ = self._ways()
        y, saved = forward(x, run)
        return y, (x, y, saved)

    def apart(self, d_y: ArrayLike, saved: Any, run: Run) -> list[ArrayLike]:
        x, y, own = saved
        _, backward = self._ways()
        d_x = backward(d_y, x, y, own, run)
        return [run.note(f"d_x_{i + 1}", d_x[i], "of this member") for i in range(len(self.parts))]


@dataclass(frozen=True)
class MemberMean(_Averages, Layer):
    """The mean of what the members within one network answer: the end of a network that begins with
    :class:`Members`. What is averaged, in which space, and the gradients are as of
    :class:`Ensemble`.

    Where it is the last layer, training does not see it: a loss behind it is the mean of the losses
    of all members, each judged by the target itself, never that of the average, under which they
    would lean on each other. So a training's loss and score are those of the members in the mean;
    predictions, validation and evaluations are those of the average.

    Arguments:
        of: what is averaged: ``"numbers"``, ``"classes"``, ``"labels"``, ``"logs"`` or
            ``"quantiles"``.
        levels, anchor: of quantiles: how many of each target, and which of them is the anchor.
        name: the layer's name; by default ``member_mean_1``, ...

    Shapes: (batch, members, outputs) to (batch, outputs).

    Raises:
        ConfigurationError: another way to average.
        ShapeError: examples without an axis of members.

    Source: Gorishniy, Kotelnikov and Babenko 2025, "TabM: advancing tabular deep learning with
    parameter-efficient ensembling", section 3.

    Example:
        >>> x = np.array([[[1.0], [3.0]]])
        >>> MemberMean().forward(x, {}, Run(training=False))[0]
        array([[2.]])
    """

    of: str = "numbers"
    levels: int = 1
    anchor: int = 0
    name: str | None = None

    kernel: ClassVar[str | None] = "average"
    judged_before: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self._check_way()

    def check(self, shape: Shape, name: str) -> None:
        expect_rank(shape, 2, f"MemberMean '{name}'", "(batch, members, outputs)",
                    "begin the network with Members(count)")
        expect(shape[0] <= MOST_MEMBERS, self, f"averages 1 to {MOST_MEMBERS} members", shape[0])
        self._check_outputs(shape[-1], name)

    def output_shape(self, shape: Shape) -> Shape:
        return shape[1:]

    def numbers(self, shape: Shape) -> dict[str, float]:
        return {"members": shape[0], **self._way_numbers()}

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        x = run.xp.stack([x[:, i] for i in range(x.shape[1])], axis=0)
        forward, _ = self._ways()
        y, saved = forward(x, run)
        return y, (x, y, saved)

    def backward(self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run) -> Gradients:
        x, y, own = saved
        _, backward = self._ways()
        d_x = backward(d_y, x, y, own, run)
        d_x = run.xp.stack([d_x[i] for i in range(len(x))], axis=1)
        return run.note("d_x", d_x, "of each member"), {}


def judged(net: Any) -> tuple[Any, bool]:
    """What a loss behind a network judges in training, and whether that is each member by itself:
    then the network without the mean of these at its end."""
    *front, last = net.layers if isinstance(net, Sequential) and net.layers else (None,)
    if isinstance(last, Sequential):
        inner, apart = judged(last)
        return (net.with_parts([*front, inner]) if apart else net), apart
    apart = last is not None and last.judged_before
    return (net.with_parts(front) if apart else net), apart


def of_each(y: Any, members: int) -> Any:
    """Prepared targets, once for each member."""
    return np.repeat(np.reshape(y, (len(y), 1, -1)), members, axis=1)


def _log_mean_exp(x: ArrayLike, xp: Any) -> ArrayLike:
    top = xp.max(x, axis=0)
    return top + xp.log(xp.mean(xp.exp(x - top), axis=0))


def _of_numbers(x: ArrayLike, run: Run) -> tuple[ArrayLike, Any]:
    return run.note("y", run.xp.mean(x, axis=0), "mean over the members of x"), None


def _back_to_numbers(
    d_y: ArrayLike, x: ArrayLike, y: ArrayLike, saved: Any, run: Run
) -> ArrayLike:
    return run.xp.ones_like(x) * d_y / len(x)


def _of_logs(x: ArrayLike, run: Run) -> tuple[ArrayLike, Any]:
    return run.note("y", _log_mean_exp(x, run.xp), "log(mean over the members of exp(x))"), None


def _back_to_logs(d_y: ArrayLike, x: ArrayLike, y: ArrayLike, saved: Any, run: Run) -> ArrayLike:
    share = run.note("share", run.xp.exp(x - y) / len(x), "exp(x - y) / members")
    return share * d_y


def _of_classes(x: ArrayLike, run: Run) -> tuple[ArrayLike, Any]:
    xp, axis = run.xp, x.ndim - 1
    shifted = run.note("shifted", x - xp.max(x, axis=axis, keepdims=True), "x - max of x")
    total = run.note("total", xp.sum(xp.exp(shifted), axis=axis, keepdims=True),
                     "sum of exp(shifted)")
    log_p = run.note("log_p", shifted - xp.log(total), "shifted - log(total)")
    y = run.note("y", _log_mean_exp(log_p, xp), "log(mean over the members of exp(log_p))")
    return y, log_p


def _back_to_classes(
    d_y: ArrayLike, x: ArrayLike, y: ArrayLike, saved: Any, run: Run
) -> ArrayLike:
    xp, log_p = run.xp, saved
    r = run.note("r", d_y * xp.exp(log_p - y) / len(x), "d_y exp(log_p - y) / members")
    total = run.note("total", xp.sum(r, axis=x.ndim - 1, keepdims=True), "sum of r")
    return r - xp.exp(log_p) * total


def _of_labels(x: ArrayLike, run: Run) -> tuple[ArrayLike, Any]:
    xp, note = run.xp, run.note
    yes = note("yes", _log_mean_exp(-softplus(xp, -x), xp), "log(mean of sigmoid(x))")
    no = note("no", _log_mean_exp(-softplus(xp, x), xp), "log(mean of sigmoid(-x))")
    return note("y", yes - no, "yes - no"), (yes, no)


def _back_to_labels(
    d_y: ArrayLike, x: ArrayLike, y: ArrayLike, saved: Any, run: Run
) -> ArrayLike:
    xp, (yes, no) = run.xp, saved
    slopes = -softplus(xp, x) - softplus(xp, -x)
    share = run.note("share", xp.exp(slopes - yes - no) / len(x),
                     "sigmoid'(x) / sigmoid'(y) / members")
    return share * d_y
