import dataclasses
import math

import pytest

from rnn_regexp.ledger import DIVERGED, FAILED, RunResult
from rnn_regexp.tracking.entries import MAIN, Point, allowed, entry, flatten, shown
from tests.tracking.synthetic import BASELINE, STARTED, result

RUN = result(BASELINE, 0, seed=3)


def test_factors_stand_beside_the_main_settings():
    assert entry(RUN, "study", "baseline", BASELINE).columns == tuple(BASELINE)
    assert entry(RUN, "study", "baseline", BASELINE).params == {
        **BASELINE,
        "dataset": "docstrings",
        "model": "gru",
        "model.hidden": "64",
        "optimizer": "adam",
        "optimizer.lr": "0.001",
        "seed": "3",
        "training.epochs": "12",
    }


def test_a_run_without_factors_shows_every_setting():
    own = entry(RUN, "study", "run", {})
    assert own.columns == tuple(sorted(own.columns)) == MAIN
    params = own.params
    assert params["regularizers.dropout.rate"] == "0.5"
    assert params["training.batch_size"] == "32"
    assert params["optimizer"] == "adam"
    assert "regularizers.dropout" not in params
    assert "name" not in params


def test_a_name_is_a_parameter_only_where_it_was_chosen():
    settings = {"name": "experiment", "model": {"name": "gru"}, "clip": {"name": "clip", "by": 1}}
    assert flatten(settings) == {"model": "gru", "clip.by": 1}


def test_history_keeps_its_epochs_and_moments():
    points = entry(RUN, "study", "baseline", BASELINE).points
    losses = [point for point in points if point.key == "valid/loss"]
    assert [point.step for point in losses] == list(range(12))
    moments = [round((STARTED + epoch + 1) * 1000) for epoch in range(12)]
    assert [point.milliseconds for point in losses] == moments
    assert [point.value for point in losses] == [row["valid/loss"] for row in RUN.history]
    assert {point.key for point in points}.isdisjoint({"epoch", "step", "time"})


def test_a_history_without_moments_is_spread_over_the_run():
    undated = [{"epoch": 0.0, "train/loss": 2.0}, {"epoch": 1.0, "train/loss": 1.0}]
    run = dataclasses.replace(RUN, history=undated, metrics={}, started=100.0, seconds=4.0)
    points = entry(run, "study", "baseline", {}).points
    assert points == [Point("train/loss", 2.0, 102_000, 0), Point("train/loss", 1.0, 104_000, 1)]


def test_what_was_measured_once_is_one_point_and_no_metric_is_doubled():
    points = entry(RUN, "study", "baseline", BASELINE).points
    assert [point.step for point in points if point.key == "test/loss"] == [0]
    assert len([point for point in points if point.key == "train/loss"]) == 12
    assert len(points) == len(set(points))


def test_training_metrics_of_the_best_epoch_stand_in_the_history_alone():
    final = {"best/train/loss": 0.5, "best/train_eval/loss": 0.4, "best/test/loss": 0.6}
    points = entry(dataclasses.replace(RUN, metrics=final), "study", "baseline", {}).points
    assert [point.key for point in points if point.key.startswith("best/")] == ["best/test/loss"]


def test_numbers_that_are_none_are_left_out():
    rows = [{"epoch": 0.0, "train/loss": math.nan}, {"epoch": 1.0, "train/loss": math.inf}]
    run = dataclasses.replace(RUN, history=rows, metrics={"test/loss": math.nan})
    assert entry(run, "study", "baseline", {}).points == []


@pytest.mark.parametrize(
    ("status", "name"),
    [(DIVERGED, "clip=1 seed 3 (diverged)"), (FAILED, "clip=1 seed 3 (failed)")],
)
def test_a_run_that_did_not_finish_says_so(status: str, name: str):
    run = dataclasses.replace(RUN, status=status, diverged_at=211, error="Traceback\n  x\nOOM\n")
    found = entry(run, "study", "clip=1", BASELINE)
    assert found.name == name
    tags = found.tags
    assert (tags["status"], tags["diverged_at"], tags["error"]) == (status, "211", "OOM")
    assert "Traceback\n  x\nOOM" in tags["mlflow.note.content"]


def test_tags_identify_the_run_and_its_environment():
    tags = entry(RUN, "four_knobs", "baseline", BASELINE).tags
    assert tags == {
        "study": "four_knobs",
        "variant": "baseline",
        "seed": "3",
        "run_id": RUN.run_id,
        "status": "finished",
        "torch": "2.13.0",
        "python": "3.11.9",
        "revision": "16ecba0",
        "mlflow.source.git.commit": "16ecba0",
    }


def test_a_failure_without_a_word_is_no_tag():
    run = RunResult("ab", 0, FAILED, {}, error="  \n", environment={"revision": ""})
    assert set(entry(run, "s", "v", {}).tags) == {"study", "variant", "seed", "run_id", "status"}


def test_names_and_values_fit_what_mlflow_takes():
    assert allowed("effect/dropout=0.5") == "effect/dropout:0.5"
    assert allowed("loss (µ)") == "loss ___"
    assert shown([0.9, 0.999]) == "0.9,0.999"
    assert len(shown("x" * 9000)) == 5000
