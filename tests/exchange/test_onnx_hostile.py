"""Damaged and hostile ONNX files: each is refused as such, or read as what it says."""

from __future__ import annotations

import os
import random
import tracemalloc
import warnings

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper, parser
from onnx.reference import ReferenceEvaluator

import evenly as ev
from evenly.errors import FileFormatError

RNG = np.random.default_rng(0)
IMAGES = """<ir_version: 8, opset_import: ["" : 17]>
g (float[n, 2, 5, 4] x) => (float[n, 3] y) {
    c = Conv <pads = [1, 1, 1, 1], strides = [2, 1]> (x, k, b)
    r = Relu (c)
    d = Conv <group = 2> (x, k2)
    p = MaxPool <kernel_shape = [2, 2]> (r)
    n1 = BatchNormalization <epsilon = 0.01> (p, s, s, b, s)
    f = Flatten (n1)
    y = Gemm <transB = 1> (f, w, b3)
}"""
SEQUENCES = """<ir_version: 8, opset_import: ["" : 17]>
g (int64[n, 4] x) => (float[n, 3] y) {
    e = Gather (table, x)
    t = Transpose <perm = [1, 0, 2]> (e)
    a, h = GRU <hidden_size = 3, linear_before_reset = 1> (t, w, r, b)
    axes = Constant <value_ints = [0]> ()
    q = Squeeze (h, axes)
    m = MatMul (q, v)
    z = Sigmoid (m)
    o = Mul (m, z)
    u = Add (o, q)
    y = Softmax (u)
}"""


def filled(text: str, **shapes: tuple[int, ...]) -> onnx.ModelProto:
    """The graph, with constants of these shapes."""
    model = parser.parse_model(text)
    for name, shape in shapes.items():
        array = RNG.uniform(0.5, 1.5, shape).astype(np.float32)
        model.graph.initializer.append(numpy_helper.from_array(array, name))
    return model


def images() -> onnx.ModelProto:
    return filled(IMAGES, k=(3, 2, 3, 3), b=(3,), k2=(2, 1, 1, 1), s=(3,), w=(3, 18), b3=(3,))


def sequences() -> onnx.ModelProto:
    return filled(SEQUENCES, table=(7, 2), w=(1, 9, 2), r=(1, 9, 3), b=(1, 18), v=(3, 3))


def is_refused(data: bytes, checked: list[int], traced: bool = True) -> bool:
    """Whether a file is refused; else its predictions are those of the operators' definitions, as
    long as `checked` has numbers left: the definitions are slow, and so are traces of memory."""
    if traced:
        tracemalloc.start(1)
    try:
        model = ev.from_onnx(data, memory=2**24)
    except FileFormatError:
        return True
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 2**26
    if not checked:
        return False
    checked.pop()
    proto = onnx.ModelProto.FromString(data)
    whole = proto.graph.input[0].type.tensor_type.elem_type in (TensorProto.INT64,
                                                                 TensorProto.INT32)
    dims = [d.dim_value for d in proto.graph.input[0].type.tensor_type.shape.dim][1:]
    rng = np.random.default_rng(1)
    x = rng.integers(0, 7, (3, *dims)) if whole else rng.normal(size=(3, *dims))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            kind = helper.tensor_dtype_to_np_dtype(proto.graph.input[0].type.tensor_type.elem_type)
            (wanted,) = ReferenceEvaluator(proto).run(None, {proto.graph.input[0].name:
                                                             x.astype(kind)})
        except Exception:  # of a graph that the reference cannot run there is no right answer
            return False
        own = x if model.input_shape == tuple(dims) else np.moveaxis(x, 1, -1)
        try:
            got = model.predict(own)
        except ev.errors.DataError:
            return False  # numbers that the table does not have
    # Ours has the examples in front and the channels last.
    forms = [np.moveaxis(wanted, axis, 0) for axis, n in enumerate(wanted.shape) if n == 3]
    forms += [np.moveaxis(form, 1, -1) for form in forms if form.ndim > 2]
    with np.errstate(all="ignore"):
        scale = np.abs(wanted[np.isfinite(wanted)]).max(initial=1.0)
        assert scale > 1e30 or any(
            np.allclose(got, form.reshape(got.shape), 1e-3, 1e-4 * scale, equal_nan=True)
            for form in forms if form.size == got.size)
    return False


