"""Where cohorts are trained: in this process, in processes of their own, or on a cluster."""

from rnn_regexp.executors.auto import Auto
from rnn_regexp.executors.local import Local
from rnn_regexp.executors.processes import Processes
from rnn_regexp.executors.ray import Ray
from rnn_regexp.executors.settings import Executor, ExecutorError, Supervised, Watch
from rnn_regexp.executors.slurm import Slurm

ALL = (Auto, Local, Processes, Ray, Slurm)

__all__ = [
    "ALL",
    "Auto",
    "Executor",
    "ExecutorError",
    "Local",
    "Processes",
    "Ray",
    "Slurm",
    "Supervised",
    "Watch",
]
