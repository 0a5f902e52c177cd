"""Learning rates and decays that differ from array to array."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from ..errors import ConfigurationError
from ..layers.base import Declared, Run, expect
from .base import Optimizer


@dataclass(frozen=True)
class ArrayRates(Declared):
    """Factors by array: of the learning rate, and of the optimizer's weight decay.

    The step of an array is that of the optimizer with ``learning_rate factor``, and its decay
    ``value *= 1 - learning_rate factor weight_decay decay_factor``. Names may have ``*`` for any
    text, as in ``"*.bias"``; where several fit, the first counts, and where none does the factor is
    1. A factor of 0 leaves an array as it is.

    PyTorch's parameter groups, each with an ``lr`` and a ``weight_decay`` of its own.

    Arguments:
        rates: factors of the learning rate, by name: a dict, or pairs; finite, >= 0.
        decays: likewise of the weight decay. It touches kernels alone, so each name must fit one.

    Raises:
        ConfigurationError: a setting outside these bounds; when a network is compiled, a name that
            fits none of its arrays.

    Source: Howard and Ruder 2018, "Universal language model fine-tuning for text classification",
    section 3.1 (rates by layer).

    Example:
        >>> rates = ArrayRates({"dense_1.bias": 0.0, "*.bias": 0.1}, decays={"dense_2.*": 2.0})
        >>> [rates.factor(name) for name in ("dense_1.bias", "dense_2.bias", "dense_1.kernel")]
        [0.0, 0.1, 1.0]
    """

    rates: Any = ()
    decays: Any = ()

    def __post_init__(self) -> None:
        for name in ("rates", "decays"):
            object.__setattr__(self, name, _pairs(self, name, getattr(self, name)))

    def factor(self, name: str) -> float:
        """What the learning rate of an array is multiplied by."""
        return _first(self.rates, name)

    def decay_factor(self, name: str) -> float:
        """What the weight decay of an array is multiplied by."""
        return _first(self.decays, name)

    def applied(self, name: str, rule: Optimizer, run: Run) -> tuple[Optimizer, Run]:
        """The rule, and the circumstances, of an array's update."""
        decay = rule.weight_decay * self.decay_factor(name)
        rate = rule.rate(run) * self.factor(name)
        return replace(rule, weight_decay=decay), replace(run, learning_rate=rate)

    def check(self, trainable: Iterable[str], decaying: Iterable[str]) -> None:
        """Raises ConfigurationError for a name that fits no array, of those that are trained and
        those of them that decay."""
        for what, pairs, names in (("rates", self.rates, list(trainable)),
                                   ("decays", self.decays, list(decaying))):
            for pattern, _ in pairs:
                if not any(fnmatchcase(name, pattern) for name in names):
                    raise ConfigurationError(
                        f"ArrayRates: {what} names '{pattern}', which fits no array that "
                        f"{'is trained' if what == 'rates' else 'decays'}; there are: "
                        f"{', '.join(names) or 'none'}"
                    )


def _pairs(declared: ArrayRates, name: str, given: Any) -> tuple[tuple[str, float], ...]:
    rule = f"{name} are factors by name, such as {{'*.bias': 0.1}}: finite, at least 0"
    try:
        pairs = tuple((pattern, factor) for pattern, factor in (
            given.items() if isinstance(given, Mapping) else given))
    except (TypeError, ValueError):
        pairs = (("", None),)
    for pattern, factor in pairs:
        number = isinstance(factor, numbers.Real) and not isinstance(factor, bool)
        expect(isinstance(pattern, str) and number and 0 <= factor < math.inf, declared, rule,
               given)
    return tuple((pattern, float(factor)) for pattern, factor in pairs)


def _first(pairs: tuple[tuple[str, float], ...], name: str) -> float:
    return next((factor for pattern, factor in pairs if fnmatchcase(name, pattern)), 1.0)
