"""What a job does by itself, without submitit and SLURM."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from rnn_regexp.executors import Local
from rnn_regexp.executors.slurm_job import SlurmJob
from rnn_regexp.ledger import Ledger
from rnn_regexp.lock import hold
from tests.executors.cohorts import Log, experiment


def test_a_job_waits_for_the_one_of_an_earlier_controller(tmp_path: Path) -> None:
    """Two jobs with the same runs, as after a controller that was killed: one trains."""
    ledger = Ledger(tmp_path)
    (tmp_path / "slurm").mkdir()
    job = SlurmJob([experiment(0)], tmp_path, 1)
    with hold(tmp_path, job.key):
        second = threading.Thread(target=job)
        second.start()
        time.sleep(0.3)
        assert ledger.results() == []
        Local().run([[experiment(0)]], ledger, Log())
    second.join()
    assert job.sign.read_text() == "ended"
    assert [event["event"] for event in ledger.events()] == ["started", "ended"]


def ask(job: SlurmJob, number: int) -> None:
    """Send a signal to this process once the job trains."""
    while not (job.sign.exists() and job.sign.read_text() > "0"):
        time.sleep(0.01)
    os.kill(os.getpid(), number)


def test_at_sigterm_a_job_writes_a_checkpoint_and_ends(tmp_path: Path) -> None:
    """As SLURM asks at a preemption; what SIGTERM did before is done again afterwards."""
    (tmp_path / "slurm").mkdir()
    job, ledger = SlurmJob([experiment(0, epochs=100000)], tmp_path, 1), Ledger(tmp_path)
    threading.Thread(target=ask, args=(job, signal.SIGTERM)).start()
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as end:
        job()
    assert end.value.code == 143
    assert signal.getsignal(signal.SIGTERM) == before
    assert ledger.results() == []
    assert list(tmp_path.rglob("*.safetensors")) != []


def test_when_the_time_is_up_submitit_hears_of_it(tmp_path: Path) -> None:
    """The signal is raised again, for the handler that queues the job anew."""
    (tmp_path / "slurm").mkdir()
    job, heard = SlurmJob([experiment(0, epochs=100000)], tmp_path, 1), []
    threading.Thread(target=ask, args=(job, signal.SIGUSR2)).start()
    before = signal.signal(signal.SIGUSR2, lambda *_: heard.append("again"))
    try:
        job()
    finally:
        signal.signal(signal.SIGUSR2, before)
    assert heard == ["again"]
    assert list(tmp_path.rglob("*.safetensors")) != []
