"""Writing the same thing twice, or after a crash half-way, leaves one of everything."""

import dataclasses
import gc
import json
import os
import time
from pathlib import Path

import pytest

from rnn_regexp.ledger import DIVERGED, FAILED
from rnn_regexp.tracking import Sqlite
from rnn_regexp.tracking.entries import Entry, entry
from rnn_regexp.tracking.store import client
from rnn_regexp.tracking.summary import effect_metrics
from rnn_regexp.tracking.writer import Writer
from tests.tracking import stored
from tests.tracking.synthetic import BASELINE, effects, result

RUN = result(BASELINE, 0, seed=3)
NAME = "baseline seed 3"


def entry_of(**changes: object) -> Entry:
    return entry(dataclasses.replace(RUN, **changes), "four_knobs", "baseline", BASELINE)


def write(sqlite: Sqlite, **changes: object) -> None:
    Writer(sqlite, "four_knobs").write(entry_of(**changes))


def test_a_run_is_stored_as_it_was(sqlite: Sqlite):
    write(sqlite)
    run = stored.runs(sqlite)[NAME]
    assert run.info.status == "FINISHED"
    assert run.info.start_time == round(RUN.started * 1000)
    assert run.info.end_time - run.info.start_time == 12_000
    assert run.data.params == entry_of().params
    assert run.data.tags["variant"] == "baseline"
    for key, value in RUN.metrics.items():
        assert run.data.metrics[key] == value, key
    expected = [(int(r["epoch"]), round(r["time"] * 1000), r["train/loss"]) for r in RUN.history]
    assert stored.points(sqlite, run, "train/loss") == expected


def test_all_settings_are_an_artifact_beside_the_store(sqlite: Sqlite):
    write(sqlite)
    run = stored.runs(sqlite)[NAME]
    folder = Path(sqlite.store).parent / "mlartifacts/four_knobs"
    written = folder / run.info.run_id / "artifacts/experiment.json"
    assert json.loads(written.read_text()) == RUN.experiment
    assert not Path("mlruns").exists()


def test_writing_again_changes_nothing(sqlite: Sqlite):
    write(sqlite)
    before = stored.count(sqlite)
    write(sqlite)
    writer = Writer(sqlite, "four_knobs")
    writer.write(entry_of())
    writer.write(entry_of())
    assert list(stored.runs(sqlite)) == [NAME]
    assert stored.count(sqlite) == before == len(entry_of().points)


def test_what_is_written_takes_no_memory(sqlite: Sqlite):
    """A long study's runs would otherwise gather here, with all their parameters."""
    from mlflow.entities import Run

    def held() -> list[Run]:
        gc.collect()
        return [own for own in gc.get_objects() if type(own) is Run]

    others = held()  # of other tests
    writer = Writer(sqlite, "four_knobs")
    for seed in range(6):
        writer.write(entry(result(BASELINE, 0, seed), "four_knobs", "baseline", BASELINE))
    ours = [own for own in held() if not any(own is other for other in others)]
    assert len(ours) <= 1  # the store's client may hold the latest


def test_a_run_cut_short_is_completed_without_doubled_points(sqlite: Sqlite):
    writer, whole = Writer(sqlite, "four_knobs"), entry_of()
    half = dataclasses.replace(whole, points=whole.points[:20], params={"model": "gru"})
    run = writer._create(half.name, half.started, {**half.tags, "kind": "run"})
    writer._log(run, half)
    assert stored.runs(sqlite)[NAME].info.status == "RUNNING"
    assert stored.count(sqlite) == 20
    write(sqlite)
    (found,) = stored.runs(sqlite).values()
    assert found.info.run_id == run.info.run_id
    assert found.info.status == "FINISHED"
    assert found.data.params == whole.params
    assert stored.count(sqlite) == len(whole.points)


def test_a_parameter_that_reads_otherwise_now_does_not_stop_completion(sqlite: Sqlite):
    writer, whole = Writer(sqlite, "four_knobs"), entry_of()
    run = writer._create(whole.name, whole.started, whole.tags)
    writer._log(run, dataclasses.replace(whole, points=[], params={"optimizer.lr": "1e-3"}))
    write(sqlite)
    (found,) = stored.runs(sqlite).values()
    assert found.info.status == "FINISHED"
    assert found.data.params == {**whole.params, "optimizer.lr": "1e-3"}


def test_a_failed_run_is_replaced_by_its_repetition(sqlite: Sqlite):
    write(sqlite, status=FAILED, error="out of memory", metrics={}, history=[])
    assert stored.runs(sqlite)["baseline seed 3 (failed)"].info.status == "FAILED"
    write(sqlite, started=RUN.started + 60)
    assert {name: run.info.status for name, run in stored.runs(sqlite).items()} == {
        NAME: "FINISHED"
    }


def test_a_failed_run_of_unknown_time_is_stored_once(sqlite: Sqlite):
    dead = {"status": FAILED, "error": "died", "metrics": {}, "history": []}
    write(sqlite, **dead, started=0.0, seconds=0.0)
    write(sqlite, **dead, started=0.0, seconds=0.0)
    (run,) = stored.runs(sqlite).values()
    assert run.info.start_time > time.time() * 1000 - 60_000
    assert client(sqlite).search_runs([run.info.experiment_id], run_view_type=2) == []  # deleted


