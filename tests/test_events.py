"""Lines are only ever added, whole, by any number of processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rnn_regexp import events
from rnn_regexp.events import NAME, add, read

WRITER = """
import sys
from pathlib import Path
from rnn_regexp.events import add
for number in range(200):
    add(Path(sys.argv[1]), "started", writer=int(sys.argv[2]), number=number, runs=["x" * 300])
"""


def test_events_come_back_in_order_with_time_and_place(tmp_path: Path) -> None:
    add(tmp_path / "study", "planned", runs=3)
    add(tmp_path / "study", "ended", runs={"a": "finished"})
    first, second = read(tmp_path / "study")
    assert (first["event"], first["runs"]) == ("planned", 3)
    assert second["runs"] == {"a": "finished"}
    assert first["time"] <= second["time"]
    assert first["pid"] == os.getpid()
    assert first["host"]


def test_no_log_has_no_events(tmp_path: Path) -> None:
    assert list(read(tmp_path)) == []


def test_four_processes_at_once(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    writers = [subprocess.Popen([*command, str(n)], env=environment) for n in range(4)]
    assert [own.wait() for own in writers] == [0] * 4
    seen = [(own["writer"], own["number"]) for own in read(tmp_path)]
    assert len(seen) == 800
    for writer in range(4):
        assert [number for own, number in seen if own == writer] == list(range(200))


def test_a_line_that_a_crash_cut_short_costs_itself_only(tmp_path: Path) -> None:
    add(tmp_path, "planned")
    add(tmp_path, "started", runs=["ü"])
    path = tmp_path / NAME
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for length in range(first, len(whole)):
        path.write_bytes(whole[:length])
        add(tmp_path, "ended")
        names = [own["event"] for own in read(tmp_path)]
        assert names in (["planned", "ended"], ["planned", "started", "ended"]), length
        assert (len(names) == 3) == (length == len(whole) - 1)  # all but its newline


NO_EVENTS = {
    "bytes": b"\xff\xfe",
    "a list": b"[]",
    "a number": b"3",
    "cut short": b"{" * 9,
    "too deep": b"[" * 200_000,
    "a number too long": b"1" * 5000,
    "no name": b'{"time": 3}',
    "a name that is none": b'{"event": null}',
}


@pytest.mark.parametrize("line", NO_EVENTS.values(), ids=NO_EVENTS.keys())
def test_what_is_no_event_is_passed_over(line: bytes, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(line + b"\n")
    add(tmp_path, "planned")
    assert [own["event"] for own in read(tmp_path)] == ["planned"]


def test_each_event_is_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []
    write = os.write

    def watch(handle: int, data: bytes) -> int:
        written.append(data)
        return write(handle, data)

    monkeypatch.setattr(events.os, "write", watch)
    add(tmp_path, "planned", runs=list(range(5000)))
    (line,) = written
    assert line.endswith(b"\n")
    assert json.loads(line)["event"] == "planned"


def test_a_disk_that_is_full_costs_the_line_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(events.os, "write", full)
        add(tmp_path, "started")
    add(tmp_path, "ended")
    assert [own["event"] for own in read(tmp_path)] == ["ended"]


def test_a_folder_in_its_place_has_no_events(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    add(tmp_path, "started")
    assert list(read(tmp_path)) == []
