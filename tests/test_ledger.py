"""Results reach the disk whole or not at all, and come back as they went."""

import dataclasses
import errno
import json
import math
import os
import stat
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_regexp import files as disk
from rnn_regexp.files import write_text
from rnn_regexp.ledger import (
    DIVERGED,
    FAILED,
    FINISHED,
    ROOM,
    Ledger,
    LedgerError,
    RunResult,
    environments,
)


def result(run_id: str = "abc", status: str = FINISHED, **known: object) -> RunResult:
    return RunResult(run_id, 3, status, {"name": "experiment", "seed": 3}, **known)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "study")


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_result_comes_back_as_it_went(ledger: Ledger):
    whole = result(
        metrics={"valid/loss": 0.1 + 0.2},
        history=[{"epoch": 1, "valid/loss": 1e-300}, {"epoch": 2}],
        seconds=1.5,
        started=1.79e9,
        error="Zeile\nmit ü",
        environment={"torch": "2.13"},
    )
    ledger.record(whole)
    assert ledger.results() == [whole]


@settings(max_examples=30, derandomize=True, deadline=None, database=None)
@given(st.dictionaries(st.text(), st.floats(), max_size=5))
def test_metrics_that_are_numbers_are_kept_and_the_others_left_out(
    tmp_path_factory: pytest.TempPathFactory, metrics: dict[str, float]
):
    own = Ledger(tmp_path_factory.getbasetemp() / "hypothesis")
    own.record(result(metrics=metrics, history=[metrics, {}]))
    finite = {name: value for name, value in metrics.items() if math.isfinite(value)}
    (read,) = own.results()
    assert read.metrics == finite
    assert read.history == [finite, {}]


def test_the_files_are_strict_json(ledger: Ledger):
    metrics = {"train/loss": math.nan, "test/loss": math.inf, "test/accuracy": 1.0}
    ledger.record(result(metrics=metrics))

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    text = (ledger.folder / "runs/abc.json").read_text()
    assert json.loads(text, parse_constant=refuse)["metrics"] == {"test/accuracy": 1.0}


def test_a_later_record_replaces_the_earlier(ledger: Ledger):
    ledger.record(result(status=FAILED, error="broken"))
    ledger.record(result())
    assert ledger.results() == [result()]
    assert files(ledger.folder) == ["abc.json"]


def test_results_are_ordered_by_run_id(ledger: Ledger):
    for run_id in ("c", "a", "b"):
        ledger.record(result(run_id))
    assert [own.run_id for own in ledger.results()] == ["a", "b", "c"]


def test_a_failed_run_is_to_be_trained_again_a_diverged_one_is_not(ledger: Ledger):
    for status in (FINISHED, DIVERGED, FAILED):
        ledger.record(result(status, status))
    assert set(ledger.recorded()) == {FINISHED, DIVERGED}
    assert len(ledger.results()) == 3


def test_an_empty_folder_has_no_results(ledger: Ledger):
    assert ledger.results() == []
    assert set(ledger.recorded()) == set()
    assert ledger.read("study.yaml") is None


def test_what_a_crash_cut_short_is_passed_over_at_every_length(ledger: Ledger):
    ledger.record(result("a"))
    ledger.record(result("b"))
    path = ledger.folder / "runs/b.json"
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert [own.run_id for own in ledger.results()] == ["a"], length
    path.write_bytes(whole)
    assert len(ledger.results()) == 2


@pytest.mark.parametrize("text", [b"null", b"[]", b"3", b'{"run_id": "b"}', b"\xff\xfe", b"{" * 3])
def test_a_file_that_is_no_result_is_passed_over(ledger: Ledger, text: bytes):
    ledger.record(result("a"))
    (ledger.folder / "runs/b.json").write_bytes(text)
    assert [own.run_id for own in ledger.results()] == ["a"]


def changed(**fields: object) -> bytes:
    return json.dumps(dataclasses.asdict(result("b")) | fields).encode()


