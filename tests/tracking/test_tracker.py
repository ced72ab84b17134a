"""Training never waits for the store, and never hears from it."""

import dataclasses
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from rnn_regexp.interruption import Terminated
from rnn_regexp.ledger import Ledger, RunResult
from rnn_regexp.tracking import Off, Server, Sqlite, Tracker, tracker
from rnn_regexp.tracking.entries import Entry
from rnn_regexp.tracking.writer import Writer
from tests.tracking import stored
from tests.tracking.synthetic import BASELINE, effects, result


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "four_knobs"


def log(opened: Tracker, run: RunResult, variant: str = "baseline") -> None:
    """As a study does: first into the ledger."""
    Ledger(opened.folder).record(run)
    opened.log_run(run, variant, BASELINE)


def log_three(opened: Tracker) -> None:
    for seed in range(3):
        log(opened, result(BASELINE, 0, seed))


def test_runs_and_summary_arrive(sqlite: Sqlite, folder: Path):
    (folder / "figures").mkdir(parents=True)
    (folder / "report.html").write_text("<h1>Four knobs</h1>")
    (folder / "figures/forest.svg").write_text("<svg/>")
    said: list[str] = []
    with Tracker(sqlite, "four_knobs", folder, said.append) as opened:
        log_three(opened)
        opened.log_summary(pd.DataFrame(effects()), "| table |", "test/loss")
    found = stored.runs(sqlite)
    assert set(found) == {f"baseline seed {seed}" for seed in range(3)} | {"four_knobs summary"}
    summary = found["four_knobs summary"]
    assert summary.data.metrics["effect/clip:10/estimate"] == 0.01
    assert stored.files(sqlite, summary) == {"report.html", "figures/forest.svg"}
    assert said == []
    assert opened.close() == 0


def test_logging_does_not_wait(sqlite: Sqlite, monkeypatch: pytest.MonkeyPatch, folder: Path):
    gate, write = threading.Event(), Writer.write
    monkeypatch.setattr(Writer, "write", lambda self, own: (gate.wait(20), write(self, own)))
    opened = Tracker(sqlite, "four_knobs", folder)
    begin = time.monotonic()
    log_three(opened)
    assert time.monotonic() - begin < 0.5
    gate.set()
    assert opened.close() == 0
    assert len(stored.runs(sqlite)) == 3


@pytest.fixture
def frozen() -> Iterator[str]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_server_that_is_down_costs_a_line_and_little_time(folder: Path):
    said: list[str] = []
    begin = time.monotonic()
    opened = Tracker(Server(uri="http://127.0.0.1:9"), "four_knobs", folder, said.append)
    log_three(opened)
    assert time.monotonic() - begin < 0.5
    assert opened.close() == 3
    assert time.monotonic() - begin < 12
    assert said == [
        "tracking: http://127.0.0.1:9 does not answer: [Errno 111] Connection refused;"
        " training goes on, the ledger keeps every run",
        "tracking: 3 of 3 entries not sent (http://127.0.0.1:9 does not answer: [Errno 111]"
        f" Connection refused); 'rnn-regexp sync {folder}' sends them",
    ]


def test_a_server_that_hangs_is_given_up(
    frozen: str, monkeypatch: pytest.MonkeyPatch, folder: Path
):
    monkeypatch.setattr(tracker, "PATIENCE", 1.0)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "3")
    said: list[str] = []
    opened = Tracker(Server(uri=frozen), "four_knobs", folder, said.append)
    log_three(opened)
    begin = time.monotonic()
    assert opened.close() == 3
    assert time.monotonic() - begin < 3
    assert said[-1].startswith("tracking: 3 of 3 entries not sent (")


def test_a_locked_store_is_given_up(sqlite: Sqlite, monkeypatch: pytest.MonkeyPatch, folder: Path):
    monkeypatch.setattr(tracker, "PATIENCE", 2.0)
    said: list[str] = []
    opened = Tracker(sqlite, "four_knobs", folder, said.append)
    log_three(opened)
    while opened._sent < 3:
        time.sleep(0.05)
    with closing(sqlite3.connect(sqlite.store)) as other:
        other.execute("BEGIN EXCLUSIVE")
        log(opened, result(BASELINE, 1, 7), "late")
        begin = time.monotonic()
        assert opened.close() == 1
        assert time.monotonic() - begin < 5
    assert said[-1].startswith("tracking: 1 of 4 entries not sent (")


