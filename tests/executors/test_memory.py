"""The least of what the machine and each control group leave."""

from pathlib import Path

import pytest
import torch

from rnn_regexp.executors import memory
from rnn_regexp.executors.memory import free_memory

CPU = torch.device("cpu")
MACHINE = "MemTotal: 64 kB\nMemFree: 10 kB\nMemAvailable: 48 kB\n"


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A /proc and a /sys/fs/cgroup of the test's own."""
    (tmp_path / "self").mkdir()
    (tmp_path / "meminfo").write_text(MACHINE)
    monkeypatch.setattr(memory, "_PROC", tmp_path)
    monkeypatch.setattr(memory, "_GROUPS", tmp_path / "groups")
    return tmp_path


def group(
    folder: Path, names: tuple[str, str], limit: object, used: object, stat: str = ""
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, own in zip((*names, "memory.stat"), (limit, used, stat)):
        (folder / name).write_text(f"{own}\n")


def test_the_machine_leaves_what_files_in_memory_would_make_room_for(proc: Path):
    assert free_memory(CPU) == 48 << 10


@pytest.mark.parametrize(
    ("version", "prefix"), [(0, ""), (1, "total_")], ids=["version 2", "version 1"]
)
def test_so_does_a_group_and_those_around_it(version: int, prefix: str, proc: Path):
    kind = ("", "memory")[version]
    (proc / "self/cgroup").write_text(f"3:cpu:/elsewhere\n4:{kind}:/job/step\n")
    top, names = proc / "groups" / kind, memory._NAMES[version]
    group(top / "job/step", names, "max", 7000)
    assert free_memory(CPU) == 48 << 10
    group(top / "job", names, 20_000, 15_000, f"anon 9\n{prefix}inactive_file 1000")
    assert free_memory(CPU) == 6000
    group(top / "job/step", names, 9000, 7000)
    assert free_memory(CPU) == 2000
    group(top / "job/step", names, 9000, 9500)
    assert free_memory(CPU) == 0


def test_without_proc_there_is_an_answer(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(memory, "_PROC", Path("/nowhere"))
    assert free_memory(CPU) > 0


def test_what_is_here_is_less_than_what_the_machine_has():
    first = Path("/proc/meminfo").read_text().splitlines()[0]
    assert 0 < free_memory(CPU) < int(first.removeprefix("MemTotal:").split()[0]) << 10
