"""A real MLflow server with PostgreSQL behind it and an artifact proxy in front."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rnn_regexp.ledger import Ledger
from rnn_regexp.tracking import Server, Tracker, Unavailable, replay, tracker
from rnn_regexp.tracking import entries as own_entries
from rnn_regexp.tracking.store import client
from tests.tracking import stored
from tests.tracking.servers import ADMIN, PASSWORD, MlflowServer, points, postgres
from tests.tracking.synthetic import BASELINE, result, write_ledger

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgres() as address:
        yield address


@pytest.fixture(scope="module")
def server(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    own = MlflowServer(database, tmp_path_factory.mktemp("server"))
    own.start()
    yield own
    own.end()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracker, "PAUSE", 0.5)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "2")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")


def log(opened: Tracker, *seeds: int) -> None:
    for seed in seeds:
        run = result(BASELINE, 0, seed)
        Ledger(opened.folder).record(run)
        opened.log_run(run, "baseline", BASELINE)


def size(seed: int) -> int:
    return len(list(own_entries.points(result(BASELINE, 0, seed))))


def test_a_study_twice_and_its_report_through_the_proxy(
    server: MlflowServer, database: str, tmp_path: Path
) -> None:
    folder = write_ledger(tmp_path / "twice", seeds=1).folder
    tracking = Server(uri=server.url)
    assert replay(folder, tracking) == 14
    found, before = stored.runs(tracking, "twice"), points(database)
    assert len(found) == 15
    assert replay(folder, tracking) == 14
    assert stored.runs(tracking, "twice").keys() == found.keys()
    assert points(database) == before
    summary = found["twice summary"].info
    assert summary.artifact_uri.startswith("mlflow-artifacts:/")
    page = client(tracking).download_artifacts(summary.run_id, "report.html", str(tmp_path))
    assert Path(page).read_text() == "<h1>Four knobs</h1>"


@pytest.mark.usefixtures("impatient")
def test_a_server_that_is_killed_and_started_again_gets_everything_once(
    server: MlflowServer, database: str, tmp_path: Path
) -> None:
    before, said = points(database), []
    opened = Tracker(Server(uri=server.url), "killed", tmp_path / "killed", said.append)
    log(opened, 0, 1)
    while opened._sent < 1:
        time.sleep(0.05)
    server.send(signal.SIGKILL)
    log(opened, 2, 3)
    while not said:
        time.sleep(0.05)
    assert "training goes on, the ledger keeps every run" in said[0]
    server.end()
    server.start()
    assert opened.close() == 0
    found = stored.runs(Server(uri=server.url), "killed")
    assert set(found) == {f"baseline seed {seed}" for seed in range(4)}
    assert {run.info.status for run in found.values()} == {"FINISHED"}
    assert points(database) - before == sum(map(size, range(4)))
    assert len(said) == 1


@pytest.mark.usefixtures("impatient")
def test_a_server_that_stands_still_for_a_while_holds_nobody_up(
    server: MlflowServer, database: str, tmp_path: Path
) -> None:
    before, said = points(database), []
    opened = Tracker(Server(uri=server.url), "slow", tmp_path / "slow", said.append)
    log(opened, 0)
    while opened._sent < 1:
        time.sleep(0.05)
    server.send(signal.SIGSTOP)
    begin = time.monotonic()
    log(opened, 1, 2)
    assert time.monotonic() - begin < 1
    while not said:
        time.sleep(0.05)
    server.send(signal.SIGCONT)
    assert opened.close() == 0
    assert len(stored.runs(Server(uri=server.url), "slow")) == 3
    assert points(database) - before == sum(map(size, range(3)))


@pytest.fixture
def guarded(database: str, tmp_path: Path) -> Iterator[MlflowServer]:
    pytest.importorskip("flask_wtf", reason="no Flask-WTF: pip install 'mlflow[auth]'")
    own = MlflowServer(database, tmp_path / "guarded", auth=True)
    own.folder.mkdir()
    own.start()
    yield own
    own.end()


def test_a_name_and_a_password_come_from_the_environment_and_go_nowhere(
    guarded: MlflowServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "outputs" / "guarded"
    Ledger(folder).record(result(BASELINE, 0, 0))
    with pytest.raises(Unavailable):
        replay(folder, Server(uri=guarded.url))
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", ADMIN)
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "a wrong one")
    with pytest.raises(Unavailable):
        replay(folder, Server(uri=guarded.url))
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORD)
    assert replay(folder, Server(uri=guarded.url)) == 1
    study = [
        *("ablate", "+study.factors.rate={key: regularizers.dropout.rate, levels: [0, 0.5]}"),
        *("study.name=told", "study.seeds=1", "training=smoke", "dataset=digits"),
        *("model.hidden=4", "tracking=server", f"tracking.uri={guarded.url}"),
    ]
    out = subprocess.run(
        [sys.executable, "-m", "rnn_regexp", *study],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(stored.runs(Server(uri=guarded.url), "told")) == 3
    assert PASSWORD not in out.stdout + out.stderr
    written = [path for path in (tmp_path / "outputs").rglob("*") if path.is_file()]
    assert len(written) > 9
    assert not [path for path in written if PASSWORD.encode() in path.read_bytes()]
    for run in stored.runs(Server(uri=guarded.url), "told").values():
        assert PASSWORD not in str(run.to_dictionary())
