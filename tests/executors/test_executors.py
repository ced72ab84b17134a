"""Every executor gives the same results; whatever breaks costs its own cohort only."""

import multiprocessing
import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from rnn_regexp.executors import Auto, Executor, Local, Processes, auto, devices, server
from rnn_regexp.experiment import run_id
from rnn_regexp.interruption import ENDING, Terminated, terminable
from rnn_regexp.ledger import FAILED, FINISHED, Ledger, LedgerError, RunResult
from rnn_regexp.training.settings import Device
from tests.executors.cohorts import Log, experiment, faulty, ids


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
        assert [own["event"] for own in ledger.events()] == [
            "started",
            "ended",
        ] * 2 or name != "local"
        logs.append(log)
    assert all(numbers(logs[0].results[i]) == numbers(logs[1].results[i]) for i in range(2))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("segfault", "the worker process died (SIGSEGV)"),
        ("fail", "ValueError: no such gate"),
        ("hang", "the worker showed no progress for 3 s (executor.time_limit)"),
    ],
)
def test_what_breaks_once_is_trained_again(fault: str, said: str, tmp_path: Path) -> None:
    bad = [faulty(0, fault, tmp_path / "counter", 1), experiment(1)]
    ledger, log = Ledger(tmp_path / "study"), Log()
    limit = 3.0 if fault == "hang" else None
    Processes(workers=1, time_limit=limit).run([bad, [experiment(2)]], ledger, log)
    assert log.lines == [f"cohort 0, 2 runs: {said}; trained again"]
    assert set(ledger.recorded()) == ids(*bad, experiment(2))
    assert log.statuses == {0: [FINISHED] * 2, 1: [FINISHED]}
    lost = [own["error"] for own in ledger.events() if own["event"] == "lost"]
    assert lost == [said]
    assert not multiprocessing.active_children()


def test_a_run_that_breaks_every_time_is_left_alone_with_its_traceback(tmp_path: Path) -> None:
    bad = faulty(0, "segfault", tmp_path / "counter", 99)
    good = [experiment(seed) for seed in (1, 2, 3)]
    ledger, log = Ledger(tmp_path / "study"), Log()
    Processes(workers=1, retries=0).run([[good[0], bad, *good[1:]]], ledger, log)
    assert set(ledger.recorded()) == ids(*good)
    assert sorted(log.statuses[0]) == [FAILED, *[FINISHED] * 3]
    error = ledger.result(run_id(bad)).error
    assert error.endswith("\nthe worker process died (SIGSEGV)")
    assert "faults.py" in error, "the stack of the crash is missing"
    died = "the worker process died (SIGSEGV)"
    assert log.lines == [
        f"cohort 0, 4 runs: {died}; trained as 2 + 2 runs",
        f"cohort 0, 2 runs: {died}; trained as 1 + 1 runs",
    ]


@pytest.mark.parametrize(
    ("fault", "said"), [("exhaust", "DefaultCPUAllocator"), ("kill", "SIGKILL")]
)
def test_a_cohort_too_large_for_memory_is_halved(fault: str, said: str, tmp_path: Path) -> None:
    first = faulty(0, fault, tmp_path / "counter", 1)
    cohort = [first, *(experiment(seed) for seed in (1, 2))]
    ledger, log = Ledger(tmp_path / "study"), Log()
    Processes(workers=1).run([cohort], ledger, log)
    assert set(ledger.recorded()) == ids(*cohort)
    (line,) = log.lines
    assert said in line
    assert line.endswith("; trained as 1 + 2 runs")


def test_what_a_dead_worker_had_recorded_stays(tmp_path: Path) -> None:
    """A worker that dies between two records: the first run is kept as it is."""
    done, bad = experiment(0), faulty(1, "segfault", tmp_path / "counter", 99)
    ledger = Ledger(tmp_path / "study")
    Local().run([[done]], ledger, Log())
    kept = ledger.result(run_id(done))
    log = Log()
    Processes(workers=1, retries=0).run([[done, bad]], ledger, log)
    assert ledger.result(run_id(done)) == kept
    assert {own.run_id: own.status for own in log.results[0]} == {
        run_id(done): FINISHED,
        run_id(bad): FAILED,
    }


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


