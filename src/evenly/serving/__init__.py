"""Predictions for servers."""

from .predictor import Deviation as Deviation
from .predictor import Predictor as Predictor
