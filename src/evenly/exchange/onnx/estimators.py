"""Estimators in ONNX: the scale of the inputs, the network, and what makes answers of scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import ConfigurationError
from ...losses import Gamma, Loss, Poisson, Quantile
from .graph import BATCH, INPUT, Graph, Value
from .layers import precision, write
from .math import soft_plus
from .scales import cast, in_units, scaled_columns

LABEL, PROBABILITIES, VARIABLE, TRANSFORMED = "label", "probabilities", "variable", "transformed"


@dataclass(frozen=True)
class Answer:
    """A tensor that comes out: its name there, and in the graph; type, and shape of a row."""

    name: str
    tensor: str
    dtype: Any
    shape: tuple[int, ...]


def of_estimator(onnx: Any, estimator: Any, settings: dict[str, Any]) -> tuple[Graph, str]:
    """The graph of an estimator, and what it is."""
    check_fitted(estimator, "model_")
    check_settings(settings)
    graph = Graph(onnx, np.float64)
    dtype = precision(estimator.model_.net, settings["dtype"])
    x = graph.input(INPUT, dtype, (BATCH, estimator.n_features_in_))
    graph.scope = INPUT
    x = cast(graph, x, np.float64, dtype)
    finish(graph, answers(graph, estimator, x, dtype))
    return graph, type(estimator).__name__


def check_settings(settings: dict[str, Any]) -> None:
    """Raises ConfigurationError for arguments of to_onnx that an estimator has no use for."""
    for name in ("channels_first", "lengths"):
        if settings[name]:
            raise ConfigurationError(
                f"to_onnx: {name}=True is for a Model: an estimator reads rows of features; give "
                "estimator.model_"
            )


def check_fitted(estimator: Any, attribute: str) -> None:
    """Raises ConfigurationError where there is nothing to write yet."""
    if attribute not in vars(estimator):
        raise ConfigurationError(f"to_onnx: this {type(estimator).__name__} is not fitted: call "
                                 "fit first")


def finish(graph: Graph, found: list[Answer]) -> None:
    """Has the answers come out."""
    for one in found:
        graph.scope = one.name
        graph.output(one.tensor, one.name, one.dtype, (BATCH, *one.shape))


def answers(graph: Graph, estimator: Any, x: str, dtype: str) -> list[Answer]:
    """What an estimator says about rows, (batch, columns) float64; its network in `dtype`."""
    kinds = {kind.__name__ for kind in type(estimator).__mro__}
    if "NetTransformer" in kinds:
        net, scaled = estimator._net_to_layer(), estimator.estimator_
    else:
        net, scaled = estimator.model_.net.named, estimator
    graph.scope = "scale"
    if scaled is not None:
        raw, codes = x, scaled._coded[0]
        x = scaled_columns(graph, scaled.scaler_, scaled._constants, raw)
        if codes and x != raw:  # row numbers of a table, which stand last, have no scale
            width = scaled.n_features_in_
            x = graph("Where", graph.constant(np.arange(width) >= width - codes), raw, x)
    kept, graph.dtype = graph.dtype, np.dtype(dtype)
    value = Value(graph, estimator.model_.input_shape, {(0, 1): cast(graph, x, dtype)})
    value = write(graph, net, dict(estimator.model_.weights), value, None)
    graph.scope = "scores"
    scores, width = value.form(value.ours), int(np.prod(value.shape))
    if len(value.shape) > 1:
        scores = graph("Reshape", scores, graph.whole(0, width))
    if "NetTransformer" in kinds:
        found = [Answer(TRANSFORMED, scores, dtype, (width,))]
    elif "NetClassifier" in kinds:
        found = _classes(graph, estimator, scores, width, dtype)
    else:
        scores = cast(graph, scores, np.float64, dtype)  # targets may be of any size
        graph.dtype = np.dtype(np.float64)
        found = _numbers(graph, estimator, scores, dtype)
    graph.dtype = kept
    return found


# Classes ----------------------------------------------------------------------------------------


def _classes(g: Graph, net: Any, scores: str, width: int, dtype: str) -> list[Answer]:
    classes, several = net.classes_, net._multi_label
    if net.temperature_ is not None:
        scores = g("Div", scores, float(net.temperature_))
    two = len(classes) == 2 and not several
    if two and width == 2:
        one, other = (g("Gather", scores, g.whole(place), axis=1) for place in (1, 0))
        scores = g("Sub", one, other)
    g.scope = PROBABILITIES
    if two:
        chances = g("Concat", g("Sigmoid", g("Neg", scores)), g("Sigmoid", scores), axis=1)
    else:
        chances = g("Sigmoid", scores) if several else g("Softmax", scores, axis=1)
    g.scope = LABEL
    if net.threshold_ is not None:
        own = g("Gather", chances, g.whole(1), axis=1) if two else chances
        yes = g("GreaterOrEqual", own, np.asarray(net.threshold_, np.float64))
    else:
        yes = g("Greater", scores, 0.0) if two or several else ""
    if several:
        labels = g("Cast", yes, to=g.onnx.TensorProto.INT64)
        label = Answer(LABEL, labels, np.int64, (len(classes),))
    else:
        label = _label(g, classes, yes, scores)
    return [label, Answer(PROBABILITIES, chances, dtype, (len(classes),))]


def _label(g: Graph, classes: Any, yes: str, scores: str) -> Answer:
    """The class of each row: of two by whether it is the second, else the one of most."""
    if yes:
        place = g("Reshape", g("Cast", yes, to=g.onnx.TensorProto.INT64), g.whole(-1))
    else:
        place = g("ArgMax", scores, axis=1, keepdims=0)
    labels = plain_classes(classes)
    dtype = None if labels.dtype.kind != "f" else np.float64
    return Answer(LABEL, g("Gather", g.constant(labels, dtype=dtype), place, axis=0),
                  labels.dtype, ())


def plain_classes(classes: Any) -> Any:
    """Labels as ONNX has them: whole numbers, numbers, truth values, or text.

    Raises:
        ConfigurationError: labels of other types.
    """
    labels = np.asarray(classes)
    if labels.dtype.kind in "iu":
        return labels.astype(np.int64)
    if labels.dtype.kind == "f":
        return labels.astype(np.float64)
    if labels.dtype.kind == "b":
        return labels
    if all(isinstance(label, str) for label in labels.tolist()):
        return labels.astype(object)
    raise ConfigurationError(
        f"to_onnx: classes must be numbers, truth values or text, got {labels.tolist()[:3]}: fit "
        "on y.astype(str)"
    )


def label_of(g: Graph, classes: Any, scores: str, shape: tuple[int, ...]) -> None:
    """The label of a saved model's scores, as an output."""
    if len(shape) != 1:
        raise ConfigurationError(f"to_onnx: labels are for scores of shape (rows, classes), got "
                                 f"(batch, {', '.join(map(str, shape))})")
    g.scope = LABEL
    finish(g, [_label(g, classes, g("Greater", scores, 0.0) if shape[0] == 1 else "", scores)])


