"""A store is made whole or not at all, whoever comes first."""

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import filelock
import pytest

from rnn_regexp.tracking import Server, Sqlite, TrackingError, Unavailable, prepare, store
from rnn_regexp.tracking.address import address
from rnn_regexp.tracking.credentials import public
from rnn_regexp.tracking.entries import entry
from rnn_regexp.tracking.store import client, make, reason
from rnn_regexp.tracking.writer import Writer
from tests.tracking import stored
from tests.tracking.synthetic import BASELINE, result

MAKE = (
    "import sys; from rnn_regexp.tracking import Sqlite;"
    " from rnn_regexp.tracking.store import make; make(Sqlite(store=sys.argv[1]))"
)


def start(code: str, *arguments: str) -> "subprocess.Popen[str]":
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen([sys.executable, "-c", code, *arguments], env=environment, **pipes)


def write(sqlite: Sqlite) -> None:
    Writer(sqlite, "four_knobs").write(entry(result(BASELINE, 0, 0), "four_knobs", "base", {}))


@pytest.mark.slow
def test_four_processes_at_once_where_a_fifth_has_died(tmp_path: Path):
    path = str(tmp_path / "mlflow.db")
    (tmp_path / ".mlflow.db.unfinished").write_bytes(b"half")
    (tmp_path / "mlflow.db").touch()  # empty, as a database is before its first table
    started = [start(MAKE, path) for _ in range(4)]
    ended = [(process.communicate()[0], process.returncode) for process in started]
    assert ended == [("", 0)] * 4
    write(Sqlite(store=path))
    assert list(stored.runs(Sqlite(store=path))) == ["base seed 0"]


def test_a_store_that_exists_is_accepted_without_importing_mlflow(sqlite: Sqlite):
    code = f"{MAKE}; print('mlflow' in sys.modules)"
    assert start(code, sqlite.store).communicate()[0] == "False\n"


def test_nothing_is_written_elsewhere(
    tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    Path("outputs").mkdir()
    shutil.copy(empty_store, "outputs/mlflow.db")
    write(Sqlite())
    made = {str(path) for path in Path().rglob("*") if len(path.parts) < 3}
    assert made == {
        "outputs",
        "outputs/mlflow.db",
        "outputs/.mlflow.db.lock",
        "outputs/mlartifacts",
    }


def test_an_older_store_is_upgraded_and_kept(sqlite: Sqlite):
    from alembic import command
    from mlflow.store.db import utils

    path = Path(sqlite.store)
    write(sqlite)
    uri = f"sqlite:///{path}"
    command.downgrade(utils._get_alembic_config(uri), "-1")
    with closing(sqlite3.connect(path)) as database:
        (old,) = database.execute("SELECT version_num FROM alembic_version").fetchone()
    prepare(sqlite)
    with closing(sqlite3.connect(path.with_name("mlflow.db.before-upgrade"))) as database:
        assert database.execute("SELECT version_num FROM alembic_version").fetchone() == (old,)
    assert len(stored.runs(sqlite)) == 1


@pytest.mark.parametrize("content", ["database", "folder", "parent"])
def test_what_is_no_store_is_refused_in_one_line(content: str, tmp_path: Path):
    path = tmp_path / "mlflow.db"
    if content == "database":
        with closing(sqlite3.connect(path)) as database:
            database.execute("CREATE TABLE cats (name TEXT)")
    elif content == "folder":
        path.mkdir()
    else:
        path.touch()
        path = path / "mlflow.db"
    with pytest.raises(TrackingError, match=r"^tracking\.store=.*mlflow\.db.*\S$") as error:
        prepare(Sqlite(store=str(path)))
    assert "\n" not in str(error.value)
    assert not isinstance(error.value, Unavailable)


def later(sqlite: Sqlite, why: str) -> None:
    """Training may begin; who asks for the store is told why not."""
    prepare(sqlite)
    with pytest.raises(Unavailable) as error:
        make(sqlite, 0.1)
    assert str(error.value) == f"tracking.store={sqlite.store} {why}"


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda content: b"no database at all " * 100, "file is not a database"),
        (lambda content: content[:4096] + b"?" * 40_000, "database disk image is malformed"),
    ],
    ids=["text", "damaged"],
)
def test_training_goes_on_beside_a_damaged_store(
    spoil: Callable[[bytes], bytes], why: str, sqlite: Sqlite
):
    path = Path(sqlite.store)
    path.write_bytes(spoil(path.read_bytes()))
    later(sqlite, f"cannot be used: {why}")


