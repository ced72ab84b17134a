"""Data files inside installed packages."""

import sys
from pathlib import Path

import pytest

from rnn_regexp.data import installed
from rnn_regexp.data.installed import NotInstalled


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
