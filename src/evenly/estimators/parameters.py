"""scikit-learn's nested parameters, ``optimizer__learning_rate``, of values that are frozen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, Self

from sklearn.base import BaseEstimator
from sklearn.utils import estimator_html_repr

from ..errors import ConfigurationError
from ..layers import Dropout
from ..layers.containers import Container, Sequential
from .answers.classification_losses import LOSSES as CLASS_LOSSES
from .answers.regression_losses import LOSSES
from .names import ACTIVATIONS, NORMS, is_number
from .number_embeddings import EMBEDDINGS
from .settings import AVERAGES, SCHEDULES, augment_of, clip_of, constraint_of, optimizer_of

# Of classes: those with an output for each, two classes too.
_OF_LOSSES = {**LOSSES, **{name: made for name, (made, _) in CLASS_LOSSES.items() if made}}
# What a plain value stands for, where it can have parameters: a name, a number, a default.
_MEANT: Mapping[str, Callable[[Any], Any]] = {
    "optimizer": lambda value: optimizer_of(value, None),
    "schedule": lambda value: SCHEDULES[value]() if value in SCHEDULES else value,
    "loss": lambda value: _OF_LOSSES[value]() if value in _OF_LOSSES else value,
    "clip": clip_of,
    "constraint": constraint_of,
    "augment": augment_of,
    "average": lambda value: AVERAGES[value]() if value in AVERAGES else value,
    "activation": lambda value: ACTIVATIONS[value]() if value in ACTIVATIONS else value,
    # Groups depend on the width of each layer.
    "norm": lambda value: NORMS[value](1) if value in NORMS and value != "group" else value,
    "dropout": lambda value: Dropout(float(value)) if is_number(value) else value,
    "embedding": lambda value: EMBEDDINGS[value]() if value in EMBEDDINGS else value,
}
_EXAMPLES = {
    "penalty": "L2(0.01)", "schedule": "CosineDecay()", "clip": "ClipGlobalNorm(1.0)",
    "constraint": "MaxNorm(3.0)", "augment": "Mixup(0.2)", "net": "Sequential([...])",
    "norm": "GroupNorm(4)", "activation": "ELU(0.5)", "init": "HeNormal()",
    "dropout": "Dropout(0.2)", "average": "EMA(0.99)", "embedding": "Periodic()",
}


class NestedParameters(BaseEstimator):  # type: ignore[misc]
    """An estimator whose arguments may be declarations: their fields are its parameters too.

    A declaration is never changed; it is replaced by one with other fields. The layers of a network
    have their names: ``net__dropout_1__rate``.
    """

    learning_rate: Any

    def _html_repr(self) -> str:
        """scikit-learn's diagram, and of what is fitted the network and its training."""
        net = getattr(self, "estimator_", None) or self
        model = getattr(net, "model_", None)
        diagram = str(estimator_html_repr(self))
        return diagram if model is None else diagram + str(model._repr_html_())

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The arguments by name; with `deep` the fields of declarations too, such as
        ``optimizer__learning_rate``."""
        params: dict[str, Any] = super().get_params(deep)
        if deep:
            for name in [name for name in params if "__" not in name]:
                params.update(_fields(name, params[name]))
        return params

    def set_params(self, **params: Any) -> Self:
        """Sets arguments by name, and fields of declarations, such as ``optimizer__learning_rate``.

        A name, a number, and ``optimizer=None`` become the declaration that they stand for.

        Raises:
            ValueError: a name that there is not, or a value that has no parameters.
        """
        nested: dict[str, dict[str, Any]] = {}
        plain = {}
        for key, value in params.items():
            name, mark, rest = key.partition("__")
            own = mark and name in self._get_param_names()
            target = params.get(name, getattr(self, name)) if own else None
            if own and not hasattr(target, "get_params"):
                nested.setdefault(name, {})[rest] = value
            else:
                plain[key] = value
        changed = {}
        for name, values in nested.items():
            current = params.get(name, getattr(self, name))
            changed[name] = self._replaced(name, current, values)
        if "learning_rate" in nested.get("optimizer", ()):
            rate = params.get("learning_rate", self.learning_rate)
            if rate is not None:
                raise ConfigurationError(
                    f"optimizer__learning_rate and learning_rate={rate!r}: the second would win: "
                    "give one of them (learning_rate=None leaves it to the optimizer)"
                )
        super().set_params(**plain)
        for name, value in changed.items():
            setattr(self, name, value)
        return self

    def _replaced(self, name: str, current: Any, values: dict[str, Any]) -> Any:
        hashable = current is None or isinstance(current, str) or is_number(current)
        meant = _MEANT[name](current) if hashable and name in _MEANT else current
        where = f"{type(self).__name__}({name}=...)"
        if not _is_declaration(meant):
            example = _EXAMPLES.get(name)
            raise ConfigurationError(
                f"Invalid parameter {name + '__' + next(iter(values))!r} for estimator "
                f"{type(self).__name__}: {name}={current!r} has no parameters"
                + (f": give a value that has, such as {name}={example}" if example else "")
            )
        return _with_fields(meant, values, where)


def _is_declaration(value: Any) -> bool:
    return is_dataclass(value) and not isinstance(value, type)


def _fields(start: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The fields of a declaration under their long names, and those of what they hold."""
    if not _is_declaration(value):
        return
    for name, part in {**_layers(value), **_own(value)}.items():
        yield f"{start}__{name}", part
        yield from _fields(f"{start}__{name}", part)


