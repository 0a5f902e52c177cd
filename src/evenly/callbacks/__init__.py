"""Callbacks that hand what a training tells to other programs."""

from __future__ import annotations

from ..training.listener import Listener
from .mlflow import MLflow
from .tensorboard import TensorBoard

__all__ = ["Listener", "MLflow", "TensorBoard"]
