"""Prediction with a trained network: 784-256-256-10, one row and a batch.

The network was trained with batch normalization and dropout. In inference both are affine or
nothing, so every peer gets the form its users would deploy: normalization folded into the dense
layers. Evenly gets the network as it was trained and is asked through ``predict``. Each call takes
an array that is in memory and leaves scores in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from .goals import goals
from .nets.case import Net
from .rows import Row

TITLE = "Prediction"
Run = Callable[[int], None]


def _row(batch: int) -> Row:
    net = Net((784, 256, 256, 10), batch)
    name = f"predict {net}"
    return Row(name, net, goals(name), net.inference_needs())


ROWS = (_row(1), _row(256))


def _repeat(predict: Callable[[Any], Any], x: Any) -> Run:
    def run(steps: int) -> None:
        for _ in range(steps):
            predict(x)

    return run


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


def _evenly(net: Net, threads: int) -> Run:
    from .nets import with_evenly

    engine = with_evenly.engine(replace(net, batch=128), threads)
    return _repeat(engine.predict, _input(net))


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


def _torch(net: Net, threads: int) -> Run:
    import torch

    torch.set_num_threads(threads)
    network = _torch_network(net)
    run = _repeat(network, torch.from_numpy(_input(net)))
    return torch.inference_mode()(run)


def _torch_compiled(net: Net, threads: int) -> Run:
    import torch

    from .nets import with_torch

    torch.set_num_threads(threads)
    # Frozen weights are constants, which the compiler may lay out anew.
    options = {**with_torch.OPTIONS, "freezing": True}
    network = torch.compile(_torch_network(net), options=options)
    run = _repeat(network, torch.from_numpy(_input(net)))
    return torch.no_grad()(run)


def _jax(net: Net, threads: int) -> Run:
    import jax

    layers = [tuple(map(jax.numpy.asarray, layer)) for layer in _folded(net)]

    @jax.jit
    def predict(layers: Any, x: Any) -> Any:
        for kernel, bias in layers[:-1]:
            x = jax.nn.relu(x @ kernel + bias)
        return x @ layers[-1][0] + layers[-1][1]

    x = jax.device_put(_input(net))

    def run(steps: int) -> None:
        for _ in range(steps):
            # Whoever asks for one prediction waits for it.
            predict(layers, x).block_until_ready()

    return run


def _onnxruntime(net: Net, threads: int) -> Run:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = ort.InferenceSession(
        _onnx_model(net), options, providers=["CPUExecutionProvider"]
    )
    return _repeat(lambda x: session.run(None, {"x": x}), _input(net))


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


def _sklearn(net: Net, threads: int) -> Run:
    from sklearn.neural_network import MLPClassifier

    x, y = net.batches()[0]
    model = MLPClassifier(net.hidden, batch_size=net.batch)
    model.partial_fit(x, y, classes=np.arange(net.sizes[-1]))
    model.coefs_, model.intercepts_ = map(list, zip(*_folded(net), strict=True))
    return _repeat(model.predict_proba, x)


BUILDERS = {
    "evenly": _evenly, "torch": _torch, "torch_compiled": _torch_compiled, "jax": _jax,
    "onnxruntime": _onnxruntime, "sklearn": _sklearn,
}
