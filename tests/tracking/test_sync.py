"""What was not sent is sent later to where the study's runs are shown, and nothing twice."""

import errno
import os
import shlex
import shutil
from pathlib import Path

import pytest

from rnn_regexp.app import main
from rnn_regexp.ledger import Ledger
from rnn_regexp.tracking import Off, Server, Sqlite, Tracker, Tracking, kept, tracker
from rnn_regexp.tracking.destination import FILE
from rnn_regexp.tracking.writer import Writer
from tests.tracking import stored
from tests.tracking.synthetic import BASELINE, write_ledger

RUNS = 14


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow puts the artifacts of a file that is named as a server here."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def folder(sqlite: Sqlite) -> Path:
    """A study beside its store."""
    return write_ledger(Path(sqlite.store).parent / "four_knobs", seeds=1).folder


def train(folder: Path, tracking: Tracking) -> list[str]:
    """As a study does that trains one run; what the user is told."""
    said: list[str] = []
    with Tracker(tracking, folder.name, folder, said.append) as opened:
        opened.log_run(Ledger(folder).results()[0], "baseline", BASELINE)
    return said


def experiments(sqlite: Sqlite) -> dict[str, int]:
    """The experiments that hold runs, and how many."""
    from rnn_regexp.tracking.store import client

    names = [own.name for own in client(sqlite).search_experiments()]
    counted = {name: len(stored.runs(sqlite, name)) for name in names}
    return {name: number for name, number in counted.items() if number}


@pytest.mark.parametrize("command", ["sync", "report"])
def test_the_experiment_of_the_study_is_completed(command: str, folder: Path, sqlite: Sqlite):
    sqlite.experiment = "mine"
    assert train(folder, sqlite) == []
    assert experiments(sqlite) == {"mine": 1}
    assert main([command, str(folder)]) == 0
    assert experiments(sqlite) == {"mine": RUNS + 1}


def test_the_advice_works_as_typed(
    folder: Path,
    sqlite: Sqlite,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    """Of a server that does not answer, and comes back; what MLflow takes, a server may be."""
    shared = Path(shutil.move(sqlite.store, tmp_path / "shared.db"))
    folder = folder.rename(folder.with_name("four knobs"))
    server = Server(uri=f"sqlite:///{shared}", experiment="ours")
    with monkeypatch.context() as away:
        away.setattr(Writer, "write", lambda *_: 1 / 0)
        away.setattr(Writer, "answers", lambda _: False)
        (*_, advice) = train(folder, server)
    program, *words = shlex.split(advice[advice.index("rnn-regexp") : advice.rindex("' sends")])
    assert (program, main(words)) == ("rnn-regexp", 0)
    assert capsys.readouterr().out == f"tracking:  {RUNS} runs are in MLflow, {server.uri}\n"
    assert experiments(Sqlite(store=str(shared))) == {"ours": RUNS + 1}
    assert not Path(sqlite.store).exists()


def test_a_server_that_is_down_is_not_replaced_by_a_file(
    folder: Path,
    sqlite: Sqlite,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setattr(tracker, "PATIENCE", 5.0)
    Path(sqlite.store).unlink()
    train(folder, Server(uri="http://127.0.0.1:9"))
    assert main(["sync", str(folder)]) == 1
    assert capsys.readouterr().out.startswith("tracking:  http://127.0.0.1:9 does not answer: ")
    assert not Path(sqlite.store).exists()


def test_a_study_that_is_not_tracked_is_not_sent(
    folder: Path, sqlite: Sqlite, capsys: pytest.CaptureFixture[str]
):
    train(folder, Off())
    assert main(["report", str(folder)]) == 0
    assert main(["sync", str(folder)]) == 2
    line = f"error: {folder} was trained with tracking=off: name --store or --uri\n"
    assert capsys.readouterr().err == line
    assert experiments(sqlite) == {}
    assert main(["sync", str(folder), "--store", sqlite.store]) == 0
    assert experiments(sqlite) == {"four_knobs": RUNS + 1}


def test_the_user_names_another_place(folder: Path, sqlite: Sqlite, empty_store: Path):
    other = shutil.copy(empty_store, folder.parents[1] / "other.db")
    sqlite.experiment = "mine"
    train(folder, sqlite)
    assert main(["sync", str(folder), "--store", str(other)]) == 0
    assert experiments(Sqlite(store=str(other))) == {"mine": RUNS + 1}
    assert main(["sync", str(folder), "--uri", f"sqlite:///{other}", "--experiment", "new"]) == 0
    assert experiments(Sqlite(store=str(other))) == {"mine": RUNS + 1, "new": RUNS + 1}
    assert experiments(sqlite) == {"mine": 1}


def test_a_folder_that_does_not_say_has_the_store_beside_it(folder: Path, sqlite: Sqlite):
    assert not (folder / FILE).exists()
    assert main(["sync", str(folder)]) == 0
    assert experiments(sqlite) == {"four_knobs": RUNS + 1}


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_folder_that_may_only_be_read_is_sent(
    number: int, folder: Path, sqlite: Sqlite, monkeypatch: pytest.MonkeyPatch
):
    make = Path.mkdir

    def refuse(path: Path, *words: object, **more: object) -> None:
        if folder in (path, *path.parents):
            raise OSError(number, os.strerror(number), str(path))
        make(path, *words, **more)

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert main(["sync", str(folder), "--store", sqlite.store]) == 0
    assert experiments(sqlite) == {"four_knobs": RUNS + 1}
    assert not (folder / ".locks").exists()


def test_a_store_beside_the_study_moves_with_it(folder: Path, sqlite: Sqlite, tmp_path: Path):
    train(folder, sqlite)
    moved = tmp_path / "elsewhere"
    folder.parent.rename(moved)
    known = kept(moved / folder.name)
    assert known == Sqlite(store=str(moved / "mlflow.db"))
    train(moved / folder.name, Sqlite(store="/somewhere/else.db"))
    assert kept(moved / folder.name) == Sqlite(store="/somewhere/else.db")


def test_a_password_of_the_environment_is_used_and_not_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tracker, "PATIENCE", 5.0)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:s3cret@127.0.0.1:9")
    train(folder, Server())
    assert kept(folder) == Server()
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert kept(folder) == Server(uri="http://127.0.0.1:9")
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert not [path for path in files if b"s3cret" in path.read_bytes()]


@pytest.mark.parametrize("command", ["sync", "report"])
def test_a_password_that_is_typed_is_refused(
    command: str, folder: Path, capsys: pytest.CaptureFixture[str]
):
    assert main([command, str(folder), "--uri", "http://me:s3cret@127.0.0.1:9"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("error: --uri carries a name or password")
    assert "s3cret" not in err


@pytest.mark.parametrize("text", ["{", "[]", '{"kind": "cloud"}', '{"kind": "sqlite", "store": 1}'])
def test_a_choice_that_cannot_be_read_is_one_line(
    text: str, folder: Path, capsys: pytest.CaptureFixture[str]
):
    (folder / FILE).write_text(text)
    assert main(["sync", str(folder)]) == 2
    line = f"error: {folder / FILE} is damaged: remove it, and name --store or --uri\n"
    assert capsys.readouterr().err == line