# Numbers ----------------------------------------------------------------------------------------


def _numbers(g: Graph, net: Any, scores: str, dtype: str) -> list[Answer]:
    loss, targets, scaler = net._trained_loss(), net.n_outputs_, net.target_scaler_
    g.scope = VARIABLE
    each = loss.outputs_each
    if isinstance(loss, (Poisson, Gamma)):
        scores = g("Exp", scores)
    elif type(loss).predicted is not Loss.predicted and not isinstance(loss, Quantile):
        raise ConfigurationError(
            f"to_onnx: {type(net).__name__}: what {type(loss).__name__} predicts has no "
            "counterpart in ONNX: write estimator.model_, whose scores come out as they are"
        )
    if each == 1:
        y = in_units(g, scaler, scores)
        return [Answer(VARIABLE, cast(g, y, dtype), dtype, (targets,))]
    y = in_units(g, scaler, _quantiles(g, loss, g("Reshape", scores, g.whole(0, targets, each))), 1)
    shape = (each,) if net._one_axis else (targets, each)
    if net._one_axis:
        y = g("Reshape", y, g.whole(0, each))
    return [Answer(VARIABLE, cast(g, y, dtype), dtype, shape)]


def _quantiles(g: Graph, loss: Any, scores: str) -> str:
    """(batch, targets, levels) that rise: the anchor, and gaps added or taken away."""
    parts = [g("Gather", scores, g.whole(level), axis=2) for level in range(loss.outputs_each)]
    for level in range(loss.anchor + 1, len(parts)):
        parts[level] = g("Add", parts[level - 1], soft_plus(g, parts[level]))
    for level in range(loss.anchor - 1, -1, -1):
        parts[level] = g("Sub", parts[level + 1], soft_plus(g, parts[level]))
    return g("Concat", *parts, axis=2)