def damaged(data: bytes, rng: random.Random) -> bytes:
    """The bytes of a file with something wrong."""
    at, other = rng.randrange(len(data)), rng.randrange(len(data))
    begin, end = min(at, other), max(at, other)
    kind = rng.randrange(8)
    if kind <= 3:
        changed = bytearray(data)
        for _ in range(rng.choice([1, 1, 2, 20])):
            changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        return bytes(changed)
    if kind == 4:
        return data[:at]
    if kind == 5:
        return data[:at] + rng.randbytes(rng.randrange(1, 9)) + data[at:]
    if kind == 6:
        return data[:begin] + data[end:]
    return data[end:] + data[:begin]


NUMBERS = [0, 1, -1, 2, 3, 7, 2**31 - 1, 2**31, 2**40, 2**62, -(2**63), 10**6]


def lie(model: onnx.ModelProto, rng: random.Random) -> None:
    """Changes something such that the message stays whole."""
    graph = model.graph
    node = rng.choice(graph.node)
    names = [name for other in graph.node for name in (*other.input, *other.output)]
    kind = rng.randrange(11)
    if kind == 0 and node.attribute:
        attribute = rng.choice(node.attribute)
        if attribute.ints:
            attribute.ints[rng.randrange(len(attribute.ints))] = rng.choice(NUMBERS)
        attribute.i = rng.choice(NUMBERS)
        attribute.f = rng.choice([0.0, -1.0, 1e30, float("nan"), float("inf"), 0.5])
    elif kind == 1 and node.attribute:
        attribute = rng.choice(node.attribute)
        attribute.name = rng.choice(["axis", "perm", "pads", "strides", "kernel_shape", "x"])
    elif kind == 2:
        node.op_type = rng.choice([other.op_type for other in graph.node] + [
            "Relu", "Tanh", "Identity", "Mul", "Concat", "If", "Reshape", "MatMul", "Sum", "Shape"])
    elif kind == 3 and node.input:
        node.input[rng.randrange(len(node.input))] = rng.choice(names)
    elif kind == 4:
        tensor = rng.choice(graph.initializer)
        tensor.dims[rng.randrange(len(tensor.dims))] = rng.choice(NUMBERS)
    elif kind == 5:
        tensor = rng.choice(graph.initializer)
        tensor.data_type = rng.randrange(24)
    elif kind == 6:
        dim = rng.choice(graph.input[0].type.tensor_type.shape.dim)
        dim.dim_value = rng.choice(NUMBERS)
    elif kind == 7:
        graph.node.insert(rng.randrange(len(graph.node)), rng.choice(graph.node))
    elif kind == 8:
        del graph.node[rng.randrange(len(graph.node))]
    elif kind == 9:
        one, other = rng.choice(graph.initializer), rng.choice(graph.initializer)
        one.name, other.name = other.name, one.name
    else:
        node.output[0] = rng.choice(names)


COUNTS = [pytest.param(60, 40), pytest.param(8500, 1500, marks=pytest.mark.sweep)]


@pytest.mark.parametrize(("raw", "whole"), COUNTS)
@pytest.mark.parametrize("make", [images, sequences])
def test_mutations(make, raw, whole):
    original = make()
    data = original.SerializeToString()
    checked = list(range(15 if raw < 1000 else 60))
    assert not is_refused(data, checked)
    rng = random.Random(raw)
    assert sum(is_refused(damaged(data, rng), checked, i % 10 == 0) for i in range(raw)) > 0.3 * raw
    refused = 0
    for _ in range(whole):
        model = onnx.ModelProto.FromString(data)
        for _ in range(rng.choice([1, 1, 1, 3])):
            lie(model, rng)
        refused += is_refused(model.SerializeToString(), checked)
    assert 0.3 * whole < refused < whole


def relu(dims=("n", 3), op="Relu", *inputs, **attributes) -> onnx.ModelProto:
    kind = TensorProto.FLOAT
    graph = helper.make_graph(
        [helper.make_node(op, ["x", *inputs], ["y"], **attributes)], "g",
        [helper.make_tensor_value_info("x", kind, dims)],
        [helper.make_tensor_value_info("y", kind, None)])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def external(location: str, size: int = 12, **more: int) -> onnx.ModelProto:
    """A model whose one array lies in another file."""
    model = relu(("n", 1), "MatMul", "w")
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1, size // 4],
                         data_location=TensorProto.EXTERNAL)
    for key, value in {"location": location, "length": size, **more}.items():
        tensor.external_data.add(key=key, value=str(value))
    model.graph.initializer.append(tensor)
    return model


