"""Bytes as UTF-8."""

from __future__ import annotations

import codecs
import re

from ...errors import DataError

CHUNK = 1 << 24
REMEDY = "give its encoding, such as --encoding cp1251 (encoding='cp1251' in Python)"
_MARKS = (
    # The longer first: UTF-32 begins as UTF-16 does.
    (codecs.BOM_UTF32_LE, "UTF-32", "utf-32"),
    (codecs.BOM_UTF32_BE, "UTF-32", "utf-32"),
    (codecs.BOM_UTF16_LE, "UTF-16", "utf-16"),
    (codecs.BOM_UTF16_BE, "UTF-16", "utf-16"),
)
_LETTERS = re.compile(rb"[A-Za-z]")
_HIGH = re.compile(rb"[\x80-\xff]")
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f\x81\x8d\x8f\x90\x9d]")
_SEQUENCES = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}")


def as_utf8(data: bytes, name: str, encoding: str | None) -> tuple[bytes, list[str]]:
    """(a text in UTF-8 without a mark at its start, what is worth a note).

    Without a given encoding a text is UTF-8, or UTF-16 or UTF-32 if it begins with their mark.
    Other bytes are read as Windows-1252, of which Latin-1's letters are a part, with a note, where
    that is likely: no byte is a control character there, letters beyond ASCII are fewer than half
    as many as those of ASCII, and no other bytes make UTF-8's sequences.

    Raises:
        DataError: an encoding that is not known or that the bytes are not in; NUL bytes; bytes that
            are not UTF-8 and unlikely to be Windows-1252.
    """
    if encoding is not None:
        return _decoded(data, name, encoding), []
    for mark, title, codec in _MARKS:
        if data.startswith(mark):
            return _decoded(data, name, codec), [f"is in {title}, as its first bytes say"]
    data = data.removeprefix(codecs.BOM_UTF8)
    nul = data.find(b"\0")
    if nul >= 0:
        raise DataError(_nul(data, nul, name))
    if data.isascii():
        return data, []
    place = _first_wrong(data)
    if place is None:
        return data, []
    where = f"line {line_of(data, place)}: byte 0x{data[place]:02x} is not UTF-8"
    if not _is_western(data):
        raise DataError(f"{name}: {where}: save it in UTF-8, or {REMEDY}")
    return _decoded(data, name, "cp1252"), [
        f"{where}: read as Windows-1252 (Latin-1); if letters are wrong, {REMEDY}"
    ]


def line_of(data: bytes, place: int) -> int:
    """The number of the line, counted from 1, in which a byte stands."""
    end = b"\n" if b"\n" in data else b"\r"
    return data.count(end, 0, place) + 1


def _decoded(data: bytes, name: str, encoding: str) -> bytes:
    try:
        codec = codecs.lookup(encoding)
        # Codecs from bytes to bytes unpack, and are none of texts.
        if not getattr(codec, "_is_text_encoding", True):
            raise LookupError
    except (LookupError, ValueError):
        raise DataError(
            f"{name}: encoding '{encoding}' is not known: choose utf-8, utf-16, cp1252, latin-1, "
            "cp1250, cp1251, shift_jis, gb18030, or another that Python knows"
        ) from None
    try:
        text = data.decode(codec.name).removeprefix("\ufeff")
        plain = text.encode()
    except UnicodeEncodeError as error:  # half a character, which some codecs let through
        raise DataError(
            f"{name}: character {error.start + 1} is none in {encoding}: "
            f"{REMEDY.replace('its', 'another')}"
        ) from None
    except UnicodeDecodeError as error:
        raise DataError(
            f"{name}: line {line_of(data, error.start)}: byte 0x{data[error.start]:02x} is not "
            f"{encoding}: {REMEDY.replace('its', 'another')}"
        ) from None
    nul = text.find("\0")
    if nul >= 0:
        line = text.count("\n", 0, nul) + 1
        raise DataError(
            f"{name}: line {line}: holds a NUL character in {encoding}: {REMEDY}"
        )
    return plain


def _nul(data: bytes, place: int, name: str) -> str:
    sample = data[:CHUNK]
    if sample.count(0) > len(sample) // 4:
        wide = "utf-16-le" if sample[1::2].count(0) > sample[::2].count(0) else "utf-16-be"
        remedy = (f"if it is a text in UTF-16, say --encoding {wide} (encoding='{wide}' in "
                  "Python)")
    else:
        remedy = "it is damaged, or no text: save it anew as CSV"
    return f"{name}: line {line_of(data, place)}: holds a NUL byte: {remedy}"


def _first_wrong(data: bytes) -> int | None:
    """The place of the first byte that is not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(data), CHUNK):
        rest = len(decoder.getstate()[0])
        try:
            decoder.decode(data[start : start + CHUNK], start + CHUNK >= len(data))
        except UnicodeDecodeError as error:
            return start - rest + error.start
    return None


def _is_western(data: bytes) -> bool:
    sample = data
    high = len(_HIGH.findall(sample))
    return (
        not _CONTROLS.search(sample)
        and 2 * high < len(_LETTERS.findall(sample))
        and not _SEQUENCES.search(sample)
    )
