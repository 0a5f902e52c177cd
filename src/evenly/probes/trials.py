"""What is tried before a training, in seconds: whether the network can learn from these data."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ..engine import Engine, NotFiniteError
from ..layers import BatchNorm, DropConnect, Dropout
from ..layers.base import Layer
from ..layers.containers import Container, Sequential
from ..layers.embedding import index_reader
from ..layers.noise import GaussianNoise, _Noise
from ..layers.recurrent import Recurrent
from ..losses import Loss
from ..optimizers import Optimizer
from ..program import compile as compile_program
from ..records import Checks
from ..rows.data import Examples
from .generators import own_random

MEMORIZED_ROWS, MEMORIZED_STEPS = 32, 300
SEEN_ROWS, SEEN_STEPS = 512, 150
_COUPLED_ROWS = 4
# Seconds that each of the longer trials may take.
_SECONDS = 4.0


class Trials:
    """Tries things with a network and some data; nothing of either is changed.

    Arguments:
        net, loss, optimizer: of the training.
        data: prepared for a program of the same net and loss.
        shape: of one example.
        batch: rows a step.
        clip: of the gradients.
        seed, dtype: of the training.
        weights: arrays that take the place of initial ones.
    """

    def __init__(
        self, net: Sequential, loss: Loss, optimizer: Optimizer, data: Examples,
        shape: tuple[int, ...], batch: int, clip: Any = None, seed: int = 0,
        dtype: str = "float32", weights: Any = None,
    ) -> None:
        self._net, self._loss, self._optimizer, self._data = net, loss, optimizer, data
        self._shape, self._batch, self._clip = shape, batch, clip
        self._seed, self._dtype, self._weights = seed, dtype, weights
        self._calm = rewritten(net, _without_noise)

    def all(self) -> Checks:
        """All of them."""
        with own_random(), np.errstate(all="ignore"):
            return Checks(
                first_loss=self.first_loss(), coupling=self.coupling(), descent=self.descent(),
                **self.memorize(), **self.blind_and_seeing(),
            )

    def first_loss(self) -> float:
        """Of the untouched network, in inference mode."""
        rows = self._some(max(self._batch, 256))
        engine = self._engine(self._net, len(rows.x))
        return engine.loss_and_score_sum(rows.x, rows.y, rows.weights, rows.lengths)[0]

    def memorize(self) -> dict[str, Any]:
        """Trains on one small batch alone, without dropout and penalty."""
        rows = self._some(MEMORIZED_ROWS)
        engine = self._engine(self._calm, len(rows.x))
        begin, best, steps = time.perf_counter(), float("inf"), 0
        try:
            while steps < MEMORIZED_STEPS and time.perf_counter() - begin < _SECONDS:
                record = engine.step(rows.x, rows.y, rows.weights, rows.lengths)
                best, steps = min(best, record.loss), steps + 1
        except NotFiniteError:
            return {"memorized_loss": float("inf"), "memorized_best": best,
                    "memorized_steps": steps, "memorized_score": None}
        told = engine.evaluate(rows.x, rows.y, rows.weights, rows.lengths)
        loss, score = told.loss, told.score
        return {"memorized_loss": loss, "memorized_best": min(best, loss),
                "memorized_steps": steps, "memorized_score": score if score == score else None}

    def blind_and_seeing(self) -> dict[str, Any]:
        """Trains a while on the inputs as they are, and as long on zeros."""
        rows = self._some(SEEN_ROWS)
        seeing, steps = self._train(rows, SEEN_STEPS)
        blind, _ = self._train(rows._replace(x=np.zeros_like(rows.x)), steps, limited=False)
        return {"seeing_loss": seeing, "blind_loss": blind}

    def _train(self, rows: Examples, most: int, limited: bool = True) -> tuple[float, int]:
        batch = min(self._batch, len(rows.x))
        engine = self._engine(self._net, batch)
        draw = np.random.default_rng(self._seed)
        begin, steps = time.perf_counter(), 0
        try:
            while steps < most and not (limited and time.perf_counter() - begin > _SECONDS):
                part = rows.take(np.sort(draw.permutation(len(rows.x))[:batch]))
                engine.step(*part)
                steps += 1
        except NotFiniteError:
            return float("inf"), max(1, steps)
        engine.reset_states()
        return engine.loss_and_score_sum(*rows)[0], steps

    def coupling(self) -> float | None:
        """The largest influence of one row on another's scores over the largest on its own, in
        inference mode, and in training mode but for batch normalization: that couples rows on
        purpose."""
        rows = self._some(_COUPLED_ROWS)
        if len(rows.x) < 2:
            return None
        shares = [share for share in (self._coupling_in_inference(rows),
                                      self._coupling_in_training(rows)) if share is not None]
        return max(shares) if shares else None

    def _coupling_in_inference(self, rows: Examples) -> float | None:
        engine = self._engine(self._net, len(rows.x))

        def scores(x: Any) -> Any:
            engine.reset_states()
            return engine.predict(x, rows.lengths).reshape(len(x), -1).astype(np.float64)

        before = scores(rows.x)
        others = own = 0.0
        for place in range(len(rows.x)):
            changed = rows.x.copy()
            changed[place] = rows.x[place - 1] * 0.5 if rows.x.dtype.kind == "f" and not (
                self._reads_indices()) else rows.x[place - 1]
            change = np.abs(scores(changed) - before).max(axis=1)
            own = max(own, float(change[place]))
            others = max(others, float(np.delete(change, place).max()))
        return _share(others, own)

    def _coupling_in_training(self, rows: Examples) -> float | None:
        if self._reads_indices():
            return None
        net = rewritten(self._calm, _frozen)
        program = compile_program(net, self._shape, len(rows.x), dtype="float64")
        engine = Engine(program, seed=self._seed, weights=self._weights)
        x = rows.x.astype(np.float64)
        others = own = 0.0
        for place in range(len(x)):
            y = engine.forward(x, rows.lengths)
            d_y = np.zeros_like(y)
            d_y[place] = 1 + np.arange(y[0].size).reshape(y[0].shape) / y[0].size
            d_x, _ = engine.backward(d_y)
            sizes = np.abs(d_x.reshape(len(x), -1)).max(axis=1)
            own = max(own, float(sizes[place]))
            others = max(others, float(np.delete(sizes, place).max()))
        return _share(others, own)

    def descent(self) -> float | None:
        """The change of the loss along a small step of the optimizer over the change that the
        gradient foretells, in float64, without dropout."""
        rows = self._some(MEMORIZED_ROWS)
        foretold, loss, _ = self._step(rows, self._optimizer)
        if not np.isfinite(foretold) or foretold == 0 or not np.isfinite(loss):
            return None
        size = 1e-5 * max(abs(loss), 1e-3) / abs(foretold)
        small = replace(self._optimizer, learning_rate=self._optimizer.learning_rate * size)
        foretold, _, change = self._step(rows, small)
        return change / foretold if foretold else None

    def _step(self, rows: Examples, optimizer: Optimizer) -> tuple[float, float, float]:
        """(what the gradient foretells of a step's change, the loss before, the change)."""
        program = compile_program(
            self._calm, self._shape, len(rows.x), self._loss, optimizer, dtype="float64"
        )
        engine = Engine(program, seed=self._seed, weights=self._weights)
        own = rows._replace(
            x=rows.x.astype(np.float64),
            y=rows.y if self._loss.targets_are_classes else rows.y.astype(np.float64),
            weights=None if rows.weights is None else rows.weights.astype(np.float64),
        )

        def loss() -> tuple[float, dict[str, Any]]:
            engine.steps = 0  # the same random numbers
            value, _, gradients = engine.gradients(*own)
            return value, {name: gradient.copy() for name, gradient in gradients.items()}

        with own_random():
            before, gradients = loss()
        was = {name: array.copy() for name, array in engine.arrays.items()}
        with own_random():
            engine.steps = 0
            try:
                engine.step(*own)
            except NotFiniteError:
                return float("nan"), before, float("nan")
        foretold = sum(float((gradient * (engine.arrays[name] - was[name])).sum())
                       for name, gradient in gradients.items())
        with own_random():
            after, _ = loss()
        return foretold, before, after - before

    # Parts -----------------------------------------------------------------------------------

    def _some(self, most: int) -> Examples:
        """Some rows, as dense arrays."""
        count = len(self._data.x)
        rows = self._data.take(np.linspace(0, count - 1, min(count, most)).astype(np.int64))
        if hasattr(rows.x, "dense"):
            rows = rows._replace(x=rows.x.dense(slice(0, len(rows.x)), np.dtype(self._dtype)))
        return rows

    def _engine(self, net: Sequential, batch: int) -> Engine:
        program = compile_program(
            net, self._shape, batch, self._loss, self._optimizer, clip=self._clip,
            dtype=self._dtype,
        )
        return Engine(program, seed=self._seed, weights=self._weights)

    def _reads_indices(self) -> bool:
        return index_reader(self._net) is not None


def rewritten(net: Sequential, change: Callable[[Layer], Layer]) -> Sequential:
    """A network with each of its layers changed; names, and so initial weights, stay."""

    def walk(layer: Layer) -> Layer:
        if isinstance(layer, Container):
            return layer.with_parts([walk(part) for part in layer.parts])
        return change(layer)

    changed = walk(net.named)
    assert isinstance(changed, Sequential)
    return changed


def _without_noise(layer: Layer) -> Layer:
    if isinstance(layer, GaussianNoise):
        return replace(layer, deviation=0.0)
    if isinstance(layer, (Dropout, DropConnect, _Noise)):
        calm: Layer = replace(layer, rate=0.0)  # type: ignore[type-var]
        return calm
    if isinstance(layer, Recurrent):
        return replace(layer, dropout=0.0, recurrent_dropout=0.0)
    return layer


def _frozen(layer: Layer) -> Layer:
    return replace(layer, frozen=True) if isinstance(layer, BatchNorm) else layer


def _share(others: float, own: float) -> float | None:
    if not np.isfinite(others) or not np.isfinite(own):
        return None
    if own > 0:
        return others / own
    return float("inf") if others > 0 else None
