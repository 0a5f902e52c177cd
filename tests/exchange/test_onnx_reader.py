"""Graphs as other exporters write them, shapes that are left open, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import numpy_helper, parser

import evenly as ev
from evenly.errors import ConfigurationError, FileFormatError

from .onnx_common import assert_near, kinds

RNG = np.random.default_rng(0)


def graph(nodes: str, x: str = "float[n, 3] x", version: int = 17, **arrays):
    """A model of text, with these constants."""
    model = parser.parse_model(f'<ir_version: 8, opset_import: ["" : {version}]> '
                               f"g ({x}) => (float[n] y) {{ {nodes} }}")
    for name, array in arrays.items():
        kind = np.int64 if np.asarray(array).dtype.kind == "i" else np.float32
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(array, kind), name))
    return model


def numbers(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def test_keras_convolutions_have_transpositions_around_them():
    """Channels last, as Keras has them; its dense layer behind Flatten needs no other order."""
    k, b, w = numbers(4, 2, 3, 3), numbers(4), numbers(3 * 4 * 4, 3)
    model = ev.from_onnx(graph(
        'a = Transpose <perm = [0, 3, 1, 2]> (x) c = Conv <auto_pad = "SAME_UPPER", '
        "strides = [2, 2]> (a, k) d = Add (c, b) r = Relu (d) "
        "p = Transpose <perm = [0, 2, 3, 1]> (r) f = Reshape (p, s) y = MatMul (f, w)",
        "float[n, 6, 7, 2] x", k=k, b=b.reshape(1, 4, 1, 1), w=w, s=[-1, 48]))
    assert model.input_shape == (6, 7, 2)
    assert kinds(model) == ["Conv2D", "ReLU", "Flatten", "Dense"]
    np.testing.assert_array_equal(model.weights["dense_1.kernel"], w)
    np.testing.assert_array_equal(model.weights["conv2d_1.bias"], b)


def test_keras_sequences_are_images_of_one_line():
    k, w = numbers(4, 2, 1, 3), numbers(4, 3)
    model = ev.from_onnx(graph(
        "u = Unsqueeze (x, one) a = Transpose <perm = [0, 3, 1, 2]> (u) c = Conv (a, k) "
        "s = Squeeze (c, two) t = Transpose <perm = [0, 2, 1]> (s) y = MatMul (t, w)",
        "float[n, 9, 2] x", k=k, w=w, one=[1], two=[2]))
    assert kinds(model) == ["Conv1D", "Conv1D"]
    assert model.predict(numbers(2, 9, 2)).shape == (2, 7, 3)


def test_normalization_as_a_factor_and_a_shift():
    factor, shift, w = numbers(3) + 2, numbers(3), numbers(3, 2)
    model = ev.from_onnx(graph("a = Sub (x, shift) b = Div (a, factor) y = MatMul (b, w)",
                               factor=factor, shift=shift, w=w))
    x = numbers(4, 3)
    assert_near(model.predict(x), (x - shift) / factor @ w)
    model = ev.from_onnx(graph("a = Mul (x, factor) b = Add (a, shift) y = MatMul (b, w)",
                               factor=factor, shift=shift, w=w))
    assert kinds(model) == ["BatchNorm", "Dense"]
    assert model.net.layers[0].frozen
    assert_near(model.predict(x), (x * factor + shift) @ w)


CURVES = {
    "e = Exp (x) o = Add (e, one) y = Log (o)": ev.Softplus(),
    "a = Mul (x, c) b = Add (a, half) d = Max (b, zero) y = Min (d, one)": ev.HardSigmoid(0.3, 0.5),
    "a = Add (x, three) b = Clip (a, zero, six) d = Div (b, six) y = Mul (x, d)": ev.HardSwish(),
    "a = Neg (x) b = Exp (a) d = Add (one, b) e = Reciprocal (d) y = Mul (e, x)": ev.SiLU(),
    "a = Mul (x, c) b = Max (x, a) y = Identity (b)": ev.LeakyReLU(0.3),
    "a = Neg (x) b = Exp (a) c1 = Sum (b, one) y = Div (one, c1)": ev.Sigmoid(),
    "a = Mul (x, c) y = Max (x, a, a)": ev.LeakyReLU(0.3),
    "a = Abs (x) b = Add (a, one) y = Div (x, b)": ev.Softsign(),
    "a = Mul (x, half) b = Tanh (a) d = Mul (b, half) y = Add (d, half)": ev.Sigmoid(),
}


@pytest.mark.parametrize("nodes", CURVES)
def test_activations_that_are_written_out(nodes):
    model = ev.from_onnx(graph(nodes, one=1.0, zero=0.0, half=0.5, three=3.0, six=6.0, c=0.3))
    (layer,) = model.net.layers
    assert type(layer) is type(CURVES[nodes])
    x = np.linspace(-9, 9, 30).reshape(-1, 3)
    own = ev.init(ev.Sequential([CURVES[nodes]]), 3)
    assert_near(model.predict(x), own.predict(x))


def test_a_function_that_is_none_is_refused():
    for nodes in ("a = Mul (x, x) y = Identity (a)", "y = Exp (x)", "y = Clip (x, zero, six)"):
        with pytest.raises(FileFormatError, match=r"node '.*' \(\w+\): is, with the operators in "):
            ev.from_onnx(graph(nodes, zero=0.0, six=6.0))


def test_shapes_that_are_left_open():
    k, text = numbers(4, 2, 3, 3), "c = Conv (x, k) y = GlobalAveragePool (c)"
    model = graph(text, "float[n, 2, h, w] x", k=k)
    with pytest.raises(FileFormatError, match=r"'x' has sizes \(2, \?, \?\) .*give .*input_shape"):
        ev.from_onnx(model)
    with pytest.raises(FileFormatError, match=r"which input_shape=\(9, 8, 3\) is not"):
        ev.from_onnx(model, (9, 8, 3))
    assert ev.from_onnx(model, (9, 8, 2)).input_shape == (9, 8, 2)
    for wrong in (0, (), (3, -1), "x"):
        with pytest.raises(ConfigurationError, match="input_shape is the shape of one example"):
            ev.from_onnx(model, wrong)


def test_one_channel_is_put_last_too():
    model = ev.from_onnx(graph("y = Conv (x, k)", "float[1, 1, 8, 8] x", k=numbers(2, 1, 3, 3)))
    assert model.input_shape == (8, 8, 1)
    assert kinds(model) == ["Conv2D"]
    first = ev.from_onnx(graph("f = Flatten (x) y = MatMul (f, w)", "float[n, 2, 3] x",
                               w=numbers(6, 2)), channels_first=True)
    assert first.input_shape == (3, 2)


def test_fixed_batches_and_sizes_that_are_computed():
    w = numbers(6, 2)
    for nodes, x in (("y0 = Reshape (x, s)", "float[1, 2, 3] x"),
                     ("s0 = Shape (x) g = Gather (s0, zero) u = Unsqueeze (g, axes) "
                      "t = Concat <axis = 0> (u, minus) y0 = Reshape (x, t)", "float[n, 2, 3] x")):
        model = ev.from_onnx(graph(f"{nodes} y = MatMul (y0, w)", x, w=w, s=[1, 6], zero=0,
                                   axes=[0], minus=[-1]))
        data = numbers(5, 2, 3)
        assert_near(model.predict(data), data.reshape(5, 6) @ w)


def test_lengths_are_an_input():
    model = ev.from_onnx(graph(
        "t = Transpose <perm = [1, 0, 2]> (x) l = Cast <to = 6> (lengths) "
        "a, h = RNN <hidden_size = 4> (t, w, r, , l) y = Squeeze (h, zero)",
        "float[n, 5, 3] x, int64[n] lengths", w=numbers(1, 4, 3), r=numbers(1, 4, 4), zero=[0]))
    x = numbers(2, 5, 3)
    short = x.copy()
    short[0, 2:] = 99
    assert_near(model.predict(short, lengths=[2, 5])[0], model.predict(x, lengths=[2, 5])[0])
    assert not np.allclose(model.predict(x)[0], model.predict(x, lengths=[2, 5])[0])


def test_one_of_several_outputs():
    model = graph("a = MatMul (x, w) y = Relu (a) z = If <then_branch = t () => (float q) {q = "
                  "Constant <value_float = 1.0> ()}, else_branch = e () => (float q) {q = Constant "
                  "<value_float = 2.0> ()}> (y)", w=numbers(3, 2))
    model.graph.output.add().CopyFrom(model.graph.output[0])
    model.graph.output[1].name = "z"
    with pytest.raises(FileFormatError, match=r"2 outputs \('y', 'z'\): say which by output="):
        ev.from_onnx(model)
    with pytest.raises(FileFormatError, match=r"\(If\): the operator If has no counterpart"):
        ev.from_onnx(model, output="z")
    assert kinds(ev.from_onnx(model, output="y")) == ["Dense", "ReLU"]


REFUSED = {
    "y = LRN <size = 3> (x)": r"'y' \(LRN\): the operator LRN has no counterpart here: take the",
    "a = Sigmoid (x) c = MatMul (x, w) y = Mul (a, c)": "combines two activations, which only sums",
    "y = BatchNormalization <training_mode = 1> (x, v, v, v, v)": "export the network for inferenc",
    "y = Gemm (x, x)": "its input 2 is no constant: weights must lie in the file",
    "y = MatMul (x, b)": r"has a kernel of shape \(2, 2\) for \(3\) features",
    "y = Slice (x, zero, one, one)": "takes position 0 of 3 out of an axis, which no layer",
    "y = Slice (x, zero, two)": "takes a part of an axis, which no layer does",
    "y = Dropout (x, half, true)": "export for inference",
    "y = Reshape (x, s)": r"cannot make shape \(2, 5\) of \(batch, 3\)",
    "y = Relu (missing)": "reads 'missing', which nothing before it makes",
    "y = Selu <alpha = 2.0> (x)": "SELU's two numbers are those of its fixed point",
    "y = Elu <alpha = -1.0> (x)": r"node 'y' \(Elu\): ELU",
    "a = MatMul (x, w) c = MatMul (x, w2) y = Add (a, c)": "combines activations of other sizes",
    "a = Relu (x) c = Tanh (a) d = MatMul (a, w) e = Add (c, d) f = MatMul (c, w) y = Add (e, f)":
        r"is read by several, .* no Branches or Residual within each other says it",
}


@pytest.mark.parametrize("nodes", REFUSED)
def test_refusals(nodes):
    model = graph(nodes, w=numbers(3, 3), w2=numbers(3, 2), v=numbers(3), b=numbers(2, 2), zero=[0],
                  one=[1], two=[2], half=0.5, true=1, s=[2, 5])
    with pytest.raises(FileFormatError, match=REFUSED[nodes]):
        ev.from_onnx(model)


def test_what_is_no_model():
    with pytest.raises(ConfigurationError, match=r"expects a path, bytes or an onnx\.ModelProto"):
        ev.from_onnx(3)
    with pytest.raises(ConfigurationError, match="dtype is 'float32' or 'float64'"):
        ev.from_onnx(graph("y = Relu (x)"), dtype="float16")
    old = graph("y = Relu (x)")
    old.opset_import[0].version = 5
    with pytest.raises(FileFormatError, match="operators are of version 5; versions 6 to"):
        ev.from_onnx(old)


def test_onnx_may_be_missing(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(ConfigurationError, match=r"from_onnx needs onnx: pip install"):
        ev.from_onnx(b"")
