"""Data files inside installed packages."""

import gzip
import hashlib
import sys
from pathlib import Path

import pytest

from rnn_regexp.data import installed
from rnn_regexp.data.installed import NotInstalled
from rnn_regexp.data.sequences import DataError


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with its metadata, as pip leaves them."""
    (tmp_path / "wordlists").mkdir()
    (tmp_path / "wordlists" / "__init__.py").write_text("raise RuntimeError('imported')")
    (tmp_path / "wordlists-1.2.dist-info").mkdir()
    (tmp_path / "wordlists-1.2.dist-info" / "METADATA").write_text(
        "Name: wordlists\nVersion: 1.2\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_is_found_and_not_imported(planted: Path):
    assert installed.folder("wordlists", "names") == (planted / "wordlists", "1.2")
    assert "wordlists" not in sys.modules


def test_a_package_that_is_missing_is_named_with_the_extra():
    with pytest.raises(NotInstalled) as error:
        installed.folder("no_such_package", "names")
    assert str(error.value) == (
        "dataset=names needs no_such_package: pip install 'rnn-regexp[data]'"
    )


def test_reads_a_packages_file(planted: Path):
    (planted / "wordlists/names.csv.gz").write_bytes(gzip.compress("Ødegård\n".encode()))
    text, recorded = installed.read("wordlists", "names", "names.csv.gz")
    assert text == "Ødegård\n"
    sha256 = hashlib.sha256("Ødegård\n".encode()).hexdigest()
    assert recorded == {"wordlists": "1.2", "names.csv.gz": sha256[:16]}


@pytest.mark.usefixtures("planted")
def test_a_version_without_the_file():
    with pytest.raises(DataError) as error:
        installed.read("wordlists", "names", "data/names.csv")
    assert str(error.value) == "dataset=names: wordlists 1.2 has no data/names.csv"
