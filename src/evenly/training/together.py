"""Trained networks put together: one model that gives the mean of their answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..engine import Engine
from ..errors import ConfigurationError
from ..layers.base import Layer
from ..layers.containers import Container, Sequential, with_name
from ..layers.ensemble import Ensemble
from ..losses import Loss
from ..program import compile as compile_program
from .history import History
from .model import Model
from .run_settings import as_text


def ensemble(models: Sequence[Model], *, threads: int | None = None) -> Model:
    """One model of several: its network is an :class:`evenly.Ensemble` of theirs, with copies of
    their weights.

    What is averaged follows from the loss: probabilities of a loss of classes or of yes and no,
    the predicted means of Poisson and Gamma, quantiles of several levels; else the outputs
    themselves, and without a loss too. So ``predict_proba``, ``evaluate``, files and everything
    else work as on any model. A layer ``dense_1`` of the second member is named
    ``member_2_dense_1``.

    Arguments:
        models: trained for the same inputs, outputs, and kind of loss. History, optimizer and
            what else a model knows are the first one's.
        threads: by default as many as the work is worth.

    Raises:
        ConfigurationError: no model, or models that answer differently.

    Source: as of :class:`evenly.Ensemble`.

    Example:
        >>> import numpy as np
        >>> import evenly as ev
        >>> x = np.random.default_rng(0).standard_normal((64, 2))
        >>> y = (x[:, 0] > x[:, 1]).astype(int)
        >>> net = ev.Sequential([ev.Dense(8), ev.ReLU(), ev.Dense(2)])
        >>> fits = [ev.fit(net, x, y, loss=ev.SoftmaxCrossEntropy(), seed=seed) for seed in (1, 2)]
        >>> both = ev.ensemble(fits)
        >>> mean = (fits[0].predict_proba(x) + fits[1].predict_proba(x)) / 2
        >>> bool(np.allclose(both.predict_proba(x), mean, atol=1e-6))
        True
    """
    if not isinstance(models, (list, tuple)) or not models or not all(
        isinstance(model, Model) for model in models
    ):
        raise ConfigurationError(f"ensemble: expects a list of models, as fit gives them, got "
                                 f"{models!r}")
    first = models[0]
    told = first.engine.program
    for i, model in enumerate(models[1:], 2):
        program = model.engine.program
        for what in ("input_shape", "output_shape", "dtype"):
            if getattr(program, what) != getattr(told, what):
                raise ConfigurationError(
                    f"ensemble: model {i} has {what} {getattr(program, what)}, and the first "
                    f"{getattr(told, what)}: members read and answer the same"
                )
        if as_text(_average(program.loss)) != as_text(_average(told.loss)):
            raise ConfigurationError(
                f"ensemble: model {i} was trained with {program.loss!r}, and the first with "
                f"{told.loss!r}, whose answers are averaged otherwise: train them alike"
            )
    parts = [member(model.net, i) for i, model in enumerate(models, 1)]
    net = Sequential([Ensemble(parts, **_average(told.loss))])
    weights: dict[str, Any] = {}
    for model, part in zip(models, net.resolved.parts[0].parts, strict=True):  # type: ignore[attr-defined]
        names = part.arrays(told.input_shape)
        own = model.net.arrays(told.input_shape)
        weights |= {name: model.weights[old] for name, old in zip(names, own, strict=True)}
    return Model(_engine(first, net, weights, threads), first.history, first.record)


def separate(model: Model) -> list[Model]:
    """The members of a model that :func:`ensemble` made, the first with its history; of any other
    model, itself alone."""
    net = model.net
    if len(net.layers) != 1 or not isinstance(net.layers[0], Ensemble):
        return [model]
    told, models = model.engine.program, []
    for i, part in enumerate(net.named.layers[0].parts, 1):  # type: ignore[attr-defined]
        own = unnumbered(part, i)
        own = own if isinstance(own, Sequential) else Sequential([own])
        old = net.resolved.layers[0].parts[i - 1].arrays(told.input_shape)  # type: ignore[attr-defined]
        weights = dict(zip(own.arrays(told.input_shape), map(model.weights.get, old), strict=True))
        models.append(Model(_engine(model, own, weights), model.history if i == 1 else History()))
    return models


def twin(model: Model, threads: int | None) -> Model:
    """A model with copies of the weights as they are, for prediction and for :func:`ensemble`."""
    engine = _engine(model, model.net, dict(model.weights), threads)
    return Model(engine, model.history, model.record)


def member(net: Layer, number: int) -> Layer:
    """The same network with names of its own."""
    named = net.named if isinstance(net, Container) else net
    return _renamed(named, f"member_{number}_")


def unnumbered(part: Layer, number: int) -> Layer:
    """A member's network with the names that it had before :func:`member`."""
    return _renamed(part, f"member_{number}_", away=True)


def _engine(model: Model, net: Layer, weights: dict[str, Any], threads: int | None = None
            ) -> Engine:
    """For another network, with all else as in a model."""
    told = model.engine.program
    program = compile_program(
        net, told.input_shape, told.batch, told.loss, told.optimizer, penalty=told.penalty,
        clip=told.clip, constraint=told.constraint, augment=told.augment, dtype=told.dtype,
    )
    return Engine(program, seed=model.engine.seed, threads=threads, weights=weights)


def _renamed(layer: Layer, start: str, away: bool = False) -> Layer:
    """With `start` in front of all names, or without it again."""
    if not isinstance(layer, Sequential):
        name = layer.name or ""
        layer = with_name(layer, name.removeprefix(start) if away else f"{start}{name}")
    if isinstance(layer, Container):
        layer = layer.with_parts([_renamed(part, start, away) for part in layer.parts])
    return layer


def _average(loss: Loss | None) -> dict[str, Any]:
    """The arguments of Ensemble for a loss."""
    return {} if loss is None else loss.averaging
