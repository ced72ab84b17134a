"""Killed at any moment, continued by the same command: the table of an undisturbed study."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

STUDY = (
    "ablate",
    "+study.factors.rate={key: regularizers.dropout.rate, levels: [0, 0.25, 0.5]}",
    "study.name=rates",
    "study.seeds=4",
    "dataset=digits",
    "model.hidden=8",
    "training.epochs=12",
    "training.limit=300",
    "tracking=off",
    "executor=processes",
    "executor.workers=2",
    "executor.width=2",
)


def start(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "rnn_regexp", *STUDY],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def interrupt(folder: Path, number: signal.Signals) -> tuple[int, str]:
    """Send a signal to the whole group once the first results are there."""
    process = start(folder)
    limit = time.monotonic() + 60
    while len(recorded(folder)) < 2 and time.monotonic() < limit:
        time.sleep(0.02)
    os.killpg(process.pid, number)
    out, _ = process.communicate(timeout=30)
    return process.returncode, out


def recorded(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "outputs/rates/runs").glob("*.json"))


def finish(folder: Path) -> tuple[str, list[dict[str, str]]]:
    process = start(folder)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0, out
    with (folder / "outputs/rates/runs.csv").open(encoding="utf-8", newline="") as file:
        return out, [{**row, "seconds": ""} for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    rows = finish(tmp_path_factory.mktemp("undisturbed"))[1]
    assert len(rows) == 12
    return rows


@pytest.mark.slow
def test_kill_9_and_the_same_command_again(
    tmp_path: Path, undisturbed: list[dict[str, str]]
) -> None:
    code, _ = interrupt(tmp_path, signal.SIGKILL)
    assert code == -signal.SIGKILL
    kept = recorded(tmp_path)
    assert 2 <= len(kept) < 12
    stamps = {name: (tmp_path / "outputs/rates/runs" / name).stat().st_mtime_ns for name in kept}
    out, rows = finish(tmp_path)
    assert "runs are finished already" in out
    assert rows == undisturbed
    complete = [name for name in kept if stamp(tmp_path, name) == stamps[name]]
    assert len(complete) >= 2


def stamp(folder: Path, name: str) -> int:
    return (folder / "outputs/rates/runs" / name).stat().st_mtime_ns


@pytest.mark.slow
def test_ctrl_c_stops_cleanly_and_says_how_to_continue(
    tmp_path: Path, undisturbed: list[dict[str, str]]
) -> None:
    code, out = interrupt(tmp_path, signal.SIGINT)
    assert code == 130
    assert "Traceback" not in out
    assert "To continue: rnn-regexp ablate" in out
    assert finish(tmp_path)[1] == undisturbed
