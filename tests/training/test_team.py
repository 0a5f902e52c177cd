"""What several processes of one training do together beside adding up: files, callbacks, ends."""

import os
import threading
from dataclasses import dataclass

import numpy as np
import pytest

import evenly as ev
from evenly.errors import (
    CheckpointError,
    ConfigurationError,
    DataError,
    DivergenceError,
    WorkersError,
)
from evenly.parallel import Threads, across
from evenly.training.checkpoints import Keeper
from evenly.training.progress import Quiet
from evenly.training.team import Team

X = np.random.default_rng(1).standard_normal((40, 5))
Y = (X[:, 0] > X[:, 1]).astype(int)
NET = ev.Sequential([ev.Dense(8), ev.BatchNorm(), ev.ReLU(), ev.Dropout(0.2), ev.Dense(2)])


def train(workers=None, net=NET, x=X, y=Y, **more):
    settings = {"loss": ev.SoftmaxCrossEntropy(), "optimizer": ev.Adam(0.01), "epochs": 4,
                "batch": 16, "threads": 1, "parts": 4, **more}
    return ev.fit(net, x, y, workers=workers, **settings)


def weights(model):
    return {name: value.tobytes() for name, value in model.weights.items()}


def refused(words, workers=None, **more):
    with pytest.raises(ConfigurationError, match=words):
        train(workers, **more)


@pytest.mark.parametrize("parts", [0, 3, -2, True, 2.5, "8"])
def test_parts_that_cannot_be_are_refused(parts):
    refused("parts", parts=parts)


def test_more_processes_than_parts_are_refused_in_each():
    def rank(group):
        refused("4 parts, and 8 processes", group)
        return True
    assert all(Threads.run(8, rank))


@dataclass(frozen=True)
class Coupled(ev.Layer):
    name: str | None = None

    def forward(self, x, arrays, run):
        return x - x.mean(axis=0), None

    def backward(self, d_y, arrays, saved, run):
        return d_y - d_y.mean(axis=0), {}


@dataclass(frozen=True)
class Counting(Coupled):
    rows_apart = True

    def arrays(self, shape):
        return {"seen": ev.ArraySpec((1,), trainable=False)}


@pytest.mark.parametrize(("layer", "words"), [
    (Coupled(), "Coupled 'coupled_1'.*rows_apart = True"),
    (Counting(), "Counting 'counting_1' keeps running statistics"),
])
def test_layers_that_cannot_be_cut_are_refused_by_name(layer, words):
    refused(words, net=ev.Sequential([ev.Dense(4), layer, ev.Dense(2)]))


def test_a_stateful_layer_is_refused_by_name():
    x = np.zeros((16, 3, 2))
    refused("'lstm_1' is stateful", net=ev.Sequential([ev.LSTM(3, stateful=True), ev.Dense(2)]),
            x=x, y=Y[:16], shuffle=False)


def test_a_model_goes_on_alone():
    model = Threads.run(2, train)[1]
    assert model.engine.parts is None
    assert ev.fit(model, X, Y, loss=ev.SoftmaxCrossEntropy(), epochs=1).history[-1].steps == 2


def test_one_that_says_stop_ends_all_in_the_same_epoch():
    def rank(group):
        def callback(record):
            return "stop" if group.rank == 1 and record.epoch == 2 else None
        model = train(group, callbacks=[callback])
        return model.history.stopped, len(model.history), weights(model)
    ends = Threads.run(4, rank)
    assert [end[:2] for end in ends] == [("callback", 2)] * 4
    assert ends[0] == ends[3]


def test_one_that_is_interrupted_ends_all_in_the_same_step():
    def rank(group):
        steps = []

        def stop():
            steps.append(0)
            return group.rank == 1 and len(steps) == 5
        model = train(group, stop=stop, batch=8)
        return model.history.stopped, [record.steps for record in model.history], weights(model)
    ends = Threads.run(2, rank)
    assert ends[0][0] == "interrupted"
    assert sum(ends[0][1]) == 5
    assert ends[0] == ends[1]


def test_all_have_the_same_history_to_the_second():
    def rank(group):
        return train(group, validation=0.25).history
    first, other = Threads.run(2, rank)
    assert first == other


def test_checkpoints_are_written_once_and_read_by_any_number(tmp_path):
    whole = weights(train(parts=4))
    rule = ev.Checkpoint(tmp_path, steps=2)
    written = []

    def rank(group):
        model = train(group, epochs=2, checkpoint=rule)
        written.append(sorted(os.listdir(tmp_path)))
        return model
    Threads.run(4, rank)
    assert [name for name in os.listdir(tmp_path) if name.endswith(".evenly")]
    for size in (2, 1):
        epochs = 4 if size == 1 else 3
        models = Threads.run(size, lambda group, n=epochs: train(
            group, epochs=n, checkpoint=rule, resume=True))
    assert weights(models[0]) == whole


