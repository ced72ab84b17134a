"""Files that a reader, or a crash, sees whole or not at all."""

import contextlib
import os
import uuid
from collections.abc import Iterator
from glob import escape
from pathlib import Path

from rnn_regexp.errors import BadInput, is_full


class WriteError(BadInput):
    """A file that cannot be written, in one line for the user; no run fails for that."""


def cannot_write(folder: Path, error: OSError, going_on: bool = False) -> str:
    """The line for the user; ``going_on``: there is something to go on from."""
    line = f"output: cannot write to {folder} ({error.strerror or error})"
    kept = "what is finished is kept, and " if going_on else ""
    room = "when there is room, " if is_full(error) else ""
    return f"{line}; {kept}{room}the same command goes on" if kept or room else line


def write_text(path: Path, text: str) -> Path:
    """Write a file so that a reader, or a crash, sees the old text or the whole new one."""
    return write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> Path:
    """Write a file so that a reader, or a crash, sees the old content or the whole new one.

    Raises ``OSError``, which names the file, and leaves nothing behind.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, path.with_name(f".{path.name}.{uuid.uuid4().hex}"), content)
    except OSError as error:
        error.filename = error.filename or str(path)  # that of a full disk names none
        raise
    _sync(path.parent)
    return path


def _write(path: Path, temporary: Path, content: bytes) -> None:
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if path.is_dir():  # no file of ours: it makes way and is kept
            path.rename(f"{path}.{uuid.uuid4().hex}")
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def torn(path: Path) -> Iterator[Path]:
    """What a crash left while the file was being written; its only writer may remove it."""
    return path.parent.glob(f".{escape(path.name)}.*")


def _sync(folder: Path) -> None:
    """Let the names of the folder's files survive a crash of the machine, where possible."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
