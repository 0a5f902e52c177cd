"""A whole training: 64-128-128-10 on scikit-learn's digits, batch 32, 50 epochs.

Batch normalization and dropout, Adam, rows shuffled anew in each epoch. Compilation is not counted:
each peer trains once before it is timed. scikit-learn has neither normalization nor dropout and
trains the plain network, which is less work.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .goals import goals
from .nets.case import BETAS, LEARNING_RATE, RATE, Net
from .rows import Row

TITLE = "A whole training"
# One round is a whole training of some 2800 steps: fewer rounds tell enough.
ROUNDS_SHARE = 1 / 3
# Keras leaves its compiled function for Python this seldom.
_STEPS_A_CALL = 32
Run = Callable[[int], None]


@dataclass(frozen=True)
class Training:
    """A network and how long it is trained."""

    net: Net
    epochs: int

    def data(self) -> tuple[Any, Any]:
        """Standardized inputs and class numbers; random ones where scikit-learn is missing, for
        the time does not depend on them."""
        try:
            from sklearn.datasets import load_digits
        except ImportError:
            random = np.random.default_rng(0)
            x = random.standard_normal((1797, self.net.sizes[0]), dtype=np.float32)
            return x, random.integers(0, self.net.sizes[-1], len(x), dtype=np.int32)
        x, y = load_digits(return_X_y=True)
        x = (x - x.mean(0)) / np.maximum(x.std(0), 1e-3)
        return np.ascontiguousarray(x, dtype=np.float32), y.astype(np.int32)


_TRAINING = Training(Net((64, 128, 128, 10), 32), 50)
_NAME = "digits, 50 epochs"
ROWS = (
    Row(_NAME, _TRAINING, goals(_NAME), unit="s"),
)


def _repeat(train: Callable[[], Any]) -> Run:
    def run(times: int) -> None:
        for _ in range(times):
            train()

    return run


def _evenly(case: Training, threads: int) -> Run:
    import evenly as ev

    from .nets import with_evenly

    x, y = case.data()
    net = with_evenly.network(case.net)
    return _repeat(lambda: ev.fit(
        net, x, y, loss=ev.SoftmaxCrossEntropy(), optimizer=ev.Adam(LEARNING_RATE),
        epochs=case.epochs, batch=case.net.batch, seed=0, progress=False, threads=threads,
    ))


def _torch_trainer(case: Training, threads: int, step: Any) -> Run:
    """Trains by plain indexing: on resident data a DataLoader costs more than the network."""
    import torch

    x, y = case.data()
    x, y = torch.from_numpy(x), torch.from_numpy(y).long()

    def train() -> None:
        advance = step()
        for _ in range(case.epochs):
            for rows in torch.randperm(len(x)).split(case.net.batch):
                advance(x[rows], y[rows])

    return _repeat(train)


def _torch(case: Training, threads: int) -> Run:
    import torch
    import torch.nn.functional as F

    from .nets import with_torch

    with_torch.use_threads(threads)

    def step() -> Any:
        network = with_torch.module(case.net)
        optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE, fused=True)

        def advance(x: Any, y: Any) -> None:
            optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(network(x), y).backward()
            optimizer.step()

        return advance

    return _torch_trainer(case, threads, step)


def _torch_compiled(case: Training, threads: int) -> Run:
    from .nets import with_torch

    with_torch.use_threads(threads)
    # Compiled once, for the whole batches and for the short last one; a second training goes on
    # with the same arrays, which costs the same.
    advance = with_torch.compiled_step(case.net)
    return _torch_trainer(case, threads, lambda: advance)


def _jax(case: Training, threads: int) -> Run:
    import jax

    from .nets import with_jax

    net = case.net
    x, y = map(jax.device_put, case.data())
    # A scan needs batches of one shape: the rows that are left over sit an epoch out.
    whole = len(x) // net.batch

    def epoch(state: Any, key: Any) -> tuple[Any, Any]:
        rows = jax.random.permutation(key, len(x))[: whole * net.batch]
        rows = rows.reshape(whole, net.batch)
        return jax.lax.scan(
            lambda state, rows: with_jax.training_step(state, x[rows], y[rows]), state, rows
        )

    @jax.jit
    def fit(state: Any, key: Any) -> Any:
        return jax.lax.scan(epoch, state, jax.random.split(key, case.epochs))

    def train() -> None:
        jax.block_until_ready(fit(with_jax.initial_state(net), jax.random.key(1)))

    return _repeat(train)


def _sklearn(case: Training, threads: int) -> Run:
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    # It warns that the epochs asked for are over.
    warnings.simplefilter("ignore", ConvergenceWarning)
    x, y = case.data()
    return _repeat(lambda: MLPClassifier(
        case.net.hidden, solver="adam", learning_rate_init=LEARNING_RATE, alpha=0.0,
        beta_1=BETAS[0], beta_2=BETAS[1], batch_size=case.net.batch, max_iter=case.epochs,
        n_iter_no_change=case.epochs + 1, tol=0.0, random_state=0,
    ).fit(x, y))


def _keras(case: Training, threads: int) -> Run:
    import keras
    from keras import layers

    x, y = case.data()
    blocks: list[Any] = [keras.Input(case.net.sizes[:1])]
    for units in case.net.hidden:
        blocks += [layers.Dense(units), layers.BatchNormalization(), layers.ReLU()]
        blocks += [layers.Dropout(RATE)]
    model = keras.Sequential([*blocks, layers.Dense(case.net.sizes[-1])])
    model.compile(
        keras.optimizers.Adam(LEARNING_RATE),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=True, steps_per_execution=_STEPS_A_CALL,
    )
    return _repeat(lambda: model.fit(
        x, y, batch_size=case.net.batch, epochs=case.epochs, shuffle=True, verbose=0,
    ))


def _skorch(case: Training, threads: int) -> Run:
    import torch
    from skorch import NeuralNetClassifier

    from .nets import with_torch

    with_torch.use_threads(threads)
    x, y = case.data()
    y = y.astype(np.int64)
    return _repeat(lambda: NeuralNetClassifier(
        with_torch.module(case.net), criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam, optimizer__fused=True, lr=LEARNING_RATE,
        max_epochs=case.epochs, batch_size=case.net.batch, iterator_train__shuffle=True,
        train_split=None, verbose=0,
    ).fit(x, y))


BUILDERS = {
    "evenly": _evenly, "sklearn": _sklearn, "jax": _jax, "torch_compiled": _torch_compiled,
    "torch": _torch, "keras": _keras, "skorch": _skorch,
}
