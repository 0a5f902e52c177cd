"""Networks as ONNX models: ONNX Runtime gives what they give."""

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx.reference import ReferenceEvaluator

import evenly as ev
from evenly import layers
from evenly.errors import ConfigurationError
from evenly.exchange.onnx.layers import WRITERS, precision
from evenly.layers.containers import Container
from tests.contract.common import error
from tests.contract.rows import LAYERS
from tests.exchange.onnx_running import output, run

# Public names of layers that have no line of their own, and why.
OTHERWISE = {
    **dict.fromkeys(("Sequential", "Branches", "Residual", "Ensemble"), "made of layers"),
    **dict.fromkeys(("AlphaDropout", "GaussianDropout", "GaussianNoise", "SpatialDropout",
                     "StochasticDepth"), "nothing in inference"),
    **dict.fromkeys(("ArraySpec", "Layer", "Run", "Shape"), "no layer"),
}
SMOOTH = [ev.Tanh, ev.SiLU, ev.ELU, ev.GELU, ev.Softplus, ev.Mish, ev.SELU, ev.Softsign]


def test_every_layer_has_a_writer_or_a_reason():
    written = {kind.__name__ for kind in WRITERS}
    assert not written & OTHERWISE.keys()
    assert written | OTHERWISE.keys() == {name for name in dir(layers) if name[0].isupper()
                                          and name != "TYPE_CHECKING"}
    for name, why in OTHERWISE.items():
        if why == "nothing in inference":
            layer = getattr(ev, name)(0.5)
            assert layer.inference_is_identity
        assert (why == "made of layers") == issubclass(getattr(layers, name), Container) \
            if why != "no layer" else True


def moved(model, seed):
    """Arrays that are not what they begin as."""
    generator = np.random.default_rng(seed)
    for name, array in model.weights.items():
        if not name.endswith(("variance", ".edge", ".slope")):
            array += 0.2 * generator.normal(size=array.shape).astype(array.dtype)
    return model


def check_row(row, examples):
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(row.shapes, st.integers(1, 5), st.integers(0, 99))
    def check(shape, rows, seed):
        net = ev.Sequential([row.layer])
        dtype = precision(net, "float32" if seed % 3 else None)
        model = moved(ev.init(net, shape, seed=seed, dtype=dtype), seed)
        x = row.inputs(seed, (rows, *shape), dtype)
        newest = onnx.defs.onnx_opset_version() - 1
        y = output(ev.to_onnx(model, opset=newest if seed % 2 else None), x)
        assert y.dtype == dtype
        assert error(y, model.predict(x)) < (1e-5 if dtype == "float32" else 1e-12)

    check()


# The first row of each layer; the sweep takes all.
FIRST = list({type(row.layer): row for row in reversed(LAYERS)}.values())


@pytest.mark.parametrize("row", FIRST, ids=lambda row: row.name)
def test_each_layer(row):
    check_row(row, 2)


@pytest.mark.sweep
@pytest.mark.parametrize("row", LAYERS, ids=lambda row: row.name)
def test_each_layer_on_many_shapes(row):
    check_row(row, 3)


