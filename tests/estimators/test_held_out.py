"""Which rows are held out, and what cannot be."""

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection import (
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    LeaveOneGroupOut,
    PredefinedSplit,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_score,
)

from evenly.errors import ConfigurationError, DataError
from evenly.estimators import NetClassifier, NetRegressor, NetTransformer
from evenly.estimators.fits.held_out import whole_groups

from .common import QUICK, classes, numbers

X, Y = classes()
GROUPS = np.arange(200) // 8
KINDS = (NetClassifier, NetRegressor)


class Spy:
    """A scorer that keeps what it is given."""

    def __call__(self, estimator, X, y):
        self.X, self.y = X, y
        return 0.0


def held_rows(validation=None, kind=NetClassifier, y=Y, x=X, settings=None, **given):
    """The rows that a fit holds out, as row numbers; each row of X is one of its own."""
    spy = Spy()
    net = kind(**{**QUICK, "max_epochs": 1, "monitor": spy, **(settings or {})},
               validation=validation)
    net.fit(x, y, **given)
    rows = [int(np.flatnonzero((x == row).all(axis=1))[0]) for row in spy.X]
    assert np.array_equal(spy.y, np.asarray(y)[rows])
    return sorted(rows)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("splitter", [
    KFold(5, shuffle=True, random_state=1), ShuffleSplit(3, test_size=7, random_state=0),
    PredefinedSplit(np.where(np.arange(200) % 9 == 0, 0, -1)), TimeSeriesSplit(3),
    StratifiedKFold(4),
])
def test_the_first_split_says_what_is_held_out(splitter, kind):
    _, wanted = next(splitter.split(X, Y))
    assert held_rows(splitter, kind) == sorted(wanted.tolist())


def test_what_a_split_leaves_out_is_not_trained_on():
    splitter = ShuffleSplit(1, train_size=60, test_size=30, random_state=0)
    kept, held = next(splitter.split(X))
    net = NetClassifier(**QUICK, validation=splitter).fit(X, Y)
    other = NetClassifier(**QUICK).fit(X[kept], Y[kept], X_val=X[held], y_val=Y[held])
    assert net.scaler_.weight == 60
    assert net.best_epoch_ == other.best_epoch_
    assert np.array_equal(net.predict_proba(X), other.predict_proba(X))


@pytest.mark.parametrize("kind", KINDS)
def test_a_mask_and_a_share(kind):
    mask = np.arange(200) % 4 == 1
    assert held_rows(mask, kind) == held_rows(mask.tolist(), kind) == np.flatnonzero(mask).tolist()
    assert len(held_rows(0.25, kind)) == pytest.approx(50, abs=1)
    few = held_rows(0.1, kind, Y[:30], X[:30])
    assert 1 <= len(few) < 10  # where validation_fraction would hold out none
    assert held_rows(0.3, kind) == held_rows(None, kind, settings={"validation_fraction": 0.3})
    net = kind(**QUICK, early_stopping=False, validation=0.2).fit(X, Y)
    assert net.n_iter_ == QUICK["max_epochs"]
    assert net.best_epoch_ is None
    assert len(net.validation_loss_curve_) == net.n_iter_


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("validation", [None, 0.3, GroupShuffleSplit(1, random_state=0),
                                        GroupKFold(4), LeaveOneGroupOut()])
@pytest.mark.parametrize("labels", [GROUPS, GROUPS.astype(str),
                                    np.array([f"g{g}" for g in GROUPS], object)])
def test_groups_are_held_out_whole(kind, validation, labels):
    held = held_rows(validation, kind, groups=labels, settings={"validation_fraction": 0.2})
    inside = set(GROUPS[held])
    assert held == np.flatnonzero(np.isin(GROUPS, list(inside))).tolist()
    assert 0 < len(inside) < 25
    if validation in (None, 0.3):
        assert len(held) == pytest.approx(200 * (validation or 0.2), abs=8)


