"""Settings: what fit takes in place of a network, as source, and on standardized data."""

from dataclasses import replace

import numpy as np
import pytest

import evenly as ev
from evenly.errors import ConfigurationError, DataError, DivergenceError

X = np.random.default_rng(0).standard_normal((90, 4)) * (1.0, 100.0, 0.01, 0.0) + (0, 1e4, 3, 5)
Y = 1e4 + 50 * X[:, 0] + X[:, 1]
CLASSES = (X[:, 0] > 0).astype(int)
SQUARES, SOFTMAX = ev.MeanSquaredError(), ev.SoftmaxCrossEntropy()


def net(outputs=1):
    return ev.Sequential([ev.Dense(8), ev.Tanh(), ev.Dropout(0.1), ev.Dense(outputs)])


FULL = ev.Settings(
    ev.Sequential([
        ev.Dense(8, kernel_init=ev.Normal(0.1), name="first"), ev.BatchNorm(decay=0.5), ev.ReLU(),
        ev.Residual([ev.Dense(8), ev.GELU()], [ev.Dense(8, bias=False)]), ev.Residual(ev.Dense(8)),
        ev.Branches([[ev.Dense(4), ev.LeakyReLU(0.2)], ev.Dense(3)], "concatenate", name="both"),
        ev.WeightNorm(ev.Dense(6)), ev.DropConnect(ev.Dense(5), 0.25), ev.GaussianNoise(0.1),
        ev.Sequential([ev.Dense(4), ev.ELU(alpha=0.5)]), ev.Dense(2),
    ]),
    ev.SoftmaxCrossEntropy(label_smoothing=0.1, class_weights=(1.0, 2.0)),
    ev.AdamW(0.01, weight_decay=0.1), 3, None, ev.ElasticNet(0.001, 0.01), ev.ClipGlobalNorm(1.0),
    ev.MaxNorm(3.0), ev.Mixup(0.2), ev.CosineDecay(), ev.EarlyStopping(patience=2),
)
SETTINGS = {
    "full": FULL,
    "plain": ev.Settings(net(2), SOFTMAX, epochs=2),
    "conv": ev.Settings(
        ev.Sequential([ev.Reshape((2, 2, 1)), ev.Conv2D(3, (2, 1), padding="same"), ev.Flatten(),
                       ev.Dense(2)]), SOFTMAX, ev.Momentum(0.1, beta=0.8), 2),
    "lstm": ev.Settings(
        ev.Sequential([ev.Reshape((4, 1)), ev.LSTM(3, bidirectional=True), ev.Dense(2)]), SOFTMAX,
        epochs=2, schedule=ev.ReduceOnPlateau(factor=0.3)),
    "standardized": ev.Settings(net(2), SOFTMAX, epochs=2, inputs="standardized"),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_the_source_trains_the_same(name):
    settings = SETTINGS[name]

    class Held:  # fit with the validation that early stopping needs
        def __getattr__(self, word):
            if word != "fit":
                return getattr(ev, word)
            return lambda *args, **given: ev.fit(*args, validation=0.2, seed=3, **given)

    model = eval(settings.code(), {"ev": Held(), "x": X, "y": CLASSES})
    same = ev.fit(settings, X, CLASSES, validation=0.2, seed=3)
    assert model.net == same.net
    for key, value in same.weights.items():
        np.testing.assert_array_equal(model.weights[key], value)


def test_the_source_leaves_out_what_is_at_its_default():
    assert SETTINGS["standardized"].code() == """\
ev.fit(
    ev.Settings(
        ev.Sequential([ev.Dense(8), ev.Tanh(), ev.Dropout(0.1), ev.Dense(2)]),
        loss=ev.SoftmaxCrossEntropy(),
        epochs=2,
        inputs='standardized',
    ),
    x, y,
)"""


def test_settings_are_the_arguments_one_by_one():
    model = ev.fit(FULL, X, CLASSES, validation=0.2)
    given = {name: getattr(FULL, name) for name in (
        "loss", "optimizer", "epochs", "batch", "penalty", "clip", "constraint", "augment",
        "schedule", "early_stopping", "average", "rates")}
    same = ev.fit(FULL.net, X, CLASSES, validation=0.2, **given)
    for key, value in same.weights.items():
        np.testing.assert_array_equal(model.weights[key], value)


@pytest.mark.parametrize("given", [
    {"loss": SOFTMAX}, {"optimizer": ev.SGD(0.1)}, {"epochs": 20}, {"batch": 32}, {"batch": None},
    {"penalty": ev.L2(0.1)}, {"clip": ev.ClipValue(1.0)}, {"constraint": ev.MaxNorm(1.0)},
    {"augment": ev.Mixup(0.1)}, {"schedule": ev.CosineDecay()},
    {"early_stopping": ev.EarlyStopping()}, {"average": ev.EMA()},
    {"rates": ev.ArrayRates({"*.bias": 0.1})},
], ids=str)
def test_what_settings_hold_is_not_given_twice(given):
    with pytest.raises(ConfigurationError, match=f"the settings hold {next(iter(given))}: change"):
        ev.fit(SETTINGS["plain"], X, CLASSES, **given)


def test_a_loss_must_be_given():
    with pytest.raises(ConfigurationError, match="fit: give a loss"):
        ev.fit(net(2), X, CLASSES)


def test_neither_as_they_are_nor_standardized():
    with pytest.raises(ConfigurationError, match="Settings: inputs are 'as they are' or"):
        ev.Settings(net(), SQUARES, inputs="scaled")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_standardized_inputs_are_those_of_a_scaler(dtype):
    settings = ev.Settings(net(2), SOFTMAX, epochs=3, inputs="standardized")
    model = ev.fit(settings, X, CLASSES, dtype=dtype)
    scaler = ev.Standardizer().fit(X)
    plain = ev.fit(replace(settings, inputs="as they are"), scaler.transform(X), CLASSES,
                   dtype=dtype)
    tolerance = 1e-2 if dtype == "float32" else 1e-9  # float32 rounds inputs of 1e4
    np.testing.assert_allclose(model.predict(X), plain.predict(scaler.transform(X)),
                               atol=tolerance)
    assert model.input_shape == (4,)
    assert np.isfinite(model.predict(X)).all()


def test_the_statistics_are_those_of_the_training_part():
    settings = ev.Settings(net(2), SOFTMAX, epochs=1, inputs="standardized")
    model = ev.fit(settings, X, CLASSES, validation=0.3)
    whole = X.mean(axis=0).astype(np.float32)
    assert not np.array_equal(model.weights["inputs_standardized.running_mean"], whole)
    given = ev.fit(settings, X, CLASSES, validation=(X * 9, CLASSES))
    np.testing.assert_array_equal(given.weights["inputs_standardized.running_mean"], whole)


def test_channels_of_images_and_padded_sequences():
    random = np.random.default_rng(0)
    images = random.standard_normal((30, 5, 5, 2)) * (1, 50) + (7, 0)
    conv = ev.Sequential([ev.Conv2D(3, 3), ev.ReLU(), ev.Flatten(), ev.Dense(2)])
    settings = ev.Settings(conv, SOFTMAX, epochs=1, inputs="standardized")
    model = ev.fit(settings, images, CLASSES[:30])
    np.testing.assert_allclose(model.weights["inputs_standardized.running_variance"],
                               images.var(axis=(0, 1, 2)), rtol=1e-4)
    walks, lengths = random.standard_normal((30, 6, 2)) + 5, random.integers(1, 7, 30)
    counted = np.arange(6) < lengths[:, None]
    walks[~counted] = 1e6
    settings = replace(settings, net=ev.Sequential([ev.GRU(3), ev.Dense(2)]))
    model = ev.fit(settings, walks, CLASSES[:30], lengths=lengths)
    np.testing.assert_allclose(model.weights["inputs_standardized.running_mean"],
                               walks[counted].mean(axis=0), rtol=1e-4)


def test_rows_in_a_file_and_sparse_rows(tmp_path):
    from scipy.sparse import csr_array

    sparse = np.where(np.abs(X - X.mean(axis=0)) > X.std(axis=0), X, 0)
    settings = ev.Settings(net(2), SOFTMAX, epochs=2, inputs="standardized")
    dense = ev.fit(settings, sparse, CLASSES)
    other = ev.fit(settings, csr_array(sparse), CLASSES)
    for key, value in dense.weights.items():
        np.testing.assert_allclose(other.weights[key], value, rtol=1e-4, atol=1e-4)


def test_standardized_targets_come_back_in_their_own_units():
    settings = ev.Settings(net(), SQUARES, ev.Adam(0.02), epochs=200, inputs="standardized",
                           targets="standardized")
    model = ev.fit(settings, X, Y, validation=0.2)
    assert model.evaluate(X, Y).score > 0.95
    assert abs(model.predict(X).mean() - Y.mean()) < Y.std()
    assert model.history[-1].loss < 1  # of standardized targets
    scaled = (Y - Y.mean()) / Y.std()
    plain = ev.fit(replace(settings, targets="as they are"), X, scaled)
    again = ev.fit(settings, X, Y)
    np.testing.assert_allclose(again.predict(X)[:, 0], plain.predict(X)[:, 0] * Y.std() + Y.mean(),
                               rtol=1e-3)


def test_several_targets_are_scaled_each_by_itself():
    targets = np.stack([Y, X[:, 0] * 1e-3], axis=1)
    settings = ev.Settings(net(2), SQUARES, ev.Adam(0.02), epochs=300, inputs="standardized",
                           targets="standardized")
    model = ev.fit(settings, X, targets)
    for i in range(2):
        left = targets[:, i] - model.predict(X)[:, i]
        assert (left**2).mean() < 0.1 * targets[:, i].var()


def test_a_training_that_fails_answers_in_the_targets_units():
    settings = ev.Settings(net(), SQUARES, ev.SGD(1e20), epochs=5, targets="standardized")
    with pytest.raises(DivergenceError) as caught:
        ev.fit(settings, X, Y)
    model = caught.value.model
    np.testing.assert_array_equal(caught.value.weights["dense_2.bias"],
                                  model.weights["dense_2.bias"])
    untouched = ev.init(net(), 4)
    if np.array_equal(model.weights["dense_1.kernel"], untouched.weights["dense_1.kernel"]):
        assert model.weights["dense_2.bias"] == pytest.approx(Y.mean(), rel=1e-5)


def test_a_checkpoint_holds_what_is_trained(tmp_path):
    settings = ev.Settings(net(), SQUARES, epochs=6, inputs="standardized", targets="standardized")
    whole = ev.fit(settings, X, Y)
    rule, seen = ev.Checkpoint(tmp_path, steps=2), []
    ev.fit(settings, X, Y, checkpoint=rule, callbacks=[lambda record: seen.append(record)],
           stop=lambda: len(seen) > 2)
    resumed = ev.fit(settings, X, Y, checkpoint=rule, resume=True)
    again = ev.fit(settings, X, Y, checkpoint=rule, resume=True)
    for model in (resumed, again):
        for key, value in whole.weights.items():
            np.testing.assert_array_equal(model.weights[key], value)


@pytest.mark.parametrize(("layers", "loss", "given", "reason"), [
    ([ev.Dense(1), ev.ReLU()], SQUARES, {"targets": "standardized"}, "must be a Dense with a bias"),
    ([ev.Dense(1, bias=False)], SQUARES, {"targets": "standardized"}, "must be a Dense"),
    ([ev.Dense(2)], SOFTMAX, {"targets": "standardized"}, "are classes or labels"),
    ([ev.Embedding(9, 2), ev.Flatten(), ev.Dense(2)], SOFTMAX, {"inputs": "standardized"},
     "Embedding reads row numbers"),
])
def test_what_cannot_be_standardized(layers, loss, given, reason):
    with pytest.raises(ConfigurationError, match=reason):
        ev.fit(ev.Settings(ev.Sequential(layers), loss, **given), X, CLASSES)


def test_a_stream_and_numbers_that_are_too_large():
    settings = ev.Settings(net(2), SOFTMAX, inputs="standardized")
    with pytest.raises(ConfigurationError, match="statistics are known too late"):
        ev.fit(settings, ev.Batches(lambda: [(X, CLASSES)]))
    with pytest.raises(DataError, match="too large for float32"):
        ev.fit(settings, X * 1e30, CLASSES)


def test_a_check_takes_what_fit_takes():
    settings = replace(SETTINGS["plain"], average=ev.EMA(0.9), rates=ev.ArrayRates({"*": 0.5}))
    given = {"loss": SOFTMAX, "epochs": 2, "average": ev.EMA(0.9),
             "rates": ev.ArrayRates({"*": 0.5})}
    one = ev.check(settings, X, CLASSES, trials=False)
    other = ev.check(settings.net, X, CLASSES, **given, trials=False)
    assert [found.kind for found in one] == [found.kind for found in other]
    with pytest.raises(ConfigurationError, match="the settings hold rates: change"):
        ev.check(settings, X, CLASSES, rates=ev.ArrayRates({"*": 0.5}), trials=False)
