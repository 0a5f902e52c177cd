"""Regression."""

from __future__ import annotations

from copy import copy
from typing import Any, Self

import numpy as np
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.metrics import d2_pinball_score

from ..errors import ConfigurationError
from ..losses import Gamma, Loss, MeanSquaredError, Poisson, Quantile
from .answers.intervals import HasIntervals
from .answers.regression_losses import (
    check_range,
    regression_loss,
    scale_fits,
    target_scale,
    warn_of_far_targets,
)
from .fits.going_on import ANEW
from .inputs import told_right


class NetRegressor(RegressorMixin, MultiOutputMixin, HasIntervals):  # type: ignore[misc]
    """A network that predicts numbers.

    The loss says what is predicted, and on which scale the targets are trained on (unless
    ``scale=False``); predictions come back in the targets' own units.

    ============  ======================  ==================================================
    loss          predicted               targets
    ============  ======================  ==================================================
    "squared"     the mean                mean 0 and deviation 1
    "absolute"    the median              median 0 and quartile spread 1
    "huber"       between the two         likewise; a distance of more than one spread counts
                                          by its size, not by its square
    "quantile"    `quantiles`             likewise
    "poisson"     the mean, above 0       at least 0, divided by their mean
    "gamma"       the mean, above 0       above 0, divided by their mean
    ============  ======================  ==================================================

    The quartile spread is that of a normal distribution with the same quartiles, so a few targets
    far out move neither scale nor, with these losses, the network by much. With "squared" a few
    such targets have most of the error: there is a warning that names their rows, and the scale is
    that of the quartiles, or all others would be nearly one number.

    Losses in the curves are those of the scaled targets. Scores in the curves are R^2: of
    quantiles, that of the one nearest 1/2.

    Arguments:
        loss: a name of the table, or a loss of numbers, such as ``Huber(delta=0.5)``. Its mean is
            over the rows, as of all losses here.
        quantiles: with ``loss="quantile"`` a number between 0 and 1, or several, rising: the shares
            of the targets that lie below what is predicted; None: 0.5. Several never cross; see
            :class:`evenly.Quantile`.
        hidden, activation, norm, dropout, init, net, optimizer, learning_rate, schedule, l2,
            penalty, clip, constraint, augment, max_epochs, batch, early_stopping, patience,
            validation_fraction, scale, warm_start, random_state, n_jobs, verbose, dtype,
            doctor, validation, monitor, callbacks, average, refit, rates, embedding,
            sharing, dropout_schedule, decay_schedule: as of :class:`NetClassifier`. A `net` ends
            with one output a target, and with several quantiles with one for each quantile of each
            target.
        interval_fraction: share of the rows to hold out for :meth:`predict_interval` alone, beside
            those of early stopping; None: none.
        members, time_limit, effort: as of :class:`NetClassifier`; the mean is of the predicted
            numbers. Where no rows are held out for intervals alone, each member's errors on its
            own held-out rows serve, which are somewhat larger than those of the mean.

    Attributes:
        target_scaler_: the scale of the targets, or None without scaling.
        n_outputs_: how many targets.
        conformal_: (rows, targets): absolute errors on held-out rows, each column rising; None
            where none were held out.
        n_features_in_, feature_names_in_, model_, scaler_, history_, loss_curve_, score_curve_,
            validation_loss_curve_, validation_score_curve_, monitor_curve_, n_iter_, best_epoch_,
            refit_history_, diagnosis_, members_, settings_,
            time_ran_out_: as of :class:`NetClassifier`.

    Raises:
        ConfigurationError: a loss of classes; quantiles that are none, or with another loss.
        DataError: targets that the loss has no meaning for, such as counts below 0.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(200, 3))
        >>> y = 100 + 50 * x[:, 0]
        >>> NetRegressor(32, max_epochs=50, random_state=0).fit(x, y).score(x, y) > 0.9
        True
        >>> net = NetRegressor(32, loss="quantile", quantiles=(0.1, 0.9), max_epochs=50)
        >>> net.fit(x, y).predict(x[:5]).shape
        (5, 2)
    """

    def __init__(
        self,
        hidden: Any = (128, 64),
        *,
        loss: Any = "squared",
        quantiles: Any = None,
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
        max_epochs: Any = "auto",
        batch: Any = "auto",
        early_stopping: bool = True,
        patience: Any = "auto",
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
        interval_fraction: Any = None,
        average: Any = None,
        refit: bool = False,
        members: Any = "auto",
        time_limit: float | None = None,
        effort: str = "default",
        rates: Any = None,
        embedding: Any = None,
        sharing: Any = None,
        dropout_schedule: Any = None,
        decay_schedule: Any = None,
    ) -> None:
        self._keep(locals())

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = self.loss in ("poisson", "gamma") or isinstance(
            self.loss, (Poisson, Gamma))
        return tags

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
        who = f"{type(self).__name__}, loss={self.loss!r}"
        regression_loss(self, self.loss, self.quantiles).check_targets(y, who)
        y = y[:, None] if y.ndim == 1 else y
        if y.shape[1] != self.n_outputs_:
            raise ValueError(f"y has {y.shape[1]} targets, expected {self.n_outputs_}")
        return y

    def _look_at(self, y: Any, weights: Any, calls: int) -> None:
        if isinstance(regression_loss(self, self.loss, self.quantiles), MeanSquaredError):
            warn_of_far_targets(y, weights, calls + 1)

    def _decoded(self, y: Any) -> Any:
        return y[:, 0] if self._one_axis else y

    def _outputs(self) -> tuple[int, ...]:
        loss = regression_loss(self, self.loss, self.quantiles)
        return (self.n_outputs_ * loss.outputs_each,)

    def _loss(self, outputs: int) -> Loss:
        return regression_loss(self, self.loss, self.quantiles)

    def _check_scale(self, X: Any) -> None:
        super()._check_scale(X)
        if not hasattr(self, "model_"):
            return
        was, comes = self.model_.loss, regression_loss(self, self.loss, self.quantiles)
        alike = was is not None and was.in_target_units == comes.in_target_units and (
            was.outputs_each == comes.outputs_each)
        if not alike or not scale_fits(comes, self.target_scaler_):
            raise ConfigurationError(
                f"{type(self).__name__}: loss={self.loss!r}, quantiles={self.quantiles!r}, and the "
                f"network was trained with {was!r}: its outputs belong to targets of that scale "
                f"and kind: {ANEW}"
            )

    def _fold_targets(self, y: Any, weights: Any, first: bool) -> None:
        if first:
            loss = regression_loss(self, self.loss, self.quantiles)
            self.target_scaler_ = target_scale(loss, y, weights) if self.scale else None
        if self.target_scaler_ is not None:
            self.target_scaler_ = copy(self.target_scaler_)
            self.target_scaler_.fold(y, weights)

    def _wake_targets(self, y: Any, weights: Any) -> None:
        scaler = self.target_scaler_
        if scaler is not None and scaler.constant.any():
            self.target_scaler_ = scaler.with_columns(scaler.constant, y, weights)

    def _targets(self, y: Any, outputs: int) -> Any:
        if self.target_scaler_ is None:
            return y
        scaled = self.target_scaler_.scaled(y)
        check_range(scaled, y, self.dtype, isinstance(self._loss(outputs), Gamma))
        return scaled

    def predict(self, X: Any) -> Any:
        """What the loss asks for, in the targets' units: (rows,) where y was, else (rows, targets).

        Of several quantiles, a further axis: (rows, quantiles) or (rows, targets, quantiles). They
        rise along it, in every row.
        """
        scores = self._scores(X)
        loss = self._trained_loss()
        answers = loss.predicted(scores).reshape(len(scores), self.n_outputs_, -1)
        if self.target_scaler_ is not None:
            # Targets last, as the scale has them.
            answers = self.target_scaler_.original(answers.swapaxes(1, 2)).swapaxes(1, 2)
        answers = answers if loss.outputs_each > 1 else answers[:, :, 0]
        return answers[:, 0] if self._one_axis else answers

    def _trained_loss(self) -> Loss:
        """That of the training; a twin that only predicts has none, and is asked meanwhile."""
        return self.model_.loss or regression_loss(self, self.loss, self.quantiles)

    def _point(self, answers: Any) -> Any:
        loss = self._trained_loss()
        if not isinstance(loss, Quantile) or len(loss.several) == 1:
            return answers
        return answers[..., int(np.abs(np.asarray(loss.several) - 0.5).argmin())]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R^2 of the predictions. With quantiles D^2: what share of the pinball loss of the best
        constant quantiles is gone, the mean over quantiles and targets; 1 is the best, 0 a
        constant's.

        Arguments:
            X, y: rows and their targets.
            sample_weight: (rows,): how much each row counts.

        Source: Koenker and Machado 1999, "Goodness of fit and related inference processes for
        quantile regression", section 2.
        """
        answers = self.predict(X)
        y, sample_weight = told_right(y, sample_weight)
        loss = self.model_.loss
        if not isinstance(loss, Quantile):
            return float(super().score(X, y, sample_weight))
        levels = loss.several
        each = [answers] if len(levels) == 1 else np.moveaxis(answers, -1, 0)
        return float(np.mean([
            d2_pinball_score(y, one, sample_weight=sample_weight, alpha=level)
            for one, level in zip(each, levels, strict=True)
        ]))
