"""Studies that are killed, signalled and damaged end with an undisturbed one's table."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.torture import done
from scripts.tortured import Verdict

FAULTS = ("sigterm", "worker_crash", "two_controllers", "cut_short", "cut_width", "clock_jumps")
SHORT = ("--kills", "2", "--times", "1", "--seeds", "3", "--faults", *FAULTS)


@pytest.mark.slow
def test_a_short_torture_loses_nothing(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "scripts.torture", *SHORT, "--csv", str(tmp_path / "own.csv")]
    root = Path(__file__).parents[2]
    ended = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    with (tmp_path / "own.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [own["verdict"] for own in rows] == ["equal"] * (1 + len(FAULTS))
    assert int(rows[0]["resumed"]) > 0


@pytest.mark.parametrize(
    ("verdict", "problems"),
    [
        (Verdict("worker hangs"), ["the fault was never done"]),
        (Verdict("worker hangs", faults=1), []),
        (Verdict("kill -9", faults=9), ["no checkpoint was gone on from"]),
        (Verdict("kill -9", faults=9, resumed=1), []),
    ],
)
def test_a_torture_that_did_no_harm_has_failed(verdict: Verdict, problems: list[str]) -> None:
    assert done(verdict).problems == problems
