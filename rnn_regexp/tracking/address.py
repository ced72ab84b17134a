"""The tracking URI of a store, as MLflow takes it and as it is shown."""

import os
from importlib.metadata import entry_points
from pathlib import Path

from rnn_regexp.tracking import credentials
from rnn_regexp.tracking.settings import Server, Sqlite, TrackingError

SCHEMES = ("http", "https", "file", "sqlite", "postgresql", "mysql", "mssql", "databricks", "uc")
PLUGINS = "mlflow.tracking_store"  # the entry points of packages that bring more of them


def address(tracking: Sqlite | Server) -> str:
    """The tracking URI of a store; raises ``TrackingError`` where none is given."""
    if isinstance(tracking, Sqlite):
        return f"sqlite:///{Path(tracking.store).absolute().as_posix()}"
    for line in credentials.problems("tracking.uri", tracking.uri or ""):
        raise TrackingError(line)
    uri = tracking.uri or os.environ.get("MLFLOW_TRACKING_URI")
    if not uri:
        raise TrackingError("tracking.uri is not set, and neither is MLFLOW_TRACKING_URI")
    if uri != "databricks" and not ("://" in uri and _is_known(uri.partition(":")[0])):
        got = credentials.public_address(uri)
        raise TrackingError(f"tracking.uri must be like http://127.0.0.1:5000, got {got}")
    return uri


def place(tracking: Sqlite | Server) -> str:
    """A store's address as it is shown: without a name or password."""
    return credentials.public(address(tracking))


def _is_known(scheme: str) -> bool:
    kind = scheme.lower().partition("+")[0]  # postgresql+psycopg2
    return kind in SCHEMES or scheme in {own.name for own in entry_points(group=PLUGINS)}
