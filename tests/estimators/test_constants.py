"""A column that never varied in training moves no prediction: exactly 0."""

import pickle

import numpy as np
import pytest
from scipy.sparse import csr_array

import evenly as ev
from evenly import saving
from evenly.estimators import NetClassifier, NetRegressor, NetTransformer
from evenly.estimators.scales.constants import Constants

from .common import QUICK, classes, numbers

OWN = ev.Sequential([ev.Dense(8), ev.ReLU(), ev.Dense(1)])


def with_column(value, rows=200):
    """(X, y, X with another value in the column that never varies)."""
    x, y = numbers(rows)
    table = np.c_[x, np.full(rows, value)]
    other = table.copy()
    other[:, -1] = value + np.arange(1, rows + 1)
    return table, (y - 1000) / 1000, other


@pytest.mark.parametrize("value", [2023.0, 0.0, 1.0, 0.1, -3.7])
@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("form", [np.asarray, csr_array])
@pytest.mark.parametrize("net", [None, OWN])
def test_no_prediction_moves(value, scale, form, net):
    x, y, other = with_column(value)
    settings = {"hidden": 8, "max_epochs": 3, "random_state": 0, "scale": scale, "net": net}
    fitted = NetRegressor(**settings).fit(form(x), y)
    assert np.array_equal(fitted.predict(form(other)), fitted.predict(form(x)))
    assert fitted.predict(form(x)).std() > 0
    parts = NetRegressor(**settings).partial_fit(form(x), y)
    assert np.array_equal(parts.predict(form(other)), parts.predict(form(x)))
    codes = NetTransformer(**settings, task="regression").fit(form(x), y)
    assert np.array_equal(codes.transform(form(other)), codes.transform(form(x)))


def test_classes_text_and_a_validation_set():
    x, y = classes()
    x = np.c_[x, np.zeros(len(x))]
    other = x + np.r_[np.zeros(6), 5.0]
    fitted = NetClassifier(**QUICK).fit(x, y, X_val=other, y_val=y)
    still = NetClassifier(**QUICK).fit(x, y, X_val=x, y_val=y)
    assert np.array_equal(fitted.validation_loss_curve_, still.validation_loss_curve_)
    assert np.array_equal(fitted.predict_proba(other), fitted.predict_proba(x))


def test_a_column_that_varies_among_the_held_out_rows_alone():
    x, y = numbers()
    x = np.c_[x, np.zeros(len(x))]
    net = NetRegressor(**QUICK).fit(x, y)
    x[0, -1] = 1.0
    for seed in range(30):
        fitted = NetRegressor(**{**QUICK, "random_state": seed, "max_epochs": 2}).fit(x, y)
        if fitted._constants.still[-1]:
            break
    else:
        pytest.fail("the row was never held out")
    other = x + np.r_[np.zeros(6), 9.0]
    assert np.array_equal(fitted.predict(other), fitted.predict(x))
    assert net._constants.still.tolist() == [False] * 6 + [True]


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("form", [np.asarray, csr_array])
def test_a_column_that_varies_later_is_learned_from(scale, form):
    rng = np.random.default_rng(0)
    x = np.c_[rng.normal(size=(400, 2)), np.full(400, 3.0)]
    more = np.c_[x[:, :2], 3 + rng.normal(size=400)]
    y, targets = x[:, 0], x[:, 0] + 3 * (more[:, 2] - 3)
    settings = {"hidden": 16, "random_state": 0, "scale": scale, "learning_rate": 0.01,
                "early_stopping": False, "dropout": 0}
    parts = NetRegressor(**settings, batch=32).partial_fit(form(x), y)
    for _ in range(60):
        parts.partial_fit(form(more), targets)
    assert parts.score(form(more), targets) > 0.9
    warm = NetRegressor(**settings, max_epochs=60, warm_start=True).fit(form(x), y)
    assert warm.score(form(more), targets) < 0.5
    assert warm.fit(form(more), targets).score(form(more), targets) > 0.9
    if scale:
        assert warm.scaler_.deviation[0] == NetRegressor(**settings, max_epochs=1).fit(
            form(x), y).scaler_.deviation[0]


