"""Features that a network has learned."""

from __future__ import annotations

import math
from typing import Any, Self

from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin, clone
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted

from ..errors import ConfigurationError, DataError
from ..given import of_library
from ..layers import Ensemble
from ..layers.containers import Sequential, leaves
from ..rows.sources import CHUNK_BYTES, is_sparse
from ..training import Model
from .base import NetEstimator
from .classifier import NetClassifier
from .effort import is_auto
from .inference import ExactScores
from .regressor import NetRegressor
from .settings import threads_of

_TASKS = ("auto", "classification", "regression", "reconstruction")


class NetTransformer(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, NetEstimator  # type: ignore[misc]
):
    """The activations of a layer of a trained network, as features for another estimator.

    ``fit(X, y)`` trains a :class:`NetClassifier` or a :class:`NetRegressor`, and ``transform(X)``
    gives what its last hidden layer (or the one named `layer`) puts out in inference. Without `y`
    the network learns to reproduce the scaled inputs, so that a narrow layer is a code of them (an
    autoencoder).

    Arguments:
        hidden: as of :class:`NetClassifier`.
        layer: the name of the layer, such as ``"relu_1"`` or ``"dense_2"``, as
            ``model_.net.named_layers()`` has them; None: all in front of the output layer.
        task: ``"classification"``, ``"regression"``, ``"reconstruction"`` of the inputs (`y` is
            then of no effect), or ``"auto"``: by the type of `y`; whole numbers and text are
            classes.
        estimator: what is trained, in place of all arguments but `layer` and `warm_start`: a
            NetClassifier or NetRegressor. A fitted one, or an evenly Model, is taken as it is, and
            fit trains nothing. (``sklearn.base.clone``, as in a grid search, forgets what an
            estimator has learned: put it into ``sklearn.frozen.FrozenEstimator``.)
        activation, norm, dropout, init, net, optimizer, learning_rate, schedule, l2, penalty, clip,
            constraint, augment, max_epochs, batch, early_stopping, patience, validation_fraction,
            scale, warm_start, random_state, n_jobs, verbose, dtype, doctor, validation, monitor,
            callbacks, average, refit, rates, embedding, dropout_schedule, decay_schedule: as of
            :class:`NetClassifier`.

    Attributes:
        estimator_: the trained NetClassifier or NetRegressor, with all its curves; None where a
            Model was given.
        model_: the trained network.
        layer_: the name of the last layer whose output is taken.
        n_features_in_, feature_names_in_: of the inputs.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(100, 4))
        >>> codes = NetTransformer((16, 2), max_epochs=10, random_state=0).fit_transform(x, x[:, 0])
        >>> codes.shape
        (100, 2)
    """

    def __init__(
        self,
        hidden: Any = (128, 64),
        *,
        layer: str | None = None,
        task: str = "auto",
        estimator: Any = None,
        activation: Any = "relu",
        norm: Any = "batch",
        dropout: Any = 0.2,
        init: Any = "he",
        net: Any = None,
        optimizer: Any = None,
        learning_rate: float | None = None,
        schedule: Any = "cosine",
        l2: float = 0.0,
        penalty: Any = None,
        clip: Any = None,
        constraint: Any = None,
        augment: Any = None,
        max_epochs: int = 100,
        batch: Any = "auto",
        early_stopping: bool = True,
        patience: int = 20,
        validation_fraction: float = 0.1,
        scale: Any = True,
        warm_start: bool = False,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: bool = False,
        dtype: str = "float32",
        doctor: Any = None,
        validation: Any = None,
        monitor: Any = "loss",
        callbacks: Any = (),
        average: Any = None,
        refit: bool = False,
        rates: Any = None,
        embedding: Any = None,
        dropout_schedule: Any = None,
        decay_schedule: Any = None,
    ) -> None:
        self._keep(locals())

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def fit(
        self, X: Any, y: Any = None, sample_weight: Any = None, *, X_val: Any = None,
        y_val: Any = None, groups: Any = None,
    ) -> Self:
        """Trains the network, unless a trained one was given.

        Arguments:
            X, y, sample_weight, X_val, y_val, groups: as for :meth:`NetClassifier.fit`; without
                `y` the inputs are the targets.

        Returns:
            self.
        """
        X, y = self._check_x(X, reset=True), of_library(y, "y")
        given = self.estimator
        if isinstance(given, Model):
            self._take(None, given)
        elif given is not None and hasattr(given, "model_"):
            self._expect_network(getattr(given, "estimator", given))  # a FrozenEstimator's own
            self._take(given, given.model_)
        else:
            if y is None and self.task in ("classification", "regression"):
                raise ConfigurationError(
                    f"NetTransformer: task={self.task!r} needs targets, and y is None: give y, or "
                    "task='reconstruction', which learns to reproduce X"
                )
            if y is None or self.task == "reconstruction":
                y = self._inputs_as_targets(X)
                if X_val is not None:
                    y_val = self._inputs_as_targets(self._check_x(X_val))
            inner = self._inner(y)
            inner.fit(X, y, sample_weight, X_val=X_val, y_val=y_val, groups=groups)
            self._take(inner, inner.model_)
        return self

    def _inner(self, y: Any) -> Any:
        if self.estimator is not None:
            self._expect_network(self.estimator)
            fresh = clone(self.estimator)
            # Several members have no layer in common.
            return self._on_from(fresh.set_params(members=1) if is_auto(fresh.members) else fresh)
        if self.task not in _TASKS:
            raise ConfigurationError(f"task must be one of {_TASKS}, got {self.task!r}")
        task = self.task
        if task == "auto":
            kind = type_of_target(y, input_name="y")
            task = "regression" if kind.startswith("continuous") else "classification"
        kind_of: Any = NetClassifier if task == "classification" else NetRegressor
        own = ("layer", "task", "estimator")
        settings = {k: v for k, v in self.get_params(deep=False).items() if k not in own}
        return self._on_from(kind_of(**settings, effort="fast"))

    def _on_from(self, fresh: Any) -> Any:
        """The estimator of the last fit with the settings of a fresh one, where warm_start has it
        go on; else the fresh one."""
        old = getattr(self, "estimator_", None)
        if not self.warm_start or old is None:
            return fresh
        if type(old) is not type(fresh):
            told: dict[type, str] = {NetClassifier: "classification", NetRegressor: "regression"}
            raise ConfigurationError(
                f"NetTransformer: these targets are for {told[type(fresh)]}, and the last fit was "
                f"for {told[type(old)]}: say which with task, or begin anew with warm_start=False"
            )
        return old.set_params(**{**fresh.get_params(deep=False), "warm_start": True})

    def _expect_network(self, estimator: Any) -> None:
        if not isinstance(estimator, (NetClassifier, NetRegressor)):
            raise ConfigurationError(
                "estimator must be a NetClassifier, a NetRegressor or an evenly Model, got "
                f"{self.estimator!r}"
            )

    def _inputs_as_targets(self, X: Any) -> Any:
        if not is_sparse(X):
            return X
        if X.shape[0] * X.shape[1] * 8 > CHUNK_BYTES:
            raise DataError(
                "NetTransformer: without y the inputs are the targets, and these sparse inputs are "
                f"too large to be targets, {X.shape}: give y, or reduce them with "
                "sklearn.decomposition.TruncatedSVD first"
            )
        return X.toarray()

    def _take(self, estimator: Any, model: Model) -> None:
        if model.input_shape != (self.n_features_in_,):
            raise DataError(
                f"NetTransformer: the given network reads examples of shape {model.input_shape}, X "
                f"has {self.n_features_in_} features"
            )
        if len(model.net.layers) == 1 and isinstance(model.net.layers[0], Ensemble):
            raise ConfigurationError(
                "NetTransformer: the network is several members, which have no layer in common: "
                "give a fit with members=1, or one of the models in members_"
            )
        self.estimator_ = estimator
        self.model_ = model
        self.layer_ = self._first_layers(self.layer)[1]
        self._make_predictor()

    def _make_predictor(self) -> None:
        self._predictor = ExactScores(self.model_, threads_of(self.n_jobs), self._net_to_layer())

    def _net_to_layer(self) -> Sequential:
        return self._first_layers(self.layer_)[0]

    def _first_layers(self, layer_name: str | None) -> tuple[Sequential, str]:
        """The layers up to the one whose output is taken, and its name; None: the last hidden."""
        layers = list(leaves(self.model_.net.resolved, Sequential))
        names = [layer.name or "" for layer in layers]
        if layer_name is not None:
            if layer_name not in names:
                raise ConfigurationError(
                    f"layer must be one of {', '.join(map(repr, names))}, got {layer_name!r}"
                )
            end = names.index(layer_name) + 1
        else:
            shape, end = self.model_.input_shape, 0
            for i, layer in enumerate(layers):
                end = i if layer.arrays(shape) else end
                shape = layer.output_shape(shape)
        if end == 0:
            raise ConfigurationError(
                "NetTransformer: the network has no hidden layer: give hidden=(64,), say, or name "
                f"a layer: one of {', '.join(map(repr, names))}"
            )
        return Sequential(layers[:end]), names[end - 1]

    @property
    def _n_features_out(self) -> int:
        return math.prod(self._net_to_layer().output_shape((self.n_features_in_,)))

    def transform(self, X: Any) -> Any:
        """The activations of each row, (rows, features): float32 for float32 inputs, else
        float64."""
        check_is_fitted(self, "model_")
        X = self._check_x(X)
        inputs = _as_they_are if self.estimator_ is None else self.estimator_._inputs
        return self._predictor.scores(X, inputs).astype(X.dtype, copy=False)


def _as_they_are(X: Any) -> Any:
    return X
