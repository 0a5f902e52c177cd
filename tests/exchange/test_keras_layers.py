"""Keras's layers one by one, converted; and those that cannot be."""

import subprocess
import sys

import numpy as np
import pytest

import evenly as ev
from tests.contract.common import error, values
from tests.exchange.keras_common import (
    QUIET,
    L,
    as_array,
    compare,
    keras,
    precision,
    sequential,
)

pytestmark = QUIET
ACTIVATIONS = ["relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "softplus", "softsign",
               "sigmoid", "tanh", "hard_sigmoid", "hard_silu", "softmax", "linear"]


@pytest.fixture(autouse=True)
def _double():
    with precision("float64"):
        yield


def test_activations_of_layers_and_as_layers():
    parts = []
    for i, name in enumerate(ACTIVATIONS):
        parts += [L.Dense(3 + i % 3, activation=name), L.Activation(name)]
    parts += [L.Dense(4, activation=L.LeakyReLU(0.3)), L.ReLU(), L.ReLU(negative_slope=0.1),
              L.LeakyReLU(0.2), L.ELU(0.7), L.Softmax(), L.PReLU(), L.Dense(2)]
    for begin in range(0, len(parts), 8):
        compare(sequential((5,), L.Dense(4), *parts[begin : begin + 8], L.Dense(3)), (5,), begin)


NORMS = [
    lambda: L.BatchNormalization(), lambda: L.BatchNormalization(momentum=0.3, epsilon=0.1),
    lambda: L.BatchNormalization(center=False), lambda: L.BatchNormalization(scale=False),
    lambda: L.BatchNormalization(trainable=False), lambda: L.LayerNormalization(),
    lambda: L.LayerNormalization(axis=[1, 2, 3], center=False),
    lambda: L.LayerNormalization(epsilon=0.1, scale=False), lambda: L.GroupNormalization(2),
    lambda: L.GroupNormalization(-1, scale=False), lambda: L.RMSNormalization(),
    lambda: L.RMSNormalization(axis=[2, 3], epsilon=0.1), lambda: L.UnitNormalization(),
    lambda: L.Rescaling(0.5, offset=-1.0), lambda: L.Rescaling([0.5, 2, 1, 3]),
    lambda: L.Normalization(mean=[1, 2, 3, 4], variance=[1, 0.5, 0, 2]),
    lambda: L.Normalization(axis=None, mean=1.0, variance=3.0, invert=True),
]


@pytest.mark.parametrize("number", range(len(NORMS)))
def test_normalization(number):
    compare(sequential((3, 2, 4), NORMS[number](), L.Flatten(), L.Dense(2)), (3, 2, 4), number,
            tolerance=1e-7 if number == 15 else 1e-10)
    if number not in (6, 9, 11) and number < 13:
        compare(sequential((4,), L.Dense(6), NORMS[number](), L.Dense(2)), (4,), number, n=7,
                tolerance=1e-10)


def test_an_adapted_normalization():
    layer = L.Normalization()
    layer.adapt(values(0, (50, 3)) * [1, 2, 3] + [4, 5, 6])
    model = sequential((3,), layer, L.Dense(2))
    x = values(1, (4, 3))
    ours = ev.from_keras(model)
    assert error(ours.predict(x), as_array(model(x))) < 1e-12
    assert sum(a.size for n, a in ours.weights.items() if "running" not in n) == 8
    assert [name for name, _ in ours.net.named_layers()] == [layer.name, model.layers[-1].name]


