"""Our trainer with one run against a bare hand-written loop of the survey's example.

Usage: ``python -m scripts.benchmark_training [--epochs N] [--csv FILE]``. Both train a GRU
classifier (embedding 128, hidden 256, dropout .5, Adam with weight decay 1e-4, clipping at 5) on
the docstrings, one thread, epochs in turn; the first epoch of each warms up and is not counted.
"""

import argparse
import multiprocessing
import platform
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import nn

from rnn_regexp.data import Docstrings
from rnn_regexp.data.sequences import SequenceData
from rnn_regexp.models import GRU
from rnn_regexp.regularizers.clip import Clip
from rnn_regexp.regularizers.dropout import Dropout
from rnn_regexp.regularizers.weight_decay import WeightDecay
from rnn_regexp.training.checkpoint import NEVER
from rnn_regexp.training.cohort import Cohort, RunSettings
from rnn_regexp.training.loop import epoch_of_steps
from rnn_regexp.training.optimizers import Adam
from rnn_regexp.training.record import Record
from rnn_regexp.training.settings import Training
from rnn_regexp.training.steps import Steps
from scripts import table
from scripts.bare_loop import BATCH, Classifier, Trainer

EMBEDDING, HIDDEN = 128, 256


def bare(data: SequenceData) -> Callable[[], None]:
    """One epoch of the bare loop."""
    layer = partial(nn.GRU, batch_first=True)
    return Trainer(Classifier(layer, data, EMBEDDING, HIDDEN, 0.5), data).epoch


def ours(data: SequenceData) -> Callable[[], None]:
    """One epoch of the trainer with a cohort of one."""
    techniques = {
        "dropout": Dropout(0.5),
        "clip": Clip(5.0),
        "weight_decay": WeightDecay(1e-4),
    }
    model = GRU(embedding=EMBEDDING, hidden=HIDDEN)
    cohort = Cohort(model, Training(batch_size=BATCH), [RunSettings(0, techniques, Adam())], data)
    record = Record(cohort)
    steps = Steps(cohort, record.tally)

    def epoch() -> None:
        record.batches = 0
        epoch_of_steps(steps, record, data.train, NEVER)
        record.epochs += 1

    return epoch


TRAINERS = {"bare loop": bare, "ours, K=1": ours}


def peak(name: str) -> int:
    """Peak memory of a process that trains one epoch, in MB."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_peak, (name,))


def _peak(name: str) -> int:
    torch.set_num_threads(1)
    TRAINERS[name](Docstrings().load())()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def rows(epochs: int) -> Iterator[dict[str, object]]:
    data = Docstrings().load()
    timed: dict[str, list[float]] = {name: [] for name in TRAINERS}
    runs = {name: make(data) for name, make in TRAINERS.items()}
    for _ in range(epochs + 1):
        for name, epoch in runs.items():
            start = time.perf_counter()
            epoch()
            timed[name].append(time.perf_counter() - start)
    base = timed["bare loop"][1:]
    for name, seconds in timed.items():
        ratios = [a / b for a, b in zip(seconds[1:], base, strict=True)]
        yield {
            "trainer": name,
            "seconds per epoch": round(statistics.median(seconds[1:]), 3),
            "ratio": round(statistics.median(ratios), 3),
            "peak MB": peak(name),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--csv")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{platform.processor() or platform.machine()}, 1 thread, torch {torch.__version__}")
    table.write(options.csv, table.named(rows(options.epochs)))


if __name__ == "__main__":
    main()
