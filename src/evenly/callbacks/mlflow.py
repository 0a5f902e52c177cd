"""Runs for MLflow."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import ConfigurationError
from ..extras import needed
from ..training.history import EpochRecord
from ..training.listener import Listener, Value
from .measured import check_every, of_epoch, of_steps

_WHO = "MLflow"
# MLflow takes so many metrics, parameters and letters of a parameter in one call.
METRICS, PARAMETERS, LETTERS = 1000, 100, 6000
_STATUS = {"failed": "FAILED", "diverged": "FAILED", "interrupted": "KILLED"}


class MLflow(Listener):
    """Records a training as a run of MLflow: settings as parameters, an epoch's numbers by their
    names in :class:`evenly.EpochRecord` as metrics, a step's as ``step/loss``, ``step/penalty`` and
    ``step/gradient_norm``. Within ``mlflow.start_run()`` it is that run.

    Arguments:
        experiment: its name; made where there is none.
        uri: of the store: ``"sqlite:///mlflow.db"``, ``"http://host:5000"``; None: MLflow's own.
        name: of the run.
        every: steps between two that are recorded; None records epochs alone.

    Attributes:
        run_id: of the last run.

    Raises:
        ConfigurationError: mlflow is not installed, or the store does not answer: when the training
            begins.

    Example:
        >>> import evenly as ev
        >>> x = np.eye(4)
        >>> model = ev.fit(ev.Sequential([ev.Dense(1)]), x, x[:, :1],        # doctest: +SKIP
        ...                loss=ev.MeanSquaredError(),
        ...                callbacks=[ev.callbacks.MLflow("trial", uri="sqlite:///mlflow.db")])
    """

    def __init__(
        self, experiment: str = "evenly", *, uri: str | os.PathLike[str] | None = None,
        name: str | None = None, every: int | None = 10,
    ) -> None:
        check_every(_WHO, every)
        if not isinstance(experiment, str):
            raise ConfigurationError(f"{_WHO}: experiment must be a name, got {experiment!r}")
        self.experiment, self.uri, self.name, self.every = experiment, uri, name, every
        self.run_id: str | None = None
        self._client: Any = None
        self._is_own = False

    def __repr__(self) -> str:
        return f"MLflow({self.experiment!r}, uri={self.uri!r}, every={self.every})"

    def begins(self, settings: Mapping[str, Value]) -> None:
        mlflow = needed(_WHO, "mlflow", "mlflow")
        active = mlflow.active_run() if self.uri is None else None
        self._is_own = active is None
        try:
            uri = None if self.uri is None else os.fspath(self.uri)
            client = mlflow.MlflowClient(tracking_uri=uri)
            if active is None:
                found = client.get_experiment_by_name(self.experiment)
                number = (client.create_experiment(self.experiment) if found is None
                          else found.experiment_id)
                active = client.create_run(number, run_name=self.name)
        except (mlflow.exceptions.MlflowException, OSError, ValueError) as error:
            where, reason = self.uri or "the store", " ".join(str(error).split())
            raise ConfigurationError(
                f"{_WHO}: {where} does not answer: {reason}: look at uri") from error
        self._client, self.run_id = client, active.info.run_id
        kept = [mlflow.entities.Param(key, str(value)[:LETTERS])
                for key, value in settings.items()]
        for start in range(0, len(kept), PARAMETERS):
            client.log_batch(self.run_id, params=kept[start:start + PARAMETERS])

    def steps(self, first: int, records: Any) -> None:
        self._log(of_steps(first, records, self.every))

    def __call__(self, record: EpochRecord) -> None:
        self._log((record.epoch, name, value) for name, value in of_epoch(record).items())

    def ends(self, stopped: str) -> None:
        if self._client is not None and self._is_own:
            self._client.set_terminated(self.run_id, _STATUS.get(stopped, "FINISHED"))
        self._client = None

    def _log(self, numbers: Iterable[tuple[int, str, float]]) -> None:
        entities = needed(_WHO, "mlflow.entities", "mlflow")
        now = int(time.time() * 1000)
        kept = [entities.Metric(name, value, now, step) for step, name, value in numbers]
        for start in range(0, len(kept), METRICS):
            self._client.log_batch(self.run_id, metrics=kept[start:start + METRICS])
