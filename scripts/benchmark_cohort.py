"""Runs per hour: a study of ours against the bare loop, alone and in one process a core.

Usage: ``python -m scripts.benchmark_cohort [--model GRU ...] [--runs N] [--epochs N]
[--hidden H ...] [--width K ...] [--zoneout] [--device cuda] [--csv FILE]``.
The runs differ in the four knobs and in their seeds, and have zoneout on h if asked; every
contender evaluates as ours does: after each epoch on validation data and as many training
sequences, at the end on test data.  Peak memory is that of all its processes.
"""

import argparse
import importlib.util
import itertools
import multiprocessing
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import nn

from rnn_regexp.commands.width import measured
from rnn_regexp.data import Docstrings
from rnn_regexp.executors import Auto, Local, Processes
from rnn_regexp.executors.settings import Executor
from rnn_regexp.experiment import Experiment
from rnn_regexp.ledger import Ledger, RunResult
from rnn_regexp.models import ALL, Model
from rnn_regexp.regularizers.clip import Clip
from rnn_regexp.regularizers.dropout import Dropout
from rnn_regexp.regularizers.init import Init, Scheme
from rnn_regexp.regularizers.weight_decay import WeightDecay
from rnn_regexp.regularizers.zoneout import Zoneout
from rnn_regexp.training.optimizers import Adam
from rnn_regexp.training.settings import Device, Training
from scripts import table
from scripts.bare_loop import ZONEOUT, Classifier, Trainer, Zoned
from scripts.memory import watched

KNOBS = list(
    itertools.product((0.25, 0.5), (1e-5, 1e-4), (1.0, 5.0), (Scheme.default, Scheme.xavier))
)
LAYERS = {"RNN": nn.RNN, "GRU": nn.GRU, "LSTM": nn.LSTM}
CELLS = {"RNN": nn.RNNCell, "GRU": nn.GRUCell, "LSTM": nn.LSTMCell}


class Settings(NamedTuple):
    model: str
    hidden: int
    epochs: int
    device: Device
    zoneout: bool
    run: int

    @property
    def layer(self) -> Callable[..., nn.Module]:
        """The bare loop's recurrent layer, of the sizes of its inputs and states."""
        if self.zoneout:
            return partial(Zoned, CELLS[self.model])
        return partial(LAYERS[self.model], batch_first=True)


Study = Callable[[Sequence[Settings]], None]  # trains these runs


def bare(own: Settings) -> None:
    """One run of the bare loop."""
    torch.set_num_threads(1)
    rate, decay, threshold, _ = KNOBS[own.run % len(KNOBS)]
    data = Docstrings().load()
    torch.manual_seed(own.run)
    model = Classifier(own.layer, data, own.hidden, own.hidden, rate)
    trainer = Trainer(model.to(own.device.name), data, decay)
    for _ in range(own.epochs):
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


