"""What the laboratory costs beside training: start-up, planning, one run's orchestration, tracking.

Usage: ``python -m scripts.benchmark_overhead [--csv FILE]``. Starting times are medians of whole
processes; the peer of each run's overhead is Hydra's own multirun of an empty job.  What tracking
costs is the processor's time: it goes on beside training, which never waits for it.
"""

import argparse
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch

from rnn_regexp.ablation.stages import make_plan
from rnn_regexp.config import to_config
from rnn_regexp.config.overrides import Places
from rnn_regexp.config.resolve import Resolver, read
from rnn_regexp.experiment import build_cohort, load, run_cohort
from rnn_regexp.ledger import Ledger
from rnn_regexp.tracking import Sqlite
from rnn_regexp.tracking.entries import entry
from rnn_regexp.tracking.writer import Writer
from rnn_regexp.training.cohort import Cohort
from rnn_regexp.training.record import Outcome
from scripts import table

FACTORIAL = ["study=four_knobs", "study.design=factorial", "study.seeds=32"]  # 10,240 runs
WIDTH, COHORTS = 8, 3
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
    """The processor's time that a thread beside training needs to send a run of the default study.

    The first cohort and its sending are not counted: they import MLflow and read the data.
    """
    base = to_config(Places().compose(["study=four_knobs", "training.device=cpu"])).experiment()
    trained = sent = 0.0
    with tempfile.TemporaryDirectory() as folder:
        store = Sqlite(store=f"{folder}/mlflow.db")
        writer = Writer(store, "four_knobs", Path(folder))
        for number in range(COHORTS + 1):
            seeds = range(number * WIDTH, (number + 1) * WIDTH)
            begun = time.process_time()
            results = run_cohort([replace(base, seed=seed) for seed in seeds], Ledger(folder))
            done = time.process_time()
            for result in results:
                writer.write(entry(result, "four_knobs", "baseline", LABELS))
            if number:
                trained, sent = trained + done - begun, sent + time.process_time() - done
    yield "tracking a run in SQLite, ms", 1000 * sent / COHORTS / WIDTH
    yield "tracking, % of training", 100 * sent / trained


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
