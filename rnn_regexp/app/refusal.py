"""A user's mistakes: one line each, exit code 2, no traceback."""

import sys

from rnn_regexp.ablation.description import StudyError
from rnn_regexp.config import ConfigError
from rnn_regexp.data.sequences import DataError
from rnn_regexp.ledger import LedgerError
from rnn_regexp.tracking import TrackingError
from rnn_regexp.training.settings import DeviceError

BAD_INPUT = (
    ConfigError,
    StudyError,
    DataError,
    DeviceError,
    LedgerError,
    TrackingError,
    OSError,
)


def refuse(error: Exception) -> int:
    """Print what is wrong and return the exit code."""
    text = str(error)
    if isinstance(error, OSError) and error.filename:
        text = f"{error.filename}: {error.strerror}"
    for line in text.splitlines():
        print(f"error: {line}", file=sys.stderr)
    return 2
