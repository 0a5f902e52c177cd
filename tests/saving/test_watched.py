"""A training that was watched keeps its record, and with it the doctor's word."""

from __future__ import annotations

import copy
import json
import tracemalloc
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import evenly as ev
from evenly.errors import ConfigurationError, DivergenceError, FileFormatError
from evenly.estimators import NetClassifier, NetRegressor
from evenly.files import read_arrays, write_arrays
from evenly.records import from_lines, to_lines
from evenly.saving import load, save
from evenly.saving import watched as watched_file
from evenly.tables import TableClassifier

RNG = np.random.default_rng(0)
X = RNG.normal(0, 1, (60, 4))
Y = (X[:, 0] > X[:, 1]).astype(int)
NAME = "record/lines"


def watched(rate: float = 2.0, **more: Any) -> ev.Model:
    net = ev.Sequential([ev.Dense(6), ev.ReLU(), ev.Dense(2)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ev.fit(net, X, Y, loss=ev.SoftmaxCrossEntropy(), optimizer=ev.Adam(rate), epochs=9,
                      progress=False, validation=0.25, **{"doctor": True, **more})


def again(path: Any, what: Any) -> Any:
    save(path, what)
    return load(path)


def same_word(got: ev.Model, wanted: ev.Model) -> None:
    assert got.record == wanted.record
    assert got.diagnosis.findings
    assert got.diagnosis.to_json() == wanted.diagnosis.to_json()


def test_a_model_keeps_its_diagnosis(tmp_path):
    model = watched()
    same_word(again(tmp_path / "m", model), model)
    assert load(tmp_path / "m").history == model.history


def test_so_does_one_with_a_scaler_and_classes(tmp_path):
    model = watched()
    saved = again(tmp_path / "m", ev.Saved(model, ev.Standardizer().fit(X), ["no", "yes"]))
    same_word(saved.model, model)


@pytest.mark.parametrize("kind", [NetClassifier, NetRegressor])
def test_so_do_estimators(kind, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net = kind(6, learning_rate=2.0, max_epochs=9, random_state=0, doctor=True).fit(X, Y)
    twin = again(tmp_path / "m", net)
    same_word(twin.model_, net.model_)
    assert str(twin.diagnosis_) == str(net.diagnosis_)


def test_so_does_a_network_for_a_table(tmp_path):
    table = pd.DataFrame(X, columns=list("abcd"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = TableClassifier(6, learning_rate=2.0, max_epochs=9, random_state=0,
                                doctor=True).fit(table, Y)
    same_word(again(tmp_path / "m", model).estimator_.model_, model.estimator_.model_)


def test_a_training_that_diverged_keeps_what_is_not_finite(tmp_path):
    net = ev.Sequential([ev.Dense(8), ev.ReLU(), ev.Dense(8), ev.ReLU(), ev.Dense(1)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(DivergenceError) as caught:
            ev.fit(net, X, X[:, 0], loss=ev.MeanSquaredError(), optimizer=ev.SGD(1e6), epochs=9,
                   progress=False, doctor=True)
    model = caught.value.model
    twin = again(tmp_path / "m", model)
    assert twin.record.failed_at == model.record.failed_at is not None
    assert twin.diagnosis.to_json() == model.diagnosis.to_json()


def test_a_model_that_was_not_watched_has_none(tmp_path):
    twin = again(tmp_path / "m", watched(doctor=None))
    assert twin.record is None
    assert NAME not in read_arrays(tmp_path / "m")[0]
    with pytest.raises(ConfigurationError, match="doctor=True"):
        _ = twin.diagnosis


def test_files_without_a_record_load_as_before(tmp_path):
    model = watched()
    save(tmp_path / "m", model)
    arrays, text = read_arrays(tmp_path / "m")
    arrays = {name: array.copy() for name, array in arrays.items() if name != NAME}
    del text["content"]["record"]
    write_arrays(tmp_path / "m", arrays, text)
    twin = load(tmp_path / "m")
    assert twin.record is None
    assert (twin.predict(X) == model.predict(X)).all()


def test_a_record_that_is_too_long_keeps_every_other_look(tmp_path, monkeypatch):
    model = watched()
    size = len(to_lines(model.record))
    monkeypatch.setattr(watched_file, "_MOST", size * 2 // 3)
    twin = again(tmp_path / "m", model)
    kept = twin.record.probes
    assert len(kept) < len(model.record.probes)
    assert kept == model.record.probes[::2] or kept == model.record.probes[::4]
    assert twin.record.epochs == model.record.epochs
    same = replace(model.record, probes=kept)
    assert twin.diagnosis.to_json() == ev.diagnose(same).to_json()


def lines(change: Any) -> Any:
    """A change of the record's lines, as JSON objects."""
    def make(text: Any, arrays: Any) -> None:
        told = [json.loads(line) for line in arrays[NAME].tobytes().splitlines()]
        told = change(told) or told
        data = b"".join(json.dumps(line).encode() + b"\n" for line in told)
        arrays[NAME] = np.frombuffer(data, np.uint8)
    return make


def kind_of(layers: Any, kind: str) -> None:
    layers[1]["about"]["network"]["layers"][0]["kind"] = kind


@pytest.mark.parametrize(("change", "reason"), [
    (lambda t, a: t["content"].update(record="weights/dense_1.kernel"), "the record should be the"),
    (lambda t, a: t["content"].update(record=None), "the record should be the array"),
    (lambda t, a: t["content"].update(record={"array": NAME}), "the record should be the array"),
    (lambda t, a: t["content"].pop("record"), "belongs to nothing"),
    (lambda t, a: a.pop(NAME), f"'{NAME}' is missing"),
    (lambda t, a: a.update({NAME: a[NAME].astype(np.int16)}), "a row of bytes"),
    (lambda t, a: a.update({NAME: a[NAME][None]}), "a row of bytes"),
    (lambda t, a: a.update({NAME: a[NAME][:0]}), "the record, line 1: empty"),
    (lambda t, a: a.update({NAME: a[NAME][:-1]}), "truncated"),
    (lambda t, a: a.update({NAME: np.frombuffer(b"[" * 100_000 + b"\n", np.uint8)}), "no JSON"),
    (lambda t, a: a.update({NAME: np.full(9_000_000, ord("["), np.uint8)}), "more than"),
    (lambda t, a: a.update({NAME: np.zeros(2**26, np.uint8)}), "does not allow it"),
    (lines(lambda told: told[:-1]), "truncated"),
    (lines(lambda told: told[0].update(version=2)), "of version 2"),
    (lines(lambda told: told[0].update(format="pickle")), "no record of a training"),
    (lines(lambda told: told[1]["about"].update(code="import os")), "no field is named 'code'"),
    (lines(lambda told: told[1]["about"].update(source="__main__")), "source must be one of"),
    (lines(lambda told: kind_of(told, "os.system")), "no kind is named 'os.system'"),
    (lines(lambda told: told[1]["about"].update(batch="32")), "expects"),
    (lines(lambda told: told[2].update(probe=None)), "expects an object"),
    (lines(lambda told: told.insert(2, {"end": {}})), "behind the end"),
], ids=lambda v: v if isinstance(v, str) else "")
def test_records_that_lie_are_refused(change, reason, tmp_path):
    save(tmp_path / "m", watched())
    arrays, text = read_arrays(tmp_path / "m")
    arrays, text = {k: a.copy() for k, a in arrays.items()}, copy.deepcopy(text)
    change(text, arrays)
    write_arrays(tmp_path / "m", arrays, text)
    held = sum(array.nbytes for array in arrays.values())
    tracemalloc.start()
    try:
        with pytest.raises(FileFormatError) as caught:
            load(tmp_path / "m")
        assert tracemalloc.get_traced_memory()[1] < 2**24 + 4 * held
    finally:
        tracemalloc.stop()
    assert reason in caught.value.reason


def test_memory_is_what_the_caller_allows(tmp_path):
    model = watched()
    save(tmp_path / "m", model)
    size = len(to_lines(model.record))
    with pytest.raises(FileFormatError, match=f"a record of {size:,} bytes"):
        load(tmp_path / "m", memory=10 * size)


def test_lines_are_those_of_a_file():
    record = watched().record
    assert from_lines(to_lines(record)) == record
    with pytest.raises(FileFormatError, match="the record: line 1: empty"):
        from_lines(b"")
