"""Categories of many levels as rows of a learned table, beside the other ways."""

import pickle
import warnings

import numpy as np
import polars as pl
import pytest

import evenly as ev
from evenly import saving
from evenly.errors import ConfigurationError, DataError, TableWarning
from evenly.explain import answers_of, importance, linear_inputs
from evenly.tables import Inputs, TableClassifier, TableRegressor
from evenly.tables.inputs import CodeInputs, LevelInputs, MeanInputs, NumberInputs

QUICK = {"hidden": (8,), "max_epochs": 6, "random_state": 0, "quiet": True, "members": 1}
WAYS = ("auto", "indicators", "embedding", "target")


def made(rows=400, levels=30, seed=0, gaps=True):
    """A polars table with a category of many levels, and a number that they decide."""
    rng = np.random.default_rng(seed)
    codes, x = rng.integers(0, levels, rows), rng.normal(size=rows)
    zips = [None if gaps and i % 40 == 3 else f"z{code:02}" for i, code in enumerate(codes)]
    table = pl.DataFrame({"zip": zips, "x": x, "kind": rng.choice(["a", "b"], rows)})
    return table, rng.normal(size=levels)[codes] + 0.3 * x


TABLE, Y = made()


def fitted(kind=TableRegressor, **settings):
    y = Y if kind is TableRegressor else np.where(Y > 0, "more", "less")
    return kind(**{**QUICK, **settings}).fit(TABLE, y)


def part_of(model, kind):
    return next(part for part in model.inputs_.parts if isinstance(part, kind))


@pytest.mark.parametrize(("way", "many", "few"), [
    ("auto", [LevelInputs], [LevelInputs, MeanInputs]),
    ("indicators", [LevelInputs], [LevelInputs]),
    ("embedding", [CodeInputs], [CodeInputs]), ("target", [MeanInputs], [MeanInputs]),
])
def test_what_a_category_becomes(way, many, few):
    """With the levels that are many by default, and with few of them; fewer stay indicators."""
    for levels, wanted in ((None, many), (5, few)):
        model = fitted(categories=way, levels=levels)
        assert [type(p) for p in model.inputs_.parts if p.name == "zip"] == wanted
        assert type(next(p for p in model.inputs_.parts if p.name == "kind")) is LevelInputs
    own = [p for p in model.inputs_.parts if p.name == "zip" and isinstance(p, LevelInputs)]
    assert all(len(part.levels) == 4 and part.shares for part in own)


def test_row_numbers_stand_last_and_reach_the_table_as_they_are():
    model = fitted(TableClassifier, categories="embedding", levels=1, scale="robust")
    inputs = model.inputs_
    assert inputs.names[-2:] == ("zip (level)", "kind (level)")
    x, notes = model.encode(TABLE)
    assert not notes
    seen = model.estimator_._inputs(x)
    assert np.array_equal(seen[:, -2:], x[:, -2:])
    assert seen[:, -2:].min() >= 1
    assert seen[:, -2:].max() < inputs.table_rows
    zips, kinds = inputs.codes
    assert kinds.first == 1 + zips.rows
    table = model.model_.weights["embedding_1.table"]
    assert table.shape == (inputs.table_rows, 8)
    names = [name for name, _ in model.model_.net.named_layers()]
    assert names[:4] == ["slice_1", "slice_2", "embedding_1", "flatten_1"]


def test_levels_that_come_once_new_ones_and_gaps_have_rows_of_their_own():
    values = pl.Series(["b", "a", "b", "once", None, "a", "b"])
    part = CodeInputs.learn("zip", values, 5)
    assert (part.levels, part.shares, part.gaps, part.rows) == (("b", "a"), True, True, 4)
    out = np.empty((4, 1))
    assert part.write(pl.Series(["a", "once", "new", None]), out) == []
    assert out[:, 0].tolist() == [6, 7, 7, 8]
    plain = CodeInputs.learn("zip", pl.Series(["b", "a", "b", "a"]), 1)
    notes = plain.write(pl.Series(["a", "new", None], dtype=pl.String), out[:3])
    assert out[:3, 0].tolist() == [1, 0, 0]
    assert [note.partition(": ")[2] for note in notes] == [
        "nothing in 1 of 3 rows, first in row 3: training had no gaps here; the column says nothing"
        " about these rows",
        "'new' in 1 of 3 rows, first in row 2: no such value in training; the column says nothing "
        "about these rows"]


def test_what_says_nothing_adds_nothing():
    model = TableRegressor(**QUICK, categories="embedding").fit(*made(gaps=False))
    assert not model.model_.weights["embedding_1.table"][0].any()
    with pytest.warns(TableWarning, match="no such value in training"):
        one, other = (model.set_params(quiet=False).predict(
            {"zip": [name], "x": [0.5], "kind": ["a"]}) for name in ("new", "newer"))
    assert one == other


@pytest.mark.parametrize("settings", [
    {}, {"members": 2}, {"embedding": "piecewise"}, {"embedding": "periodic", "scale": "normal"},
    {"levels": 1, "init": "lsuv"}, {"scale": False}, {"refit": True, "average": "ema"},
], ids=str)
def test_it_saves_and_predicts_the_same_with_any_threads(tmp_path, settings):
    model = fitted(categories="embedding", n_jobs=1, **settings)
    wanted = model.predict(TABLE)
    assert np.isfinite(wanted).all()
    saving.save(tmp_path / "m.evenly", model)
    loaded = saving.load(tmp_path / "m.evenly")
    for other in (loaded, pickle.loads(pickle.dumps(model)),
                  fitted(categories="embedding", n_jobs=2, **settings)):
        assert np.array_equal(other.predict(TABLE), wanted)
    assert (loaded.categories, loaded.levels) == ("embedding", settings.get("levels"))
    loaded.set_params(warm_start=True).fit(TABLE, Y)


