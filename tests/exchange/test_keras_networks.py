"""Random Keras networks and graphs, converted: outputs, gradients, and the way back."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import evenly as ev
from evenly.exchange.chains import Fork, TangledError, chain
from tests.contract.common import error, values
from tests.exchange.keras_common import (
    QUIET,
    L,
    as_array,
    compare,
    keras,
    precision,
    randomize,
    sequential,
)

pytestmark = [pytest.mark.sweep, *QUIET]
SMOOTH = ["tanh", "silu", "softplus", "elu", "gelu", None]
# With the channels first PyTorch as a backend normalizes other axes than Keras says.
RIGHT_FIRST = keras.config.backend() == "jax"
few = settings(max_examples=3, deadline=None, phases=(Phase.explicit, Phase.generate),
               suppress_health_check=[HealthCheck.function_scoped_fixture])
many = settings(few, max_examples=60)
seeds = st.integers(0, 1000)


@pytest.fixture(autouse=True)
def _double():
    with precision("float64"):
        yield


def positions_net(draw, axes, first):
    """Layers on sequences or images, and our shape of one example."""
    shape = (*(draw(st.integers(3, 8)) for _ in range(axes)), draw(st.integers(1, 4)))
    form = {"data_format": "channels_first" if first else "channels_last"}
    channels, parts = 1 if first else -1, []
    smallest = min(shape[:-1])
    for _ in range(draw(st.integers(1, 4))):
        window = draw(st.integers(1, 2))
        stride, padding = draw(st.integers(1, 2)), draw(st.sampled_from(["same", "valid"]))
        kind = draw(st.sampled_from(["conv", "padded", "depthwise", "separable", "max", "average",
                                     "batch", "group", "layer", "rms", "prelu", "softmax", "drop",
                                     "causal"]))
        if kind in ("max", "average", "conv", "separable", "depthwise"):
            smallest = -(-smallest // stride) if padding == "same" else (
                (smallest - window) // stride + 1)
            if smallest < 2:
                break
        settings = {"strides": stride, "padding": padding, **form}
        name = {"max": "MaxPooling", "average": "AveragePooling"}.get(kind, "Conv")
        if kind == "padded":
            ends = tuple((draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in range(axes))
            parts.append(getattr(L, f"ZeroPadding{axes}D")(ends if axes > 1 else ends[0], **form))
            parts.append(getattr(L, f"Conv{axes}D")(3, 1, **form))
        elif kind == "causal" and axes == 1:
            parts.append(L.Conv1D(2, 2, padding="causal", dilation_rate=2, **form))
        elif kind in ("max", "average"):
            parts.append(getattr(L, f"{name}{axes}D")(window, **settings))
        elif kind == "depthwise":
            parts.append(getattr(L, f"DepthwiseConv{axes}D")(
                window, depth_multiplier=draw(st.integers(1, 2)), **settings))
        elif kind == "separable":
            parts.append(getattr(L, f"SeparableConv{axes}D")(3, window, **settings))
        elif kind in ("layer", "rms") and first and not RIGHT_FIRST:
            continue
        elif kind in ("group", "rms", "layer", "batch", "prelu", "softmax", "drop"):
            shared = list(range(2, axes + 2)) if first else list(range(1, axes + 1))
            parts.append({
                "group": lambda: L.GroupNormalization(1, axis=channels, epsilon=0.1),
                "rms": lambda: L.RMSNormalization(axis=channels, epsilon=0.1),
                "layer": lambda: L.LayerNormalization(axis=channels, epsilon=0.1),
                "batch": lambda: L.BatchNormalization(axis=channels, epsilon=0.1),
                "prelu": lambda shared=shared: L.PReLU(shared_axes=shared),
                "softmax": lambda: L.Softmax(axis=channels),
                "drop": lambda: L.Dropout(0.0),
            }[kind]())
        else:
            parts.append(getattr(L, f"Conv{axes}D")(
                draw(st.integers(1, 4)), window, use_bias=draw(st.booleans()),
                activation=draw(st.sampled_from(SMOOTH)), **settings))
    if first or draw(st.booleans()):
        # It also tells where the channels are.
        parts.insert(0, getattr(L, f"Conv{axes}D")(shape[-1], 1, **form))
    ends = [[L.Flatten(), L.Dense(3)], [getattr(L, f"GlobalAveragePooling{axes}D")(**form)],
            [L.Flatten("channels_last"), L.BatchNormalization(epsilon=0.1), L.PReLU(), L.Dense(2)]]
    return shape, parts + draw(st.sampled_from([*ends, []]))


def _positions(data, seed):
    axes, first = data.draw(st.integers(1, 2)), data.draw(st.booleans())
    shape, parts = positions_net(data.draw, axes, first)
    theirs = (shape[-1], *shape[:-1]) if first else shape
    cut = data.draw(st.integers(1, len(parts)))
    inner = sequential(theirs, *parts[:cut])
    model = sequential(theirs, inner, *parts[cut:]) if data.draw(st.booleans()) else sequential(
        theirs, *parts)
    compare(model, shape, seed, first=first)


@few
@given(data=st.data(), seed=seeds)
def test_networks_on_positions(data, seed):
    _positions(data, seed)


@pytest.mark.sweep
@many
@given(data=st.data(), seed=seeds)
def test_many_networks_on_positions(data, seed):
    _positions(data, seed)


def _walk(data, seed):
    draw = data.draw
    steps, width, parts = draw(st.integers(1, 4)), draw(st.integers(1, 4)), []
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from([L.SimpleRNN, L.LSTM, L.GRU]))
        words = {"reset_after": draw(st.booleans())} if kind is L.GRU else {}
        one = kind(draw(st.integers(1, 4)), return_sequences=True, use_bias=draw(st.booleans()),
                   **words)
        parts.append(L.Bidirectional(one) if draw(st.booleans()) else one)
        parts += draw(st.sampled_from([[], [L.LayerNormalization()], [L.Dense(3, "tanh")],
                                       [L.TimeDistributed(L.Dense(2))]]))
    parts += draw(st.sampled_from([[], [L.LSTM(2, go_backwards=True)], [L.Flatten(), L.Dense(2)],
                                   [L.Bidirectional(L.GRU(2))]]))
    compare(sequential((steps, width), *parts), (steps, width), seed)


@few
@given(data=st.data(), seed=seeds)
def test_networks_on_sequences(data, seed):
    _walk(data, seed)


@pytest.mark.sweep
@many
@given(data=st.data(), seed=seeds)
def test_many_networks_on_sequences(data, seed):
    _walk(data, seed)


def grown(draw, x, depth):
    """A chain of layers and of branches that are joined again, behind x."""
    for _ in range(draw(st.integers(0, 3))):
        if depth and draw(st.booleans()):
            branches = [grown(draw, x, depth - 1) for _ in range(draw(st.integers(2, 3)))]
            join = draw(st.sampled_from(["add", "average", "concatenate", "operator"]))
            if join != "concatenate":
                branches = [b if b.shape == x.shape else L.Dense(x.shape[-1])(b) for b in branches]
            x = {"add": lambda b: L.Add()(b), "average": lambda b: L.Average()(b),
                 "concatenate": lambda b: L.Concatenate()(b), "operator": lambda b: b[0] + b[1]
                 }[join](branches)
        else:
            x = draw(st.sampled_from([
                lambda x: L.Dense(3, "tanh")(x), lambda x: L.BatchNormalization(epsilon=0.1)(x),
                lambda x: keras.ops.tanh(x), lambda x: keras.ops.gelu(x), lambda x: L.Dense(4)(x),
            ]))(x)
    return x


def _graph(data, seed):
    x = keras.Input((3,))
    y = grown(data.draw, x, 2)
    compare(keras.Model(x, L.Dense(2)(y)), (3,), seed, n=6)


@few
@given(data=st.data(), seed=seeds)
def test_graphs(data, seed):
    _graph(data, seed)


@pytest.mark.sweep
@many
@given(data=st.data(), seed=seeds)
def test_many_graphs(data, seed):
    _graph(data, seed)


def test_models_within_models():
    x = keras.Input((4,), name="a")
    inner = keras.Model(x, L.Add(name="sum")([L.Dense(4, name="dense")(x), x]), name="inner")
    y = keras.Input((4,))
    outer = keras.Model(y, L.Dense(2, name="dense")(
        sequential((4,), L.Dense(4, "elu", name="dense"))(inner(y))))
    ours = compare(outer, (4,), 0)
    assert [name for name, _ in ours.net.named_layers()] == [
        "dense", "dense_2", "elu_1", "dense_3"]


NETS = [
    ([ev.Dense(4), ev.Residual([ev.Dense(4), ev.ReLU(), ev.Dense(4)]), ev.Dense(2)], (3,)),
    ([ev.Conv2D(4, 3, padding=((1, 0), (2, 1))), ev.Residual([ev.Conv2D(6, 1)],
                                                           shortcut=[ev.Conv2D(6, 1)]),
      ev.MaxPool2D(2, padding="same"), ev.AveragePool2D(2, 1, ((1, 0), (0, 1)),
                                                        count_padding=True),
      ev.GlobalMaxPool(), ev.Dense(2)], (7, 6, 2)),
    ([ev.Branches([[], ev.Conv1D(3, 3, padding="same", groups=1), [ev.Conv1D(2, 1), ev.Tanh()]],
                  "concatenate"), ev.BatchNorm(frozen=True), ev.MaxPool1D(2, ceil_mode=True),
      ev.DepthwiseConv1D(2, multiplier=2), ev.InstanceNorm(0.1), ev.Reshape((-1, 2)), ev.Flatten()],
     (5, 2)),
    ([ev.GRU(3, sequences=True, layers=2, bidirectional=True, dropout=0.1),
      ev.LSTM(2, sequences=True, reverse=True), ev.Branches([ev.GRU(2, reset="before"), [ev.RNN(
          4, layers=2, activation="relu", recurrent_dropout=0.3)]], "concatenate"), ev.Dense(2)],
     (4, 3)),
    ([ev.Embedding(9, 4), ev.SpatialDropout(0.2), ev.RMSNorm(scale=False), ev.LSTM(3, bias=False),
      ev.Ensemble([ev.Dense(4), [ev.Dense(4), ev.GELU(approximate=True)]]), ev.StochasticDepth(0.1),
      ev.LayerNorm(scale=False), ev.GaussianNoise(0.1), ev.LeakyReLU(0.2), ev.LeakyReLU(0.3),
      ev.ELU(0.4), ev.PReLU(shared=True), ev.Softmax(), ev.AlphaDropout(0.1), ev.SpatialDropout(.1),
      ev.GaussianDropout(0.1), ev.Dense(1, bias=False)], (4,)),
    ([ev.LayerNorm(axes=3), ev.Conv2D(2, 1), ev.PReLU(), ev.PReLU(shared=True), ev.GroupNorm(2),
      ev.AveragePool2D(2, padding="same"), ev.HardSwish(), ev.GlobalAveragePool()], (3, 4, 2)),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("number", range(len(NETS)))
def test_our_networks_there_and_back(number, dtype):
    """Answers there are ours, and what comes back has the same bits."""
    layers, shape = NETS[number]
    model = ev.init(ev.Sequential(layers), shape, seed=3, dtype=dtype)
    rng = np.random.default_rng(1)
    for array in model.weights.values():
        array[...] = 0.5 + rng.random(array.shape) / max(1, len(array))
    with precision(dtype):
        theirs = ev.to_keras(model)
        again = ev.from_keras(theirs)
        x = values(2, (3, *shape)) if number != 4 else rng.integers(0, 9, (3, *shape)).astype(float)
        y = as_array(theirs(keras.ops.convert_to_tensor(x, dtype=theirs.inputs[0].dtype)))
    tolerance = 1e-11 if dtype == "float64" else 2e-5
    assert error(y, model.predict(x), 1.0) < tolerance
    assert again.engine.program.dtype == dtype
    assert (again.predict(x) == model.predict(x)).all()
    if number != 3:  # of layers upon each other, each comes back as one
        assert {n: a.tolist() for n, a in again.weights.items()} == {
            n: a.tolist() for n, a in model.weights.items()}


def test_a_file_of_keras_comes_in(tmp_path):
    model = ev.init(ev.Sequential(NETS[3][0]), NETS[3][1], seed=3)
    with precision("float32"):
        ev.to_keras(model).save(tmp_path / "net.keras")
        again = ev.from_keras(keras.models.load_model(tmp_path / "net.keras"))
    x = values(0, (3, 4, 3))
    assert (again.predict(x) == model.predict(x)).all()


def test_the_page():
    page = Path(__file__).parents[2] / "docs" / "exchange-keras.md"
    (block,) = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.M | re.S)
    space = {}
    with precision("float32"):
        exec(compile(block, str(page), "exec"), space)
    assert space["model"].weights["edges.kernel"].shape == (3, 3, 1, 8)
    x = values(0, (2, 28, 28, 1), "float32")
    assert (ev.from_keras(space["back"]).predict(x) == space["model"].predict(x)).all()


def test_numbers_beside_indices_stay_numbers():
    branches = ev.Branches([[ev.Embedding(3, 2), ev.Flatten()], ev.Dense(4)], "concatenate")
    model = ev.init(ev.Sequential([branches, ev.Dense(2, name="input")]), 2, seed=1)
    x = np.array([[0.0, 2.0], [1.0, 2.0]])
    theirs = ev.to_keras(model)
    assert theirs.inputs[0].dtype == "float32"
    assert error(as_array(theirs(keras.ops.convert_to_tensor(x))), model.predict(x)) < 1e-6


def test_channels_first_answers():
    model = ev.init(ev.Sequential([ev.Conv2D(3, 2)]), (4, 5, 2), dtype="float64")
    theirs = ev.to_keras(model, channels_first=True)
    assert theirs.input_shape == (None, 2, 4, 5)
    assert theirs.output_shape == (None, 3, 3, 4)
    x = values(0, (3, 4, 5, 2))
    y = as_array(theirs(keras.ops.convert_to_tensor(np.moveaxis(x, -1, 1))))
    assert error(np.moveaxis(y, 1, -1), model.predict(x)) < 1e-12


def test_backends_without_double_precision_are_told_of():
    if keras.config.backend() != "jax":
        pytest.skip("PyTorch always has it")
    model = ev.init(ev.Dense(2), 3, dtype="float64")
    with precision("float32"), pytest.raises(ev.errors.ConfigurationError, match="enable_x64"):
        ev.to_keras(model)


def test_half_precision_comes_in_single():
    with precision("float32"):
        model = sequential((3,), L.Dense(2, dtype="mixed_float16"), L.Dense(2, dtype="float16"))
        randomize(model, 0)
        ours = ev.from_keras(model)
    assert ours.engine.program.dtype == "float32"
    for layer in model.layers:
        assert (ours.weights[f"{layer.name}.kernel"] == as_array(layer.kernel)).all()


def test_chains_of_any_length_and_nesting():
    parents = {i: [i - 1] for i in range(1, 5000)}
    assert chain(0, 4999, parents.get) == list(range(1, 5000))
    diamond = {"a": ["x"], "b": ["a"], "c": ["a", "b"], "d": ["x", "c", "x"], "y": ["d"]}
    assert chain("x", "y", diamond.get) == [
        Fork("d", ([], ["a", Fork("c", ([], ["b"]))], [])), "y"]
    crossed = {"a": ["x"], "b": ["x"], "c": ["a", "b"], "d": ["a", "c"]}
    with pytest.raises(TangledError) as caught:
        chain("x", "d", crossed.get)
    assert caught.value.node == "a"
