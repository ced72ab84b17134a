"""How long a report takes: of a table and of a study's folder, whole processes, start included.

Usage: ``python -m scripts.benchmark_report [--runs N] [--csv FILE]``. The runs are made up: four
factors with 4, 4, 4 and 5 levels, crossed, with as many seeds as the number of runs asks for. The
peer is reading the same table with pandas and its mean over the seeds: what no report can avoid.
"""

import argparse
import itertools
import math
import platform
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import yaml

from rnn_regexp.ledger import FINISHED, Ledger, RunResult
from scripts import table

LEVELS = {
    "dropout": ["0", "0.25", "0.5", "0.75"],
    "weight_decay": ["0", "1e-5", "1e-4", "1e-3"],
    "clip": ["none", "10", "5", "1"],
    "init": ["default", "xavier", "kaiming", "orthogonal", "scaled_orthogonal"],
}
EPOCHS = 12
REPORT = ("-m", "rnn_regexp", "report")
PEER = "import pandas; t = pandas.read_csv({!r}); t.groupby({!r})['valid/loss'].mean()"


def cells() -> list[dict[str, str]]:
    """Every combination of levels."""
    return [dict(zip(LEVELS, own, strict=True)) for own in itertools.product(*LEVELS.values())]


def result(cell: dict[str, str], number: int, seed: int) -> RunResult:
    """A run whose validation loss depends on its dropout and its seed."""
    chance = random.Random(number * 100_003 + seed)
    loss = 1.2 - 0.2 * float(cell["dropout"]) + 0.01 * (seed % 7) + chance.gauss(0, 0.02)
    history = [
        {
            "epoch": epoch,
            "train_eval/loss": loss + math.exp(-epoch / 2) - 0.02 * epoch,
            "valid/loss": loss + math.exp(-epoch / 2),
            "valid/accuracy": 0.8 - 0.1 * math.exp(-epoch / 2),
        }
        for epoch in range(1, EPOCHS + 1)
    ]
    last = {name: value for name, value in history[-1].items() if name != "epoch"}
    metrics = last | {"test/accuracy": 0.8 - loss / 10, "best/epoch": 12.0, "best/valid/loss": loss}
    run_id = f"{number:03d}{seed:06d}"
    return RunResult(run_id, seed, FINISHED, {"seed": seed}, metrics, history, 3.0, 1.7e9 + seed)


def write_study(folder: Path, seeds: int) -> int:
    """A study's folder, as training leaves it; returns the number of runs."""
    ledger, plan = Ledger(folder), [["run_id", "variant", "seed", "cohort", *LEVELS]]
    (folder / "runs").mkdir(parents=True)
    for number, cell in enumerate(cells()):
        for seed in range(seeds):
            run = result(cell, number, seed)
            ledger.record(run)
            plan.append([run.run_id, f"cell {number}", str(seed), "0", *cell.values()])
    ledger.write("plan.csv", "\n".join(map(",".join, plan)) + "\n")
    factors = {name: {"baseline": own[2], "levels": own} for name, own in LEVELS.items()}
    study: dict[str, object] = {"name": "made_up", "metric": "valid/loss", "goal": "min"}
    study |= {"design": "factorial", "seeds": list(range(seeds)), "factors": factors}
    ledger.write("study.yaml", yaml.safe_dump(study, sort_keys=False))
    return len(plan) - 1


def seconds(*words: str) -> tuple[float, float]:
    """Wall time and processor time of a Python process: alike where nothing else runs."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def rows(wanted: int) -> Iterator[tuple[str, tuple[float, float]]]:
    """What was measured and the seconds it took."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "made_up"
        runs = write_study(folder, max(2, wanted // len(cells())))
        yield f"report on a folder of {runs} runs", seconds(*REPORT, str(folder))
        runs_csv = str(folder / "runs.csv")
        baseline = ",".join(f"{name}={own[2]}" for name, own in LEVELS.items())
        words = ["--table", runs_csv, "--factors", ",".join(LEVELS), "--baseline", baseline]
        words += ["--metric", "valid/loss", "--out", f"{name}/table"]
        yield f"report on a table of {runs} runs", seconds(*REPORT, *words)
        yield f"pandas: read {runs} runs, mean", seconds("-c", PEER.format(runs_csv, list(LEVELS)))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=10_240)
    parser.add_argument("--csv")
    options = parser.parse_args()
    print(f"{platform.machine()}, Python {platform.python_version()}")
    measured = [(what, *(round(one, 2) for one in figures)) for what, figures in rows(options.runs)]
    for what, wall, processor in measured:
        print(f"{what:36} {wall:6.2f} s, processor {processor:6.2f} s")
    table.write(options.csv, [("what", "seconds", "processor"), *measured])


if __name__ == "__main__":
    main()
