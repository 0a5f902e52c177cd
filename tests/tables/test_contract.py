"""scikit-learn's contract: every check, none skipped, none expected to fail."""

from unittest import SkipTest

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from evenly.tables import TableClassifier, TableRegressor

PLAIN = {
    "hidden": (16, 8), "norm": None, "optimizer": "adam", "early_stopping": False, "batch": 8,
    "max_epochs": 60, "quiet": True,
}


def passes(check, estimator, monkeypatch):
    # Without it the checks of array namespaces would be skipped.
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    try:
        check(estimator)
    except SkipTest as skipped:
        pytest.fail(f"skipped: {skipped}")


@parametrize_with_checks([TableRegressor(**PLAIN)])
@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_check(estimator, check, monkeypatch):
    passes(check, estimator, monkeypatch)


@pytest.mark.sweep
@parametrize_with_checks([TableClassifier(), TableRegressor(), TableClassifier(**PLAIN)])
@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_check_of_other_settings(estimator, check, monkeypatch):
    passes(check, estimator, monkeypatch)
