"""What these topics share."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...byhand.traced import Traced
from ..base import Inputs
from ..calculation import Draft, number, within


def one(draft: Draft, inputs: Inputs, name: str, words: str, **bounds: Any) -> Traced:
    """A single number, given under these words; `bounds` as for :func:`within`."""
    within(name, inputs[name], **bounds)
    return draft.given(name, np.asarray(number(inputs, name), object), words)
