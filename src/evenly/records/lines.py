"""Records as JSON lines, and back.

The first line says the format, its version and, where the file is whole, how many lines follow.
Then come ``{"about": ...}`` once, ``{"probe": ...}`` and ``{"epoch": ...}`` as they were measured,
and ``{"end": ...}``. A number that is not finite is ``{"float": "nan"}``, ``"inf"`` or ``"-inf"``.
"""

from __future__ import annotations

import io
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any, BinaryIO

from ..errors import FileFormatError
from ..files import replace_atomically, write_bytes
from .network import DATA, KINDS, NetworkInfo
from .plain import from_plain, to_plain
from .training import VERSION, EpochSummary, Probe, TrainingRecord

Path = str | os.PathLike[str]

FORMAT = "evenly record"
SOURCES = ("evenly", "torch", "keras", "plain")
# What a file may be: bytes of a line, lines.
_LINE, _LINES = 2**23, 2**20
# What a record says at its end; all else but probes and epochs is said at its beginning.
_END = ("best_epoch", "stopped", "failed_at", "seconds", "probe_seconds")
_LISTS = ("probes", "epochs")
_ABOUT = tuple(
    entry.name for entry in fields(TrainingRecord) if entry.name not in (*_END, *_LISTS, "version")
)


def write_lines(record: TrainingRecord, path: Path) -> None:
    """Writes a record as JSON lines. At any moment `path` is either the old file or the new one.

    Arguments:
        record: of a training.
        path: of the file.

    Raises:
        OSError: as ``open``.

    Example:
        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "run.jsonl")
        ...     write_lines(TrainingRecord(seconds=1.5), path)
        ...     read_lines(path).seconds
        1.5
    """
    replace_atomically(path, lambda file: file.writelines(_whole(record)))


def to_lines(record: TrainingRecord) -> bytes:
    """The same lines, as bytes for another file to hold.

    Example:
        >>> from_lines(to_lines(TrainingRecord(seconds=1.5))).seconds
        1.5
    """
    return b"".join(_whole(record))


def _whole(record: TrainingRecord) -> Iterator[bytes]:
    """All lines of a record."""
    lines = [_about(record)]
    # In the order in which they were measured: a look at a step comes before its epoch's summary.
    events: list[tuple[int, int, Any]] = [(epoch.epoch, 1, epoch) for epoch in record.epochs]
    events += [(probe.epoch, 0, probe) for probe in record.probes]
    lines += [_event(event) for _, _, event in sorted(events, key=lambda item: item[:2])]
    lines.append({"end": {name: getattr(record, name) for name in _END}})
    head = {"format": FORMAT, "version": record.version, "lines": len(lines)}
    yield from map(_as_bytes, (head, *lines))


