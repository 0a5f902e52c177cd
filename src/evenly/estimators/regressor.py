"""Regression."""

from __future__ import annotations

from copy import copy
from typing import Any, Self

import numpy as np
from sklearn.base import MultiOutputMixin, RegressorMixin

from ..losses import Loss, MeanSquaredError
from .intervals import HasIntervals
from .moments import Moments


class NetRegressor(RegressorMixin, MultiOutputMixin, HasIntervals):  # type: ignore[misc]
    """A network that predicts numbers.

    Targets are trained on with mean 0 and deviation 1 each (unless ``scale=False``), and predicted
    on their own scale. Losses in the curves are those of the scaled targets; scores are R^2.

    Arguments:
        hidden, activation, norm, dropout, init, net, optimizer, learning_rate, schedule, l2,
            penalty, clip, constraint, augment, max_epochs, batch, early_stopping, patience,
            validation_fraction, scale, warm_start, random_state, n_jobs, verbose, dtype,
            doctor, validation, monitor, callbacks: as of :class:`NetClassifier`. A `net` ends with
            one output a target.
        interval_fraction: share of the rows to hold out for :meth:`predict_interval` alone, beside
            those of early stopping; None: none.

    Attributes:
        target_scaler_: means and deviations of the targets, or None without scaling.
        n_outputs_: how many targets.
        conformal_: (rows, targets): absolute errors on held-out rows, each column rising; None
            where none were held out.
        n_features_in_, feature_names_in_, model_, scaler_, history_, loss_curve_, score_curve_,
            validation_loss_curve_, validation_score_curve_, monitor_curve_, n_iter_, best_epoch_,
            diagnosis_: as of :class:`NetClassifier`.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(200, 3))
        >>> y = 100 + 50 * x[:, 0]
        >>> NetRegressor(32, max_epochs=50, random_state=0).fit(x, y).score(x, y) > 0.9
        True
    """

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Trains for one pass over some rows, and goes on from the last call.

        The optimizer keeps its state between calls. The means and deviations that scale inputs and
        targets are those of all rows so far, so the first calls should not be too small. Single
        rows, settings that changed since the last call, and what has no effect: as of
        :meth:`NetClassifier.partial_fit`. After :meth:`fit`, it goes on with the fitted network.

        Arguments:
            X, y, sample_weight: as for :meth:`fit`; here weights always weigh the loss.

        Returns:
            self.
        """
        first = not hasattr(self, "model_")
        return self._partial_fit(X, y, sample_weight, first, learn=first)

    def _learn_targets(self, y: Any) -> None:
        self._one_axis = np.ndim(y) == 1
        self.n_outputs_ = 1 if self._one_axis else y.shape[1]

    def _encode(self, y: Any) -> Any:
        y = np.asarray(y, np.float64)
        y = y[:, None] if y.ndim == 1 else y
        if y.shape[1] != self.n_outputs_:
            raise ValueError(f"y has {y.shape[1]} targets, expected {self.n_outputs_}")
        return y

    def _decoded(self, y: Any) -> Any:
        return y[:, 0] if self._one_axis else y

    def _outputs(self) -> tuple[int, ...]:
        return (self.n_outputs_,)

    def _loss(self, outputs: int) -> Loss:
        return MeanSquaredError(mean_over="rows")

    def _fold_targets(self, y: Any, weights: Any, first: bool) -> None:
        if first:
            self.target_scaler_ = Moments(y.shape[1]) if self.scale else None
        if self.target_scaler_ is not None:
            self.target_scaler_ = copy(self.target_scaler_)
            self.target_scaler_.fold(y, weights)

    def _wake_targets(self, y: Any, weights: Any) -> None:
        scaler = self.target_scaler_
        if scaler is not None and scaler.constant.any():
            self.target_scaler_ = scaler.with_columns(scaler.constant, y, weights)

    def _targets(self, y: Any, outputs: int) -> Any:
        return y if self.target_scaler_ is None else self.target_scaler_.scaled(y)

    def predict(self, X: Any) -> Any:
        """The targets of each row: (rows,) where y was, else (rows, targets)."""
        scores = self._scores(X)
        if self.target_scaler_ is not None:
            scores = self.target_scaler_.original(scores)
        return scores[:, 0] if self._one_axis else scores
