"""The words of ``evenly fit`` for the arguments of the estimators."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from ..estimators.answers import classification_losses, regression_losses
from ..estimators.names import Make
from ..estimators.settings import AVERAGES, OPTIMIZERS, SCHEDULES
from .rules import Reading

# The file that the line of a study or a search writes.
MODEL = "model.evenly"

# The options of `evenly fit` that are arguments of the estimators, in the order they are shown.
OPTIONS = {
    "types": "--as", "decimal": "--decimal", "na": "--na", "drop": "--drop", "keep": "--keep",
    "text": "--text", "categories": "--categories", "levels": "--levels", "loss": "--loss",
    "quantiles": "--quantiles",
    "hidden": "--hidden", "norm": "--norm", "dropout": "--dropout", "l2": "--l2",
    "scale": "--scale", "embedding": "--embedding",
    "optimizer": "--optimizer", "learning_rate": "--lr", "schedule": "--schedule",
    "batch": "--batch", "class_weight": "--class-weight", "threshold": "--threshold",
    "calibrate": "--calibrate", "interval_fraction": "--interval-fraction",
    "effort": "--effort", "members": "--members", "sharing": "--sharing",
    "time_limit": "--time-limit",
    "monitor": "--monitor", "max_epochs": "--epochs", "patience": "--patience",
    "average": "--average", "refit": "--refit", "random_state": "--seed",
}


# What each option is where it is not said, for those that are left out then.
WITHOUT: Mapping[str, tuple[Any, ...]] = {
    **dict.fromkeys(("optimizer", "learning_rate", "class_weight", "random_state", "decimal",
                     "quantiles", "threshold", "interval_fraction", "average", "embedding",
                     "sharing", "time_limit", "levels"), (None,)),
    "categories": ("auto",),
    **dict.fromkeys(("members", "max_epochs", "patience"), ("auto",)),
    "scale": (True, "standard"),
    "calibrate": (False,), "effort": ("default",), "refit": (False,), "monitor": ("loss",),
    **dict.fromkeys(("types", "na", "drop", "keep"), (None, (), [], {})),
    "text": (False,), "loss": ("squared", "cross_entropy"),
}
# Options that are said once for each of several things.
REPEATED: Mapping[str, Callable[[Any], list[str]]] = {
    "types": lambda types: [f"{name}={kind}" for name, kind in types.items()],
    **dict.fromkeys(("na", "drop", "keep"), list),
}


# What the words of an option make, where a declaration may stand in its place.
MADE: Mapping[str, Mapping[str, Make]] = {
    "optimizer": OPTIMIZERS, "schedule": SCHEDULES, "average": AVERAGES,
    "loss": {**regression_losses.LOSSES, **{name: made for name, (made, _) in
                                            classification_losses.LOSSES.items() if made}},
}
# Arguments that change nothing of what is learned, or have a flag.
NO_WORDS = ("early_stopping", "verbose", "n_jobs", "doctor", "callbacks", "quiet", "warm_start")


def option_words(settings: Mapping[str, Any]) -> list[str]:
    """Arguments of an estimator as the options of ``evenly fit`` that give them.

    A declaration whose kind has a name is that name, and its fields are ``--set``.

    Example:
        >>> option_words({"hidden": (16, 8), "norm": None, "batch": None, "early_stopping": False})
        ['--hidden', '16,8', '--norm', 'none', '--batch', 'all', '--all-rows']
    """
    words = []
    for name, option in OPTIONS.items():
        if name not in settings or (name == "patience" and not settings.get("early_stopping", 1)):
            continue
        value = settings[name]
        if name in WITHOUT and value in WITHOUT[name]:
            continue  # as without the option
        if name in REPEATED:
            words += [word for one in REPEATED[name](value) for word in (option, one)]
            continue
        if value is True:
            words.append(option)
            continue
        if name in MADE and is_dataclass(value):
            words += _declared(name, option, value, settings)
            continue
        words += [option, _word(name, value)]
    if not settings.get("early_stopping", True):
        words.append("--all-rows")
    return words


def set_words(settings: Mapping[str, Any], plain: Mapping[str, Any]) -> list[str] | None:
    """The arguments that have no option of their own as ``--set``; None where one of them cannot be
    written so.

    Arguments:
        settings: all arguments.
        plain: what they are by themselves.

    Example:
        >>> set_words({"activation": "gelu", "hidden": (8,), "clip": None}, {"activation": "relu",
        ...           "hidden": (128, 64), "clip": None})
        ['--set', 'activation=gelu']
    """
    words = []
    for name, value in settings.items():
        if name in OPTIONS and not (is_dataclass(value) and not _name_of(name, value)):
            continue
        if name in NO_WORDS or (type(value) is type(plain[name]) and value == plain[name]):
            continue
        try:
            text = value if isinstance(value, str) else json.dumps(value)
        except TypeError:
            return None
        words += ["--set", f"{name}={text}"]
    return words


def _name_of(name: str, value: Any) -> str:
    """The word for a declaration's kind, or nothing."""
    made = {word: make() for word, make in MADE.get(name, {}).items()}
    words = [word for word, one in made.items() if type(one) is type(value)]
    return min(words, key=lambda word: len(_other(value, made[word])), default="")


def _other(value: Any, plain: Any) -> dict[str, Any]:
    """The fields that differ."""
    return {entry.name: own for entry in fields(value) if entry.init
            and (own := getattr(value, entry.name)) != getattr(plain, entry.name)}


def _declared(name: str, option: str, value: Any, settings: Mapping[str, Any]) -> list[str]:
    word = _name_of(name, value)
    if not word:
        return [option, str(value)]
    other, words = _other(value, MADE[name][word]()), [option, word]
    if name == "optimizer":
        other.pop("learning_rate", None)
        if settings.get("learning_rate") is None:
            words += [OPTIONS["learning_rate"], f"{value.learning_rate:g}"]
    for field, own in other.items():
        words += ["--set", f"{name}__{field}={own if isinstance(own, str) else json.dumps(own)}"]
    return words


def reading_words(reading: Reading, sep: str | None, encoding: str | None) -> list[str]:
    """How a table is read, as options of the commands."""
    words = option_words({**vars(reading), "early_stopping": True})
    for option, value in (("--sep", sep), ("--encoding", encoding)):
        words += [] if value is None else [option, value]
    return words


def _word(name: str, value: Any) -> str:
    if name == "batch" and value is None:
        return "all"
    if name == "dropout" and value is None:
        return "0"
    if value is None or (name == "scale" and value is False):
        return "none"
    if name in ("hidden", "quantiles"):
        widths = value if isinstance(value, (tuple, list)) else (value,)
        return ",".join(map(str, widths)) or "none"
    if isinstance(value, dict):
        return ",".join(f"{label}={weight:g}" for label, weight in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)
