"""Whether all ranks of a group were given the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import numpy as np

from ..errors import WorkersError
from .group import Group

# Characters of what ranks differ in that an error shows.
_SHOWN = 60


def agree(group: Group, told: Mapping[str, str]) -> None:
    """Sees that every rank was given the same.

    Arguments:
        group: whose ranks all call this.
        told: by name, what must be the same, as texts.

    Raises:
        WorkersError: on every rank, with the name, and what two of them have.
    """
    if group.size == 1:
        return
    text = json.dumps(dict(told)).encode()
    digests = group.gather(np.frombuffer(hashlib.sha256(text).digest(), np.uint8))
    odd = [rank for rank, digest in enumerate(digests) if (digest != digests[0]).any()]
    if not odd:
        return
    first, other = (json.loads(group.share(text, rank)) for rank in (0, odd[0]))
    for name in dict.fromkeys([*first, *other]):
        a, b = (str(one.get(name, "nothing")) for one in (first, other))
        if a != b:
            a, b = _near(a, b)
            raise WorkersError(
                f"workers: processes were given different things: {name} is {a} in process 0 and "
                f"{b} in process {odd[0]}: give all the same"
            )


def _near(a: str, b: str) -> tuple[str, str]:
    """Two texts; of long ones what stands where they differ first."""
    if max(len(a), len(b)) <= 2 * _SHOWN:
        return a, b
    pairs = zip(a, b, strict=False)
    place = next((i for i, (x, y) in enumerate(pairs) if x != y), min(len(a), len(b)))
    first = max(0, place - _SHOWN // 2)
    begin = "..." * (first > 0)
    return begin + a[first:first + _SHOWN], begin + b[first:first + _SHOWN]
