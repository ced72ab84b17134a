"""The command line. Only this room and ``config`` know Hydra."""

from rnn_regexp.app.main import main

__all__ = ["main"]
