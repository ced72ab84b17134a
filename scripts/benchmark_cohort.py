"""Runs per hour: a study of ours against the bare loop, alone and in one process a core.

Usage: ``python -m scripts.benchmark_cohort [--runs N] [--epochs N] [--hidden H ...] [--csv FILE]``.
The runs differ in the four knobs and in their seeds; every contender evaluates as ours does: after
each epoch on validation data and as many training sequences, at the end on test data.
"""

import argparse
import csv
import itertools
import multiprocessing
import os
import platform
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import nn

from rnn_regexp.data import Docstrings
from rnn_regexp.executors import Local, Processes
from rnn_regexp.executors.settings import Executor
from rnn_regexp.experiment import Experiment
from rnn_regexp.ledger import Ledger, RunResult
from rnn_regexp.models import ALL, Model
from rnn_regexp.regularizers.clip import Clip
from rnn_regexp.regularizers.dropout import Dropout
from rnn_regexp.regularizers.init import Init, Scheme
from rnn_regexp.regularizers.weight_decay import WeightDecay
from rnn_regexp.training.optimizers import Adam
from rnn_regexp.training.settings import Device, Training
from scripts.bare_loop import Classifier, Trainer

KNOBS = list(
    itertools.product((0.25, 0.5), (1e-5, 1e-4), (1.0, 5.0), (Scheme.default, Scheme.xavier))
)
LAYERS = {"RNN": nn.RNN, "GRU": nn.GRU, "LSTM": nn.LSTM}
Settings = tuple[str, int, int, int]  # model, hidden, epochs, index of the run


def bare(settings: Settings) -> None:
    """One run of the bare loop."""
    torch.set_num_threads(1)
    name, hidden, epochs, index = settings
    rate, decay, threshold, _ = KNOBS[index % len(KNOBS)]
    data = Docstrings().load()
    torch.manual_seed(index)
    trainer = Trainer(Classifier(LAYERS[name], data, hidden, hidden, rate), data, decay)
    for _ in range(epochs):
        trainer.epoch(threshold)
        trainer.evaluate(data.train.head(len(data.valid)))
        trainer.evaluate(data.valid)
    trainer.evaluate(data.test)


def one_after_another(runs: Sequence[Settings]) -> None:
    for settings in runs:
        bare(settings)


def in_processes(runs: Sequence[Settings]) -> None:
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        pool.map(bare, runs, chunksize=1)


class Silent:
    """Watches and says nothing."""

    def epoch(self, cohort: int, epochs: int) -> None: ...

    def ended(self, cohort: int, results: Sequence[RunResult]) -> None: ...

    def say(self, line: str) -> None: ...


def ours(executor: Executor) -> Callable[[Sequence[Settings]], None]:
    def study(runs: Sequence[Settings]) -> None:
        experiments = [experiment(own) for own in runs]
        parts = range(0, len(experiments), executor.width)
        cohorts = [experiments[start : start + executor.width] for start in parts]
        with tempfile.TemporaryDirectory() as folder:
            executor.run(cohorts, Ledger(folder), Silent())

    return study


def experiment(settings: Settings) -> Experiment:
    name, hidden, epochs, index = settings
    rate, decay, threshold, scheme = KNOBS[index % len(KNOBS)]
    kind: type[Model] = next(own for own in ALL if own.__name__ == name)
    return Experiment(
        kind(embedding=hidden, hidden=hidden),
        Docstrings(),
        Adam(),
        regularizers={
            "dropout": Dropout(rate),
            "weight_decay": WeightDecay(decay),
            "clip": Clip(threshold),
            "init": Init(scheme),
        },
        training=Training(epochs, device=Device.cpu),
        seed=index,
    )


CONTENDERS: dict[str, Callable[[Sequence[Settings]], None]] = {
    "bare loop": one_after_another,
    "bare loop, one process a core": in_processes,
    "ours, K=1": ours(Local(width=1)),
    "ours, K=8": ours(Local(width=8)),
    "ours, K=8, one process a core": ours(Processes(width=8)),
}


def rows(options: argparse.Namespace) -> Iterator[dict[str, object]]:
    for name, hidden in itertools.product(LAYERS, options.hidden):
        runs = [(name, hidden, options.epochs, index) for index in range(options.runs)]
        for contender, train in CONTENDERS.items():
            start = time.perf_counter()
            train(runs)
            seconds = time.perf_counter() - start
            yield {
                "model": name,
                "hidden": hidden,
                "contender": contender,
                "seconds": round(seconds, 1),
                "runs per hour": round(3600 * len(runs) / seconds),
            }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--hidden", type=int, nargs="+", default=[32, 64, 128])
    parser.add_argument("--csv")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}")
    table = []
    for row in rows(options):
        print(", ".join(f"{name} {value}" for name, value in row.items()), flush=True)
        table.append(row)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"peak memory of this process: {peak} MB")
    if options.csv:
        with open(options.csv, "w", newline="") as file:
            writer = csv.DictWriter(file, list(table[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(table)


if __name__ == "__main__":
    main()
