"""Jobs of a real SLURM, which is started for these tests and ends with them.

Needs Debian's packages slurmctld, slurmd, slurm-client and munge.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from signal import SIGINT, SIGTERM
from tempfile import TemporaryDirectory

import pytest

from rnn_regexp.executors import ExecutorError, Local, Slurm, slurm, slurm_queue
from rnn_regexp.experiment import run_id
from rnn_regexp.interruption import Terminated, terminable
from rnn_regexp.ledger import FAILED, FINISHED, Ledger
from tests.executors.cohorts import Log, experiment, faulty
from tests.executors.scheduler import Scheduler, missing
from tests.executors.tables import tables

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def scheduler() -> Iterator[Scheduler]:
    pytest.importorskip(
        "submitit", reason="submitit is not installed: pip install 'rnn-regexp[slurm]'"
    )
    if absent := missing():
        pytest.skip(f"no SLURM to start: {absent} not on PATH")
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        Path(folder).chmod(0o755)  # munge's socket must be in reach
        own = Scheduler(Path(folder))
        patch.setenv("SLURM_CONF", str(own.configuration))
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))  # the jobs inherit it
        try:
            try:
                own.start()
            except RuntimeError as error:
                pytest.skip(f"SLURM does not start here: {error}")
            yield own
        finally:
            own.stop()


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slurm, "POLL", 0.2)
    monkeypatch.setattr(slurm_queue, "PAUSE", 0.5)


def test_a_study_has_the_table_of_one_machine(
    scheduler: Scheduler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    here, there = tables(tmp_path, ["executor=local"], ["executor=slurm"])
    assert len(here) == 6
    assert here == there


def test_an_array_in_which_what_breaks_costs_its_own_cohort(
    scheduler: Scheduler, tmp_path: Path
) -> None:
    crashing = faulty(2, "segfault", tmp_path / "a", 1)
    raising = faulty(3, "fail", tmp_path / "b", 9)
    cohorts = [[experiment(0), experiment(1)], [experiment(4)], [crashing], [raising]]
    ledger, log, reference = Ledger(tmp_path / "study"), Log(), Log()
    Slurm(workers=1).run(cohorts, ledger, log)
    logs = [path.name for path in ledger.folder.glob("slurm/*_?_0_log.out")]
    assert sorted(name.partition("_")[2] for name in logs) == [f"{n}_0_log.out" for n in range(4)]
    assert [event["event"] for event in ledger.events()][:4] == ["started", "ended"] * 2
    Local().run(cohorts, Ledger(tmp_path / "here"), reference)
    expected = {0: [FINISHED] * 2, 1: [FINISHED], 2: [FINISHED], 3: [FAILED]}
    assert log.statuses == reference.statuses == expected
    for index, theirs in log.results.items():
        assert [own.metrics for own in theirs] == [o.metrics for o in reference.results[index]]


def test_what_sbatch_refuses_is_one_line(scheduler: Scheduler, tmp_path: Path) -> None:
    with pytest.raises(ExecutorError, match=r"sbatch refused the jobs: .*partition"):
        Slurm(partition="nowhere").run([[experiment(0)]], Ledger(tmp_path), Log())


def requeued(scheduler: Scheduler) -> None:
    """As an operator does who wants the node."""
    for job in running(scheduler):
        scheduler.ask("scontrol", "requeue", job)


def preempted(scheduler: Scheduler) -> None:
    """By a job that needs the whole node, in a partition that comes first."""
    assert scheduler.ask("sbatch", "-p", "high", "-c", "2", "--output=/dev/null", "--wrap=true")


def out_of_time(scheduler: Scheduler) -> None:
    """SLURM counts minutes, so the signal it sends before they are over comes from here."""
    for job in running(scheduler):
        scheduler.ask("scancel", "--signal=USR2", job)


def running(scheduler: Scheduler) -> list[str]:
    return scheduler.ask("squeue", "--noheader", "--array", "--states=R", "--format=%i").split()


@pytest.mark.parametrize("harm", [requeued, preempted, out_of_time])
def test_a_job_that_loses_its_place_goes_on_from_its_checkpoint(
    scheduler: Scheduler, tmp_path: Path, harm: Callable[[Scheduler], None]
) -> None:
    own, ledger, reference = experiment(0, epochs=400), Ledger(tmp_path / "study"), Log()
    log = Log(lambda: harm(scheduler))
    Slurm(retries=0, time_limit=4.0).run([[own]], ledger, log)  # it waits longer, and may
    Local().run([[own]], Ledger(tmp_path / "here"), reference)
    assert log.statuses == {0: [FINISHED]}
    assert log.results[0][0].metrics == reference.results[0][0].metrics
    assert [event["event"] for event in ledger.events()] == ["started", "started", "ended"]
    told = [epochs for _, epochs in log.epochs if epochs]
    assert told == sorted(told)


def test_a_job_that_is_cancelled_costs_its_own_cohort_and_the_same_command_goes_on(
    scheduler: Scheduler, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    cohorts = [[experiment(seed, epochs=250)] for seed in (0, 1, 2)]
    ledger, log, again = Ledger(tmp_path), Log(), Log()

    def cancel_one_that_has_begun() -> None:
        while len([own for own in ledger.events() if own["event"] == "started"]) < 2:
            time.sleep(0.1)  # two jobs run at once, and one has told of an epoch
        scheduler.ask("scancel", running(scheduler)[0])

    log.first = cancel_one_that_has_begun
    Slurm(retries=0).run(cohorts, ledger, log)
    (lost,) = [own for own in ledger.results() if own.status == FAILED]
    assert lost.error.splitlines()[-1] == "the job ended without a result (CANCELLED)"
    assert capfd.readouterr().err == ""
    (cohort,) = [own for own in cohorts if run_id(own[0]) == lost.run_id]
    Slurm(retries=0).run([cohort], ledger, again)
    assert again.statuses == {0: [FINISHED]}
    started = [own["runs"][0] for own in ledger.events() if own["event"] == "started"]
    assert sorted(started.count(run_id(*own)) for own in cohorts) == [1, 1, 2]


def by_signal(number: int) -> Callable[[], None]:
    return lambda: os.kill(os.getpid(), number)


def by_a_bug() -> None:
    raise ZeroDivisionError


@pytest.mark.usefixtures("listening")
@pytest.mark.parametrize(
    ("end", "error"),
    [
        (by_signal(SIGTERM), Terminated),
        (by_signal(SIGINT), Terminated),
        (by_a_bug, ZeroDivisionError),
    ],
    ids=["SIGTERM", "Ctrl-C", "a bug"],
)
def test_a_controller_that_ended_finds_its_jobs_again(
    end: Callable[[], None],
    error: type[BaseException],
    scheduler: Scheduler,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cohorts = [[experiment(seed, epochs=250)] for seed in (0, 1)]
    ledger, log, again = Ledger(tmp_path), Log(end), Log()
    with pytest.raises(error), terminable():
        Slurm(retries=0).run(cohorts, ledger, log)
    (line,) = log.lines
    job = next(tmp_path.glob("slurm/*_0_0_log.out")).name.partition("_")[0]
    assert line == f"the jobs go on; the same command finds them, `scancel {job}` ends them"
    submitted = []
    monkeypatch.setattr(slurm._Jobs, "_submit_array", lambda jobs, array: submitted.append(array))
    Slurm(retries=0).run(cohorts, ledger, again)
    assert again.statuses == {0: [FINISHED], 1: [FINISHED]}
    assert submitted == []