def test_a_store_that_comes_back_gets_everything(
    sqlite: Sqlite, monkeypatch: pytest.MonkeyPatch, folder: Path
):
    broken, write = threading.Event(), Writer.write
    broken.set()

    def sometimes(self: Writer, own: Entry) -> None:
        if broken.is_set():
            raise OSError("database is locked")
        write(self, own)

    monkeypatch.setattr(Writer, "write", sometimes)
    monkeypatch.setattr(Writer, "answers", lambda self: not broken.is_set())
    monkeypatch.setattr(tracker, "PAUSE", 0.2)
    said: list[str] = []
    opened = Tracker(sqlite, "four_knobs", folder, said.append)
    log_three(opened)
    while not said:
        time.sleep(0.05)
    broken.clear()
    while opened._sent < 3:  # while the study goes on, not only at its end
        time.sleep(0.05)
    assert opened.close() == 0
    assert len(stored.runs(sqlite)) == 3
    where = f"sqlite:///{sqlite.store}"
    assert said == [
        f"tracking: {where}: database is locked; training goes on, the ledger keeps every run"
    ]


def test_one_bad_entry_does_not_hold_up_the_others(
    sqlite: Sqlite, monkeypatch: pytest.MonkeyPatch, folder: Path
):
    write = Writer.write

    def picky(self: Writer, own: Entry) -> None:
        if own.tags["seed"] == "1":
            raise ValueError("not this one")
        write(self, own)

    monkeypatch.setattr(Writer, "write", picky)
    said: list[str] = []
    opened = Tracker(sqlite, "four_knobs", folder, said.append)
    log_three(opened)
    assert opened.close() == 1
    assert set(stored.runs(sqlite)) == {"baseline seed 0", "baseline seed 2"}
    assert said[-1].startswith("tracking: 1 of 3 entries not sent (")
    assert "mlflow.db: not this one)" in said[-1]


def test_too_many_entries_are_left_to_a_replay(
    sqlite: Sqlite, monkeypatch: pytest.MonkeyPatch, folder: Path
):
    gate = threading.Event()
    monkeypatch.setattr(tracker, "PENDING", 2)
    monkeypatch.setattr(Writer, "write", lambda self, own: gate.wait(20))
    opened = Tracker(sqlite, "four_knobs", folder, lambda line: None)
    for _ in range(4):
        log_three(opened)
    gate.set()
    assert 9 <= opened.close() <= 10


def test_off_does_nothing(folder: Path):
    before = threading.active_count()
    with Tracker(Off(), "four_knobs", folder) as opened:
        log_three(opened)
        opened.log_summary(pd.DataFrame(effects()), "")
        assert threading.active_count() == before
    assert opened.close() == 0


def test_what_waits_is_read_from_the_ledger_when_it_is_sent(sqlite: Sqlite, folder: Path):
    """A study that is long and a server that is away: only the names of the runs are kept."""
    opened = Tracker(Server(uri="http://127.0.0.1:9"), "four_knobs", folder, lambda line: None)
    run = result(BASELINE, 0, 0)
    log(opened, run)
    Ledger(folder).record(dataclasses.replace(run, seconds=77.0))
    writer = Writer(sqlite, "four_knobs")
    opened._waiting[0](writer)
    (shown,) = stored.runs(sqlite).values()
    assert shown.info.end_time - shown.info.start_time == 77_000
    opened.close(0.1)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), Terminated()], ids=repr)
def test_who_is_asked_to_end_does_not_wait_long(
    error: BaseException, folder: Path, frozen: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tracker, "HASTE", 0.3)
    begin = time.monotonic()
    opened = Tracker(Server(uri=frozen), "four_knobs", folder, lambda line: None)
    log_three(opened)
    with pytest.raises(type(error)), opened:
        raise error
    assert time.monotonic() - begin < 5


def test_who_is_asked_to_end_does_not_wait_for_a_store_that_moves_on(
    sqlite: Sqlite, monkeypatch: pytest.MonkeyPatch, folder: Path
):
    """A scheduler gives seconds; thousands of short runs may wait, and a replay sends them."""
    monkeypatch.setattr(tracker, "HASTE", 0.3)
    monkeypatch.setattr(Writer, "write", lambda self, own: time.sleep(0.1))
    said: list[str] = []
    opened = Tracker(sqlite, "four_knobs", folder, said.append)
    for _ in range(200):
        log(opened, result(BASELINE, 0, 0))
    begin = time.monotonic()
    with pytest.raises(Terminated), opened:
        raise Terminated
    assert time.monotonic() - begin < 5
    assert len(said) == 1
    assert "entries not sent (to send them takes longer); 'rnn-regexp sync" in said[0]