def test_training_does_not_wait_for_a_locked_store(sqlite: Sqlite, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(store, "BUSY", 0.1)
    with closing(sqlite3.connect(sqlite.store)) as other:
        other.execute("BEGIN EXCLUSIVE")
        later(sqlite, "cannot be used: database is locked")
    make(sqlite)


def test_training_does_not_wait_for_a_store_that_another_process_makes(
    sqlite: Sqlite, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(store, "AT_START", 0.1)
    path = Path(sqlite.store)
    with filelock.FileLock(path.with_name(f".{path.name}.lock")):
        later(sqlite, "is being made by another process")
    make(sqlite)


def test_training_does_not_wait_for_room_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store, "_create", full)
    later(
        Sqlite(store=str(tmp_path / "new.db")), "cannot be used: [Errno 28] No space left on device"
    )


def test_a_server_must_be_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(TrackingError, match=r"^tracking\.uri is not set, and neither is MLFLOW"):
        prepare(Server())
    with pytest.raises(
        TrackingError, match=r"^tracking\.uri must be like http.*got localhost:5000"
    ):
        prepare(Server(uri="localhost:5000"))
    with pytest.raises(TrackingError, match=r"must be like http.*, got ftp://here:2$"):
        prepare(Server(uri="ftp://here:2"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "me:secret@here:2")
    with pytest.raises(TrackingError, match=r"must be like http.*, got here:2$"):
        prepare(Server())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://elsewhere:1")
    assert address(Server()) == "http://elsewhere:1"
    for uri in ("http://here:2", "postgresql+psycopg2://here/mlflow", "databricks"):
        assert address(Server(uri=uri)) == uri


def test_a_password_is_not_shown(monkeypatch: pytest.MonkeyPatch):
    assert public("https://me:secret@host:5000/x") == "https://host:5000/x"
    for plain in ("sqlite:////data/me@home/mlflow.db", "http://127.0.0.1:5000/mlflow@home"):
        assert public(plain) == plain
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@127.0.0.1:9")
    with pytest.raises(Unavailable) as error:
        client(Server())
    assert "secret" not in str(error.value)
    assert "http://127.0.0.1:9 does not answer: " in str(error.value)
    assert reason(OSError("no way to http://me:secret@h:1/x")) == "no way to http://h:1/x"


@pytest.mark.parametrize(
    "uri",
    [
        "http://me:secret@127.0.0.1:9",
        "http://me:secret/word@127.0.0.1:9",
        "me:secret@127.0.0.1:9",
        "postgresql://127.0.0.1/mlflow?user=me&password=secret",
    ],
)
def test_a_password_is_not_taken_where_it_would_be_written_down(uri: str):
    with pytest.raises(TrackingError) as error:
        prepare(Server(uri=uri))
    assert "secret" not in str(error.value)
    assert "MLFLOW_TRACKING_PASSWORD in the environment" in str(error.value)


@pytest.mark.parametrize("telemetry", [False, True])
def test_telemetry_is_off_unless_turned_on(telemetry: bool, sqlite: Sqlite):
    code = f"{MAKE[:-2]}, telemetry={telemetry})); import os; print(os.environ.get(sys.argv[2]))"
    said = {
        key: start(code, sqlite.store, key) for key in ("DO_NOT_TRACK", "MLFLOW_DISABLE_TELEMETRY")
    }
    expected = os.environ.get("DO_NOT_TRACK") if telemetry else "true"
    assert {process.communicate()[0].strip() for process in said.values()} == {str(expected)}
