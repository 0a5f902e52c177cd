"""A calculation, step by step: that of a layer, a network, a training step."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ConfigurationError, DataError, ShapeError
from ..given import as_array
from ..layers.base import Layer
from ..layers.containers import Container, Sequential
from ..layers.ensemble import judged, of_each
from ..layers.recurrent import Recurrent
from ..random import generator
from .expressions import Expression, Place, expand
from .origins import Origin
from .recorder import Recorder, Step, is_simple

if TYPE_CHECKING:
    # Given to it where they are needed: an exercise without them does not wait for them.
    from ..clipping import Clip
    from ..constraints import Constraint
    from ..losses import Loss
    from ..optimizers import Optimizer
    from ..penalties import Penalty

# More numbers than these are computed as floats unless exact ones are asked for.
_EXACT_SIZE = 2_000


@dataclass(frozen=True)
class Work:
    """The steps of a calculation.

    Attributes:
        steps: in order; what was given comes first.
        batch: how many examples it is about.
        parts: the names of the arrays that belong to layers, such as ``dense_1.kernel``.
        axes: what the axes of steps run over, by the step's title or layer, where that is known.
        gates: of layers whose columns belong to gates, the columns' names.

    ``work["batch_norm_1.variance"]`` is a step by its title: the first that was computed, else the
    one that was given.
    """

    steps: tuple[Step, ...]
    batch: int
    parts: frozenset[str] = frozenset()
    axes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    gates: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __getitem__(self, title: str) -> Step:
        for step in sorted(self.steps, key=lambda step: step.origin is None):
            if step.title == title:
                return step
        raise KeyError(f"no step is called '{title}'; there are {self._titles()}")

    def given(self, title: str) -> Step:
        """What was given under this title."""
        for step in self.phase("given"):
            if step.title == title:
                return step
        raise KeyError(f"nothing is given as '{title}'; there are {self._titles()}")

    def _titles(self) -> str:
        return ", ".join(dict.fromkeys(step.title for step in self.steps))

    def through(self, step: Step, visible: Collection[int]) -> Step:
        """The same step, whose formulas go back to steps that are visible (by number) or given:
        what lies between is written out."""

        def inner(place: Place) -> Expression | None:
            if place.step in visible:
                return None
            return self.steps[place.step].expression(place.flat)

        return replace(step, origin=step.origin and _Through(step.origin, inner))

    def phase(self, phase: str) -> tuple[Step, ...]:
        """The steps of one phase."""
        return tuple(step for step in self.steps if step.phase == phase)


@dataclass(frozen=True)
class _Through:
    """An origin whose formulas go further back."""

    origin: Origin
    inner: Callable[[Place], Expression | None]

    def expression(self, index: int) -> Expression:
        return expand(self.origin.expression(index), self.inner)


def work_out(
    net: Layer,
    x: Any,
    y: Any = None,
    *,
    loss: Loss | None = None,
    optimizer: Optimizer | None = None,
    penalty: Penalty | None = None,
    clip: Clip | None = None,
    constraint: Constraint | None = None,
    weights: Mapping[str, Any] | None = None,
    states: Mapping[str, tuple[Any, ...]] | None = None,
    training: bool = True,
    d_y: Any = None,
    inference: Any = None,
    seed: int = 0,
    step: int = 0,
    kept: Mapping[str, Any] | None = None,
    carried: Mapping[str, Any] | None = None,
    lengths: Any = None,
    sample_weight: Any = None,
    exact: bool | None = None,
) -> Work:
    """Runs the definitions of a layer or a network, and of a training step as far as it is asked
    for, and keeps every step.

    Arguments:
        net: a layer or network.
        carried: the states that recurrent layers begin with, by name (``rnn_1.h``, (rows, units));
            zeros by default.

    All others are as in :func:`evenly.show_work`.

    Raises:
        ShapeError, DataError, ConfigurationError: what does not fit together.
    """
    named = net.resolved if isinstance(net, Container) else Sequential([net]).resolved
    x = _rows("x", x)
    specs = named.arrays(x.shape[1:])
    named.check(x.shape[1:], "")
    given = _weights(named, specs, weights or {}, seed)
    if exact is None:
        numbers = sum(a.size for a in given.values())
        exact = numbers + x.size <= _EXACT_SIZE and is_simple(x) and all(map(is_simple,
                                                                            given.values()))
    recorder = Recorder(exact)
    entering = recorder.given("x", x)
    layer_of = {name: name.rpartition(".") for name in given}
    arrays = {name: recorder.given(layer_of[name][2], value, layer_of[name][0])
              for name, value in given.items()}
    for name, value in (carried or {}).items():
        layer, _, state = name.rpartition(".")
        arrays[name] = recorder.given(state, value, layer)
    lengths, sample_weight = (
        None if value is None else as_array(value, f"show_work: {name}")
        for name, value in (("lengths", lengths), ("sample_weight", sample_weight)))
    circumstances: dict[str, Any] = {"seed": seed, "step": step, "kept": kept or {},
                                     "lengths": lengths, "weights": sample_weight}
    parts = frozenset(given)
    own = recorder.declared(named)
    if not training:
        own.forward(entering, arrays, recorder.run("inference", False, **circumstances))
        return Work(tuple(recorder.steps), len(x), parts, gates=_gates(named))
    run = recorder.run("forward", **circumstances)
    judged_net, apart = judged(named) if loss is not None else (named, False)
    trained = recorder.declared(judged_net)
    out, saved = trained.forward(entering, arrays, run)
    running = dict(run.updates)
    if (y is None) != (loss is None):
        raise ConfigurationError(
            "show_work: y and loss belong together, got "
            f"{'y' if loss is None else 'a loss'} alone: give both"
        )
    gradients: dict[str, Any] = {}
    if loss is not None:
        if d_y is not None:
            raise ConfigurationError("show_work: give d_y, or y and loss, not both")
        d_out = _loss(recorder, loss, out, y, circumstances, apart)
    elif d_y is not None:
        d_y = _rows("d_y", d_y)
        if d_y.shape != out.shape:
            raise ShapeError(f"show_work: d_y must have the output's shape {out.shape}, got "
                             f"{d_y.shape}")
        d_out = recorder.given("d_y", d_y)
    if loss is not None or d_y is not None:
        back = recorder.run("backward", **circumstances)
        _, gradients = trained.backward(d_out, arrays, saved, back)
    if optimizer is not None:
        if not gradients and any(spec.trainable for spec in specs.values()):
            raise ConfigurationError("show_work: an optimizer needs gradients: give y and loss, "
                                     "or d_y")
        arrays |= _update(recorder, optimizer, penalty, clip, constraint, specs, arrays, gradients,
                          states or {}, circumstances)
    if inference is not None:
        after = _rows("inference", inference)
        other = recorder.given("x", after)
        circumstances |= {"lengths": None, "weights": None}
        own.forward(other, arrays | running, recorder.run("inference", False, **circumstances))
    return Work(tuple(recorder.steps), len(x), parts, gates=_gates(named))


def _gates(net: Container) -> dict[str, tuple[str, ...]]:
    """The names of the columns of layers that have gates."""
    return {name: tuple(f"gate {gate}" if layer.units == 1 else f"{gate}, unit {unit}"
                        for gate in layer.gate_names for unit in range(1, layer.units + 1))
            for name, layer in net.named_layers()
            if isinstance(layer, Recurrent) and layer.gate_names}


def _rows(what: str, x: Any) -> Any:
    x = as_array(x, f"show_work: {what}")
    if x.ndim < 1 or x.size == 0 or x.dtype.kind not in "iubfO":
        raise DataError(f"show_work: {what} must be rows of numbers, got shape {x.shape} of "
                        f"{x.dtype}")
    return x


def _weights(net: Container, specs: Mapping[str, Any], given: Mapping[str, Any],
             seed: int) -> dict[str, Any]:
    single = {name.rpartition(".")[2]: name for name in specs} if len(
        {name.rpartition(".")[0] for name in specs}) == 1 else {}
    given = {single.get(name, name): value for name, value in given.items()}
    unknown = sorted(set(given) - set(specs))
    if unknown:
        raise ConfigurationError(
            f"show_work: no array is called '{unknown[0]}'; there are {', '.join(specs) or 'none'}"
        )
    arrays = {}
    for name, spec in specs.items():
        if name in given:
            value = as_array(given[name], f"show_work: '{name}'")
            if value.shape != spec.shape:
                raise ShapeError(
                    f"show_work: '{name}' must have shape {spec.shape}, got {value.shape}"
                )
        else:
            value = spec.initializer.sample(generator(seed, name), spec.shape, spec.fan)
        arrays[name] = value
    return arrays


def _loss(recorder: Recorder, loss: Loss, out: Any, y: Any, circumstances: Any,
          apart: bool) -> Any:
    shape = out.shape[2:] if apart else out.shape[1:]
    loss.check(shape)
    values = as_array(y, "show_work: y")
    if values.dtype == object:
        full = (len(out), *shape)
        target: Any = values.reshape(full) if values.size == math.prod(full) else values
    else:
        target = loss.prepare(values, shape, "float64")
    if len(target) != len(out):
        raise DataError(f"show_work: {len(out)} rows in x, {len(target)} in y: give one each")
    target = of_each(target, out.shape[1]) if apart else target
    if loss.targets_are_classes:
        recorder.given("target", target)
        entering: Any = np.asarray(target).astype(np.int64)
    else:
        entering = recorder.given("target", target)
    own = recorder.declared(loss)
    _, saved = own.forward(out, entering, recorder.run("loss", **circumstances))
    return own.backward(saved, recorder.run("backward", **circumstances))


def _update(recorder: Recorder, optimizer: Optimizer, penalty: Penalty | None, clip: Clip | None,
            constraint: Constraint | None, specs: Mapping[str, Any], arrays: Mapping[str, Any],
            gradients: Mapping[str, Any], states: Mapping[str, tuple[Any, ...]],
            circumstances: Any) -> dict[str, Any]:
    """The order of a training step: penalty, clipping, update, constraint."""
    run = recorder.run("update", **circumstances)
    trainable = [name for name, spec in specs.items() if spec.trainable]
    now = {name: gradients[name] for name in trainable}
    if penalty is not None:
        own = recorder.declared(penalty)
        for name in trainable:
            if specs[name].decays:
                at = run.at(name)
                own.cost(arrays[name], at)
                now[name] = at.note("g", now[name] + own.gradient(arrays[name], at),
                                    "d_kernel + d_penalty")
    if clip is not None:
        now = recorder.declared(clip).clip(now, run)
    rule, after = recorder.declared(optimizer), {}
    for name in trainable:
        kept = states.get(name)
        if kept is None:
            kept = tuple(np.zeros(specs[name].shape) for _ in optimizer.states)
        state = tuple(recorder.given(word, value, name)
                      for word, value in zip(optimizer.states, kept, strict=True))
        decays = specs[name].decays
        after[name], _ = rule.update(arrays[name], now[name], state, run.at(name), decays)
        if constraint is not None and decays:
            after[name] = recorder.declared(constraint).apply(after[name], run.at(name))
    return after
