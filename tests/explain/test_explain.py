"""What is computed of a model's answers, against what is known of the model."""

import dataclasses
import json

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, mean_absolute_error, r2_score

from evenly import explain
from evenly.errors import DataError
from evenly.tables import TableRegressor

from .samples import Dear, Price, Thirds, table


@pytest.fixture(scope="module")
def price():
    frame = table()
    model = Price(frame)
    noise = np.random.default_rng(3).normal(0, 2, frame.height)
    return explain.Answers(model, frame, model.predict(frame) + noise)


@pytest.fixture(scope="module")
def dear():
    frame = table()
    model = Dear(frame)
    so = np.random.default_rng(4).random(frame.height) < model.predict_proba(frame)[:, 1]
    return explain.Answers(model, frame, np.where(so, "dear", "cheap"))


@pytest.fixture(scope="module")
def thirds():
    frame = table()
    model = Thirds(frame)
    truth = model.classes_[model.predict_proba(frame).argmax(axis=1)].copy()
    truth[::10] = "low"
    return explain.Answers(model, frame, truth)


NAMES = ("size", "color", "new", "day", "noise")


def test_importance_orders_columns_by_what_they_move(price):
    found = explain.importance(price, NAMES)
    assert [one.column for one in found] == ["size", "color", "new", "day", "noise"]
    assert found[-1].mean == 0 == found[-1].spread
    assert found[0].mean > found[1].mean > found[2].mean > 0
    for one in found:
        assert len(one.drops) == 5
        assert one.mean == pytest.approx(np.mean(one.drops))
        assert one.spread == pytest.approx(np.std(one.drops))


def test_importance_of_a_measure_where_less_is_better(price):
    found = {one.column: one.mean for one in explain.importance(price, NAMES, measure="mae")}
    # Shuffled cells cost error: the measure is worse, so the importance is above 0.
    assert found["size"] > 5
    own = mean_absolute_error(price.codes, price.given())
    order = np.random.default_rng(0).permutation(len(price))
    lost = mean_absolute_error(price.codes, price.exchanged(["size"], order[:, None])) - own
    assert found["size"] == pytest.approx(lost, rel=0.3)


def test_importance_says_the_same_again_and_hears_of_each_column(dear):
    heard = []
    one = explain.importance(dear, NAMES, seed=1, on_column=heard.append)
    assert tuple(heard) == NAMES
    assert one == explain.importance(dear, NAMES, seed=1)
    assert one != explain.importance(dear, NAMES, seed=2)


def test_a_measure_that_is_not_defined(price):
    same = explain.Answers(price.model, price.frame, np.full(300, 3.0))
    with pytest.raises(DataError, match="r2: is not defined for these rows: take another measure"):
        explain.importance(same, NAMES, measure="r2")
    # Unless one is asked for, the next that is defined is taken.
    assert explain.importance(same, NAMES)[0].column == "size"


def test_importance_of_many_rows_is_of_some(price, monkeypatch):
    from evenly.explain import permutation as module

    asked = []
    monkeypatch.setattr(module, "MOST_ROWS", 50)
    monkeypatch.setattr(explain.Answers, "_asked", lambda self, frame: asked.append(
        frame.height) or np.zeros(frame.height))
    explain.importance(price, NAMES)
    assert set(asked) == {50}


def test_dependence_on_a_number_is_its_slope(price):
    values = price.model.columns_.values(price.frame)[0]
    found = explain.dependence(price, "size", "number", values["size"], target="price")
    assert found.series == ("price",)
    assert found.rows == 300
    x = np.array([point.place for point in found.points])
    y = np.array([point.answers[0] for point in found.points])
    assert len(x) == 20
    assert (np.diff(x) > 0).all()
    known = np.sort(values["size"][~np.isnan(values["size"])])
    assert x[0] == pytest.approx(np.quantile(known, 0.02), abs=0.3)
    np.testing.assert_allclose(np.diff(y) / np.diff(x), 5, rtol=1e-9)
    assert found.reach == pytest.approx(5 * (x[-1] - x[0]))