DAMAGED = {
    "too deep": b"[" * 200_000,
    "a number too long": b'{"seed": ' + b"1" * 5000 + b"}",
    "no metrics": changed(metrics=None),
    "a metric that is text": changed(metrics={"test/loss": "0.5"}),
    "a metric out of range": changed(metrics={"test/loss": 10**400}),
    "a metric without end": changed(metrics={"test/loss": math.inf}),
    "a history of numbers": changed(history=[1]),
    "a status of its own": changed(status="done"),
    "a status that is a list": changed(status=[]),
    "a seed that is true": changed(seed=True),
    "a seed out of range": changed(seed=1 << 70),
    "an experiment that is text": changed(experiment="gru"),
    "half a letter": changed(error="\ud800"),
    "another run": changed(run_id="c"),
    "seconds that are none": changed(seconds=None),
    "versions that are numbers": changed(environment={"torch": 2}),
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_result_of_another_shape_is_as_good_as_none(ledger: Ledger, text: bytes):
    ledger.record(result("a"))
    (ledger.folder / "runs/b.json").write_bytes(text)
    assert ledger.recorded().keys() == {"a"}
    assert ledger.complete("b") is None
    assert ledger.keep(result("b")) == result("b")
    assert ledger.recorded().keys() == {"a", "b"}


def test_a_folder_with_the_name_of_a_result_makes_way(ledger: Ledger):
    (ledger.folder / "runs/a.json/own").mkdir(parents=True)
    assert ledger.results() == []
    assert ledger.complete("a") is None
    ledger.record(result("a"))
    assert ledger.results() == [result("a")]
    assert [path.name for path in ledger.folder.glob("runs/a.json.*/*")] == ["own"]


@pytest.mark.parametrize("broken", ["replace", "fsync"])
@pytest.mark.parametrize("death", [OSError("disk full"), KeyboardInterrupt()], ids=repr)
def test_a_write_that_breaks_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str, death: BaseException
):
    write_text(tmp_path / "report.md", "old")

    def fail(*arguments: object) -> None:
        raise death

    with monkeypatch.context() as patch:
        patch.setattr(disk.os, broken, fail)
        with pytest.raises(type(death)):
            write_text(tmp_path / "report.md", "new")
    assert files(tmp_path) == ["report.md"]
    assert (tmp_path / "report.md").read_text() == "old"


def test_the_new_text_is_on_disk_before_it_has_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    events: list[str] = []
    fsync, replace = os.fsync, os.replace

    def watch_fsync(handle: int) -> None:
        status = os.fstat(handle)
        is_folder = stat.S_ISDIR(status.st_mode)
        events.append("folder" if is_folder else f"file of {status.st_size} bytes")
        fsync(handle)

    def watch_replace(old: Path, new: Path) -> None:
        events.append("replace")
        replace(old, new)

    monkeypatch.setattr(disk.os, "fsync", watch_fsync)
    monkeypatch.setattr(disk.os, "replace", watch_replace)
    write_text(tmp_path / "report.md", "1234567")
    assert events == ["file of 7 bytes", "replace", "folder"]


def test_a_folder_that_cannot_be_synced_is_no_reason_to_lose_a_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    opened = os.open

    def only_files(path: object, flags: int, *rest: int, **named: object) -> int:
        if Path(str(path)).is_dir():
            raise OSError("not supported")
        return opened(path, flags, *rest, **named)

    monkeypatch.setattr(disk.os, "open", only_files)
    write_text(tmp_path / "report.md", "text")
    assert (tmp_path / "report.md").read_text() == "text"


def test_line_ends_and_letters_are_written_as_they_are(ledger: Ledger):
    path = ledger.write("runs.csv", "a,b\nü,–\r\n")
    assert path == ledger.folder / "runs.csv"
    assert path.read_bytes() == "a,b\nü,–\r\n".encode()
    assert ledger.read("runs.csv") is not None


def test_files_have_the_permissions_that_the_user_gives_new_files(tmp_path: Path):
    before = os.umask(0o027)
    try:
        path = write_text(tmp_path / "report.md", "text")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_folder_that_cannot_be_written_is_refused_in_one_line(tmp_path: Path):
    (tmp_path / "taken").write_text("a file")
    folder = tmp_path / "taken/study"
    with pytest.raises(LedgerError) as refusal:
        Ledger(folder).require_writable()
    assert str(refusal.value) == f"output: cannot write to {folder} (Not a directory)"


def full(*words: object, **named: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_told_with_the_folder_and_what_to_do(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
):
    line = f"output: cannot write to {ledger.folder} (No space left on device); "
    monkeypatch.setattr(disk.os, "fsync", full)
    with pytest.raises(LedgerError) as refusal:
        ledger.require_writable()
    assert str(refusal.value) == line + "when there is room, the same command goes on"
    kept = "what is finished is kept, and when there is room, the same command goes on"
    with pytest.raises(LedgerError) as refusal:
        ledger.record(result())
    assert str(refusal.value) == line + kept
    assert files(ledger.folder) == []


def test_an_error_of_a_full_disk_names_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(disk.os, "fsync", full)
    with pytest.raises(OSError, match="No space") as refusal:
        write_text(tmp_path / "report.md", "text")
    assert refusal.value.filename == str(tmp_path / "report.md")


def test_room_is_tried_with_bytes_that_a_disk_must_hold(ledger: Ledger):
    sizes: list[int] = []
    with mock.patch.object(disk.os, "fsync", lambda own: sizes.append(os.fstat(own).st_size)):
        ledger.require_writable()
    assert sizes == [ROOM]


def test_a_folder_that_can_be_written_is_made_and_left_empty(ledger: Ledger):
    ledger.require_writable()
    assert list(ledger.folder.iterdir()) == []


def test_environments_are_listed_once():
    here, there = {"torch": "2.13"}, {"torch": "2.14"}
    runs = [result(environment=own) for own in (here, there, dict(here))]
    assert list(environments(runs)) == [here, there]


def test_every_field_of_a_result_reaches_the_disk(ledger: Ledger):
    ledger.record(result())
    written = json.loads((ledger.folder / "runs/abc.json").read_text())
    assert set(written) == {field.name for field in dataclasses.fields(RunResult)}