def test_channels_first():
    form = {"data_format": "channels_first"}
    image = [
        L.ZeroPadding2D(((1, 0), (2, 1)), **form), L.Conv2D(6, 2, strides=2, **form),
        L.BatchNormalization(axis=1), L.PReLU(shared_axes=[2, 3]),
        L.DepthwiseConv2D(2, depth_multiplier=2, padding="same", **form), L.Softmax(axis=1),
        L.GroupNormalization(3, axis=1, epsilon=0.1), L.AveragePooling2D(2, 1, "same", **form),
        L.SpatialDropout2D(0.0, **form), L.LayerNormalization(axis=[1, 2, 3]),
    ]
    if keras.config.backend() == "jax":  # PyTorch as a backend takes the last axis for it
        image.insert(4, L.LayerNormalization(axis=1))
    flat = [L.Flatten("channels_last"), L.BatchNormalization(), L.PReLU(), L.LayerNormalization(),
            L.Dense(3)]
    compare(sequential((2, 6, 5), *image, *flat), (6, 5, 2), 0, first=True)
    compare(sequential((2, 6, 5), L.Conv2D(3, 2, **form), L.Flatten("channels_first"), L.Dense(2)),
            (6, 5, 2), 1, first=True)
    compare(sequential((2, 6, 5), L.MaxPooling2D(2, **form), L.Permute((2, 3, 1)), L.Conv2D(2, 1)),
            (6, 5, 2), 2, first=True, last_first=False)
    compare(sequential((3, 7), L.Conv1D(4, 3, activation="tanh", **form),
                       L.MaxPooling1D(2, **form), L.Permute((2, 1)), L.LSTM(3)), (7, 3), 3,
            first=True)
    compare(sequential((2, 6, 5), L.Conv2D(3, 2, **form), L.GlobalAveragePooling2D(
        keepdims=True, **form), L.Conv2D(2, 1, **form)), (6, 5, 2), 4, first=True)
    assert ev.from_keras(sequential((4, 7), L.Permute((2, 1)), L.Dense(2))).input_shape == (7, 4)


def test_sequences_and_images():
    compare(sequential((6, 3), L.Conv1D(4, 3, padding="causal", dilation_rate=2, groups=1),
                       L.SeparableConv1D(5, 2, depth_multiplier=2, activation="tanh"),
                       L.DepthwiseConv1D(2, use_bias=False), L.TimeDistributed(L.Dense(3)),
                       L.Dense(4, "sigmoid"), L.AveragePooling1D(2), L.GlobalMaxPooling1D()),
            (6, 3), 0)
    compare(sequential((7, 6, 4), L.Conv2D(6, (2, 3), strides=(2, 1), padding="same", groups=2),
                       L.SeparableConv2D(3, 2, strides=2), L.ZeroPadding2D(1),
                       L.AveragePooling2D(2), L.Dense(3), L.Reshape((-1, 3)), L.Permute((1, 2)),
                       L.Identity(), L.Flatten(), L.Dense(2)), (7, 6, 4), 1)
    compare(sequential((2, 3, 2, 2), L.GlobalAveragePooling3D()), (2, 3, 2, 2), 2)


GRUS = [{"reset_after": True}, {"reset_after": False}, {"use_bias": False}]


@pytest.mark.parametrize("make", [
    *(lambda s=s, **k: L.GRU(3, **s, **k) for s in GRUS), lambda **k: L.LSTM(3, **k),
    lambda **k: L.LSTM(3, use_bias=False, **k), lambda **k: L.SimpleRNN(3, **k),
    lambda **k: L.SimpleRNN(3, activation="relu", **k),
], ids=["after", "before", "no bias", "lstm", "lstm no bias", "rnn", "rnn relu"])
def test_recurrent(make):
    compare(sequential((4, 2), make(return_sequences=True), make(go_backwards=True)), (4, 2), 0)
    compare(sequential((4, 2), L.Bidirectional(make(return_sequences=True)),
                       L.Bidirectional(make())), (4, 2), 1)
    # Keras leaves the steps turned around; a second layer that walks so turns them back.
    compare(sequential((4, 2), make(return_sequences=True, go_backwards=True),
                       make(return_sequences=True, go_backwards=True), L.LayerNormalization(),
                       make()), (4, 2), 2)


