"""Searches: the same for any number of workers, gone on with, never worse than what was given."""

import threading
import time
import warnings

import joblib
import numpy as np
import optuna
import pandas as pd
import pytest
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import evenly as ev
from evenly.search import SearchError
from evenly.search.problem import Problem

from .conftest import SPACE, kept


@pytest.fixture
def where(request):
    """What joblib runs on: a backend by name, or Dask with two workers."""
    if request.param != "dask":
        with ev.parallel.backend(request.param, jobs=3) as jobs:
            yield jobs
        return
    distributed = pytest.importorskip("distributed", reason="needs dask distributed")
    with (distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None,
                                   silence_logs=50) as cluster,
          ev.parallel.backend("dask", scheduler=cluster.scheduler_address) as jobs):
        yield jobs


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # of Dask's own, as it closes
@pytest.mark.parametrize("where", [
    "threading", pytest.param("loky", marks=pytest.mark.sweep),
    pytest.param("dask", marks=pytest.mark.sweep)], indirect=True)
def test_workers_and_backends_change_nothing(rows, where):
    """Curves are compared with those of earlier rounds alone, so pruning does not either."""
    x, _ = rows
    net = ev.NetRegressor((16, 8), max_epochs=11, effort="fast")
    space = {"learning_rate": {"low": 1e-6, "high": 0.05, "log": True}, "norm": ["batch", "layer"]}

    def found(**settings):
        return ev.tune(net, x, x[:, 0] * x[:, 1], space=space, trials=12, round=3, **settings)

    with joblib.parallel_config("sequential"):
        alone, other = found(n_jobs=1), found(n_jobs=1, seed=1)
    assert alone.record.count("pruned")
    assert kept(found(n_jobs=where)) == kept(alone)
    assert kept(other) != kept(alone)


def test_the_first_trial_is_what_was_given(rows, net):
    found = ev.tune(net, *rows, space={"units": {"low": 4, "high": 8}}, trials=6)
    first = found.record.trials[0]
    assert found.best_score >= first.score
    assert not first.exact  # its 16 units are not in the space
    assert found.estimator(0).get_params() == net.get_params()
    train, held = found.problem.parts[0]
    assert first.score == net.fit(rows[0][train], rows[1][train]).score(rows[0][held],
                                                                        rows[1][held])
    best = found.record.best_trial
    assert best.score == max(one.score for one in found.record.finished)
    made = found.fit()
    assert made.hidden[0] == best.settings["units"] or best.number == 0
    assert str(best.number) in str(found)


def test_each_round_learns_from_those_before(rows, net):
    """The seed alone decides what is drawn first; later it is what was found that does."""
    units = [one.settings["units"] for one in ev.tune(
        ev.NetRegressor(16, max_epochs=4, effort="fast"), rows[0], rows[0][:, 0] ** 2, trials=24,
        space={"units": {"low": 1, "high": 200}}).record.trials]
    assert np.mean(units[-8:]) > np.mean(units[1:9])


def test_parts_are_judged_in_turn(rows, net):
    found = ev.tune(net, *rows, space=SPACE, trials=2, cv=3)
    one = found.record.trials[1]
    assert len(one.scores) == 3
    assert one.score == pytest.approx(np.mean(one.scores))
    own = ev.tune(net, *rows, space=SPACE, trials=2, cv=KFold(2))
    assert [len(held) for _, held in own.problem.parts] == [80, 80]


def test_classes_and_groups_are_divided_as_they_should(rows, net):
    x, y = rows
    groups = np.arange(160) // 10
    for cv in (0.25, 3):
        found = ev.tune(net, x, y, space=SPACE, trials=1, cv=cv, groups=groups)
        for train, held in found.problem.parts:
            assert not set(groups[train]) & set(groups[held])
    few = np.zeros(160, int)
    few[:8] = 1
    plain = ev.tune(net, x, few, space=SPACE, trials=1)
    assert few[plain.problem.parts[0][1]].sum() == 2


