"""The ledger is the truth: a store can be filled from it, again and again."""

from pathlib import Path

import pytest

from rnn_regexp.ablation.description import StudyError
from rnn_regexp.ledger import Ledger
from rnn_regexp.tracking import Off, Server, Sqlite, Tracker, Unavailable, replay
from tests.tracking import stored
from tests.tracking.synthetic import variants, write_ledger


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_ledger(tmp_path_factory.mktemp("outputs") / "four_knobs").folder


def test_a_whole_study_twice(folder: Path, sqlite: Sqlite):
    assert replay(folder, sqlite) == 42
    found, before = stored.runs(sqlite), stored.count(sqlite)
    assert len(found) == 43
    expected = {f"{variant} seed {seed}" for variant in variants() for seed in range(3)}
    assert {name.partition(" (")[0] for name in found} - {"four_knobs summary"} == expected
    states = [run.info.status for run in found.values()]
    assert (states.count("FINISHED"), states.count("FAILED")) == (42, 1)
    assert replay(folder, sqlite) == 42
    assert stored.runs(sqlite).keys() == found.keys()
    assert stored.count(sqlite) == before


def test_what_training_sent_is_completed(sqlite: Sqlite, tmp_path: Path):
    folder = write_ledger(tmp_path / "four_knobs", seeds=2).folder
    results = {run.run_id: run for run in Ledger(folder).results()}
    with Tracker(sqlite, "four_knobs", folder) as opened:
        for number, (variant, labels) in enumerate(variants().items()):
            opened.log_run(results[f"{number:03d}{0:013x}"], variant, labels)
    sent = {run.info.run_id for run in stored.runs(sqlite).values()}
    assert len(sent) == 14
    replay(folder, sqlite)
    found = stored.runs(sqlite)
    assert len(found) == 29
    assert sent < {run.info.run_id for run in found.values()}


def test_the_summary_carries_verdicts_and_report(sqlite: Sqlite, tmp_path: Path):
    folder = write_ledger(tmp_path / "four_knobs", seeds=1).folder
    replay(folder, sqlite)
    summary = stored.runs(sqlite)["four_knobs summary"]
    assert summary.data.metrics["effect/dropout:0.75/ci_low"] == pytest.approx(0.01)
    assert "| dropout | 0.75 |" in summary.data.tags["mlflow.note.content"]
    names = {"report.html", "report.md", "effects.csv", "study.yaml", "plan.csv"}
    assert stored.files(sqlite, summary) == names


def test_runs_without_a_plan(folder: Path, sqlite: Sqlite, tmp_path: Path):
    loose = Ledger(tmp_path / "runs")
    for run in Ledger(folder).results()[:6]:
        loose.record(run)
    assert replay(loose.folder, sqlite) == 6
    assert len(stored.runs(sqlite, "runs")) == 6


def test_a_server_that_is_down_is_one_line(folder: Path):
    with pytest.raises(Unavailable, match=r"^http://127\.0\.0\.1:9 does not answer: \S.*\S$"):
        replay(folder, Server(uri="http://127.0.0.1:9"))


def test_nothing_to_do(folder: Path, sqlite: Sqlite, tmp_path: Path):
    assert replay(folder, Off()) == 0
    with pytest.raises(StudyError, match="holds no runs yet"):
        replay(tmp_path / "nothing", sqlite)
