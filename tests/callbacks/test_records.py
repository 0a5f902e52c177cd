"""What a training tells TensorBoard and MLflow, read back by their own readers."""

import copy
import math
import sys

import numpy as np
import pytest

import evenly as ev
from evenly.callbacks import Listener, MLflow, TensorBoard
from evenly.errors import ConfigurationError, DivergenceError

X = np.random.default_rng(0).standard_normal((40, 3))
Y = (X[:, 0] > 0).astype(int)
NET = ev.Sequential([ev.Dense(4), ev.ReLU(), ev.Dense(2)])
SETTINGS = {"loss": ev.SoftmaxCrossEntropy(), "optimizer": ev.Adam(0.01), "epochs": 3, "batch": 10,
            "validation": 0.25, "seed": 1}


class Noted(Listener):
    def __init__(self):
        self.heard = []

    def begins(self, settings):
        self.heard.append(("begins", dict(settings)))

    def steps(self, first, records):
        with pytest.raises(ValueError, match="read-only"):
            records[0] = 0
        self.heard.append(("steps", first, len(records), float(records[:, 0].mean())))

    def __call__(self, record):
        self.heard.append(("epoch", record.epoch))

    def ends(self, stopped):
        self.heard.append(("ends", stopped))


def trained(*callbacks, **changes):
    return ev.fit(NET, X, Y, callbacks=callbacks, **{**SETTINGS, **changes})


def test_a_listener_hears_all_and_changes_no_bit():
    noted = Noted()
    model, plain = trained(noted), trained()
    (_, told), *middle, last = noted.heard
    assert told["learning_rate"] == 0.01
    assert {"epochs": 3, "batch": 10, "seed": 1, "rows": 30, "dtype": "float32"}.items() \
        <= told.items()
    assert told["optimizer"] == repr(SETTINGS["optimizer"])
    assert "penalty" not in told
    assert [(what[0], what[1]) for what in middle] == [
        (kind, number) for epoch in range(3)
        for kind, number in (("steps", 1 + 3 * epoch), ("epoch", epoch + 1))]
    assert [what[3] for what in middle[::2]] == pytest.approx(model.history.column("loss"))
    assert last == ("ends", "epochs")
    for name, array in plain.weights.items():
        np.testing.assert_array_equal(array, model.weights[name])


