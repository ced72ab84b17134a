"""Runs read back from MLflow: our own give the report of their folder, a stranger's a table."""

from pathlib import Path

import pandas as pd
import pytest

from rnn_regexp.ablation.description import StudyError
from rnn_regexp.ablation.effects import effects_table
from rnn_regexp.ablation.runs_table import StudyRuns, read_study
from rnn_regexp.ablation.tidy_table import Question
from rnn_regexp.tracking import Server, Sqlite, TrackingError, Unavailable, read_experiment, replay
from rnn_regexp.tracking.store import client
from tests.tracking.synthetic import BASELINE, write_ledger


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_ledger(tmp_path_factory.mktemp("outputs") / "four_knobs").folder


def effects(runs: StudyRuns) -> pd.DataFrame:
    return effects_table(runs.table, runs.description, runs.metrics)


def test_a_study_comes_back_as_it_was(folder: Path, sqlite: Sqlite):
    replay(folder, sqlite)
    (found,) = read_experiment("four_knobs", sqlite)
    own = read_study(folder)
    assert found.description == own.description
    assert (found.planned, found.unplanned) == (own.planned, own.unplanned)
    same = ["run_id", "variant", "seed", "status", *BASELINE, "valid/loss", "test/accuracy"]
    pd.testing.assert_frame_equal(found.table[same], own.table[same])
    pd.testing.assert_frame_equal(effects(found), effects(own))
    for run_id, run in own.results.items():
        back = found.results[run_id]
        assert [row["epoch"] for row in back.history] == [row["epoch"] for row in run.history]
        for metric in ("valid/loss", "train/loss"):
            assert [row[metric] for row in back.history] == [row[metric] for row in run.history]
        assert (back.diverged_at, back.error) == (run.diverged_at, run.error)
        assert back.environment == run.environment
        assert (back.started, back.seconds) == pytest.approx((run.started, run.seconds), abs=1e-3)


def test_a_study_has_a_baseline_of_its_own(folder: Path, sqlite: Sqlite):
    replay(folder, sqlite)
    line = "^--baseline: mlflow:four_knobs is a study and has its own"
    with pytest.raises(StudyError, match=line):
        read_experiment("four_knobs", sqlite, baseline={"dropout": "0"})


def test_without_a_summary_the_factors_are_what_differs(
    folder: Path, sqlite: Sqlite, tmp_path: Path
):
    for name in ("effects.csv", "report.md"):
        assert (folder / name).exists()
    bare = write_ledger(tmp_path / "four_knobs", seeds=2).folder
    (bare / "effects.csv").unlink()  # so there is no summary
    replay(bare, sqlite)
    (found,) = read_experiment("four_knobs", sqlite)
    assert {factor.key for factor in found.description.factors} == {
        "regularizers.dropout.rate",
        "regularizers.weight_decay.coefficient",
        "regularizers.clip.threshold",
        "regularizers.init.scheme",
    }
    assert len(found.table) == 28


def stranger(sqlite: Sqlite, **tags: str) -> None:
    """Runs as any other program logs them: two rates, three seeds, a metric."""
    mlflow = client(sqlite)
    experiment = mlflow.create_experiment("theirs")
    for rate in ("0.1", "0.5"):
        for seed in range(3):
            run = mlflow.create_run(experiment, tags=tags)
            mlflow.log_param(run.info.run_id, "rate", rate)
            mlflow.log_param(run.info.run_id, "seed", seed)
            mlflow.log_metric(run.info.run_id, "valid/loss", float(rate) + seed / 10)
            ended = "FAILED" if (rate, seed) == ("0.5", 2) else "FINISHED"
            mlflow.set_terminated(run.info.run_id, ended)


def test_a_strangers_runs_are_a_table(sqlite: Sqlite):
    stranger(sqlite)
    question = Question(["rate"], {"rate": "0.1"}, "valid/loss")
    (found,) = read_experiment("theirs", sqlite, question)
    assert found.description.factors[0].levels == ("0.1", "0.5")
    assert sorted(found.table["status"]) == ["failed"] + ["finished"] * 5
    row = effects(found).iloc[0]
    assert row["n_pairs"] == 2
    assert row["estimate"] == pytest.approx(-0.4)


def test_a_strangers_runs_without_a_question_are_what_differs(sqlite: Sqlite):
    stranger(sqlite)
    (found,) = read_experiment("theirs", sqlite)
    assert [factor.key for factor in found.description.factors] == ["rate"]
    assert found.description.seeds == (0, 1, 2)
    (told,) = found.warnings[:1]
    assert told.startswith("baseline: that of the run that started first, rate=0.")
    (found,) = read_experiment("theirs", sqlite, baseline={"rate": "0.5"})
    assert found.description.factors[0].baseline == "0.5"
    assert not any("started first" in line for line in found.warnings)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("four_nobs", r"no such experiment in .* \(did you mean four_knobs\?\)"),
        ("zzz", r"no such experiment in .* \(there are .*four_knobs"),
    ],
)
def test_an_experiment_that_there_is_not(folder: Path, sqlite: Sqlite, name: str, line: str):
    client(sqlite).create_experiment("four_knobs")
    with pytest.raises(TrackingError, match=line):
        read_experiment(name, sqlite)


def test_a_store_that_there_is_not(tmp_path: Path):
    missing = tmp_path / "mlflow.db"
    with pytest.raises(TrackingError, match=r"no MLflow store at .*mlflow\.db; name one"):
        read_experiment("four_knobs", Sqlite(store=str(missing)))
    assert not missing.exists()
    with pytest.raises(Unavailable, match="does not answer"):
        read_experiment("four_knobs", Server(uri="http://127.0.0.1:9"))


def test_an_experiment_without_runs(sqlite: Sqlite):
    client(sqlite).create_experiment("empty")
    with pytest.raises(StudyError, match="empty holds no runs yet"):
        read_experiment("empty", sqlite)
