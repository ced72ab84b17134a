"""SIGTERM as an exception: a scheduler that wants its machine back is answered like Ctrl-C."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

EXIT_CODE = 128 + signal.SIGTERM  # what a shell reports of a process that SIGTERM ended


class Terminated(BaseException):
    """The process was asked to end. No ``Exception``: no run has failed."""


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Raise ``Terminated`` in the main thread at the first SIGTERM; those that follow are ignored.

    Elsewhere than in the main thread this does nothing: Python handles signals there alone.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _raise)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _raise(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # ending takes its time; it is not begun twice
    raise Terminated
