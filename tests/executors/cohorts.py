"""Small cohorts, and a watch that remembers."""

from collections.abc import Callable, Sequence
from pathlib import Path

from rnn_regexp.experiment import Experiment, run_id
from rnn_regexp.ledger import RunResult
from rnn_regexp.models import GRU
from rnn_regexp.regularizers.dropout import Dropout
from rnn_regexp.training.optimizers import Adam
from rnn_regexp.training.settings import Device, Training
from tests.executors.faults import Faulty, Tiny


def experiment(seed: int, epochs: int = 2, device: Device = Device.cpu) -> Experiment:
    """Three steps an epoch; dropout, so that its numbers depend on its own random stream."""
    return Experiment(
        model=GRU(embedding=8, hidden=8),
        dataset=Tiny(),
        optimizer=Adam(lr=0.01),
        regularizers={"dropout": Dropout(rate=0.5)},
        training=Training(epochs, 16, device=device),
        seed=seed,
    )


def faulty(seed: int, fault: str, counter: Path, times: int) -> Experiment:
    """An experiment that breaks so many times."""
    counter.write_bytes(b"." * times)
    own = experiment(seed)
    own.schedule = Faulty(fault, str(counter))
    return own


class Log:
    """A watch that remembers, and does something at the first epoch."""

    def __init__(self, first: Callable[[], None] | None = None) -> None:
        self.first, self.epochs, self.lines = first, [], []
        self.results: dict[int, list[RunResult]] = {}

    def epoch(self, cohort: int, epochs: int) -> None:
        self.epochs.append((cohort, epochs))
        if self.first and len(self.epochs) == 1:
            self.first()

    def ended(self, cohort: int, results: Sequence[RunResult]) -> None:
        self.results.setdefault(cohort, []).extend(results)

    def say(self, line: str) -> None:
        self.lines.append(line)

    @property
    def statuses(self) -> dict[int, list[str]]:
        return {cohort: [own.status for own in runs] for cohort, runs in self.results.items()}


def ids(*experiments: Experiment) -> set[str]:
    return {run_id(own) for own in experiments}
