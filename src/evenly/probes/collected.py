"""The record of a training elsewhere, as it is put together."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..doctor import Diagnosis, diagnose
from ..errors import ConfigurationError
from ..records import (
    DataSummary,
    EpochSummary,
    LayerInfo,
    LayerProbe,
    LossInfo,
    NetworkInfo,
    OptimizerInfo,
    Probe,
    TrainingRecord,
    write_lines,
)
from .arrays import DeadUnits, means_of_parts
from .data import shared_rows, summarize

_STEP_LOSSES = 32
# Where epochs are never told, the steps are cut into so many parts.
_PARTS = 20


class Collected:
    """Probes, epochs and the losses of the steps of one training.

    Arguments:
        source: as records name it.
        epochs: that are meant to be; None: not known.

    Attributes:
        network, loss, optimizer: as far as they are known.
        steps: how many were made.
    """

    def __init__(self, source: str, epochs: int | None = None) -> None:
        self._source, self._meant = source, epochs
        self.network: NetworkInfo | None = None
        self.loss: LossInfo | None = None
        self.optimizer: OptimizerInfo | None = None
        self.batch: int | None = None
        self.rows_of_batch_norm: dict[str, int] = {}
        self.steps = 0
        self.dead = DeadUnits()
        self._losses: list[Any] = []  # of the epoch that goes on
        self._all_losses: list[float] = []
        self._norms: list[float] = []
        self._clipped: list[bool] = []
        self._probes: list[Probe] = []
        self._epochs: list[EpochSummary] = []
        self._data: DataSummary | None = None
        self._validation: DataSummary | None = None
        self._shared: float | None = None
        self._failed: tuple[int, str] | None = None
        self._begun = 0  # the step with which the epoch began
        self._start = time.perf_counter()

    @property
    def epoch_number(self) -> int:
        """The epoch that goes on, counted from 1."""
        return len(self._epochs) + 1

    def describe_data(
        self, data: tuple[Any, Any] | None, validation: tuple[Any, Any] | None, *,
        indices: bool = False,
    ) -> None:
        """Takes in the data, (x, y) each."""
        if data is not None:
            self._data = summarize(*data, self.loss, indices=indices)
        if validation is not None:
            self._validation = summarize(*validation, self.loss, indices=indices)
            if data is not None:
                self._shared = shared_rows(data[0], validation[0])

    def step(self, loss: Any) -> None:
        """A step is made; its loss may be anything that float takes."""
        self._losses.append(loss)
        self.steps += 1

    def probe(self, probe: Probe, clipped: bool | None = None) -> None:
        """A step was looked at."""
        self._probes.append(probe)
        if probe.gradient_norm is not None:
            self._norms.append(probe.gradient_norm)
        if clipped is not None:
            self._clipped.append(clipped)
        if self._failed is None and not math.isfinite(probe.loss):
            first = next((f"the output of {name}" for name, layer in probe.layers.items()
                          if layer.not_finite), "the loss")
            self._failed = probe.step, first

    def epoch(self, **told: Any) -> None:
        """An epoch is over: what is known of it beside its steps."""
        losses = self._taken()
        if not losses and told.get("loss") is None:
            return
        summary = _of_steps(self.epoch_number, losses, self._norms, self._clipped)
        given: dict[str, Any] = {
            name: value if isinstance(value, tuple) else float(value)
            for name, value in told.items() if value is not None
        }
        self._epochs.append(replace(summary, **given))
        self._norms, self._clipped = [], []

    def _taken(self) -> list[float]:
        losses = [float(loss) for loss in self._losses]
        self._losses = []
        bad = next((i for i, loss in enumerate(losses) if not math.isfinite(loss)), None)
        if bad is not None and self._failed is None:
            self._failed = len(self._all_losses) + bad, "the loss"
        self._all_losses += losses
        return losses

    def record(self, probe_seconds: float = 0.0, stopped: str = "epochs") -> TrainingRecord:
        """As it stands. A training whose epochs are not known counts as over."""
        epochs = list(self._epochs)
        losses = [float(loss) for loss in self._losses]
        if not epochs and losses:
            pieces = np.array_split(np.array(losses), min(_PARTS, len(losses)))
            epochs = [_of_steps(i + 1, piece.tolist(), [], []) for i, piece in enumerate(pieces)]
        elif losses:
            epochs.append(_of_steps(len(epochs) + 1, losses, self._norms, self._clipped))
        over = self._meant is None or len(self._epochs) >= self._meant
        if self._failed is not None:
            stopped = "diverged"
        elif not over or not (self.steps or epochs):
            stopped = ""
        return TrainingRecord(
            source=self._source, network=self.network, loss=self.loss, optimizer=self.optimizer,
            batch=self.batch, rows_of_batch_norm=dict(self.rows_of_batch_norm), data=self._data,
            validation=self._validation, shared_rows=self._shared,
            initial_layers=bool(self._probes) and self._probes[0].step == 0,
            probes=tuple(self._probes), epochs=tuple(epochs), stopped=stopped,
            failed_at=self._failed, seconds=time.perf_counter() - self._start,
            probe_seconds=probe_seconds,
        )


def _of_steps(
    epoch: int, losses: list[float], norms: list[float], clipped: list[bool]
) -> EpochSummary:
    return EpochSummary(
        epoch, len(losses), float(np.mean(losses)) if losses else math.nan,
        step_losses=means_of_parts(np.array(losses), _STEP_LOSSES),
        gradient_norm=float(np.mean(norms)) if norms else None,
        largest_gradient_norm=max(norms) if norms else None,
        clipped_share=float(np.mean(clipped)) if clipped else None,
    )


class Watched:
    """What every watcher of a training elsewhere gives."""

    _collected: Collected

    @property
    def record(self) -> TrainingRecord:
        """What was measured so far."""
        raise NotImplementedError

    @property
    def diagnosis(self) -> Diagnosis:
        """What ails the training, by its record. It counts as over unless the number of its epochs
        is known and not reached."""
        return diagnose(self.record)

    def write(self, path: Any) -> None:
        """Writes the record as JSON lines, for ``evenly doctor``."""
        write_lines(self.record, path)


def chain(layers: Mapping[str, str]) -> NetworkInfo:
    """Layers one behind the other, by name and kind."""
    from ..records.network import DATA, KINDS

    infos, before = [], DATA
    for name, kind in layers.items():
        if kind not in KINDS:
            raise ConfigurationError(
                f"Recorder: no kind of layer is named {kind!r}: use one of {', '.join(KINDS)}"
            )
        infos.append(LayerInfo(name, kind, (before,)))
        before = name
    return NetworkInfo(tuple(infos), outputs=(before,) if infos else ())


def layer_probe(told: Mapping[str, Any]) -> LayerProbe:
    """A probe of what was told of a layer."""
    return LayerProbe(**told)