def random_net(draw):
    """A network, and the shape of one example."""
    axes = draw(st.integers(0, 2))
    shape = (*(draw(st.integers(2, 9)) for _ in range(axes)), draw(st.integers(1, 7)))

    def few(most, depth=0):
        kinds = ["smooth", "batch", "layer", "rms", "prelu", "scale", "drop", "wave", "bins"]
        if axes:
            kinds += ["conv", "depth", "max", "average", "instance", "group"] * 2
        if axes == 1:
            kinds += ["lstm", "gru", "rnn"] * 2
        if depth == 0:
            kinds += ["residual", "beside"]
        return [made(draw(st.sampled_from(kinds)), depth) for _ in range(draw(
            st.integers(0 if depth else 1, most)))]

    def made(kind, depth):
        window = draw(st.integers(1, 3))
        stride = draw(st.integers(1, 2))
        units = draw(st.integers(1, 5))
        make = {
            "smooth": lambda: draw(st.sampled_from(SMOOTH))(), "batch": ev.BatchNorm,
            "layer": ev.LayerNorm, "rms": ev.RMSNorm, "prelu": ev.PReLU, "scale": ev.Scale,
            "drop": lambda: ev.Dropout(0.3, classic=draw(st.booleans())),
            "wave": lambda: ev.Periodic(1, 3), "bins": lambda: ev.PiecewiseLinear(2),
            "conv": lambda: (ev.Conv1D, ev.Conv2D)[axes - 1](units, window, 1, "same", stride),
            "depth": lambda: (ev.DepthwiseConv1D, ev.DepthwiseConv2D)[axes - 1](
                window, padding="same"),
            "max": lambda: (ev.MaxPool1D, ev.MaxPool2D)[axes - 1](
                window, 1 if depth else stride, "same"),
            "average": lambda: (ev.AveragePool1D, ev.AveragePool2D)[axes - 1](
                window, 1, "same", count_padding=draw(st.booleans())),
            "instance": ev.InstanceNorm, "group": lambda: ev.GroupNorm(1),
            "lstm": lambda: ev.LSTM(units, sequences=True, bidirectional=draw(st.booleans()),
                                    layers=draw(st.integers(1, 2))),
            "gru": lambda: ev.GRU(units, sequences=True, reverse=draw(st.booleans()),
                                  reset=draw(st.sampled_from(["before", "after"]))),
            "rnn": lambda: ev.RNN(units, sequences=True, bias=draw(st.booleans())),
            "residual": lambda: ev.Residual(few(2, 1), few(1, 1)),
            "beside": lambda: ev.Branches([few(2, 1), few(1, 1)], "concatenate"),
        }
        return make[kind]()

    body = few(4)
    end = draw(st.sampled_from([[], [ev.Flatten(), ev.Dense(3)], [ev.Flatten()],
                                [ev.GlobalAveragePool()] if axes else [ev.Softmax()]]))
    return ev.Sequential([*body, *end]), shape


def check_random(data):
    net, shape = random_net(data.draw)
    try:
        model = moved(ev.init(net, shape, seed=1), 1)
    except ev.errors.ShapeError:
        return  # ways that do not fit together, or windows that do not fit in
    first, recurrent = data.draw(st.booleans()), "lstm" in str(model.net.named_layers()).lower()
    x = np.random.default_rng(2).normal(size=(3, *shape)).astype(np.float32)
    given = np.moveaxis(x, -1, 1) if first and x.ndim > 2 else x
    y = output(ev.to_onnx(model, channels_first=first), given)
    wanted = model.predict(x)
    y = np.moveaxis(y, 1, -1) if first and y.ndim > 2 else y
    # A norm of few numbers makes much of what rounding does to nearly equal ones.
    exact = ev.init(net, shape, seed=1, dtype="float64")
    exact.engine.set_weights(model.weights)
    doubt = error(wanted, exact.predict(x))
    assert error(y, wanted) < 1e-5 + 20 * doubt * (1 + recurrent)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_random_networks(data):
    check_random(data)


@pytest.mark.sweep
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_many_random_networks(data):
    check_random(data)


@pytest.mark.parametrize("behind", [
    ev.GroupNorm(2), ev.InstanceNorm(), ev.LayerNorm(), ev.BatchNorm(), ev.PReLU(), ev.Softmax(),
    ev.GlobalMaxPool(), ev.GlobalAveragePool(), ev.Conv1D(3, 2), ev.MaxPool1D(2), ev.Flatten(),
    ev.Sequential([ev.Flatten(), ev.Dense(2)]),
    ev.Reshape((2, -1)), ev.Periodic(1, 2), ev.Residual([ev.Scale(init=2)]),
    ev.Branches([[], ev.RNN(3, sequences=True)], "concatenate"),
])
def test_what_reads_steps_first(behind):
    net = ev.Sequential([ev.GRU(4, sequences=True), behind])
    model = moved(ev.init(net, (6, 3)), 0)
    x = np.random.default_rng(0).normal(size=(5, 6, 3)).astype(np.float32)
    assert error(output(ev.to_onnx(model), x), model.predict(x)) < 1e-5


