"""The public test cases of the operators that we have something for, as the package onnx ships
them: those that it computes, operator by operator, and those that it has from PyTorch."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

# Each operator, and the module of onnx.backend.test.case.node that makes its cases. Importing a
# module makes them: the other modules are left alone, some of them warn and take long.
OPERATORS = {
    "Adagrad": "adagrad", "Adam": "adam", "AveragePool": "averagepool",
    "BatchNormalization": "batch_normalization", "Conv": "conv", "Dropout": "dropout",
    "Elu": "elu", "Gelu": "gelu", "Gemm": "gemm", "GlobalAveragePool": "globalaveragepool",
    "GlobalMaxPool": "globalmaxpool", "GroupNormalization": "groupnormalization", "GRU": "gru",
    "HardSigmoid": "hardsigmoid", "HardSwish": "hardswish",
    "InstanceNormalization": "instance_normalization",
    "LayerNormalization": "layernormalization", "LeakyRelu": "leakyrelu", "LSTM": "lstm",
    "MaxPool": "maxpool", "Mish": "mish", "Momentum": "momentum", "PRelu": "prelu",
    "Relu": "relu", "RMSNormalization": "rmsnormalization", "RNN": "rnn", "Selu": "selu",
    "Sigmoid": "sigmoid", "Softmax": "softmax",
    "SoftmaxCrossEntropyLoss": "softmax_cross_entropy_loss", "Softplus": "softplus",
    "Softsign": "softsign", "Swish": "swish", "Tanh": "tanh",
}
# Cases that were converted from PyTorch's own tests; their models and data lie in files.
CONVERTED = ("pytorch-converted", "pytorch-operator")


@dataclass(frozen=True)
class Case:
    """One application of one operator.

    Attributes:
        name: of the case, such as ``test_gru_defaults``.
        operator: such as ``GRU``.
        version: of the operator set.
        attributes: by name, defaults of the operator's schema included; text as str.
        inputs: as the node lists them; None for those left out, at least 8 entries.
        outputs: what should come, as the node lists it; None for those that are not asked for.
        rtol, atol: how far off it may be.
    """

    name: str
    operator: str
    version: int
    attributes: dict[str, Any]
    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]
    rtol: float
    atol: float


@cache
def all_cases() -> dict[str, Case]:
    """Every case whose model is one node of these operators, or was one before it was written out
    as a function of others (``..._expanded``), by name."""
    return {case.name: case for case in (*_computed(), *_converted())}


def _computed() -> list[Case]:
    from onnx.backend.test.case import node

    for module in OPERATORS.values():
        importlib.import_module(f"{node.__name__}.{module}")
    return [_case(test, test.model, *test.data_sets[0]) for test in node._NodeTestCases]


def _converted() -> list[Case]:
    import onnx
    from onnx.backend.test.loader import load_model_tests

    cases = []
    for kind in CONVERTED:
        for test in load_model_tests(kind=kind):
            folder = Path(test.model_dir)
            model = onnx.load(folder / "model.onnx")
            nodes = model.graph.node
            if len(nodes) == 1 and nodes[0].op_type in OPERATORS:
                data = folder / "test_data_set_0"
                cases.append(_case(test, model, _arrays(data, "input"), _arrays(data, "output")))
    return cases


def _arrays(folder: Path, kind: str) -> list[Any]:
    import onnx

    count = len(list(folder.glob(f"{kind}_*.pb")))
    return [onnx.numpy_helper.to_array(onnx.load_tensor(folder / f"{kind}_{i}.pb"))
            for i in range(count)]


def _case(test: Any, model: Any, inputs: Any, outputs: Any) -> Case:
    import onnx

    graph, version = model.graph, model.opset_import[0].version
    if "_expanded" in test.name:
        return Case(test.name, "", version, {}, (), (), test.rtol, test.atol)
    (node,) = graph.node
    schema = onnx.defs.get_schema(node.op_type, version, node.domain)
    attributes = {
        name: onnx.helper.get_attribute_value(attribute.default_value)
        for name, attribute in schema.attributes.items() if attribute.default_value.name
    }
    attributes |= {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    attributes = {name: value.decode() if isinstance(value, bytes) else value
                  for name, value in attributes.items()}
    known = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    fed = iter(inputs)
    taken = [None if not name else known[name] if name in known else next(fed)
             for name in node.input]
    came = iter(outputs)
    wanted = [next(came) if name else None for name in node.output]
    return Case(test.name, node.op_type, version, attributes,
                (*taken, *[None] * (8 - len(taken))), tuple(wanted), test.rtol, test.atol)