def test_estimators_are_chosen_by_the_data(rows):
    x, y = rows
    space = {"norm": ["batch", "layer"]}
    frame = pd.DataFrame(x, columns=["a", "b", "c"]).assign(name=np.where(y, "yes", "no"))
    frame.loc[3, "name"] = None
    kinds = {}
    for name, data in {"classes": (x, y), "numbers": (x, x[:, 0]), "frame": (frame[["a"]], y),
                       "named": (frame, "name"), "column": (frame, "a")}.items():
        found = ev.tune(*data, space=space, trials=1)
        kinds[name] = found.record.estimator
        assert found.record.trials[0].score is not None
    assert kinds == {"classes": "NetClassifier", "numbers": "NetRegressor",
                     "frame": "TableClassifier", "named": "TableClassifier",
                     "column": "TableRegressor"}
    found = ev.tune(frame, "name", space=space, trials=1)
    assert found.problem.rows == 159
    assert "nothing in 1 of 160 rows" in found.record.notes[0]


def test_a_file_is_read(rows, tmp_path):
    path = tmp_path / "rows.csv"
    pd.DataFrame(rows[0], columns=["a", "b", "c"]).assign(y=rows[1]).to_csv(path)
    found = ev.tune(path, "y", space={"norm": ["batch", "layer"]}, trials=1)
    assert found.record.estimator == "TableClassifier"


def test_a_pipeline_that_ends_in_a_network(rows, net):
    pipeline = make_pipeline(StandardScaler(), net)
    space = {**SPACE, "standardscaler__with_mean": [True, False]}
    found = ev.tune(pipeline, *rows, space=space, trials=4)
    assert found.record.estimator == "NetClassifier"
    assert "pipeline.set_params(netclassifier=ev.NetClassifier(" in found.record.code
    made = found.estimator(3)
    assert made[0].with_mean == found.record.trials[3].settings["standardscaler__with_mean"]
    assert made[1].learning_rate == found.record.trials[3].settings["learning_rate"]


def test_the_code_trains_the_best(rows, net):
    found = ev.tune(net, *rows, space=SPACE, trials=6)
    namespace = {"x": rows[0], "y": rows[1]}
    exec(found.record.code, namespace)
    best = found.estimator()
    for name, value in namespace["model"].get_params(deep=False).items():
        if name not in ("optimizer", "learning_rate"):
            assert value == getattr(best, name), name
    assert np.array_equal(namespace["model"].predict_proba(rows[0]),
                          best.fit(*rows).predict_proba(rows[0]))


def test_score_and_time_have_a_front(rows, net):
    found = ev.tune(net, *rows, space=SPACE, trials=8, objectives=("score", "time"))
    record = found.record
    by_number = {one.number: one for one in record.trials}
    front = [by_number[number] for number in record.front]
    assert front
    assert not record.count("pruned")
    for one in record.finished:
        beaten = [other for other in record.finished if other.seconds < one.seconds
                  and other.score >= one.score]
        assert (one in front) == (not beaten and one.number in record.front)
    assert [one.seconds for one in front] == sorted(one.seconds for one in front)
    assert record.best in record.front or front[-1].score == record.best_trial.score


def test_a_setting_that_breaks_is_told_and_left_out(rows, net):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        found = ev.tune(net, *rows, trials=6, seed=3,
                        space={"batch": [32, 1], "norm": ["batch", "batch"]})
    failed = [one for one in found.record.trials if one.state == "failed"]
    assert failed
    assert all("batch normalization needs at least 2 rows" in one.why for one in failed)
    with pytest.raises(SearchError, match=r"every trial failed, the first: .*batch=1"):
        ev.tune(net.set_params(batch=1), *rows, space={"dropout": [0.1, 0.2]}, trials=2)


