"""Trains small cohorts in one process for an hour: memory and open files must stay what they were.

Usage: ``python -m scripts.soak [--minutes 60] [--csv FILE]``. One study (ledger, SQLite tracking,
progress) with more runs than an hour is enough for; a thread samples the process, and SIGTERM ends
it as a scheduler would. Exits with 1 where anything but SQLite's file grew after the warm-up.
"""

import argparse
import contextlib
import csv
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from rnn_regexp.interruption import EXIT_CODE

WORDS = (
    "ablate",
    "+study.factors.rate={key: regularizers.dropout.rate, levels: [0, 0.5]}",
    "study.name=soak",
    "study.seeds=50000",
    "dataset=digits",
    "model.hidden=8",
    "training=smoke",
    "training.epochs=6",
    "training.limit=200",
    "training.device=cpu",
    "executor=local",
    "executor.width=4",
    "tracking=sqlite",
)
WARM_UP = 1 / 6  # of the samples
Sample = dict[str, float]


def sample(folder: Path, begin: float) -> Sample:
    """The process as it is now, and how far its study has come."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    store, runs = folder / "outputs/mlflow.db", folder / "outputs/soak/runs"
    return {
        "minute": round((time.monotonic() - begin) / 60, 1),
        "runs": len(os.listdir(runs)) if runs.exists() else 0,
        "rss_mb": round(int(status["VmRSS"].split()[0]) / 1024, 1),
        "open_files": len(os.listdir("/proc/self/fd")) - 1,  # without the one that lists them
        "threads": int(status["Threads"]),
        "sqlite_mb": round(store.stat().st_size / 2**20, 1) if store.exists() else 0.0,
    }


class Sampler(threading.Thread):
    """Samples every ``seconds`` and ends the study after ``count`` samples."""

    def __init__(self, folder: Path, seconds: float, count: int) -> None:
        super().__init__(daemon=True)
        self.folder, self.seconds, self.count = folder, seconds, count
        self.samples: list[Sample] = []

    def run(self) -> None:
        begin = time.monotonic()
        for number in range(1, self.count + 1):
            time.sleep(max(0.0, begin + number * self.seconds - time.monotonic()))
            self.samples.append(sample(self.folder, begin))
            print(*self.samples[-1].values(), file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGTERM)


def growth(samples: Sequence[Sample], name: str) -> float:
    """Behind the warm-up: by how much the least of the last third exceeds that of the first.

    What is held for a moment comes and goes; what leaks stays.
    """
    own = [one[name] for one in samples[round(len(samples) * WARM_UP) :]]
    third = max(1, len(own) // 3)
    return min(own[-third:]) - min(own[:third])


def problems(samples: Sequence[Sample]) -> list[str]:
    """What grew: memory by more than a twentieth, files or threads at all."""
    allowed = {"rss_mb": samples[-1]["rss_mb"] / 20, "open_files": 0, "threads": 0}
    grown = {name: growth(samples, name) for name in allowed}
    return [f"{name} grew by {own:g}" for name, own in grown.items() if own > allowed[name]]


def soak(folder: Path, seconds: float, count: int) -> list[Sample]:
    """The samples of a study that is ended after ``count`` of them."""
    from rnn_regexp.app import main

    sampler = Sampler(folder, seconds, count)
    with contextlib.chdir(folder), (folder / "log.txt").open("w") as log:
        sampler.start()
        with contextlib.redirect_stdout(log):
            code = main(list(WORDS))
    if code != EXIT_CODE:
        raise SystemExit(f"the study ended with code {code}: {(folder / 'log.txt').read_text()}")
    return sampler.samples


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--every", type=float, default=60.0, help="seconds between two samples")
    parser.add_argument("--csv")
    options = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as folder:
        samples = soak(Path(folder), options.every, round(options.minutes * 60 / options.every))
    if options.csv:
        with open(options.csv, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, samples[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(samples)
    print("; ".join(problems(samples)) or "nothing grew")
    return 1 if problems(samples) else 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