def test_dropout_is_read_in_all_its_forms():
    model = sequential(
        (4, 6), L.Dropout(0.1), L.Dropout(0.2, noise_shape=(None, 1, 1)),
        L.Dropout(0.3, noise_shape=(None, 1, 6)), L.SpatialDropout1D(0.4), L.AlphaDropout(0.5),
        L.GaussianDropout(0.6), L.GaussianNoise(0.7), L.LSTM(3, dropout=0.8, return_sequences=True),
        L.SimpleRNN(2, recurrent_dropout=0.9))
    ours = ev.from_keras(model)
    kinds = [(type(layer).__name__, getattr(layer, "rate", 0)) for layer in ours.net.layers]
    assert kinds == [
        ("Dropout", 0.1), ("StochasticDepth", 0.2), ("SpatialDropout", 0.3),
        ("SpatialDropout", 0.4), ("AlphaDropout", 0.5), ("GaussianDropout", 0.6),
        ("GaussianNoise", 0), ("SpatialDropout", 0.8), ("LSTM", 0), ("RNN", 0)]
    assert ours.net.layers[6].deviation == 0.7
    assert ours.net.layers[-1].recurrent_dropout == 0.9
    assert ev.from_keras(ev.to_keras(ours)).net == ours.net


def test_running_averages_after_a_step():
    layer = L.BatchNormalization(momentum=0.7)
    model = sequential((3,), layer)
    ours = ev.from_keras(model)
    x = values(0, (10, 3)) * 3 + 1
    model(keras.ops.convert_to_tensor(x), training=True)
    program = ev.compile(ours.net, 3, 10, ev.MeanSquaredError(), ev.SGD(0.1), dtype="float64")
    engine = ev.Engine(program, weights=ours.weights)
    engine.step(x, np.zeros((10, 3)))
    mean, variance = (engine.arrays[f"{layer.name}.running_{what}"] for what in
                      ("mean", "variance"))
    assert error(mean, as_array(layer.moving_mean)) < 1e-12
    # What the batch adds is unbiased with us.
    theirs = 0.7 + (as_array(layer.moving_variance) - 0.7) * 10 / 9
    assert error(variance, theirs) < 1e-12


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_masks_become_lengths(dtype):
    """Zeros behind a sequence's end are masked there; with us its length says the same."""
    with precision(dtype):
        model = sequential((5,), L.Embedding(7, 4, mask_zero=True), L.Dense(3, "tanh"),
                           L.Bidirectional(L.LSTM(3, return_sequences=True)), L.Dropout(0.2),
                           L.GRU(2), L.Dense(2))
        x, lengths = np.zeros((4, 5)), np.array([5, 1, 3, 2])
        for row, length in zip(x, lengths, strict=True):
            row[:length] = np.arange(1, length + 1)
        ours = ev.from_keras(model, lengths=True)
        assert ours.engine.program.dtype == dtype
        theirs = as_array(model(keras.ops.convert_to_tensor(x.astype("int32")), training=False))
        tolerance = 1e-5 if dtype == "float32" else 1e-12
        assert error(ours.predict(x, lengths), theirs, 1.0) < tolerance
        masked = sequential((5, 2), L.Masking(), L.SimpleRNN(3))
        steps = values(0, (4, 5, 2)) * (np.arange(5) < lengths[:, None])[..., None]
        theirs = as_array(masked(keras.ops.convert_to_tensor(steps.astype(dtype))))
        ours = ev.from_keras(masked, lengths=True)
        assert error(ours.predict(steps, lengths), theirs, 1.0) < 1e-5


def test_single_precision():
    with precision("float32"):
        model = sequential((6, 5, 2), L.Conv2D(4, 3, activation="gelu"), L.BatchNormalization(),
                           L.Flatten(), L.Dense(3), L.LayerNormalization(), L.Dense(2))
        assert compare(model, (6, 5, 2), 0, tolerance=2e-5).engine.program.dtype == "float32"


def _shared():
    x = keras.Input((4,))
    dense = L.Dense(4)
    return keras.Model(x, dense(dense(x)))


def _tangled():
    x = keras.Input((4,))
    a = L.Dense(4)(x)
    b, c = L.Dense(4)(a), L.Dense(4)(a)
    return keras.Model(x, L.Add(name="sum")([L.Add()([a, b]), c, x]))


def _two_inputs():
    x, y = keras.Input((4,)), keras.Input((4,))
    return keras.Model([x, y], L.Add()([x, y]))


def _with_state():
    x = keras.Input((4, 3))
    _, state = L.GRU(3, return_state=True, name="gru")(x)
    return keras.Model(x, state)


