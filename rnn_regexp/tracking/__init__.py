"""Runs shown in MLflow, which is known only here. The ledger stays the truth."""

from rnn_regexp.tracking.address import place
from rnn_regexp.tracking.destination import kept
from rnn_regexp.tracking.reader import read_experiment
from rnn_regexp.tracking.replay import replay
from rnn_regexp.tracking.settings import (
    Off,
    Server,
    Sqlite,
    Tracking,
    TrackingError,
    Unavailable,
)
from rnn_regexp.tracking.store import prepare
from rnn_regexp.tracking.tracker import Tracker

ALL = (Sqlite, Server, Off)

__all__ = [
    "ALL",
    "Off",
    "Server",
    "Sqlite",
    "Tracker",
    "Tracking",
    "TrackingError",
    "Unavailable",
    "kept",
    "place",
    "prepare",
    "read_experiment",
    "replay",
]
