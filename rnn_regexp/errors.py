"""A user's mistakes: one line each, exit code 2, no traceback."""

import sys


class BadInput(ValueError):
    """Something the user asked for that cannot be done; each line of the message is one problem."""


REFUSED = (BadInput, OSError)  # what ends a command with exit code 2


def refuse(error: Exception) -> int:
    """Print what is wrong and return the exit code."""
    text = str(error)
    if isinstance(error, OSError) and error.filename:
        text = f"{error.filename}: {error.strerror}"
    for line in text.splitlines():
        print(f"error: {line}", file=sys.stderr)
    return 2
