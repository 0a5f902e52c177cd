"""The simplest answer and the linear model: what they answer, in pairs with the networks."""

from __future__ import annotations

import threading

import numpy as np
import pandas as pd
import pytest

from evenly.study import Design, Table, references, run_all
from evenly.study.data import make_table
from evenly.study.splits import make_split


def test_the_simplest_answer_is_the_most_frequent_class() -> None:
    target = ["no"] * 90 + ["yes"] * 10
    table = make_table("t", pd.DataFrame({"x": range(100)}), pd.Series(target), "y", None, None)
    design = Design(variants=("plain",), seeds=2, epochs=1, hidden=(4,))
    outcome = run_all(table, design)
    simplest = [run for run in outcome.references if run.variant == "simplest"]
    for run in simplest:
        test = make_split(table, run.seed, 0.25).y_test
        assert run.tested("accuracy") == pytest.approx(np.mean(test == 0))
        assert run.tested("balanced-accuracy") == 0.5
        assert run.tested("auc") == 0.5
        assert run.epochs == ()


def test_the_mean_answers_where_numbers_are_asked(line: Table) -> None:
    outcome = run_all(line, Design(variants=("plain",), seeds=1, epochs=1, hidden=(4,)))
    simplest, linear = outcome.references
    rows = np.arange(120)
    from sklearn.model_selection import train_test_split

    train, test = train_test_split(rows, test_size=0.25, random_state=0)
    errors = line.target[test] - line.target[train].mean()
    # In the target's own units, though networks learn scaled numbers.
    assert simplest.tested("mae") == pytest.approx(np.abs(errors).mean(), rel=1e-5)
    assert simplest.tested("rmse") == pytest.approx(np.sqrt((errors**2).mean()), rel=1e-5)
    assert linear.tested("r2") == pytest.approx(1.0, abs=1e-3)
    (run,) = outcome.runs
    assert run.tested("r2") == pytest.approx(run.test_score, abs=1e-4)


def test_the_linear_model_is_that_of_scikit_learn(blobs: Table) -> None:
    from sklearn.linear_model import LogisticRegression

    outcome = run_all(blobs, Design(variants=("plain",), seeds=2, epochs=1, hidden=(4,)))
    for run in outcome.references[1::2]:
        split = make_split(blobs, run.seed, 0.25)
        model = LogisticRegression(max_iter=500).fit(split.x_train.astype(float), split.y_train)
        assert run.variant == "linear"
        assert run.tested("accuracy") == model.score(split.x_test, split.y_test)
        assert run.note == ""


def test_results_do_not_depend_on_jobs(blobs: Table) -> None:
    design = Design(variants=("plain",), seeds=3, epochs=1, hidden=(4,))
    one, two = (run_all(blobs, design, jobs=jobs).references for jobs in (1, 3))
    assert [(run.variant, run.seed, run.test) for run in one] == [
        (run.variant, run.seed, run.test) for run in two
    ]
    assert [(run.variant, run.seed) for run in one] == [
        (name, seed) for seed in range(3) for name in ("simplest", "linear")
    ]


def test_images_are_flattened_for_the_linear_model() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(80, 16))
    table = make_table(
        "images", pd.DataFrame(x), pd.Series((x[:, 0] > 0).astype(int)), "y", None, None, (4, 4)
    )
    outcome = run_all(table, Design(net="cnn", variants=("plain",), seeds=1, epochs=1))
    linear = outcome.references[1].tested("accuracy")
    assert linear is not None
    assert linear > 0.7


def test_a_linear_model_that_does_not_converge_says_so(
    blobs: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(references, "STEPS", 1)
    monkeypatch.setattr(references, "ROUNDS", 2)
    outcome = run_all(blobs, Design(variants=("plain",), seeds=1, epochs=1, hidden=(4,)))
    assert outcome.references[1].note.startswith("not converged after")
    assert outcome.references[0].note == ""


def test_a_linear_model_hears_of_a_stop(blobs: Table) -> None:
    stop = threading.Event()
    stop.set()
    split = make_split(blobs, 0, 0.25)
    linear = references.REFERENCES[1]
    assert references.run_reference(blobs, linear, 0, split, stop) is None
