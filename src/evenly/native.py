"""Finds and loads the native module.

The module's own search path points at OpenBLAS in the same site-packages. Where the two packages
live apart (a user's site-packages, say), OpenBLAS is loaded first by its full path.
"""

from __future__ import annotations

try:
    from . import _native
except ImportError as error:
    if "openblas" not in str(error):
        raise
    import ctypes
    import os

    import scipy_openblas32

    ctypes.CDLL(
        os.path.join(scipy_openblas32.get_lib_dir(), scipy_openblas32.get_library(fullname=True))
    )
    from . import _native

Executor = _native.Executor
available_isas = _native.available_isas
matrix_product = _native.matrix_product
processors = _native.processors