def test_data_beside_the_file(tmp_path):
    numbers = np.array([1.5, -2.0, 3.0], np.float32)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "w.bin").write_bytes(b"1234" + numbers.tobytes())
    path = tmp_path / "it.onnx"
    path.write_bytes(external("deep/w.bin", offset=4).SerializeToString())
    np.testing.assert_array_equal(ev.from_onnx(path).predict([[2.0]]), [2 * numbers])
    with pytest.raises(FileFormatError, match=r"'w': lies in another file.*give .* the path"):
        ev.from_onnx(path.read_bytes())


def test_data_elsewhere_is_not_read(tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(bytes(12))
    (folder / "own").write_bytes(bytes(12))
    os.symlink(tmp_path / "secret", folder / "link")
    os.symlink(tmp_path, folder / "up")
    os.mkfifo(folder / "pipe")
    path = folder / "it.onnx"
    for location in ("../secret", str(tmp_path / "secret"), "link", "up/secret", "", ".",
                     "../models/../secret", "/etc/passwd"):
        path.write_bytes(external(location).SerializeToString())
        with pytest.raises(FileFormatError, match="not a file in the model's own folder"):
            ev.from_onnx(path)
    for location, more in (("own", {"offset": 4}), ("own", {"size": 16}), ("own", {"offset": -1}),
                           ("own", {"offset": "x"}), ("own", {"length": 8}), ("missing", {}),
                           ("a\0b", {}), ("pipe", {})):
        path.write_bytes(external(location, **more).SerializeToString())
        with pytest.raises(FileFormatError, match=r"does not hold|cannot be read|is no file"):
            ev.from_onnx(path)


def test_sizes_are_believed_only_where_they_can_be():
    model = relu(("n", 3), "Reshape", "w")
    model.graph.initializer.append(TensorProto(name="w", data_type=TensorProto.INT64,
                                               dims=[2**40], raw_data=bytes(8)))
    with pytest.raises(FileFormatError, match="more than memory="):
        ev.from_onnx(model)
    model.graph.initializer[0].dims[0] = 2
    with pytest.raises(FileFormatError, match=r"is said to have shape \(2,\)"):
        ev.from_onnx(model)
    with pytest.raises(FileFormatError, match=r"a batch would take .* bytes"):
        ev.from_onnx(relu(("n", 2**30, 2**30)))
    large = parser.parse_model("""<ir_version: 8, opset_import: ["" : 17]>
    g (float[n, 3] x) => (float[n, 3] y) {
        s = Constant <value_ints = [1000000, 1000000]> ()
        c = ConstantOfShape (s)
        y = Add (x, c)
    }""")
    with pytest.raises(FileFormatError, match=r"needs .* bytes, memory=.* does not allow"):
        ev.from_onnx(relu(("n", 2**10, 2**10)), memory=2**20)
    with pytest.raises(FileFormatError, match="more than memory= allows of constants"):
        ev.from_onnx(large)
    doubled = relu()
    doubled.graph.initializer.append(numpy_helper.from_array(np.ones(4, np.float32), "c0"))
    for i in range(60):
        twice = helper.make_node("Concat", [f"c{i}"] * 2, [f"c{i + 1}"], axis=0)
        doubled.graph.node.insert(i, twice)
    doubled.graph.node[-1].op_type = "Add"
    doubled.graph.node[-1].input.append("c60")
    with pytest.raises(FileFormatError, match="more than memory= allows of constants"):
        ev.from_onnx(doubled, memory=2**26)


def test_files_that_are_none(tmp_path):
    for data in (b"", b"PK\3\4", b"\xff" * 100, bytes(50)):
        with pytest.raises(FileFormatError, match="no ONNX file"):
            ev.from_onnx(data)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileFormatError, match="not a regular file"):
        ev.from_onnx(tmp_path / "pipe")
    with pytest.raises(FileNotFoundError):
        ev.from_onnx(tmp_path / "nothing.onnx")
    with pytest.raises(IsADirectoryError):
        ev.from_onnx(tmp_path)
    (tmp_path / "it").write_bytes(relu().SerializeToString())
    with pytest.raises(FileFormatError, match=r"it: .* bytes are more than memory=10"):
        ev.from_onnx(tmp_path / "it", memory=10)


def test_long_chains_end():
    model = relu()
    model.graph.node[0].input[0] = "a300"
    for i in range(300):
        model.graph.node.insert(i, helper.make_node("Tanh" if i else "Identity",
                                                    [f"a{i}" if i else "x"], [f"a{i + 1}"]))
    assert len(ev.from_onnx(model).net.layers) == 300
