"""Keras's masks, which say which steps of a sequence count; with us their lengths do."""

from __future__ import annotations

from typing import Any, NoReturn

from ... import layers as ours
from ...errors import ConfigurationError
from ...layers.recurrent import Recurrent
from ..made import Made
from .rules import Place
from .tables import FUNCTIONS

# What works on each step by itself, so that what the others hold does not matter.
_STEPWISE = (Recurrent, ours.Dropout, ours.SpatialDropout, ours.AlphaDropout, ours.GaussianDropout,
             ours.GaussianNoise, ours.Conv1D, ours.PReLU, ours.LayerNorm, ours.RMSNorm,
             *(type(layer) for name, layer in FUNCTIONS.items() if name != "softmax"))
# Those of whose output a mask makes other numbers than lengths do where a step does not count.
_WALKING = ("SimpleRNN", "LSTM", "GRU", "Bidirectional", "TimeDistributed")


def follow_masks(layer: Any, made: Made, before: Place, place: Place) -> None:
    """Puts down what becomes of the mask behind a layer.

    Raises:
        ConfigurationError: the layer reads a mask, or steps that do not count, otherwise than ours.
    """
    walks = type(layer).__name__ in _WALKING
    if walks and before.masked != before.lengths:
        _refuse(place, "reads masked steps: give from_keras lengths=True, and predict and fit the "
                "lengths of the sequences" if before.masked else
                "reads all steps, since no mask reaches it, but lengths=True would hide some")
    if walks:
        kept = getattr(layer, "return_sequences", True)
        place.masked, place.stale = before.masked and kept, before.masked and kept
        return
    if before.masked and getattr(layer, "_call_has_mask_arg", False):
        _refuse(place, "reads the mask of its steps, which lengths do not tell it: put a recurrent "
                "layer without return_sequences in front of it")
    if before.stale and not all(_is_stepwise(one) for one, _ in made):
        _refuse(place, "reads steps that do not count, which hold other numbers in Keras: put a "
                "recurrent layer without return_sequences in front of it")
    if before.masked:
        place.masked = getattr(layer, "supports_masking", False)


def _is_stepwise(layer: Any) -> bool:
    one = getattr(layer, "axes", 1) == 1 and getattr(layer, "kernel_size", (1,)) == (1,)
    return one and isinstance(layer, _STEPWISE)


def _refuse(place: Place, why: str) -> NoReturn:
    raise ConfigurationError(f"{place.where}: {why}")
