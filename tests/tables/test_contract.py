"""scikit-learn's contract: every check, none skipped, none expected to fail."""

from unittest import SkipTest

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from evenly.tables import TableClassifier, TableRegressor

PLAIN = {
    "hidden": (16, 8), "norm": None, "optimizer": "adam", "early_stopping": False, "batch": 8,
    "max_epochs": 60, "quiet": True,
}


@parametrize_with_checks([
    kind(**settings) for kind in (TableClassifier, TableRegressor) for settings in ({}, PLAIN)
])
@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_check(estimator, check, monkeypatch):
    # Without it the checks of array namespaces would be skipped.
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    try:
        check(estimator)
    except SkipTest as skipped:
        pytest.fail(f"skipped: {skipped}")
