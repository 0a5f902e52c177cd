"""How the ready studies train: one call, plain measures, and what a training that breaks counts as.

A training that is not finite any more is an outcome, not an accident: it is scored as a guess
would be, its losses as those of a guess from there on. Each study's `about` says so where it
happens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

import evenly as ev

from ..engine import NotFiniteError
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
        test_losses: the test loss after each epoch, where it was asked for.
        seconds: of the training.
        broke: whether it was not finite any more.
    """

    model: Any
    losses: tuple[float, ...]
    train: float
    test: float
    train_loss: float
    test_loss: float
    seconds: float
    broke: bool
    test_losses: tuple[float, ...] = ()

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
        curve: whether the test part's loss is taken after every epoch.

    Raises:
        Stopped: the study is asked to stop.
    """
    if loss is None:
        loss = loss_for(data)
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
    test_losses = [record.validation_loss for record in records] if curve else []
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
        test_losses=tuple(_settled([*test_losses, *[guess_loss] * short], guess_loss))
        if curve else (),
        seconds=records[-1].seconds if records else 0.0, broke=broke,
    )


@dataclass(frozen=True)
class Steps:
    """A training, step by step.

    Attributes:
        engine: that made it; None where it broke.
        losses: of each step, a guess's from where it broke.
        norms: of each step's gradient before clipping; the last one goes on where it broke.
    """

    engine: Any
    losses: list[float]
    norms: list[float]

    def scored(self, x: Any, y: Any, guess: float) -> float:
        """The score on these rows, in inference mode; a guess's where the training broke. At least
        a guess's less 1, since R^2 has no end below."""
        score = guess if self.engine is None else self.engine.evaluate(x, y).score
        return max(float(score), guess - 1) if np.isfinite(score) else guess


# Many trainings differ in their rates and seeds alone.
_compiled = lru_cache(maxsize=8)(ev.compile)


def by_step(
    case: Case, net: Any, data: Data, *, steps: int, rate: float, batch: int | None = None,
    optimizer: Any = None, clip: Any = None, first: Mapping[str, Any] | None = None,
) -> Steps:
    """Trains a network on a thread, in as few calls as can be: quick where steps are small.

    Arguments:
        case: its seed is that of weights and batches.
        net, data: what is trained on what.
        steps: how many; the data are gone through as often as it takes.
        rate: of all steps.
        batch: rows a step; None takes all.
        optimizer: plain gradient descent by default; its own rate is not used.
        clip: as of ``fit``.
        first: weights by name that take the place of drawn ones.

    Raises:
        Stopped: the study is asked to stop.
    """
    rows = len(data.x) if batch is None else batch
    engine = engine_of(net, data, rows, case.seed, optimizer or ev.SGD(1.0), clip, first)
    shuffle = np.random.default_rng(case.seed)
    passes = -(-steps * rows // len(data.x))
    order = np.concatenate([shuffle.permutation(len(data.x)) for _ in range(passes)])
    losses: list[float] = []
    norms: list[float] = []
    with suppress(NotFiniteError):
        for records in engine.train(
            engine.rows(data.x), engine.targets(data.y), order[: steps * rows], rows,
            rates=np.full(steps, rate),
        ):
            losses += records[:, 0].tolist()
            norms += records[:, 3].tolist()
            if stopped():
                raise Stopped
    broke = len(losses) < steps or not np.isfinite(losses).all()
    guess_loss = guessed(data)[1]
    missing = steps - len(losses)
    return Steps(
        None if broke else engine, _settled([*losses, *[guess_loss] * missing], guess_loss),
        [*norms, *[norms[-1] if norms else 0.0] * missing],
    )


def engine_of(
    net: Any, data: Data, rows: int, seed: int, optimizer: Any = None, clip: Any = None,
    first: Mapping[str, Any] | None = None,
) -> ev.Engine:
    """An engine for batches of so many rows of the data, its weights drawn or given."""
    loss = loss_for(data)
    program = _compiled(net, data.x.shape[1:], rows, loss, optimizer or ev.SGD(1.0), clip=clip)
    return ev.Engine(program, seed=seed, threads=1, weights=first)


def spreads(engine: ev.Engine, x: Any, y: Any) -> tuple[list[float], list[float]]:
    """Root mean squares layer by layer, first layer first: of what each hands on, and of each
    example's gradient on that. An activation counts with the layer in front of it.

    Arguments:
        engine: planned for at least as many rows.
        x, y: a batch.
    """
    x, y = engine.rows(x), engine.targets(y)
    outputs: list[float] = []
    gradients: list[float] = []
    for place, line in enumerate(engine.program.lists["gradient"]):
        is_backward = line.operation.endswith("backward")
        if is_backward and "d_y" in line.buffers:
            gradients.append(_root_mean_square(engine.buffer(line.buffers["d_y"])[: len(x)]))
        engine.run("gradient", x, y, begin=place, end=place + 1)
        if not is_backward and line.layers and "y" in line.buffers:
            outputs.append(_root_mean_square(engine.buffer(line.buffers["y"])[: len(x)]))
    return outputs, [value * len(x) for value in reversed(gradients)]


def _root_mean_square(values: Any) -> float:
    return float(np.sqrt(np.mean(np.asarray(values, np.float64) ** 2)))


def loss_for(data: Data) -> Any:
    """Softmax cross-entropy for classes, the squared error for numbers."""
    return ev.SoftmaxCrossEntropy() if data.classes > 1 else ev.MeanSquaredError()


def guessed(data: Data) -> tuple[float, float]:
    """Score and loss of who knows the training targets and nothing of the inputs."""
    if data.classes == 1:
        return 0.0, float(np.var(data.y))
    shares = np.bincount(data.y, minlength=data.classes) / len(data.y)
    told = shares[shares > 0]
    return float(shares.max()), float(-(told * np.log(told)).sum())


def epochs_for(steps: int, data: Data, batch: int = 32) -> int:
    """How many epochs make about so many steps: data sets of all sizes then train alike."""
    return max(1, round(steps / -(-len(data.x) // batch)))


# A gap under 2 % of what a guess loses is none to speak of; its logarithm would be noise.
LEAST_GAP = 0.02


def loss_gap(done: Trained, data: Data) -> float:
    """Test loss less training loss, both in inference mode, as a share of a guess's loss: so data
    sets, and losses, can stand side by side."""
    return (done.test_loss - done.train_loss) / guessed(data)[1]


def log_gap(done: Trained, data: Data) -> float:
    """The logarithm of :func:`loss_gap`, where gaps under 2 % count as 2 %."""
    return float(np.log(max(loss_gap(done, data), LEAST_GAP)))


def kernel_size(done: Trained) -> float:
    """Root mean square of all kernels' weights; that of He's first weights is about
    ``sqrt(2 / inputs)``."""
    assert done.model is not None
    kernels = [w.ravel() for name, w in done.model.weights.items() if name.endswith(".kernel")]
    return float(np.sqrt(np.mean(np.square(np.concatenate(kernels), dtype=np.float64))))


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


@dataclass(frozen=True)
class Times:
    """An initializer whose numbers are multiplied by a factor.

    Arguments:
        first: the initializer.
        factor: any number.
    """

    first: Any
    factor: float

    def sample(
        self, generator: np.random.Generator, shape: tuple[int, ...], fan: tuple[int, int]
    ) -> Any:
        return self.factor * self.first.sample(generator, shape, fan)
