"""One cohort after another in this process."""

import contextlib
from dataclasses import dataclass
from functools import partial

import torch

from rnn_regexp.executors.settings import Cohorts, Executor, Watch
from rnn_regexp.executors.trial import attempt
from rnn_regexp.executors.work import Work
from rnn_regexp.interruption import gently
from rnn_regexp.ledger import Ledger
from rnn_regexp.training.checkpoint import STOP, Stopped


@dataclass
class Local(Executor):
    """Trains here: right for a GPU, for one run, and for debugging."""

    def run(self, cohorts: Cohorts, ledger: Ledger, watch: Watch, fail_fast: bool = False) -> None:
        torch.set_num_threads(self.threads)
        work = Work(self, cohorts, ledger, watch, fail_fast)
        try:
            with gently(STOP.set), contextlib.suppress(Stopped):  # a checkpoint, then the end
                _train(work, ledger)
        finally:
            STOP.clear()


def _train(work: Work, ledger: Ledger) -> None:
    while not STOP.is_set() and (part := work.take()):
        work.ended(part, attempt(part.experiments, ledger, partial(work.epoch, part)))
