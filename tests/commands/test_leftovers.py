"""Behind the training only that stays which another command would need."""

import os
import signal
from pathlib import Path

import pytest

from rnn_regexp.commands.leftovers import make_room, tidy
from rnn_regexp.executors import Local
from rnn_regexp.experiment import run_id, runs_of
from rnn_regexp.interruption import Terminated, terminable
from rnn_regexp.ledger import Ledger
from tests.executors.cohorts import Log, experiment


def stopped(ledger: Ledger, seeds: range) -> Path:
    """The checkpoint of a cohort that was stopped behind its first epoch."""
    log = Log(lambda: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(Terminated), terminable():
        Local().run([[experiment(seed, epochs=50) for seed in seeds]], ledger, log)
    (path,) = (ledger.folder / "checkpoints").glob("*.safetensors")
    return path


def test_the_checkpoint_of_a_halved_cohort_goes_when_its_halves_have_ended(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    whole = stopped(ledger, range(4))
    runs = [experiment(seed, epochs=50) for seed in range(4)]
    assert runs_of(whole) == [run_id(own) for own in runs]
    Local().run([runs[:2]], ledger, Log())
    tidy(ledger)
    assert whole.exists()  # two of its runs have not ended
    Local().run([runs[2:]], ledger, Log())
    tidy(ledger)
    assert list(whole.parent.iterdir()) == []
    assert len(ledger.recorded()) == 4


def test_what_a_crash_cut_short_goes_and_results_stay(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    Local().run([[experiment(0)]], ledger, Log())
    (tmp_path / "checkpoints").mkdir(exist_ok=True)
    for name in ("checkpoints/.abc.safetensors.17", "runs/.abc.json.17"):
        (tmp_path / name).write_bytes(b"half")
    (tmp_path / "checkpoints/torn.safetensors").write_bytes(b"half")
    tidy(ledger)
    files = [own for room in ("checkpoints", "runs") for own in (tmp_path / room).iterdir()]
    assert [own.stem for own in files] == list(ledger.recorded())


def test_nothing_to_tidy_is_no_fault(tmp_path: Path) -> None:
    tidy(Ledger(tmp_path / "nowhere"))


@pytest.mark.parametrize("jobs", [False, True])
def test_room_is_made_unless_jobs_of_an_earlier_command_may_be_writing(
    jobs: bool, tmp_path: Path
) -> None:
    path = tmp_path / "checkpoints/.abc.safetensors.17"
    path.parent.mkdir()
    path.write_bytes(b"half")
    if jobs:
        (tmp_path / "slurm").mkdir()
    make_room(Ledger(tmp_path))
    assert path.exists() == jobs
