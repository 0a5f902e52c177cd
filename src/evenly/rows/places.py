"""Where files of rows are: paths of this machine, and addresses of what fsspec reads."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError, DataError
from ..extras import needed

Place = Path | str


def place_of(path: str | os.PathLike[str]) -> Place:
    """A path, or an address (``memory://...``, ``s3://...``) as it is."""
    return path if isinstance(path, str) and is_address(path) else Path(path)


def is_address(path: Any) -> bool:
    """Whether it says by which protocol it is read."""
    return isinstance(path, str) and re.match(r"[a-z][a-z0-9+.-]*://", path) is not None


def address_in(path: Any) -> str | None:
    """The address that a path was made of (``Path("s3://a")`` is ``s3:/a``), or None: it is a path
    of this machine. A drive has one letter."""
    found = re.match(r"([a-z][a-z0-9+.-]+):/+", str(path))
    if found is None or Path(path).exists():
        return None
    between = ":///" if found[1] in ("file", "local") else "://"
    return found[1] + between + str(path)[found.end():]


def fetched(address: str, folder: str, who: str) -> Iterator[tuple[str, Path]]:
    """The file at an address, or the Parquet files of a folder there, copied into a folder of this
    machine, each as it is asked for: (address, copy)."""
    system, root = _system(address, who)
    if system.isdir(root):
        found = [str(place) for place in parquet_in(address, who)]
    elif system.exists(root):
        found = [address]
    else:
        raise DataError(f"{address}: no such file: check the name and the folder")
    for number, one in enumerate(found):
        copy = Path(folder) / f"{number}-{one.rsplit('/', 1)[-1]}"
        system.get_file(system._strip_protocol(one), str(copy))
        yield one, copy


def parquet_in(where: Place, who: str) -> list[Place]:
    """The Parquet files of a file, or of a folder and its folders, in the order of their paths.

    Raises:
        ConfigurationError: fsspec, or what it needs for this protocol, is missing.
        DataError: there is no such file, or no Parquet in the folder.
    """
    kept: list[Place]
    if isinstance(where, str):
        system, root = _system(where, who)
        if system.isdir(root):
            found = sorted(system.find(root))
            kept = [str(system.unstrip_protocol(name)) for name in found
                    if _is_own(name[len(root):].strip("/").split("/"))]
        else:
            kept = [where] if system.exists(root) else []
            if not kept:
                raise DataError(f"{who}: there is no file or folder {where}")
    elif where.is_dir():
        kept = sorted(file for file in where.rglob("*.parquet")
                      if file.is_file() and _is_own(file.relative_to(where).parts))
    elif where.is_file():
        return [where]
    elif where.exists():  # opening a pipe would wait for ever
        raise DataError(f"{who}: {where} is neither a file nor a folder")
    else:
        raise DataError(f"{who}: there is no file or folder {where}")
    if not kept:
        raise DataError(f"{who}: the folder {where} holds no *.parquet")
    return kept


def _is_own(parts: Sequence[str]) -> bool:
    return parts[-1].endswith(".parquet") and not any(part[:1] in "._" for part in parts)


def opened_at(address: str, who: str) -> Any:
    """The file at an address, to read in parts: no more of it is fetched than is read.

    Raises:
        ConfigurationError, DataError: as :func:`parquet_in`.
    """
    system, root = _system(address, who)
    try:
        return system.open(root, "rb", block_size=2**20)
    except FileNotFoundError:
        raise DataError(f"{who}: there is no file or folder {address}") from None


def _system(address: str, who: str) -> tuple[Any, str]:
    fsspec = needed(f"{who}: {address}", "fsspec", "remote")
    try:
        system, root = fsspec.core.url_to_fs(address)
    except (ImportError, ValueError) as error:
        raise ConfigurationError(f"{who}: {address} cannot be read: {error}") from error
    return system, str(root)


def said_by_folders(files: Sequence[Place]) -> dict[str, list[Any]]:
    """What the names of folders say (``year=2024/ward=north``): {column: a value a file}, of those
    that all paths say; numbers where all are."""
    said = [dict(re.findall(r"([^/\\=]+)=([^/\\]+)(?=[/\\])", str(file))) for file in files]
    names = [name for name in said[0] if all(name in own for own in said)]
    return {name: _as_numbers([own[name] for own in said]) for name in names}


def _as_numbers(words: list[str]) -> list[Any]:
    for kind in (int, float):
        try:
            return [kind(word) for word in words]
        except ValueError:
            continue
    return list(words)
