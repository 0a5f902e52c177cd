"""Models from scikit-learn's multilayer perceptrons, with the scaler in front of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import layers as ours
from ..errors import ConfigurationError
from ..extras import needed
from ..layers.base import Layer
from ..losses import BinaryCrossEntropy, Loss, MeanSquaredError, Poisson, SoftmaxCrossEntropy
from ..saving import Saved
from ..scaling import RobustScaler, Standardizer
from ..training import Model, init

_ACTIVATIONS: dict[str, list[Layer]] = {
    "identity": [], "logistic": [ours.Sigmoid()], "tanh": [ours.Tanh()], "relu": [ours.ReLU()],
}
_LOSSES: dict[str, type[Loss]] = {
    "softmax": SoftmaxCrossEntropy, "logistic": BinaryCrossEntropy, "identity": MeanSquaredError,
    "exp": Poisson,
}


def from_sklearn(
    estimator: Any, *, seed: int = 0, dtype: str = "float32", threads: int | None = None
) -> Model | Saved:
    """Builds a model from a fitted ``MLPClassifier`` or ``MLPRegressor`` of scikit-learn: its
    layers, weights, and the loss of its kind, to train on.

    A ``Pipeline`` of scalers and such a network becomes a :class:`evenly.Saved`: the model, the
    scaler of its inputs and the classes. ``StandardScaler``, ``MinMaxScaler``, ``MaxAbsScaler`` and
    ``RobustScaler`` come in, several as one; of a search, its best estimator.

    The model's ``predict`` gives scores, as everywhere here. ``predict_proba`` is scikit-learn's;
    where it has two classes in two columns, ours is the second column. A network that was trained
    on counts (``loss="poisson"``) gives the logarithm of what it predicts.

    Arguments:
        estimator: the fitted network, or a pipeline that ends with it. It is not changed.
        seed: of dropout masks, where layers with such are added later.
        dtype: ``"float32"`` or ``"float64"``.
        threads: by default as many as the work is worth.

    Returns:
        A :class:`Model`, or a :class:`evenly.Saved` where there is a scaler.

    Raises:
        ConfigurationError: scikit-learn is missing; something that is not fitted, or has no
            counterpart here, which is named.

    Example:
        >>> from sklearn.neural_network import MLPRegressor
        >>> x = np.linspace(-1, 1, 20).reshape(-1, 1)
        >>> mlp = MLPRegressor(solver="lbfgs", random_state=0).fit(x, x[:, 0])
        >>> bool(np.allclose(from_sklearn(mlp).predict(x)[:, 0], mlp.predict(x), atol=1e-5))
        True
    """
    pipeline = needed("from_sklearn", "sklearn.pipeline", "sklearn", "scikit-learn")
    estimator = getattr(estimator, "best_estimator_", estimator)
    steps = [("the estimator", estimator)]
    if isinstance(estimator, pipeline.Pipeline):
        steps = [(f"step '{name}'", step) for name, step in estimator.steps
                 if step is not None and step != "passthrough"]
    *scalers, (where, network) = steps or [("the estimator", estimator)]
    model = _network(network, f"from_sklearn: {where}", seed, dtype, threads)
    if not scalers:
        return model
    scales = [_scale(scaler, f"from_sklearn: {name}") for name, scaler in scalers]
    classes = getattr(network, "classes_", None)
    several = classes is not None and network.out_activation_ == "logistic" and (
        network.n_outputs_ > 1)
    return Saved(model, _one_scaler(scales, model.input_shape), None if several else classes)


def _network(mlp: Any, where: str, seed: int, dtype: str, threads: int | None) -> Model:
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    if not isinstance(mlp, (MLPClassifier, MLPRegressor)):
        raise ConfigurationError(f"{where}: {type(mlp).__name__} is no MLPClassifier or "
                                 "MLPRegressor, which alone can come in")
    _expect_fitted(mlp, "coefs_", where)
    hidden = _ACTIVATIONS.get(mlp.activation)
    loss = _LOSSES.get(mlp.out_activation_)
    if hidden is None or loss is None:
        raise ConfigurationError(f"{where}: activation {mlp.activation!r} with outputs by "
                                 f"{mlp.out_activation_!r} has no counterpart here")
    layers: list[Layer] = []
    for i, kernel in enumerate(mlp.coefs_):
        layers += [ours.Dense(kernel.shape[1]), *(hidden if i < len(mlp.coefs_) - 1 else [])]
    model = init(ours.Sequential(layers), mlp.coefs_[0].shape[0], seed, loss=loss(), dtype=dtype,
                 threads=threads)
    for i, (kernel, bias) in enumerate(zip(mlp.coefs_, mlp.intercepts_, strict=True), 1):
        model.engine.set_weights({f"dense_{i}.kernel": kernel, f"dense_{i}.bias": bias})
    return model


def _expect_fitted(step: Any, attribute: str, where: str) -> None:
    if not hasattr(step, attribute):
        raise ConfigurationError(f"{where}: the {type(step).__name__} is not fitted: call its fit "
                                 "first")


def _scale(scaler: Any, where: str) -> tuple[str, Any, Any]:
    """("mean" or "median", middle, width) of a scaler; None for what it leaves as it is."""
    from sklearn import preprocessing as their

    if isinstance(scaler, their.StandardScaler):
        _expect_fitted(scaler, "scale_", where)
        return "mean", scaler.mean_ if scaler.with_mean else None, scaler.scale_
    if isinstance(scaler, their.RobustScaler):
        _expect_fitted(scaler, "scale_", where)
        return "median", scaler.center_, scaler.scale_
    if isinstance(scaler, their.MaxAbsScaler):
        _expect_fitted(scaler, "scale_", where)
        if getattr(scaler, "clip", False):
            raise ConfigurationError(f"{where}: clip=True has no counterpart: clip the data")
        return "mean", None, scaler.scale_
    if isinstance(scaler, their.MinMaxScaler):
        _expect_fitted(scaler, "scale_", where)
        if scaler.clip:
            raise ConfigurationError(f"{where}: clip=True has no counterpart: clip the data")
        return "mean", -scaler.min_ / scaler.scale_, 1 / scaler.scale_
    raise ConfigurationError(
        f"{where}: {type(scaler).__name__} has no counterpart: StandardScaler, MinMaxScaler, "
        "MaxAbsScaler and RobustScaler have; leave it in front, and convert what is behind it"
    )


def _one_scaler(scales: list[tuple[str, Any, Any]], shape: tuple[int, ...]
                ) -> Standardizer | RobustScaler:
    """The scalers one after the other, as one."""
    middle, width = np.zeros(shape), np.ones(shape)
    for _, own_middle, own_width in scales:
        if own_middle is not None:
            middle = middle + width * own_middle
        if own_width is not None:
            width = width * own_width
    if len(scales) == 1 and scales[0][0] == "median":
        return RobustScaler(middle, width)
    return Standardizer(middle, width)