def test_targets_that_vary_later():
    x, y = numbers()
    warm = NetRegressor(16, max_epochs=60, warm_start=True, random_state=0)
    warm.fit(x, np.full(len(x), 7.0))
    assert warm.fit(x, y).score(x, y) > 0.7


@pytest.mark.parametrize("scale", [True, False])
def test_a_file_and_a_pickle_know_it(scale, tmp_path):
    x, y, other = with_column(2023.0)
    fitted = NetRegressor(**QUICK, scale=scale).fit(x, y)
    saving.save(tmp_path / "net", fitted)
    for twin in (saving.load(tmp_path / "net"), pickle.loads(pickle.dumps(fitted))):
        assert np.array_equal(twin.predict(other), fitted.predict(x))


@pytest.mark.parametrize(("scale", "form"), [(True, np.asarray), (False, np.asarray),
                                             (True, csr_array)])
def test_a_file_of_an_earlier_version_loads(scale, form, tmp_path, monkeypatch):
    x, y, other = with_column(2023.0)
    fitted = NetRegressor(**QUICK, scale=scale).fit(form(x), y)
    write = saving.fitted.write_estimator

    def without_span(estimator, writer):
        content = write(estimator, writer)
        for part in content.pop("span"):
            del writer.arrays[part["array"]]
        return content

    monkeypatch.setattr(saving.fitted, "write_estimator", without_span)
    saving.save(tmp_path / "net", fitted)
    twin = saving.load(tmp_path / "net")
    if scale and form is np.asarray:
        assert np.array_equal(twin.predict(form(other)), fitted.predict(form(x)))
    # An input of one value that was not centered was an input: the weights belong to it.
    assert twin._constants.still[-1] == (scale and form is np.asarray)


@pytest.mark.parametrize("size", [1e-140, 1e-170, 1e-300, 1e140])
@pytest.mark.parametrize("form", [np.asarray, csr_array])
def test_the_size_of_a_column_does_not_matter(size, form, tmp_path):
    x, y = numbers()
    scale = np.r_[size, np.ones(5)]
    plain, other = (NetRegressor(**QUICK, early_stopping=False).fit(form(t), y)
                    for t in (x, x * scale))
    np.testing.assert_allclose(other.scaler_.deviation, plain.scaler_.deviation * scale, rtol=1e-9)
    np.testing.assert_allclose(other.scaler_.scaled(form(x * scale)[:5]).sum(),
                               plain.scaler_.scaled(form(x)[:5]).sum(), rtol=1e-6)
    saving.save(tmp_path / "net", other)
    twin = saving.load(tmp_path / "net")
    assert np.array_equal(twin.predict(form(x * scale)), other.predict(form(x * scale)))
    parts = NetRegressor(**QUICK)
    for start in range(0, 200, 50):
        parts.partial_fit(form((x * scale)[start : start + 50]), y[start : start + 50])
    np.testing.assert_allclose(parts.scaler_.deviation, x.std(axis=0) * scale, rtol=1e-9)
    both = np.r_[x * scale, x]
    np.testing.assert_allclose(parts.partial_fit(form(x), y).scaler_.deviation,
                               both.std(axis=0), rtol=1e-9)


def test_what_is_constant():
    x = np.array([[0.0, 1e9, 0.1 + 0.2, 5.0, 1e300, 1e-320], [0.0, 1e9 + 1, 0.3, 5.0, 1e300, 0.0]])
    for form in (np.asarray, csr_array):
        constants = Constants(6)
        constants.fold(form(x))
        assert constants.still.tolist() == [True, False, True, True, True, False]
        constants.fold(form(np.full((1, 6), 5.0)))
        assert constants.still.tolist() == [False, False, False, True, False, False]
    held = Constants(3)
    held.fold(csr_array([[2.0, 0.0, 1.0], [2.0, 0.0, 3.0]]))
    new = csr_array([[0.0, 4.0, 5.0], [9.0, 0.0, 0.0]])
    assert held.held(new).toarray().tolist() == [[2, 0, 5], [2, 0, 0]]
    assert new.toarray().tolist() == [[0, 4, 5], [9, 0, 0]]
