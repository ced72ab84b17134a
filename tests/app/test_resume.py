"""Killed at any moment, continued by the same command: the table of an undisturbed study."""

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rnn_regexp.ledger import Ledger

pytestmark = pytest.mark.usefixtures("listening")
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


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "rnn_regexp", *STUDY, *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def interrupt(
    folder: Path, number: signal.Signals, kill: Callable[[int, int], None] = os.killpg
) -> tuple[int, str]:
    """Send a signal to the whole group, or else to its leader, once the first results are there."""
    process = begun(folder)
    kill(process.pid, number)
    out, _ = process.communicate(timeout=30)
    return process.returncode, out


def begun(folder: Path) -> subprocess.Popen[str]:
    """A study of which the first results are there."""
    process, limit = start(folder), time.monotonic() + 60
    while len(recorded(folder)) < 2 and time.monotonic() < limit:
        time.sleep(0.02)
    return process


def recorded(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "outputs/rates/runs").glob("*.json"))


def finish(folder: Path) -> tuple[str, list[dict[str, str]]]:
    process = start(folder)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0, out
    return out, table(folder)


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "outputs/rates/runs.csv").open(encoding="utf-8", newline="") as file:
        return [{**row, "seconds": ""} for row in csv.DictReader(file)]


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
@pytest.mark.parametrize(
    ("number", "kill", "expected"),
    [(signal.SIGINT, os.killpg, 130), (signal.SIGTERM, os.kill, 143)],
    ids=["Ctrl-C on a terminal", "a scheduler's SIGTERM"],
)
def test_a_signal_stops_cleanly_and_says_how_to_continue(
    number: signal.Signals,
    kill: Callable[[int, int], None],
    expected: int,
    tmp_path: Path,
    undisturbed: list[dict[str, str]],
) -> None:
    code, out = interrupt(tmp_path, number, kill)
    assert code == expected, out
    assert "Traceback" not in out
    assert "To continue: rnn-regexp ablate" in out
    results = Ledger(tmp_path / "outputs/rates").results()
    assert {result.status for result in results} == {"finished"}
    assert finish(tmp_path)[1] == undisturbed


@pytest.mark.slow
def test_the_second_controller_is_refused_or_waits_and_a_dead_one_is_no_obstacle(
    tmp_path: Path, undisturbed: list[dict[str, str]]
) -> None:
    first = begun(tmp_path)
    os.killpg(first.pid, signal.SIGSTOP)
    refused = start(tmp_path)
    out, _ = refused.communicate(timeout=60)
    assert refused.returncode == 2
    assert f"error: outputs/rates is in use by process {first.pid} on " in out
    assert out.endswith("; study.if_running=wait waits for it\n")
    waiting = start(tmp_path, "study.if_running=wait")
    assert waiting.stdout
    assert waiting.stdout.readline().startswith("rates: 1 factors")
    said = iter(waiting.stdout.readline, "")
    assert any(line.endswith(": waiting for it to end\n") for line in said)
    assert len(recorded(tmp_path)) < 12
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    out, _ = waiting.communicate(timeout=120)
    assert waiting.returncode == 0, out
    assert table(tmp_path) == undisturbed
