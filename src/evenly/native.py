"""Finds and loads the native module.

The module's own search path points at OpenBLAS in the same site-packages. Where the two packages
live apart (a user's site-packages, say), OpenBLAS is loaded first by its full path.
"""

from __future__ import annotations

import atexit
import importlib
import threading
import time

try:
    importlib.import_module("._native", __package__)
except ImportError as error:
    if "openblas" not in str(error):
        raise
    import ctypes
    import os

    import scipy_openblas32

    ctypes.CDLL(
        os.path.join(scipy_openblas32.get_lib_dir(), scipy_openblas32.get_library(fullname=True))
    )
from ._native import Executor, are_classes, available_isas, leave, matrix_product, processors

# What the end of the program waits for threads that train or predict, in seconds.
_PATIENCE = 1.0

__all__ = ["Executor", "are_classes", "available_isas", "matrix_product", "processors"]


@atexit.register
def _leave() -> None:
    """Ends the threads that train or predict while Python's exit handlers run, as daemon threads
    may. Later they would be ended wherever they are, and not every library survives that."""
    recent = set(leave())
    last = time.monotonic() + _PATIENCE
    for thread in threading.enumerate():
        if thread.ident in recent and thread is not threading.current_thread():
            thread.join(max(0.0, last - time.monotonic()))
