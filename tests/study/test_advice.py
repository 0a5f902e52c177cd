"""What a study recommends to train."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import evenly as ev
from evenly.study import Design, Outcome, StudyRecord, Table, summarize
from evenly.study.records import RunRecord

from .test_comparing import ALWAYS, lines, moved, strokes

Make = Callable[..., RunRecord]
__all__ = ["strokes"]


def advised(
    table: Table, make: Make, networks: dict[str, Sequence[float]],
    references: dict[str, Sequence[float]], **changes: object,
) -> StudyRecord:
    settings = {"seeds": 5, "hidden": (16, 8), "epochs": 7, "batch": 16} | changes
    design = Design(variants=tuple(networks), **settings)  # type: ignore[arg-type]
    outcome = Outcome(lines(make, networks), False, 1.0, lines(make, references))
    file = replace(table, name="my table.csv", sha256="0" * 64)
    return summarize(file, design, outcome, command="", started="")


REFERENCES = {"simplest": ALWAYS, "linear": moved(ALWAYS, 0.005)}
PLAIN = moved(ALWAYS, 0.02)


def test_the_best_of_those_that_helped(strokes: Table, make_run: Make) -> None:
    networks = {"plain": PLAIN, "dropout": moved(PLAIN, 0.01), "batch-norm": moved(PLAIN, 0.02)}
    record = advised(strokes, make_run, networks, REFERENCES)
    assert record.advice == (
        "To train on all rows what the study recommends, batch-norm: it helped most."
    )
    assert shlex.split(record.fit_command) == shlex.split(
        "evenly fit 'my table.csv' --target stroke --hidden 16,8 --norm batch --dropout 0 --l2 0 "
        "--optimizer adam --lr 0.001 --schedule none --batch 16 --effort fast "
        "--epochs 7 --seed 0 --all-rows "
        "--out model.evenly"
    )


@pytest.mark.parametrize(("name", "options"), [
    ("layer-norm", "--norm layer --dropout 0 --l2 0"),
    ("dropout", "--norm none --dropout 0.2 --l2 0"),
    ("l2", "--norm none --dropout 0 --l2 0.001"),
    ("batch-norm+dropout", "--norm batch --dropout 0.2 --l2 0"),
])
def test_every_variant_can_be_said(
    strokes: Table, make_run: Make, name: str, options: str
) -> None:
    networks = {"plain": PLAIN, name: moved(PLAIN, 0.02)}
    assert options in advised(strokes, make_run, networks, REFERENCES).fit_command


def test_plain_where_nothing_helped(strokes: Table, make_run: Make) -> None:
    networks = {"plain": PLAIN, "l2": moved(PLAIN, -0.01)}
    record = advised(strokes, make_run, networks, REFERENCES)
    assert record.advice.endswith("plain: nothing else helped.")
    assert "--norm none --dropout 0 --l2 0 " in record.fit_command


def test_the_linear_model_where_no_network_is_better(strokes: Table, make_run: Make) -> None:
    networks = {"plain": PLAIN, "l2": moved(PLAIN, 0.01)}
    linear = moved(PLAIN, 0.02)
    record = advised(strokes, make_run, networks, REFERENCES | {"linear": linear})
    assert record.advice.endswith("a linear model: no network is shown to be better.")
    # The penalty of C = 1 on the mean loss of 100 rows.
    assert "--hidden none --norm none --dropout 0 --l2 0.01 " in record.fit_command


def test_a_network_that_is_ahead_without_proof_is_said_to_be(
    strokes: Table, make_run: Make
) -> None:
    linear = tuple(a - b for a, b in zip(PLAIN, (0.01, -0.005, 0.012, -0.004, 0.0), strict=True))
    references = {"simplest": moved(ALWAYS, -0.2), "linear": linear}
    record = advised(strokes, make_run, {"plain": PLAIN}, references)
    assert record.variants[0].standing("linear") == "unclear"
    assert record.advice.endswith("no network is shown to be better, which more seeds may do.")
    assert "--hidden none" in record.fit_command


def test_a_linear_model_that_may_be_worth_nothing_is_not_taken(
    strokes: Table, make_run: Make
) -> None:
    linear = tuple(a - b for a, b in zip(PLAIN, (0.04, -0.03, 0.05, -0.02, 0.01), strict=True))
    record = advised(strokes, make_run, {"plain": PLAIN}, REFERENCES | {"linear": linear})
    assert record.variants[0].standing("linear") == "unclear"
    assert record.advice.endswith("plain: nothing else helped.")


def test_a_variant_that_is_worth_something_where_plain_may_not_be(
    strokes: Table, make_run: Make
) -> None:
    unsure = tuple(a - b for a, b in zip(PLAIN, (0.04, -0.03, 0.05, -0.02, 0.01), strict=True))
    record = advised(
        strokes, make_run, {"plain": unsure, "l2": PLAIN}, {"simplest": ALWAYS}
    )
    assert [v.verdict for v in record.variants] == ["baseline", "unclear"]
    assert record.advice == (
        "To train on all rows what the study recommends, l2: plain is not shown to be better than "
        "the simplest answer, it is."
    )


def test_nothing_where_always_no_does_as_well(strokes: Table, make_run: Make) -> None:
    worse = moved(ALWAYS, -0.05)
    record = advised(strokes, make_run, {"plain": worse, "l2": moved(worse, 0.02)}, REFERENCES | {
        "linear": moved(ALWAYS, -0.01)})
    assert record.advice.startswith(
        "Nothing here is shown to be better than always saying 'no' (95.0 %): look for columns "
        "that say more, or more rows, or decide by --measure auc: 95% of one class leave accuracy "
        "little to say."
    )
    assert record.fit_command


def test_what_is_ahead_of_always_no_without_proof(strokes: Table, make_run: Make) -> None:
    near = tuple(s + d for s, d in zip(ALWAYS, (0.03, -0.01, 0.02, -0.01, 0.02), strict=True))
    record = advised(strokes, make_run, {"plain": near}, {"simplest": ALWAYS})
    assert record.advice == (
        "Nothing here is shown to be better than always saying 'no' (95.0 %), which more seeds may "
        "do. To train on all rows what comes nearest, plain."
    )


def test_no_advice_where_nothing_finished(strokes: Table, make_run: Make) -> None:
    broken = [make_run("plain", s, 0.1, diverged="epoch 1", test_score=None) for s in range(5)]
    record = summarize(
        strokes, Design(variants=("plain",)), Outcome(tuple(broken), False, 1.0), command="",
        started="",
    )
    assert (record.advice, record.fit_command, record.fit_code) == ("", "", "")


def test_a_table_that_is_no_file_has_python_alone(blobs: Table, make_run: Make) -> None:
    outcome = Outcome(lines(make_run, {"plain": (0.9, 0.8)}), False, 1.0)
    record = summarize(
        blobs, Design(variants=("plain",), seeds=2), outcome, command="", started=""
    )
    assert record.fit_command == ""
    assert "load_digits()" in record.fit_code


def test_the_python_of_the_advice_trains_what_it_says(
    strokes: Table, make_run: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = Outcome(lines(make_run, {"plain": (0.9, 0.8)}), False, 1.0)
    design = Design(variants=("plain",), seeds=2, hidden=(4,), epochs=2)
    code = summarize(strokes, design, outcome, command="", started="").fit_code
    assert "model = ev.TableClassifier(" in code
    start = code.index("model = ")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"ev": ev, "table": strokes}
    exec(code[start:], names)
    model = names["model"]
    assert model.hidden == (4,)
    assert model.target_ == strokes.target_name
    assert [str(label) for label in model.classes_] == list(map(str, strokes.classes))
    assert len(list(tmp_path.iterdir())) == 1
