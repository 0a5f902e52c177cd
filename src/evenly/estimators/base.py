"""What the estimators share: from plain arguments to a trained network."""

from __future__ import annotations

from copy import copy
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, is_regressor
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from ..doctor import Diagnosis
from ..engine import Engine
from ..errors import ConfigurationError, DataError, ShapeError
from ..layers.base import Layer
from ..losses import Loss
from ..program import compile as compile_program
from ..rows.sources import is_sparse
from ..training import EarlyStopping, History, Model, fit, init, lsuv
from ..training.continued import one_pass
from ..training.model import as_sequential
from .inference import Predictor
from .moments import Moments
from .names import LSUV, network
from .rows import arranged, held_out, of_mean_one
from .settings import element_type, partial_settings, share, threads_of, training_settings, whole

# The element types that inputs keep; others become the first.
_KINDS = (np.float64, np.float32)
# Rows that LSUV measures.
LSUV_ROWS = 512


class NetEstimator(BaseEstimator):  # type: ignore[misc]
    """Base of the estimators: see :class:`NetClassifier` for the arguments."""

    # What the estimator does not keep in a pickle: it is made anew from the rest.
    _made_anew = ("_predictor",)

    def __init__(
        self,
        hidden: Any = (128, 64),
        *,
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
        scale: bool = True,
        warm_start: bool = False,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: bool = False,
        dtype: str = "float32",
        doctor: Any = None,
    ) -> None:
        self.hidden = hidden
        self.activation = activation
        self.norm = norm
        self.dropout = dropout
        self.init = init
        self.net = net
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.l2 = l2
        self.penalty = penalty
        self.clip = clip
        self.constraint = constraint
        self.augment = augment
        self.max_epochs = max_epochs
        self.batch = batch
        self.early_stopping = early_stopping
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.scale = scale
        self.warm_start = warm_start
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.dtype, self.doctor = dtype, doctor

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    # What a classifier and a regressor do each in their own way ---------------------------------

    def _learn_targets(self, y: Any) -> None:
        """Learns what the targets are: how many, which classes."""
        raise NotImplementedError

    def _encode(self, y: Any) -> Any:
        """Targets, of what has been learned, as numbers: (rows, ...)."""
        raise NotImplementedError

    def _check_kept(self, y: Any) -> None:
        """Raises ValueError where the rows that count cannot be trained on."""

    def _outputs(self) -> tuple[int, ...]:
        """The numbers of outputs that a network may have: the first where it is built here."""
        raise NotImplementedError

    def _loss(self, outputs: int) -> Loss:
        raise NotImplementedError

    def _targets(self, y: Any, outputs: int) -> Any:
        """Numbers as the loss takes them."""
        return y

    def _fold_targets(self, y: Any, weights: Any, first: bool) -> None:
        """Learns the scale of the targets that are trained on."""

    def _strata(self, y: Any) -> Any:
        """The classes whose shares a validation set keeps, or None."""
        return None

    def _weights(self, y: Any, weights: Any) -> Any:
        """Sample weights with those of the classes."""
        return weights

    # Fit ----------------------------------------------------------------------------------------

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, X_val: Any = None, y_val: Any = None
    ) -> Self:
        """Trains the network.

        Arguments:
            X: (rows, features): an array, a pandas or polars frame, or a SciPy sparse matrix.
            y: the targets.
            sample_weight: (rows,): how much each row counts. Whole numbers repeat rows (up to
                100,000 in all): the fit is the same as on the repeated table. Others weigh the
                loss.
            X_val, y_val: a validation set, instead of a share of the rows.

        Returns:
            self.

        Raises:
            ValueError: data that cannot be used, as scikit-learn words it; settings that cannot
                work.
            DivergenceError: the loss or a gradient was not finite.
        """
        going_on = bool(self.warm_start) and hasattr(self, "model_")
        X, y = self._check_xy(X, y, reset=not going_on, least=2)
        if going_on:
            self._check_scale(X)
        else:
            self._learn_targets(y)
        numbers = self._encode(y)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, ensure_non_negative=True)
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        rows, weights, groups = arranged(X, numbers, sample_weight)
        numbers = numbers[rows]
        self._check_kept(numbers)
        held = None
        if X_val is not None or y_val is not None:
            held = self._given_validation(X_val, y_val)
        elif self.early_stopping:
            fraction = share("validation_fraction", self.validation_fraction)
            parts = held_out(groups, self._strata(numbers), fraction, seed)
            if parts is not None:
                kept, out = parts
                own = None if weights is None else weights[out]
                held = X[rows[out]], numbers[out], own
                rows, numbers = rows[kept], numbers[kept]
                weights = None if weights is None else weights[kept]
        X = X[rows]
        if not going_on:
            self._learn_scale(X, numbers, weights)
        if held is not None:
            self._check_scale(held[0])
        model = self.model_ if going_on else None
        self._use(self._run(model, X, numbers, weights, held, seed))
        return self

    def _run(
        self, start: Model | None, X: Any, y: Any, weights: Any, held: Any, seed: int
    ) -> Model:
        net: Any = self._network() if start is None else start
        outputs = self._checked_outputs(as_sequential(start.net if start else net))
        if start is None and self.net is None and self.init == LSUV:
            net = self._by_data(net, X, seed)
        validation = None
        if held is not None:
            x_held, y_held, own = held
            validation = (self._scaled(x_held), self._targets(y_held, outputs), None,
                          of_mean_one(self._weights(y_held, own)))
        weights = of_mean_one(self._weights(y, weights))
        rule = EarlyStopping(patience=whole("patience", self.patience, 1))
        return fit(
            net, self._scaled(X), self._targets(y, outputs), loss=self._loss(outputs),
            validation=validation, sample_weight=weights, seed=seed,
            early_stopping=rule if validation is not None and self.early_stopping else None,
            progress=bool(self.verbose), doctor=self.doctor,
            **training_settings(self, X.shape[0], validation is not None),
        )

    def _given_validation(self, X_val: Any, y_val: Any) -> tuple[Any, Any, Any]:
        if X_val is None or y_val is None:
            raise ConfigurationError("fit: give X_val and y_val together")
        X_val, y_val = self._check_xy(X_val, y_val, reset=False)
        return X_val, self._encode(y_val), None

    def _network(self) -> Any:
        if self.net is None:
            return network(
                hidden=self.hidden, activation=self.activation, norm=self.norm,
                dropout=self.dropout, init=self.init, outputs=self._outputs()[0],
            )
        if not isinstance(self.net, Layer):
            raise ConfigurationError(
                f"net must be an evenly layer, such as Sequential([...]), got {self.net!r}"
            )
        return as_sequential(self.net)

    def _by_data(self, net: Any, X: Any, seed: int) -> Model:
        """A network whose first weights are scaled by some of the training rows."""
        rows = self._scaled(X[:LSUV_ROWS])
        dense = rows.toarray() if is_sparse(rows) else rows
        return lsuv(init(net, (self.n_features_in_,), seed, dtype=self.dtype), dense)

    def _checked_outputs(self, net: Any) -> int:
        shape = net.output_shape((self.n_features_in_,))
        allowed = self._outputs()
        if len(shape) != 1 or shape[0] not in allowed:
            words = " or ".join(str(n) for n in allowed)
            raise ShapeError(
                f"net: these targets need {words} outputs, the network has shape {shape}: end it "
                f"with Dense({allowed[0]}), without an activation behind it"
            )
        return int(shape[0])

    def _partial_fit(
        self, X: Any, y: Any, sample_weight: Any, first: bool, learn: bool
    ) -> Self:
        # A call that fails leaves the scales, as it leaves the weights, as they were.
        scales = {name: copy(value) for name, value in vars(self).items()
                  if name in ("scaler_", "target_scaler_")}
        try:
            return self._one_more_pass(X, y, sample_weight, first, learn)
        except BaseException:
            self.__dict__.update(scales)
            raise

    def _one_more_pass(
        self, X: Any, y: Any, sample_weight: Any, first: bool, learn: bool
    ) -> Self:
        X, y = self._check_xy(X, y, reset=first)
        if not first:
            self._check_scale(X)
        if learn:
            self._learn_targets(y)
        numbers = self._encode(y)
        weights = None
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, X, ensure_non_negative=True)
            kept = np.flatnonzero(weights > 0)
            X, numbers, weights = X[kept], numbers[kept], weights[kept]
        if first:
            self._learn_scale(X, numbers, weights)
        else:
            if self.scaler_ is not None:
                self.scaler_.fold(X, weights)
            self._fold_targets(numbers, weights, False)
        if first:
            seed = check_random_state(self.random_state).randint(2**31 - 1)
            model = Model(self._engine(X.shape[0], seed))
            records: tuple[Any, ...] = ()
        else:
            model, records = self.model_, self.history_.records
        engine = model.engine
        outputs = self._checked_outputs(model.net)
        record = one_pass(
            engine, self._scaled(X), self._targets(numbers, outputs),
            self._weights(numbers, weights), seed=(engine.seed + engine.steps) % 2**64,
            epoch=len(records) + 1,
        )
        model.history = History((*records, record), "epochs")
        self._use(model)
        return self

    def _engine(self, rows: int, seed: int) -> Engine:
        """A new network ready for partial_fit."""
        net = as_sequential(self._network())
        outputs = self._checked_outputs(net)
        program = compile_program(
            net, (self.n_features_in_,), loss=self._loss(outputs), **partial_settings(self, rows)
        )
        return Engine(program, seed=seed, threads=threads_of(self.n_jobs))

    # Data ---------------------------------------------------------------------------------------

    def _check_x(self, X: Any, reset: bool = False) -> Any:
        return summed(validate_data(self, X, accept_sparse="csr", dtype=_KINDS, reset=reset))

    def _check_xy(self, X: Any, y: Any, reset: bool, least: int = 1) -> tuple[Any, Any]:
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                "is None."
            )
        X, y = validate_data(
            self, X, y, accept_sparse="csr", dtype=_KINDS, reset=reset, ensure_min_samples=least,
            multi_output=True, y_numeric=is_regressor(self),
        )
        return summed(X), y

    def _learn_scale(self, X: Any, y: Any, weights: Any) -> None:
        self.scaler_: Moments | None = None
        if self.scale:
            self.scaler_ = Moments(X.shape[1], center=not is_sparse(X), indicators=True)
            self.scaler_.fold(X, weights)
        self._fold_targets(y, weights, True)

    def _scaled(self, X: Any) -> Any:
        dtype = element_type(self.dtype)
        if self.scaler_ is not None:
            return self.scaler_.scaled(X, dtype)
        with np.errstate(over="ignore"):
            cast = X.astype(dtype, copy=False)
        if not np.isfinite(cast.data if is_sparse(cast) else cast).all():
            raise DataError(
                f"{type(self).__name__}: X holds numbers too large for {dtype}: use "
                "scale=True, or dtype='float64'"
            )
        return cast

    def _check_scale(self, X: Any) -> None:
        scaler = getattr(self, "scaler_", None)
        if scaler is not None and scaler.center and is_sparse(X):
            raise DataError(
                f"{type(self).__name__}: was trained on a dense table, whose means it subtracts: "
                "these sparse rows would not stay sparse; train on dense rows, or scale=False"
            )

    # What is learned ----------------------------------------------------------------------------

    def _use(self, model: Model) -> None:
        self.model_ = model
        self.history_ = history = model.history
        self.n_iter_ = len(history)
        self.best_epoch_ = history.best_epoch
        if getattr(self, "_predictor", None) is None or self._predictor.model is not model:
            self._make_predictor()

    def _make_predictor(self) -> None:
        self._predictor = Predictor(self.model_, threads_of(self.n_jobs))

    @property
    def diagnosis_(self) -> Diagnosis:
        """What ailed the training, where it was watched."""
        if getattr(getattr(self, "model_", None), "record", None) is None:
            raise AttributeError("no diagnosis_: give doctor=True, and fit")
        return self.model_.diagnosis

    @property
    def loss_curve_(self) -> Any:
        """The loss of each epoch, in training mode."""
        return self.history_.column("loss")

    @property
    def score_curve_(self) -> Any:
        """The accuracy or R^2 of each epoch, in training mode."""
        return self.history_.column("score")

    @property
    def validation_loss_curve_(self) -> Any:
        """The loss on the validation set after each epoch; None without one."""
        return self._validation_curve("validation_loss")

    @property
    def validation_score_curve_(self) -> Any:
        """The accuracy or R^2 on the validation set after each epoch; None without one."""
        return self._validation_curve("validation_score")

    def _validation_curve(self, name: str) -> Any:
        # A score may be undefined, as R^2 is where all targets are equal; a loss never is.
        if all(record.validation_loss is None for record in self.history_):
            return None
        return self.history_.column(name)

    def _scores(self, X: Any) -> Any:
        """The network's outputs, (rows, outputs)."""
        check_is_fitted(self, "model_")
        return self._predictor.scores(self._check_x(X), self.scaler_)

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name not in self._made_anew}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if hasattr(self, "model_"):
            self._make_predictor()


def summed(X: Any) -> Any:
    """A sparse table with one entry a place: some of several stand for their sum."""
    if is_sparse(X) and not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    return X
