"""What becomes of a cohort that fails, without training any."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rnn_regexp.executors import Local
from rnn_regexp.executors.work import KILLED, Part, Work, last_line
from rnn_regexp.experiment import Experiment, failure
from rnn_regexp.ledger import FINISHED, Ledger, RunResult
from tests.executors.cohorts import Log, experiment

Train = Callable[[Part], list[RunResult] | str]
OOM = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB"


def cohorts(*sizes: int) -> list[list[Experiment]]:
    seeds = iter(range(sum(sizes)))
    return [[experiment(next(seeds)) for _ in range(size)] for size in sizes]


def finished(own: Experiment) -> RunResult:
    result = failure(own, "")
    result.status, result.error = FINISHED, None
    return result


def carry_out(
    folder: Path, train: Train, *sizes: int, fail_fast: bool = False, **settings: int
) -> tuple[list[list[int]], Log, Ledger]:
    """The seeds of each part in the order of training; a text in place of results is an error."""
    ledger, log, order = Ledger(folder), Log(), []
    work = Work(Local(**settings), cohorts(*sizes), ledger, log, fail_fast)
    while part := work.take():
        order.append([own.seed for own in part.experiments])
        outcome = train(part)
        if isinstance(outcome, str):
            work.lost(part, outcome)
        else:
            work.ended(part, outcome)
    return order, log, ledger


def breaks(bad: set[int], error: str = "ValueError: bad") -> Train:
    """Parts with a bad seed fail."""

    def train(part: Part) -> list[RunResult] | str:
        if bad & {own.seed for own in part.experiments}:
            return error
        return [finished(own) for own in part.experiments]

    return train


def too_wide(widest: int, error: str) -> Train:
    return lambda part: error if len(part.experiments) > widest else breaks(set())(part)


def test_a_bad_run_is_found_among_its_neighbours(tmp_path: Path) -> None:
    order, log, _ = carry_out(tmp_path, breaks({2}), 4)
    assert order == [[0, 1, 2, 3], [0, 1, 2, 3], [0, 1], [2, 3], [2], [3]]
    assert sorted((own.seed, own.status) for own in log.results[0]) == [
        (0, "finished"),
        (1, "finished"),
        (2, "failed"),
        (3, "finished"),
    ]
    assert log.lines[0] == "cohort 0, 4 runs: ValueError: bad; trained again"
    assert log.lines[1] == "cohort 0, 4 runs: ValueError: bad; trained as 2 + 2 runs"


@pytest.mark.parametrize("error", [OOM, KILLED, "MemoryError", "RuntimeError: not enough memory"])
def test_too_large_for_memory_is_halved_without_using_up_a_try(error: str, tmp_path: Path) -> None:
    order, log, _ = carry_out(tmp_path, too_wide(2, error), 5, 2, retries=0)
    assert order == [[0, 1, 2, 3, 4], [0, 1], [2, 3, 4], [2], [3, 4], [5, 6]]
    assert {own.status for runs in log.results.values() for own in runs} == {FINISHED}
    assert [line.rpartition("; ")[2] for line in log.lines] == [
        "trained as 2 + 3 runs",
        "trained as 1 + 2 runs",
    ]


def test_a_half_that_is_recorded_is_not_trained_again(tmp_path: Path) -> None:
    def train(part: Part) -> list[RunResult] | str:
        if len(part.experiments) == 4:  # the worker recorded two runs before it was killed
            for own in part.experiments[:2]:
                Ledger(tmp_path).record(finished(own))
            return KILLED
        return [finished(own) for own in part.experiments]

    order, log, _ = carry_out(tmp_path, train, 4)
    assert order == [[0, 1, 2, 3], [2, 3]]
    assert [own.seed for own in log.results[0]] == [0, 1, 2, 3]


@pytest.mark.parametrize(("retries", "tries"), [(0, 1), (2, 3)])
def test_a_run_alone_gets_its_tries(retries: int, tries: int, tmp_path: Path) -> None:
    order, log, ledger = carry_out(tmp_path, breaks({0}), 1, 1, retries=retries)
    assert order == [[0]] * tries + [[1]]
    assert log.results[0][0].error == "ValueError: bad"
    names = [own["event"] for own in ledger.events()]
    assert names == ["lost", "again"] * (tries - 1) + ["lost"]


def test_one_failure_after_another_with_one_message_stops_the_study(tmp_path: Path) -> None:
    order, log, ledger = carry_out(
        tmp_path, breaks({1, 2, 3, 4, 5}), *[1] * 7, retries=0, give_up=3
    )
    assert order == [[0], [1], [2], [3]]
    assert log.lines[-1] == (
        "3 failures in a row with the same message: nothing more is started (executor.give_up=3)"
    )
    assert ledger.events()[-1]["event"] == "stopped"
    assert set(log.results) == {0, 1, 2, 3}


@pytest.mark.parametrize("between", ["success", "another message"])
def test_failures_that_are_not_in_a_row_stop_nothing(between: str, tmp_path: Path) -> None:
    def train(part: Part) -> list[RunResult] | str:
        if part.cohort % 3 == 2:
            return "KeyError: 3" if between == "another message" else breaks(set())(part)
        return "ValueError: bad"

    order, _, _ = carry_out(tmp_path, train, *[1] * 9, retries=0, give_up=3)
    assert len(order) == 9


def test_zero_never_gives_up(tmp_path: Path) -> None:
    order, _, _ = carry_out(tmp_path, breaks(set(range(9))), *[1] * 9, retries=0, give_up=0)
    assert len(order) == 9


def test_fail_fast_stops_at_the_first_run_that_failed(tmp_path: Path) -> None:
    order, log, _ = carry_out(tmp_path, breaks({1}), 1, 2, 1, retries=0, fail_fast=True)
    assert order == [[0], [1, 2], [1]]
    assert [own.status for own in log.results[1]] == ["failed", "failed"]
    assert log.lines[-1] == "a run failed: nothing more is started (study.on_failure=stop)"
    assert 2 not in log.results


def test_the_last_line_of_an_error() -> None:
    assert last_line("Traceback\n  File\nValueError: x\n") == "ValueError: x"
    assert last_line(" \n") == "no message"
