"""From a classifier's scores to classes: temperature, probabilities, threshold."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import ConfigurationError
from ...layers.special import logistic, softplus
from ...losses import SoftmaxCrossEntropy
from ..fits.held_out import Held
from ..fits.in_parts import TrainsInParts
from ..settings import truth
from .calibration import best_temperature
from .monitor import no_rows
from .threshold import fixed_threshold, is_measure, tuned_threshold


class PredictsClasses(TrainsInParts):
    """What a classifier predicts, and what it learns of that from held-out rows.

    Attributes:
        temperature_: what the scores are divided by; None without ``calibrate=True``.
        threshold_: the probability from which on the second of two classes, or a label (one number
            each), is predicted; None: the likeliest.
    """

    classes_: Any
    threshold: Any
    calibrate: Any
    temperature_: Any = None
    threshold_: Any = None
    _multi_label: bool

    # Learned from held-out rows -----------------------------------------------------------------

    def _known_before(self) -> dict[str, Any]:
        fixed = fixed_threshold(self.threshold, len(self.classes_), self._multi_label)
        return {} if fixed is None else {"threshold_": fixed}

    def _check_before(self, held: Held | None) -> None:
        truth("calibrate", self.calibrate)
        self._known_before()
        if held is None and self.calibrate:
            raise ConfigurationError(no_rows("calibrate=True learns from held-out rows"))
        if held is None and is_measure(self.threshold):
            raise ConfigurationError(
                no_rows(f"threshold={self.threshold!r} is tuned on held-out rows")
            )

    def _from_held(self, twin: Any, held: Held | None, apart: Held | None) -> dict[str, Any]:
        told = self._known_before()
        if held is None:
            return told
        if self.calibrate:
            scores = twin.decision_function(held.X)
            twin.temperature_ = told["temperature_"] = best_temperature(
                scores, held.y, held.weights
            )
        if is_measure(self.threshold):
            chances = twin.predict_proba(held.X)
            if self._multi_label:
                labels = np.arange(2)
                told["threshold_"] = np.array([
                    tuned_threshold(self.threshold, labels, column, held._replace(y=y), label)
                    for label, (column, y) in enumerate(zip(chances.T, held.y.T, strict=True))
                ])
            else:
                told["threshold_"] = tuned_threshold(
                    self.threshold, self.classes_, chances[:, 1], held
                )
        return told

    def _decoded(self, y: Any) -> Any:
        return y if self._multi_label else self.classes_[y]

    # Predictions --------------------------------------------------------------------------------

    def decision_function(self, X: Any) -> Any:
        """The network's scores, before they become probabilities; with ``calibrate=True`` divided
        by the temperature.

        Returns:
            Two classes: (rows,), the log odds of the second. More, or several labels: (rows,
            classes).
        """
        scores = self._scores(X)
        if self.temperature_ is not None:
            scores = scores / self.temperature_
        if len(self.classes_) > 2 or self._multi_label:
            return scores
        return scores[:, 0] if scores.shape[1] == 1 else scores[:, 1] - scores[:, 0]

    def predict_proba(self, X: Any) -> Any:
        """Probabilities, (rows, classes): of one class a row they sum to 1; of several labels each
        is that label's own."""
        scores = self.decision_function(X)
        if self._multi_label:
            return logistic(np, scores)
        if scores.ndim == 1:
            scores = np.stack([np.zeros_like(scores), scores], axis=1)
        return SoftmaxCrossEntropy().probabilities(scores)

    def predict_log_proba(self, X: Any) -> Any:
        """The logarithms of the probabilities, also of those that are too small for a number."""
        scores = self.decision_function(X)
        if self._multi_label:
            return -softplus(np, -scores)
        if scores.ndim == 1:
            scores = np.stack([np.zeros_like(scores), scores], axis=1)
        return SoftmaxCrossEntropy().log_probabilities(scores)

    def predict(self, X: Any) -> Any:
        """The likeliest class of each row; with several labels 0 or 1 for each, (rows, labels).
        Where there is a threshold, the second class, or a label, from that probability on."""
        if self.threshold_ is not None:
            chances = self.predict_proba(X)
            if self._multi_label:
                return (chances >= self.threshold_).astype(np.int64)
            return self.classes_[(chances[:, 1] >= self.threshold_).astype(int)]
        scores = self.decision_function(X)
        if self._multi_label:
            return (scores > 0).astype(np.int64)
        best = (scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)
        return self.classes_[best]
