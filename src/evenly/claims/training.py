"""How the ready studies train: one call, plain measures, and what a training that breaks counts as.

A training that is not finite any more is an outcome, not an accident: it is scored as a guess
would be, its losses as those of a guess from there on. Each study's `about` says so where it
happens.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

import evenly as ev

from ..errors import DivergenceError
from ..study.cells import Stopped, stopped
from .data import Data
from .study import Case


@dataclass(frozen=True)
class Trained:
    """A training and what it measured.

    Attributes:
        model: the network; None where the training broke.
        losses: of each epoch, means over its batches, in training mode.
        train, test: the score at the end, in inference mode: accuracy, or R^2.
        train_loss, test_loss: likewise.
        test_curve: the test score after each epoch, where it was asked for.
        seconds: of the training.
        broke: whether it was not finite any more.
    """

    model: Any
    losses: tuple[float, ...]
    train: float
    test: float
    train_loss: float
    test_loss: float
    test_curve: tuple[float, ...]
    seconds: float
    broke: bool

    @property
    def gap(self) -> float:
        """Training score less test score."""
        return self.train - self.test


def mlp(
    hidden: Sequence[int], outputs: int, *, activation: Any = None, norm: Any = None,
    dropout: float = 0.0, first: Any = None, norm_first: bool = True,
) -> Any:
    """A dense network: for each width Dense, norm, activation, dropout; then Dense.

    Arguments:
        hidden: widths.
        outputs: of the last layer.
        activation: a layer; ReLU where none is given.
        norm: a layer, or none.
        dropout: its rate; 0 leaves it out.
        first: initializer of the kernels; None takes the layers' own.
        norm_first: the norm in front of the activation, or behind it.
    """
    act = ev.ReLU() if activation is None else activation
    own = {} if first is None else {"kernel_init": first}
    layers: list[Any] = []
    for width in hidden:
        layers.append(ev.Dense(width, **own))
        pair = [norm, act] if norm_first else [act, norm]
        layers += [layer for layer in pair if layer is not None]
        if dropout:
            layers.append(ev.Dropout(dropout))
    return ev.Sequential([*layers, ev.Dense(outputs, **own)])


def train(
    case: Case, net: Any, data: Data, *, epochs: int, curve: bool = False, batch: int | None = 32,
    optimizer: Any = None, loss: Any = None, **settings: Any,
) -> Trained:
    """Trains a network on a thread and scores it on both parts.

    Arguments:
        case: its seed is that of weights and batches.
        net, data: what is trained on what.
        epochs, batch, optimizer, settings: as of ``fit``.
        loss: by default softmax cross-entropy for classes, squared error for numbers.
        curve: whether the test part is scored after every epoch.

    Raises:
        Stopped: the study is asked to stop.
    """
    if loss is None:
        loss = ev.SoftmaxCrossEntropy() if data.classes > 1 else ev.MeanSquaredError()
    records: list[Any] = []
    if curve:
        settings["validation"] = (data.x_test, data.y_test)
    model = None
    with suppress(DivergenceError):
        model = ev.fit(
            net, data.x, data.y, loss=loss, optimizer=optimizer or ev.Adam(1e-3), epochs=epochs,
            batch=batch, seed=case.seed, threads=1, progress=False, stop=stopped,
            callbacks=(records.append,), **settings,
        )
    if stopped():
        raise Stopped
    guess, guess_loss = guessed(data)
    losses = [record.loss for record in records]
    tests = [record.validation_score for record in records] if curve else []
    broke = model is None
    found = (guess, guess, guess_loss, guess_loss)
    if model is not None:
        own, other = model.evaluate(data.x, data.y), model.evaluate(data.x_test, data.y_test)
        found = (own.score, other.score, own.loss, other.loss)
        broke = not all(map(np.isfinite, found))
        if broke:
            found = (guess, guess, guess_loss, guess_loss)
    short = epochs - len(losses) if broke else 0
    return Trained(
        model=None if broke else model,
        losses=tuple(_settled([*losses, *[guess_loss] * short], guess_loss)),
        train=found[0], test=found[1], train_loss=found[2], test_loss=found[3],
        test_curve=tuple(_settled([*tests, *[guess] * short], guess)) if curve else (),
        seconds=records[-1].seconds if records else 0.0, broke=broke,
    )


def guessed(data: Data) -> tuple[float, float]:
    """Score and loss of who knows the training targets and nothing of the inputs."""
    if data.classes == 1:
        return 0.0, float(np.var(data.y))
    shares = np.bincount(data.y, minlength=data.classes) / len(data.y)
    told = shares[shares > 0]
    return float(shares.max()), float(-(told * np.log(told)).sum())


def _settled(values: Sequence[float], instead: float) -> list[float]:
    return [float(v) if v is not None and np.isfinite(v) else instead for v in values]


def steps_to(losses: Sequence[float], target: float) -> float:
    """How many entries it takes until the loss is at most `target`, between two entries by the
    straight line; one more than there are where it is never reached."""
    before = losses[0]
    for place, loss in enumerate(losses):
        if loss <= target:
            share = 1.0 if before <= loss else (before - target) / (before - loss)
            return place + share if place else 1.0
        before = loss
    return len(losses) + 1.0
