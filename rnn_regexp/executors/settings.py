"""What every executor offers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rnn_regexp.experiment import Experiment
from rnn_regexp.fields import Settings, volatile
from rnn_regexp.ledger import Ledger, RunResult

Cohorts = Sequence[Sequence[Experiment]]


class Watch(Protocol):
    """Told what happens while cohorts train, in the controlling process."""

    def epoch(self, cohort: int, epochs: int) -> None:
        """A cohort has trained so many epochs."""

    def ended(self, cohort: int, results: Sequence[RunResult]) -> None:
        """A cohort's runs ended; they are in the ledger."""


@dataclass
class Executor(Settings):
    """Base: trains cohorts; ``width`` bounds the number of runs in one.

    One of a recurrence's steps is too little work to share: more than one of the processor's
    ``threads`` a cohort gains little, and when another program wants a core, the threads wait
    for each other at every step and lose far more.  Wide networks may want more.
    """

    width: int = volatile(8, "[1, inf)")
    threads: int = volatile(1, "[1, inf)")

    def at_once(self) -> int:
        """How many cohorts train side by side."""
        return 1

    def run(self, cohorts: Cohorts, ledger: Ledger, watch: Watch) -> None:
        """Train every cohort and record its runs in the ledger."""
        raise NotImplementedError
