"""The cache keeps what it is given, and a cache that cannot be used is as good as none."""

import os
from pathlib import Path

import pytest

from rnn_regexp.data import cache


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RNN_REGEXP_CACHE", str(tmp_path / "kept"))
    return tmp_path / "kept"


def test_keeps_a_value(folder: Path):
    cache.store("numbers", [["one", 1], ["two", 2]])
    assert cache.load("numbers") == [["one", 1], ["two", 2]]
    assert os.listdir(folder) == ["numbers.json"]


def test_nothing_is_kept_under_another_name():
    cache.store("numbers", 1)
    assert cache.load("letters") is None


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"value": 1}', "\xff", '{"sha256": "0"}'])
def test_a_damaged_file_is_absent(folder: Path, damage: str):
    cache.store("numbers", 1)
    (folder / "numbers.json").write_text(damage, encoding="latin-1")
    assert cache.load("numbers") is None


def test_an_edited_value_is_absent(folder: Path):
    cache.store("words", ["torch"])
    path = folder / "words.json"
    path.write_text(path.read_text().replace('["torch"]', '["sympy"]'))
    assert cache.load("words") is None


def test_a_file_in_place_of_the_folder(folder: Path):
    folder.write_text("")
    cache.store("numbers", 1)
    assert cache.load("numbers") is None


def test_an_interrupted_write_leaves_the_old_value(folder: Path, monkeypatch: pytest.MonkeyPatch):
    cache.store("numbers", 1)

    def fail(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "replace", fail)
    cache.store("numbers", 2)
    assert cache.load("numbers") == 1
    assert os.listdir(folder) == ["numbers.json"]


def test_where_it_lies(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RNN_REGEXP_CACHE", "/named")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert cache.folder() == Path("/named")
    monkeypatch.delenv("RNN_REGEXP_CACHE")
    assert cache.folder() == Path("/xdg/rnn_regexp")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/ada")
    assert cache.folder() == Path("/home/ada/.cache/rnn_regexp")
