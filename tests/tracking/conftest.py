"""An empty store, made once and copied for each test: making one takes seconds."""

import shutil
from pathlib import Path

import pytest

from rnn_regexp.tracking import Sqlite
from rnn_regexp.tracking.store import make


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    make(Sqlite(store=str(path)))
    return path


@pytest.fixture
def sqlite(tmp_path: Path, empty_store: Path) -> Sqlite:
    path = tmp_path / "outputs" / "mlflow.db"
    path.parent.mkdir()
    shutil.copy(empty_store, path)
    return Sqlite(store=str(path))
