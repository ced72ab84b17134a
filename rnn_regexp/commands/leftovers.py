"""What a study no longer needs once nothing trains: it is removed, and the rest stays."""

from rnn_regexp.experiment import runs_of
from rnn_regexp.ledger import Ledger


def tidy(ledger: Ledger) -> None:
    """Remove the checkpoints of runs that have ended, and what a crash cut short while written.

    A cohort that was halved leaves the checkpoint of the whole.  For the holder of the study's
    lock, behind the training.
    """
    for name in ("runs", "checkpoints"):
        for path in (ledger.folder / name).glob(".*"):
            path.unlink(missing_ok=True)
    kept = list((ledger.folder / "checkpoints").glob("*.safetensors"))
    ended = ledger.recorded() if kept else {}
    for path in kept:
        if ended.keys() >= set(runs_of(path)):
            path.unlink(missing_ok=True)