def test_checkpoints_by_minutes_are_due_by_the_first_clock(tmp_path, monkeypatch):
    ranks = {}
    monkeypatch.setattr(Keeper, "due", lambda keeper: (
        ranks[threading.get_ident()] == 0 and keeper.engine.steps in (2, 6)))

    def rank(group):
        ranks[threading.get_ident()] = group.rank
        train(group, checkpoint=ev.Checkpoint(tmp_path, minutes=1))
    Threads.run(2, rank)
    steps = [int(name[11:21]) for name in os.listdir(tmp_path) if name.endswith(".evenly")]
    assert sorted(steps) == [3, 7, 12]  # what is due is heard in the next step


def test_another_number_of_parts_is_another_training(tmp_path):
    rule = ev.Checkpoint(tmp_path, steps=2)
    train(parts=4, checkpoint=rule)
    refused("parts", parts=8, checkpoint=rule, resume=True)
    refused("parts", parts=None, checkpoint=rule, resume=True)


def test_what_the_first_finds_in_the_folder_is_told_by_all(tmp_path):
    train(checkpoint=ev.Checkpoint(tmp_path, steps=2))

    def rank(group):
        refused("holds checkpoints", group, checkpoint=ev.Checkpoint(tmp_path, steps=2))
        return True
    assert all(Threads.run(2, rank))


def test_a_checkpoint_that_cannot_be_written_ends_all_with_a_model(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")
    monkeypatch.setattr("evenly.training.checkpoints.write_arrays", full)

    def rank(group):
        with pytest.raises(CheckpointError, match="No space left") as caught:
            train(group, checkpoint=ev.Checkpoint(tmp_path, steps=2))
        return weights(caught.value.model)
    first, other = Threads.run(2, rank)
    assert first == other


def test_what_is_not_finite_ends_all_alike():
    def rank(group):
        with pytest.raises(DivergenceError) as caught:
            train(group, optimizer=ev.SGD(1e30), epochs=9)
        error = caught.value
        return error.step, error.layer, {k: v.tobytes() for k, v in error.weights.items()}
    first, other = Threads.run(2, rank)
    assert first == other == rank(None)


@pytest.mark.parametrize(("other", "words"), [
    ({"penalty": ev.L2(0.1)}, "penalty is None in process 0 and L2.* in process 1"),
    ({"epochs": 5}, "epochs is 4 in process 0 and 5 in process 1"),
    ({"x": X + 1}, "data is .* in process 0 and .* in process 1"),
])
def test_other_settings_or_data_in_one_process_are_refused_in_all(other, words):
    def rank(group):
        with pytest.raises(WorkersError, match=words):
            train(group, **other if group.rank else {})
        return True
    assert all(Threads.run(2, rank))


def test_other_weights_in_one_process_are_seen_at_the_end_of_an_epoch():
    def rank(group):
        engine = ev.init(NET, 5).engine
        assert Team(group).epoch_ends(engine, 3, 1.0 + group.rank) == 1.0
        engine.arrays["dense_1.bias"][0] += 1e-7 * group.rank
        with pytest.raises(ConfigurationError, match="epoch 3 process 1 has come to other weights"):
            Team(group).epoch_ends(engine, 3, 1.0)
        return True
    assert all(Threads.run(2, rank))


def test_what_fails_in_one_process_ends_the_others():
    def rank(group):
        x = np.where(np.arange(40)[:, None] == 3, np.nan, X) if group.rank else X
        with pytest.raises(DataError if group.rank else WorkersError, match="NaN"):
            train(group, x=x)
        return True
    assert all(Threads.run(2, rank))


def test_estimators_train_across_the_group_that_is_entered():
    def rank(group):
        with across(group):
            net = ev.NetClassifier((8,), max_epochs=3, random_state=0).fit(X, Y)
        return net.predict_proba(X).tobytes()
    first, other = Threads.run(2, rank)
    assert first == other == Threads.run(4, rank)[3]


@pytest.mark.filterwarnings("ignore::evenly.errors.DoctorWarning")
def test_only_the_first_watches(tmp_path):
    path = tmp_path / "record.jsonl"

    def rank(group):
        model = train(group, doctor=str(path), epochs=6)
        return model.record is not None, weights(model)
    watched = Threads.run(2, rank)
    assert [there for there, _ in watched] == [True, False]
    assert watched[0][1] == watched[1][1] == weights(train(epochs=6))
    assert path.exists()


def test_only_the_first_shows_progress(monkeypatch):
    asked = {}

    def quiet(wanted, *_):
        asked[threading.get_ident()] = wanted
        return Quiet()
    monkeypatch.setattr("evenly.training.loop.make_progress", quiet)
    ranks = Threads.run(2, lambda group: train(group, progress=True) and threading.get_ident())
    assert [asked[rank] for rank in ranks] == [True, False]
