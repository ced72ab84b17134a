"""What the laboratory costs beside training: start-up, planning, one run's orchestration, tracking.

Usage: ``python -m scripts.benchmark_overhead [--csv FILE]``. Starting times are medians of whole
processes; the peer of each run's overhead is Hydra's own multirun of an empty job.  Tracking
goes on beside training, which never waits for it; it costs what training is slower meanwhile.
"""

import argparse
import itertools
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch

from rnn_regexp.ablation.stages import make_plan
from rnn_regexp.config import to_config
from rnn_regexp.config.overrides import Places
from rnn_regexp.config.resolve import Resolver, read
from rnn_regexp.experiment import Experiment, build_cohort, load, run_cohort
from rnn_regexp.ledger import Ledger, RunResult
from rnn_regexp.tracking import Sqlite
from rnn_regexp.tracking.entries import entry
from rnn_regexp.tracking.writer import Writer
from rnn_regexp.training.cohort import Cohort
from rnn_regexp.training.record import Outcome
from scripts import table

FACTORIAL = ["study=four_knobs", "study.design=factorial", "study.seeds=32"]  # 10,240 runs
WIDTH, COHORTS = 8, 4
SEEDS = itertools.count()
LABELS = {"regularizers.dropout.rate": "0.5", "optimizer.lr": "0.001"}
PEER = """
import hydra
@hydra.main(version_base="1.3", config_path=None)
def job(config): pass
job()
"""


def process(*command: str) -> float:
    """Median seconds of five runs of a command, after one that is not counted."""
    seconds = []
    for _ in range(6):
        start = time.perf_counter()
        subprocess.run([sys.executable, *command], check=True, capture_output=True)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[1:])


def planning() -> tuple[int, float]:
    """Runs of a factorial study, and the seconds it takes to plan them."""
    study = to_config(Places().compose(FACTORIAL)).study
    resolve = Resolver(FACTORIAL, Places())
    load(resolve({}).dataset)
    start = time.perf_counter()
    plan = make_plan(study, resolve, read, width=8)
    return len(plan.runs), time.perf_counter() - start


def orchestration(runs: int = 400) -> float:
    """Seconds a run costs beside weights and training: identity, result, environment, ledger."""
    base = to_config(Places().compose(["study=four_knobs"])).experiment()
    load(base.dataset)
    parts = [
        [replace(base, seed=seed) for seed in range(start, start + WIDTH)]
        for start in range(0, runs, WIDTH)
    ]
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        for experiments in parts:
            run_cohort(experiments, Ledger(folder), train=untrained)
        ended = time.perf_counter()
        for experiments in parts:
            build_cohort(experiments)
    return (2 * ended - started - time.perf_counter()) / runs


def untrained(cohort: Cohort, progress: object) -> list[Outcome]:
    """In place of training: a result for each run."""
    return [Outcome(metrics={"valid/loss": 1.0}) for _ in range(cohort.runs)]


def tracking() -> Iterator[tuple[str, float]]:
    """What a run that is sent to SQLite costs the training beside it, of the default study's runs.

    Cohorts train by turns alone and beside a thread that sends runs without a pause: what the
    latter takes longer, divided by the runs sent.
    """
    base = to_config(Places().compose(["study=four_knobs", "training.device=cpu"])).experiment()
    with tempfile.TemporaryDirectory() as folder:
        sender = Sender(folder, train(base, folder)[1])
        alone = beside = 0.0
        for _ in range(COHORTS):
            alone += train(base, folder)[0]
            with sender.sending():
                beside += train(base, folder)[0]
    each = (beside - alone) / sender.sent
    yield "tracking a run in SQLite, ms of training", 1000 * each
    yield "tracking, % of training", 100 * each * COHORTS * WIDTH / alone


def train(base: Experiment, folder: str) -> tuple[float, RunResult]:
    """Seconds that a cohort takes, and one of its results; its runs are always new."""
    runs = [replace(base, seed=next(SEEDS)) for _ in range(WIDTH)]
    started = time.perf_counter()
    results = run_cohort(runs, Ledger(folder))
    return time.perf_counter() - started, results[0]


class Sender:
    """Sends one result as ever new runs, as the tracker's thread does."""

    def __init__(self, folder: str, result: RunResult) -> None:
        self.result, self.sent = result, 0
        self.writer = Writer(Sqlite(store=f"{folder}/mlflow.db"), "four_knobs", Path(folder))

    @contextmanager
    def sending(self) -> Iterator[None]:
        """In here, without a pause."""
        stop = threading.Event()
        thread = threading.Thread(target=self._send, args=[stop])
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _send(self, stop: threading.Event) -> None:
        while not stop.is_set():
            own = replace(self.result, run_id=f"{self.sent:012x}")
            self.writer.write(entry(own, "four_knobs", "baseline", LABELS))
            self.sent += 1


def hydra(jobs: int = 20) -> float:
    """Seconds that Hydra's basic launcher needs for one empty job."""
    with tempfile.TemporaryDirectory() as folder:
        (script := Path(folder) / "job.py").write_text(PEER)
        sweep = f"hydra.sweep.dir={folder}/out"
        one = process(str(script), "-m", "+x=1", sweep)
        many = process(str(script), "-m", f"+x=range(1,{jobs + 1})", sweep)
    return (many - one) / (jobs - 1)


def rows() -> Iterator[tuple[str, float]]:
    yield "python -c pass, s", process("-c", "pass")
    yield "rnn-regexp --help, s", process("-m", "rnn_regexp", "--help")
    yield "import rnn_regexp, s", process("-c", "import rnn_regexp")
    runs, seconds = planning()
    yield f"planning {runs} runs, s", seconds
    yield "orchestration of a run, ms", 1000 * orchestration()
    yield "Hydra's multirun of an empty job, ms", 1000 * hydra()
    yield from tracking()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--csv")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{platform.machine()}, Python {platform.python_version()}")
    measured = [(what, round(figure, 3)) for what, figure in rows()]
    for what, figure in measured:
        print(f"{what:40} {figure}")
    table.write(options.csv, [("what", "figure"), *measured])


if __name__ == "__main__":
    main()
