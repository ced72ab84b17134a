"""What was read slowly once, kept as JSON in the user's cache folder; failing to is no error.

The folder is ``$RNN_REGEXP_CACHE``, else ``$XDG_CACHE_HOME/rnn_regexp``, else
``~/.cache/rnn_regexp``. A file carries the hash of its content, so one that was cut short or
edited is read as absent.
"""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO


def folder() -> Path:
    """Where the cache lies; raises ``RuntimeError`` for a user without a home."""
    if named := os.environ.get("RNN_REGEXP_CACHE"):
        return Path(named).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "rnn_regexp"


def load(name: str) -> Any | None:
    """The value kept under ``name``, or None where there is none that can be trusted."""
    with contextlib.suppress(OSError, RuntimeError, ValueError, KeyError, TypeError):
        kept = json.loads((folder() / f"{name}.json").read_text(encoding="utf-8"))
        if kept["sha256"] == _digest(kept["value"]):
            return kept["value"]
    return None


def store(name: str, value: Any) -> None:
    """Keep ``value`` if the folder can be written; a reader sees the whole file or none."""
    with contextlib.suppress(OSError, RuntimeError), placed(folder() / f"{name}.json") as file:
        file.write(json.dumps({"sha256": _digest(value), "value": value}).encode())


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()


@contextlib.contextmanager
def placed(path: Path) -> Iterator[BinaryIO]:
    """A file to write that takes its place when it is whole, or leaves what was there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
