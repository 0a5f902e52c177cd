"""The arguments of fit that are no data, given one by one or as settings."""

from __future__ import annotations

from typing import Any

from ..errors import ConfigurationError
from ..settings import Settings


class Default(int):
    """A number that stands where nothing was given: what is given can be told from it."""


EPOCHS, BATCH = Default(20), Default(32)
_SETTINGS = ("loss", "optimizer", "epochs", "batch", "penalty", "clip", "constraint", "augment",
             "schedule", "early_stopping", "average", "rates",
             "dropout_schedule", "decay_schedule")


def as_settings(net: Any, given: dict[str, Any]) -> Settings:
    """All of it as settings, whose net is what `fit` was given.

    Arguments:
        net: the network, or settings.
        given: fit's keyword arguments that settings hold.

    Raises:
        ConfigurationError: both, or no loss.
    """
    if isinstance(net, Settings):
        twice = [name for name in _SETTINGS
                 if not isinstance(given[name], Default)
                 and (given[name] is not None or name == "batch")]
        if twice:
            raise ConfigurationError(
                f"fit: the settings hold {' and '.join(twice)}: change them there, with "
                "dataclasses.replace"
            )
        return net
    if given["loss"] is None:
        raise ConfigurationError("fit: give a loss, loss=ev.SoftmaxCrossEntropy() say")
    values: dict[str, Any] = {
        name: int(value) if isinstance(value, Default) else value
        for name, value in given.items() if value is not None or name == "batch"
    }
    return Settings(net, **values)
