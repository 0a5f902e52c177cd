"""A training that is watched over: findings are told as they come."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Sequence
from typing import Any

from ..doctor import diagnose
from ..errors import ConfigurationError, DoctorWarning
from ..probes.watcher import TrainingWatcher
from ..records import TrainingRecord

# What no further epoch mends: for these doctor="stop" ends a training.
HOPELESS = frozenset({
    "vanishing_gradient", "exploding_gradient", "dead_relu", "saturation", "bad_init_scale",
    "symmetric_init", "rate_too_high", "divergence", "not_learning", "inputs_constant",
    "output_activation_wrong", "labels_wrong_range", "loss_wrong", "gradient_sign", "rows_coupled",
})


# Seconds that a diagnosis is taken to cost before one was made.
_FIRST_COST = 0.005


class Doctor:
    """Watches over a training; warns once of each finding, and may end it.

    Arguments:
        watcher: that measures.
        stops: whether what no further epoch mends ends the training.
    """

    def __init__(self, watcher: TrainingWatcher, stops: bool) -> None:
        self._watcher, self._stops = watcher, stops
        self._told: set[tuple[str, str | None]] = set()
        self._last, self._cost = 0, _FIRST_COST
        self._record: TrainingRecord | None = None

    def resume(self, records: Sequence[Any]) -> None:
        """The training goes on behind these epochs."""
        self._watcher.resume(records)

    def epoch_begins(self, epoch: int) -> None:
        """An epoch begins, counted from 1."""
        self._watcher.epoch_begins(epoch)

    def epoch_ends(self, record: Any, steps: Any) -> bool:
        """An epoch has ended; returns whether the training should."""
        self._watcher.epoch_ends(record, steps)
        pace = self._watcher.pace
        # At the end a diagnosis is made in any case.
        if not pace.affords(self._cost) and not (self._stops and pace.worth(
            record.epoch, self._cost, self._last
        )):
            return False
        begin = time.process_time()
        kinds = self._tell(self._watcher.record)
        self._last, self._cost = record.epoch, time.process_time() - begin
        pace.took(self._cost)
        return self._stops and not HOPELESS.isdisjoint(kinds)

    def failed(self, step: int, layer: str) -> None:
        """A step was not finite."""
        self._watcher.failed(step, layer)

    def ends(self, stopped: str, best_epoch: int | None) -> TrainingRecord:
        """The training has ended: its record. The weights must still be those of its last step."""
        if self._record is None:
            self._record = self._watcher.ends(stopped, best_epoch)
            self._tell(self._record)
        return self._record

    def close(self) -> None:
        """Ends watching."""
        self._watcher.close()

    def _tell(self, record: TrainingRecord) -> set[str]:
        """Warns of what is new; returns the kinds of all findings."""
        findings = diagnose(record).findings
        for finding in findings:
            key = finding.kind, finding.layer
            if key not in self._told:
                self._told.add(key)
                where = f" in '{finding.layer}'" if finding.layer else ""
                shown = finding.evidence[0].text if finding.evidence else finding.why
                message = f"{finding.kind}{where}: {shown} {finding.cure.text}"
                warnings.warn(DoctorWarning(message, finding), stacklevel=2)
        return {finding.kind for finding in findings}


def asked_for(doctor: Any) -> tuple[bool, bool, Any]:
    """(whether a training is watched, whether findings end it, where its record is written).

    Raises:
        ConfigurationError: what is none of these.
    """
    if doctor is None or doctor is False:
        return False, False, None
    if doctor is True or doctor == "stop":
        return True, doctor == "stop", None
    if isinstance(doctor, os.PathLike) or (isinstance(doctor, str) and doctor.endswith(".jsonl")):
        return True, False, doctor
    raise ConfigurationError(
        f"fit: doctor is True, 'stop', or a file for the record ('run.jsonl'), got {doctor!r}"
    )