def test_lengths_are_a_second_input():
    net = ev.Sequential([
        ev.Embedding(11, 5, padding=0), ev.LSTM(4, sequences=True, bidirectional=True, layers=2),
        ev.GRU(3, sequences=True, reverse=True), ev.RNN(3, bidirectional=True), ev.Dense(2)])
    model = moved(ev.init(net, 6), 0)
    x, lengths = np.random.default_rng(0).integers(0, 11, (5, 6)), np.array([6, 1, 0, 3, 6])
    proto = ev.to_onnx(model, lengths=True)
    assert [one.name for one in proto.graph.input] == ["input", "lengths"]
    assert error(output(proto, x, lengths=lengths), model.predict(x, lengths=lengths)) < 1e-5
    assert error(output(ev.to_onnx(model), x), model.predict(x)) < 1e-5
    with pytest.raises(ConfigurationError, match="lengths=True, and no layer"):
        ev.to_onnx(ev.init(ev.Sequential([ev.Dense(2)]), 3), lengths=True)


def test_states_go_in_and_come_out():
    net = ev.Sequential([ev.LSTM(3, sequences=True, stateful=True), ev.GRU(2, stateful=True)])
    model = moved(ev.init(net, (4, 2)), 0)
    x = np.random.default_rng(0).normal(size=(1, 8, 2)).astype(np.float32)
    proto, zeros = ev.to_onnx(model), np.zeros((1, 3), np.float32)
    states = {"lstm_1.h": zeros, "lstm_1.c": zeros, "gru_1.h": zeros[:, :2]}
    for part in (x[:, :4], x[:, 4:]):
        found = run(proto, {"input": part, **states})
        states = {name: found[f"{name}.next"] for name in states}
    whole = ev.Sequential([ev.LSTM(3, sequences=True), ev.GRU(2)])
    other = ev.init(whole, (8, 2))
    other.engine.set_weights(model.weights)
    assert error(found["output"], other.predict(x)) < 1e-5


