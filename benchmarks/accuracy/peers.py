"""The tabular learners of other packages, with their defaults and one thread.

They are imported when one is built: `python -m benchmarks.accuracy --models catboost` runs with any
interpreter that has the package, and the files of results are read together.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from functools import lru_cache
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

LABELS = {
    "realmlp": "RealMLP-TD", "realmlp-s": "RealMLP-TD-S", "tabm": "TabM",
    "catboost": "CatBoost", "lightgbm": "LightGBM",
}
PYTABKIT = {"realmlp": "RealMLP_TD", "realmlp-s": "RealMLP_TD_S", "tabm": "TabM_D"}


def build(name: str, classifies: bool, seed: int, members: int = 1) -> BaseEstimator:
    """One of `LABELS`, untrained; several members are for those of `PYTABKIT`."""
    if name == "catboost":
        from catboost import CatBoostClassifier, CatBoostRegressor

        kind = CatBoostClassifier if classifies else CatBoostRegressor
        return kind(random_seed=seed, thread_count=1, verbose=False, allow_writing_files=False)
    if name == "lightgbm":
        from lightgbm import LGBMClassifier, LGBMRegressor

        return (LGBMClassifier if classifies else LGBMRegressor)(
            random_state=seed, n_jobs=1, verbose=-1)
    _warm(name, classifies)
    return Quiet(name, classifies, seed, members)


@lru_cache
def _warm(name: str, classifies: bool) -> None:
    """A first training: what its packages import and set up then is no part of a measured one."""
    x = np.linspace(-1, 1, 60, dtype=np.float32)[:, None]
    Quiet(name, classifies, 0).fit(x, (x[:, 0] > 0).astype(int if classifies else float))


class Quiet(BaseEstimator):
    """A model of pytabkit that says nothing while it trains.

    Arguments:
        name: a key of `LABELS`.
        classifies: whether the targets are classes.
        seed: for its random choices.
        members: of them the mean is taken; several hold out another part of the rows each
            (`n_cv`), one alone a fifth of them.
    """

    def __init__(self, name: str, classifies: bool, seed: int, members: int = 1) -> None:
        self.name, self.classifies, self.seed = name, classifies, seed
        self.members = members

    def fit(self, X: Any, y: Any) -> Quiet:
        import pytabkit
        import torch

        torch.set_num_threads(1)
        logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
        suffix = "Classifier" if self.classifies else "Regressor"
        self.model_ = getattr(pytabkit, f"{PYTABKIT[self.name]}_{suffix}")(
            device="cpu", n_threads=1, random_state=self.seed, verbosity=0, n_cv=self.members)
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")  # of its own packages, about themselves
            self.model_.fit(np.asarray(X, np.float32), y)
        if self.classifies:
            self.classes_ = self.model_.classes_
        return self

    def predict_proba(self, X: Any) -> Any:
        return self.model_.predict_proba(np.asarray(X, np.float32))

    def predict(self, X: Any) -> Any:
        return self.model_.predict(np.asarray(X, np.float32))
