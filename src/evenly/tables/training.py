"""The words of ``evenly fit`` for the arguments of the estimators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

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


def option_words(settings: Mapping[str, Any]) -> list[str]:
    """Arguments of an estimator as the options of ``evenly fit`` that give them.

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
        words += [option, _word(name, value)]
    if not settings.get("early_stopping", True):
        words.append("--all-rows")
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
