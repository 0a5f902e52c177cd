"""Trainings of Keras 3's, on JAX or PyTorch: watched without a bit of change, measured rightly."""

import os
from importlib.util import find_spec

import numpy as np
import pytest

import evenly as ev
from evenly.errors import ConfigurationError
from evenly.probes.keras_gradients import flow
from evenly.probes.keras_layers import layers_of
from evenly.records import read_lines

os.environ.setdefault("KERAS_BACKEND", "jax" if find_spec("jax") else "torch")
pytest.importorskip(os.environ["KERAS_BACKEND"])
keras = pytest.importorskip("keras")
if keras.config.backend() not in ("jax", "torch"):
    pytest.skip("Keras runs on another backend", allow_module_level=True)
layers = keras.layers
# Keras and JAX warn of their own parts.
pytestmark = [pytest.mark.sweep, pytest.mark.filterwarnings("ignore::DeprecationWarning"),
              pytest.mark.filterwarnings("ignore::UserWarning:keras")]

X = np.random.default_rng(0).standard_normal((160, 20)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int32)
WORDS = np.random.default_rng(0).integers(0, 9, (160, 6))


def mlp():
    return keras.Sequential([
        layers.Input((20,)), layers.Dense(16, activation="relu"), layers.BatchNormalization(),
        layers.Dropout(0.3), layers.Dense(8), layers.Activation("tanh"),
        layers.Dense(2, activation="softmax"),
    ])


def conv():
    return keras.Sequential([
        layers.Input((20,)), layers.Reshape((4, 5, 1)), layers.Conv2D(4, 3), layers.LeakyReLU(),
        layers.MaxPooling2D(2), layers.Flatten(), layers.Dense(2, activation="softmax"),
    ])


def residual():
    inputs = keras.Input((20,))
    first = layers.Dense(16, activation="relu", name="first")(inputs)
    second = layers.Dense(16, activation="sigmoid", name="second")(first)
    added = layers.Add(name="sum")([first, second])
    return keras.Model(inputs, layers.Dense(2, activation="softmax", name="out")(added))


def words():
    return keras.Sequential([
        layers.Input((6,)), layers.Embedding(9, 4), layers.LSTM(5),
        layers.Dense(2, activation="softmax"),
    ])


