"""Finding and making the store. MLflow is imported late: it takes seconds."""

import contextlib
import errno
import importlib.metadata
import logging
import os
import shutil
import sqlite3
import urllib.parse
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import filelock

from rnn_regexp.tracking.address import address
from rnn_regexp.tracking.credentials import public
from rnn_regexp.tracking.settings import Server, Sqlite, Tracking, TrackingError, Unavailable

if TYPE_CHECKING:
    from mlflow import MlflowClient

ARTIFACTS = "mlartifacts"
PATIENCE = 120.0  # seconds that a process waits for another one to finish making the store
AT_START = 5.0  # the same, where training is to begin
BUSY = 5.0  # seconds that a database which others have locked is waited for
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EIO)  # it may have room again, or be whole


def prepare(tracking: Tracking) -> None:
    """Before a training: make or upgrade a file's store, so that whatever writes next finds it.

    A store that cannot be written now, or a server that does not answer, holds nobody up: that is
    found out, and told, beside the training.  Raises ``TrackingError`` where the user must act.
    """
    with contextlib.suppress(Unavailable):
        make(tracking, AT_START)


def make(tracking: Tracking, patience: float = PATIENCE) -> None:
    """Make or upgrade a file's store; raises ``Unavailable`` where it is locked or damaged, and
    ``TrackingError`` where the user must act.
    """
    if isinstance(tracking, Sqlite):
        quieten(tracking.telemetry)
        _make_file(Path(tracking.store).absolute(), patience)
    elif isinstance(tracking, Server):
        address(tracking)


def client(tracking: Sqlite | Server) -> "MlflowClient":
    """A client of a store that answers, without MLflow's global state; raises ``Unavailable``."""
    quieten(tracking.telemetry)
    from mlflow import MlflowClient

    uri = address(tracking)
    try:
        found = MlflowClient(uri)
        found.search_experiments(max_results=1)
    except Exception as error:
        raise Unavailable(f"{public(uri)} does not answer: {reason(error)}") from None
    return found


def artifacts(tracking: Sqlite | Server, experiment: str) -> str | None:
    """Where a new experiment's artifacts go: beside the file, or where the server says."""
    if isinstance(tracking, Server):
        return None
    folder = urllib.parse.quote(experiment, safe=" ")
    return (Path(tracking.store).absolute().parent / ARTIFACTS / folder).as_uri()


def quieten(telemetry: bool) -> None:
    """Short answers and few words from MLflow; what the user has set in the environment stays."""
    if not telemetry:
        os.environ.update(MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)  # every retry
    # A stack for every statement that a database refuses; whoever sent it says why in one line.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)


def _make_file(path: Path, patience: float) -> None:
    if path.is_dir():
        raise TrackingError(f"tracking.store={path} is a folder")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(path.with_name(f".{path.name}.lock"), timeout=patience):
            _make_current(path)
    except TrackingError:
        raise
    except filelock.Timeout:
        raise Unavailable(f"tracking.store={path} is being made by another process") from None
    except Exception as error:
        final = isinstance(error, OSError) and error.errno not in DISK
        kind = TrackingError if final else Unavailable
        raise kind(f"tracking.store={path} cannot be used: {reason(error)}") from None


def _make_current(path: Path) -> None:
    if not path.exists() or path.stat().st_size == 0:
        _create(path)
    if not _is_stamped(path):
        _upgrade(path)
        _stamp(path)


def _create(path: Path) -> None:
    """Make the store under another name first: a process that dies here leaves nothing broken."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    store = SqlAlchemyStore(f"sqlite:///{unfinished.as_posix()}", str(path.parent / ARTIFACTS))
    store.engine.dispose()
    os.replace(unfinished, path)


def _upgrade(path: Path) -> None:
    """Bring an older store to the installed MLflow's schema; the old file is kept beside it."""
    from mlflow.store.db import utils

    engine = utils.create_sqlalchemy_engine_with_retry(f"sqlite:///{path.as_posix()}")
    try:
        if utils._get_schema_version(engine) != utils._get_latest_schema_revision():
            shutil.copy2(path, path.with_name(f"{path.name}.before-upgrade"))
            utils._upgrade_db(engine)
    finally:
        engine.dispose()


def _is_stamped(path: Path) -> bool:
    """Whether the installed MLflow has seen this schema: cheap, so MLflow need not be imported."""
    with contextlib.closing(sqlite3.connect(path, BUSY)) as database:
        (stamp,) = database.execute("PRAGMA user_version").fetchone()
        return bool(stamp == _fingerprint(database, path))


def _stamp(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path, BUSY)) as database:
        database.execute(f"PRAGMA user_version = {_fingerprint(database, path)}")
        database.commit()


def _fingerprint(database: sqlite3.Connection, path: Path) -> int:
    """A positive number for the pair of installed MLflow and schema."""
    tables = database.execute("SELECT name FROM sqlite_master WHERE name = 'alembic_version'")
    if tables.fetchone() is None:
        raise TrackingError(f"tracking.store={path} is a database of something else than MLflow")
    (revision,) = database.execute("SELECT version_num FROM alembic_version").fetchone()
    written = f"{importlib.metadata.version('mlflow')} {revision}"
    return zlib.crc32(written.encode()) & 0x7FFFFFFF


def reason(error: BaseException) -> str:
    """What went wrong in one line: the system's or the database's own word if it has one."""
    own: BaseException | None = error
    while own is not None:
        if isinstance(own, (OSError, sqlite3.Error)):
            error = own
        own = own.__cause__ or (None if own.__suppress_context__ else own.__context__)
    text = public(" ".join(str(error).split())) or type(error).__name__
    return text if len(text) <= 200 else f"{text[:199]}…"