def test_a_diverged_run_stays_comparable(sqlite: Sqlite):
    write(sqlite, status=DIVERGED, diverged_at=211, metrics={}, history=RUN.history[:3])
    run = stored.runs(sqlite)["baseline seed 3 (diverged)"]
    assert run.info.status == "FINISHED"
    assert run.data.tags["status"] == "diverged"
    assert run.data.tags["diverged_at"] == "211"
    assert len(stored.points(sqlite, run, "valid/loss")) == 3


def test_more_points_and_parameters_than_one_call_takes(
    sqlite: Sqlite, monkeypatch: pytest.MonkeyPatch
):
    long = result(BASELINE, 0, seed=3, epochs=500)
    many = {f"factor{i}": str(i) for i in range(230)}
    writer, calls = Writer(sqlite, "four_knobs"), []
    send = writer.client.log_batch

    def log_batch(run_id: str, metrics: list[object], params: list[object]) -> None:
        calls.append((len(metrics) + len(params), len(params)))
        send(run_id, metrics, params)

    monkeypatch.setattr(writer.client, "log_batch", log_batch)
    writer.write(entry(long, "four_knobs", "baseline", many))
    assert max(calls) == (1000, 100)
    assert max(params for _, params in calls) == 100
    run = stored.runs(sqlite)[NAME]
    assert many.items() <= run.data.params.items()
    assert len(stored.points(sqlite, run, "valid/loss")) == 500


def test_two_studies_share_an_experiment(sqlite: Sqlite):
    sqlite.experiment = "thesis"
    for study in ("one", "two's"):
        Writer(sqlite, study).write(entry(RUN, study, f"{study} baseline", BASELINE))
        Writer(sqlite, study).write(entry(RUN, study, f"{study} baseline", BASELINE))
    assert set(stored.runs(sqlite, "thesis")) == {"one baseline seed 3", "two's baseline seed 3"}


def test_a_removed_experiment_is_taken_up_again(sqlite: Sqlite):
    write(sqlite)
    mlflow = client(sqlite)
    mlflow.delete_experiment(mlflow.get_experiment_by_name("four_knobs").experiment_id)
    write(sqlite, run_id="other", seed=4)
    assert "baseline seed 4" in stored.runs(sqlite)


def test_the_summary_is_one_run_that_is_renewed(sqlite: Sqlite, tmp_path: Path):
    report = tmp_path / "report.html"
    report.write_text("first")
    values = effect_metrics(effects())
    Writer(sqlite, "four_knobs").write_summary(values, "| first |", {report: ""}, 1000)
    changed = {**values, "effect/clip:1/estimate": 0.5}
    report.write_text("second")
    for moment in (2000, 3000):
        Writer(sqlite, "four_knobs").write_summary(changed, "| second |", {report: ""}, moment)
    (run,) = stored.runs(sqlite).values()
    assert run.info.run_name == "four_knobs summary"
    assert run.data.tags["mlflow.note.content"] == "| second |"
    assert run.data.metrics == changed
    old = values["effect/clip:1/estimate"]
    assert stored.points(sqlite, run, "effect/clip:1/estimate") == [(0, 1000, old), (0, 2000, 0.5)]
    assert len(stored.points(sqlite, run, "effect/clip:1/ci_low")) == 1
    found = client(sqlite).download_artifacts(run.info.run_id, "report.html")
    assert Path(found).read_text() == "second"
    page = client(sqlite).get_experiment(run.info.experiment_id).tags["mlflow.note.content"]
    assert f"runs/{run.info.run_id})" in page


def test_effects_are_those_of_one_metric():
    values = effect_metrics(effects())
    assert values["effect/dropout:0.75/estimate"] == 0.03
    assert values["effect/init:xavier/ci_high"] == 0.03
    assert "effect/dropout:0/ci_low" not in values  # one pair has no interval
    assert len(values) == 13 * 3 - 2
    assert effect_metrics(effects(), "no such metric") == {}


def test_views_are_saved_once(sqlite: Sqlite):
    write(sqlite)
    mlflow = client(sqlite)
    experiment = mlflow.get_experiment_by_name("four_knobs")
    (tag, *_) = [tag for tag in experiment.tags if tag.startswith("mlflow.sharedViewState.")]
    mlflow.set_experiment_tag(experiment.experiment_id, tag, "the user's own")
    write(sqlite, run_id="other", seed=4)
    tags = mlflow.get_experiment(experiment.experiment_id).tags
    assert tags[tag] == "the user's own"


@pytest.mark.skipif(os.name != "posix", reason="paths as POSIX writes them")
def test_artifacts_of_any_experiment_stay_beside_the_store(sqlite: Sqlite):
    sqlite.experiment = "../a b/100 %"
    write(sqlite)
    (folder,) = (Path(sqlite.store).parent / "mlartifacts").iterdir()
    assert len(list(folder.rglob("experiment.json"))) == 1
