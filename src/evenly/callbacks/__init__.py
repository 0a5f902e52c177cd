"""Callbacks that hand what a training tells to other programs."""

from __future__ import annotations

from ..training.recorder import Recorder
from .mlflow import MLflow
from .tensorboard import TensorBoard

__all__ = ["MLflow", "Recorder", "TensorBoard"]
