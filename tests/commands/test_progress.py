"""Plain lines where the output is not a terminal."""

import pytest

from rnn_regexp.commands.progress import Bar
from rnn_regexp.ledger import FAILED, FINISHED, RunResult


def result(status: str, error: str | None = None) -> RunResult:
    return RunResult("0123456789ab", 0, status, {}, error=error)


def test_lines_say_runs_done_and_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    with Bar([2, 1], epochs=[4, 4], before=5) as bar:
        bar.epoch(0, 2)
        bar.ended(0, [result(FINISHED), result(FINISHED)])
        bar.ended(1, [result(FAILED, "Traceback ...\nValueError: no such gate")])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("7 of 8 runs, ")
    assert lines[0].endswith(" s left")
    assert lines[1] == "run 0123456789ab failed: ValueError: no such gate"
    assert lines[2].startswith("8 of 8 runs, 1 diverged or failed, ")
    assert lines[2].endswith("about 0 s left")


def test_a_single_run_needs_no_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with Bar([1], epochs=[1], before=0) as bar:
        bar.ended(0, [result(FINISHED)])
    assert capsys.readouterr().out == ""


def test_cohorts_may_have_different_budgets(capsys: pytest.CaptureFixture[str]) -> None:
    with Bar([1, 1], epochs=[2, 8], before=0) as bar:
        bar._printed -= 100
        bar._started -= 10
        bar.epoch(1, 5)
    assert "10 s, about 10 s left" in capsys.readouterr().out  # 5 of 10 epochs