def test_dependence_on_words_truth_and_dates(price):
    values = price.model.columns_.values(price.frame)[0]
    color = explain.dependence(price, "color", "category", values["color"])
    assert [point.value for point in color.points] == ["red", "green", "blue"]
    means = [point.answers[0] for point in color.points]
    np.testing.assert_allclose([means[0] - means[1], means[1] - means[2]], [20, 0], atol=1e-9)
    new = explain.dependence(price, "new", "boolean", values["new"])
    assert [point.value for point in new.points] == ["False", "True"]
    assert new.points[1].answers[0] - new.points[0].answers[0] == pytest.approx(10)
    day = explain.dependence(price, "day", "date", values["day"])
    assert day.points[0].value.startswith("2020-01-0")
    x = np.array([point.place for point in day.points])
    y = np.array([point.answers[0] for point in day.points])
    np.testing.assert_allclose(np.diff(y) / np.diff(x), 1 / 100, rtol=1e-6)


def test_dependence_takes_a_gap_as_a_level(price):
    frame = price.frame.with_columns(pl.when(pl.int_range(300) % 5 == 0).then(None)
                                     .otherwise(pl.col("color")).alias("color"))
    answers = explain.Answers(price.model, frame, price.codes)
    values = price.model.columns_.values(frame)[0]
    found = explain.dependence(answers, "color", "category", values["color"])
    assert [point.value for point in found.points][-1] == "(missing)"


def test_dependence_of_classes_shows_the_second_or_the_most_frequent(dear, thirds):
    values = dear.model.columns_.values(dear.frame)[0]
    assert explain.dependence(dear, "size", "number", values["size"]).series == ("dear",)
    found = explain.dependence(thirds, "size", "number", values["size"])
    assert found.series == ("high", "low", "middle")
    assert all(sum(point.answers) == pytest.approx(1) for point in found.points)


def test_dependence_needs_two_values(price):
    assert explain.dependence(price, "size", "number", np.full(300, 3.0)) is None
    assert explain.dependence(price, "size", "number", np.full(300, np.nan)) is None


def test_confusion_is_that_of_scikit_learn(thirds):
    given = thirds.given()
    found = explain.confusion(thirds, given)
    expected = confusion_matrix(thirds.codes, given.argmax(axis=1))
    assert np.array_equal(np.array(found.counts), expected)
    assert found.classes == ("high", "low", "middle")
    assert found.counts[0][1] == 0 < found.counts[1][0]


