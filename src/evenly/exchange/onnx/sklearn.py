"""Evenly's estimators within scikit-learn's pipelines, for skl2onnx."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import ConfigurationError
from .estimators import LABEL, answers, plain_classes
from .graph import Graph, need_onnx
from .layers import precision
from .scales import cast

_OPTIONS = {"zipmap": [True, False, "columns"], "nocl": [True, False],
            "output_class_labels": [False, True]}


def register_onnx_converters() -> None:
    """Tells skl2onnx how Evenly's estimators are converted: NetClassifier, NetRegressor,
    NetTransformer, TableClassifier and TableRegressor, alone or as steps of a scikit-learn
    ``Pipeline``, go through ``skl2onnx.to_onnx`` and ``convert_sklearn`` from then on.

    A classifier takes skl2onnx's options ``zipmap``, ``nocl`` and ``output_class_labels``. Outputs
    are float32, or float64 where the inputs are and ``zipmap`` is off; the network computes in
    float64 as :func:`evenly.to_onnx` has it. Called again it changes nothing.

    Raises:
        ConfigurationError: skl2onnx is missing.

    Example:
        >>> register_onnx_converters()                                      # doctest: +SKIP
        >>> proto = skl2onnx.to_onnx(pipeline, X[:1])                       # doctest: +SKIP
    """
    try:
        from skl2onnx import update_registered_converter
    except ImportError:
        raise ConfigurationError(
            "register_onnx_converters needs skl2onnx: pip install skl2onnx"
        ) from None
    from ...estimators import NetClassifier, NetRegressor, NetTransformer
    from ...tables import TableClassifier, TableRegressor

    for kind in (NetClassifier, NetRegressor, NetTransformer, TableClassifier, TableRegressor):
        classifies = kind in (NetClassifier, TableClassifier)
        update_registered_converter(kind, f"Evenly{kind.__name__}", _shapes, _convert,
                                    options=_OPTIONS if classifies else None)


def _shapes(operator: Any) -> None:
    """The types and shapes of what an estimator puts out."""
    from skl2onnx.common import data_types as types

    net = operator.raw_operator
    rows = operator.inputs[0].type.shape[0]
    number = _number_type(operator, types)
    inner: Any = net.estimator_ if hasattr(net, "inputs_") else net
    if hasattr(net, "classes_"):
        labels = plain_classes(net.classes_)
        several = [rows, len(labels)]
        kinds = {"i": types.Int64TensorType, "b": types.BooleanTensorType,
                 "f": types.DoubleTensorType}
        many = inner._multi_label
        kind = types.Int64TensorType if many else (
            kinds.get(labels.dtype.kind, types.StringTensorType))
        operator.outputs[0].type = kind(several if many else [rows])
        operator.outputs[1].type = number(several)
    elif "transform" in dir(net):
        operator.outputs[0].type = number([rows, net._n_features_out])
    else:
        loss, targets = inner._trained_loss(), inner.n_outputs_
        shape = [targets] if loss.outputs_each == 1 else [loss.outputs_each] if inner._one_axis \
            else [targets, loss.outputs_each]
        operator.outputs[0].type = number([rows, *shape])


def _number_type(operator: Any, types: Any) -> Any:
    double = any(isinstance(one.type, types.DoubleTensorType) for one in operator.inputs)
    maps = False
    if hasattr(operator.raw_operator, "classes_"):
        options = operator.scope_inst.get_options(operator.raw_operator, {"zipmap": True})
        maps = options.get("zipmap") is True  # a dict a row, of float32
    return types.DoubleTensorType if double and not maps else types.FloatTensorType


def _convert(scope: Any, operator: Any, container: Any) -> None:
    """Writes an estimator into skl2onnx's graph."""
    from skl2onnx.common import data_types as types

    onnx, net = need_onnx("register_onnx_converters"), operator.raw_operator
    prefix = scope.get_unique_operator_name(type(net).__name__)
    g = Graph(onnx, np.float64, prefix=f"{prefix}/")
    g.scope = "inputs"
    table = hasattr(net, "inputs_")
    x = _columns(g, operator, net, types) if table else _double(g, operator.inputs[0], types)
    inner = net.estimator_ if table else net
    own = precision(inner.model_.net, None)
    for answer, variable in zip(answers(g, inner, x, own), operator.outputs, strict=True):
        g.scope, name = answer.name, answer.tensor
        if answer.name != LABEL:
            double = isinstance(variable.type, types.DoubleTensorType)
            name = cast(g, name, np.float64 if double else np.float32, answer.dtype)
        g.rename(name, variable.full_name)
    _hand_over(g, container)


def _hand_over(g: Graph, container: Any) -> None:
    opset = container.target_opset
    if opset < g.opset:
        raise ConfigurationError(
            f"register_onnx_converters: target_opset={opset}: the graph needs at least {g.opset}"
        )
    nodes, constants = g.parts(opset)
    for tensor in constants:
        container.initializers.append(tensor)
    helper = g.onnx.helper
    for node in nodes:
        container.add_node(
            node.op_type, list(node.input), list(node.output), op_domain=node.domain,
            op_version=2 if node.domain else opset, name=node.name,
            **{one.name: helper.get_attribute_value(one) for one in node.attribute})


def _double(g: Graph, variable: Any, types: Any) -> str:
    if isinstance(variable.type, types.DoubleTensorType):
        return str(variable.full_name)
    return g("Cast", variable.full_name, to=g.onnx.TensorProto.DOUBLE)


def _columns(g: Graph, operator: Any, model: Any, types: Any) -> str:
    """The network's inputs from inputs by column, or from one matrix of numbers."""
    from .tables import columns_of, inputs_of

    columns, given = columns_of(model), {}
    if len(operator.inputs) == 1 and model.n_features_in_ > 1:
        texts = [name for name, dtype, _ in columns if dtype is object]
        if texts:
            raise ConfigurationError(
                f"register_onnx_converters: column '{texts[0]}' is text: give an input for each "
                "column, such as (\"color\", StringTensorType([None, 1]))"
            )
        every = [column.name for column in model.columns_.columns]
        x = _double(g, operator.inputs[0], types)
        given = {name: g("Gather", x, g.whole(every.index(name)), axis=1)
                 for name, *_ in columns}
        return inputs_of(g, model, given)
    named = {one.raw_name: one for one in operator.inputs}
    places = [column.name for column in model.columns_.columns]
    if len(operator.inputs) == len(places) and "feature_names_in_" not in vars(model):
        named = dict(zip(places, operator.inputs, strict=True))
    for name, dtype, _ in columns:
        if name not in named:
            raise ConfigurationError(f"register_onnx_converters: no input is named '{name}', a "
                                     "column of training: name inputs as columns are")
        given[name] = named[name].full_name if dtype is object else _double(g, named[name], types)
    return inputs_of(g, model, given)
