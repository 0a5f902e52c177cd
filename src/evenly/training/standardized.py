"""Training on standardized inputs and targets with a model that takes and gives them as they come.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine import Engine
from ..errors import ConfigurationError, DataError
from ..layers import BatchNorm, Dense, Sequential
from ..layers.base import Run
from ..layers.embedding import index_reader
from ..rows.data import Examples
from ..rows.sources import READ_BYTES, RowSource, rows_in
from ..rows.streams import Stream
from ..scaling import moments
from ..settings import AS_THEY_ARE, Settings

# The name of the normalization in front of the network.
FRONT = "inputs_standardized"


class Standardized:
    """What the training set's statistics change about a training.

    Arguments:
        settings: of the training.
        net: the network, as a sequence.

    Raises:
        ConfigurationError: a network or data that cannot be standardized so.
    """

    def __init__(self, settings: Settings, net: Sequential, data: Any) -> None:
        self.inputs = settings.inputs != AS_THEY_ARE
        self.targets = settings.targets != AS_THEY_ARE
        self.net = net
        self.weights: dict[str, Any] = {}
        self.scale: tuple[Any, Any] | None = None  # of the inputs
        self._mean, self._deviation = np.zeros(()), np.ones(())
        self._last = ""
        if not (self.inputs or self.targets):
            return
        if isinstance(data, Stream):
            raise ConfigurationError(
                f"fit: {data!r} is read from front to back, and its statistics are known too late: "
                "give arrays, or standardize what it brings"
            )
        if self.targets:
            self._last = _last_dense(net)
            if settings.loss.counts_right_answers:
                raise ConfigurationError(
                    f"fit: targets of {type(settings.loss).__name__} are classes or labels, and no "
                    "quantities: leave targets as they are"
                )
            if not settings.loss.in_target_units:
                raise ConfigurationError(
                    f"fit: the scores of {type(settings.loss).__name__} are not in the targets' "
                    "units, so that no scaling of the last layer brings them back: leave targets "
                    "as they are, or divide them by a constant yourself"
                )
        if self.inputs:
            first = index_reader(net)
            if first is not None:
                raise ConfigurationError(
                    f"fit: {type(first).__name__} reads row numbers, and no quantities: leave "
                    "inputs as they are"
                )
            front = BatchNorm(epsilon=0.0, center=False, scale=False, frozen=True, name=FRONT)
            self.net = Sequential([front, *net.layers], net.name)

    def measure(self, data: Examples, dtype: str) -> Examples:
        """Takes in the training set; returns what is trained on."""
        if self.inputs:
            mean, deviation = _moments(data)
            with np.errstate(over="ignore", under="ignore"):
                variance = (deviation**2).astype(dtype)
            # What varies less than the type can say is as good as constant.
            variance = np.where(variance < np.finfo(dtype).tiny, 1, variance)
            if not (np.isfinite(variance).all() and np.isfinite(mean.astype(dtype)).all()):
                raise DataError(f"fit: inputs too large for {dtype}: use dtype='float64'")
            self.scale = mean, np.sqrt(variance)
            self.weights = {f"{FRONT}.running_mean": mean, f"{FRONT}.running_variance": variance}
        if self.targets:
            y = np.asarray(data.y)
            if y.dtype.kind not in "iubf":
                return data  # the loss says what is wrong
            axes = tuple(range(max(1, y.ndim - 1)))
            self._mean, self._deviation = moments(y.astype(np.float64), axes, Run(training=True))
        return self.prepared(data)

    def prepared(self, data: Examples) -> Examples:
        """Examples with the targets that are trained on."""
        if not self.targets or np.asarray(data.y).dtype.kind not in "iubf":
            return data
        y = (np.asarray(data.y, dtype=np.float64) - self._mean) / self._deviation
        return data._replace(y=y)

    def finish(self, engine: Engine) -> None:
        """Scales the last layer so that the model answers in the targets' own units."""
        if not self.targets:
            return
        kernel, bias = engine.arrays[f"{self._last}.kernel"], engine.arrays[f"{self._last}.bias"]
        kernel[...] = kernel * self._deviation
        bias[...] = bias * self._deviation + self._mean


def _last_dense(net: Sequential) -> str:
    last: Any = net.resolved
    while isinstance(last, Sequential) and last.layers:
        last = last.layers[-1]
    if not isinstance(last, Dense) or not last.bias:
        raise ConfigurationError(
            f"fit: targets='standardized' scales the last layer back, so it must be a Dense with a "
            f"bias, got {last!r}: leave out what comes behind the last Dense"
        )
    return last.name or ""


def _moments(data: Examples) -> tuple[Any, Any]:
    """Mean and deviation of each channel over all rows and positions that count."""
    x, lengths = data.x, data.lengths
    if not isinstance(x, RowSource):
        rows = _counted(np.asarray(x), lengths)
        return moments(rows, 0, Run(training=True))
    # Of what is read: sums of parts, around the first part's mean.
    size = rows_in(READ_BYTES, x.shape[1:], 8)
    count, total, squares, around = 0, 0.0, 0.0, None
    for start in range(0, len(x), size):
        at = slice(start, start + size)
        part = _counted(x.dense(at, np.dtype(np.float64)), None if lengths is None else lengths[at])
        around = part.mean(axis=0) if around is None else around
        part = part - around
        count += len(part)
        total, squares = total + part.sum(axis=0), squares + (part**2).sum(axis=0)
    assert around is not None
    mean = around + total / count
    deviation = np.sqrt(np.maximum(squares / count - (total / count) ** 2, 0))
    constant = deviation <= 8 * np.finfo(np.float64).eps * np.abs(mean)
    return mean, np.where(constant, 1.0, deviation)


def _counted(x: Any, lengths: Any) -> Any:
    """(rows, channels): all positions, of sequences those that are no filling."""
    if lengths is not None:
        x = x[np.arange(x.shape[1]) < np.asarray(lengths)[:, None]]
    return x.reshape(-1, x.shape[-1])
