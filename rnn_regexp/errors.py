"""A user's mistakes: one line each, exit code 2, no traceback."""

import errno
import sys

FULL = (errno.ENOSPC, errno.EDQUOT)  # the disk, or what a user may have of it


class BadInput(ValueError):
    """Something the user asked for that cannot be done; each line of the message is one problem."""


REFUSED = (BadInput, OSError)  # what ends a command with exit code 2


def refuse(error: Exception) -> int:
    """Print what is wrong and return the exit code."""
    text = _of_system(error) if isinstance(error, OSError) else str(error)
    for line in text.splitlines():
        print(f"error: {line}", file=sys.stderr)
    return 2


def _of_system(error: OSError) -> str:
    """The system's error in one line, with its file, and what to do where there is no room."""
    said = error.strerror or str(error)
    line = f"{error.filename}: {said}" if error.filename else said
    return f"{line}; when there is room, the same command goes on" if is_full(error) else line


def is_full(error: OSError) -> bool:
    """Whether there is no more room on the disk."""
    return error.errno in FULL
