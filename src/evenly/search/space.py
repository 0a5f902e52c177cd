"""A space of settings: plain data in, Optuna's distributions and an estimator's arguments out."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..estimators.settings import optimizer_of
from ..extras import needed
from .errors import SearchError

# Names of a space that stand for an argument within the optimizer or the loss.
WITHIN = {"decay": "optimizer__weight_decay", "label_smoothing": "loss__label_smoothing"}
# Together they are the argument `hidden`: so many layers, the first so wide, each of the next ones
# as wide as the one before it times the taper.
SHAPE = ("layers", "units", "taper")
EXPECTS = "a list of values, or {low = ..., high = ...} with log, step if wanted"
# Figures of a number: a setting is short to write, and as written it is exact.
FIGURES = 3


def optuna_module() -> Any:
    """Optuna, that only speaks when something is wrong.

    Raises:
        SearchError: it is not installed.
    """
    optuna = needed("a search", "optuna", "study", error=SearchError)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def default_space(estimator: Any) -> dict[str, Any]:
    """The space where none is given: around what the estimator has.

    Arguments:
        estimator: a network of :mod:`evenly.estimators` or :mod:`evenly.tables`.

    Example:
        >>> from evenly import NetClassifier
        >>> list(default_space(NetClassifier()))[:3]
        ['learning_rate', 'momentum', 'layers']
        >>> default_space(NetClassifier())["learning_rate"]
        {'low': 0.0001, 'high': 0.03, 'log': True}
    """
    optimizer = optimizer_of(estimator.optimizer, estimator.learning_rate)
    rate, decays = optimizer.learning_rate, optimizer.weight_decay > 0
    space: dict[str, Any] = {
        "learning_rate": {"low": rounded(rate / 20), "high": rounded(rate * 15), "log": True},
    }
    if optimizer.momentum_name:
        space["momentum"] = {"low": 0.8, "high": 0.99}
    if estimator.net is None:
        space |= {"layers": {"low": 1, "high": 3}, "units": {"low": 16, "high": 256, "log": True},
                  "taper": [1.0, 0.5], "dropout": {"low": 0.0, "high": 0.6},
                  "norm": ["batch", "layer", None]}
    low, high = (1e-4, 1.0) if decays else (1e-6, 1e-2)
    return space | {
        "decay": {"low": low, "high": high, "log": True},
        "batch": ["auto", 32, 64, 128, 256],
        "schedule": ["cosine", "linear", "one_cycle", None],
    }


def space_file(path: Path) -> dict[str, Any]:
    """The space in a TOML file: a table or a list for each name, such as ``norm = ["batch",
    "none"]``.

    Raises:
        SearchError: it cannot be read, or is no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SearchError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SearchError(f"{path}: is no TOML: {error}") from error


