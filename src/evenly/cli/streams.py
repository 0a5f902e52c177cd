"""Standard output and standard error, as the one who started the program left them: open, a pipe
whose reader has gone, a full disk, closed."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Any, TextIO, cast

from evenly.errors import EvenlyError


class OutputError(EvenlyError):
    """Standard output takes no more.

    Attributes:
        reader_left: whether it is a pipe whose reader has ended, as `head` does.
    """

    def __init__(self, error: OSError) -> None:
        super().__init__(f"standard output: cannot be written: {error.strerror or error}")
        self.reader_left = error.errno == errno.EPIPE


class _Stream:
    """A stream of text whose errors are handled here: rich and click would each end the program
    in a way of their own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            return self._failed(error)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._failed(error)

    def _failed(self, error: OSError) -> int:
        raise NotImplementedError

    def _to_nowhere(self) -> None:
        """What is still in the buffer would fail again when Python ends."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)


class _Output(_Stream):
    """Standard output: an error ends the command."""

    def _failed(self, error: OSError) -> int:
        self._to_nowhere()
        raise OutputError(error) from None


class _Errors(_Stream):
    """Standard error: where nobody listens there is nobody to tell."""

    def _failed(self, error: OSError) -> int:
        self._to_nowhere()
        return 0


def _opened(number: int, encoding: str = "utf-8") -> TextIO:
    return os.fdopen(number, "w", 1, encoding=encoding, closefd=False)


def take_over() -> None:
    """Makes standard output and standard error of this process such that they can be written to,
    or fail with an OutputError."""
    # A closed number would go to the next file that is opened, and what is printed into it.
    for number, how in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, how)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
    # A closed standard output is one that can only be read: writing fails, as it should.
    output = sys.stdout or _opened(1)
    if isinstance(getattr(output, "buffer", None), io.RawIOBase):
        # Without a buffer (PYTHONUNBUFFERED) Python loses what a pipe or disk takes only a part of.
        output = _opened(1, output.encoding)
    errors = sys.stderr or _opened(2)
    for stream in (output, errors):
        # A terminal that knows no '±' shows a question mark; it gets no traceback.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    sys.stdout = cast(TextIO, _Output(output))
    sys.stderr = cast(TextIO, _Errors(errors))