def test_the_network_goes_to_pytorch_and_back():
    torch = pytest.importorskip("torch")
    model = fitted(categories="embedding", dtype="float64")
    x = model.estimator_._inputs(model.encode(TABLE)[0])
    wanted, module = model.model_.predict(x), ev.to_torch(model.model_)
    np.testing.assert_allclose(module(torch.tensor(x)).detach().numpy(), wanted, atol=1e-12)
    back = ev.from_torch(module, x.shape[1:], dtype="float64")
    np.testing.assert_allclose(back.predict(x), wanted, atol=1e-12)


def test_a_table_of_categories_alone():
    table = TABLE.select("zip")
    model = TableRegressor(**{**QUICK, "max_epochs": 40}, categories="embedding").fit(table, Y)
    assert model.model_.net.named_layers()[0][0] == "embedding_1"
    assert model.score(table, Y) > 0.3


def test_many_levels_are_learned():
    table, y = made(2000, 200, gaps=False)
    scores = {way: TableRegressor((32,), categories=way, levels=9, random_state=0, quiet=True,
                                  effort="fast").fit(table[:1500], y[:1500])
              .score(table[1500:], y[1500:]) for way in ("indicators", "embedding")}
    assert scores["embedding"] > max(0.6, scores["indicators"] + 0.2)


def test_going_on_keeps_the_table():
    model = fitted(categories="embedding", warm_start=True)
    before = model.inputs_
    model.fit(TABLE, Y)
    assert model.inputs_ == before
    for change in ({"categories": "auto"}, {"levels": 3}):
        with pytest.raises(ConfigurationError, match="begin anew with a fit without warm_start"):
            fitted(categories="embedding", warm_start=True).set_params(**change).fit(TABLE, Y)


@pytest.mark.parametrize(("settings", "message"), [
    ({"categories": "one-hot"}, "categories must be one of 'auto', 'indicators', 'embedding', "),
    ({"categories": None}, "categories must be one of"),
    ({"levels": 0}, "levels must be a whole number from 1 to 10,000, or None, got 0"),
    ({"levels": True}, "levels must be"), ({"levels": 2.0}, "levels must be"),
    ({"categories": "embedding", "net": ev.Dense(1)}, "with a net of your own, which would read"),
    ({"categories": "embedding", "augment": 0.2}, "mixup takes means of inputs"),
])
def test_what_cannot_work_is_refused(settings, message):
    with pytest.raises(ConfigurationError, match=message):
        fitted(**settings)


def test_mixup_and_standardized_inputs_see_a_table_behind_a_slice():
    net = ev.Sequential([ev.Branches([ev.Slice(0, 2), [ev.Slice(2), ev.Embedding(9, 4),
                                                       ev.Flatten()]], "concatenate"), ev.Dense(1)])
    x, y = np.ones((20, 3)), np.ones((20, 1))
    for more, message in (({"augment": ev.Mixup(0.2)}, "'embedding_1': mixup takes means"),
                          ({"inputs": "standardized"}, "Embedding reads row numbers")):
        with pytest.raises(ConfigurationError, match=message):
            ev.fit(ev.Settings(net, ev.MeanSquaredError(), ev.Adam(), epochs=1, **more), x, y)


@pytest.mark.filterwarnings("ignore::evenly.errors.DoctorWarning")
def test_the_doctor_takes_row_numbers_for_no_quantities():
    diagnosis = fitted(categories="embedding", doctor=True, scale=False).diagnosis_
    assert diagnosis.record.data.indices
    assert not {finding.kind for finding in diagnosis.findings} & {
        "inputs_not_scaled", "inputs_constant"}


def test_explanations_and_linear_models_read_columns():
    model = TableRegressor(**{**QUICK, "max_epochs": 40}, categories="embedding").fit(
        TABLE.with_columns(y=Y), "y")
    answers, _, _ = answers_of(model, TABLE.with_columns(y=Y))
    found = {one.column: one for one in importance(answers, ["zip", "x", "kind"], repeats=2)}
    assert set(found) == {"zip", "x", "kind"}
    assert found["zip"].mean > found["kind"].mean
    part, x = part_of(model, CodeInputs), linear_inputs(model)(TABLE)
    own = x[:, -part.rows :]
    assert x.shape[1] == model.inputs_.width - 1 + part.rows
    assert set(np.unique(own)) == {0, 1}
    assert (own.sum(axis=1) == 1).all()
    many = CodeInputs("zip", tuple(map(str, range(300))), 4).indicators(
        np.array([0.0, 4.0, 102.0, 103.0, 303.0]))
    assert [row.nonzero()[0].tolist() for row in many] == [[], [0], [98], [99], [99]]


@pytest.mark.parametrize("parts", [
    (CodeInputs("zip", ("a",), 2),), (CodeInputs("zip", ("a",)), CodeInputs("kind", ("b",), 1)),
    (CodeInputs("zip", ("a",)), NumberInputs("x", 0.0)),
])
def test_rows_that_do_not_follow_each_other_are_refused(parts):
    with pytest.raises(DataError, match="Inputs: "):
        Inputs(parts)
    with pytest.raises(DataError, match="expects levels"):
        CodeInputs("zip", ("a", "a"))


def test_nothing_is_said_of_what_is_usual():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = fitted(categories="embedding")
    assert model.notes_ == ("column 'zip': 30 levels as rows of a learned table",)
    assert fitted(categories="target").notes_ == (
        "column 'zip': 30 levels: the mean of the target for each is an input",)
