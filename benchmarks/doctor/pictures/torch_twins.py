"""Twins of PyTorch's, for what Evenly does not train."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import evenly as ev
from evenly.probes import torch as probes

from .. import data as sets
from ..networks import Plan, build
from .curves import View
from .runs import Run
from .twins import Steady

UNITS, ROWS, EPOCHS, RATE = 24, 16, 30, 0.01


@dataclass(frozen=True)
class TorchTwins:
    """Labels 1 and 2 for a loss of 0 and 1, which PyTorch takes; and their twin with 0 and 1.

    Attributes:
        kind, views, data: as of :class:`~benchmarks.doctor.pictures.twins.Twins`.
    """

    kind: str
    views: tuple[View, ...]
    data: str

    def sick(self) -> Run:
        """The training that ails."""
        return self._trained(1.0)

    def cured(self, sick: Run) -> Run:
        """Its twin."""
        return self._trained(0.0)

    def finding(self, run: Run) -> Any:
        """The finding of this kind in a training, None where there is none."""
        return next((one for one in run.diagnosis.findings if one.kind == self.kind), None)

    def _trained(self, first: float) -> Run:
        import torch

        torch.manual_seed(0)
        torch.set_num_threads(1)
        data = sets.load(self.data)
        module = torch.nn.Sequential(torch.nn.Linear(data.shape[0], UNITS), torch.nn.ReLU(),
                                     torch.nn.Linear(UNITS, 1), torch.nn.Flatten(0))
        optimizer = torch.optim.Adam(module.parameters(), RATE)
        criterion = torch.nn.BCEWithLogitsLoss()
        parts = [(torch.tensor(x), torch.tensor(y, dtype=torch.float32) + first)
                 for x, y in ((data.x, data.y), (data.watch_x, data.watch_y))]
        with patch.object(probes, "Pace", Steady):
            watcher = ev.watch_torch(module, optimizer, criterion, data=parts[0],
                                     validation=parts[1], epochs=EPOCHS)
        for _ in range(EPOCHS):
            for rows in torch.randperm(len(data.x)).split(ROWS):
                optimizer.zero_grad()
                loss = criterion(module(parts[0][0][rows]), parts[0][1][rows])
                loss.backward()
                watcher.step(loss)
                optimizer.step()
            watcher.epoch()
        watcher.close()
        plan = Plan()
        return Run(build(plan, data), plan, data, watcher.record, lambda x: module(
            torch.as_tensor(x)).detach().numpy())