@dataclass(frozen=True)
class Space:
    """A space of settings.

    Attributes:
        ranges: Optuna's distribution of each name.
        values: of the names that choose among values: what each label stands for.
    """

    ranges: dict[str, Any]
    values: dict[str, dict[Any, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Space:
        """The space of plain data, or of Optuna's distributions.

        Raises:
            SearchError: a range that is none.
        """
        if not isinstance(given, Mapping) or not given:
            raise SearchError(f"space: expects {EXPECTS} for each of some names, got {given!r}")
        ranges, values = {}, {}
        for name, entry in given.items():
            ranges[name] = _range(str(name), entry)
            choices = getattr(ranges[name], "choices", None)
            if choices is not None:
                listed = entry if isinstance(entry, (list, tuple)) else choices
                values[name] = dict(zip(choices, map(_meant, listed), strict=True))
        return cls(ranges, values)

    def settings(self, drawn: Mapping[str, Any]) -> dict[str, Any]:
        """What was drawn, as it is trained with: numbers with few figures, labels as what they
        stand for."""
        found = {}
        for name, value in drawn.items():
            if name in self.values:
                value = self.values[name][value]
            elif isinstance(value, float):
                one = self.ranges[name]
                value = min(max(rounded(value), one.low), one.high)
            found[name] = value
        return found

    def nearest(self, estimator: Any) -> tuple[dict[str, Any], bool]:
        """(labels or numbers of the space that come nearest to what an estimator has; whether they
        are all of it). A name whose value is none of the choices is left out."""
        found, exact = {}, True
        for name, own in self.ranges.items():
            value = value_of(estimator, name)
            if name in self.values:
                labels = [label for label, meant in self.values[name].items()
                          if type(meant) is type(value) and meant == value]
                if not labels:
                    exact = False
                    continue
                found[name] = labels[0]
                continue
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            near = min(max(value, own.low), own.high) if number else own.low
            if not own._contains(own.to_internal_repr(near)):
                near = own.low
            exact = exact and number and near == value
            found[name] = near
        return found, exact

    def words(self) -> tuple[tuple[str, str], ...]:
        """Each name with its range in words."""
        return tuple((name, self._words(name)) for name in self.ranges)

    def _words(self, name: str) -> str:
        if name in self.values:
            return ", ".join("none" if value is None else str(value)
                             for value in self.values[name].values())
        one = self.ranges[name]
        text = f"{one.low:g} to {one.high:g}" + (", logarithmic" if one.log else "")
        return text if isinstance(one.low, float) else f"{text}, whole"

    def text(self) -> str:
        """The space as text that is the same for the same space alone."""
        to_json = optuna_module().distributions.distribution_to_json
        return json.dumps({name: to_json(one) for name, one in self.ranges.items()})


def arguments(estimator: Any, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as arguments of ``set_params``.

    Arguments:
        estimator: that gets them: it has what the settings leave open.
        settings: value by name.

    Example:
        >>> from evenly import NetClassifier
        >>> arguments(NetClassifier(), {"layers": 3, "momentum": 0.8})
        {'hidden': (128, 64, 32), 'optimizer__beta_1': 0.8}
    """
    found = {WITHIN.get(name, name): tuple(value) if name == "hidden" else value
             for name, value in settings.items() if name not in (*SHAPE, "momentum")}
    if any(name in settings for name in SHAPE):
        layers, units, taper = (settings.get(name, value_of(estimator, name)) for name in SHAPE)
        found["hidden"] = tuple(max(1, round(units * taper**place)) for place in range(layers))
    if "momentum" in settings:
        own = found.get("optimizer", estimator.optimizer)
        if name := optimizer_of(own, None).momentum_name:
            found[f"optimizer__{name}"] = settings["momentum"]
    return found


def value_of(estimator: Any, name: str) -> Any:
    """What an estimator has under a name of a space."""
    if name in SHAPE:
        hidden = estimator.hidden if isinstance(estimator.hidden, tuple) else (estimator.hidden,)
        if not hidden:
            return {"layers": 0, "units": 1, "taper": 1.0}[name]
        taper = hidden[1] / hidden[0] if len(hidden) > 1 else 1.0
        whole = all(round(hidden[0] * taper**place) == own for place, own in enumerate(hidden))
        return {"layers": len(hidden), "units": hidden[0], "taper": taper if whole else None}[name]
    optimizer = optimizer_of(estimator.optimizer, estimator.learning_rate)
    if name == "learning_rate":
        return optimizer.learning_rate
    if name == "momentum":
        return getattr(optimizer, optimizer.momentum_name or "", None)
    if name == "label_smoothing":
        return getattr(estimator.loss, "label_smoothing", 0.0)
    outer, mark, inner = WITHIN.get(name, name).partition("__")
    if mark:
        whole_value = optimizer if outer == "optimizer" else getattr(estimator, outer, None)
        return getattr(whole_value, inner, None)
    return getattr(estimator, name, None)


def rounded(value: float) -> float:
    """A number with few figures."""
    return float(f"{value:.{FIGURES}g}")


def _meant(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    return None if value == "none" else value


def _range(name: str, entry: Any) -> Any:
    """Optuna's distribution of plain data."""
    kinds = optuna_module().distributions
    if isinstance(entry, kinds.BaseDistribution):
        return entry
    try:
        if isinstance(entry, (list, tuple)):
            plain = (str, int, float, type(None))
            return kinds.CategoricalDistribution(
                [value if isinstance(value, plain) else json.dumps(value) for value in entry])
        if isinstance(entry, Mapping) and entry.keys() <= {"low", "high", "log", "step"}:
            low, high, more = entry["low"], entry["high"], dict(entry)
            del more["low"], more["high"]
            if isinstance(low, int) and isinstance(high, int):
                return kinds.IntDistribution(low, high, **more)
            return kinds.FloatDistribution(float(low), float(high), **more)
    except (ValueError, TypeError, KeyError) as error:
        why = f"'{error.args[0]}' is missing" if isinstance(error, KeyError) else str(error)
        raise SearchError(f"space: {name}: {' '.join(why.split())}: expects {EXPECTS}") from error
    raise SearchError(f"space: {name}: expects {EXPECTS}, got {entry!r}")
