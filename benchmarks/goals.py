"""What each row is to reach, and why it falls short where it does.

Goals are of two kinds: the fastest peer, and the floor. The reasons, found by a profile, stand in
``reasons.toml``, a line for each row.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from .rows import AtMost, Faster, FasterThanAsGood, Goal, NearFloor

_REASONS = Path(__file__).with_name("reasons.toml")


def _both(floor: float, peer: float) -> tuple[Goal, ...]:
    return Faster(peer), NearFloor(floor)


# By what a row's name begins with: (times the floor, times the fastest peer).
_BOTH = {
    "30-64-64-2, batch 32": (4, 7),
    "64-128-128-10, batch 64": (1.8, 5),
    "784-256-256-10": (1.25, 1.8),
    "784-1024-1024-10, batch 256": (1.15, 1.3),
    "cnn-28:": (1.7, 2),
    "cnn-32:": (0.9, 1.5),
    "residual-cnn:": (1.3, 1.5),
    "lstm:": (1.25, 2),
    "rnn:": (1.25, 2),
    "gru:": (1.25, 2),
    "bi-lstm:": (1.25, 2),
    "embedding-mlp:": (1.5, 2),
    "batch-ensemble-": (1.5, 1.5),
    "BatchNorm (4096, 1024)": (1.5, 1.8),
    "BatchNorm (256, 512)": (3, 2.5),
    "BatchNorm-ReLU-Dropout (4096, 1024)": (2, 10),
    "BatchNorm-ReLU-Dropout (256, 512)": (4, 10),
    "LayerNorm (4096, 1024)": (1.4, 1.8),
    "LayerNorm (256, 512)": (3, 2.5),
    "Dropout (4096, 1024)": (1.4, 14),
    "Dropout (256, 512)": (2.5, 15),
    "GroupNorm": (3, 2.5),
    "RMSNorm": (2.5, 2.5),
    "MaxPool2D": (1.6, 2),
    "AveragePool2D": (1.4, 2),
    "softmax cross-entropy": (1.7, 2),
    "predict 784-256-256-10, batch 256": (1.2, 1.1),
}
_OTHERS: dict[str, tuple[Goal, ...]] = {
    "predict 784-256-256-10, batch 1": (Faster(1.2),),
    "predict 784-256-256-10, batch 16, 16 callers": (Faster(1.1),),
    "predict 784-256-256-10, batch 1, ": (Faster(1),),
    "predict 784-256-256-10, batch 256, ": (Faster(1),),
    "Adam, 10 M values": (Faster(1),),
    "import of what trains": (AtMost(1.5, "numpy"),),
    "process start": (AtMost(0.25),),
    "installed size": (AtMost(300),),
    "digits, 50 epochs": (Faster(3, "sklearn"), Faster(6, "jax")),
    "fit, ": (FasterThanAsGood(1),),
}


def goals(name: str) -> tuple[Goal, ...]:
    """The goals of a row: those of the longest beginning of its name; none where there is none."""
    fitting = [key for key in (*_BOTH, *_OTHERS) if name.startswith(key)]
    key = max(fitting, key=len, default="")
    return _both(*_BOTH[key]) if key in _BOTH else _OTHERS.get(key, ())


@cache
def reasons() -> dict[str, str]:
    """Why a goal is missed, by what a row's name begins with."""
    return tomllib.loads(_REASONS.read_text(encoding="utf-8"))


def reason(name: str) -> str:
    """Why a row misses its goals, as far as that is known."""
    fitting = [key for key in reasons() if name.startswith(key)]
    return reasons()[max(fitting, key=len)] if fitting else ""
