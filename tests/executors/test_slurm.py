"""Jobs of submitit on this machine; those of a real SLURM are in ``test_slurm_daemons``."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from rnn_regexp.executors import ExecutorError, Local, Slurm, slurm
from rnn_regexp.executors.slurm import Cluster
from rnn_regexp.experiment import run_id
from rnn_regexp.interruption import Terminated, terminable
from rnn_regexp.ledger import FAILED, FINISHED, Ledger
from rnn_regexp.training.settings import Training
from tests.executors.cohorts import Log, experiment, faulty, ids
from tests.executors.tables import tables


def here(**settings: object) -> Slurm:
    return Slurm(cluster=Cluster.local, **settings)


def test_without_the_package_it_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(ExecutorError) as refusal:
        here().check(Training())
    assert str(refusal.value) == (
        "executor=slurm needs the package submitit: pip install 'rnn-regexp[slurm]'"
    )


@pytest.fixture(autouse=True)
def submitit(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "without_the_package" not in request.node.name:
        why = "submitit is not installed: pip install 'rnn-regexp[slurm]'"
        pytest.importorskip("submitit", reason=why)
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        monkeypatch.setattr(slurm, "POLL", 0.2)


@pytest.mark.slow
def test_the_same_numbers_as_here(tmp_path: Path) -> None:
    cohorts = [[experiment(0), experiment(1)], [experiment(2)]]
    logs = []
    for name, own in {"local": Local(), "slurm": here()}.items():
        logs.append(log := Log())
        own.run(cohorts, Ledger(tmp_path / name), log)
        assert set(Ledger(tmp_path / name).recorded()) == ids(*cohorts[0], *cohorts[1])
    for index in range(2):
        ours, theirs = (log.results[index] for log in logs)
        assert [own.metrics for own in ours] == [own.metrics for own in theirs]


@pytest.mark.slow
def test_a_study_has_the_table_of_one_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    jobs = ["executor=slurm", "executor.cluster=local"]
    ours, theirs = tables(tmp_path, ["executor=local"], jobs)
    assert len(ours) == 6
    assert ours == theirs


@pytest.mark.slow
def test_a_job_that_dies_or_hangs_is_tried_again_and_says_why(tmp_path: Path) -> None:
    dying = faulty(0, "segfault", tmp_path / "a", 1)
    hanging = faulty(1, "hang", tmp_path / "b", 1)
    raising = faulty(2, "fail", tmp_path / "c", 9)
    ledger, log = Ledger(tmp_path / "study"), Log()
    here(time_limit=5.0).run([[dying], [hanging], [raising]], ledger, log)
    assert log.statuses == {0: [FINISHED], 1: [FINISHED], 2: [FAILED]}
    said = {line.partition(",")[0]: line.partition(": ")[2] for line in log.lines}
    assert said == {
        "cohort 0": "the job ended without a result (FINISHED); trained again",
        "cohort 1": "the job showed no progress for 5 s (executor.time_limit); trained again",
        "cohort 2": "ValueError: no such gate; trained again",
    }
    assert ledger.result(run_id(raising)).error.startswith("Traceback")


@pytest.mark.slow
def test_a_preempted_job_is_queued_again(tmp_path: Path) -> None:
    """submitit's signal ends the job's process and starts it anew; no try is used up."""
    own, ledger, handles = experiment(0, epochs=400), Ledger(tmp_path), []
    submit = slurm._Jobs._submit_array

    def remember(jobs: slurm._Jobs, array: object) -> None:
        submit(jobs, array)
        handles.extend(running.handle for running in jobs.running)

    def preempt() -> None:
        (job,) = children(handles[0]._process.pid)
        os.kill(job, signal.SIGUSR2)

    log = Log(preempt)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slurm._Jobs, "_submit_array", remember)
        here(retries=0).run([[own]], ledger, log)
    assert log.statuses == {0: [FINISHED]}
    assert [event["event"] for event in ledger.events()] == ["started", "started", "ended"]
    told = [epochs for _, epochs in log.epochs if epochs]
    assert told == sorted(told)  # it went on from its checkpoint


def children(parent: int) -> list[int]:
    listed = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(child) for child in listed]


@pytest.mark.slow
@pytest.mark.usefixtures("listening")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda own: own.name)
def test_a_signal_ends_the_jobs_behind_a_checkpoint_and_no_run_has_failed(
    number: int, tmp_path: Path
) -> None:
    ledger, log = Ledger(tmp_path), Log(lambda: os.kill(os.getpid(), number))
    with pytest.raises(Terminated), terminable():
        here().run([[experiment(0, epochs=100000)]], ledger, log)
    assert ledger.results() == []
    assert len(list(tmp_path.glob("checkpoints/*.safetensors"))) == 1
    sign = next((tmp_path / "slurm").glob("*.progress"))
    time.sleep(1.5)
    before = sign.read_text()
    time.sleep(0.5)
    assert sign.read_text() == before


def test_the_script_asks_slurm_for_what_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "srun").write_text("")
    (tmp_path / "srun").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    own = Slurm(partition="gpu", minutes=90, gpus=1, memory=4, threads=2, workers=3, grace=40)
    own.options = {"qos": "high"}
    script = own.submitter(tmp_path)._executor._make_submission_file_text("train", "1")
    wanted = {"partition=gpu", "time=90", "gpus-per-node=1", "mem=4GB", "cpus-per-task=2"}
    wanted |= {"signal=USR2@40", "qos=high"}
    assert wanted <= {line.removeprefix("#SBATCH --") for line in script.splitlines()}


def test_without_slurm_it_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ExecutorError, match=r'^executor=slurm: .*"srun".*executor.cluster=local'):
        Slurm().run([[experiment(0)]], Ledger(tmp_path / "study"), Log())


@pytest.mark.parametrize(
    "options", [{"qos": "high\nrm -rf x"}, {"wrap": "a b"}, {"qos;x": "high"}, {"Qos": "1"}]
)
def test_an_option_is_a_word_and_nothing_else(options: dict[str, str]) -> None:
    with pytest.raises(ExecutorError, match="is no option of sbatch"):
        Slurm(options=options).check(Training())
