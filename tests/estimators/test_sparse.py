"""Sparse tables go in, and are never made dense whole."""

import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp

import evenly as ev
from evenly.errors import DataError
from evenly.estimators import NetClassifier, NetRegressor, NetTransformer
from evenly.rows import sources

QUICK = {"hidden": 16, "max_epochs": 5, "random_state": 0}


def table(rows=300, columns=20, seed=0, density=0.2):
    rng = np.random.default_rng(seed)
    x = sp.random(rows, columns, density, "csr", rng=rng)
    y = (np.asarray(x[:, :5].sum(axis=1)).ravel() > 0.5).astype(int)
    return x, y


X, Y = table()
FORMATS = ["csr", "csc", "coo", "lil", "dok"]


@pytest.mark.parametrize("kind", [sp.csr_matrix, sp.csr_array])
@pytest.mark.parametrize("form", FORMATS)
def test_every_format_gives_the_same(form, kind):
    reference = NetClassifier(**QUICK).fit(X, Y)
    given = kind(X).asformat(form)
    fitted = NetClassifier(**QUICK).fit(given, Y)
    assert np.array_equal(fitted.predict_proba(given), reference.predict_proba(X))
    assert np.array_equal(fitted.partial_fit(given, Y).loss_curve_[:-1], reference.loss_curve_)


def test_scaled_without_centering():
    # All rows in one batch and no dropout, so that the order of the rows does not count.
    quick = {**QUICK, "early_stopping": False, "batch": None, "dropout": 0}
    fitted = NetClassifier(**quick).fit(X, Y)
    dense = X.toarray()
    assert np.allclose(fitted.scaler_.mean, dense.mean(axis=0))
    assert np.allclose(fitted.scaler_.deviation, dense.std(axis=0))
    assert not fitted.scaler_.center
    assert np.array_equal(fitted.predict_proba(X), fitted.predict_proba(dense))
    scaled = NetClassifier(scale=False, **quick).fit(dense / dense.std(axis=0), Y)
    assert np.allclose(scaled.predict_proba(dense / dense.std(axis=0)), fitted.predict_proba(X),
                       atol=1e-4)


def test_weights_are_part_of_the_scale():
    weights = np.random.default_rng(0).random(300)
    scaler = NetClassifier(**QUICK, early_stopping=False).fit(X, Y, weights).scaler_
    dense = X.toarray()
    mean = np.average(dense, axis=0, weights=weights)
    assert np.allclose(scaler.deviation**2, np.average((dense - mean) ** 2, axis=0,
                                                       weights=weights))


def test_an_entry_in_two_parts_is_their_sum():
    coo = X.tocoo()
    rows, columns = np.r_[coo.row, coo.row], np.r_[coo.col, coo.col]
    order = np.argsort(rows, kind="stable")
    counts = np.bincount(rows, minlength=300)
    data = np.r_[coo.data * 0.25, coo.data * 0.75][order]
    doubled = sp.csr_matrix((data, columns[order], np.r_[0, counts.cumsum()]), X.shape)
    one, two = NetClassifier(**QUICK).fit(X, Y), NetClassifier(**QUICK).fit(doubled, Y)
    assert np.allclose(one.predict_proba(X), two.predict_proba(doubled), atol=1e-4)
    assert doubled.nnz == 2 * X.nnz


@pytest.mark.parametrize("rows", [1, 3])
def test_no_result_depends_on_the_chunks(rows, monkeypatch):
    net = ev.Sequential([ev.Dense(8, bias=False), ev.BatchNorm(), ev.ReLU(), ev.Dropout(0.3),
                         ev.Dense(2)])
    settings = {"loss": ev.SoftmaxCrossEntropy(), "epochs": 3, "batch": 16, "validation": 0.2,
                "dtype": "float64", "sample_weight": np.linspace(0.5, 1.5, 300)}
    whole = ev.fit(net, X, Y, **settings)
    dense = ev.fit(net, X.toarray(), Y, **settings)
    monkeypatch.setattr(sources, "CHUNK_BYTES", rows * 16 * 20 * 8)
    parts = ev.fit(net, X, Y, **settings)
    for other in (dense, parts):
        for field in ("loss", "score", "validation_loss", "validation_score"):
            assert np.allclose(whole.history.column(field), other.history.column(field), 1e-12)
        assert np.array_equal(whole.weights["dense_1.kernel"], other.weights["dense_1.kernel"])
        assert np.allclose(whole.predict(X), other.predict(X), rtol=1e-12, atol=1e-12)
    assert whole.evaluate(X, Y).loss == pytest.approx(whole.evaluate(X.toarray(), Y).loss)


def test_no_dense_table_is_ever_made():
    # Dense, in single precision, it would be 600 MB; what is made must stay far below.
    rows, columns = 30_000, 5_000
    x, y = table(rows, columns, density=0.002)
    tracemalloc.start()
    net = NetClassifier(hidden=4, max_epochs=1, batch=256, random_state=0).fit(x, y)
    net.predict(x)
    net.partial_fit(x[:1000], y[:1000])
    NetTransformer(estimator=net).fit(x, y).transform(x)
    NetRegressor(hidden=4, max_epochs=1, batch=256).fit(x, y * 1.0).predict(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 160e6


def test_what_cannot_be_used_is_named():
    bad = X.copy()
    bad.data[7] = np.nan
    row = int(np.searchsorted(bad.indptr, 7, side="right") - 1)
    with pytest.raises(DataError, match=f"first in row {row}"):
        ev.fit(ev.Dense(2), bad, Y, loss=ev.SoftmaxCrossEntropy())
    with pytest.raises(DataError, match="two axes"):
        ev.fit(ev.Dense(2), sp.coo_array(np.ones(3)), Y, loss=ev.SoftmaxCrossEntropy())
    model = ev.fit(ev.Dense(2), X, Y, loss=ev.SoftmaxCrossEntropy(), epochs=1)
    with pytest.raises(DataError, match="as many"):
        model.evaluate(X, Y[:-1])
    with pytest.raises(ev.errors.ShapeError, match=r"shape \(n, 20\)"):
        model.predict(X[:, :3])
