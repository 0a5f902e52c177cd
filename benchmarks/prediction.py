"""Prediction with a trained network: 784-256-256-10, one row and a batch; from sixteen threads.

The network was trained with batch normalization and dropout. In inference both are affine or
nothing, so every peer gets the form its users would deploy: normalization folded into the dense
layers, weights constant. Evenly's is a Predictor. Each call takes an array that is in memory and
leaves scores in memory. Rows of fewer bits are of Evenly and, for int8, of ONNX Runtime's dynamic
quantization; the others compute in float32.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from .goals import goals
from .nets.case import Net
from .rows import Needs, Row

TITLE = "Prediction"
Run = Callable[[int], None]


@dataclass(frozen=True)
class Case:
    """What is predicted, and how.

    Attributes:
        net: with the rows of a call as its batch.
        dtype: of the kernels of dense layers.
        callers: threads of a server that call at once; then a call has one thread, and a step is
            one call of each.
    """

    net: Net
    dtype: str = "float32"
    callers: int = 1

    def __str__(self) -> str:
        words = [str(self.net)]
        words += [self.dtype] * (self.dtype != "float32")
        return ", ".join(words + [f"{self.callers} callers"] * (self.callers > 1))


def _row(batch: int, **more: Any) -> Row:
    case = Case(Net((784, 256, 256, 10), batch), **more)
    one, times_all = case.net.inference_needs(), case.callers
    needs = Needs(one.flops * times_all, one.bytes * times_all, one.working_set * times_all)
    name = f"predict {case}"
    return Row(name, case, goals(name), needs if not more.get("dtype") else None)


ROWS = (
    _row(1), _row(256), _row(16, callers=16),
    _row(1, dtype="bfloat16"), _row(256, dtype="bfloat16"), _row(1, dtype="int8"),
    _row(256, dtype="int8"),
)


def _repeat(predict: Callable[[Any], Any], case: Case) -> Run:
    x = _input(case.net)

    def calls(steps: int) -> None:
        for _ in range(steps):
            predict(x)

    if case.callers == 1:
        return calls
    pool = ThreadPoolExecutor(case.callers)
    return lambda steps: [one.result() for one in [
        pool.submit(calls, steps) for _ in range(case.callers)
    ]] and None


def _threads(case: Case, threads: int) -> int:
    """Of a call."""
    return threads if case.callers == 1 else 1


def _input(net: Net) -> Any:
    return net.batches()[0][0]


def _folded(net: Net) -> list[tuple[Any, Any]]:
    """Kernel (in, out) and bias of each dense layer, normalization folded in."""
    random = np.random.default_rng(0)
    return [
        (
            random.standard_normal(shape, dtype=np.float32) * np.float32((2 / shape[0]) ** 0.5),
            random.standard_normal(shape[1], dtype=np.float32),
        )
        for shape in net.layers
    ]


def _evenly(case: Case, threads: int) -> Run:
    import evenly as ev

    from .nets import with_evenly

    model = ev.Model(with_evenly.engine(replace(case.net, batch=128), threads))
    # It measures how many of the threads that the environment allows are worth their meetings.
    predictor = ev.Predictor(model, case.dtype)
    return _repeat(predictor.predict, case)


def _torch_network(net: Net) -> Any:
    import torch
    from torch import nn

    layers: list[nn.Module] = []
    for kernel, bias in _folded(net):
        linear = nn.Linear(*kernel.shape)
        linear.weight.data.copy_(torch.from_numpy(kernel.T))
        linear.bias.data.copy_(torch.from_numpy(bias))
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1]).eval()


def _torch(case: Case, threads: int) -> Run:
    import torch

    torch.set_num_threads(_threads(case, threads))
    network = _torch_network(case.net)

    def predict(x: Any) -> Any:
        with torch.inference_mode():
            return network(torch.from_numpy(x))

    return _repeat(predict, case)


def _torch_compiled(case: Case, threads: int) -> Run:
    import torch

    from .nets import with_torch

    torch.set_num_threads(_threads(case, threads))
    # Frozen weights are constants, which the compiler may lay out anew.
    options = {**with_torch.OPTIONS, "freezing": True}
    network = torch.compile(_torch_network(case.net), options=options)

    def predict(x: Any) -> Any:
        with torch.no_grad():
            return network(torch.from_numpy(x))

    return _repeat(predict, case)


def _jax(case: Case, threads: int) -> Run:
    import jax

    layers = [tuple(map(jax.numpy.asarray, layer)) for layer in _folded(case.net)]

    @jax.jit
    def network(layers: Any, x: Any) -> Any:
        for kernel, bias in layers[:-1]:
            x = jax.nn.relu(x @ kernel + bias)
        return x @ layers[-1][0] + layers[-1][1]

    x = jax.device_put(_input(case.net))
    # Whoever asks for one prediction waits for it.
    return _repeat(lambda _: network(layers, x).block_until_ready(), case)


def _onnxruntime(case: Case, threads: int) -> Run:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = _threads(case, threads)
    options.inter_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    model = _onnx_model(case.net)
    if case.dtype == "int8":
        model = _onnx_quantized(model)
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return _repeat(lambda x: session.run(None, {"x": x}), case)


def _onnx_quantized(model: bytes) -> bytes:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with TemporaryDirectory() as folder:
        plain, small = Path(folder) / "plain.onnx", Path(folder) / "small.onnx"
        plain.write_bytes(model)
        quantize_dynamic(plain, small, weight_type=QuantType.QInt8, per_channel=True)
        return small.read_bytes()


def _onnx_model(net: Net) -> bytes:
    from onnx import TensorProto, checker, helper, numpy_helper

    nodes, weights, last = [], [], "x"
    layers = _folded(net)
    for i, (kernel, bias) in enumerate(layers):
        weights += [numpy_helper.from_array(kernel, f"kernel_{i}")]
        weights += [numpy_helper.from_array(bias, f"bias_{i}")]
        inputs = [last, f"kernel_{i}", f"bias_{i}"]
        last = "scores" if i == len(layers) - 1 else f"dense_{i}"
        nodes.append(helper.make_node("Gemm", inputs, [last]))
        if last != "scores":
            nodes.append(helper.make_node("Relu", [last], [f"relu_{i}"]))
            last = f"relu_{i}"
    graph = helper.make_graph(
        nodes, "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", net.sizes[0]])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["rows", net.sizes[-1]])],
        weights,
    )
    # An older version of both, which every runtime of the last years reads.
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    checker.check_model(model)
    return model.SerializeToString()


def _sklearn(case: Case, threads: int) -> Run:
    from sklearn.neural_network import MLPClassifier

    net = case.net
    x, y = net.batches()[0]
    model = MLPClassifier(net.hidden, batch_size=net.batch)
    model.partial_fit(x, y, classes=np.arange(net.sizes[-1]))
    model.coefs_, model.intercepts_ = map(list, zip(*_folded(net), strict=True))
    return _repeat(model.predict_proba, case)


BUILDERS = {
    "evenly": _evenly, "torch": _torch, "torch_compiled": _torch_compiled, "jax": _jax,
    "onnxruntime": _onnxruntime, "sklearn": _sklearn,
}
