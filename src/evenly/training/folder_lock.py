"""One training at a time in a folder of checkpoints."""

from __future__ import annotations

import errno
import os
import threading
import warnings
from typing import Any

from ..errors import ConfigurationError

NAME = "checkpoint.lock"
# What the operating system says where another process holds the lock.
_HELD = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
# And where the file system, one of a network say, has no locks.
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)

_here: set[str] = set()  # the folders that trainings of this process hold
_guard = threading.Lock()


class FolderLock:
    """While it is open, no other training can open the same folder's. Where the file system has no
    locks it warns, and knows the trainings of this process alone.

    The operating system gives the lock up when the process ends, however it ends, and processes
    that it started do not hold it. The file that is locked stays: it is empty.

    Arguments:
        folder: an existing folder.

    Raises:
        ConfigurationError: on entering, where another training has it.
    """

    def __init__(self, folder: str) -> None:
        self._folder = os.path.realpath(folder)
        self._file: Any = None

    def __enter__(self) -> FolderLock:
        with _guard:
            # The system's lock is the process's own: two threads would both get it.
            if self._folder in _here:
                raise self._held()
            file = open(os.path.join(self._folder, NAME), "ab")
            try:
                _lock(file.fileno())
            except OSError as error:
                if error.errno not in _NO_LOCKS:
                    file.close()
                    if error.errno in _HELD:
                        raise self._held() from None
                    raise
                warnings.warn(
                    f"fit: {self._folder} cannot be locked ({error.strerror}): see to it that no "
                    "other training uses it", stacklevel=5,
                )
            self._file = file
            _here.add(self._folder)
        return self

    def __exit__(self, *error: object) -> None:
        with _guard:
            self._file.close()
            _here.discard(self._folder)

    def _held(self) -> ConfigurationError:
        return ConfigurationError(
            f"fit: another training that is running keeps its checkpoints in {self._folder}: wait "
            "for its end, or give another folder"
        )


if os.name == "nt":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