def _own(value: Any) -> dict[str, Any]:
    return {entry.name: getattr(value, entry.name) for entry in fields(value) if entry.init}


def _layers(value: Any) -> dict[str, Any]:
    """The layers of a container by the names that its arrays bear."""
    return dict(_named(value, value.named)) if isinstance(value, Container) else {}


def _named(written: Container, named: Container) -> Iterator[tuple[str, Any]]:
    for part, twin in zip(written.parts, named.parts, strict=True):
        if not isinstance(part, Sequential):
            yield twin.name or "", part
        if isinstance(part, Container) and isinstance(twin, Container):
            yield from _named(part, twin)


def _with_layers(written: Container, named: Container, changed: Mapping[str, Any]) -> Container:
    parts = []
    for part, twin in zip(written.parts, named.parts, strict=True):
        if not isinstance(part, Sequential) and twin.name in changed:
            part = changed[twin.name or ""]
        elif isinstance(part, Container) and isinstance(twin, Container):
            part = _with_layers(part, twin, changed)
        parts.append(part)
    return written.with_parts(parts)


def _with_fields(value: Any, given: Mapping[str, Any], where: str) -> Any:
    """The declaration with other fields, of what it holds too.

    Arguments:
        value: the declaration.
        given: values by name; ``then__floor`` is a field of what the field `then` holds.
        where: it stands, for the error.
    """
    own, layers = _own(value), _layers(value)
    kind = type(value).__name__
    flat = {name: new for name, new in given.items() if "__" not in name}
    deep: dict[str, dict[str, Any]] = {}
    for key, new in given.items():
        name, mark, rest = key.partition("__")
        if name not in own and name not in layers:
            raise ConfigurationError(
                f"Invalid parameter {name!r} for {kind} in {where}. Valid parameters are: "
                f"{[*own, *layers]!r}."
            )
        if mark:
            deep.setdefault(name, {})[rest] = new
    for name, values in deep.items():
        part = flat.get(name, {**layers, **own}[name])
        if not _is_declaration(part):
            raise ConfigurationError(
                f"Invalid parameter {name + '__' + next(iter(values))!r} for {kind} in {where}: "
                f"{name}={part!r} has no parameters"
            )
        flat[name] = _with_fields(part, values, where)
    fresh = {name: new for name, new in flat.items() if name in own}
    inner = {name: new for name, new in flat.items() if name not in own}
    if inner:
        value = _with_layers(value, value.named, inner)
    return replace(value, **fresh) if fresh else value
