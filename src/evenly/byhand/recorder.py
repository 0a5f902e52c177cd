"""Records the steps that a definition names while it runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

import numpy as np

from ..layers.base import Run
from .exact import Exact, exact_array, float_array, simple_fraction
from .expressions import Expression
from .origins import Origin
from .traced import Namespace, Traced, leaf

# The parts of a calculation, in order.
PHASES = ("given", "forward", "loss", "backward", "update", "inference")


@dataclass(frozen=True)
class Step:
    """One step of a calculation: an array, and what each of its numbers was computed from.

    Attributes:
        number: its place among the steps.
        phase: one of :data:`PHASES`.
        layer: the layer or array it belongs to, "" for none.
        name: as the definition calls it: ``"variance"``.
        time: which one of several with this name: 1, 2, ... (the steps of a sequence).
        formula: with symbols, ``"(x - mean) / deviation"``; "" for what was given.
        value: float64 numbers, or an object array of :class:`Exact`.
        origin: where its numbers came from; None for what was given.
    """

    number: int
    phase: str
    layer: str
    name: str
    time: int
    formula: str
    value: Any
    origin: Origin | None = field(repr=False)

    @property
    def title(self) -> str:
        """``batch_norm_1.variance``: unique among the steps of one phase."""
        title = f"{self.layer}.{self.name}" if self.layer else self.name
        return title if self.time == 1 else f"{title} ({self.time})"

    @property
    def is_exact(self) -> bool:
        return bool(self.value.dtype == object)

    @property
    def floats(self) -> Any:
        """The numbers as float64."""
        return float_array(self.value)

    def number_at(self, index: int) -> Any:
        """The number at a flat index."""
        return self.value.reshape(-1)[index]

    def expression(self, index: int) -> Expression | None:
        """The formula with the numbers put in, for the number at a flat index; None for what was
        given."""
        return None if self.origin is None else self.origin.expression(index)


class Recorder:
    """Runs definitions on numbers that remember where they came from, and keeps their steps.

    Arguments:
        exact: whether to compute with exact numbers, where given ones are.

    Attributes:
        steps: those recorded so far.

    Example:
        >>> from evenly.layers import Dense
        >>> recorder = Recorder(exact=True)
        >>> x = recorder.given("x", [[1, 2]])
        >>> arrays = {"kernel": recorder.given("kernel", [[3], [4]], "dense_1"),
        ...           "bias": recorder.given("bias", [5], "dense_1")}
        >>> y, _ = Dense(1).forward(x, arrays, recorder.run("forward", layer="dense_1"))
        >>> [(step.title, step.value.tolist()) for step in recorder.steps[3:]]
        [('dense_1.product', [[11]]), ('dense_1.y', [[16]])]
    """

    def __init__(self, exact: bool) -> None:
        self.exact = exact
        self.others = _OTHERS.get()
        self.xp = Namespace(exact)
        self.steps: list[Step] = []
        self._times: Counter[tuple[str, str, str]] = Counter()

    def given(self, name: str, value: Any, layer: str = "") -> Traced:
        """Numbers that the calculation starts from."""
        numbers = exact_array(value) if self.exact else float_array(value)
        return self._step("given", layer, name, "", numbers, None)

    def run(self, phase: str, training: bool = True, layer: str = "", **circumstances: Any) -> Run:
        """The circumstances of a definition's run whose steps are recorded.

        Arguments:
            phase: one of :data:`PHASES`.
            training, layer, circumstances: of the :class:`Run`.
        """

        def record(layer: str, name: str, value: Any, formula: str) -> Any:
            made = self.xp.asarray(value)
            return self._step(phase, layer, name, formula, made.value, made.origin)

        return Run(training, layer=layer, xp=self.xp, recorder=record, **circumstances)

    def declared(self, declaration: Any) -> Any:
        """A layer, loss or rule whose numbers are exact, if the recorder is."""
        return exactly(declaration) if self.exact else declaration

    def _step(self, phase: str, layer: str, name: str, formula: str, value: Any,
              origin: Origin | None) -> Traced:
        self._times[phase, layer, name] += 1
        number = len(self.steps)
        time = self._times[phase, layer, name]
        others = self.others.get((phase, layer, name, time)) if origin is not None else None
        if others:
            value = value.copy()
            for flat, other in others.items():
                value.reshape(-1)[flat] = Exact(other) if value.dtype == object else float(other)
        self.steps.append(Step(number, phase, layer, name, time, formula, value, origin))
        return leaf(value, number)


# By phase, layer, name and time of a step, and flat index.
Others = Mapping[tuple[str, str, str, int], Mapping[int, Any]]
_OTHERS: ContextVar[Others] = ContextVar("others", default={})  # noqa: B039


@contextmanager
def going_on_from(others: Others) -> Iterator[None]:
    """Within this, what is recorded has other numbers at these places, and goes on from them: the
    calculation of someone who made a mistake there, with each branch taken as his numbers say.

    Example:
        >>> with going_on_from({("forward", "relu_1", "x", 1): {0: -2}}):
        ...     recorder = Recorder(exact=True)
        >>> run = recorder.run("forward", layer="relu_1")
        >>> x = run.note("x", recorder.given("z", [3, 5]) + 1)
        >>> run.note("y", run.xp.where(x > 0, x, 0))
        Traced([0, 6])
    """
    token = _OTHERS.set(others)
    try:
        yield
    finally:
        _OTHERS.reset(token)


def exactly(declaration: Any) -> Any:
    """The same declaration with exact numbers in place of its floats, those within it too."""
    changes: dict[str, Any] = {}
    for entry in fields(declaration):
        value = getattr(declaration, entry.name)
        if not entry.init:
            continue
        if isinstance(value, float):
            changes[entry.name] = Exact(value)
        elif isinstance(value, tuple) and any(is_dataclass(part) for part in value):
            changes[entry.name] = tuple(
                exactly(part) if is_dataclass(part) else part for part in value
            )
        elif is_dataclass(value) and not isinstance(value, type) and entry.name == "layer":
            changes[entry.name] = exactly(value)
    return replace(declaration, **changes) if changes else declaration


def is_simple(values: Any) -> bool:
    """Whether numbers are whole or simple fractions: those that one would compute with exactly."""
    values = np.asarray(values)
    if values.dtype == object:
        return all(Exact(v).fraction is not None for v in values.reshape(-1))
    if values.dtype.kind in "iub":
        return True
    simple = (simple_fraction(float(v)) for v in values.reshape(-1))
    return all(q is not None and q.denominator <= 1000 for q in simple)
