"""Chooses between this process and processes of their own, and says why."""

import math
from dataclasses import dataclass, fields

from rnn_regexp.executors.devices import visible
from rnn_regexp.executors.local import Local
from rnn_regexp.executors.processes import Processes
from rnn_regexp.executors.settings import Cohorts, Executor, Supervised, Watch, cores
from rnn_regexp.ledger import Ledger

START = 1.75  # seconds until processes train, where this one would begin at once


@dataclass
class Auto(Supervised):
    """Trains here what is one cohort, has one GPU or is over soon, and all else in processes."""

    _seconds = math.inf  # for which one process would train a run; no setting

    def prepare(self, cohorts: Cohorts, seconds: float = math.inf) -> None:
        """What the executor that it would choose prepares."""
        self._seconds = seconds
        self.choose(cohorts)[0].prepare(cohorts, seconds)

    def run(self, cohorts: Cohorts, ledger: Ledger, watch: Watch, fail_fast: bool = False) -> None:
        chosen, reason = self.choose(cohorts)
        if len(cohorts) > 1:
            watch.say(f"executor=auto: {type(chosen).__name__.lower()}, for {reason}")
        chosen.run(cohorts, ledger, watch, fail_fast)

    def choose(self, cohorts: Cohorts) -> tuple[Executor, str]:
        """The executor with these settings, and the reason for it."""
        gpus, room = visible(cohorts), max(1, cores() // self.threads)
        if self.time_limit is not None:
            return self._as(Processes), "only a process of its own can be ended after a time limit"
        if len(cohorts) <= 1:
            return self._as(Local), "there is one cohort"
        if len(gpus) == 1:
            return self._as(Local), "there is one GPU"
        if gpus:
            return self._as(Processes), f"there are {len(gpus)} GPUs"
        if room == 1:
            return self._as(Local), "there is one core"
        if sum(map(len, cohorts)) * self._seconds * (1 - 1 / room) < START:
            return self._as(Local), "processes would start for longer than they save"
        return self._as(Processes), f"there are {len(cohorts)} cohorts and {cores()} cores"

    def _as(self, kind: type[Executor]) -> Executor:
        return kind(**{own.name: getattr(self, own.name) for own in fields(kind)})
