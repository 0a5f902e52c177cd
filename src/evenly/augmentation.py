"""Changes to the examples of a batch, drawn anew in each training step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .layers.base import ArrayLike, Declared, Run, expect
from .random import betas


class Augmentation(Declared):
    """Base of what changes the examples of a training batch.

    Attributes:
        mixes: whether targets and sample weights become means of two examples'.
        of_columns: whether it is for tables alone, (rows, features).
    """

    kernel: ClassVar[str]
    mixes: ClassVar[bool] = True
    of_columns: ClassVar[bool] = True

    def numbers(self, seed: int, first_step: int, steps: int, features: int) -> dict[str, Any]:
        """What is drawn for some steps, a function of (seed, step) alone: ``mix``, ``shift``,
        ``cut`` and ``place``, as far as it has them."""
        raise NotImplementedError(f"{type(self).__name__} needs a numbers method")

    def inputs(self, x: ArrayLike, run: Run) -> ArrayLike:
        """The examples that are trained on."""
        raise NotImplementedError(f"{type(self).__name__} needs an inputs method")


@dataclass(frozen=True)
class Mixup(Augmentation):
    """Trains on means of two examples: ``x = mix x_i + (1 - mix) x_j``, ``y = mix y_i + (1 - mix)
    y_j``, where a class counts as a one-hot row. Sample weights are mixed likewise.

    One ``mix`` is drawn in each step, from Beta(alpha, alpha), and the larger of it and ``1 - mix``
    is taken: the batch is then the same up to its order, and each row mostly its own. The other
    example of row i is row ``i + 1 + shift mod (rows - 1)`` of the batch, counted round, with a
    shift that is drawn in each step, too. The loss and the score of a training epoch are those of
    the mixed examples.

    Arguments:
        alpha: > 0; the larger, the nearer is ``mix`` to 1/2. Usually 0.1 to 0.4 for images.

    Raises:
        ConfigurationError: a setting outside these bounds.

    Source: Zhang, Cisse, Dauphin and Lopez-Paz 2018, "mixup: Beyond empirical risk minimization",
    section 2. For noise on the inputs, another such change, see :class:`GaussianNoise`.

    Example:
        >>> mix, shift = Mixup(0.2).draw(seed=0, first_step=0, steps=3)
        >>> bool((mix >= 0.5).all()), shift.shape
        (True, (3,))
    """

    alpha: float = 0.2

    kernel: ClassVar[str] = "mixup"
    of_columns: ClassVar[bool] = False

    def __post_init__(self) -> None:
        _check_alpha(self, self.alpha)

    def numbers(self, seed: int, first_step: int, steps: int, features: int) -> dict[str, Any]:
        return dict(zip(("mix", "shift"), self.draw(seed, first_step, steps), strict=True))

    def inputs(self, x: ArrayLike, run: Run) -> ArrayLike:
        return mixed(x, run)

    def draw(self, seed: int, first_step: int, steps: int) -> tuple[Any, Any]:
        """The ``mix`` and ``shift`` of some steps, each a function of (seed, step) alone."""
        share, shift = betas(seed, "mixup", np.arange(first_step, first_step + steps), self.alpha)
        return np.maximum(share, 1 - share), shift.astype(np.float64)


def mixed(values: ArrayLike, run: Run) -> ArrayLike:
    """Rows of a batch with their others mixed in, as ``run.mix`` and ``run.shift`` say."""
    rows = len(values)
    if run.mix == 1 or rows < 2:
        return values
    others = run.xp.roll(values, -(1 + run.shift % (rows - 1)), axis=0)
    return run.note("mixed", run.mix * values + (1 - run.mix) * others, "mix x_i + (1 - mix) x_j")


@dataclass(frozen=True)
class CutMix(Augmentation):
    """Trains on rows of which some columns are another example's: ``x = x_j`` in the columns that
    are cut, ``x_i`` in the others, and ``y = mix y_i + (1 - mix) y_j`` with the share of columns
    that stayed as ``mix``. For tables. Targets, weights, score and the other example are as of
    :class:`Mixup`.

    A share is drawn in each step, from Beta(alpha, alpha), and the larger of it and the rest stays;
    ``cut = round((1 - share) features)`` columns are cut, the same of all rows: those for which
    ``(a c + b) mod features < cut``, with numbers a (that shares no divisor with the features) and
    b that are drawn in each step, too, so that no column is likelier than another.

    Arguments:
        alpha: > 0; the larger, the nearer is the share to 1/2.

    Raises:
        ConfigurationError: a setting outside these bounds; examples that are no rows of a table.

    Source: Yun, Han, Oh, Chun, Choe and Yoo 2019, "CutMix: Regularization strategy to train strong
    classifiers with localizable features", section 3; for tables Kadra, Lindauer, Hutter and
    Grabocka 2021, "Well-tuned simple nets excel on tabular datasets".

    Example:
        >>> drawn = CutMix(1.0).numbers(seed=0, first_step=0, steps=3, features=10)
        >>> bool((drawn["mix"] == 1 - drawn["cut"] / 10).all())
        True
    """

    alpha: float = 1.0

    kernel: ClassVar[str] = "cutmix"

    def __post_init__(self) -> None:
        _check_alpha(self, self.alpha)

    def numbers(self, seed: int, first_step: int, steps: int, features: int) -> dict[str, Any]:
        times = np.arange(first_step, first_step + steps)
        share, shift = betas(seed, "cutmix", times, self.alpha)
        cut = np.rint(np.minimum(share, 1 - share) * features)
        return {"mix": 1 - cut / features, "shift": shift.astype(np.float64), "cut": cut,
                "place": _places(seed, times, features)}

    def inputs(self, x: ArrayLike, run: Run) -> ArrayLike:
        if len(x) < 2:
            return x
        others = run.xp.roll(x, -(1 + run.shift % (len(x) - 1)), axis=0)
        return run.note("cut", run.xp.where(is_cut(x.shape[1], run), others, x),
                        "x_j where cut, else x_i")


@dataclass(frozen=True)
class Cutout(Augmentation):
    """Trains on rows of which some columns are 0, the mean of standardized inputs; the targets
    stay. For tables.

    ``cut = round(fraction features)`` columns, one at least, are drawn anew in each step, as
    :class:`CutMix` draws them, the same of all rows. (Dropout in front draws for each row by
    itself, and scales the rest.)

    Arguments:
        fraction: of the columns, above 0 and below 1.

    Raises:
        ConfigurationError: a setting outside these bounds; examples that are no rows of a table.

    Source: DeVries and Taylor 2017, "Improved regularization of convolutional neural networks with
    cutout", section 3; for tables Kadra, Lindauer, Hutter and Grabocka 2021, "Well-tuned simple
    nets excel on tabular datasets".

    Example:
        >>> Cutout(0.25).numbers(seed=0, first_step=0, steps=2, features=8)["cut"]
        array([2., 2.])
    """

    fraction: float = 0.2

    kernel: ClassVar[str] = "cutout"
    mixes: ClassVar[bool] = False

    def __post_init__(self) -> None:
        expect(0 < self.fraction < 1, self, "fraction must be above 0 and below 1", self.fraction)

    def numbers(self, seed: int, first_step: int, steps: int, features: int) -> dict[str, Any]:
        cut = max(1.0, float(np.rint(self.fraction * features)))
        times = np.arange(first_step, first_step + steps)
        return {"cut": np.full(steps, cut), "place": _places(seed, times, features)}

    def inputs(self, x: ArrayLike, run: Run) -> ArrayLike:
        return run.note("cut", run.xp.where(is_cut(x.shape[1], run), 0 * x, x), "0 where cut")


def is_cut(features: int, run: Run) -> Any:
    """Which columns are cut: (features,) truth values, as ``run.cut`` and ``run.place`` say."""
    a, b = divmod(run.place, features)
    return (np.arange(features) * a + b) % features < run.cut


def _places(seed: int, times: Any, features: int) -> Any:
    """``a features + b`` of each step: a without a common divisor with the features, b below them,
    so that the columns come in another order, each once."""
    candidates = np.arange(1, features + 1)
    candidates = candidates[np.gcd(candidates, features) == 1] % features
    a, b = (betas(seed, f"cut {name}", times, 1.0)[1].astype(np.int64) for name in "ab")
    return (candidates[a % len(candidates)] * features + b % features).astype(np.float64)


def _check_alpha(declared: Augmentation, alpha: float) -> None:
    expect(alpha > 0, declared, "alpha must be positive", alpha)
    expect(alpha < math.inf, declared, "alpha must be finite", alpha)
