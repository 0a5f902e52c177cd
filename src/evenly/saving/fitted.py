"""Fitted scikit-learn estimators as JSON and arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import ConfigurationError
from ..estimators import NetClassifier, NetRegressor
from ..estimators.answers.calibration import COLDEST, HOTTEST
from ..estimators.answers.monitor import FROM_HELD
from ..estimators.answers.regression_losses import scale_fits
from ..estimators.base import NetEstimator
from ..estimators.effort import CHOSEN
from ..estimators.inputs import constants_of
from ..estimators.scales.constants import Constants
from ..estimators.scales.target_scales import MeanScale, RobustScale
from ..training import History
from .input_scales import read_moments, read_scale, write_moments, write_scale
from .models import read_model, write_model
from .splitters import check_plain, read_splitter, write_splitter
from .values import NotReadable, Reader, Writer

KINDS: Mapping[str, type[NetEstimator]] = {
    "NetClassifier": NetClassifier, "NetRegressor": NetRegressor,
}
# The scales of targets that are none of moments: what is kept of each.
_TARGET_SCALES: Mapping[str, tuple[Any, Mapping[str, Any]]] = {
    "robust": (RobustScale, {
        "low": np.ndarray, "high": np.ndarray, "middle": np.ndarray, "width": np.ndarray,
        "rows": np.ndarray, "weights": np.ndarray, "stride": int, "seen": int,
    }),
    "mean": (MeanScale, {
        "low": np.ndarray, "high": np.ndarray, "mean": np.ndarray, "weight": float,
    }),
}
# What fit learns beside the model and the scales.
_LEARNED: Mapping[str, Mapping[str, Any]] = {
    "NetClassifier": {"classes_": np.ndarray, "_multi_label": bool},
    "NetRegressor": {"n_outputs_": int, "_one_axis": bool},
}
_NAMES = "feature_names_in_"
# The smallest and the largest value of each input: those that are equal never varied.
_SPAN = ("low", "high")
# Fields that are there where there is something to say, and that earlier files do not have.
_MORE = {"span", "splitter", "held"}


def write_estimator(estimator: Any, writer: Writer) -> dict[str, Any]:
    """The JSON of a fitted estimator; its arrays go to the writer.

    Raises:
        ConfigurationError: another estimator, or one that is not fitted.
    """
    kind = type(estimator).__name__
    if type(estimator) is not KINDS.get(kind):
        raise ConfigurationError(
            f"save: expects a Model, a NetClassifier or a NetRegressor, got {estimator!r}"
        )
    if not hasattr(estimator, "model_"):
        raise ConfigurationError(f"save: this {kind} is not fitted: call fit first")
    learned = {name: getattr(estimator, name) for name in _LEARNED[kind]}
    params = estimator.get_params(deep=False)
    check_plain(params, kind)
    more = {}
    splitter = write_splitter(params["validation"], writer)
    if splitter is not None:
        params["validation"], more["splitter"] = None, splitter
    held = {name: vars(estimator)[name] for name in FROM_HELD if name in vars(estimator)}
    if held:
        more["held"] = {name: writer.write(value, name) for name, value in held.items()}
    return {
        **more,
        "params": writer.write(params, kind),
        "learned": {name: writer.write(value, name) for name, value in learned.items()},
        "feature_names": writer.write(getattr(estimator, _NAMES, None), _NAMES),
        "scaler": write_scale(estimator.scaler_, writer),
        "target_scaler": _write_target_scale(
            getattr(estimator, "target_scaler_", None), writer),
        "span": [writer.write(getattr(estimator._constants, name), name) for name in _SPAN],
        "model": write_model(estimator.model_, writer),
    }


def _write_target_scale(scale: Any, writer: Writer) -> Any:
    for name, (kind, parts) in _TARGET_SCALES.items():
        if type(scale) is kind:
            return {name: {part: writer.write(getattr(scale, part), part) for part in parts}}
    return write_moments(scale, writer)


def read_estimator(kind: str, content: Any, reader: Reader, memory: int) -> Any:
    """The fitted estimator of a JSON.

    Raises:
        NotReadable: contents that mean nothing.
        EvenlyError: a network that compile refuses, or that these targets do not fit.
    """
    parts = ("params", "learned", "feature_names", "scaler", "target_scaler", "model")
    if not isinstance(content, dict) or content.keys() - _MORE != set(parts):
        raise NotReadable(f"the estimator should have the fields {', '.join(parts)}")
    params = reader.read(content["params"])
    known = KINDS[kind]().get_params(deep=False)
    if not isinstance(params, dict) or not params.keys() <= known.keys():
        raise NotReadable(f"{kind} does not have all of these arguments")
    if "splitter" in content:
        params["validation"] = read_splitter(content["splitter"], reader)
    model = read_model(content["model"], reader, memory)
    if len(model.input_shape) != 1:
        raise NotReadable(f"a {kind} reads rows of features, not shape {model.input_shape}")
    estimator: Any = KINDS[kind](**params)
    features = estimator.n_features_in_ = model.input_shape[0]
    learned = reader.record(content["learned"], _LEARNED[kind], kind)
    for name, value in learned.items():
        setattr(estimator, name, value)
    names = reader.read(content["feature_names"])
    if names is not None:
        if not _are_names(names, features):
            raise NotReadable(f"the feature names should be {features} texts")
        setattr(estimator, _NAMES, names)
    estimator.scaler_ = read_scale(content["scaler"], features, reader)
    estimator._began = estimator.init
    estimator._constants = (
        _read_span(content["span"], features, reader) if "span" in content
        else constants_of(estimator.scaler_, features)
    )
    if kind == "NetClassifier":
        _check_classes(estimator)
    elif not 1 <= estimator.n_outputs_ < 2**31:
        raise NotReadable(f"{estimator.n_outputs_} targets")
    outputs = estimator._checked_outputs(model.net)
    if kind == "NetRegressor":
        outputs = estimator.n_outputs_
        targets = _read_target_scale(content["target_scaler"], estimator.n_outputs_, reader)
        _check_loss(estimator, model.loss, targets)
        estimator.target_scaler_ = targets
    elif content["target_scaler"] is not None:
        raise NotReadable("a classifier does not scale its targets")
    estimator._use(model)
    if "held" in content:
        vars(estimator).update(_read_held(content["held"], estimator, outputs, reader))
    return estimator


def _read_held(content: Any, estimator: Any, outputs: int, reader: Reader) -> dict[str, Any]:
    """What was learned from held-out rows."""
    mine = {name for name in FROM_HELD if name == "_monitored" or hasattr(type(estimator), name)}
    if not isinstance(content, dict) or not content.keys() <= mine:
        raise NotReadable("what was learned from held-out rows has other fields")
    told = {name: reader.read(value) for name, value in content.items()}
    labels = len(estimator.classes_) if getattr(estimator, "_multi_label", False) else 0
    for name, value in told.items():
        if not _RIGHT[name](value, outputs, labels):
            raise NotReadable(f"{name} cannot be that")
    return told


def _numbers(value: Any, axes: int) -> bool:
    return isinstance(value, np.ndarray) and value.dtype == np.float64 and value.ndim == axes


def _are_thresholds(value: Any, outputs: int, labels: int) -> bool:
    fits = (_numbers(value, 1) and len(value) == labels) if labels else type(value) is float
    return fits and bool(np.all((np.asarray(value) >= 0) & (np.asarray(value) <= 1)))


def _are_errors(value: Any, outputs: int, labels: int) -> bool:
    return _numbers(value, 2) and len(value) > 0 and value.shape[1] == outputs and bool(
        np.isfinite(value).all() and (value >= 0).all() and (np.diff(value, axis=0) >= 0).all()
    )


# Of a value, the network's outputs, and the number of labels or 0: whether it can be.
_RIGHT: Mapping[str, Any] = {
    "_monitored": lambda value, outputs, labels: _numbers(value, 1),
    "temperature_": lambda value, outputs, labels: type(value) is float and COLDEST <= value
    <= HOTTEST,
    "threshold_": _are_thresholds,
    "conformal_": _are_errors,
    "_watched": lambda value, outputs, labels: isinstance(value, bool),
    "refit_history_": lambda value, outputs, labels: isinstance(value, History),
    "_chosen": lambda value, outputs, labels: (
        isinstance(value, dict) and value.keys() <= set(CHOSEN)
        and all(type(number) is int and number >= 1 for number in value.values())),
    "_ran_out": lambda value, outputs, labels: value is True,
    "_histories": lambda value, outputs, labels: isinstance(value, list) and len(value) > 1 and all(
        isinstance(history, History) for history in value),
}


def _are_names(names: Any, features: int) -> bool:
    return isinstance(names, np.ndarray) and names.dtype == object and names.shape == (features,)


def _check_classes(estimator: Any) -> None:
    classes, several = estimator.classes_, estimator._multi_label
    right = classes.ndim == 1 and len(classes) >= 1 + (not several)
    if right and several:
        right = np.array_equal(classes, np.arange(len(classes)))
    elif right:
        right = np.array_equal(np.unique(classes), classes)
    if not right:
        raise NotReadable("the classes should be sorted, and each there once")


def _read_span(content: Any, columns: int, reader: Reader) -> Constants:
    span = Constants(columns)
    ends = reader.read(content)
    right = isinstance(ends, list) and len(ends) == len(_SPAN) and all(
        isinstance(end, np.ndarray) and end.shape == (columns,) and end.dtype == np.float64
        for end in ends
    )
    # Not "low > high": of a NaN nothing is true.
    if not right or not (ends[0] <= ends[1]).all():
        raise NotReadable(f"the span should be the {columns} smallest values and the largest")
    span.low, span.high = ends
    return span


def _check_loss(estimator: Any, loss: Any, scale: Any) -> None:
    """The loss that the model was trained with says what its outputs are."""
    if loss is None or loss.counts_right_answers:
        raise NotReadable("a regressor's model should have a loss of numbers")
    outputs = estimator.n_outputs_ * loss.outputs_each
    if not scale_fits(loss, scale) or estimator._outputs() != (outputs,):
        raise NotReadable(f"the scale of the targets, or the arguments, do not fit {loss!r}")


def _read_target_scale(content: Any, columns: int, reader: Reader) -> Any:
    name = next(iter(content), "") if isinstance(content, dict) and len(content) == 1 else ""
    if name not in _TARGET_SCALES:
        return read_moments(content, columns, reader)
    kind, parts = _TARGET_SCALES[name]
    told = reader.record(content[name], parts, "the scale")
    scale = kind(columns)
    kept = len(told["rows"]) if name == "robust" and told["rows"].ndim else 0
    shapes = {"rows": (kept, columns), "weights": (kept,)}
    for part, value in told.items():
        if isinstance(value, np.ndarray):
            shape = shapes.get(part, (columns,))
            if value.shape != shape or value.dtype != np.float64 or not np.isfinite(value).all():
                raise NotReadable(f"the scale's {part} should be finite float64 of shape {shape}")
        elif not 0 <= value < 2**63:
            raise NotReadable(f"the scale's {part} is {value}")
        setattr(scale, part, value)
    if name == "robust":
        right = kept > 0 and (scale.weights >= 0).all() and scale.weights.max() > 0
        if not right or not (scale.width > 0).all() or not 1 <= scale.stride <= scale.seen:
            raise NotReadable("the scale's rows, weights and widths do not fit each other")
    elif not (scale.mean >= 0).all():
        raise NotReadable("the scale's means should not be negative")
    return scale
