"""What 10,240 planned runs take: planning, going on where almost all have ended, the report.

Usage: ``python -m scripts.benchmark_large [--csv FILE]``. The default study, crossed, with
32 seeds; the results of all cohorts but the last are made up, the last is trained. Whole processes,
with the most memory that one of them held.
"""

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rnn_regexp.ablation.plan import Plan
from rnn_regexp.ablation.stages import make_plan
from rnn_regexp.config import to_config
from rnn_regexp.config.overrides import Places
from rnn_regexp.config.resolve import Resolver, read
from rnn_regexp.experiment import metrics_of
from rnn_regexp.fields import plain
from rnn_regexp.ledger import FINISHED, Ledger, RunResult
from scripts import table

WIDTH, EPOCHS = 8, 12
WORDS = ["study=four_knobs", "study.design=factorial", "study.seeds=32", "dataset=digits"]
WORDS += ["model.hidden=8", "training.epochs=2", "tracking=off", f"executor.width={WIDTH}"]


class Taken(NamedTuple):
    """What a process took, and what it printed."""

    seconds: float
    megabytes: float
    out: str


def process(folder: Path, *words: str) -> Taken:
    """Run a command of ours in a folder."""
    command = [sys.executable, "-m", "rnn_regexp", *words]
    path = os.pathsep.join([os.getcwd(), os.environ.get("PYTHONPATH", "")])
    begin, log = time.perf_counter(), folder / "log.txt"
    with log.open("wb") as out:
        started = subprocess.Popen(
            command, cwd=folder, stdout=out, env=os.environ | {"PYTHONPATH": path}
        )
        _, status, used = os.wait4(started.pid, 0)
    started.returncode = os.waitstatus_to_exitcode(status)
    if started.returncode:
        raise SystemExit(f"{words[0]} ended with code {started.returncode}: {log.read_text()}")
    return Taken(time.perf_counter() - begin, used.ru_maxrss / 1024, log.read_text())


def planned() -> Plan:
    """The study's runs, in its cohorts."""
    study = to_config(Places().compose(WORDS)).study
    return make_plan(study, Resolver(WORDS, Places()), read, width=WIDTH)


def make_up(plan: Plan, ledger: Ledger) -> None:
    """Results of all cohorts but the last."""
    last = {run.run_id for run in plan.cohorts[-1]}
    names = metrics_of(plan.base)
    for number, run in enumerate(plan.runs):
        value = 1 + number % 97 / 1000
        history = [
            {"epoch": epoch, **dict.fromkeys(names, value)} for epoch in range(1, EPOCHS + 1)
        ]
        metrics, settings = dict.fromkeys(names, value), plain(run.experiment)
        if run.run_id not in last:
            ledger.record(
                RunResult(run.run_id, run.seed, FINISHED, settings, metrics, history, 1.0)
            )


def rows(folder: Path) -> Iterator[tuple[str, Taken]]:
    ablate = ("ablate", *WORDS, "executor=local")
    plan = planned()
    count = len(plan.runs)
    yield f"plan {count} runs", process(folder, *ablate, "study.plan_only=true")
    make_up(plan, Ledger(folder / "outputs/four_knobs"))
    resumed = process(folder, *ablate)
    assert f"{count - WIDTH} runs are finished already" in resumed.out
    assert re.search(rf"^{count} of {count} runs, ", resumed.out, re.MULTILINE), "no progress"
    yield f"train the last {WIDTH} of {count} runs, report", resumed
    yield f"report {count} runs", process(folder, "report", "outputs/four_knobs")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--csv")
    options = parser.parse_args()
    print(f"{platform.machine()}, Python {platform.python_version()}")
    measured = []
    with tempfile.TemporaryDirectory() as folder:
        for what, taken in rows(Path(folder)):
            measured.append((what, round(taken.seconds, 1), round(taken.megabytes)))
            print(f"{what:44} {taken.seconds:6.1f} s {taken.megabytes:6.0f} MB", flush=True)
    table.write(options.csv, [("what", "seconds", "peak_mb"), *measured])


if __name__ == "__main__":
    main()
