"""Sixteen processes that write into one SQLite store at once, as a multirun on a large machine."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from rnn_regexp.ledger import Ledger
from rnn_regexp.tracking import Sqlite
from rnn_regexp.tracking.entries import points
from tests.tracking import stored
from tests.tracking.synthetic import BASELINE, result

PROCESSES, RUNS, SHARED = 16, 3, 99
# MLflow is imported once and then forked: sixteen imports would be the greater part of the test.
WRITERS = f"""
import os, sys
from pathlib import Path
import mlflow.store.tracking.sqlalchemy_store
from rnn_regexp.ledger import Ledger
from rnn_regexp.tracking import Sqlite, Tracker

store, folder = sys.argv[1], Path(sys.argv[2])
runs = {{own.seed: own for own in Ledger(folder).results()}}

def write(process):
    with Tracker(Sqlite(store=store), "four_knobs", folder) as tracker:
        for seed in [*range(process * {RUNS}, (process + 1) * {RUNS}), {SHARED}]:
            tracker.log_run(runs[seed], "baseline", {BASELINE})
    os._exit(tracker.close() + tracker._given - tracker._sent)

children = []
for process in range({PROCESSES}):
    children.append(os.fork())
    if not children[-1]:
        write(process)
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
sys.exit(codes != [0] * {PROCESSES})
"""


@pytest.mark.slow
def test_no_metric_is_lost_none_is_doubled_and_nobody_hears_of_an_error(
    sqlite: Sqlite, tmp_path: Path
) -> None:
    ledger = Ledger(tmp_path / "four_knobs")
    seeds = [*range(PROCESSES * RUNS), SHARED]
    for seed in seeds:
        ledger.record(result(BASELINE, 0, seed))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", WRITERS, sqlite.store, str(ledger.folder)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    found = stored.runs(sqlite)
    assert set(found) == {f"baseline seed {seed}" for seed in seeds}
    assert {run.info.status for run in found.values()} == {"FINISHED"}
    expected = Counter(len(list(points(own))) for own in ledger.results())
    assert stored.count(sqlite) == sum(size * number for size, number in expected.items())
