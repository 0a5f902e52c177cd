"""The ready studies of dropout, penalties and other regularizers: what they measure, and what their
parts make of a planted difference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import evenly as ev
from evenly.claims.data import Data, split, whole
from evenly.claims.ready import (
    cocktail,
    decoupled_decay,
    dropout_before_norm,
    dropout_gap,
    dropout_rates,
    dropout_scaling,
    l2,
    regularizers,
    shifted_data,
)
from evenly.claims.records import ClaimRecord, RunRecord
from evenly.claims.study import Case, Study
from evenly.claims.training import (
    LEAST_GAP,
    Trained,
    epochs_for,
    guessed,
    kernel_size,
    log_gap,
    loss_gap,
    mlp,
    train,
)
from evenly.claims.verdict import judged

pytestmark = pytest.mark.sweep


def case_of(block: int = 0, long: bool = False, **levels: Any) -> Case:
    return Case(levels, block, seed=block + 1, data_seed=block + 100, long=long)


def planted(study: Study, values: Callable[[Mapping[str, Any]], Mapping[str, float]],
            noise: float = 1e-4) -> ClaimRecord:
    """The record of a study whose measures are given, but for a little noise."""
    rng = np.random.default_rng(0)
    cases = study.cases()
    runs = [RunRecord(case.levels, case.block, {
        name: value + noise * rng.normal() for name, value in values(case.levels).items()
    }) for case in cases]
    return judged(study, "tour", runs, cases, 0.0)


def done_with(**numbers: Any) -> Trained:
    """A training of which only some numbers matter."""
    return Trained(**{"model": None, "losses": (), "train": 1.0, "test": 1.0, "train_loss": 0.0,
                      "test_loss": 0.0, "seconds": 0.0, "broke": False, **numbers})


# What the studies share ---------------------------------------------------------------------


def test_fewer_rows_are_the_first_ones_standardized_by_themselves() -> None:
    data = split("wine", case_of())
    few, more = data.fewer(0.2), data.fewer(0.5)
    assert len(few.x) == round(0.2 * len(data.x))
    assert np.array_equal(few.y, more.y[: len(few.y)])
    np.testing.assert_allclose(few.x.mean(0), 0, atol=1e-5)
    assert len(few.x_test) == len(data.x_test)
    assert not np.array_equal(few.x_test, data.x_test)


def test_the_validation_part_is_cut_from_the_training_part() -> None:
    data = split("wine", case_of())
    part = data.validation(0.25)
    assert np.array_equal(np.concatenate([part.x, part.x_test]), data.x)
    assert np.array_equal(np.concatenate([part.y, part.y_test]), data.y)
    assert len(part.x_test) == round(0.25 * len(data.x))


def test_a_class_that_only_the_test_part_has_counts() -> None:
    x = np.zeros((3, 1), np.float32)
    assert Data(x, np.array([0, 1, 0]), x, np.array([0, 2, 0])).classes == 3
    assert Data(x, np.zeros(3, np.float32), x, np.ones(3, np.float32)).classes == 1


@pytest.mark.parametrize(("rows", "epochs"), [(320, 80), (321, 73), (32, 800), (40000, 1)])
def test_epochs_make_as_many_steps_for_any_rows(rows: int, epochs: int) -> None:
    data = Data(np.zeros((rows, 1), np.float32), np.zeros(rows), np.zeros((1, 1)), np.zeros(1))
    assert epochs_for(800, data) == epochs


def test_the_gap_is_a_share_of_a_guess_and_has_a_floor() -> None:
    data = split("wine", case_of())
    guess = guessed(data)[1]
    assert loss_gap(done_with(train_loss=0.1, test_loss=0.4), data) == pytest.approx(0.3 / guess)
    for other in (0.1, 0.1 + 0.5 * LEAST_GAP * guess, 0.05):
        assert log_gap(done_with(train_loss=0.1, test_loss=other), data) == np.log(LEAST_GAP)
    assert log_gap(done_with(test_loss=guess), data) == pytest.approx(0)


def test_the_size_of_the_weights_is_that_of_the_kernels_alone() -> None:
    model = ev.init(mlp((4,), 3), input_shape=5, seed=0)
    model.weights["dense_1.kernel"][...] = 3
    model.weights["dense_2.kernel"][...] = -1
    model.weights["dense_1.bias"][...] = 100
    assert kernel_size(done_with(model=model)) == pytest.approx(((20 * 9 + 12) / 32) ** 0.5)


# Dropout's scaling --------------------------------------------------------------------------


@pytest.mark.parametrize(("scaling", "kept", "at_test"),
                         [("inverted", 2, 10), ("classic", 1, 5), ("none", 1, 10)])
def test_ten_units_at_one_half(scaling: str, kept: int, at_test: int) -> None:
    """Ten units of 1 with weights of 1: a mask that keeps k of them gives k, or 2 k where it is
    scaled. The mean over masks is that at test, unless nothing is scaled."""
    model = ev.init(dropout_scaling.network(1, 0.5, scaling), input_shape=3, seed=0,
                    loss=ev.MeanSquaredError())
    for name, value in {"dense_1.kernel": 0, "dense_1.bias": 1, "dense_2.kernel": 1}.items():
        model.weights[name][...] = value
    masked, test = dropout_scaling.inputs(model, np.zeros((50, 3), np.float32), scaling, 40)
    assert (test == at_test).all()
    counts = masked / kept
    assert np.array_equal(counts, np.round(counts))
    assert len(np.unique(counts)) > 6
    # Binomial(10, 1/2): mean 5, variance 2.5, of 2,000 masks.
    assert counts.mean() == pytest.approx(5, abs=0.15)
    assert counts.var() == pytest.approx(2.5, rel=0.15)


def test_the_slope_tells_scaling_from_none() -> None:
    found = {scaling: dropout_scaling.measure(case_of(data="wine", scaling=scaling, rate=0.5))
             for scaling in ("inverted", "classic", "none")}
    assert found["inverted"]["slope"] == pytest.approx(1, abs=0.03)
    assert found["classic"]["slope"] == pytest.approx(1, abs=0.03)
    assert found["none"]["slope"] == pytest.approx(0.5, abs=0.02)


# Dropout in front of batch normalization -----------------------------------------------------


def untrained(place: str) -> tuple[Trained, Data]:
    """A network whose statistics have settled, and whose weights are the first ones."""
    case, data = case_of(), split("wine", case_of())
    net = dropout_before_norm.network(data.classes, place, 0.5)
    return train(case, net, data, epochs=200, batch=None, optimizer=ev.SGD(1e-12)), data


def test_inference_by_hand_is_the_networks() -> None:
    done, data = untrained("before")
    _, _, scores = dropout_before_norm.pass_by_hand(done.model.weights, data.x_test, own=False)
    np.testing.assert_allclose(scores, done.model.predict(data.x_test), rtol=1e-4, atol=1e-4)
    _, _, anew = dropout_before_norm.pass_by_hand(done.model.weights, data.x_test, own=True)
    assert np.abs(anew - scores).max() > 0.1


def test_the_kept_variance_is_what_the_formula_says() -> None:
    """With inverted dropout of h the input of the next norm has the variance
    ``Var(h W) + rate / (1 - rate) sum of W^2 E(h^2)`` (Li et al. 2019, equation 8, for any
    inputs); at test it has the first term alone."""
    done, data = untrained("before")
    weights = done.model.weights
    z = data.x.astype(np.float64) @ weights["dense_1.kernel"]
    h = np.maximum((z - z.mean(0)) / np.sqrt(z.var(0) + 1e-5), 0)
    kernel = weights["dense_2.kernel"].astype(np.float64)
    at_test = (h @ kernel).var(0)
    in_training = at_test + (h**2).mean(0) @ kernel**2
    expected = np.log(in_training / at_test).mean()
    shifts = dropout_before_norm.shifts(done, data.x)
    assert shifts[0] == pytest.approx(0, abs=0.02)
    assert shifts[1] == pytest.approx(expected, abs=0.05)
    assert expected > 0.5


def test_dropout_behind_all_norms_shifts_nothing() -> None:
    """But for the kept variance being the unbiased one, which each norm hands on to the next."""
    done, data = untrained("behind")
    unbiased = np.log(len(data.x) / (len(data.x) - 1))
    shifts = dropout_before_norm.shifts(done, data.x)
    assert shifts == pytest.approx([unbiased, 2 * unbiased, 3 * unbiased], abs=1e-3)


# Losses, tuning, search ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["wine", "diabetes"])
def test_the_plain_loss_is_the_models_own(name: str) -> None:
    data = split(name, case_of())
    done = train(case_of(), mlp((8,), data.classes), data, epochs=3)
    found = regularizers.plain_loss(done, data.x_test, data.y_test, data.classes)
    assert found == pytest.approx(done.test_loss, rel=1e-4)


def test_the_plain_loss_is_without_smoothing() -> None:
    data = split("wine", case_of())
    done = train(case_of(), mlp((8,), 3), data, epochs=30,
                 loss=ev.SoftmaxCrossEntropy(label_smoothing=0.1))
    assert regularizers.plain_loss(done, data.x, data.y, 3) < done.train_loss - 0.05


def test_l2_is_seen_in_the_weights() -> None:
    none, strong = (l2.measure(case_of(data="wine", l2=strength)) for strength in (0.0, 0.1))
    assert strong["log size"] < none["log size"] - 1
    assert none["size"] == pytest.approx(np.exp(none["log size"]))


@pytest.mark.parametrize("long", [False, True])
def test_decay_is_chosen_by_the_validation_part(
    monkeypatch: pytest.MonkeyPatch, long: bool
) -> None:
    wanted = decoupled_decay.STRENGTHS["decoupled"][long][1]
    rows = set()

    def trained(case: Case, data: Data, strength: float, rate: float) -> Trained:
        rows.add(len(data.x))
        is_whole = len(data.x) == max(rows) and len(rows) > 1
        loss = abs(strength - wanted) * (-1 if is_whole else 1)
        return done_with(test_loss=1 + loss + rate, train_loss=0.0, test=strength)

    monkeypatch.setattr(decoupled_decay, "trained", trained)
    found = decoupled_decay.measure(case_of(data="wine", decay="decoupled", long=long))
    assert found["strength"] == wanted
    assert found["test score"] == wanted
    assert found["rate"] == min(decoupled_decay.RATES[long])
    assert len(rows) == 2


def test_what_each_kind_may_switch_on() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        assert set(cocktail.drawn("plain", rng)) == {"rate"}
        assert set(cocktail.drawn("dropout", rng)) == {"rate", "dropout"}
    drawn = [cocktail.drawn("cocktail", rng) for _ in range(400)]
    for name in ("dropout", "norm", "residual", "depth", "mixup", "noise", "decay"):
        assert np.mean([name in setting for setting in drawn]) == pytest.approx(0.5, abs=0.1)


def test_a_setting_makes_its_network() -> None:
    everything = {"dropout": 0.2, "norm": True, "residual": True, "depth": 0.1, "noise": 0.1}
    for setting, kinds in (({"depth": 0.1}, {"Dense", "ReLU"}),
                           (everything, {"Dense", "ReLU", "Dropout", "BatchNorm", "Residual",
                                         "GaussianNoise"})):
        net = cocktail.network(setting, 3)
        assert {type(layer).__name__ for layer in net.layers} == kinds
        assert ev.init(net, input_shape=5, seed=0).predict(np.zeros((2, 5))).shape == (2, 3)


def test_the_cocktail_is_chosen_by_the_validation_part(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[tuple[int, float]] = []

    def result(case: Case, data: Data, setting: Mapping[str, Any]) -> tuple[float, float]:
        tried.append((len(data.x), setting["rate"]))
        return setting["rate"], 0.5

    monkeypatch.setattr(cocktail, "net_result", result)
    cocktail.measure(case_of(data="wine", kind="cocktail"))
    *trials, (rows, rate) = tried
    assert len(trials) == cocktail.TRIALS[False]
    assert rate == min(rate for _, rate in trials)
    assert all(part < rows for part, _ in trials)


@pytest.mark.parametrize("name", ["wine", "diabetes"])
def test_boosting_beats_a_guess(name: str) -> None:
    data = split(name, case_of())
    setting = {"learning_rate": 0.1, "n_estimators": 20, "max_depth": 2, "subsample": 1.0,
               "max_features": 1.0}
    loss, score = cocktail.trees_result(case_of(), data, setting)
    guess, guess_loss = guessed(data)
    assert 0 < loss < 0.9 * guess_loss
    assert score > guess + 0.2


def test_boosting_tells_nothing_of_a_class_that_it_never_saw() -> None:
    data = split("wine", case_of())
    seen = data.y != 0
    fewer = replace(data, x=data.x[seen], y=data.y[seen])
    loss, score = cocktail.trees_result(case_of(), fewer, {"n_estimators": 10})
    unseen = np.mean(data.y_test == 0)
    assert loss > unseen * -np.log(1e-7)
    assert score <= 1 - unseen


# Shifted data -------------------------------------------------------------------------------


@pytest.mark.parametrize("shift", ["none", "rare digits", "moved"])
def test_the_two_parts_of_shifted_data(shift: str) -> None:
    x, y = whole("digits")
    plain, digits = shifted_data.sides(case_of(images="digits", shift=shift, cure="none"))
    base, _common = shifted_data.sides(case_of(images="digits", shift="none", cure="none"))
    assert np.array_equal(plain.x, base.x)
    assert np.array_equal(plain.y, base.y)
    places = {row.tobytes(): place for place, row in enumerate(x)}
    trained_on = {int(y[places[row.tobytes()]]) for row in plain.x}
    assert len(trained_on) == 8
    is_rare = set(digits.tolist()) == set(range(10)) - trained_on
    assert is_rare if shift == "rare digits" else set(digits.tolist()) == trained_on
    assert np.array_equal(plain.y_test, digits % 2)
    if shift == "moved":
        assert np.array_equal(plain.x_test, shifted_data.moved(base.x_test))
    seen, _ = shifted_data.sides(case_of(images="digits", shift=shift, cure="some seen"))
    assert np.array_equal(seen.x_test, plain.x_test)
    assert np.array_equal(seen.x[: -shifted_data.SEEN], plain.x[: -shifted_data.SEEN])
    assert not np.array_equal(seen.x[-shifted_data.SEEN :], plain.x[-shifted_data.SEEN :])
    if shift == "rare digits":
        extra = {int(y[places[row.tobytes()]]) for row in seen.x[-shifted_data.SEEN :]}
        assert extra == set(digits.tolist())


def test_moved_digits_are_an_eighth_further_right() -> None:
    rows = np.random.default_rng(0).random((3, 64)).astype(np.float32)
    images, found = rows.reshape(3, 8, 8), shifted_data.moved(rows).reshape(3, 8, 8)
    assert np.array_equal(found[:, :, 1:], images[:, :, :-1])
    assert not found[:, :, 0].any()
    assert not shifted_data.moved(np.ones((1, 784), np.float32)).reshape(28, 28)[:, :4].any()


@pytest.mark.parametrize(("cured", "verdict"), [(0.1, "holds"), (0.4, "holds"), (0.7, "fails")])
def test_a_shift_that_one_cure_takes_away(cured: float, verdict: str) -> None:
    def values(levels: Mapping[str, Any]) -> dict[str, float]:
        cost = {"none": 0.0, "rare digits": 0.4, "moved": 0.2}[levels["shift"]]
        if levels["cure"] == "mixup":
            cost *= 1 - cured
        if levels["cure"] == "some seen":
            cost = 0.0
        return {"test accuracy": 0.95 - cost}

    assert planted(shifted_data.STUDY, values).verdict == verdict


def test_without_a_shift_there_is_nothing_to_cure() -> None:
    record = planted(shifted_data.STUDY, lambda levels: {"test accuracy": 0.95}, noise=0.01)
    assert record.verdict != "holds"


@pytest.mark.parametrize(("more_on_few", "verdict"), [(0.03, "holds"), (-0.03, "fails"),
                                                      (0.005, "cannot tell")])
def test_gain_on_little_data(more_on_few: float, verdict: str) -> None:
    def values(levels: Mapping[str, Any]) -> dict[str, float]:
        gain = (0.02 + more_on_few * (levels["share"] == 0.1)) * (levels["rate"] == 0.5)
        return {"test score": 0.8 + 0.1 * levels["share"] + gain}

    assert planted(dropout_rates.LITTLE, values).verdict == verdict


@pytest.mark.parametrize(("best", "verdict"), [((0.2, 0.35, 0.5), "holds"), ((0.0,), "fails"),
                                               ((0.65, 0.8), "fails")])
def test_the_typical_rates(best: tuple[float, ...], verdict: str) -> None:
    record = planted(dropout_rates.RATES,
                     lambda levels: {"test score": 0.9 + 0.05 * (levels["rate"] in best)})
    assert record.verdict == verdict


def test_a_gap_that_widens_on_one_table_does_not_hold() -> None:
    def values(levels: Mapping[str, Any]) -> dict[str, float]:
        sign = -1 if levels["data"] == odd else 1
        narrower = sign * 0.5 * (levels["rate"] == 0.5)
        return {"log gap": -1 - narrower, "score gap": 0.2 - 0.1 * narrower, "gap": 0.3,
                "training score": 1.0, "test score": 0.8}

    odd = ""
    assert planted(dropout_gap.STUDY, values).verdict == "holds"
    odd = "digits"
    assert planted(dropout_gap.STUDY, values).verdict == "cannot tell"


def test_each_regularizer_is_judged_by_its_own_gap() -> None:
    def values(levels: Mapping[str, Any]) -> dict[str, float]:
        return {"log gap": {"none": 0.0, "mixup": 0.5}.get(levels["kind"], -0.5),
                "test score": 0.9}

    record = planted(regularizers.STUDY, values)
    parts = [part for part in record.parts if part.counts]
    assert record.verdict == "fails"
    assert len(parts) == 5
    assert {part.words: part.verdict for part in parts if part.verdict == "fails"} == {
        "gap in loss, mixup against none": "fails"}


@pytest.mark.parametrize("study", [
    dropout_gap.STUDY, dropout_rates.RATES, dropout_rates.LITTLE, dropout_scaling.STUDY,
    dropout_before_norm.STUDY, l2.STUDY, decoupled_decay.STUDY, regularizers.STUDY,
    shifted_data.STUDY, cocktail.STUDY,
], ids=lambda study: study.name)
def test_nothing_planted_does_not_hold(study: Study) -> None:
    """Measures that no level changes: no study may call that a claim that holds; and all its
    sentences have their numbers."""
    names = ("log gap", "score gap", "test score", "training score", "log test loss", "log size",
             "log test loss anew", "test score anew", "log slope", "log spread", "log behind",
             "log shift", "test accuracy")
    record = planted(replace(study, test_ratio=0.1), lambda levels: dict.fromkeys(names, 0.5),
                     noise=0.02)
    assert record.verdict != "holds"
    assert "{" not in record.sentence
