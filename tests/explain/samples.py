"""Models whose answers are known exactly, and tables for them."""

import datetime

import numpy as np
import polars as pl

from evenly.tables import Columns


def table(rows=300, seed=0):
    """Strings as they stand in a file: a number with gaps, a word, a truth value, a date, noise."""
    rng = np.random.default_rng(seed)
    size = rng.normal(10, 3, rows).round(3)
    color = rng.choice(["red", "green", "blue"], rows, p=[0.5, 0.3, 0.2])
    new = rng.random(rows) < 0.4
    days = rng.integers(0, 700, rows)
    first = datetime.date(2020, 1, 1)
    return pl.DataFrame({
        "size": [None if i % 17 == 0 else f"{s:g}" for i, s in enumerate(size)],
        "color": color,
        "new": [str(bool(n)) for n in new],
        "day": [str(first + datetime.timedelta(int(d))) for d in days],
        "noise": [f"{n:.3f}" for n in rng.normal(size=rows)],
    })


class Price:
    """price = 5 size + 20 red + 10 new + days / 100: a gap in size is 10; noise says nothing."""

    def __init__(self, frame):
        self.columns_ = Columns.decide(frame)

    def predict(self, frame):
        values, _ = self.columns_.values(frame)
        size = np.where(np.isnan(values["size"]), 10.0, values["size"])
        days = values["day"].astype("datetime64[D]").astype(np.int64)
        red = (values["color"] == "red").to_numpy().astype(float)
        return 5 * size + 20 * red + 10 * values["new"] + days / 100


class Dear:
    """Whether the price is above 250, with a probability by the logistic curve."""

    classes_ = np.array(["cheap", "dear"])

    def __init__(self, frame, width=10.0):
        self.price, self.width = Price(frame), width
        self.columns_ = self.price.columns_

    def predict_proba(self, frame):
        dear = 1 / (1 + np.exp(-(self.price.predict(frame) - 245) / self.width))
        return np.stack([1 - dear, dear], axis=1)

    def predict(self, frame):
        return self.classes_[self.predict_proba(frame).argmax(axis=1)]


class Thirds:
    """Three classes by the price, sharply."""

    classes_ = np.array(["high", "low", "middle"])

    def __init__(self, frame):
        self.price = Price(frame)
        self.columns_ = self.price.columns_

    def predict_proba(self, frame):
        price = self.price.predict(frame)
        which = np.where(price < 235, 1, np.where(price < 255, 2, 0))
        return 0.7 * (which[:, None] == np.arange(3)) + 0.1