def test_a_time_limit_is_kept(rows):
    net = ev.NetClassifier((16,), max_epochs=60, effort="fast", early_stopping=False)
    x, y = np.tile(rows[0], (50, 1)), np.tile(rows[1], 50)
    started = time.perf_counter()
    found = ev.tune(net, x, y, space={"max_epochs": [60, 100_000]}, trials=500, time_limit=3)
    assert time.perf_counter() - started < 5
    assert found.record.interrupted
    assert found.record.why_ended == "the time limit"
    assert 0 < len(found.record.trials) < 500
    with pytest.raises(SearchError, match=r"no trial has ended within 0\.01 seconds"):
        ev.tune(net, x, y, space=SPACE, time_limit=0.01)


def test_a_stop_loses_nothing_that_has_finished(rows, net, tmp_path):
    """What goes on ends as if it had never stopped, to the bit: in the middle of a round too."""
    settings = {"space": SPACE, "trials": 11, "round": 4}
    whole = ev.tune(net, *rows, **settings)
    stop, seen = threading.Event(), []

    def told(trial):
        seen.append(trial.number)

    real = Problem.with_settings

    def stopping(self, given):
        if len(seen) >= 4 and stopping.left == 0:
            stop.set()
        stopping.left -= len(seen) >= 4
        return real(self, given)

    stopping.left = 2
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Problem, "with_settings", stopping)
        part = ev.tune(net, *rows, **settings, storage=tmp_path / "a.db", stop=stop, on_trial=told)
    assert part.record.why_ended == "Ctrl-C"
    assert 4 < len(part.record.trials) < 8
    assert kept(part) == kept(whole)[:len(part.record.trials)]
    rest = ev.tune(net, *rows, **settings, storage=tmp_path / "a.db", resume=True)
    assert not rest.record.interrupted
    assert kept(rest) == kept(whole)
    more = ev.tune(net, *rows, **settings | {"trials": 12}, storage=tmp_path / "a.db", resume=True)
    assert kept(more)[:11] == kept(whole)


@pytest.mark.parametrize(("settings", "words"), [
    ({"trials": 0}, "trials: expects"), ({"round": 0}, "round: expects"),
    ({"time_limit": -1}, "time_limit: expects"), ({"cv": 1}, "cv: expects"),
    ({"cv": 1.5}, "cv: expects"), ({"cv": "five"}, "cv: expects"), ({"cv": 200}, "cv=200:"),
    ({"cv": True}, "cv: expects"), ({"objectives": ("time",)}, "objectives: expects"),
    ({"space": {"lerning_rate": [1]}}, "space: .*lerning_rate"),
    ({"space": {"optimizer__nothing": [1]}}, "space: .*nothing"),
    ({"storage": "/nowhere/search.db"}, "no folder '/nowhere'"),
    ({"storage": "nonsense://"}, "is no address of a database|cannot be used"),
])
def test_errors_are_one_line(rows, net, settings, words):
    with pytest.raises(SearchError, match=words) as caught:
        ev.tune(net, *rows, **{"space": SPACE, "trials": 1, **settings})
    assert "\n" not in str(caught.value)


def test_what_is_no_data_is_one_line(rows, net):
    x, y = rows
    with pytest.raises(SearchError, match="expects x and y"):
        ev.tune(x)
    with pytest.raises(SearchError, match="160 rows and 159 targets"):
        ev.tune(net, x, y[1:])
    with pytest.raises(SearchError, match="'y' names a column, which NetClassifier"):
        ev.tune(net, {"a": y, "y": y}, "y")
    with pytest.raises(SearchError, match="there is no column 'z'"):
        ev.tune({"a": y, "y": y}, "z")
    with pytest.raises(SearchError, match="got StandardScaler"):
        ev.tune(StandardScaler(), x, y)
    with pytest.raises(SearchError, match="no trial 9"):
        ev.tune(net, x, y, space=SPACE, trials=1).estimator(9)


def test_optuna_reads_the_store(rows, net, tmp_path):
    found = ev.tune(net, *rows, space=SPACE, trials=4, storage=tmp_path / "a.db", name="mine")
    study = optuna.load_study(study_name="mine", storage=f"sqlite:///{tmp_path / 'a.db'}")
    assert study.best_value == found.best_score
    assert len(study.trials) == 4
