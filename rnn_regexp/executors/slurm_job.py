"""What a SLURM job does: trains its cohort and leaves word of how far it is.

submitit hands the cohort over in a pickled file, which the controller wrote into the study's own
folder and names by its job's number; nothing that comes from elsewhere is read that way.
"""

import hashlib
import signal
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from rnn_regexp.executors.trial import attempt
from rnn_regexp.experiment import Experiment, run_id
from rnn_regexp.interruption import EXIT_CODE, answering
from rnn_regexp.ledger import Ledger
from rnn_regexp.lock import hold
from rnn_regexp.training.checkpoint import STOP, Stopped

TIME_IS_UP = signal.SIGUSR2  # submitit's: it queues the job again
PREEMPTED = signal.SIGTERM  # SLURM's, also when a job is cancelled: it knows what comes next
CANCELLED = signal.SIGINT  # submitit's for a job of this machine, and Ctrl-C
FOLDER = "slurm"  # in the study's folder: scripts, logs, signs of life
ENDED = "ended"


@dataclass
class SlurmJob:
    """A cohort on its way to another machine; called there, and again after a preemption."""

    experiments: Sequence[Experiment]
    folder: Path  # the study's, which all machines see
    threads: int

    @property
    def key(self) -> str:
        """A name that is the same for the same runs."""
        runs = ",".join(run_id(own) for own in self.experiments)
        return hashlib.sha256(runs.encode()).hexdigest()[:12]

    @property
    def sign(self) -> Path:
        """Where the job says how many epochs it has trained, or that it has ended."""
        return self.folder / FOLDER / f"{self.key}.progress"

    def __call__(self) -> None:
        """Train, unless another job of an earlier controller is at it: that one is waited for.

        After a signal a checkpoint is written; then the job ends, or submitit queues it again.
        """
        torch.set_num_threads(self.threads)
        asked: list[int] = []
        try:
            with (
                _stopping(TIME_IS_UP, asked),
                _stopping(PREEMPTED, asked),
                _stopping(CANCELLED, asked),
                hold(self.folder, self.key),
            ):
                self._train(Ledger(self.folder))
        except Stopped:
            STOP.clear()
            if asked[0] == TIME_IS_UP:
                signal.raise_signal(TIME_IS_UP)
            else:
                sys.exit(EXIT_CODE)

    def _train(self, ledger: Ledger) -> None:
        if any(ledger.complete(run_id(own)) is None for own in self.experiments):
            self.tell(0)
            attempt(self.experiments, ledger, self.tell)
        self.sign.write_text(ENDED, encoding="utf-8")

    def tell(self, epochs: int) -> None:
        """Leave a sign of life; cheap, for a lost one is followed by the next."""
        self.sign.write_text(str(epochs), encoding="utf-8")

    def checkpoint(self) -> Any:
        """What submitit asks for when the time is up: the same job is to be queued again."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def _stopping(number: int, asked: list[int]) -> AbstractContextManager[None]:
    """Stop training at a signal, and note which it was."""

    def stop() -> None:
        asked.append(number)
        STOP.set()

    return answering(number, stop)
