"""The bytes of a file or of standard input, unpacked within what memory allows."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, NamedTuple

from ...errors import DataError
from ...extras import needed
from .. import memory

CHUNK = 1 << 22
STDIN = "standard input"


class Contents(NamedTuple):
    """What a file holds.

    Attributes:
        data: its bytes, unpacked.
        sha256: of the file as it is.
    """

    data: bytes
    sha256: str


class Packing(NamedTuple):
    """A way to pack a file: its name, its first bytes, and how its reader is opened."""

    name: str
    start: bytes
    open: Callable[[Any], IO[bytes]]


def _open_gzip(file: Any) -> Any:
    return gzip.GzipFile(fileobj=file)


def _open_zstd(file: Any) -> Any:
    pa = needed("reading .zst", "pyarrow", "tables")
    return pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd")


PACKINGS = {
    ".gz": Packing("gzip", b"\x1f\x8b", _open_gzip),
    ".bz2": Packing("bzip2", b"BZh", bz2.BZ2File),
    ".xz": Packing("xz", b"\xfd7zXZ\0", lzma.LZMAFile),
    ".zst": Packing("zstd", b"\x28\xb5\x2f\xfd", _open_zstd),
}
# bzip2's own first bytes are letters that a header could begin with; a block, or the end, follows.
_AFTER_BZ2 = (b"1AY&SY", b"\x17rE8P\x90")


def contents(path: Path, name: str) -> Contents:
    """The bytes of a file, unpacked if they are packed: what a file begins with decides, not its
    name.

    Raises:
        DataError: empty, damaged, or more than memory takes.
        OSError: what the system refuses.
    """
    memory.require(path.stat().st_size, f"{name}: reading the file")
    # A buffer of its own would be copied from.
    with path.open("rb", buffering=0) as file:
        packed = file.readall()
    return _unpacked(packed, name, path.suffix.lower())


def standard_input() -> Contents:
    """What comes from standard input."""
    if sys.stdin is None or sys.stdin.buffer is None:
        raise DataError(f"{STDIN}: is closed: give a file")
    return _unpacked(_drained(sys.stdin.buffer, STDIN, "takes"), STDIN, "")


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def packing_of(data: bytes) -> Packing | None:
    """How these bytes are packed; None where they are not."""
    for packing in PACKINGS.values():
        if data.startswith(packing.start) and (
            packing.name != "bzip2" or data[4:10] in _AFTER_BZ2
        ):
            return packing
    return None


def _unpacked(packed: bytes, name: str, suffix: str) -> Contents:
    sha256 = hashlib.sha256(packed).hexdigest()
    if not packed:
        raise DataError(f"{name}: the file is empty: expects a header and rows")
    packing = packing_of(packed)
    if packing is None:
        if suffix in PACKINGS:
            raise DataError(f"{name}: is not packed by {PACKINGS[suffix].name}: take '{suffix}' "
                            "off its name")
        return Contents(packed, sha256)
    try:
        with packing.open(io.BytesIO(packed)) as stream:
            data = _drained(stream, name, "unpacks to")
    except (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"{name}: is packed by {packing.name} and damaged, or ends too early: "
            f"{' '.join(str(error).split())}: copy it anew"
        ) from error
    if not data:
        raise DataError(f"{name}: the file is empty: expects a header and rows")
    if packing_of(data) is not None:
        raise DataError(f"{name}: is packed twice: unpack it once")
    return Contents(data, sha256)


def _drained(stream: IO[bytes], name: str, does: str) -> bytes:
    """All that a stream gives, as long as memory takes it."""
    available = memory.available_bytes()
    # The parts, and all of them in one.
    most = None if available is None else int(memory.SHARE * available) // 2
    parts, size = [], 0
    while part := stream.read(CHUNK):
        parts.append(part)
        size += len(part)
        if most is not None and available is not None and size > most:
            raise DataError(
                f"{name}: {does} more than {memory.in_words(most)}, and "
                f"{memory.in_words(available)} of memory are free: use fewer rows or columns"
            )
    return b"".join(parts)


def is_stdin(path: str | os.PathLike[str]) -> bool:
    """Whether a path stands for standard input."""
    return os.fspath(path) == "-"
