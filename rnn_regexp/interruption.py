"""SIGTERM as an exception: a scheduler that wants its machine back is answered like Ctrl-C."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator

EXIT_CODE = 128 + signal.SIGTERM  # what a shell reports of a process that SIGTERM ended


class Terminated(BaseException):
    """The process was asked to end. No ``Exception``: no run has failed."""


def terminable() -> contextlib.AbstractContextManager[None]:
    """Raise ``Terminated`` in the main thread at the first SIGTERM; later ones are ignored."""
    return answering(signal.SIGTERM, _raise)


@contextlib.contextmanager
def answering(number: int, answer: Callable[[], object]) -> Iterator[None]:
    """Call ``answer`` at a signal, in place of what it would do.

    Elsewhere than in the main thread this does nothing: Python handles signals there alone.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(number, lambda *_: answer())
    try:
        yield
    finally:
        signal.signal(number, before)


def _raise() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # ending takes its time; it is not begun twice
    raise Terminated
