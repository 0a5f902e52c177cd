"""What a training is made of, as one value: cures change it, searches vary it."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Any

from .augmentation import Augmentation
from .averaging import Snapshots, WeightAverage
from .clipping import Clip
from .constraints import Constraint
from .errors import expect
from .layers.base import Layer
from .layers.containers import Container
from .losses import Loss
from .optimizers import Adam, ArrayRates, Optimizer
from .penalties import Penalty

AS_THEY_ARE, STANDARDIZED = "as they are", "standardized"


@dataclass(frozen=True)
class Settings:
    """The arguments of :func:`evenly.fit` that are no data, as one value that ``fit`` takes in
    place of the network: ``fit(settings, x, y)``. ``dataclasses.replace`` changes one.

    Arguments:
        net: the network.
        loss: what to lower.
        optimizer, epochs, batch, penalty, clip, constraint, augment, schedule, early_stopping,
            average, rates, dropout_schedule, decay_schedule: as :func:`evenly.fit` takes them.
        inputs: ``"as they are"``, or ``"standardized"``: by the training set's mean and deviation
            of each channel, in a frozen normalization in front of the network, so that the model
            takes inputs as they come. What does not vary becomes 0.
        targets: ``"as they are"``, or ``"standardized"`` for the loss: the model's last layer is
            scaled back after training, so that it answers in the targets' own units. The losses of
            the history are those of standardized targets.

    Raises:
        ConfigurationError: `inputs` or `targets` that are neither.

    Example:
        >>> import evenly as ev
        >>> net = ev.Sequential([ev.Dense(8), ev.ReLU(), ev.Dense(1)])
        >>> settings = ev.Settings(net, ev.MeanSquaredError(), epochs=5, targets="standardized")
        >>> x = np.random.default_rng(0).standard_normal((50, 2))
        >>> model = ev.fit(settings, x, 1000 + 10 * x.sum(axis=1))
        >>> bool(abs(model.predict(x).mean() - 1000) < 100)
        True
    """

    net: Layer
    loss: Loss
    optimizer: Optimizer = Adam()  # noqa: RUF009  (a value)
    epochs: int = 20
    batch: int | None = 32
    penalty: Penalty | None = None
    clip: Clip | None = None
    constraint: Constraint | None = None
    augment: Augmentation | None = None
    schedule: Any = None
    early_stopping: Any = None
    inputs: str = AS_THEY_ARE
    targets: str = AS_THEY_ARE
    average: WeightAverage | Snapshots | None = None
    rates: ArrayRates | None = None
    dropout_schedule: Any = None
    decay_schedule: Any = None

    def __post_init__(self) -> None:
        for name in ("inputs", "targets"):
            value = getattr(self, name)
            expect(value in (AS_THEY_ARE, STANDARDIZED), self,
                   f"{name} are '{AS_THEY_ARE}' or '{STANDARDIZED}'", value)

    def code(self) -> str:
        """Python source of the call of ``fit`` that trains with these settings, with ``import
        evenly as ev`` and arrays ``x`` and ``y``.

        Example:
            >>> import evenly as ev
            >>> net = ev.Sequential([ev.Dense(8), ev.ReLU(), ev.Dense(3)])
            >>> print(ev.Settings(net, ev.SoftmaxCrossEntropy(), ev.SGD(0.1)).code())
            ev.fit(
                ev.Sequential([ev.Dense(8), ev.ReLU(), ev.Dense(3)]),
                x, y,
                loss=ev.SoftmaxCrossEntropy(),
                optimizer=ev.SGD(learning_rate=0.1),
            )
        """
        given = [
            (entry.name, source_of(getattr(self, entry.name))) for entry in fields(self)
            if entry.default is MISSING or getattr(self, entry.name) != entry.default
        ]
        (_, net), *others = given
        if AS_THEY_ARE in (self.inputs, self.targets) and self.inputs == self.targets:
            lines = [f"{net},", "x, y,", *(f"{name}={text}," for name, text in others)]
        else:
            inner = [f"{net},", *(f"{name}={text}," for name, text in others)]
            lines = ["ev.Settings(", *(f"    {line}" for line in inner), "),", "x, y,"]
        return "\n".join(["ev.fit(", *(f"    {line}" for line in lines), ")"])


def source_of(value: Any) -> str:
    """Python source of a declaration: a layer, an optimizer, an initializer, ...; what is at its
    default is left out."""
    if isinstance(value, (list, tuple)):
        inner = [source_of(item) for item in value]
        return f"({inner[0]},)" if isinstance(value, tuple) and len(inner) == 1 else (
            f"({', '.join(inner)})" if isinstance(value, tuple) else f"[{', '.join(inner)}]")
    if not is_dataclass(value) or isinstance(value, type):
        return repr(value)
    kind = type(value)
    prefix = "ev." if kind.__module__.split(".")[0] == __name__.split(".")[0] else ""
    defaults = {entry.name: entry.default_factory() for entry in fields(value)
                if entry.default_factory is not MISSING}
    words: list[str] = []
    parameters = list(inspect.signature(kind).parameters.values())
    for place, parameter in enumerate(parameters):
        own = getattr(value, parameter.name)
        needed = parameter.default is inspect.Parameter.empty
        default = defaults.get(parameter.name, parameter.default)
        first = isinstance(value, Container) and place == 0
        if first or (isinstance(value, Container) and parameter.name == "shortcut"):
            text = _layers(own)
            if not first and text == "[]":
                continue
        elif not needed and _same(own, default):
            continue
        else:
            text = source_of(own)
        positional = first or (needed and len(words) == place
                               and parameter.kind is not inspect.Parameter.KEYWORD_ONLY)
        words.append(text if positional else f"{parameter.name}={text}")
    return f"{prefix}{kind.__name__}({', '.join(words)})"


def _layers(own: Layer | Sequence[Layer]) -> str:
    """The layers of a container, as it takes them."""
    if isinstance(own, Container) and type(own).__name__ == "Sequential" and own.name is None:
        own = own.parts
    return source_of(own) if isinstance(own, Layer) else source_of(list(own))


def _same(value: Any, default: Any) -> bool:
    return type(value) is type(default) and bool(value == default)