class Own(keras.Model):
    def call(self, x):
        return x


class Dense(L.Dense):
    """Not Keras's: nobody knows what it computes."""


def _per_channel_first():
    return sequential((4, 3), L.Conv1D(2, 1, data_format="channels_first"), L.LSTM(2, name="lstm"))


FROM_REFUSED = [
    (lambda: "net", "expects a keras.Model"),
    (lambda: Own(), "(Own): its own code calls its layers"),
    (lambda: keras.Sequential([L.Dense(2)]), "begin with keras.Input"),
    (_two_inputs, "has 2 inputs and 1 outputs"),
    (_shared, "(Dense): is called twice"),
    (_tangled, "our containers cannot nest"),
    (_with_state, "gru (GRU): return_state=True"),
    (lambda: sequential((4,), Dense(2, name="own")), "own (Dense): this layer cannot be converted"),
    (lambda: sequential((4,), L.Dense(2, activation="exponential", name="d")), "d (Dense): its a"),
    (lambda: sequential((4,), L.Activation("relu6", name="six")), "activation 'relu6' cannot"),
    (lambda: sequential((4,), L.ReLU(max_value=2, name="r")), "r (ReLU): max_value=2"),
    (lambda: sequential((4, 4, 1), L.Conv2DTranspose(2, 2, name="up")), "up (Conv2DTranspose)"),
    (lambda: sequential((4, 4, 1), L.ZeroPadding2D(1), L.MaxPooling2D(2, name="m")), "m (MaxPool"),
    (lambda: sequential((4, 4, 1), L.ZeroPadding2D(1), L.ReLU(name="r")), "r (ReLU): the zeros"),
    (lambda: sequential((4, 4, 1), L.ZeroPadding2D(1)), "ends with zeros around the positions"),
    (lambda: sequential((4, 3), L.LSTM(2, go_backwards=True, return_sequences=True),
                        L.Dense(2, name="d")), "d (Dense): reads a sequence from its end"),
    (lambda: sequential((4, 3), L.LSTM(2, activation="relu", name="l")), "activation='relu'"),
    (lambda: sequential((4, 3), L.GRU(2, recurrent_activation="hard_sigmoid")), "recurrent_activ"),
    (lambda: sequential((4, 3), L.GRU(2, recurrent_dropout=0.5)), "a mask for each gate"),
    (lambda: sequential((4, 3), L.Bidirectional(L.GRU(2), merge_mode="mul", name="b")), "'mul'"),
    (lambda: sequential((4, 3), L.Bidirectional(L.GRU(2, dropout=0.5))), "masks of its own"),
    (lambda: sequential((4,), L.Embedding(3, 2, mask_zero=True), L.LSTM(2)), "lengths=True"),
    (lambda: sequential((4, 3, 2), L.PReLU(name="p")), "p (PReLU): shared_axes=None"),
    (lambda: sequential((4, 3, 2), L.Permute((2, 1, 3), name="p")), "dims=(2, 1, 3)"),
    (lambda: sequential((4, 3), L.LayerNormalization(axis=1, name="n")), "n (LayerNormalization)"),
    (lambda: sequential((4, 3), L.BatchNormalization(axis=1, name="n")), "axis=1"),
    (lambda: sequential((4, 3), L.Softmax(axis=1)), "only the channels' axis can"),
    (lambda: sequential((4, 3), L.Dropout(0.5, noise_shape=(1, 4, 1))), "noise_shape=(1, 4, 1)"),
    (lambda: sequential((4,), L.Dropout(1.0, name="all")), "all (Dropout): rate=1.0"),
    (lambda: sequential((4,), L.Rescaling(-1.0)), "only positive factors"),
    (_per_channel_first, "lstm (LSTM): reads the features last"),
    (lambda: sequential((None, 3), L.LSTM(2)), "give input_shape, without None"),
    (lambda: sequential((2, 4, 4), L.Conv2D(3, 2, data_format="channels_first"), L.Flatten()),
     "features flattened channels first"),
]


