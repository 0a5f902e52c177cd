"""What a checkpoint refuses: another training, wrong settings."""

import numpy as np
import pytest

import evenly as ev
from evenly.errors import ConfigurationError, DataError
from evenly.rows.streams import Batches
from evenly.training.checkpoints import Checkpoint
from evenly.training.run_settings import as_text, differences

from .checkpointing import BASE, NET, WEIGHTS, X, Y, batches, begun, named


def test_a_folder_that_holds_checkpoints_is_not_begun_in(tmp_path):
    begun(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ConfigurationError) as caught:
        ev.fit(**BASE, checkpoint=Checkpoint(tmp_path))
    newest = named(tmp_path)[-1]
    assert str(caught.value) == (
        f"fit: {tmp_path} holds checkpoints, the newest is {newest}: give resume=True to go on "
        "from it, or another folder"
    )
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    place = tmp_path / "file"
    place.write_text("")
    with pytest.raises(ConfigurationError, match="is a file, not a folder"):
        ev.fit(**BASE, checkpoint=Checkpoint(place))


CHANGES = {
    "seed": ({"seed": 8}, "seed was 7 and is 8"),
    "batch": ({"batch": 11}, "batch was 10 and is 11"),
    "optimizer": ({"optimizer": ev.SGD(0.01)}, "optimizer was Adam("),
    "net": ({"net": ev.Sequential([ev.Dense(9), *NET.layers[1:]])},
            "net was Sequential(layers=(Dense(units=8, bias=True, kernel_init=HeN... and is "
            "Sequential(layers=(Dense(units=9, bias=True, kernel_init=HeN..."),
    "loss": ({"loss": ev.SoftmaxCrossEntropy(label_smoothing=0.1)}, "loss was "),
    "schedule": ({"schedule": ev.CosineDecay()}, "schedule was None and is CosineDecay("),
    "penalty": ({"penalty": ev.L2(0.1)}, "penalty was None and is L2("),
    "clip": ({"clip": ev.ClipGlobalNorm(1.0)}, "clip was None and is ClipGlobalNorm("),
    "augment": ({"augment": ev.Mixup(0.2)}, "augment was None and is Mixup("),
    "dtype": ({"dtype": "float64"}, "dtype was 'float32' and is 'float64'; data was float32"),
    "shuffle": ({"shuffle": False}, "shuffle was True and is False"),
    "inputs": ({"x": X + (np.arange(101) == 50)[:, None]},
               "data was float32 of shape (101, 5), sha256 "),
    "targets": ({"y": 1 - Y}, "data was float32 of shape (101, 5), sha256 "),
    "sample_weight": ({"sample_weight": WEIGHTS}, "data was float32 of shape (101, 5), sha256 "),
    "stream": ({"x": Batches(batches), "y": None}, "data was float32 of shape (101, 5), sha256 "),
    "validation": ({"validation": (X, Y)},
                   "validation was None and is float32 of shape (101, 5), sha256 "),
    "early_stopping": ({"validation": (X, Y), "early_stopping": ev.EarlyStopping(3)},
                       "early_stopping was None and is EarlyStopping("),
    "average": ({"average": ev.EMA(0.9)}, "average was None and is EMA("),
    "rates": ({"rates": ev.ArrayRates({"*.bias": 0.1})}, "rates was None and is ArrayRates("),
    "constraint": ({"constraint": ev.MaxNorm(2.0)}, "constraint was None and is MaxNorm("),
}


@pytest.mark.parametrize("change", CHANGES)
def test_another_training_is_refused(change, tmp_path):
    begun(tmp_path)
    before = named(tmp_path)
    settings, words = CHANGES[change]
    with pytest.raises(ConfigurationError) as caught:
        ev.fit(**BASE | settings, checkpoint=Checkpoint(tmp_path), resume=True)
    text = str(caught.value)
    assert text.startswith(f"fit: {tmp_path / before[-1]} is a checkpoint of another training: "
                           f"{words}")
    assert text.endswith(". Give what it was begun with, or another folder")
    assert named(tmp_path) == before


def test_long_settings_that_differ_far_behind_are_told_apart():
    a = np.random.default_rng(0).random(3000)
    b = a.copy()
    b[2500] = np.nextafter(b[2500], 9)
    words = differences({"x": as_text(a)}, {"x": as_text(b)})
    assert words.count("sha256") == 2  # longer than what a checkpoint is to carry along
    words = differences({"x": as_text(a[2400:2600])}, {"x": as_text(b[2400:2600])})
    assert repr(float(a[2500])) in words
    assert repr(float(b[2500])) in words
    assert len(words) < 200
    assert differences({"x": as_text(a)}, {"x": as_text(a.copy())}) == ""
    functions = [lambda: 1 for _ in range(2)]  # both there, so in two places
    assert len({repr(function) for function in functions}) == 2
    assert len({as_text(function) for function in functions}) == 1


@pytest.mark.parametrize(("made", "message"), [
    ({"folder": ""}, "Checkpoint: folder must be a path, got ''"),
    ({"folder": 3}, "Checkpoint: folder must be a path, got 3"),
    ({"folder": b"here"}, "Checkpoint: folder must be a path, got b'here'"),
    ({"steps": 0}, "Checkpoint: steps must be a whole number >= 1, or None, got 0"),
    ({"steps": 1.5}, "Checkpoint: steps must be a whole number >= 1, or None, got 1.5"),
    ({"minutes": 0}, "Checkpoint: minutes must be a number > 0, or None, got 0"),
    ({"minutes": float("nan")}, "Checkpoint: minutes must be a number > 0, or None, got nan"),
    ({"minutes": True}, "Checkpoint: minutes must be a number > 0, or None, got True"),
    ({"steps": 3, "minutes": 2}, "Checkpoint: give steps or minutes, not both, got (3, 2)"),
    ({"keep": 0}, "Checkpoint: keep must be at least 1, got 0"),
    ({"keep": 1.0}, "Checkpoint: keep must be a whole number, got 1.0"),
])
def test_wrong_settings(made, message):
    with pytest.raises(ConfigurationError) as caught:
        Checkpoint(**{"folder": "here"} | made)
    assert str(caught.value) == message


@pytest.mark.parametrize(("given", "message"), [
    ({"resume": True},
     "fit: resume=True goes on from a checkpoint: give checkpoint=Checkpoint(folder)"),
    ({"resume": "auto"}, "fit: resume must be True or False, got 'auto'"),
    ({"checkpoint": "here"},
     "fit: checkpoint must be a Checkpoint, got 'here': Checkpoint(folder), say"),
])
def test_wrong_arguments(given, message):
    with pytest.raises(ConfigurationError) as caught:
        ev.fit(**BASE, **given)
    assert str(caught.value) == message


def test_a_stream_of_other_rows_is_refused_where_it_can_be_known(tmp_path):
    there = list(batches())
    settings = BASE | {"x": Batches(lambda: iter(there)), "y": None}
    rule = begun(tmp_path, **settings)
    there[:] = [(X[:4], Y[:4])]
    with pytest.raises(ConfigurationError, match=r"data was .*rows=None.*rows=101"):
        ev.fit(**settings | {"x": Batches(settings["x"].source, rows=101)}, checkpoint=rule,
               resume=True)
    with pytest.raises(DataError, match=r"has 4 rows, fewer than it had .* after 2 batches of 10"):
        ev.fit(**settings, checkpoint=rule, resume=True)
