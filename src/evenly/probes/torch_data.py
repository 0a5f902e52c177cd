"""Samples of PyTorch's data, and what a module makes of them in evaluation mode."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..errors import ConfigurationError
from .generators import own_random

_SAMPLE_ROWS, _EVALUATED_ROWS = 1000, 250

Sample = tuple[Any, Any]


def sample_of(data: Any) -> Sample | None:
    """Some rows as arrays, of (x, y), of a Dataset, or of a DataLoader's."""
    if data is None:
        return None
    if isinstance(data, (tuple, list)) and len(data) == 2:
        x, y = data
        rows = np.linspace(0, len(x) - 1, min(len(x), _SAMPLE_ROWS)).astype(np.int64)
        return as_array(x)[rows], as_array(y)[rows]
    dataset = getattr(data, "dataset", data)
    if not (hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__")):
        raise ConfigurationError(
            "watch_torch: data is (x, y), a Dataset with a length, or a DataLoader of one, got "
            f"{type(data).__name__}"
        )
    rows = np.linspace(0, len(dataset) - 1, min(len(dataset), _SAMPLE_ROWS)).astype(np.int64)
    with own_generators():
        items = [dataset[int(row)] for row in rows]
    x, y = (np.stack([as_array(item[i]) for item in items]) for i in (0, 1))
    return x, y


def as_array(tensor: Any) -> Any:
    """A tensor as an array, which may share its memory."""
    if hasattr(tensor, "detach"):
        tensor = tensor.detach()
        if tensor.is_floating_point() and tensor.element_size() < 4:
            tensor = tensor.float()
        return tensor.cpu().numpy()
    return np.asarray(tensor)


def channels_last(sample: Sample | None) -> Sample | None:
    """Images as the records have them: PyTorch has their channels first."""
    if sample is None or sample[0].ndim < 3:
        return sample
    return np.moveaxis(sample[0], 1, -1), sample[1]


@contextmanager
def own_generators() -> Iterator[None]:
    """Leaves PyTorch's, NumPy's and Python's generators as they were."""
    import torch

    with torch.random.fork_rng(), own_random():
        yield


@contextmanager
def evaluating(module: Any) -> Iterator[None]:
    """A module in evaluation mode; everything is left as it was."""
    import torch

    modes = {own: own.training for own in module.modules()}
    module.eval()
    try:
        with torch.no_grad(), own_generators():
            yield
    finally:
        for own, mode in modes.items():
            own.training = mode


def scores_of(
    module: Any, criterion: Callable[[Any, Any], Any], sample: Sample, part: str, loss: Any
) -> dict[str, Any]:
    """Loss and score of a sample, under names that begin with the part's."""
    import torch

    first = next(module.parameters(), torch.zeros(()))
    x = torch.as_tensor(sample[0]).to(first.device)
    x = x.to(first.dtype) if x.is_floating_point() else x
    y = torch.as_tensor(sample[1]).to(first.device)
    parts = [module(x[at : at + _EVALUATED_ROWS]) for at in range(0, len(x), _EVALUATED_ROWS)]
    scores = torch.cat(parts)
    told: dict[str, Any] = {f"{part}_loss": float(criterion(scores, y).mean())}
    kind = loss.kind if loss is not None else ""
    if kind in ("softmax_cross_entropy", "nll") and scores.ndim == 2:
        answers = scores.argmax(dim=1)
        right = y if y.ndim == 1 else y.argmax(dim=1)
        told[f"{part}_score"] = float((answers == right).double().mean())
        if part == "train":
            counts = torch.bincount(answers, minlength=scores.shape[1]).double()
            told["answers"] = tuple((counts / counts.sum()).tolist())
    elif kind.startswith("binary"):
        limit = 0.5 if "probabilities" in kind else 0.0
        told[f"{part}_score"] = float(((scores > limit) == (y > 0.5)).double().mean())
    elif kind in ("squared_error", "absolute_error", "huber") and scores.shape == y.shape:
        left, spread = ((scores - y) ** 2).sum(), ((y - y.mean(dim=0)) ** 2).sum()
        told[f"{part}_score"] = float(1 - left / spread) if spread > 0 else None
    return told
