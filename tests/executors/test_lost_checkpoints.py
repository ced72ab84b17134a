"""A checkpoint that cannot be written ends the command; no run has failed, and all goes on."""

import multiprocessing
from pathlib import Path

import pytest

from rnn_regexp.errors import BadInput
from rnn_regexp.executors import Local, Processes
from rnn_regexp.executors.settings import Executor
from rnn_regexp.experiment import Experiment, run_cohort, run_id
from rnn_regexp.ledger import FINISHED, Ledger
from tests.executors.cohorts import Log, experiment

EXECUTORS = [Local(), Processes(workers=1)]


def often(seed: int) -> Experiment:
    own = experiment(seed)
    own.training.checkpoint_epochs = 1
    own.training.checkpoint_seconds = 1e9
    return own


@pytest.mark.parametrize("executor", EXECUTORS, ids=lambda own: type(own).__name__)
def test_no_run_fails_and_the_same_command_goes_on(executor: Executor, tmp_path: Path) -> None:
    ledger, cohort = Ledger(tmp_path / "study"), [often(0), often(1)]
    ledger.require_writable()
    (ledger.folder / "checkpoints").write_text("no folder")
    with pytest.raises(
        BadInput, match=r"^output: cannot write to .*study \(.*same command goes on$"
    ):
        executor.run([cohort], ledger, Log())
    assert ledger.results() == []
    assert not any(own["event"] == "lost" for own in ledger.events())
    assert not multiprocessing.active_children()
    (ledger.folder / "checkpoints").unlink()
    executor.run([cohort], ledger, Log())
    assert [own.status for own in ledger.results()] == [FINISHED] * 2


def test_a_cohort_that_goes_on_says_so(tmp_path: Path) -> None:
    class Cut(BaseException):
        pass

    def cut(epochs: int) -> None:
        raise Cut

    ledger, cohort = Ledger(tmp_path), [often(0)]
    with pytest.raises(Cut):
        run_cohort(cohort, ledger, cut)
    run_cohort(cohort, ledger)
    (resumed,) = [own for own in ledger.events() if own["event"] == "resumed"]
    assert resumed["runs"] == [own.run_id for own in ledger.results()]
    assert resumed["epochs"] == 1


def test_how_often_is_no_part_of_a_run() -> None:
    assert run_id(often(0)) == run_id(experiment(0))
