"""Signals from a terminal and output that nobody reads: commands in processes of their own."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from rnn_regexp.ledger import Ledger

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("listening")]
BASE = ("dataset=digits", "model.hidden=8", "training.limit=300", "tracking=off")
LONG = (*BASE, "training.epochs=60", "training.checkpoint_seconds=1000")
FACTOR = "+study.factors.rate={key: regularizers.dropout.rate, levels: [0, 0.5]}"
STUDY = ("ablate", FACTOR, "study.name=s", "study.seeds=2")


def start(folder: Path, *words: str, **streams: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "rnn_regexp", *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        **({"stderr": subprocess.STDOUT} | streams),
        text=True,
        start_new_session=True,
    )


def begun(ledger: Ledger) -> bool:
    return any(own["event"] == "started" for own in ledger.events())


def signalled(folder: Path, study: str, number: int, *words: str) -> tuple[int, str]:
    """Send a signal to the whole group, as a terminal does, once training has begun."""
    process, limit = start(folder, *words), time.monotonic() + 60
    ledger = Ledger(folder / "outputs" / study)
    while not begun(ledger) and process.poll() is None and time.monotonic() < limit:
        time.sleep(0.02)
    os.killpg(process.pid, number)
    out, _ = process.communicate(timeout=60)
    assert len(list(ledger.folder.glob("checkpoints/*.safetensors"))) == 1, out
    assert ledger.results() == []
    return process.returncode, out


def finished(folder: Path, *words: str) -> str:
    process = start(folder, *words)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0, out
    return out


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "outputs/s/runs.csv").open(encoding="utf-8", newline="") as file:
        return [{**row, "seconds": ""} for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    folder = tmp_path_factory.mktemp("undisturbed")
    finished(folder, *STUDY, *LONG, "executor=local", "executor.width=4")
    rows = table(folder)
    assert len(rows) == 4
    return rows


def trained(folder: Path) -> dict[str, dict[str, float]]:
    return {own.run_id: own.metrics for own in Ledger(folder / "outputs/train").results()}


@pytest.fixture(scope="module")
def undisturbed_runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, float]]:
    folder = tmp_path_factory.mktemp("undisturbed_runs")
    finished(folder, "train", "-m", "seed=0,1", *LONG)
    return trained(folder)


@pytest.mark.parametrize(
    ("number", "executor", "code"),
    [(signal.SIGINT, "local", 130), (signal.SIGHUP, "processes", 129)],
    ids=["Ctrl-C", "a lost connection"],
)
def test_a_study_leaves_a_checkpoint_and_the_same_command_goes_on(
    number: int, executor: str, code: int, tmp_path: Path, undisturbed: list[dict[str, str]]
) -> None:
    words = (*STUDY, *LONG, f"executor={executor}", "executor.width=4")
    returned, out = signalled(tmp_path, "s", number, *words)
    assert returned == code, out
    assert "Traceback" not in out
    assert "\nstopped; what is finished is kept. To continue: rnn-regexp ablate " in out
    finished(tmp_path, *words)
    assert table(tmp_path) == undisturbed


@pytest.mark.parametrize(
    ("number", "words", "code", "runs"),
    [(signal.SIGINT, ("seed=0",), 130, 1), (signal.SIGTERM, ("-m", "seed=0,1"), 143, 2)],
    ids=["one run by Ctrl-C", "a multirun by SIGTERM"],
)
def test_train_leaves_a_checkpoint_and_says_how_to_go_on(
    number: int,
    words: tuple[str, ...],
    code: int,
    runs: int,
    tmp_path: Path,
    undisturbed_runs: dict[str, dict[str, float]],
) -> None:
    words = ("train", *words, *LONG)
    returned, out = signalled(tmp_path, "train", number, *words)
    assert returned == code, out
    said = f"stopped; what is finished is kept. To continue: rnn-regexp {' '.join(words)}\n"
    assert out.endswith(said), out
    finished(tmp_path, *words)
    found = trained(tmp_path)
    assert len(found) == runs
    assert found.items() <= undisturbed_runs.items()


@pytest.mark.parametrize("executor", ["local", "processes"])
def test_a_study_goes_on_when_nobody_reads_what_it_says(executor: str, tmp_path: Path) -> None:
    """As behind ``| head -1``."""
    short = (*BASE, "training.epochs=3", f"executor={executor}", "executor.width=2")
    process = start(tmp_path, *STUDY, *short, stderr=subprocess.PIPE)
    assert process.stdout
    assert process.stderr
    assert process.stdout.readline().startswith("s: 1 factors, ")
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert (process.wait(timeout=60), said) == (0, "")
    assert len(table(tmp_path)) == 4
