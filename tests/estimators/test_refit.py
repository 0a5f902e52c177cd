"""A second training on all rows, for as many epochs as were best; averages by their names."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone

import evenly as ev
from evenly.errors import ConfigurationError, DataError
from evenly.estimators import NetClassifier, NetRegressor, NetTransformer
from evenly.training import fit

from .common import QUICK, classes

X, Y = classes()
SHORT = {**QUICK, "max_epochs": 30, "patience": 5, "learning_rate": 0.02}
KINDS = [(NetClassifier, Y), (NetRegressor, X[:, 0] + X[:, 1])]


def weights_of(net):
    return {name: array.copy() for name, array in net.model_.weights.items()}


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name], name)


@pytest.mark.parametrize(("kind", "y"), KINDS)
@pytest.mark.parametrize("schedule", ["cosine", None, "plateau"])
def test_all_rows_for_as_many_epochs_as_were_best(kind, y, schedule, monkeypatch):
    seen = []
    monkeypatch.setattr("evenly.estimators.base.fit",
                        lambda net, x, y, **given: seen.append((x, y, given)) or fit(
                            net, x, y, **given))
    settings = {**SHORT, "schedule": schedule}
    plain = kind(**settings).fit(X, y)
    net = kind(**settings, refit=True).fit(X, y)
    (_, first), (x, second) = [(x, given) for x, _, given in seen[1:]]
    assert len(x) == len(X) > len(seen[0][0])
    assert second["validation"] is None
    assert second["early_stopping"] is None
    for name in ("seed", "batch", "epochs", "optimizer"):
        assert second[name] == first[name]
    best = plain.best_epoch_
    assert 1 <= best < plain.n_iter_
    assert (net.best_epoch_, net.n_iter_) == (best, plain.n_iter_)
    for name in ("loss", "validation_loss"):
        assert net.history_.column(name).tolist() == plain.history_.column(name).tolist()
    again = net.refit_history_
    assert (len(again), again.stopped) == (best, "epochs")
    assert plain.refit_history_ is None
    assert again.column("learning_rate").tolist() == pytest.approx(
        plain.history_.column("learning_rate").tolist()[:best], rel=0.05)
    assert sum(record.steps for record in again) >= sum(
        record.steps for record in plain.history_.records[:best])


@pytest.mark.parametrize(("kind", "y"), KINDS)
def test_it_is_the_fit_on_all_rows_that_ends_there(kind, y):
    net = kind(**SHORT, refit=True, batch=16).fit(X, y)
    best = net.best_epoch_
    plain = kind(**SHORT, early_stopping=False, batch=16,
                 callbacks=[lambda record: "stop" if record.epoch == best else None]).fit(X, y)
    # The same rows in another order: alike, not equal.
    assert plain.scaler_.mean == pytest.approx(net.scaler_.mean)
    assert len(plain.history_) == len(net.refit_history_)
    assert np.mean(plain.predict(X) == net.predict(X)) > 0.9 or (
        np.corrcoef(plain.predict(X), net.predict(X))[0, 1] > 0.95)


@pytest.mark.parametrize("kind", [NetClassifier, NetRegressor])
def test_the_order_of_the_rows_does_not_matter(kind):
    y = Y if kind is NetClassifier else X[:, 0]
    order = np.random.default_rng(1).permutation(len(X))
    weights = np.random.default_rng(2).uniform(0.5, 2, len(X))
    one = kind(**SHORT, refit=True).fit(X, y, weights)
    other = kind(**SHORT, refit=True).fit(X[order], y[order], weights[order])
    assert_same(weights_of(one), weights_of(other))


def test_sparse_rows():
    net = NetClassifier(**SHORT, refit=True).fit(sparse.csr_matrix(X), Y)
    assert len(net.refit_history_) == net.best_epoch_


def test_what_was_learned_from_held_out_rows_stays():
    two = Y > 0
    own = {**SHORT, "validation": 0.3, "calibrate": True, "threshold": "f1"}
    plain = NetClassifier(**own).fit(X, two)
    net = NetClassifier(**own, refit=True).fit(X, two)
    assert (net.temperature_, net.threshold_) == (plain.temperature_, plain.threshold_)
    assert not np.array_equal(net.decision_function(X), plain.decision_function(X))
    by_score = NetClassifier(**SHORT, monitor="roc_auc", refit=True).fit(X, two)
    assert len(by_score.monitor_curve_) == by_score.n_iter_
    assert by_score.best_epoch_ == by_score.monitor_curve_.argmax() + 1
    assert by_score.model_.history.best_epoch == by_score.best_epoch_


def test_intervals_are_of_rows_that_are_never_trained_on():
    y = X[:, 0]
    net = NetRegressor(**SHORT, refit=True, interval_fraction=0.3).fit(X, y)
    plain = NetRegressor(**SHORT, interval_fraction=0.3).fit(X, y)
    assert net.conformal_.shape == plain.conformal_.shape
    assert not np.array_equal(net.conformal_, plain.conformal_)
    errors = np.abs(net.predict(X) - y)
    # Each of them is the error of the last network on some row.
    nearest = np.abs(errors[:, None] - net.conformal_[:, 0]).min(axis=0)
    assert nearest.max() < 1e-9
    net = NetRegressor(**SHORT, refit=True).fit(X, y)
    assert net.conformal_ is None
    with pytest.raises(DataError, match=r"refit=True has trained .*interval_fraction=0.1"):
        net.predict_interval(X)


def test_where_nothing_is_held_out_there_is_one_training():
    for own in ({"early_stopping": False}, {"validation_fraction": 0.01}):
        plain = NetClassifier(**SHORT, **own).fit(X, Y)
        net = NetClassifier(**SHORT, **own, refit=True).fit(X, Y)
        assert_same(weights_of(plain), weights_of(net))
        assert net.refit_history_ is None
    net = NetClassifier(**SHORT, early_stopping=False, validation=0.2, refit=True).fit(X, Y)
    assert len(net.refit_history_) == len(net.history_) == 30


def test_callbacks_hear_of_the_first_alone():
    seen = []
    net = NetClassifier(**SHORT, refit=True, callbacks=[lambda record: seen.append(record.epoch)])
    assert seen == list(range(1, net.fit(X, Y).n_iter_ + 1))
    third = NetClassifier(**{**SHORT, "patience": 30}, refit=True, callbacks=[
        lambda record: "stop" if record.epoch == 3 else None]).fit(X, Y)
    assert third.history_.stopped == "callback"
    assert len(third.refit_history_) == third.best_epoch_ <= 3


def test_a_warm_start_begins_both_where_the_last_fit_ended():
    own = {**SHORT, "warm_start": True, "max_epochs": 1, "learning_rate": 1e-12}
    net = NetClassifier(**own).fit(X, Y)
    before = weights_of(net)
    net.set_params(refit=True).fit(X, Y)
    assert net.refit_history_ is not None
    for name, array in net.model_.weights.items():
        if "running" not in name:
            np.testing.assert_allclose(array, before[name], atol=1e-6)
    net.set_params(refit=False).fit(X, Y)
    assert net.refit_history_ is None


def test_what_cannot_be():
    with pytest.raises(ConfigurationError, match=r"refit=True trains .* X_val is a set of its own"):
        NetClassifier(**SHORT, refit=True).fit(X, Y, X_val=X[:20], y_val=Y[:20])
    with pytest.raises(ConfigurationError, match="refit must be True or False, got 'no'"):
        NetClassifier(**SHORT, refit="no").fit(X, Y)
    for wrong, words in (("sma", "average must be one of 'ema', 'swa', 'lookahead', 'snapshots', "
                                 "or an average of weights"),
                         (ev.EMA, "; call it"), (0.9, "got 0.9")):
        with pytest.raises(ConfigurationError, match=words):
            NetClassifier(**SHORT, average=wrong).fit(X, Y)


@pytest.mark.parametrize(("kind", "y"), KINDS)
@pytest.mark.parametrize("average", ["ema", "swa", ev.EMA(0.9), ev.SWA(from_epoch=2)], ids=str)
def test_averages(kind, y, average):
    held = {"X_val": X[:40], "y_val": y[:40]}
    plain = kind(**SHORT).fit(X, y, **held)
    net = kind(**SHORT, average=average).fit(X, y, **held)
    meant = {"ema": ev.EMA(), "swa": ev.SWA()}.get(average, average) if isinstance(
        average, str) else average
    assert net.model_.engine.program.average == meant
    assert net.loss_curve_[:5].tolist() == plain.loss_curve_[:5].tolist()
    best = net.validation_loss_curve_[net.best_epoch_ - 1]
    told = net.model_.evaluate(*net._as_trained(X[:40], y[:40]))
    assert told.loss == pytest.approx(best, rel=1e-5)
    assert clone(net).average == average


def test_time_counts_for_both_trainings():
    """The clock jumps where the second training begins, or in its midst."""
    settings = {**SHORT, "refit": True, "members": 1}
    for kind, y in KINDS:
        whole = kind(**{**settings, "refit": False}).fit(X, y)
        for late in (0, 1):
            net = _with_a_clock_that_jumps(kind(**settings, time_limit=1000.0), y, late)
            assert net.time_ran_out_
            assert net.refit_history_ is None
            assert_same(weights_of(net), weights_of(whole))
            np.testing.assert_array_equal(net.predict(X), whole.predict(X))
        enough = kind(**settings, time_limit=1000.0).fit(X, y)
        assert not enough.time_ran_out_
        assert_same(weights_of(enough), weights_of(kind(**settings).fit(X, y)))


def _with_a_clock_that_jumps(net, y, late):
    """Fits, with a clock that is far ahead from so many epochs of the second training on."""
    from types import SimpleNamespace

    from evenly.estimators.fits import members

    ahead, trainings = [], []

    def counted(*given, **more):
        trainings.append(1)
        if len(trainings) == 2:
            more["callbacks"] = (*more["callbacks"], lambda record: (
                ahead.append(1) if record.epoch >= late else None))
            if not late:
                ahead.append(1)
        return fit(*given, **more)

    clock = SimpleNamespace(monotonic=lambda: 1e6 if ahead else 0.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(members, "time", clock)
        patch.setattr("evenly.estimators.base.fit", counted)
        return net.fit(X, y)


def test_averages_end_with_partial_fit():
    net = NetClassifier(**SHORT, average="ema").fit(X, Y)
    before = weights_of(net)
    net.set_params(learning_rate=1e-12).partial_fit(X, Y)
    assert net.model_.engine.program.average is None
    for name, array in net.model_.weights.items():
        if "running" not in name:
            np.testing.assert_allclose(array, before[name], atol=1e-6)


def test_parameters_of_averages():
    net = NetClassifier(average="ema").set_params(average__decay=0.5)
    assert net.average == ev.EMA(0.5)
    assert NetClassifier(average=ev.SWA(0.5)).get_params()["average__fraction"] == 0.5


def test_features_and_files(tmp_path):
    coder = NetTransformer(**SHORT, refit=True, average="ema").fit(X, Y)
    assert len(coder.estimator_.refit_history_) == coder.estimator_.best_epoch_
    for kind, y in KINDS:
        net = kind(**SHORT, refit=True, average="ema").fit(X, y)
        ev.save(tmp_path / "net.evenly", net)
        again = ev.load(tmp_path / "net.evenly")
        assert again.refit_history_ == net.refit_history_
        assert again.best_epoch_ == net.best_epoch_
        np.testing.assert_array_equal(again.predict(X), net.predict(X))