def test_random_labels_on_grouped_rows_are_not_known_outside():
    rng = np.random.default_rng(0)
    centers = 3 * rng.normal(size=(60, 8))
    groups = np.repeat(np.arange(60), 8)
    x = centers[groups] + 0.05 * rng.normal(size=(480, 8))
    y = (rng.random(60) < 0.5).astype(int)[groups]
    settings = {"hidden": (64, 32), "max_epochs": 60, "random_state": 0, "dropout": 0}
    leaking = NetClassifier(**settings).fit(x, y)
    assert leaking.validation_score_curve_.max() > 0.95
    honest = NetClassifier(**settings, validation=0.3).fit(x, y, groups=groups)
    assert honest.validation_score_curve_[honest.best_epoch_ - 1] < 0.8


def test_the_order_of_grouped_rows_does_not_matter():
    order = np.random.default_rng(0).permutation(200)
    one = NetClassifier(**QUICK).fit(X, Y, groups=GROUPS)
    other = NetClassifier(**QUICK).fit(X[order], Y[order], groups=GROUPS[order])
    assert np.array_equal(one.predict_proba(X), other.predict_proba(X))


def test_whole_groups_by_hand():
    sizes = [50, 30, 20, 5, 5, 5, 5]
    groups = np.repeat(np.arange(7), sizes)
    for seed in range(20):
        held = whole_groups(groups, None, 0.25, seed)
        assert set(np.unique(groups[held])) & set(np.unique(groups[~held])) == set()
        assert 15 <= held.sum() < 60  # within twice the share
    only = whole_groups(np.repeat([0, 1], 60), None, 0.05, 0)
    assert only.sum() == 60  # each is larger than the share: the smallest
    strata = np.repeat([0, 0, 0, 1], [50, 30, 20, 20])
    for seed in range(20):
        held = whole_groups(groups, strata, 0.4, seed)
        assert set(strata[~held]) == {0, 1}


def test_repetitions_and_rows_of_weight_zero():
    weights = np.random.default_rng(0).integers(0, 3, 200)
    mask = np.arange(200) % 4 == 1
    one = NetClassifier(**QUICK, validation=mask).fit(X, Y, weights)
    other = NetClassifier(**QUICK, validation=mask.repeat(weights)).fit(
        X.repeat(weights, 0), Y.repeat(weights))
    assert np.array_equal(one.predict_proba(X), other.predict_proba(X))


class Broken:
    def __init__(self, *parts):
        self.parts = parts

    def split(self, X, y=None, groups=None):
        return iter([self.parts] if self.parts else [])


SORTED = np.sort(Y)


@pytest.mark.parametrize(("validation", "y", "given", "words"), [
    (Broken(np.arange(150), np.arange(100, 200)), Y, {},
     "50 rows are trained on and held out, the first is row 100: .* must not overlap"),
    (Broken(np.arange(200), np.arange(0)), Y, {}, "no row that counts is held out"),
    (Broken([], np.arange(200)), Y, {}, "no row that counts is trained on"),
    (Broken(np.arange(100), np.arange(100, 201)), Y, {}, "row numbers from 0 to 199"),
    (Broken(np.arange(100) / 1, np.arange(100, 200)), Y, {}, "row numbers from 0 to 199"),
    (Broken(np.ones(5, bool), np.arange(100, 200)), Y, {}, r"a mask of shape \(5,\)"),
    (Broken(), Y, {}, "gives no split into two parts"),
    (Broken([1], [2], [3]), Y, {}, "gives no split into two parts"),
    (KFold(2), SORTED, {}, "trained on lack the class 0"),
    (KFold(9), SORTED, {}, "all 23 held-out rows are of the class 0, .*KFold.shuffle=True"),
    (SORTED == 1, SORTED, {}, "trained on lack the class 1"),
    (SORTED == 1, np.array(["a", "b", "c"], object)[SORTED], {}, "lack the class 'b'"),
    (KFold(9), np.array(["a", "b", "c"], object)[SORTED], {}, "are of the class 'a'"),
    (GroupKFold(3), Y, {}, r"'groups' parameter should not be None.*fit takes groups="),
    (KFold(4, shuffle=True, random_state=0), Y, {"groups": GROUPS},
     "groups have rows on both sides, the first is .*GroupShuffleSplit"),
    (GroupKFold(30), Y, {"groups": GROUPS}, "greater than the number of groups"),
    (np.zeros(200, bool), Y, {}, "validation=mask: no row that counts is held out"),
    (np.zeros(100, bool), Y, {}, r"for each of the 200 rows .* got bool of shape \(100,\)"),
    (np.arange(200), Y, {}, "got int64 of shape"),
    (0.002, Y, {}, "validation=0.002: of 200 rows none can be held out"),
    (0.3, Y, {"groups": GROUPS[:-1]}, r"one label for each of the 200 rows, got shape \(199,\)"),
    (0.3, Y, {"groups": np.where(GROUPS == 3, np.nan, GROUPS)}, "8 of 200 rows have none, .* 24"),
    (0.3, Y, {"groups": [None, *range(199)]}, "1 of 200 rows have none, the first is row 0"),
    (0.3, Y, {"groups": np.array(["a", *range(199)], object)}, "of several types cannot be told"),
    (0.3, Y, {"groups": pd.array([1, None, *range(198)], "Int64")}, "1 of 200 rows have none"),
    (0.3, Y, {"groups": np.ma.array(GROUPS, mask=GROUPS == 1)}, "groups: got a masked array"),
    ([(np.arange(90), np.arange(90, 200))], Y, {}, "a list is a mask of the 200 rows.*Predefined"),
    (0.3, Y, {"groups": np.ones(200)}, "all rows are of one group, .*1.0"),
    (None, Y, {"groups": np.ones(200)}, "all rows are of one group"),
    (0.3, Y, {"groups": Y}, "no group can be held out: each is all that there is of some class"),
])
def test_what_cannot_be_held_out(validation, y, given, words):
    with pytest.raises(DataError, match=words):
        NetClassifier(**QUICK, validation=validation).fit(X, y, **given)


