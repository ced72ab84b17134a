"""``rnn-regexp data``: what there is, what is fetched, what is verified."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from rnn_regexp.app import main
from rnn_regexp.commands import data as command
from rnn_regexp.data import ALL
from rnn_regexp.data.files import FileDataset
from rnn_regexp.data.published import DataFile
from rnn_regexp.data.sequences import Dataset
from rnn_regexp.fields import snake_case
from tests.data.publisher import Publisher, publishing

CONTENT = b"content"


@dataclass
class Shapes(FileDataset):
    """Three files, the last without a checksum."""

    licence: ClassVar[str] = "free"


@dataclass
class Elsewhere(Dataset):
    """Data of a package that is not installed."""

    package: ClassVar[str] = "no_such_package"


@pytest.fixture(autouse=True)
def publisher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    monkeypatch.setenv("RNN_REGEXP_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("RNN_REGEXP_DATA", raising=False)
    monkeypatch.delenv("RNN_REGEXP_OFFLINE", raising=False)
    monkeypatch.setattr(command, "DATASETS", (Shapes, Elsewhere))
    with publishing() as own:
        own.files = {"a": CONTENT, "b": CONTENT}
        hashes = (f"sha256:{hashlib.sha256(CONTENT).hexdigest()}",)
        files = (
            DataFile("shapes/a", f"{own.url}/a", hashes, 1_500_000),
            DataFile("shapes/b", f"{own.url}/b"),
        )
        monkeypatch.setattr(Shapes, "published", files)
        yield own


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[str], list[str]]:
    code = main(["data", *words])
    out, err = capsys.readouterr()
    return code, out.splitlines(), err.splitlines()


def listed(capsys: pytest.CaptureFixture[str], root: Path) -> list[str]:
    code, out, _ = run(capsys, "list", "--root", str(root))
    assert code == 0
    assert out[0] == f"root: {root}"
    return [" ".join(line.split()) for line in out[2:]]


def test_lists_what_is_there(capsys: pytest.CaptureFixture[str], root: Path):
    shapes, elsewhere = listed(capsys, root)
    assert shapes == "shapes classify > 1.5 MB 0 of 2 files free"
    assert elsewhere == "elsewhere classify needs no_such_package"
    run(capsys, "get", "shapes", "--root", str(root))
    shapes, _ = listed(capsys, root)
    assert shapes == "shapes classify > 1.5 MB present, no checksum free"


def test_gets_and_checks(capsys: pytest.CaptureFixture[str], root: Path):
    code, out, err = run(capsys, "get", "--root", str(root), "all")
    sha = hashlib.sha256(CONTENT).hexdigest()[:16]
    assert (code, out) == (0, [f"{root}/shapes/{name}  sha256:{sha}" for name in "ab"])
    assert err[0] == "shapes: licence: free"
    assert run(capsys, "check", "shapes", "--root", str(root)) == (
        0,
        [f"ok       {root}/shapes/a", f"unsure, no checksum is known {root}/shapes/b"],
        [],
    )


def test_checks_anew_and_says_what_is_wrong(capsys: pytest.CaptureFixture[str], root: Path):
    run(capsys, "get", "shapes", "--root", str(root))
    path = root / "shapes/a"
    before = path.stat()
    path.write_bytes(b"c0ntent")  # as large, and as old
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    (root / "shapes/b").unlink()
    code, out, err = run(capsys, "check", "all", "--root", str(root))
    assert (code, out) == (2, [f"missing  {root}/shapes/b"])
    assert len(err) == 1
    assert err[0].startswith(f"error: {root}/shapes/a is not what was published: sha256:")


def test_one_that_cannot_be_had_stops_no_other(
    capsys: pytest.CaptureFixture[str], root: Path, publisher: Publisher
):
    del publisher.files["a"]
    code, out, err = run(capsys, "get", "shapes", "--root", str(root))
    assert (code, out) == (2, [])
    assert "404 Not Found" in err[-1]
    assert (root / "shapes/b").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["get"], "error: name datasets, or all: shapes"),
        (
            ["check", "shape"],
            "error: unknown dataset shape (those with files: shapes; did you mean shapes?)",
        ),
        (
            ["get", "elsewhere"],
            "error: unknown dataset elsewhere (those with files: shapes)",
        ),
        (["list", "--root", "/nowhere"], "error: dataset.root: no such folder: /nowhere"),
    ],
)
def test_bad_input(capsys: pytest.CaptureFixture[str], words: list[str], message: str):
    assert run(capsys, *words) == (2, [], [message])


def test_every_dataset_is_listed(
    capsys: pytest.CaptureFixture[str], root: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(command, "DATASETS", ALL)
    names = [line.split()[0] for line in listed(capsys, root)]
    assert names == [snake_case(own.__name__) for own in ALL]


@pytest.mark.parametrize(
    "dataset", [own for own in ALL if issubclass(own, FileDataset)], ids=lambda own: own.__name__
)
def test_files_are_declared_in_full(dataset: type[FileDataset]):
    assert dataset.licence
    assert dataset.published
    for file in dataset.published:
        assert file.url.startswith("https://")
        assert file.name.count("/") == 1
        for own in (*file.hashes, *file.archive_hashes):
            kind, _, digest = own.partition(":")
            assert len(bytes.fromhex(digest)) == hashlib.new(kind).digest_size
