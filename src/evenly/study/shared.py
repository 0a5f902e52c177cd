"""A task of many cells that needs something large: it goes to another process once."""

from __future__ import annotations

import functools
import hashlib
import pickle
import shutil
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self


class Shared:
    """Calls what `make` makes of some values.

    In this process that is `here`. In another process of this machine the values are read from a
    file, when the first cell comes, and on another machine from a parcel; what is made of them
    stays there for the others.

    Args:
        values: what to make it of.
        make: a class or function of a module.
    """

    def __init__(self, values: tuple[Any, ...], make: Callable[..., Callable[[Any], Any]]) -> None:
        self._values, self._make = values, make
        self._folder: Path | None = None
        self._lock = threading.Lock()
        self.here: Callable[[Any], Any] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def __call__(self, asks: Any) -> Any:
        if self.here is None:
            self.here = self._make(*self._values)
        return self.here(asks)

    def parcel(self) -> Parcel:
        """The values, for processes that do not see this machine's files."""
        return Parcel(pickle.dumps((self._values, self._make), pickle.HIGHEST_PROTOCOL))

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        with self._lock:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="evenly-study-"))
                with (self._folder / "values").open("wb") as file:
                    pickle.dump((self._values, self._make), file, pickle.HIGHEST_PROTOCOL)
            return _elsewhere, (str(self._folder / "values"),)


class Parcel:
    """Bytes that a :class:`Shared` is made of."""

    def __init__(self, data: bytes) -> None:
        self.data, self.name = data, hashlib.sha256(data).hexdigest()

    def __sizeof__(self) -> int:
        """What Dask goes by when it decides what travels once."""
        return len(self.data)

    def __hash__(self) -> int:
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Parcel) and self.name == other.name


@functools.lru_cache(maxsize=1)
def opened(parcel: Parcel) -> Shared:
    """What a parcel holds."""
    values, make = pickle.loads(parcel.data)  # packed by this program on another machine
    return Shared(values, make)


@functools.lru_cache(maxsize=1)
def _elsewhere(path: str) -> Shared:
    with open(path, "rb") as file:
        values, make = pickle.load(file)  # written by this program a moment ago
    return Shared(values, make)
