"""Records as JSON lines: exact, and hostile files refused by line."""

import json
import math
import os

import numpy as np
import pytest

from evenly.errors import FileFormatError
from evenly.records import (
    Checks,
    ColumnSummary,
    DataSummary,
    EpochSummary,
    LayerInfo,
    LayerProbe,
    LossInfo,
    NetworkInfo,
    OptimizerInfo,
    Probe,
    TargetSummary,
    TrainingRecord,
    read_lines,
    write_lines,
)
from evenly.records.lines import LinesWriter

NETWORK = NetworkInfo(
    (
        LayerInfo("dense_1", "dense", ("data",), (8,), 3, 8, True, {"initializer": "HeNormal"}),
        LayerInfo("dropout_1", "dropout", ("dense_1",), (8,), settings={"rate": 0.1, "n": 3}),
        LayerInfo("out", "dense", ("dropout_1", "data"), (2,), 8, 2, False,
                  {"slope": None, "on": True}),
    ),
    (3,), 50, ("out",),
)
DATA = DataSummary(
    100, (ColumnSummary(0, 0.1, 1.0, -3.0, 3.0, (-0.7, 0.0, 0.7), 100),), 3,
    TargetSummary("classes", 2, (0.25, 0.75), distinct=2, whole=True), linear_score=0.8,
)
PROBES = (
    Probe(0, 1, 0.7, 1.2, 0.01, 32,
          {"dense_1": LayerProbe(0.1, 1 / 3, not_finite=0), "out": LayerProbe()}),
    Probe(9, 2, math.inf, None, None, 4, {"dense_1": LayerProbe(mean=math.nan, largest=-math.inf)}),
)
EPOCHS = (
    EpochSummary(1, 5, 0.6, 0.5, step_losses=(0.7, 0.5), answers=(1.0, 0.0)),
    EpochSummary(2, 5, math.nan),
)
RECORD = TrainingRecord(
    "evenly", NETWORK,
    LossInfo("softmax_cross_entropy", {"label_smoothing": 0.1, "class_weights": False}),
    OptimizerInfo("adam", 0.001, {"beta_1": 0.9}, "cosine", "global_norm", 1.0, "l2", 1e-4),
    32, {"bn": 32}, DATA, None, 0.5, False, Checks(first_loss=math.inf, descent=-1.0), PROBES,
    EPOCHS, 2, "doctor", (9, "the loss"), 1.5, 0.01,
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.jsonl"


@pytest.mark.parametrize("record", [RECORD, TrainingRecord(), TrainingRecord("torch", seconds=2.0)])
def test_a_record_comes_back_as_it_was(path, record):
    write_lines(record, path)
    # The text tells NaN from NaN, which == does not.
    assert repr(read_lines(path)) == repr(record)


def test_the_lines_are_json_in_the_order_of_the_training(path):
    write_lines(RECORD, path)
    lines = [json.loads(line, parse_constant=pytest.fail) for line in path.read_text().splitlines()]
    assert lines[0] == {"format": "evenly record", "version": 1, "lines": 6}
    kinds = [next(iter(line)) for line in lines[1:]]
    assert kinds == ["about", "probe", "epoch", "probe", "epoch", "end"]
    assert lines[4]["probe"]["loss"] == {"float": "inf"}


def test_numbers_of_numpy_are_written_as_numbers(path):
    epoch = EpochSummary(np.int64(1), np.int32(3), np.float32(0.5), answers=(np.float64(1.0),))
    write_lines(TrainingRecord(epochs=(epoch,)), path)
    assert read_lines(path).epochs == (EpochSummary(1, 3, 0.5, answers=(1.0,)),)


def test_a_record_is_readable_while_it_is_made(path):
    with LinesWriter(path, TrainingRecord("evenly", network=NETWORK)) as lines:
        assert read_lines(path) == TrainingRecord("evenly", network=NETWORK)
        lines.add(PROBES[0])
        lines.add(EPOCHS[0])
        assert read_lines(path).probes == PROBES[:1]
        assert read_lines(path).epochs == EPOCHS[:1]
        lines.finish(RECORD)
    assert repr(read_lines(path)) == repr(RECORD)


def test_every_cut_of_a_whole_file_is_refused(path):
    write_lines(RECORD, path)
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(FileFormatError, match=r"line \d: "):
            read_lines(path)


HEAD = '{"format": "evenly record", "version": 1}\n'
ABOUT = '{"about": {}}\n'
NET = '{"about": {"network": {"layers": [%s], "outputs": [%s]}}}\n'
PROBE = ('{"probe": {"step": %s, "epoch": 1, "loss": 0.5, "gradient_norm": null, '
         '"learning_rate": null, "rows": 4, "layers": {}}}\n')


@pytest.mark.parametrize(("text", "line", "reason"), [
    ("", 1, "empty"),
    ("{}\n", 1, "no record of a training"),
    ("[1]\n", 1, "expects a JSON object"),
    ("\xff\n", 1, "no JSON"),
    ("[" * 100_000 + "\n", 1, "no JSON"),
    ('{"format": "evenly record", "version": 2}\n', 1, "of version 2.*newer"),
    ('{"format": "evenly record", "version": true}\n', 1, "of version True"),
    ('{"format": "evenly record", "version": 1, "lines": -1}\n', 1, "lines must be"),
    (HEAD, 2, "truncated"),
    (HEAD + PROBE % 0, 2, "expects 'about'"),
    (HEAD + ABOUT + ABOUT, 3, "expects 'probe'"),
    (HEAD + ABOUT + '{"probe": {}, "epoch": {}}\n', 3, "one key"),
    (HEAD + ABOUT + '{"other": 1}\n', 3, "got 'other'"),
    (HEAD + ABOUT + '{"probe": {"step": 0}}\n', 3, "epoch is missing"),
    (HEAD + ABOUT + PROBE % '"0"', 3, "Probe.step: expects a whole number, got '0'"),
    (HEAD + ABOUT + PROBE % "true", 3, "expects a whole number"),
    (HEAD + ABOUT + PROBE % (10**30), 3, "64 bits"),
    (HEAD + ABOUT + PROBE % ("9" * 5000), 3, "no JSON"),
    (HEAD + ABOUT + PROBE % 3 + PROBE % 3, 4, "step 3 behind step 3"),
    (HEAD + ABOUT + '{"epoch": {"epoch": 1, "steps": 1, "loss": NaN}}\n', 3, "no JSON"),
    (HEAD + ABOUT + '{"epoch": {"epoch": 1, "steps": 1, "loss": 1e999}}\n', 3, "64 bits"),
    (HEAD + ABOUT + '{"epoch": {"epoch": 1, "steps": 1, "loss": {"float": "x"}}}\n', 3, "a number"),
    (HEAD + ABOUT + '{"epoch": {"epoch": 1, "steps": 1, "loss": 1, "more": 1}}\n', 3, "'more'"),
    (HEAD + ABOUT + '{"end": {}}\n' + PROBE % 0, 4, "behind the end"),
    (HEAD + ABOUT + '{"end": {"failed_at": [1]}}\n', 3, "expects 2 values"),
    (HEAD + ABOUT + '{"end": {"stopped": 1}}\n', 3, "expects a text"),
    (HEAD + '{"about": {"source": "me"}}\n', 2, "source must be one of"),
    (HEAD + '{"about": {"probes": []}}\n', 2, "no field is named 'probes'"),
    (HEAD + NET % ('{"name": "a", "kind": "dense", "inputs": ["b"]}', ""), 2, "reads 'b'"),
    (HEAD + NET % ('{"name": "a", "kind": "x"}', ""), 2, "no kind"),
    (HEAD + NET % (", ".join(['{"name": "a", "kind": "dense"}'] * 2), ""), 2, "two layers"),
    (HEAD + NET % ("", '"a"'), 2, "is no layer"),
])
def test_what_is_no_record_is_refused_by_line(path, text, line, reason):
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(FileFormatError, match=rf"run\.jsonl: line {line}: .*{reason}"):
        read_lines(path)


def test_a_line_without_end_takes_no_memory(path):
    with open(path, "wb") as file:
        file.truncate(2**34)  # zeros that lie nowhere
    with pytest.raises(FileFormatError, match=r"line 1: more than 8,388,608 bytes"):
        read_lines(path)


def test_a_pipe_is_not_waited_for(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(FileFormatError, match="no regular file"):
        read_lines(pipe)
    with pytest.raises(FileNotFoundError):
        read_lines(tmp_path / "none")


def test_a_failed_write_leaves_the_old_file(path, monkeypatch):
    write_lines(TrainingRecord(seconds=1.0), path)
    monkeypatch.setattr(os, "fsync", lambda descriptor: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        write_lines(RECORD, path)
    monkeypatch.undo()
    assert read_lines(path).seconds == 1.0
    assert [name.name for name in path.parent.iterdir()] == ["run.jsonl"]