@pytest.mark.parametrize("kind", [*KINDS, NetTransformer])
@pytest.mark.parametrize(("validation", "words"), [
    ("half", "validation must be a share between 0 and 1, a splitter .*got 'half'"),
    (1.0, "validation must be a share"), (0, "validation must be a share"), (True, "got True"),
    (KFold, "got <class"),
])
def test_what_is_no_validation(kind, validation, words):
    with pytest.raises(ConfigurationError, match=words):
        kind(**QUICK, validation=validation).fit(X, Y)


def test_two_answers_to_one_question():
    with pytest.raises(ConfigurationError, match=r"X_val is a validation set, and validation=0.2"):
        NetClassifier(**QUICK, validation=0.2).fit(X, Y, X_val=X, y_val=Y)
    with pytest.raises(ConfigurationError, match=r"groups say .*X_val leaves none"):
        NetClassifier(**QUICK).fit(X, Y, X_val=X, y_val=Y, groups=GROUPS)


def test_a_fit_that_cannot_divide_leaves_the_last_one_whole():
    net = NetClassifier(**QUICK, threshold=0.4).fit(X, Y > 0)
    before = net.predict(X)
    with pytest.raises(DataError):
        net.set_params(validation=0.002).fit(X[:, :3], Y > 0)
    assert np.array_equal(net.predict(X), before)


def test_groups_are_routed():
    with config_context(enable_metadata_routing=True):
        net = NetRegressor(**QUICK, validation=GroupShuffleSplit(1)).set_fit_request(groups=True)
        scores = cross_val_score(net, *numbers(), cv=GroupKFold(3), params={"groups": GROUPS})
    assert np.isfinite(scores).all()


def test_a_transformer_holds_out_as_its_estimator_does(capsys):
    mask = np.arange(200) % 3 == 0
    given = {"validation": mask, "monitor": "accuracy"}
    net = NetTransformer(**QUICK, **given, callbacks=[print]).fit(X, Y)
    assert capsys.readouterr().out.count("EpochRecord") == net.estimator_.n_iter_
    inner = NetClassifier(**QUICK, **given)
    own = NetTransformer(estimator=inner).fit(X, Y)
    assert np.array_equal(net.transform(X), own.transform(X))
    grouped = NetTransformer(**QUICK).fit(X, Y, groups=GROUPS)
    alike = NetTransformer(estimator=NetClassifier(**QUICK)).fit(X, Y, groups=GROUPS)
    assert np.array_equal(grouped.transform(X), alike.transform(X))


def test_clones():
    net = NetClassifier(validation=GroupKFold(3), callbacks=[print], monitor="f1_macro")
    assert repr(clone(net).validation) == repr(net.validation)
    assert clone(net).callbacks == [print]
