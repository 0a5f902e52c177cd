"""What ails a network, by hand: the arithmetic of the layer that ails, on rows of one's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..byhand.show import ShownWork, show_work
from ..doctor import Diagnosis, Finding
from ..errors import ConfigurationError
from ..given import as_array
from ..layers.base import ArrayLike, Arrays, ArraySpec, Layer, Run, Shape, own_arrays
from ..layers.containers import Container, Sequential, forward_of, leaves
from ..layers.ensemble import judged, of_each
from ..layers.recurrent import Recurrent
from ..losses import Loss
from ..probes.describe import layer_kind
from ..rows.data import as_arrays
from ..training import Model, init
from ..training.model import as_sequential

# What of a network shows a finding: the update of a layer, the end of the network with its loss,
# the first layer with its inputs, a layer that infers otherwise than it trains; else the layer.
_UPDATE = ("rate_too_high", "rate_too_low", "oscillation", "divergence", "gradient_sign",
           "clipping_always", "over_regularized")
_LOSS = ("output_activation_wrong", "loss_wrong", "labels_wrong_range", "labels_corrupted",
         "class_imbalance", "targets_not_scaled", "missing_activations", "underfitting_capacity",
         "undertrained", "overfitting", "cannot_memorize", "not_learning")
_INPUTS = ("inputs_constant", "inputs_not_scaled", "inputs_scaled_twice", "train_test_mismatch",
           "validation_leaks", "rows_coupled")
_BOTH_MODES = ("batch_norm_mismatch", "batch_too_small", "dropout_too_strong")
# Of a recurrent layer: what is gone through backward unasked.
_MOST_STEPS = 16


def see(
    what: Diagnosis | Finding, model: Any, x: Any, y: Any = None, *, number: int = 1,
    loss: Loss | None = None, rows: int = 8, lengths: Any = None, **shown: Any,
) -> ShownWork:
    """The arithmetic of the layer that ails, on rows of your own.

    The rows go through the layers in front, with the network's own weights; what arrives is what
    the layer is shown with. With `y` the gradient that comes back to it is computed too. Which part
    is shown depends on the finding: of a rate the update of a layer, of a loss or of targets the
    end of the network with its loss, of inputs the first layer, of batch normalization and dropout
    training and inference beside each other, else the layer that the finding names, forward and
    backward; of a recurrent layer over more than 16 steps forward alone, unless `phases` asks for
    "backward", which takes minutes there.

    Arguments:
        what: a diagnosis, or one of its findings.
        model: that was diagnosed: a model, a fitted NetClassifier or NetRegressor, or a network
            that is not trained yet, whose first weights are drawn as :func:`evenly.check` draws
            them. Of a PyTorch module what :func:`evenly.from_torch` makes of it: then give the
            diagnosis, since its layers have other names.
        x, y: inputs and targets, as for :func:`evenly.fit`.
        number: of the finding, as a diagnosis prints it.
        loss: by default the model's own.
        rows: how many of the first rows make up the batch.
        lengths: of sequences, as for :func:`evenly.fit`.
        shown: what :func:`evenly.show_work` takes: ``digits``, ``most_rows``, ``phases``, ...

    Returns:
        A :class:`ShownWork`: print it, or save it as a page.

    Raises:
        ConfigurationError: a diagnosis without findings, a number or layer that there is not, what
            is no model.
        ShapeError, DataError: as :func:`evenly.fit`.

    Example:
        >>> import evenly as ev
        >>> x = np.random.default_rng(0).standard_normal((100, 2))
        >>> y = (x[:, 0] > x[:, 1]).astype(int)
        >>> net = ev.Sequential([ev.Dense(3, bias_init=ev.Constant(-9.0)), ev.ReLU(), ev.Dense(2)])
        >>> diagnosis = ev.check(net, x, y, loss=ev.SoftmaxCrossEntropy())
        >>> diagnosis.findings[0].kind
        'dead_relu'
        >>> work = see(diagnosis, net, x, y, loss=ev.SoftmaxCrossEntropy(), rows=2)
        >>> work["relu_1.y"].floats.tolist()
        [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    finding = _finding(what, number)
    if not isinstance(rows, int) or isinstance(rows, bool) or rows < 1:
        raise ConfigurationError(f"see: rows must be a whole number of at least 1, got {rows!r}")
    if y is None:
        x = as_array(x, "see: x")
    else:
        x, y = as_arrays(x, y, "see")
    model, x, y = _as_trained(model, x, y)
    loss = loss if loss is not None else model.loss
    if y is not None and loss is None:
        raise ConfigurationError("see: the network has no loss: give loss=, or no y")
    x = model.engine.rows(x[:rows]).astype(np.float64)
    # Targets that the loss has no meaning for have no gradient.
    y = None if y is None or finding.kind == "labels_wrong_range" else y[:rows]
    lengths = None if lengths is None else as_array(lengths, "see: lengths")[:rows]
    part = _part(what, finding, model.net.resolved)
    ran = _ran(model, part, x, y, loss, lengths)
    more: dict[str, Any] = {"weights": ran.weights, "step": model.engine.steps,
                            "seed": model.engine.seed, "lengths": lengths}
    if part.is_end and y is not None:
        more |= {"y": y, "loss": loss}
    elif ran.gradient is not None and not _is_long(part.layer, ran.inputs, shown.get("phases")):
        more["d_y"] = ran.gradient
        if finding.kind in _UPDATE:
            more |= _update(model, ran.weights)
    if finding.kind in _BOTH_MODES:
        more["inference"] = ran.inputs
    return show_work(part.layer, ran.inputs, **(more | shown))


def _is_long(layer: Layer, inputs: Any, phases: Sequence[str] | None) -> bool:
    """Whether a layer's backward pass has too many steps to be gone through unasked."""
    return isinstance(layer, Recurrent) and inputs.shape[1] > _MOST_STEPS and \
        "backward" not in (phases or ())


def _finding(what: Any, number: int) -> Finding:
    if isinstance(what, Finding):
        return what
    if not isinstance(what, Diagnosis):
        raise ConfigurationError(f"see: expects a Diagnosis or a Finding, got {what!r}")
    if not what.findings:
        raise ConfigurationError("see: the diagnosis has no findings: use show_work(model, x, y)")
    if not isinstance(number, int) or not 1 <= number <= len(what.findings):
        raise ConfigurationError(
            f"see: number is 1 to {len(what.findings)}, as the diagnosis prints it, got {number!r}"
        )
    return what.findings[number - 1]


def _as_trained(model: Any, x: Any, y: Any) -> tuple[Model, Any, Any]:
    """A model, with inputs and targets as it was trained with."""
    if isinstance(model, Model):
        return model, x, y
    if isinstance(model, (Layer, list, tuple)):
        return init(as_sequential(model), x.shape[1:]), x, y
    if hasattr(model, "net") and isinstance(model.net, Layer):  # settings
        return init(as_sequential(model.net), x.shape[1:], loss=model.loss), x, y
    if hasattr(model, "_as_trained"):
        return model.model_, *model._as_trained(x, y)
    remedy = (": give ev.from_torch(module, input_shape, loss=...), and the diagnosis"
              if type(model).__module__.startswith("torch") or hasattr(model, "state_dict") else "")
    raise ConfigurationError(
        f"see: expects a model, a fitted estimator or a network, got {type(model).__name__}{remedy}"
    )


@dataclass(frozen=True)
class _Part:
    """What is shown of a network: a layer, or the layers of its end one behind the other."""

    layer: Layer
    is_end: bool = False
    start: int = 0  # of the end, among the network's layers


def _part(what: Diagnosis | Finding, finding: Finding, net: Sequential) -> _Part:
    layers = {layer.name: layer for layer in leaves(net)}
    weighted = [layer for layer in layers.values() if not layer.reshapes and _has_kernel(layer)]
    name = _own_name(what, finding.layer, list(layers.values())) if finding.layer else None
    if finding.kind in _LOSS or not weighted:
        places = [i for i, layer in enumerate(net.layers)
                  if any(_has_kernel(own) for own in leaves(layer))]
        start = places[-1] if places else 0
        return _Part(Sequential(net.layers[start:]), True, start)
    if finding.kind in _INPUTS or name is None:
        return _Part(next((la for la in layers.values() if not la.reshapes), weighted[0])
                     if finding.kind in _INPUTS else weighted[0])
    return _Part(layers[name])


def _has_kernel(layer: Layer) -> bool:
    from ..records.network import WEIGHTED

    return layer_kind(layer) in WEIGHTED


def _own_name(what: Any, name: str, layers: Sequence[Layer]) -> str:
    """The network's name for a layer of the record: of another library it has its own, and is found
    by its kind and its place among those of that kind."""
    own = {layer.name for layer in layers}
    if name.removesuffix(" (layer)") in own:
        return name.removesuffix(" (layer)")
    network = what.record.network if isinstance(what, Diagnosis) else None
    told = [layer for layer in network.layers if layer.name == name] if network is not None else []
    if told:
        assert network is not None
        place = [layer.name for layer in network.of_kind(told[0].kind)].index(name)
        same = [layer.name for layer in layers if layer_kind(layer) == told[0].kind]
        if place < len(same) and same[place] is not None:
            return str(same[place])
    there = ", ".join(str(layer.name) for layer in layers)
    raise ConfigurationError(
        f"see: the network has no layer '{name}'; there are {there}: give the model that was "
        "diagnosed; of a PyTorch module what from_torch makes of it, and the diagnosis in place of "
        "the finding"
    )


@dataclass(frozen=True)
class _Ran:
    """What arrived at a part of a network: its inputs, the gradient on its outputs (None without
    targets), and its weights by name."""

    inputs: Any
    gradient: Any
    weights: dict[str, Any]


@dataclass(frozen=True)
class _Watched(Layer):
    """A layer whose inputs and gradient are kept as they pass."""

    layer: Layer
    seen: dict[str, Any] = field(default_factory=dict, compare=False)
    name: str | None = None

    def arrays(self, shape: Shape) -> dict[str, ArraySpec]:
        return self.layer.arrays(shape)

    def output_shape(self, shape: Shape) -> Shape:
        return self.layer.output_shape(shape)

    def forward(self, x: ArrayLike, arrays: Arrays, run: Run) -> tuple[ArrayLike, Any]:
        self.seen["inputs"] = x
        return self.layer.forward(x, arrays, run)

    def backward(
        self, d_y: ArrayLike, arrays: Arrays, saved: Any, run: Run
    ) -> tuple[ArrayLike, dict[str, ArrayLike]]:
        self.seen["gradient"] = d_y
        return self.layer.backward(d_y, arrays, saved, run)


def _ran(model: Model, part: _Part, x: Any, y: Any, loss: Loss | None, lengths: Any) -> _Ran:
    """Runs the network's definitions, in double precision, as the step that comes next."""
    net = model.net.resolved
    arrays = {name: np.asarray(array, np.float64) for name, array in model.weights.items()}
    run = Run(True, seed=model.engine.seed, step=model.engine.steps, lengths=lengths)
    with np.errstate(all="ignore"):  # what ails may be what overflows
        if part.is_end:
            for layer in net.layers[: part.start]:
                x, _ = forward_of(layer, x, arrays, run)
            names = [layer.name or "" for layer in leaves(part.layer)]
            return _Ran(x, None, _of(arrays, names))
        watched = _Watched(part.layer, name=part.layer.name)
        around = _exchanged(net, part.layer, watched)
        trains = y is not None and loss is not None
        around, apart = judged(around) if trains else (around, False)
        out, saved = around.forward(x, arrays, run)
        if y is not None and loss is not None:
            shape = out.shape[1 + apart :]
            loss.check(shape)
            target = loss.prepare(y, shape, np.dtype("float64"))
            target = of_each(target, out.shape[1]) if apart else target
            _, own = loss.forward(out, target, run)
            around.backward(loss.backward(own, run), arrays, saved, run)
    return _Ran(watched.seen["inputs"], watched.seen.get("gradient"),
                _of(arrays, [part.layer.name or ""]))


def _of(arrays: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {f"{name}.{slot}": value for name in names
            for slot, value in own_arrays(arrays, name).items()}


def _exchanged(net: Sequential, layer: Layer, other: Layer) -> Sequential:
    """The network with another layer in the place of one."""

    def walk(one: Layer) -> Layer:
        if one is layer or (not isinstance(one, Container) and one.name == layer.name):
            return other
        if isinstance(one, Container):
            return one.with_parts([walk(part) for part in one.parts])
        return one

    made = walk(net)
    assert isinstance(made, Sequential)
    return made


def _update(model: Model, weights: Mapping[str, Any]) -> dict[str, Any]:
    """What the layer's update needs. Clipping by the norm of all gradients is of the whole network:
    a layer alone does not tell it, so the gradient is shown and no update."""
    program = model.engine.program
    if program.optimizer is None or program.clip is not None:
        return {}
    states = {
        name: tuple(np.asarray(model.engine.buffer(f"{name}.state_{place + 1}"), np.float64)
                    for place in range(len(program.optimizer.states)))
        for name in weights if program.arrays[name].trainable
    }
    return {"optimizer": program.optimizer, "penalty": program.penalty,
            "constraint": program.constraint, "states": states}
