"""One cohort after another in this process."""

from dataclasses import dataclass
from functools import partial

import torch

from rnn_regexp.executors.settings import Cohorts, Executor, Watch
from rnn_regexp.experiment import run_cohort
from rnn_regexp.ledger import Ledger


@dataclass
class Local(Executor):
    """Trains here: right for a GPU, for one run, and for debugging."""

    def run(self, cohorts: Cohorts, ledger: Ledger, watch: Watch) -> None:
        torch.set_num_threads(self.threads)
        for index, experiments in enumerate(cohorts):
            watch.ended(index, run_cohort(experiments, ledger, partial(watch.epoch, index)))
