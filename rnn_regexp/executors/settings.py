"""What every executor offers."""

import importlib
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Protocol

from rnn_regexp.errors import BadInput
from rnn_regexp.experiment import Experiment
from rnn_regexp.fields import Settings, volatile
from rnn_regexp.ledger import Ledger, RunResult
from rnn_regexp.training.settings import Training

Cohorts = Sequence[Sequence[Experiment]]


class ExecutorError(BadInput):
    """An executor that cannot work here; the message is one line for the user."""


class Watch(Protocol):
    """Told what happens while cohorts train, in the controlling process."""

    def epoch(self, cohort: int, epochs: int) -> None:
        """A cohort has trained so many epochs."""

    def ended(self, cohort: int, results: Sequence[RunResult]) -> None:
        """Runs of a cohort ended, all of them or those of a part; they are in the ledger."""

    def say(self, line: str) -> None:
        """Show the user a line."""


@dataclass
class Executor(Settings):
    """Base: trains cohorts; ``width`` bounds the number of runs in one, 0 measures which is best.

    One of a recurrence's steps is too little work to share: more than one of the processor's
    ``threads`` a cohort gains little, and when another program wants a core, the threads wait
    for each other at every step and lose far more.  Wide networks may want more.

    A cohort that fails is tried ``retries`` times again and then in halves, until a run fails
    alone; one too large for memory is halved at once.  After ``give_up`` failures in a row with
    one message nothing more is started; 0 never gives up.
    """

    width: int = volatile(0, "[0, inf)")
    threads: int = volatile(1, "[1, inf)")
    retries: int = volatile(1, "[0, inf)")
    give_up: int = volatile(5, "[0, inf)")

    def at_once(self) -> int:
        """How many cohorts train side by side."""
        return 1

    def prepare(self, cohorts: Cohorts, seconds: float = math.inf) -> None:
        """Begin in the background with what ``run`` will need; ``cohorts`` may still change.

        ``seconds`` is how long one process would train for each run, where that is known.
        """

    def run(self, cohorts: Cohorts, ledger: Ledger, watch: Watch, fail_fast: bool = False) -> None:
        """Train every cohort and record its runs; with ``fail_fast`` until the first run failed.

        Raises ``ExecutorError`` where the executor cannot work, ``LedgerError`` where the results
        cannot be kept.
        """
        raise NotImplementedError

    def check(self, training: Training) -> None:
        """Refuse a device that is not here; raises ``DeviceError``."""
        training.torch_device()


@dataclass
class Supervised(Executor):
    """Base: trains in ``workers`` processes that can be replaced; 0 takes as many as fit.

    A worker that shows no progress for ``time_limit`` seconds is ended; the start of Python, the
    reading of the data and an epoch must fit into it.  When the study is asked to end
    (``interruption.ENDING``), the workers get ``grace`` seconds to finish what they can.
    """

    workers: int = volatile(0, "[0, inf)")
    time_limit: float | None = volatile(None, "(0, inf)")
    grace: float = volatile(10.0, "[0, inf)")

    def at_once(self) -> int:
        return self.workers or max(1, cores() // self.threads)


def cores() -> int:
    """The processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def extra(module: str, name: str) -> ModuleType:
    """The package that an executor needs; raises ``ExecutorError`` where it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise ExecutorError(
            f"executor={name} needs the package {module}: pip install 'rnn-regexp[{name}]'"
        ) from None
