"""A lock that ends with its owner, however it ends: one controller for a study or a run."""

import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from rnn_regexp.errors import BadInput
from rnn_regexp.files import write_text

FOLDER = ".locks"  # in a study's folder
POLL = 0.2  # seconds between two looks at a lock that another process holds


class Busy(BadInput):
    """A study that another process is running; the message is one line for the user."""


@contextlib.contextmanager
def hold(
    folder: Path, name: str, refusal: str | None = None, say: Callable[[str], None] = print
) -> Iterator[None]:
    """Hold the lock ``name`` of a study's folder; waits for its present owner and says so.

    flock(2): the system frees it with the process, kill -9 included; over NFS, Linux asks the
    server.  With a ``refusal``, which ends the line for the user, raises ``Busy`` and waits not.
    """
    path = folder / FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    lock, owner = FileLock(path), path.with_name(f"{name}.owner")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        held = f"{folder} is in use by {_read(owner)}"
        if refusal:
            raise Busy(f"{held}; {refusal}") from None
        say(f"{held}: waiting for it to end")
        lock.acquire(poll_interval=POLL)
    try:
        _sign(owner)
        yield
    finally:
        lock.release()


def _sign(owner: Path) -> None:
    """Say who holds the lock; a disk that is full costs the name, not the lock."""
    with contextlib.suppress(OSError):
        owner.unlink(missing_ok=True)
        write_text(owner, _myself())


def _myself() -> str:
    moment = time.strftime("%Y-%m-%d %H:%M:%S %z")
    return f"process {os.getpid()} on {socket.gethostname()} since {moment}"


def _read(owner: Path) -> str:
    """Who holds the lock; its owner writes its name a moment after it has the lock."""
    try:
        return owner.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return "another process"
