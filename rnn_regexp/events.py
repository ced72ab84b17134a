"""What happened to a study's runs: one line of JSON an event, only ever added to.

::

    planned   runs, cohorts                what is going to be trained
    started   runs                         a cohort's training began
    resumed   runs, epochs                 it goes on from a checkpoint, so many epochs are done
    ended     runs: {id: status}           its runs are in the ledger
    lost      runs, error                  its worker died, hung or raised
    again     runs, parts: [n, ...]        it is tried again, whole or in parts
    stopped   reason                       nothing more is started
"""

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NAME = "events.jsonl"


def add(folder: Path, event: str, **known: Any) -> None:
    """Append an event in one write, so that lines of several processes do not mix.

    The log explains and decides nothing: a disk that is full costs the line, not the training.
    Over NFS the writes of several machines may overwrite each other.
    """
    told = {"time": round(time.time(), 3), "event": event, **known}
    told |= {"pid": os.getpid(), "host": socket.gethostname()}
    with contextlib.suppress(OSError):
        _append(folder / NAME, json.dumps(told).encode() + b"\n")


def _append(path: Path, line: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        size = os.fstat(handle).st_size
        torn = size and os.pread(handle, 1, size - 1) != b"\n"  # a crash cut the last line short
        os.write(handle, b"\n" + line if torn else line)
    finally:
        os.close(handle)


def read(folder: Path) -> Iterator[dict[str, Any]]:
    """The events in order; lines that are damaged are passed over."""
    path = folder / NAME
    if not path.is_file():
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            with contextlib.suppress(ValueError, RecursionError):
                event = json.loads(line)
                if isinstance(event, dict) and isinstance(event.get("event"), str):
                    yield event