def multirun(launcher: str) -> Study:
    """Hydra's own sweep of our command: one run after another in a process, or joblib's."""

    def study(runs: Sequence[Settings]) -> None:
        first, seeds = runs[0], ",".join(str(k) for k in range(len(runs) // len(KNOBS)))
        rates, decays, thresholds, schemes = (
            sorted(set(own), key=str) for own in zip(*KNOBS, strict=True)
        )
        words = {
            "model": first.model.lower(),
            "model.hidden": first.hidden,
            "model.embedding": first.hidden,
            "regularizers": "[dropout,weight_decay,clip,init]",
            "regularizers.dropout.rate": rates,
            "regularizers.weight_decay.coefficient": decays,
            "regularizers.clip.threshold": thresholds,
            "regularizers.init.scheme": [own.name for own in schemes],
            "training.epochs": first.epochs,
            "training.device": first.device.name,
            "tracking": "off",
            "seed": seeds,
            "hydra/launcher": launcher,
        }
        if first.zoneout:
            words["regularizers"] = "[dropout,weight_decay,clip,init,zoneout]"
            words |= {"regularizers.zoneout.h": ZONEOUT, "regularizers.zoneout.c": 0}
        command = [sys.executable, "-m", "rnn_regexp", "train", "-m"]
        for key, value in words.items():
            text = ",".join(map(str, value)) if isinstance(value, list) else value
            command.append(f"{key}={text}")
        with tempfile.TemporaryDirectory() as folder:
            command += [f"output={folder}", f"hydra.sweep.dir={folder}/hydra"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    return study


class Silent:
    """Watches and says nothing."""

    def epoch(self, cohort: int, epochs: int) -> None: ...

    def ended(self, cohort: int, results: Sequence[RunResult]) -> None: ...

    def say(self, line: str) -> None: ...


def ours(executor: Executor) -> Study:
    def study(runs: Sequence[Settings]) -> None:
        experiments = [experiment(own) for own in runs]
        width = executor.width or as_measured(experiments, executor)
        parts = range(0, len(experiments), width)
        cohorts = [experiments[start : start + width] for start in parts]
        with tempfile.TemporaryDirectory() as folder:
            executor.run(cohorts, Ledger(folder), Silent())

    return study


def as_measured(experiments: Sequence[Experiment], executor: Executor) -> int:
    """The width that a study would choose."""
    choice = measured(experiments, executor)
    print(f"cohorts of at most {choice.why}", flush=True)
    return choice.width


def experiment(own: Settings) -> Experiment:
    rate, decay, threshold, scheme = KNOBS[own.run % len(KNOBS)]
    kind: type[Model] = next(each for each in ALL if each.__name__ == own.model)
    return Experiment(
        kind(embedding=own.hidden, hidden=own.hidden),
        Docstrings(),
        Adam(),
        regularizers={
            "dropout": Dropout(rate),
            "weight_decay": WeightDecay(decay),
            "clip": Clip(threshold),
            "init": Init(scheme),
            "zoneout": Zoneout(h=ZONEOUT if own.zoneout else 0.0),
        },
        training=Training(own.epochs, device=own.device),
        seed=own.run,
    )


def contenders(options: argparse.Namespace) -> dict[str, Study]:
    """By name; a CUDA device is one for all processes, so ours has one process there."""
    found: dict[str, Study] = {"bare loop": one_after_another}
    found |= {"bare loop, one process a core": in_processes}
    found |= {f"ours, K={width}": ours(Local(width=width)) for width in options.width}
    found["Hydra's multirun of ours"] = multirun("basic")
    if importlib.util.find_spec("hydra_plugins.hydra_joblib_launcher"):
        found["Hydra's joblib launcher of ours"] = multirun("joblib")
    if options.device == "cpu":
        width = max(options.width)
        found[f"ours, K={width}, one process a core"] = ours(Processes(width=width))
        found["ours, as it chooses"] = ours(Auto())
    return found


def timed(contender: str, options: argparse.Namespace, runs: Sequence[Settings]) -> dict[str, Any]:
    """Seconds until all is done, on the device too, and the peak memory."""
    torch.set_num_threads(1)
    with watched() as peak:
        train, start = contenders(options)[contender], time.perf_counter()
        train(runs)
        if runs[0].device is Device.cuda:
            torch.cuda.synchronize()
        seconds = time.perf_counter() - start
    row: dict[str, Any] = {"seconds": round(seconds, 1)}
    row["runs per hour"] = round(3600 * len(runs) / seconds)
    row["peak MB"] = peak.megabytes
    if runs[0].device is Device.cuda:
        row["device MB"] = torch.cuda.max_memory_allocated() >> 20
    return row


def rows(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    for name, hidden in itertools.product(options.model, options.hidden):
        common = (name, hidden, options.epochs, Device[options.device], options.zoneout)
        runs = [Settings(*common, k) for k in range(options.runs)]
        for contender in contenders(options):
            row = {"model": name, "hidden": hidden, "zoneout": options.zoneout}
            row |= {"contender": contender}
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as alone:
                yield row | alone.submit(timed, contender, options, runs).result()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", nargs="+", choices=list(LAYERS), default=list(LAYERS))
    parser.add_argument("--runs", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--hidden", type=int, nargs="+", default=[32, 64, 128])
    parser.add_argument("--width", type=int, nargs="+", default=[1, 8], help="runs in a cohort")
    parser.add_argument("--zoneout", action="store_true", help="recurrent noise")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--csv")
    options = parser.parse_args()
    device = torch.cuda.get_device_name() if options.device == "cuda" else platform.machine()
    print(f"{device}, {os.cpu_count()} cores, torch {torch.__version__}")
    table.write(options.csv, table.named(rows(options)))


if __name__ == "__main__":
    main()
