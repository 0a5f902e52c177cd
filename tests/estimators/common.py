"""Small tables and quick settings."""

import numpy as np
from sklearn.datasets import make_classification, make_regression

QUICK = {"hidden": (16, 8), "max_epochs": 12, "random_state": 0}


def classes(rows=200, k=3, seed=0):
    x, y = make_classification(
        rows, 6, n_informative=4, n_classes=k, class_sep=2.0, random_state=seed
    )
    return x, y


def numbers(rows=200, targets=1, seed=0):
    x, y = make_regression(rows, 6, n_informative=4, n_targets=targets, random_state=seed)
    return x, 1000 + 10 * y


def labels(rows=200, seed=0):
    x = np.random.default_rng(seed).normal(size=(rows, 6))
    return x, (x[:, :3] > 0).astype(int)