def test_a_listener_hears_why_it_ended():
    noted = Noted()
    with pytest.raises(DivergenceError):
        trained(noted, optimizer=ev.SGD(1e30))
    assert noted.heard[-1] == ("ends", "diverged")
    trained(noted, lambda record: "stop")
    assert noted.heard[-1] == ("ends", "callback")
    with pytest.raises(ZeroDivisionError):
        trained(noted, lambda record: 1 // 0)
    assert noted.heard[-1] == ("ends", "failed")


def curves(folder):
    """{name: [(step, value)]}, and the hyperparameters, by TensorBoard's own reader."""
    pytest.importorskip("tensorboard", reason="needs tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    reader = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    reader.Reload()
    found = {tag: [(one.step, one.value) for one in reader.Scalars(tag)]
             for tag in reader.Tags()["scalars"]}
    content = reader.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    told = HParamsPluginData.FromString(content).session_start_info.hparams
    return found, {name: getattr(value, value.WhichOneof("kind")) for name, value in told.items()}


def test_tensorboards_own_reader_reads_it(tmp_path):
    pytest.importorskip("tensorboard", reason="needs tensorboard")
    model = trained(TensorBoard(tmp_path / "logs", every=2))
    found, told = curves(tmp_path / "logs")
    for name in ("loss", "score", "validation_loss", "validation_score", "learning_rate"):
        assert [step for step, _ in found[name]] == [1, 2, 3]
        assert [value for _, value in found[name]] == pytest.approx(
            [float(np.float32(value)) for value in model.history.column(name)])
    assert [step for step, _ in found["step/loss"]] == [1, 3, 5, 7, 9]
    assert all(math.isfinite(value) for _, value in found["step/gradient_norm"])
    assert told["learning_rate"] == 0.01
    assert told["epochs"] == 3
    assert "dropout_factor" not in found


def test_a_second_training_gets_a_folder_of_its_own(tmp_path):
    pytest.importorskip("tensorboard", reason="needs tensorboard")
    board = TensorBoard(tmp_path, every=None)
    trained(board)
    trained(board, epochs=2)
    trained(copy.deepcopy(board), epochs=1)
    assert [len(curves(folder)[0]["loss"]) for folder in
            (tmp_path, tmp_path / "run_2", tmp_path / "run_3")] == [3, 2, 1]
    assert "step/loss" not in curves(tmp_path)[0]


def test_an_estimator_hands_it_on(tmp_path):
    pytest.importorskip("tensorboard", reason="needs tensorboard")
    ev.NetClassifier((4,), max_epochs=2, effort="fast", callbacks=[TensorBoard(tmp_path)]).fit(X, Y)
    assert len(curves(tmp_path)[0]["loss"]) == 2


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    pytest.importorskip("tensorboard", reason="needs tensorboard")
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"TensorBoard: .*file: cannot be written:"):
        trained(TensorBoard(tmp_path / "file"))


@pytest.mark.parametrize(("make", "name"), [(lambda: TensorBoard("x"), "tensorboard"),
                                            (MLflow, "mlflow")])
def test_a_missing_package_is_one_line(make, name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for known in [key for key in sys.modules if key.split(".")[0] == name]:
        monkeypatch.delitem(sys.modules, known)
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigurationError, match=rf"pip install 'evenly\[{name}\]'"):
        trained(make())


@pytest.mark.parametrize("every", [0, -1, True, 2.5, "3"])
def test_steps_between_two_are_checked(every):
    for make in (lambda: TensorBoard("x", every=every), lambda: MLflow(every=every)):
        with pytest.raises(ConfigurationError, match="every must be a whole number of steps"):
            make()


# SQLAlchemy tells MLflow.
of_mlflow = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")


@pytest.fixture
def store(tmp_path):
    pytest.importorskip("mlflow", reason="needs mlflow")
    return f"sqlite:///{tmp_path / 'mlflow.db'}"


@pytest.mark.sweep
@of_mlflow
def test_mlflows_own_client_reads_it(store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    import mlflow

    recorder = MLflow("trial", uri=store, name="first", every=2)
    model = trained(recorder)
    client = mlflow.MlflowClient(tracking_uri=store)
    run = client.get_run(recorder.run_id)
    assert (run.info.status, run.info.run_name) == ("FINISHED", "first")
    assert client.get_experiment(run.info.experiment_id).name == "trial"
    assert run.data.params["learning_rate"] == "0.01"
    assert run.data.params["optimizer"] == repr(SETTINGS["optimizer"])
    for name in ("loss", "validation_loss", "validation_score", "gradient_norm"):
        history = client.get_metric_history(recorder.run_id, name)
        assert [one.step for one in history] == [1, 2, 3]
        assert [one.value for one in history] == list(model.history.column(name))
    steps = client.get_metric_history(recorder.run_id, "step/loss")
    assert [one.step for one in steps] == [1, 3, 5, 7, 9]
    first = recorder.run_id
    with pytest.raises(DivergenceError):
        trained(recorder, optimizer=ev.SGD(1e30))
    assert recorder.run_id != first
    assert client.get_run(recorder.run_id).info.status == "FAILED"


@of_mlflow
def test_a_run_that_is_open_is_taken_and_left_open(store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    import mlflow

    mlflow.set_tracking_uri(store)
    try:
        with mlflow.start_run() as run:
            recorder = MLflow(every=None)
            trained(recorder)
            assert recorder.run_id == run.info.run_id
            assert mlflow.get_run(run.info.run_id).info.status == "RUNNING"
        assert mlflow.get_run(run.info.run_id).data.metrics["loss"] > 0
    finally:
        mlflow.set_tracking_uri(None)


def test_a_store_that_is_none_is_one_line(tmp_path):
    pytest.importorskip("mlflow", reason="needs mlflow")
    with pytest.raises(ConfigurationError, match="MLflow: nonsense://x does not answer") as caught:
        trained(MLflow(uri="nonsense://x"))
    assert "\n" not in str(caught.value)


def test_where_to_write_is_a_path_or_a_name():
    with pytest.raises(ConfigurationError, match="folder must be a path, got 3"):
        ev.callbacks.TensorBoard(3)
    with pytest.raises(ConfigurationError, match="experiment must be a name, got 3"):
        ev.callbacks.MLflow(3)
