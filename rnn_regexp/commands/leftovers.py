"""What a study no longer needs once nothing trains: it is removed, and the rest stays."""

from rnn_regexp.executors.slurm_job import FOLDER
from rnn_regexp.experiment import runs_of
from rnn_regexp.ledger import Ledger


def make_room(ledger: Ledger) -> None:
    """Remove what a crash cut short while it was written: it may fill the disk.

    For the holder of the study's lock, before the training.  Jobs that an earlier command queued
    may be writing: where there are any, each removes what is its own.
    """
    if not (ledger.folder / FOLDER).exists():
        _remove_torn(ledger)


def tidy(ledger: Ledger) -> None:
    """Remove the checkpoints of runs that have ended, and what a crash cut short while written.

    A cohort that was halved leaves the checkpoint of the whole.  For the holder of the study's
    lock, behind the training.
    """
    _remove_torn(ledger)
    kept = list((ledger.folder / "checkpoints").glob("*.safetensors"))
    ended = ledger.recorded() if kept else {}
    for path in kept:
        if ended.keys() >= set(runs_of(path)):
            path.unlink(missing_ok=True)


def _remove_torn(ledger: Ledger) -> None:
    for name in ("runs", "checkpoints"):
        for path in (ledger.folder / name).glob(".*"):
            path.unlink(missing_ok=True)
