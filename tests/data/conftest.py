"""The docstrings are read once for all tests of this room, into a cache of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rnn_regexp.data import Docstrings
from rnn_regexp.data.sequences import SequenceData


@pytest.fixture(scope="session")
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("RNN_REGEXP_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def docstrings(cache_folder: Path) -> SequenceData:
    return Docstrings().load()
