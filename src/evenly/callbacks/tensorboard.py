"""Event files for TensorBoard."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError
from ..extras import needed
from ..training.history import EpochRecord
from ..training.listener import Listener, Value
from .measured import check_every, of_epoch, of_steps

_WHO = "TensorBoard"
EVENTS = "events.out.tfevents.*"


class TensorBoard(Listener):
    """Writes what a training tells into event files: ``tensorboard --logdir FOLDER`` shows it.
    Needs tensorboard alone, neither TensorFlow nor PyTorch.

    An epoch's numbers bear their names in :class:`evenly.EpochRecord` (``loss``,
    ``validation_score``, ...), at the number of the epoch; a step's are ``step/loss``,
    ``step/penalty`` and ``step/gradient_norm``. The training's settings are hyperparameters.

    Arguments:
        folder: for the event files; made where it is not there. Where it holds some already, and
            for a second training, one named ``run_2``, ``run_3``, ... in it.
        every: steps between two that are written; None writes epochs alone.

    Raises:
        ConfigurationError: tensorboard is not installed, or the folder cannot be written: when the
            training begins.

    Example:
        >>> import evenly as ev, tempfile
        >>> x = np.eye(4)
        >>> with tempfile.TemporaryDirectory() as folder:          # doctest: +SKIP
        ...     ev.fit(ev.Sequential([ev.Dense(1)]), x, x[:, :1], loss=ev.MeanSquaredError(),
        ...            callbacks=[ev.callbacks.TensorBoard(folder)])
    """

    def __init__(self, folder: str | os.PathLike[str], *, every: int | None = 1) -> None:
        check_every(_WHO, every)
        if not isinstance(folder, (str, os.PathLike)):
            raise ConfigurationError(f"{_WHO}: folder must be a path, got {folder!r}")
        self.folder, self.every = folder, every
        self._writer: Any = None

    def __repr__(self) -> str:
        return f"TensorBoard({os.fspath(self.folder)!r}, every={self.every})"

    def begins(self, settings: Mapping[str, Value]) -> None:
        writers = needed(_WHO, "tensorboard.summary.writer.event_file_writer", "tensorboard")
        hyper = needed(_WHO, "tensorboard.plugins.hparams.summary_v2", "tensorboard")
        try:
            self._writer = writers.EventFileWriter(str(_own(Path(self.folder))))
        except OSError as error:
            raise ConfigurationError(f"{_WHO}: {self.folder}: cannot be written: "
                                     f"{error.strerror or error}: name another folder") from error
        self._add(0, hyper.hparams_pb(dict(settings)))

    def steps(self, first: int, records: Any) -> None:
        for number, name, value in of_steps(first, records, self.every):
            self._scalars(number, [(name, value)])

    def __call__(self, record: EpochRecord) -> None:
        self._scalars(record.epoch, of_epoch(record).items())
        self._writer.flush()

    def ends(self, stopped: str) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _scalars(self, step: int, named: Iterable[tuple[str, float]]) -> None:
        protos = needed(_WHO, "tensorboard.compat.proto.summary_pb2", "tensorboard")
        self._add(step, protos.Summary(value=[
            protos.Summary.Value(tag=name, simple_value=value) for name, value in named
        ]))

    def _add(self, step: int, summary: Any) -> None:
        events = needed(_WHO, "tensorboard.compat.proto.event_pb2", "tensorboard")
        self._writer.add_event(events.Event(wall_time=time.time(), step=step, summary=summary))


def _own(folder: Path) -> Path:
    """A folder that holds no other training."""
    folder.mkdir(parents=True, exist_ok=True)
    number, own = 1, folder
    while next(own.glob(EVENTS), None) is not None:
        number += 1
        own = folder / f"run_{number}"
    own.mkdir(exist_ok=True)
    return own
