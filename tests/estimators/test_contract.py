"""scikit-learn's contract: every check, none skipped, none expected to fail."""

from unittest import SkipTest

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from evenly.estimators import NetClassifier, NetRegressor, NetTransformer


class Nothing:
    """A callback that does nothing, and whose name in those of the tests is always the same."""

    def __call__(self, record):
        pass

    def __repr__(self):
        return "Nothing()"


# As far from the defaults as can be: other layers, and a validation set of half the rows.
OTHER = {
    "hidden": 24, "norm": "layer", "dropout": 0.0, "activation": "tanh", "init": "xavier",
    "optimizer": "rmsprop", "learning_rate": 0.01, "batch": None, "clip": 1.0, "l2": 1e-4,
    "validation_fraction": 0.5, "max_epochs": 150, "dtype": "float64",
}
PLAIN = {
    "hidden": (16, 8), "norm": None, "optimizer": "adam", "scale": False, "early_stopping": False,
    "batch": 8, "max_epochs": 60, "n_jobs": 2,
}
KINDS = (NetClassifier, NetRegressor, NetTransformer)
ESTIMATORS = [kind() for kind in KINDS]
# Each kind with one of the two, each of the two: what they set is the same code in every kind.
FURTHER = [
    NetClassifier(**OTHER), NetRegressor(**PLAIN), NetTransformer(**OTHER),
    NetClassifier(
        32, max_epochs=60, validation=0.4, calibrate=True, callbacks=[Nothing()],
        class_weight="balanced",
    ),
    NetRegressor(
        24, max_epochs=150, learning_rate=0.01, dropout=0, validation=0.2, interval_fraction=0.1,
        monitor="neg_mean_absolute_error",
    ),
    NetTransformer(estimator=NetRegressor(8, random_state=0, max_epochs=20), layer="dense_1"),
    NetTransformer((16, 4, 16), layer="dense_2", task="reconstruction", max_epochs=20),
    NetRegressor((16, 8), loss="quantile", quantiles=0.4, dropout=0.0, max_epochs=60,
                 monitor="score"),
    NetClassifier((16, 8), loss="focal", max_epochs=60),
]


def positive_only(loss):
    """Its checks, but for those of several targets, which scikit-learn makes negative whatever the
    tags say."""
    estimator = NetRegressor(loss=loss)
    assert estimator.__sklearn_tags__().target_tags.positive_only
    return [check for _, check in estimator_checks_generator(estimator)
            if check.func.__name__ != "check_regressor_multioutput"]


@pytest.mark.sweep
@pytest.mark.parametrize(("loss", "first"), [("poisson", 0), ("gamma", 1)])
@pytest.mark.filterwarnings("ignore")
def test_losses_of_positive_targets(loss, first, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    for check in positive_only(loss)[first::2]:
        check(NetRegressor(loss=loss))


def passes(check, estimator, monkeypatch):
    # Without it the checks of array namespaces would be skipped.
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    try:
        check(estimator)
    except SkipTest as skipped:
        pytest.fail(f"skipped: {skipped}")


@parametrize_with_checks(ESTIMATORS)
@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_check(estimator, check, monkeypatch):
    passes(check, estimator, monkeypatch)


# Every check with every second of the settings, each of them with every second check.
FURTHER_CHECKS = [pytest.param(estimator, check, id=f"{i}-{check.func.__name__}-{j}")
                  for i, one in enumerate(FURTHER)
                  for j, (estimator, check) in enumerate(estimator_checks_generator(one))
                  if (i + j) % 2 == 0]


@pytest.mark.sweep
@pytest.mark.parametrize(("estimator", "check"), FURTHER_CHECKS)
@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_check_of_other_settings(estimator, check, monkeypatch):
    passes(check, estimator, monkeypatch)