def test_sigterm_lets_a_cohort_end_within_the_grace_time(tmp_path: Path) -> None:
    """The worker ends between two epochs; what another one finishes meanwhile is kept."""
    short, long = experiment(0), experiment(1, epochs=100000)
    ledger, log = Ledger(tmp_path), Log(lambda: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(Terminated), terminable():
        Processes(workers=2, grace=60).run([[long], [short]], ledger, log)
    assert not multiprocessing.active_children()
    assert FAILED not in {own.status for own in ledger.results()}
    assert "lost" not in {own["event"] for own in ledger.events()}


@pytest.mark.usefixtures("listening")
@pytest.mark.parametrize("number", ENDING, ids=lambda own: own.name)
@pytest.mark.parametrize("executor", [Local(), Processes(workers=1)], ids=["local", "processes"])
def test_a_signal_leaves_a_checkpoint_from_which_training_goes_on(
    executor: Executor, number: int, tmp_path: Path
) -> None:
    cohort = [experiment(0, epochs=200), experiment(1, epochs=200)]
    log = Log(lambda: os.kill(os.getpid(), number))
    with pytest.raises(Terminated), terminable():
        executor.run([cohort], Ledger(tmp_path), log)
    assert len(list((tmp_path / "checkpoints").glob("*.safetensors"))) == 1
    assert Ledger(tmp_path).results() == []
    after = Log()
    executor.run([cohort], Ledger(tmp_path), after)
    assert after.epochs[0] > (0, 1)
    reference = Log()
    Local().run([cohort], Ledger(tmp_path / "undisturbed"), reference)
    assert numbers(after.results[0]) == numbers(reference.results[0])


def unheard() -> None:
    raise BrokenPipeError(32, "Broken pipe")  # as `print` does where nobody reads on


def test_a_watch_that_breaks_is_not_taken_for_a_dead_worker(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    with pytest.raises(BrokenPipeError):
        Processes(workers=1).run([[experiment(0, epochs=100000)]], ledger, Log(unheard))
    assert not multiprocessing.active_children()
    assert "lost" not in {own["event"] for own in ledger.events()}


def test_a_worker_that_says_it_has_ended_and_lives_on_is_not_waited_for(tmp_path: Path) -> None:
    """Its pipe is closed, and nothing ends it but we."""
    bad = faulty(0, "part", tmp_path / "counter", 1)
    ledger, log = Ledger(tmp_path / "study"), Log()
    Processes(workers=1).run([[bad]], ledger, log)
    assert log.statuses == {0: [FINISHED]}
    assert len(log.lines) == 1, log.lines


def test_a_full_disk_ends_the_study_with_one_line(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "study")
    ledger.require_writable()
    (ledger.folder / "runs").write_text("no folder: nothing can be recorded")
    with pytest.raises(LedgerError, match=r"^output: cannot write to .*study \(.*same command"):
        Processes(workers=1).run([[experiment(0)]], ledger, Log())
    assert not multiprocessing.active_children()


def test_auto_says_what_it_takes_and_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = [[experiment(0)], [experiment(1)]]
    monkeypatch.setattr(auto, "cores", lambda: 4)
    chosen = {
        "there is one cohort": Auto().choose(many[:1]),
        "there are 2 cohorts and 4 cores": Auto(retries=3).choose(many),
        "there is one core": Auto(threads=4).choose(many),
        "only a process of its own can be ended after a time limit": Auto(time_limit=9.0).choose(
            many[:1]
        ),
    }
    (soon := Auto()).prepare(many, seconds=1.1)
    chosen["processes would start for longer than they save"] = soon.choose(many)
    assert [reason for _, reason in chosen.values()] == list(chosen)
    kinds = [type(executor) for executor, _ in chosen.values()]
    assert kinds == [Local, Processes, Local, Processes, Local]
    (late := Auto()).prepare(many, seconds=1.2)  # each, of which four cores save three quarters
    assert late.choose(many)[1] == "there are 2 cohorts and 4 cores"
    assert chosen["there are 2 cohorts and 4 cores"][0].retries == 3
    monkeypatch.setattr(auto, "visible", lambda cohorts: ["0"])
    assert Auto().choose(many)[1] == "there is one GPU"
    monkeypatch.setattr(auto, "visible", lambda cohorts: ["0", "1"])
    assert isinstance(Auto().choose(many)[0], Processes)
    log = Log()
    monkeypatch.setattr(auto, "visible", lambda cohorts: ["0"])
    Auto().run(many, Ledger(tmp_path), log)
    assert log.lines == ["executor=auto: local, for there is one GPU"]
    assert log.statuses == {0: [FINISHED], 1: [FINISHED]}


def test_the_workers_server_starts_before_them_where_there_will_be_any(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    many, started = [[experiment(0)], [experiment(1)]], []
    monkeypatch.setattr(server.forkserver, "ensure_running", lambda: started.append(1))
    monkeypatch.setattr(auto, "cores", lambda: 4)
    for executor in (Local(), Auto(threads=4)):
        executor.prepare(many)
    Auto().prepare(many, seconds=1.0)
    assert not started
    for executor in (Processes(), Auto()):
        executor.prepare(many)
    assert len(started) == 2


def test_gpus_are_those_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    anywhere, here = [[experiment(0, device=Device.auto)]], [[experiment(0)]]
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert devices.visible(anywhere) == ["0", "1"]
    assert devices.visible(here) == []
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3, 5")
    assert devices.visible(anywhere) == ["3", "5"]


def test_a_worker_gets_one_gpu_and_its_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEEN", "by all")
    given = [devices.environment(["3", "5"], slot, threads=2) for slot in range(3)]
    assert [own["CUDA_VISIBLE_DEVICES"] for own in given] == ["3", "5", "3"]
    assert {(own["OMP_NUM_THREADS"], own["SEEN"]) for own in given} == {("2", "by all")}
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert "CUDA_VISIBLE_DEVICES" not in devices.environment([], 0, threads=1)
