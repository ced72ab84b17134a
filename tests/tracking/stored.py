"""What a store holds, read with MLflow's own client."""

import sqlite3
from contextlib import closing
from typing import Any

from rnn_regexp.tracking.settings import Sqlite
from rnn_regexp.tracking.store import client


def runs(sqlite: Sqlite, experiment: str = "four_knobs") -> dict[str, Any]:
    """The runs of an experiment by their name."""
    found = client(sqlite)
    known = found.get_experiment_by_name(experiment)
    listed = found.search_runs([known.experiment_id], max_results=1000) if known else []
    named = {run.info.run_name: run for run in listed}
    assert len(named) == len(listed), "two runs have one name"
    return named


def points(sqlite: Sqlite, run: Any, key: str) -> list[tuple[int, int, float]]:
    """Step, milliseconds and value of every point of a metric, as often as it is stored."""
    history = client(sqlite).get_metric_history(run.info.run_id, key)
    return sorted((point.step, point.timestamp, point.value) for point in history)


def count(sqlite: Sqlite) -> int:
    """All points of all metrics of all runs."""
    with closing(sqlite3.connect(sqlite.store)) as database:
        (number,) = database.execute("SELECT count(*) FROM metrics").fetchone()
    return number


def files(sqlite: Sqlite, run: Any, folder: str | None = None) -> set[str]:
    """The paths of a run's artifacts."""
    found: set[str] = set()
    for file in client(sqlite).list_artifacts(run.info.run_id, folder):
        found |= files(sqlite, run, file.path) if file.is_dir else {file.path}
    return found
