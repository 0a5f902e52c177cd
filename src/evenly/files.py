"""Arrays and a text in one file that is replaced whole or not at all.

The format is safetensors: arrays by name, and in the header's metadata the version of Evenly's
format, one JSON text, and a SHA-256 over both. Reading runs no code from the file, and takes no
memory for a size that the file merely claims.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import secrets
import stat
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

import numpy as np

from .errors import ConfigurationError, FileFormatError

Path = str | os.PathLike[str]

VERSION = 1
# Bytes of a file that is read unless the caller allows more.
MEMORY = 2**32
# What a text may be: its length in bytes, how deep it nests, how many values it holds.
_TEXT, _DEPTH, _VALUES = 2**24, 256, 2**20
# The text stands in the header as a JSON string: quotes and backslashes take two bytes there.
_HEADER = 4 * _TEXT
_VERSION_KEY, _TEXT_KEY, _SUM_KEY = "evenly", "content", "sha256"


def replace_atomically(
    path: Path, write: Callable[[BinaryIO], None], temporary_name: str | None = None
) -> None:
    """Writes a file such that at any moment, and after a crash, `path` is either the old file or
    the whole new one.

    The bytes go to a temporary name in the same folder, are forced to the disk, and then take the
    file's name. Whatever goes wrong, Ctrl-C included, the temporary file is removed and the old
    file is as it was. A symbolic link stays one: the file it points to is replaced. Permissions of
    an old file are kept.

    Arguments:
        path: of the file.
        write: called with the open temporary file.
        temporary_name: one that nobody else uses; by default a new one, ``.evenly-....tmp``.

    Raises:
        OSError: as ``open`` and ``write`` raise it: IsADirectoryError, PermissionError,
            FileNotFoundError for a folder that is not there, a full disk.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "numbers")
        ...     replace_atomically(path, lambda file: file.write(b"123") and None)
        ...     os.listdir(folder)
        ['numbers']
    """
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    mode = None
    if os.path.lexists(target):
        mode = _regular(target)
        if not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))
    elif not os.path.isdir(folder):
        raise FileNotFoundError(errno.ENOENT, "no such folder", folder)
    name = temporary_name or f".evenly-{secrets.token_hex(8)}.tmp"
    temporary = os.path.join(folder, name)
    try:
        with open(temporary, "xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            os.chmod(temporary, mode)
        os.replace(temporary, target)
    except BaseException:
        # A name that nobody else has: if it is there, it is ours.
        if os.path.lexists(temporary):
            os.unlink(temporary)
        raise
    _sync_folder(folder)


def write_bytes(path: Path, data: bytes, temporary_name: str | None = None) -> None:
    """Writes bytes as a file, by :func:`replace_atomically`, whose errors it raises."""
    replace_atomically(path, lambda file: _write_all(file, data), temporary_name)


def _write_all(file: BinaryIO, data: bytes) -> None:
    file.write(data)


def _regular(path: Path) -> int:
    """The permissions of a regular file; OSError for what is none."""
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))
    return stat.S_IMODE(mode)


def _sync_folder(folder: str) -> None:
    """Forces the new name to the disk, where folders can be opened."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_arrays(
    path: Path, arrays: Mapping[str, Any], metadata: Mapping[str, Any],
    temporary_name: str | None = None,
) -> None:
    """Writes arrays and a JSON object as one safetensors file, atomically.

    Arguments:
        path: of the file; an existing one is replaced.
        arrays: by name: whole numbers, floating-point numbers or truth values.
        metadata: what JSON can say, with finite numbers.
        temporary_name: as for :func:`replace_atomically`.

    Raises:
        ConfigurationError: something that the file cannot hold.
        OSError: as :func:`replace_atomically`.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "numbers.safetensors")
        ...     write_arrays(path, {"squares": np.arange(3) ** 2}, {"made": "here"})
        ...     read_arrays(path)
        ({'squares': array([0, 1, 4])}, {'made': 'here'})
    """
    from safetensors.numpy import save

    own = {name: _writable(name, array) for name, array in arrays.items()}
    text = _as_text(metadata)
    data = save(own, {_VERSION_KEY: str(VERSION), _TEXT_KEY: text, _SUM_KEY: _sum(text, own)})
    write_bytes(path, data, temporary_name)


def _writable(name: str, array: Any) -> Any:
    # Not ascontiguousarray: that would give a single number an axis.
    array = np.asarray(array, order="C")
    if array.dtype.kind not in "iufb" or array.dtype.itemsize > 8:
        raise ConfigurationError(
            f"write_arrays: '{name}' must hold numbers of at most 64 bits, got {array.dtype}"
        )
    if name == "__metadata__":
        raise ConfigurationError("write_arrays: the name '__metadata__' is the format's own")
    return array.astype(array.dtype.newbyteorder("<"), copy=False)


