"""Where cohorts are trained: in this process, or in processes of their own."""

from rnn_regexp.executors.local import Local
from rnn_regexp.executors.processes import Processes
from rnn_regexp.executors.settings import Executor, Watch

ALL = (Local, Processes)

__all__ = ["ALL", "Executor", "Local", "Processes", "Watch"]