class Own(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden, self.out = layers.Dense(8, activation="relu"), layers.Dense(2)

    def call(self, x):
        return keras.ops.softmax(self.out(self.hidden(x)))


MODELS = {"mlp": (mlp, X), "conv": (conv, X), "residual": (residual, X), "words": (words, WORDS),
          "own": (Own, X)}


def train(name, watched, epochs=3, data=True, **compiled):
    make, x = MODELS[name]
    keras.utils.set_random_seed(0)
    model = make()
    model.compile(**{"optimizer": keras.optimizers.Adam(0.01), "metrics": ["accuracy"],
                     "loss": "sparse_categorical_crossentropy", **compiled})
    watcher = ev.watch_keras(model, (x, Y) if data else None) if watched else None
    history = model.fit(x, Y, batch_size=32, epochs=epochs, verbose=0,
                        validation_data=(x[:40], Y[:40]),
                        callbacks=[watcher] if watched else [])
    return model, watcher, history


@pytest.mark.parametrize("name", MODELS)
def test_watching_changes_no_bit(name):
    plain, _, _ = train(name, False)
    model, watcher, history = train(name, True)
    for own, other in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(own, other)
    record = watcher.record
    assert [epoch.steps for epoch in record.epochs] == [5, 5, 5]
    assert [epoch.loss for epoch in record.epochs] == pytest.approx(history.history["loss"])
    assert [epoch.score for epoch in record.epochs] == pytest.approx(history.history["accuracy"])
    assert [epoch.validation_loss for epoch in record.epochs] == pytest.approx(
        history.history["val_loss"])
    assert np.mean(record.epochs[0].step_losses) == pytest.approx(history.history["loss"][0],
                                                                  rel=1e-4)
    assert record.stopped == "epochs"
    assert record.epochs[-1].train_score > 0.5
    assert (record.loss.kind, record.optimizer.kind) == ("cross_entropy_of_probabilities", "adam")
    if name != "own":
        assert record.probes[0].step == 0
        assert record.data.rows == 160
        assert all(np.isfinite(probe.gradient_norm) for probe in record.probes)


def test_a_look_draws_the_masks_that_the_step_would():
    """Both passes of a look drop the same units: where one drops, its gradient is 0."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([
        layers.Input((20,)), layers.Dense(64, name="hidden"), layers.Dropout(0.5, name="drop"),
        layers.Dense(2, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    seen = flow(model, layers_of(model), X[:32], Y[:32])
    dropped = seen.outputs["drop"] == 0
    assert 0.4 < dropped.mean() < 0.6
    assert (seen.output_gradients["hidden"][dropped] == 0).all()
    assert (seen.output_gradients["hidden"][~dropped] != 0).all()


def kinds(name):
    network = train(name, True, 1)[1].record.network
    return [(layer.kind, layer.inputs) for layer in network.layers], network


def test_the_network():
    found, network = kinds("mlp")
    assert [kind for kind, _ in found] == [
        "dense", "relu", "batch_norm", "dropout", "dense", "tanh", "dense", "softmax"]
    assert network.layers[0].fan_in == 20
    assert [inputs[0] for _, inputs in found[1:]] == [layer.name for layer in network.layers[:-1]]
    found, network = kinds("residual")
    assert network["sum"].inputs == ("first (relu)", "second (sigmoid)")
    assert network["first"].inputs == ("data",)
    assert network["second"].inputs == ("first (relu)",)
    found, _ = kinds("conv")
    assert [kind for kind, _ in found] == ["conv", "leaky_relu", "pool", "dense", "softmax"]


def test_what_a_probe_measures():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([
        layers.Input((20,)), layers.Dense(8, activation="relu", name="hidden"),
        layers.Dense(2, activation="softmax", name="out"),
    ])
    model.compile(keras.optimizers.SGD(0.5), "sparse_categorical_crossentropy")
    x, y = X[:100], Y[:100]
    w1, b1, w2, b2 = (np.asarray(w, np.float64) for w in model.get_weights())
    watcher = ev.watch_keras(model, (x, y))
    model.fit(x, y, batch_size=100, shuffle=False, epochs=1, verbose=0, callbacks=[watcher])
    hidden = np.maximum(x @ w1 + b1, 0)
    scores = hidden @ w2 + b2
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    d_scores = (p - np.eye(2)[y]) / 100
    d_hidden = d_scores @ w2.T * (hidden > 0)
    g1 = x.T @ d_hidden
    probe = watcher.record.probes[0]
    first, relu = probe.layers["hidden"], probe.layers["hidden (relu)"]
    np.testing.assert_allclose(
        [probe.loss, first.gradient_norm, first.weight_norm, first.update_ratio, relu.mean,
         relu.zero_share, relu.output_gradient],
        [-np.log(p[np.arange(100), y]).mean(), np.linalg.norm(g1), np.linalg.norm(w1),
         0.5 * np.linalg.norm(g1) / np.linalg.norm(w1), hidden.mean(), (hidden == 0).mean(),
         np.sqrt(((d_scores @ w2.T) ** 2).mean()) * 100], rtol=1e-3)
    assert first.mean is None
    assert first.twin_share == 0


def test_without_data_the_kernels_are_seen(tmp_path):
    _, watcher, _ = train("mlp", True, data=False)
    record = watcher.record
    assert record.data is None
    assert record.probes[0].layers["dense" if "dense" in record.probes[0].layers else
                                   record.network.layers[0].name].update_ratio > 0
    assert all(np.isfinite(probe.loss) for probe in record.probes)
    watcher.write(tmp_path / "run.jsonl")
    assert read_lines(tmp_path / "run.jsonl").epochs == record.epochs
    assert watcher.diagnosis.record.epochs == record.epochs


@pytest.mark.parametrize(("loss", "kind"), [
    (keras.losses.SparseCategoricalCrossentropy(from_logits=True), "softmax_cross_entropy"),
    (keras.losses.BinaryCrossentropy(), "binary_cross_entropy_of_probabilities"),
    (keras.losses.BinaryCrossentropy(from_logits=True), "binary_cross_entropy"),
    ("mse", "squared_error"), ("mae", "absolute_error"), (keras.losses.Huber(), "huber"),
    ("hinge", "other"),
])
def test_losses(loss, kind):
    model = mlp()
    model.compile("sgd", loss)
    assert ev.watch_keras(model).record.loss.kind == kind


def test_optimizers():
    for optimizer, kind, clip in (
        (keras.optimizers.SGD(0.1), "sgd", ""), (keras.optimizers.SGD(0.1, 0.9), "momentum", ""),
        (keras.optimizers.AdamW(0.1, global_clipnorm=1.0), "adamw", "global_norm"),
        (keras.optimizers.Lion(0.1, clipvalue=0.5), "other", "value"),
    ):
        model = mlp()
        model.compile(optimizer, "mse")
        told = ev.watch_keras(model).record.optimizer
        assert (told.kind, told.clip) == (kind, clip)
        assert told.learning_rate == pytest.approx(0.1)


def test_what_is_no_compiled_model():
    with pytest.raises(ConfigurationError, match=r"expects a keras\.Model"):
        ev.watch_keras("model")
    with pytest.raises(ConfigurationError, match="compile it first"):
        ev.watch_keras(mlp())
    model = mlp()
    model.compile("sgd", "mse")
    with pytest.raises(ConfigurationError, match="are \\(x, y\\) arrays"):
        ev.watch_keras(model, X)
