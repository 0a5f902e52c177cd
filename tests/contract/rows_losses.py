"""The table of losses: each with targets for it, and as PyTorch says it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import evenly as ev


@dataclass(frozen=True)
class LossRow:
    """A loss, targets for it, and PyTorch's."""

    name: str
    loss: Any
    targets: Callable[[np.random.Generator, int, int], Any]
    torch: Callable[[Any, Any], Any]
    # Outputs of the network for each of the k targets.
    outputs: int = 1
    # Scores beyond are not tried: exp(s) is beyond float32.
    farthest: float = np.inf


def _classes(rng: np.random.Generator, rows: int, k: int) -> Any:
    return rng.integers(0, k, rows)


def _some_classes(rng: np.random.Generator, rows: int, k: int) -> Any:
    """A third of them is none; PyTorch has no mean where all are."""
    y = np.where(rng.random(rows) < 0.3, -100, rng.integers(0, k, rows))
    y[0] = 0
    return y


def _yes_or_no(rng: np.random.Generator, rows: int, k: int) -> Any:
    return rng.integers(0, 2, (rows, k)).astype(float)


def _numbers(rng: np.random.Generator, rows: int, k: int) -> Any:
    return rng.standard_normal((rows, k))


def _counts(rng: np.random.Generator, rows: int, k: int) -> Any:
    return rng.poisson(2.0, (rows, k)).astype(float)


def _positive(rng: np.random.Generator, rows: int, k: int) -> Any:
    return rng.gamma(1.5, size=(rows, k)) + 1e-3


def _shares(rng: np.random.Generator, rows: int, k: int) -> Any:
    return np.where(rng.random((rows, k)) < 0.2, rng.random((rows, k)),
                    rng.integers(0, 2, (rows, k)))


def _gamma_nll(scores: Any, target: Any) -> Any:
    """By PyTorch's own density, of the shape 1 and without what no score changes."""
    density = torch.distributions.Gamma(1.0, torch.exp(-scores))
    return -density.log_prob(torch.tensor(target)).mean()


def _pinball(levels: tuple[float, ...]) -> Callable[[Any, Any], Any]:
    """Quantiles made of scores by cumulative sums of softplus on both sides of the anchor."""
    m = min(range(len(levels)), key=lambda j: abs(levels[j] - 0.5))

    def loss(scores: Any, target: Any) -> Any:
        own = scores.reshape(len(scores), -1, len(levels))
        middle, gaps = own[..., m : m + 1], torch.nn.functional.softplus(own, threshold=1e9)
        above = middle + gaps[..., m + 1 :].cumsum(-1)
        below = middle - gaps[..., :m].flip(-1).cumsum(-1).flip(-1)
        errors = torch.tensor(target)[..., None] - torch.cat([below, middle, above], -1)
        a = torch.tensor(levels, dtype=scores.dtype)
        return torch.maximum(a * errors, (a - 1) * errors).mean()

    return loss


def _focal(gamma: float, weight: Any = None) -> Callable[[Any, Any], Any]:
    def loss(scores: Any, target: Any) -> Any:
        y = torch.tensor(target)
        logs = torch.log_softmax(scores, -1)
        own = logs.gather(1, y.clamp(min=0)[:, None])[:, 0]
        others = torch.where(torch.nn.functional.one_hot(y.clamp(min=0), scores.shape[1]) > 0, 0,
                             logs.exp()).sum(1)
        v = torch.ones(len(y)) if weight is None else torch.tensor(weight(scores.shape[1]))[y]
        v = v.to(scores.dtype) * (y >= 0)
        return (v * others**gamma * -own).sum() / v.sum()

    return loss


def _asymmetric(yes: float, no: float, margin: float, v: tuple[float, float] = (1.0, 1.0),
                ) -> Callable[[Any, Any], Any]:
    def loss(scores: Any, target: Any) -> Any:
        t = torch.tensor(target)
        p, q = torch.sigmoid(scores), torch.sigmoid(-scores)
        p_m = (p - margin).clamp(min=0)
        of_no = -torch.nn.functional.logsigmoid(-scores) if margin == 0 else -torch.log1p(-p_m)
        each = (v[1] * t * q**yes * -torch.nn.functional.logsigmoid(scores)
                + v[0] * (1 - t) * p_m**no * of_no)
        return each.sum() / (v[1] * t + v[0] * (1 - t)).sum()

    return loss


def _smoothed(target: Any, e: float) -> Any:
    return torch.tensor(target) * (1 - e) + e / 2


def _weighted_bce(scores: Any, target: Any) -> Any:
    weights = torch.where(torch.tensor(target) > 0, 3.0, 0.5).to(scores.dtype)
    return torch.nn.functional.binary_cross_entropy_with_logits(
        scores, _smoothed(target, 0.2), weight=weights, reduction="sum"
    ) / weights.sum()


