"""Sixteen studies of their own that write into one SQLite store at once, as on a large machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rnn_regexp.ledger import Ledger
from rnn_regexp.tracking import Sqlite
from rnn_regexp.tracking.entries import points
from tests.tracking import stored
from tests.tracking.synthetic import BASELINE, result

PROCESSES, RUNS, EPOCHS = 16, 3, 4
SHARED = "thesis"  # the experiment of every second study; the others have one of their own
# MLflow is imported once and then forked: sixteen imports would be the greater part of the test.
# A pipe holds them all back until the last is there.
WRITERS = f"""
import os, sys
from pathlib import Path
import mlflow.store.tracking.sqlalchemy_store
from rnn_regexp.ledger import Ledger
from rnn_regexp.tracking import Sqlite, Tracker

store, outputs = sys.argv[1], Path(sys.argv[2])
gate, key = os.pipe()

def write(process):
    os.close(key)
    os.read(gate, 1)
    experiment = {SHARED!r} if process % 2 else None
    folder = outputs / f"study{{process}}"
    with Tracker(Sqlite(store=store, experiment=experiment), folder.name, folder) as tracker:
        for run in Ledger(folder).results():
            tracker.log_run(run, f"study {{process}}", {BASELINE})
    os._exit(tracker.close() + tracker._given - tracker._sent)

children = []
for process in range({PROCESSES}):
    children.append(os.fork())
    if not children[-1]:
        write(process)
os.close(key)
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
sys.exit(codes != [0] * {PROCESSES})
"""


@pytest.mark.slow
def test_no_metric_is_lost_none_is_doubled_and_nobody_hears_of_an_error(
    sqlite: Sqlite, tmp_path: Path
) -> None:
    sent = 0
    for process in range(PROCESSES):
        for seed in range(RUNS):
            run = result(BASELINE, process, seed, EPOCHS)
            Ledger(tmp_path / f"study{process}").record(run)
            sent += len(list(points(run)))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", WRITERS, sqlite.store, str(tmp_path)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    for process in range(0, PROCESSES, 2):
        assert finished(sqlite, f"study{process}") == names(process)
    shared = set().union(*map(names, range(1, PROCESSES, 2)))
    assert finished(sqlite, SHARED) == shared
    assert stored.count(sqlite) == sent


def names(process: int) -> set[str]:
    return {f"study {process} seed {seed}" for seed in range(RUNS)}


def finished(sqlite: Sqlite, experiment: str) -> set[str]:
    runs = stored.runs(sqlite, experiment)
    return {name for name, run in runs.items() if run.info.status == "FINISHED"}
