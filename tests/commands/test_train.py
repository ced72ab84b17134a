"""What ``rnn-regexp train`` says of a run."""

import pytest

from rnn_regexp.commands.train import line
from rnn_regexp.ledger import DIVERGED, FAILED, FINISHED, RunResult
from rnn_regexp.tasks import ALL as TASKS
from rnn_regexp.training.record import metric_names


@pytest.mark.parametrize("task", TASKS)
def test_a_finished_run_shows_all_that_its_task_measures(task: str):
    measured = metric_names(TASKS[task].metrics)
    result = RunResult("abc", 3, FINISHED, {}, dict.fromkeys(measured, 0.25), seconds=1.25)
    said = line(result)
    for name in TASKS[task].metrics:
        assert f"valid/{name} 0.2500" in said
        assert f"test/{name} 0.2500" in said
    assert said.startswith("abc seed 3: train/loss 0.2500, ")
    assert said.endswith(" (1.2 s)")
    assert "train_eval" not in said
    assert "gradient_norm" not in said


def test_the_best_epochs_metrics_are_left_to_the_record():
    metrics = {"train/loss": 1.0, "test/accuracy": 0.5, "best/test/accuracy": 0.75}
    assert "best" not in line(RunResult("abc", 0, FINISHED, {}, metrics))


def test_a_run_that_did_not_finish_says_so_instead():
    assert line(RunResult("abc", 0, DIVERGED, {}, diverged_at=7)) == "abc diverged at step 7"
    failed = RunResult("abc", 0, FAILED, {}, error="Traceback ...\nValueError: no such unit\n")
    assert line(failed) == "abc failed: ValueError: no such unit"
