"""What an estimator chooses by itself: how many networks, and how long they train.

Chosen on the development tables of benchmarks/accuracy; docs/accuracy.md has what each brings.
"""

from __future__ import annotations

from typing import Any

from ..averaging import Snapshots
from ..layers import Members
from ..layers.containers import leaves
from .names import wrong

EFFORTS = ("fast", "default", "best")
# From so many rows on a table is large: its fit takes long enough to count.
LARGE = 1000
# The arguments that are chosen where they are "auto".
CHOSEN = ("members", "max_epochs", "patience")
_USUAL = {"members": 1, "max_epochs": 100, "patience": 20}
# Members that share their kernels cost little each, and gain little each.
_SHARING = 16
_LONG = {"max_epochs": 300, "patience": 60}


def choices(effort: str, rows: int, classifies: bool) -> dict[str, int]:
    """What an effort comes to for a table.

    Arguments:
        effort: one of `EFFORTS`.
        rows: of the table.
        classifies: whether the targets are classes.

    Returns:
        A value for each of `CHOSEN`.

    Example:
        >>> choices("default", 5000, True)
        {'members': 4, 'max_epochs': 100, 'patience': 20}
    """
    if effort == "fast":
        return dict(_USUAL)
    if effort == "best":
        return {**_USUAL, **_LONG, "members": 16}
    if rows >= LARGE:
        return {**_USUAL, "members": 4}
    return {**_USUAL, "members": 8} if classifies else {**_USUAL, **_LONG, "members": 5}


def settle(estimator: Any, rows: int, classifies: bool, going_on: bool) -> None:
    """Chooses for a fit on so many rows. What goes on keeps its members."""
    effort = checked(estimator.effort)
    chosen = choices(effort, rows, classifies)
    if shares(estimator):
        chosen["members"] = _within(estimator.model_.net) if going_on else _SHARING
    elif going_on:
        chosen["members"] = len(estimator.members_)
    elif estimator.refit or has_snapshots(estimator.average):
        chosen["members"] = 1  # members hold out other rows each; snapshots are members
    estimator._chosen = {
        name: value for name, value in chosen.items() if is_auto(getattr(estimator, name))
    }


def shares(estimator: Any) -> bool:
    """Whether the members of a fit are within one network, and share its kernels."""
    sharing = getattr(estimator, "sharing", None)
    if sharing is not None and not (isinstance(sharing, str) and sharing == "kernels"):
        raise wrong("sharing", "'kernels', or None", sharing)
    return sharing is not None


def _within(net: Any) -> int:
    """How many members a network has within it."""
    return next((layer.count for layer in leaves(net) if isinstance(layer, Members)), _SHARING)


def has_snapshots(average: Any) -> bool:
    """Whether an `average` makes an ensemble of one training."""
    return isinstance(average, Snapshots) or (isinstance(average, str) and average == "snapshots")


def checked(effort: Any) -> str:
    if effort not in EFFORTS:
        raise wrong("effort", f"one of {', '.join(map(repr, EFFORTS))}", effort)
    return str(effort)


def is_auto(value: Any) -> bool:
    return isinstance(value, str) and value == "auto"


def value_of(estimator: Any, name: str) -> Any:
    """An argument of `CHOSEN`: as it was given, or as chosen by the last fit; without one that of
    ``effort="fast"``."""
    value = getattr(estimator, name)
    if not is_auto(value):
        return value
    usual = {**_USUAL, "members": _SHARING} if shares(estimator) else _USUAL
    return (getattr(estimator, "_chosen", None) or {}).get(name, usual[name])
