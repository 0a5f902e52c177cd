"""scikit-learn's contract: every check, none skipped, none expected to fail."""

from unittest import SkipTest

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from evenly.estimators import NetClassifier, NetRegressor

# As far from the defaults as can be: other layers, no scaling, a validation set of half the rows.
OTHER = {
    "hidden": 24, "norm": None, "dropout": 0.0, "activation": "tanh", "init": "xavier",
    "optimizer": "adam", "learning_rate": 0.01, "scale": False, "batch": None, "clip": 1.0,
    "l2": 1e-4, "validation_fraction": 0.5, "max_epochs": 150, "dtype": "float64",
}
ESTIMATORS = [
    NetClassifier(), NetRegressor(),
    NetClassifier(**OTHER), NetRegressor(**OTHER),
]


@parametrize_with_checks(ESTIMATORS)
@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_check(estimator, check, monkeypatch):
    # Without it the checks of array namespaces would be skipped.
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    try:
        check(estimator)
    except SkipTest as skipped:
        pytest.fail(f"skipped: {skipped}")
