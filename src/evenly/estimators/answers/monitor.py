"""What early stopping watches: the loss, the score, or any scorer of scikit-learn."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from inspect import signature
from typing import Any

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import get_scorer

from ...errors import ConfigurationError, DataError
from ...stopping import EarlyStopping
from ...training import Model, init
from ..effort import value_of
from ..fits.held_out import Held
from ..names import wrong
from ..settings import whole

# What is learned from held-out rows.
FROM_HELD = ("_monitored", "_chosen", "temperature_", "threshold_", "conformal_", "_watched",
             "refit_history_", "_ran_out", "_histories")
# What a scorer's stand-in for the estimator has not, or has of its own.
_ELSEWHERE = (*FROM_HELD, "_predictor", "_apart", "feature_names_in_")


@dataclass(frozen=True)
class ByScorer(EarlyStopping):
    """Early stopping that keeps the epoch with the largest value of a function of the weights."""

    value: Callable[[Any], float] = field(default=lambda weights: 0.0, repr=False, compare=False)

    def goodness(self, record: Any, weights: Any) -> float:
        return self.value(weights)


def scorer_of(what: str, given: Any, words: str) -> Any:
    """A scorer, ``scorer(estimator, X, y)``, by its name or as it is.

    Arguments:
        what: the argument's name.
        given: its value.
        words: what else it may be.
    """
    if callable(given) and not isinstance(given, type):
        return given
    if isinstance(given, str):
        try:
            return get_scorer(given)
        except ValueError:
            pass
    raise wrong(what, f"{words}, a name of sklearn.metrics.get_scorer_names(), or a function "
                      "scorer(estimator, X, y)", given)


def scored(scorer: Any, estimator: Any, held: Held, what: str, named: bool = False) -> float:
    """What a scorer makes of held-out rows: more is better.

    Arguments:
        scorer: the function.
        estimator: as it is to be judged.
        held: the rows, with targets as they came.
        what: for errors.
        named: whether it was given by its name.

    Raises:
        DataError: it fails, or gives something else than a finite number.
    """
    more = {}
    if held.weights is not None and _takes_weights(scorer):
        more["sample_weight"] = held.weights
    rows = f"on the {held.X.shape[0]} held-out rows"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        try:
            value = scorer(estimator, held.X, held.y, **more)
        except Exception as error:
            told = f"{type(error).__name__}: {error}"
            raise DataError(f"{what}: the scorer fails {rows}: {told}") from error
    number = isinstance(value, (int, float, np.number, np.ndarray)) and np.ndim(value) == 0
    if not number or not np.isfinite(value):
        hint = "; some measures need rows of every class" if named else ""
        raise DataError(f"{what}: the scorer gives {value!r} {rows}, and no finite number: hold "
                        f"out more rows, or take another measure{hint}")
    return float(value)


def _takes_weights(scorer: Any) -> bool:
    own = getattr(scorer, "_accept_sample_weight", None)
    if own is not None:
        return bool(own())
    try:
        return "sample_weight" in signature(scorer).parameters
    except (TypeError, ValueError):
        return False


def stand_in(estimator: Any, model: Model, numbered: bool = False) -> Any:
    """The estimator with the weights of a model, for scorers: it reads arrays, and knows nothing
    yet of what is learned from held-out rows.

    Arguments:
        estimator: as it is while it is trained.
        model: whose weights count at every prediction.
        numbered: whether its two classes are 0 and 1.
    """
    twin = object.__new__(type(estimator))
    twin.__dict__.update(
        (name, value) for name, value in vars(estimator).items() if name not in _ELSEWHERE
    )
    twin.__dict__.update(estimator._known_before())
    if numbered:
        twin.classes_ = np.arange(2)
    twin._use(model)
    return twin


def is_numbered(estimator: Any, given: Any) -> bool:
    """Whether a measure is told of two classes as 0 and 1: "f1" and its kin, by their names, take
    the second for the positive one, whatever the labels are."""
    return isinstance(given, str) and len(getattr(estimator, "classes_", ())) == 2 and not (
        estimator._multi_label
    )


class Watching:
    """The value of a scorer for the weights of each epoch.

    Arguments:
        estimator: that is being trained.
        held: the rows.
        seed: of the training.

    Attributes:
        curve: the values so far.
    """

    def __init__(self, estimator: Any, held: Held, seed: int) -> None:
        self.curve: list[float] = []
        given = estimator.monitor
        self._scorer = scorer_of("monitor", given, "'loss', 'score'")
        self._named = isinstance(given, str)
        self._numbered = is_numbered(estimator, given)
        y = held.y if self._numbered else estimator._decoded(held.y)
        self._held = held._replace(y=y)
        self._estimator, self._seed = estimator, seed
        self._twin: Any = None

    def __call__(self, weights: Any) -> float:
        estimator = self._estimator
        if self._twin is None:
            model = init(estimator._network(), (estimator.n_features_in_,), self._seed,
                         dtype=estimator.dtype)
            self._twin = stand_in(estimator, model, self._numbered)
        self._twin.model_.engine.set_weights(weights)
        what = f"monitor={estimator.monitor!r}, epoch {len(self.curve) + 1}"
        self.curve.append(scored(self._scorer, self._twin, self._held, what, self._named))
        return self.curve[-1]


def stopping_rule(estimator: Any, held: Held | None, seed: int) -> EarlyStopping:
    """Early stopping by what the arguments have it watch."""
    patience = whole("patience", value_of(estimator, "patience"), 1, ', or "auto"')
    monitor = estimator.monitor
    if isinstance(monitor, str) and monitor in ("loss", "score"):
        return EarlyStopping(patience, monitor=f"validation_{monitor}")
    scorer_of("monitor", monitor, "'loss', 'score'")
    if not estimator.early_stopping:
        return EarlyStopping(patience)
    if held is None:
        raise ConfigurationError(no_rows(f"monitor={monitor!r} watches held-out rows"))
    return ByScorer(patience, value=Watching(estimator, held, seed))


def no_rows(what: str) -> str:
    """The words of an error where something needs held-out rows."""
    return (
        f"{what}, and none are held out: give validation=0.2, say, or fit X_val and y_val (with "
        "early_stopping=False nothing is held out by itself, nor where it would be fewer than 10 "
        "rows)"
    )


def curve_of(rule: EarlyStopping, history: Any) -> Any:
    """What a rule watched, an array with a value an epoch; None for the loss, which the history
    has."""
    if isinstance(rule, ByScorer):
        assert isinstance(rule.value, Watching)
        return np.array(rule.value.curve)
    return None if rule.monitor == "validation_loss" else history.column(rule.monitor)


def callbacks_of(given: Any) -> tuple[Any, ...]:
    """The functions that are called with each epoch's record."""
    if given is None:
        return ()
    if not isinstance(given, (list, tuple)) or not all(callable(each) for each in given):
        raise wrong("callbacks", "a list of functions of an epoch's record, such as [print]", given)
    return tuple(given)