def _as_text(metadata: Mapping[str, Any]) -> str:
    try:
        text = json.dumps(dict(metadata), allow_nan=False, separators=(",", ":"))
        _check_values(json.loads(text))
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"write_arrays: metadata: {error}") from error
    if len(text) > _TEXT:
        raise ConfigurationError(
            f"write_arrays: metadata of {len(text):,} bytes; a file holds at most {_TEXT:,}: put "
            "long lists of numbers into arrays"
        )
    return text


def _sum(text: str, arrays: Mapping[str, Any]) -> str:
    """SHA-256 of the text and of every array: its name, type, shape and bytes."""
    total = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = arrays[name]
        total.update(repr((name, array.dtype.name, array.shape)).encode(errors="surrogatepass"))
        total.update(array.reshape(-1).view(np.uint8).data)
    return total.hexdigest()


def read_arrays(path: Path, memory: int = MEMORY) -> tuple[dict[str, Any], dict[str, Any]]:
    """Reads a file of :func:`write_arrays`.

    Arguments:
        path: of the file.
        memory: the largest file that is read, in bytes.

    Returns:
        (arrays by name, the JSON object).

    Raises:
        FileFormatError: anything but a whole, undamaged file of a version known here.
        OSError: FileNotFoundError, IsADirectoryError, PermissionError, as ``open``.

    Example: see :func:`write_arrays`.
    """
    _regular(path)  # before open, which would wait for ever at a pipe
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        prefix = file.read(8)
        length = int.from_bytes(prefix, "little")
        if len(prefix) < 8:
            raise FileFormatError(path, f"not an Evenly file: {size} bytes are too few")
        if length > size - 8:
            raise FileFormatError(
                path, "truncated, or not an Evenly file: its header would end behind the file's end"
            )
        if length > _HEADER:
            raise FileFormatError(
                path, f"a header of {length:,} bytes; {_HEADER:,} is the most that is read"
            )
        header = file.read(length)
        declared = _metadata(path, header)
        if size > memory:
            raise FileFormatError(
                path, f"{size:,} bytes are more than memory={memory:,} allows: give more"
            )
        file.seek(0)
        data = file.read(size)
    if len(data) != size:
        raise FileFormatError(path, "the file changed while it was read")
    arrays = _arrays(path, data)
    text = declared[_TEXT_KEY]
    if _sum(text, arrays) != declared[_SUM_KEY]:
        raise FileFormatError(path, "damaged: its checksum is another than that of its contents")
    content = _parsed(path, text)
    if not isinstance(content, dict):
        raise FileFormatError(path, "its text must be a JSON object")
    return arrays, content


def _metadata(path: Path, header: bytes) -> dict[str, str]:
    """The format's own part of the header, complete and of a version known here."""
    try:
        outer = json.loads(header.decode())
    except (ValueError, RecursionError) as error:
        raise FileFormatError(path, f"not an Evenly file, or damaged: {error}") from error
    declared = outer.get("__metadata__") if isinstance(outer, dict) else None
    version = declared.get(_VERSION_KEY) if isinstance(declared, dict) else None
    if not isinstance(declared, dict) or not isinstance(version, str):
        raise FileFormatError(path, "not an Evenly file: its header names no version of Evenly's "
                                    "format")
    if version != str(VERSION):
        raise FileFormatError(
            path, f"of format version {version[:20]!r}; this Evenly reads version {VERSION}: use a "
            "newer Evenly"
        )
    for key in (_TEXT_KEY, _SUM_KEY):
        if not isinstance(declared.get(key), str):
            raise FileFormatError(path, f"damaged: its header has no '{key}'")
    return declared


def _arrays(path: Path, data: bytes) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return load(data)
    except (SafetensorError, ValueError, LookupError, TypeError, OverflowError) as error:
        reason = "its length is another than its header says" \
            if "not fully covered" in str(error) else str(error)
        raise FileFormatError(path, f"truncated or damaged: {reason}") from error


def _parsed(path: Path, text: str) -> Any:
    if len(text) > _TEXT:
        raise FileFormatError(path, f"a text of {len(text):,} characters; {_TEXT:,} is the most")
    try:
        value = json.loads(text, parse_constant=_refuse)
        _check_values(value)
    except (ValueError, RecursionError) as error:
        raise FileFormatError(path, f"its text cannot be read: {error}") from error
    return value


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is not a finite number")


def _check_values(value: Any) -> None:
    """Raises ValueError for what nests too deep, holds too much, or is no finite 64-bit number."""
    level, values = [value], 1
    for _ in range(_DEPTH):
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                inner += item.values()
            elif isinstance(item, list):
                inner += item
            elif isinstance(item, float) and not math.isfinite(item):
                raise ValueError("a number is not finite")
            elif isinstance(item, int) and not -(2**63) <= item < 2**64:
                raise ValueError("a whole number has more than 64 bits")
        values += len(inner)
        if values > _VALUES:
            raise ValueError(f"more than {_VALUES:,} values")
        if not inner:
            return
        level = inner
    raise ValueError(f"nested more than {_DEPTH} deep")
