"""What is read off a record directly: series of its layers, and what stands where."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from ..records import EpochSummary, LayerInfo, LayerProbe, Probe, TrainingRecord
from ..records.network import NORMALIZATIONS, RECURRENT, WEIGHTED
from .thresholds import LIMITS

_NOTHING = LayerProbe()


def finite(values: Iterable[float | None]) -> list[float]:
    """Those that are numbers."""
    return [v for v in values if v is not None and math.isfinite(v)]


def median(values: Iterable[float | None]) -> float | None:
    """Of those that are numbers; None where none is."""
    numbers = finite(values)
    return statistics.median(numbers) if numbers else None


class Reading:
    """A record, and what its layers' series tell.

    Arguments:
        record: of a training, or of one that is about to begin.
        limits: thresholds other than those of the table, by name.
    """

    def __init__(self, record: TrainingRecord, limits: Mapping[str, float] | None = None) -> None:
        self.record = record
        self._limits = limits or {}

    def limit(self, name: str) -> float:
        """A threshold of the table."""
        return self._limits[name] if name in self._limits else LIMITS[name].value

    @property
    def epochs(self) -> tuple[EpochSummary, ...]:
        return self.record.epochs

    @property
    def rate(self) -> float | None:
        """The learning rate at the beginning."""
        return self.record.optimizer.learning_rate if self.record.optimizer is not None else None

    @property
    def probes(self) -> tuple[Probe, ...]:
        return self.record.probes

    @cached_property
    def steps(self) -> int:
        """Steps that are over."""
        told = sum(epoch.steps for epoch in self.epochs)
        return max(told, self.probes[-1].step + 1 if self.probes else 0)

    @cached_property
    def layers(self) -> tuple[LayerInfo, ...]:
        return self.record.network.layers if self.record.network is not None else ()

    @cached_property
    def kinds(self) -> dict[str, str]:
        """Each layer's kind, by name."""
        return {layer.name: layer.kind for layer in self.layers}

    @cached_property
    def weighted(self) -> tuple[str, ...]:
        """Names of the layers with a kernel, in order."""
        if self.layers:
            return tuple(layer.name for layer in self.layers if layer.kind in WEIGHTED)
        seen = dict.fromkeys(name for probe in self.probes for name, layer in probe.layers.items()
                             if layer.weight_norm is not None)
        return tuple(seen)

    def series(self, name: str, field: str) -> list[tuple[int, float]]:
        """(step, value) of a layer's measure, where it was measured and is a number."""
        found = []
        for probe in self.probes:
            value = getattr(probe.layers.get(name, _NOTHING), field)
            if value is not None and math.isfinite(value):
                found.append((probe.step, float(value)))
        return found

    def typical(self, name: str, field: str) -> float | None:
        """A layer's measure: the median over the probes behind the first."""
        values = [value for step, value in self.series(name, field) if step > 0]
        return median(values or [value for _, value in self.series(name, field)])

    def late(self, name: str, field: str) -> float | None:
        """A layer's measure: the median over the last quarter of the probes."""
        values = [value for _, value in self.series(name, field)]
        return median(values[-max(1, len(values) // 4):]) if values else None

    def early(self, name: str, field: str) -> float | None:
        """A layer's measure: the median over the first quarter of the probes behind the first."""
        values = [value for step, value in self.series(name, field) if step > 0]
        return median(values[:max(1, len(values) // 4)]) if values else None

    def first(self, name: str, field: str) -> float | None:
        """A layer's measure of the untouched network."""
        series = self.series(name, field)
        return series[0][1] if self.record.initial_layers and series and series[0][0] == 0 else None

    def normalized_behind(self, name: str) -> bool:
        """Whether a normalization reads this layer's outputs."""
        network = self.record.network
        return network is not None and any(
            layer.kind in NORMALIZATIONS for layer in network.after(name))

    @cached_property
    def normalized_first(self) -> bool:
        """Whether the inputs are normalized before anything else sees them."""
        return any(layer.kind in NORMALIZATIONS and "data" in layer.inputs for layer in self.layers)

    @cached_property
    def is_recurrent(self) -> bool:
        return any(layer.kind in RECURRENT for layer in self.layers)

    def behind(self, name: str, through: Sequence[str]) -> tuple[LayerInfo, ...]:
        """The layers that read a layer, directly or through layers of certain kinds."""
        network = self.record.network
        found: dict[str, LayerInfo] = {}
        waiting, seen = [name], {name}
        while network is not None and waiting:
            for layer in network.after(waiting.pop()):
                if layer.name in seen:
                    continue
                seen.add(layer.name)
                if layer.kind in through:
                    waiting.append(layer.name)
                else:
                    found[layer.name] = layer
        return tuple(found.values())

    @cached_property
    def output_layers(self) -> tuple[LayerInfo, ...]:
        """The layers whose outputs are the scores."""
        network = self.record.network
        if network is None:
            return ()
        names = network.outputs or tuple(layer.name for layer in self.layers[-1:])
        return tuple(layer for layer in self.layers if layer.name in names)

    @cached_property
    def last_weighted(self) -> str:
        """The name of the last layer with a kernel, "" where there is none."""
        return self.weighted[-1] if self.weighted else ""

    # Updates

    @cached_property
    def update_ratio(self) -> float | None:
        """Update over weight: the median over the layers with a kernel of their typical ones."""
        return median(self.typical(name, "update_ratio") for name in self.weighted)

    @cached_property
    def largest_update_ratio(self) -> float | None:
        """The same of the layer that moves most."""
        ratios = finite(self.typical(name, "update_ratio") for name in self.weighted)
        return max(ratios) if ratios else None

    @cached_property
    def early_update_ratio(self) -> float | None:
        """The same at the beginning."""
        return median(self.early(name, "update_ratio") for name in self.weighted)

    @cached_property
    def travel(self) -> float | None:
        """How far weights can have come at most, in their own norms: the typical update over weight
        times the steps, of the layer that moves most."""
        ratio = self.largest_update_ratio
        return ratio * self.steps if ratio is not None and self.steps else None
