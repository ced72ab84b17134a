"""One controller for a study; a dead one holds nothing."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from rnn_regexp.lock import Busy, hold

OWNER = """
import subprocess, sys, time
from pathlib import Path
from rnn_regexp.lock import hold
with hold(Path(sys.argv[1]), "study"):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    print(child.pid, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def owner(tmp_path: Path):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", OWNER, str(tmp_path)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    child = int(process.stdout.readline())
    yield process
    os.kill(child, signal.SIGKILL)
    process.kill()
    process.communicate()


def test_the_second_is_refused_and_told_who_is_the_first(owner, tmp_path: Path) -> None:
    with pytest.raises(Busy) as refusal, hold(tmp_path, "study", "study.if_running=wait waits"):
        pass
    said = str(refusal.value)
    assert said.startswith(f"{tmp_path} is in use by process {owner.pid} on ")
    assert said.endswith("; study.if_running=wait waits")


def test_another_name_is_another_lock(owner, tmp_path: Path) -> None:
    with hold(tmp_path, "another", "no waiting"):
        pass


def test_a_lock_dies_with_its_owner_though_a_child_of_it_lives(owner, tmp_path: Path) -> None:
    owner.kill()
    owner.wait()
    with hold(tmp_path, "study", "no waiting"):
        pass


def test_the_second_waits_until_the_first_is_done(owner, tmp_path: Path) -> None:
    said: list[str] = []
    threading.Timer(0.5, owner.kill).start()
    begin = time.monotonic()
    with hold(tmp_path, "study", say=said.append):
        assert time.monotonic() - begin > 0.3
        assert owner.wait(5) == -signal.SIGKILL
    assert said[0].endswith(": waiting for it to end")
    assert len(said) == 1


def test_it_is_free_again_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), hold(tmp_path, "study"):
        _ = 1 / 0
    with hold(tmp_path, "study", "no waiting"):
        pass


def test_a_disk_that_is_full_costs_the_name_of_the_owner_and_not_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with hold(tmp_path, "study"):
        pass
    monkeypatch.setattr("os.fsync", full)
    with hold(tmp_path, "study"), pytest.raises(Busy) as refusal, hold(tmp_path, "study", "no"):
        pass
    assert str(refusal.value) == f"{tmp_path} is in use by another process; no"
