"""Output whose reader may leave, as ``head`` does, or a terminal whose connection drops."""

import contextlib
import errno
import os
from collections.abc import Iterator
from typing import Any, TextIO, cast

GONE = (errno.EPIPE, errno.EIO)  # the reader of a pipe, the terminal


class Lasting:
    """A stream that is silent once nobody reads it: who trains for hours trains on."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """As of any stream."""
        with self._unheard():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """As of any stream."""
        with self._unheard():
            self._stream.flush()

    @contextlib.contextmanager
    def _unheard(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno not in GONE:
                raise
            with open(os.devnull, "w") as nobody:
                os.dup2(nobody.fileno(), self._stream.fileno())


def lasting(stream: TextIO) -> TextIO:
    """A stream that outlives its reader."""
    return cast(TextIO, Lasting(stream))