def test_confusion_of_many_classes_keeps_the_most_frequent():
    rng = np.random.default_rng(0)

    class Many:
        classes_ = np.array([f"c{i:02}" for i in range(30)])

    answers = explain.Answers(Many(), pl.DataFrame({"a": range(900)}),
                              Many.classes_[rng.integers(0, 30, 900) ** 2 // 30])
    given = np.eye(30)[answers.codes]
    found = explain.confusion(answers, given)
    assert len(found.classes) == 20
    assert found.classes[-1] == "(others)"
    assert np.sum(found.counts) == 900
    assert np.trace(np.array(found.counts)) == 900
    often = np.bincount(answers.codes, minlength=30)
    kept = {int(name[1:]) for name in found.classes[:-1]}
    assert min(often[list(kept)]) >= max(often[[i for i in range(30) if i not in kept]])


def test_residuals(price):
    given = price.given()
    found = explain.residuals(price, given)
    missed = price.codes - given
    assert found.rows == 300 == len(found.pairs) == sum(found.counts)
    assert dict(found.quantiles)[0.5] == pytest.approx(np.median(missed))
    assert found.edges[0] == -found.edges[-1]
    assert {(float(a), float(b)) for a, b in zip(given, price.codes, strict=True)} == set(
        found.pairs)


def test_the_worst_rows_are_the_worst(price, dear):
    given = price.given()
    rows = np.arange(300) + 1000
    found = explain.worst_rows(price, given, rows, ("size", "color"))
    missed = np.abs(price.codes - given)
    order = np.argsort(-missed)
    assert [one.row for one in found] == [int(i) + 1001 for i in order[:10]]
    assert found[0].loss == pytest.approx(missed.max())
    cell = price.frame[int(order[0])].to_dicts()[0]
    assert dict(found[0].cells) == {"size": cell["size"] or "", "color": cell["color"]}
    given = dear.given()
    found = explain.worst_rows(dear, given, rows, ())
    assert all(one.truth != one.answer.split(" (")[0] for one in found)
    assert [one.loss for one in found] == sorted((one.loss for one in found), reverse=True)
    chance = given[np.arange(300), dear.codes]
    assert found[0].loss == pytest.approx(-np.log(chance.min()))


def test_a_row_that_is_right_is_no_worst_row(dear):
    given = np.eye(2)[dear.codes] * 0.9 + 0.05
    assert explain.worst_rows(dear, given, np.arange(300), ()) == ()


def test_calibration_of_true_probabilities_is_good_and_of_sharpened_ones_is_not(dear):
    given = dear.given()
    found = explain.calibration(dear, given)
    assert found.of == "'dear'"
    assert sum(one.rows for one in found.bins) == 300
    sharp = np.where(given > 0.5, 1.0, 0.0)
    off = explain.calibration(dear, sharp)
    assert found.error < 0.1 < off.error
    wrong = (sharp.argmax(axis=1) != dear.codes)
    both = [wrong[sharp[:, 1] == side].sum() for side in (0, 1)]
    assert off.error == pytest.approx(sum(both) / 300)


def test_calibration_of_several_classes_is_of_the_answer(thirds):
    given = thirds.given()
    found = explain.calibration(thirds, given)
    assert found.of == "the answer"
    assert len(found.bins) == 1
    right = (given.argmax(axis=1) == thirds.codes).mean()
    assert (found.bins[0].said, found.bins[0].seen) == (pytest.approx(0.8), pytest.approx(right))
    assert found.error == pytest.approx(abs(0.8 - right))


def encoded(model):
    """What a linear model reads: numbers as they are, words as 0 or 1."""
    def inputs(frame):
        values, _ = model.columns_.values(frame)
        size = np.nan_to_num(values["size"], nan=10.0)
        red = (values["color"] == "red").to_numpy().astype(float)
        return np.stack([(size - 10) / 3, red, values["new"]], axis=1)
    return inputs


def test_scores_stand_beside_the_simplest_answer_and_a_linear_model(dear):
    training, held_out = dear.rows(np.arange(200)), dear.rows(np.arange(200, 300))
    found = explain.score(training, held_out, encoded(dear.model.price), table="t", target="kind")
    assert (found.rows, found.training_rows, found.held_out_rows) == (300, 200, 100)
    assert [line.name for line in found.lines] == ["network", "simplest", "linear"]
    network, simplest, linear = found.lines
    truth = held_out.codes
    assert network.of("accuracy") == pytest.approx(
        accuracy_score(truth, held_out.given().argmax(axis=1)))
    most = int(np.bincount(training.codes).argmax())
    assert simplest.of("accuracy") == pytest.approx((truth == most).mean())
    assert simplest.words == f"always '{('cheap', 'dear')[most]}'"
    assert linear.words == "logistic regression"
    assert linear.of("accuracy") > simplest.of("accuracy")
    assert network.of("accuracy", "training") == pytest.approx(
        accuracy_score(training.codes, training.given().argmax(axis=1)))


def test_scores_of_numbers_are_in_their_own_units(price):
    training, held_out = price.rows(np.arange(200)), price.rows(np.arange(200, 300))
    found = explain.score(training, held_out, encoded(price.model), target="price")
    network, simplest, linear = found.lines
    assert network.of("r2") == pytest.approx(r2_score(held_out.codes, held_out.given()))
    mean = training.codes.mean()
    assert simplest.of("mae") == pytest.approx(np.abs(held_out.codes - mean).mean())
    assert (simplest.words, linear.words) == ("always the mean", "ridge regression")
    assert 0.9 < linear.of("r2") < network.of("r2")


def test_scores_where_no_row_was_held_out(price):
    found = explain.score(price, None, encoded(price.model))
    assert found.held_out_rows == 0
    assert all(line.held_out == () and line.training for line in found.lines)


def test_a_linear_model_of_a_large_table_learns_from_some_rows(price, monkeypatch):
    from evenly.explain import scoring

    monkeypatch.setattr(scoring, "MOST_CELLS", 1)
    frame = pl.concat([price.frame] * 5)
    many = explain.Answers(price.model, frame, np.tile(price.codes, 5))
    line = explain.score(many, None, encoded(price.model)).lines[2]
    assert line.note == "fitted on 1,000 of the training rows"


def test_a_record_is_plain(dear):
    scores = explain.score(dear, None, encoded(dear.model.price), table="t", target="kind")
    lines = [explain.ColumnLine(name, kind, "1 input", "", 0, 2, "", "", ())
             for name, kind in zip(NAMES, ("number", "category", "boolean", "date", "number"),
                                   strict=True)]
    values = dear.model.columns_.values(dear.frame)[0]
    record = explain.explained(dear, np.arange(300), scores, lines, values, part="training")
    json.dumps(dataclasses.asdict(record), allow_nan=False)
    hash(record)
    assert record.importance[0].column == record.dependence[0].column == "size"
    assert record.residuals is None
    assert len(record.worst) == 10


# Estimators for tables --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fitted(price):
    frame = price.frame.with_columns(pl.Series("price", price.codes),
                                     zip=pl.Series([f"z{i % 150:03}" for i in range(300)]))
    model = TableRegressor(16, max_epochs=5, random_state=0, quiet=True).fit(frame, "price")
    return model, frame


@pytest.mark.parametrize("column", ["size", "color", "new", "day", "zip"])
def test_inputs_are_exchanged_as_cells_are(fitted, column):
    model, frame = fitted
    answers, _, _ = explain.answers_of(model, frame)
    order = np.random.default_rng(0).permutation(300)
    other = frame.with_columns(frame[column].gather(order))
    np.testing.assert_allclose(answers.exchanged([column], order[:, None]), model.predict(other),
                               rtol=1e-12)
    both = other.with_columns(frame["noise"].gather(order[::-1]))
    np.testing.assert_allclose(
        answers.exchanged([column, "noise"], np.stack([order, order[::-1]], axis=1)),
        model.predict(both), rtol=1e-12)


def test_rows_without_a_target_are_no_answers(fitted):
    model, frame = fitted
    frame = frame.with_columns(pl.when(pl.int_range(300) < 7).then(None).otherwise(
        pl.col("price")).alias("price"))
    answers, rows, notes = explain.answers_of(model, frame)
    assert rows.tolist() == list(range(7, 300))
    assert len(answers) == 293
    assert notes == ("target 'price': nothing in 7 of 300 rows: they are left out",)


def test_columns_as_they_are_shown(fitted):
    lines = {line.name: line for line in explain.column_lines(fitted[0])}
    assert lines["size"].becomes == "2 inputs: value, nothing"
    assert lines["color"].becomes == "3 inputs"
    assert lines["day"].becomes.startswith("5 inputs: days, year, week")
    assert (lines["day"].type, lines["new"].type) == ("date", "boolean")
    assert lines["size"].missing == 18


def test_the_network_within_a_linear_model_reads(fitted):
    model, frame = fitted
    x = explain.linear_inputs(model)(frame)
    assert x.shape == (300, model.inputs_.width)
    assert np.abs(x[:, 0].mean()) < 0.2


@pytest.mark.parametrize("threshold", [None, 0.9])
def test_a_threshold_is_the_models_own(dear, threshold):
    class Strict:
        classes_, columns_, threshold_ = Dear.classes_, dear.model.columns_, threshold
        predict_proba = staticmethod(dear.model.predict_proba)

    answers = explain.Answers(Strict(), dear.frame, Dear.classes_[dear.codes])
    given = answers.given()
    taken = given[:, 1] >= (0.5 if threshold is None else threshold)
    assert dict(answers.measured())["accuracy"] == (taken == dear.codes).mean()
    assert dict(answers.measured())["auc"] == dict(dear.measured())["auc"]
    assert np.sum(np.array(explain.confusion(answers, given).counts)[:, 1]) == taken.sum()


def test_shapley_values_of_columns(price):
    pytest.importorskip("shap")
    from evenly.explain.shapley import shapley

    found = shapley(price.rows(np.arange(60)), NAMES, rows=20, background=20)
    assert found["noise"] == pytest.approx(0, abs=1e-9)
    assert found["size"] > found["new"] > found["day"] > 0
