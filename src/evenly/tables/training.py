"""The words of ``evenly fit`` for the arguments of the estimators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# The options of `evenly fit` that are arguments of the estimators, in the order they are shown.
OPTIONS = {
    "hidden": "--hidden", "norm": "--norm", "dropout": "--dropout", "l2": "--l2",
    "optimizer": "--optimizer", "learning_rate": "--lr", "schedule": "--schedule",
    "batch": "--batch", "class_weight": "--class-weight", "max_epochs": "--epochs",
    "patience": "--patience", "random_state": "--seed",
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
        if value is None and name in ("optimizer", "learning_rate", "class_weight", "random_state"):
            continue  # as without the option
        words += [option, _word(name, value)]
    if not settings.get("early_stopping", True):
        words.append("--all-rows")
    return words


def _word(name: str, value: Any) -> str:
    if name == "batch" and value is None:
        return "all"
    if name == "dropout" and value is None:
        return "0"
    if value is None:
        return "none"
    if name == "hidden":
        widths = value if isinstance(value, (tuple, list)) else (value,)
        return ",".join(map(str, widths)) or "none"
    if isinstance(value, dict):
        return ",".join(f"{label}={weight:g}" for label, weight in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)
