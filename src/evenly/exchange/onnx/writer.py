"""ONNX models from models and estimators."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import ConfigurationError
from ...layers.base import Layer
from ...layers.containers import Sequential, leaves
from ...saving import Saved
from ...training import Model
from .graph import BATCH, INPUT, LENGTHS, OUTPUT, Graph, Value, need_onnx
from .layers import write


def to_onnx(
    model: Any, *, channels_first: bool = False, lengths: bool = False, dtype: str | None = None,
    opset: int | None = None,
) -> Any:
    """Builds an ONNX model that predicts as `model` does.

    Of a :class:`evenly.Model`: ``output`` for ``input``, as :meth:`Model.predict` has it. Of an
    estimator its whole preparation is in the graph: scales of inputs and targets, temperature and
    threshold; a NetClassifier gives ``label`` and ``probabilities``, a NetRegressor ``variable``, a
    NetTransformer ``transformed``. Of a network for tables, each column is an input of its name,
    (batch, 1): strings for categories, numbers for the others, dates as days since 1970. The batch
    is of any size. docs/exchange-onnx.md tells the details.

    Arguments:
        model: a Model, a :class:`evenly.Saved`, or a fitted NetClassifier, NetRegressor,
            NetTransformer, TableClassifier or TableRegressor.
        channels_first: whether images and sequences go in, and come out, as (batch, channels,
            positions...); else as here, with the channels last.
        lengths: whether a second input, ``lengths``, says how many steps of each sequence count:
            (batch,) whole numbers.
        dtype: of the numbers, ``"float32"`` or ``"float64"``; None: that of a model, and float64
            for estimators, who predict in it, unless their network has layers that ONNX Runtime
            has in float32 alone (convolutions, average pooling, recurrent layers, GELU).
        opset: a higher one than the graph needs; None: the lowest that has all its operators.

    Returns:
        An ``onnx.ModelProto``. Of more than 2 GB it is written with external data:
        ``onnx.save_model(proto, path, save_as_external_data=True)``, as ``evenly export`` does.

    Raises:
        ConfigurationError: onnx is missing; a layer, column or setting that ONNX cannot express,
            which is named.

    Example:
        >>> import evenly as ev
        >>> model = ev.init(ev.Sequential([ev.Dense(8), ev.ReLU(), ev.Dense(2)]), 4)
        >>> [node.name for node in to_onnx(model).graph.node]               # doctest: +SKIP
        ['dense_1', 'relu_1', 'dense_2']
    """
    onnx = need_onnx("to_onnx")
    if dtype not in (None, "float32", "float64"):
        raise ConfigurationError(f"to_onnx: dtype is 'float32', 'float64' or None, got {dtype!r}")
    settings = {"channels_first": channels_first, "lengths": lengths, "dtype": dtype}
    writer = _writer_of(model)
    graph, doc = writer(onnx, model, settings)
    newest = onnx.defs.onnx_opset_version()
    if opset is not None and not graph.opset <= opset <= newest:
        raise ConfigurationError(
            f"to_onnx: opset={opset!r}: this graph needs at least {graph.opset}, and this onnx has "
            f"none above {newest}"
        )
    return graph.model(doc, opset)


def _writer_of(model: Any) -> Any:
    kinds = {kind.__name__ for kind in type(model).__mro__}
    if isinstance(model, (Model, Saved)):
        return _of_model
    if "TableModel" in kinds:
        from .tables import of_table

        return of_table
    if "NetEstimator" in kinds:
        from .estimators import of_estimator

        return of_estimator
    hint = "; a scikit-learn Pipeline goes through skl2onnx: call evenly.register_onnx_converters()"
    raise ConfigurationError(
        "to_onnx: expects a Model, a Saved, or a fitted estimator of Evenly's, got "
        f"{type(model).__name__}{hint if 'BaseEstimator' in kinds else ''}"
    )


def _of_model(onnx: Any, what: Any, settings: dict[str, Any]) -> tuple[Graph, str]:
    from .scales import scaled_by

    model, saved = (what.model, what) if isinstance(what, Saved) else (what, None)
    program, first = model.engine.program, settings["channels_first"]
    dtype = settings["dtype"] or program.dtype
    indices = saved is None and _reads_indices(model.net)
    graph = Graph(onnx, dtype, indices)
    scaler = saved.scaler if saved is not None else None
    kind = np.int64 if indices else np.dtype(np.float64 if scaler is not None else dtype)
    value = input_of(graph, model.input_shape, first and not indices, kind)
    if scaler is not None:
        value = scaled_by(graph, scaler, value)
    value = network(graph, model.net, model.weights, value, settings["lengths"])
    graph.scope = OUTPUT
    name, shape = output_of(value, first)
    if saved is not None and saved.classes is not None:
        from .estimators import label_of

        label_of(graph, np.asarray(saved.classes), value.form(value.ours), value.shape)
    graph.output(name, "scores" if saved is not None else OUTPUT, dtype, shape)
    return graph, f"{model!r}"


def _reads_indices(net: Layer) -> bool:
    """Whether what comes in is looked up in a table."""
    first = next((layer for layer in leaves(net, Sequential)
                  if not layer.reshapes and not layer.inference_is_identity), None)
    return first is not None and first.reads_indices


def input_of(graph: Graph, shape: tuple[int, ...], first: bool, dtype: Any,
             name: str = INPUT) -> Value:
    """The value that comes in: examples of a shape."""
    value = Value(graph, shape, {})
    order = value.first if first else value.ours
    sizes = tuple((BATCH, *shape)[axis] for axis in order)
    value.forms[order] = graph.input(name, dtype, sizes)
    return value


def output_of(value: Value, first: bool) -> tuple[str, tuple[Any, ...]]:
    """The tensor that comes out, and its shape."""
    order = value.first if first else value.ours
    return value.form(order), tuple((BATCH, *value.shape)[axis] for axis in order)


def network(graph: Graph, net: Any, weights: Any, value: Value, lengths: bool = False) -> Value:
    """Writes a network behind a value."""
    given = None
    if lengths:
        if not any(layer.takes_lengths for _, layer in net.named_layers()):
            raise ConfigurationError("to_onnx: lengths=True, and no layer of the network reads how "
                                     "long sequences are: leave it out")
        graph.scope = LENGTHS
        name = graph.input(LENGTHS, np.int64, (BATCH,))
        given = graph("Cast", name, to=graph.onnx.TensorProto.INT32)
    return write(graph, net.named, dict(weights), value, given)
