"""Tables and runs to make studies of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from evenly.study import Table
from evenly.study.data import make_table
from evenly.study.records import EpochPoint, RunRecord


@pytest.fixture
def blobs() -> Table:
    """Three classes, 120 rows, 6 columns, easy to tell apart."""
    import pandas as pd

    random = np.random.default_rng(1)
    codes = np.arange(120) % 3
    inputs = pd.DataFrame(random.normal(size=(120, 6)) + codes[:, None])
    inputs.columns = [f"c{i}" for i in range(6)]
    return make_table("blobs", inputs, pd.Series(codes), "code", None, None)


@pytest.fixture
def line() -> Table:
    """A number that is nearly linear in three columns, 120 rows."""
    import pandas as pd

    random = np.random.default_rng(2)
    x = random.normal(size=(120, 3))
    y = 5000 + 100 * (x @ [1.0, -2.0, 0.5]) + random.normal(size=120)
    return make_table("line", pd.DataFrame(x, columns=list("abc")), pd.Series(y), "y", None, None)


@pytest.fixture
def make_run() -> Callable[..., RunRecord]:
    """A run with the test scores of its epochs; the last one is its score."""

    def make(variant: str, seed: int, *scores: float, **changes: Any) -> RunRecord:
        points = tuple(
            EpochPoint(i, 1.0 / i, score, 1.0 / i, score, 0.01) for i, score in enumerate(scores, 1)
        )
        values: dict[str, Any] = {
            "variant": variant,
            "seed": seed,
            "epochs": points,
            "train_loss": 0.1,
            "train_score": scores[-1] + 0.02,
            "test_loss": 0.2,
            "test_score": scores[-1],
            "seconds": 0.5,
        }
        values |= changes
        if values["test_score"] is not None:
            values.setdefault("train", (("accuracy", values["train_score"]),
                                        ("r2", values["train_score"])))
            values.setdefault("test", (("accuracy", values["test_score"]),
                                       ("r2", values["test_score"])))
        return RunRecord(**values)

    return make