@pytest.mark.parametrize(("make", "message"), FROM_REFUSED, ids=[m for _, m in FROM_REFUSED])
def test_what_cannot_be_converted_is_named(make, message):
    model = make()
    with pytest.raises(ev.errors.ConfigurationError) as caught:
        ev.from_keras(model)
    assert message in str(caught.value)


MASKED = [
    ([L.GlobalAveragePooling1D(name="g")], "g (GlobalAveragePooling1D): reads the mask"),
    ([L.LSTM(2, return_sequences=True), L.Flatten(name="f")], "f (Flatten): reads steps that do n"),
    ([L.LSTM(2, return_sequences=True), L.Conv1D(2, 2, name="c")], "c (Conv1D): reads steps that"),
    ([L.Conv1D(2, 1), L.LSTM(2, name="l")], "l (LSTM): reads all steps"),
]


@pytest.mark.filterwarnings("ignore:Layer .* does not support masking:UserWarning")
@pytest.mark.parametrize(("layers", "message"), MASKED, ids=[m for _, m in MASKED])
def test_masked_steps_are_kept_from_what_reads_several(layers, message):
    model = sequential((4,), L.Embedding(3, 2, mask_zero=True), *layers)
    with pytest.raises(ev.errors.ConfigurationError) as caught:
        ev.from_keras(model, lengths=True)
    assert message in str(caught.value)


def test_a_mask_that_nobody_reads_does_not_matter():
    compare(sequential((4,), L.Embedding(5, 2, mask_zero=True), L.Dense(3, "tanh"), L.Flatten(),
                       L.Dense(2)), (4,), 0, integers=5)


def test_an_input_shape_that_does_not_fit():
    model = sequential((None, 3), L.LSTM(2))
    assert ev.from_keras(model, (5, 3)).input_shape == (5, 3)
    with pytest.raises(ev.errors.ShapeError, match="input_shape is \\(5, 4\\), the model reads"):
        ev.from_keras(model, (5, 4))


TO_REFUSED = [
    ([ev.Scale()], 3, "Scale 'scale_1': Keras has no such layer"),
    ([ev.WeightNorm(ev.Dense(2))], 3, "WeightNorm"),
    ([ev.Dropout(0.5, classic=True)], 3, "classic dropout"),
    ([ev.LSTM(3, stateful=True)], (4, 2), "stateful"),
    ([ev.GRU(3, recurrent_dropout=0.5)], (4, 2), "a mask for each gate"),
    ([ev.MaxPool2D(2, padding=((1, 0), (0, 0)))], (4, 4, 1), "max_pool2d_1': Keras pads"),
    ([ev.HardSigmoid(0.2)], 3, "hard_sigmoid_1': Keras has this activation"),
    ([ev.Softplus(2.0)], 3, "softplus_1': Keras has this activation"),
    ([ev.Embedding(5, 2, padding=0)], (4,), "padding=0 has no counterpart"),
    ([ev.Ensemble([ev.Dense(2), ev.Dense(2)], "classes")], 3, "of='classes'"),
    ([ev.Conv1D(2, 2, stride=2, dilation=2)], (7, 2), "conv1d_1': Keras refuses it"),
    ([ev.Residual([ev.Dense(3)], name="a/b")], 3, "Residual 'a/b': Keras refuses it"),
]


@pytest.mark.parametrize(("layers", "shape", "message"), TO_REFUSED,
                         ids=[m for *_, m in TO_REFUSED])
def test_what_keras_lacks_is_named(layers, shape, message):
    with pytest.raises(ev.errors.ConfigurationError) as caught:
        ev.to_keras(ev.init(ev.Sequential(layers), shape))
    assert message in str(caught.value)


def test_what_is_no_model_goes_nowhere():
    with pytest.raises(ev.errors.ConfigurationError, match="expects a Model, as fit gives it"):
        ev.to_keras(ev.Dense(2))


def test_without_keras_the_message_says_what_to_install():
    code = """import sys
sys.modules["keras"] = None
import evenly as ev
for call in (lambda: ev.from_keras(None), lambda: ev.to_keras(ev.init(ev.Dense(2), 3))):
    try:
        call()
    except ev.errors.ConfigurationError as error:
        print(error)
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert told.count("pip install keras jax") == 2