class LinesWriter:
    """Writes a record while it is made: each line is in the file when the call returns. At the end
    the whole file takes its place.

    Arguments:
        path: of the file; one that is there is replaced.
        record: as it stands at the beginning.

    Raises:
        OSError: as ``open`` and ``write``.

    Example:
        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "run.jsonl")
        ...     with LinesWriter(path, TrainingRecord()) as lines:
        ...         lines.add(EpochSummary(1, 10, 0.5))
        ...         len(read_lines(path).epochs)
        1
    """

    def __init__(self, path: Path, record: TrainingRecord) -> None:
        self._path = path
        first = replace(record, probes=(), epochs=())
        head = {"format": FORMAT, "version": record.version}
        begin = _as_bytes(head) + _as_bytes(_about(first))
        write_bytes(path, begin)
        self._file: BinaryIO | None = open(path, "ab")  # noqa: SIM115  (closed by close)
        for probe in record.probes:
            self.add(probe)
        for epoch in record.epochs:
            self.add(epoch)

    def add(self, event: Probe | EpochSummary) -> None:
        """Appends a probe or an epoch."""
        assert self._file is not None
        self._file.write(_as_bytes(_event(event)))
        self._file.flush()

    def finish(self, record: TrainingRecord) -> None:
        """Writes the whole file."""
        self.close()
        write_lines(record, self._path)

    def close(self) -> None:
        """Ends writing; what is in the file stays."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> LinesWriter:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def read_lines(path: Path) -> TrainingRecord:
    """A record of a file. A file that is still written is read as far as it goes.

    Arguments:
        path: of the file.

    Raises:
        FileFormatError: anything but a record of a version known here, whole or up to the end of a
            line; it names the line.
        OSError: as ``open``.

    Example: see :func:`write_lines`.
    """
    if not stat.S_ISREG(os.stat(path).st_mode) and not os.path.isdir(path):
        raise FileFormatError(path, "no regular file")  # a pipe would be waited for
    with open(path, "rb") as file:
        return _read(path, file)


def from_lines(data: bytes) -> TrainingRecord:
    """A record of what :func:`to_lines` gives.

    Raises:
        FileFormatError: as :func:`read_lines`.
    """
    return _read("the record", io.BytesIO(data))


def _read(path: Path, file: BinaryIO) -> TrainingRecord:
    """A record of an open file; its path is for errors."""
    about: dict[str, Any] | None = None
    end: dict[str, Any] | None = None
    probes: list[Probe] = []
    epochs: list[EpochSummary] = []
    expected: int | None = None
    number = 0
    for number, line in _lines(path, file):
        if number == 1:
            expected = _head(path, line)
            continue
        if len(line) != 1:
            raise _wrong(path, number, f"expects one key, got {sorted(line)[:4]}")
        (kind, value), = line.items()
        try:
            if kind == "about" and about is None and number == 2:
                about = _part(value, _ABOUT)
            elif about is None:
                raise ValueError(f"expects 'about', got {kind[:20]!r}")
            elif end is not None:
                raise ValueError(f"{kind[:20]!r} behind the end")
            elif kind == "probe":
                probes.append(_in_order(from_plain(Probe, value), probes, "step"))
            elif kind == "epoch":
                epochs.append(_in_order(from_plain(EpochSummary, value), epochs, "epoch"))
            elif kind == "end":
                end = _part(value, _END)
            else:
                raise ValueError(f"expects 'probe', 'epoch' or 'end', got {kind[:20]!r}")
        except ValueError as error:
            raise _wrong(path, number, str(error)) from None
    if about is None:
        raise _wrong(path, number + 1, "truncated: expects 'about', got the end of the file")
    if expected is not None and (expected != number - 1 or end is None):
        raise _wrong(path, number + 1, f"truncated: {expected} lines should follow the first, "
                                       f"got {number - 1}")
    return TrainingRecord(**about, **(end or {}), probes=tuple(probes), epochs=tuple(epochs))


def _as_bytes(line: dict[str, Any]) -> bytes:
    return json.dumps(to_plain(line), allow_nan=False, separators=(",", ":")).encode() + b"\n"


def _about(record: TrainingRecord) -> dict[str, Any]:
    return {"about": {name: getattr(record, name) for name in _ABOUT}}


def _event(event: Probe | EpochSummary) -> dict[str, Any]:
    return {"probe" if isinstance(event, Probe) else "epoch": event}


def _lines(path: Path, file: BinaryIO) -> Iterator[tuple[int, dict[str, Any]]]:
    """(number, object) of each line, one in memory at a time."""
    number = 0
    while line := file.readline(_LINE + 1):
        number += 1
        if number > _LINES:
            raise _wrong(path, number, f"more than {_LINES:,} lines")
        if not line.endswith(b"\n"):
            raise _wrong(path, number, f"more than {_LINE:,} bytes" if len(line) > _LINE
                         else "truncated: the line has no end")
        try:
            value = json.loads(line.decode(), parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise _wrong(path, number, f"no JSON: {error}") from None
        if not isinstance(value, dict):
            raise _wrong(path, number, "expects a JSON object")
        yield number, value
    if not number:
        raise _wrong(path, 1, "empty: no record of a training")


def _head(path: Path, line: dict[str, Any]) -> int | None:
    """How many lines follow, where the first tells."""
    if line.get("format") != FORMAT:
        raise _wrong(path, 1, "no record of a training: expects "
                              f'"format": "{FORMAT}", got {str(line.get("format"))[:40]!r}')
    version, count = line.get("version"), line.get("lines")
    if version != VERSION or isinstance(version, bool):
        raise _wrong(path, 1, f"of version {str(version)[:20]}; this Evenly reads version "
                              f"{VERSION}: use a newer Evenly")
    if count is not None and (not isinstance(count, int) or isinstance(count, bool) or count < 2):
        raise _wrong(path, 1, f"lines must be a whole number of at least 2, got {str(count)[:20]}")
    return count


def _part(value: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """Some fields of a record."""
    if not isinstance(value, dict):
        raise ValueError("expects a JSON object")
    unknown = [name for name in value if name not in names]
    if unknown:
        raise ValueError(f"no field is named {unknown[0][:40]!r}")
    record = from_plain(TrainingRecord, value)
    if record.source not in SOURCES:
        raise ValueError(f"source must be one of {', '.join(SOURCES)}, got {record.source[:20]!r}")
    if record.network is not None:
        _check_network(record.network)
    return {name: getattr(record, name) for name in value}


def _check_network(network: NetworkInfo) -> None:
    """Raises ValueError for a network that its readers could not walk through."""
    known = {DATA}
    for layer in network.layers:
        if layer.name in known:
            raise ValueError(f"two layers are named {layer.name[:40]!r}")
        if layer.kind not in KINDS:
            raise ValueError(f"layer {layer.name[:40]!r}: no kind is named {layer.kind[:40]!r}")
        for name in layer.inputs:
            if name not in known:
                raise ValueError(f"layer {layer.name[:40]!r} reads {name[:40]!r}, which is none "
                                 "before it")
        known.add(layer.name)
    for name in network.outputs:
        if name not in known:
            raise ValueError(f"the output {name[:40]!r} is no layer")


def _in_order(value: Any, before: list[Any], name: str) -> Any:
    now = getattr(value, name)
    if before and now <= getattr(before[-1], name):
        raise ValueError(f"{name} {now} behind {name} {getattr(before[-1], name)}")
    return value


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def _wrong(path: Path, line: int, reason: str) -> FileFormatError:
    return FileFormatError(path, f"line {line}: {reason}")
