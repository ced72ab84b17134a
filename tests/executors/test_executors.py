"""Both executors give the same results; a worker that dies costs its own cohort only."""

import multiprocessing
from collections.abc import Sequence
from pathlib import Path

import pytest

from rnn_regexp.config import to_config
from rnn_regexp.config.overrides import Places
from rnn_regexp.executors import Local, Processes
from rnn_regexp.experiment import Experiment, run_id
from rnn_regexp.ledger import FAILED, FINISHED, Ledger, RunResult


def experiment(seed: int, *words: str) -> Experiment:
    small = ["training=smoke", "model.hidden=8", "model.embedding=8", "dataset=digits"]
    return to_config(Places().compose([*small, f"seed={seed}", *words])).experiment()


class Log:
    """A watch that remembers, and does something at the first epoch."""

    def __init__(self, first: object = None) -> None:
        self.first, self.epochs, self.results = first, [], {}

    def epoch(self, cohort: int, epochs: int) -> None:
        self.epochs.append((cohort, epochs))
        if callable(self.first) and len(self.epochs) == 1:
            self.first()

    def ended(self, cohort: int, results: Sequence[RunResult]) -> None:
        self.results[cohort] = list(results)


def numbers(results: Sequence[RunResult]) -> list[dict[str, float]]:
    return [result.metrics for result in results]


def test_processes_and_local_agree_bit_for_bit(tmp_path: Path) -> None:
    cohorts = [[experiment(0), experiment(1)], [experiment(2)]]
    logs = []
    for name, executor in {"local": Local(), "processes": Processes(workers=2)}.items():
        ledger, log = Ledger(tmp_path / name), Log()
        executor.run(cohorts, ledger, log)
        assert set(ledger.recorded()) == {run_id(own) for cohort in cohorts for own in cohort}
        assert sorted(log.epochs) == [(0, 1), (0, 2), (1, 1), (1, 2)]
        logs.append(log)
    assert all(numbers(logs[0].results[i]) == numbers(logs[1].results[i]) for i in range(2))


def test_a_dead_worker_costs_its_own_cohort_only(tmp_path: Path) -> None:
    def kill() -> None:
        multiprocessing.active_children()[0].kill()

    ledger, log = Ledger(tmp_path), Log(kill)
    long = [experiment(0, "training.epochs=500"), experiment(1, "training.epochs=500")]
    Processes(workers=1).run([long, [experiment(2)]], ledger, log)
    assert [result.status for result in log.results[0]] == [FAILED, FAILED]
    assert log.results[0][0].error == "the worker process died (exit code -9)"
    assert [result.status for result in log.results[1]] == [FINISHED]
    assert set(ledger.recorded()) == {run_id(experiment(2))}
    assert not multiprocessing.active_children()


def test_a_cohort_that_raises_is_recorded_and_the_next_one_trains(tmp_path: Path) -> None:
    bad = experiment(0)
    bad.model.hidden = -1  # past the border's checks, as a bug of ours would be
    log = Log()
    Local().run([[bad], [experiment(1)]], Ledger(tmp_path), log)
    (failed,) = log.results[0]
    assert failed.status == FAILED
    assert failed.error is not None
    assert "Traceback" in failed.error
    assert log.results[1][0].status == FINISHED


@pytest.mark.parametrize("workers", [0, 7])
def test_no_more_workers_than_cohorts(workers: int, tmp_path: Path) -> None:
    seen: list[int] = []
    log = Log(lambda: seen.append(len(multiprocessing.active_children())))
    Processes(workers=workers).run([[experiment(0)]], Ledger(tmp_path), log)
    assert seen == [1]
