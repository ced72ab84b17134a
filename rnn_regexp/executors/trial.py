"""One try at a part of the work, in whatever process an executor gives it."""

import gc
from collections.abc import Callable, Sequence

import torch

from rnn_regexp.experiment import Experiment, run_cohort
from rnn_regexp.ledger import FAILED, Ledger, RunResult


def attempt(
    experiments: Sequence[Experiment], ledger: Ledger, progress: Callable[[int], None]
) -> list[RunResult]:
    """Train a cohort; where it fails, leave the memory it took to the next try."""
    results = run_cohort(experiments, ledger, progress)
    if any(own.status == FAILED for own in results):
        gc.collect()
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()
    return results