_F = torch.nn.functional
LOSSES = [
    LossRow("SoftmaxCrossEntropy", ev.SoftmaxCrossEntropy(), _classes,
            lambda s, y: _F.cross_entropy(s, torch.tensor(y))),
    LossRow("SoftmaxCrossEntropy(smoothed)", ev.SoftmaxCrossEntropy(label_smoothing=0.1), _classes,
            lambda s, y: _F.cross_entropy(s, torch.tensor(y), label_smoothing=0.1)),
    LossRow("SoftmaxCrossEntropy(ignoring)",
            ev.SoftmaxCrossEntropy(label_smoothing=0.1, ignore_index=-100), _some_classes,
            lambda s, y: _F.cross_entropy(s, torch.tensor(y), label_smoothing=0.1)),
    LossRow("BinaryCrossEntropy", ev.BinaryCrossEntropy(), _yes_or_no,
            lambda s, y: _F.binary_cross_entropy_with_logits(s, torch.tensor(y))),
    LossRow("BinaryCrossEntropy(smoothed, weighted)",
            ev.BinaryCrossEntropy(label_smoothing=0.2, class_weights=(0.5, 3.0)), _yes_or_no,
            _weighted_bce),
    LossRow("MeanSquaredError", ev.MeanSquaredError(), _numbers,
            lambda s, y: _F.mse_loss(s, torch.tensor(y))),
    LossRow("MeanSquaredError(sum)", ev.MeanSquaredError("sum"), _numbers,
            lambda s, y: _F.mse_loss(s, torch.tensor(y), reduction="sum") / len(y)),
    LossRow("MeanAbsoluteError", ev.MeanAbsoluteError(), _numbers,
            lambda s, y: _F.l1_loss(s, torch.tensor(y))),
    LossRow("Huber(0.7)", ev.Huber(delta=0.7), _numbers,
            lambda s, y: _F.huber_loss(s, torch.tensor(y), delta=0.7)),
    LossRow("Poisson", ev.Poisson(), _counts,
            lambda s, y: _F.poisson_nll_loss(s, torch.tensor(y), log_input=True), farthest=60.0),
    LossRow("Poisson(sum)", ev.Poisson("sum"), _positive,
            lambda s, y: _F.poisson_nll_loss(s, torch.tensor(y), reduction="sum") / len(y),
            farthest=60.0),
    LossRow("Gamma", ev.Gamma(), _positive, _gamma_nll, farthest=60.0),
    LossRow("Quantile(0.3)", ev.Quantile(0.3), _numbers, _pinball((0.3,))),
    LossRow("Quantile(0.1, 0.5, 0.9)", ev.Quantile((0.1, 0.5, 0.9)), _numbers,
            _pinball((0.1, 0.5, 0.9)), outputs=3),
    LossRow("Quantile(four below)", ev.Quantile((0.01, 0.05, 0.1, 0.25)), _numbers,
            _pinball((0.01, 0.05, 0.1, 0.25)), outputs=4),
    LossRow("Quantile(five)", ev.Quantile((0.05, 0.3, 0.55, 0.8, 0.95)), _numbers,
            _pinball((0.05, 0.3, 0.55, 0.8, 0.95)), outputs=5),
    LossRow("FocalCrossEntropy", ev.FocalCrossEntropy(), _classes, _focal(2.0)),
    LossRow("FocalCrossEntropy(0.5, ignoring)", ev.FocalCrossEntropy(0.5, ignore_index=-100),
            _some_classes, _focal(0.5)),
    LossRow("BinaryFocalCrossEntropy", ev.BinaryFocalCrossEntropy(), _yes_or_no,
            _asymmetric(2.0, 2.0, 0.0)),
    LossRow("BinaryFocalCrossEntropy(1.3, weighted)",
            ev.BinaryFocalCrossEntropy(1.3, class_weights=(0.75, 0.25)), _shares,
            _asymmetric(1.3, 1.3, 0.0, (0.75, 0.25))),
    LossRow("AsymmetricCrossEntropy", ev.AsymmetricCrossEntropy(), _shares,
            _asymmetric(0.0, 4.0, 0.05)),
    LossRow("AsymmetricCrossEntropy(1, 2, 0.2)", ev.AsymmetricCrossEntropy(1.0, 2.0, 0.2),
            _yes_or_no, _asymmetric(1.0, 2.0, 0.2)),
]


def of_width(outputs: int) -> list[LossRow]:
    """The losses that a network with so many outputs fits; they have ``outputs // row.outputs``
    targets."""
    return [row for row in LOSSES if outputs % row.outputs == 0]