@pytest.mark.parametrize("of", ["numbers", "logs", "classes", "labels", "quantiles"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_ensembles(of, dtype):
    three = {"levels": 3, "anchor": 1} if of == "quantiles" else {}
    net = ev.Sequential([ev.Ensemble([ev.Dense(6), [ev.Dense(4), ev.Tanh(), ev.Dense(6)]], of,
                                     **three)])
    model = moved(ev.init(net, 4, dtype=dtype), 0)
    for size in (1.0, 30.0):
        x = (size * np.random.default_rng(0).normal(size=(50, 4))).astype(dtype)
        got = output(ev.to_onnx(model), x)
        assert error(got, model.predict(x)) < (1e-5 if dtype == "float32" else 1e-12)


def test_what_onnx_runtime_lacks_in_float64_the_reference_runs():
    net = ev.Sequential([ev.Conv2D(4, 3, padding="same"), ev.BatchNorm(), ev.Tanh(),
                         ev.AveragePool2D(2), ev.Flatten(), ev.Dense(3)])
    model = moved(ev.init(net, (5, 7, 2), dtype="float64"), 0)
    x = np.random.default_rng(0).normal(size=(2, 5, 7, 2))
    y = ReferenceEvaluator(ev.to_onnx(model)).run(None, {"input": x})[0]
    assert error(y, model.predict(x)) < 1e-12
    assert error(output(ev.to_onnx(model, dtype="float32"), x), model.predict(x)) < 1e-5


@pytest.mark.parametrize("norm", [ev.BatchNorm(), ev.LayerNorm(), ev.InstanceNorm(),
                                  ev.GroupNorm(2)])
def test_data_far_from_0_keep_their_digits(norm):
    x = np.random.default_rng(0).normal(1e4, 1.0, (6, 5, 4)).astype(np.float32)
    model = ev.init(ev.Sequential([norm]), (5, 4))
    if "batch_norm_1.running_mean" in model.weights:
        model.weights["batch_norm_1.running_mean"][...] = 1e4
    assert error(output(ev.to_onnx(model), x), model.predict(x)) < 1e-5


def test_names_metadata_and_the_lowest_opset():
    net = ev.Sequential([ev.Dense(8), ev.ReLU(), ev.Dropout(0.5), ev.Dense(2, name="scores")])
    model = ev.init(net, 4)
    proto = ev.to_onnx(model)
    assert [node.name for node in proto.graph.node] == ["dense_1", "relu_1", "scores"]
    arrays = {one.name: onnx.numpy_helper.to_array(one) for one in proto.graph.initializer}
    assert arrays.keys() == set(model.weights)
    assert all((arrays[name] == array).all() for name, array in model.weights.items())
    assert (proto.producer_name, proto.producer_version) == ("evenly", ev.__version__)
    assert "4" in proto.doc_string
    assert (proto.opset_import[0].version, proto.ir_version) == (8, 4)
    batch = [one.type.tensor_type.shape.dim[0].dim_param for one in
             (proto.graph.input[0], proto.graph.output[0])]
    assert batch == ["batch", "batch"]
    for rows in (1, 7):
        assert output(proto, np.ones((rows, 4), np.float32)).shape == (rows, 2)
    erf = ev.to_onnx(ev.init(ev.Sequential([ev.GELU()]), 4))
    assert erf.opset_import[0].version == 9
    assert ev.to_onnx(model, opset=17).opset_import[0].version == 17
    for opset in (7, 1000):
        with pytest.raises(ConfigurationError, match=f"opset={opset}: this graph needs at least 8"):
            ev.to_onnx(model, opset=opset)


def test_transposes_cancel():
    net = ev.Sequential([
        ev.Conv2D(4, 3), ev.BatchNorm(), ev.ReLU(), ev.MaxPool2D(2), ev.PReLU(),
        ev.Residual([ev.GroupNorm(2), ev.Conv2D(4, 1)]), ev.Flatten(), ev.Dropout(0.5),
        ev.Dense(3)])
    model = moved(ev.init(net, (9, 8, 2)), 0)
    kinds = [[node.op_type for node in ev.to_onnx(model, channels_first=first).graph.node]
             for first in (False, True)]
    assert [each.count("Transpose") for each in kinds] == [1, 0]
    x = np.random.default_rng(0).normal(size=(3, 9, 8, 2)).astype(np.float32)
    first = ev.to_onnx(model, channels_first=True)
    assert error(output(first, np.moveaxis(x, -1, 1)), model.predict(x)) < 1e-5


class Own(ev.Layer):
    name = None

    def forward(self, x, arrays, run):
        return x + 1, None


def test_what_has_no_counterpart_is_named():
    model = ev.init(ev.Sequential([ev.Dense(2), Own()]), 3)
    with pytest.raises(ConfigurationError, match="to_onnx: Own 'own_1': is none of the layers"):
        ev.to_onnx(model)
    with pytest.raises(ConfigurationError, match=r"expects a Model.*got list"):
        ev.to_onnx([model])
    with pytest.raises(ConfigurationError, match="dtype is 'float32', 'float64' or None"):
        ev.to_onnx(model, dtype="float16")


def test_a_saved_model_has_its_scale_and_labels():
    x = np.random.default_rng(0).normal([0, 1e6, 3], [1, 5, 1e-3], (40, 3))
    net = ev.Sequential([ev.Dense(5), ev.Tanh(), ev.Dense(3)])
    for scaler in (ev.Standardizer(), ev.RobustScaler(), ev.SmoothClipScaler(), ev.NormalScaler()):
        saved = ev.Saved(ev.init(net, 3), scaler.fit(x), ["u", "v", "w"])
        new = 2 * x - x.mean(axis=0)
        found = run(ev.to_onnx(saved), {"input": new})
        assert error(found["scores"], saved.scores(new)) < 1e-5
        assert (found["label"] == saved.predict(new)).all()
    image = np.random.default_rng(1).normal(5, 2, (9, 4, 3, 2))
    net = ev.Sequential([ev.Conv2D(4, 2), ev.GlobalMaxPool(), ev.Dense(1)])
    saved = ev.Saved(ev.init(net, (4, 3, 2)), ev.NormalScaler(channels=True).fit(image))
    proto = ev.to_onnx(saved, channels_first=True)
    found = run(proto, {"input": np.moveaxis(image, -1, 1)})
    assert error(found["scores"], saved.scores(image)) < 1e-5
