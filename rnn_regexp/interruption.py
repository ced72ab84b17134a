"""The signals that ask a process to end: each is answered with checkpoints first, then the end."""

import contextlib
import signal
import threading
from collections.abc import Callable, Collection, Iterator

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # Ctrl-C, a scheduler, a lost connection
EXIT_CODE = 128 + signal.SIGTERM  # what a shell reports of a process that SIGTERM ended


class Terminated(BaseException):
    """The process was asked to end. No ``Exception``: no run has failed."""

    def __init__(self, number: int = signal.SIGTERM) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Raise ``Terminated`` in the main thread at the first signal that asks it to end."""
    with _at_the_first(_raise):
        yield


@contextlib.contextmanager
def gently(answer: Callable[[], object] = lambda: None) -> Iterator[list[int]]:
    """Note the first signal that asks to end, call ``answer``, and let the block come to its end.

    Behind the block the signal does what it would have done.
    """
    asked: list[int] = []

    def note(number: int) -> None:
        asked.append(number)
        answer()

    with _at_the_first(note):
        yield asked
    if asked:
        signal.raise_signal(asked[0])


@contextlib.contextmanager
def sheltered(numbers: Collection[int] = ENDING) -> Iterator[None]:
    """Start processes in here that do not hear these signals; this one hears them afterwards."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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


@contextlib.contextmanager
def _at_the_first(answer: Callable[[int], object]) -> Iterator[None]:
    """Answer one signal: a later Ctrl-C ends at once, and other later ones are ignored.

    What the process was told to ignore, as ``nohup`` does, stays ignored.
    """

    def first(number: int, _: object) -> None:
        for own in before:
            later = signal.default_int_handler if own == signal.SIGINT else signal.SIG_IGN
            signal.signal(own, later)  # ending takes its time; it is not begun twice
        answer(number)

    before = {}
    if threading.current_thread() is threading.main_thread():
        known = {own: signal.getsignal(own) for own in ENDING}
        before = {own: was for own, was in known.items() if was not in (signal.SIG_IGN, None)}
    for own in before:
        signal.signal(own, first)
    try:
        yield
    finally:
        for own, was in before.items():
            signal.signal(own, was)


def _raise(number: int) -> None:
    raise Terminated(number)
