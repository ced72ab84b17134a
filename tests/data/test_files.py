"""Files that are there: where they are looked for, how they are verified, and that it is cheap."""

import gzip
import hashlib
import os
from pathlib import Path

import pytest

from rnn_regexp.data import content, files, published
from rnn_regexp.data.files import check, rows
from rnn_regexp.data.published import DataFile, find, root_of
from rnn_regexp.data.sequences import DataError

TEXT = "one\r\n\n two\u2028three\nfour".encode()
SHA256 = hashlib.sha256(TEXT).hexdigest()
FILE = DataFile("set/a.txt", "https://example.org/a.txt", (f"sha256:{SHA256}",), len(TEXT))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNN_REGEXP_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root/set").mkdir(parents=True)
    return tmp_path / "root"


def put(root: Path, raw: bytes, name: str = "a.txt") -> Path:
    path = root / "set" / name
    path.write_bytes(raw)
    return path


def refusal(root: Path, file: DataFile = FILE) -> str:
    with pytest.raises(DataError) as error:
        check(file, root)
    return str(error.value)


def test_where_files_are_looked_for(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("RNN_REGEXP_DATA", raising=False)
    assert root_of(None) == tmp_path / "cache/data"
    monkeypatch.setenv("RNN_REGEXP_DATA", str(root))
    assert root_of(None) == root
    assert root_of(str(root / "set")) == root / "set"
    with pytest.raises(DataError, match=r"^dataset\.root: no such folder: /nowhere$"):
        root_of("/nowhere")
    monkeypatch.setenv("RNN_REGEXP_DATA", "/nowhere")
    with pytest.raises(DataError, match=r"^RNN_REGEXP_DATA: no such folder: /nowhere$"):
        root_of(None)


def test_a_user_without_a_home(monkeypatch: pytest.MonkeyPatch):
    def fail() -> None:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("RNN_REGEXP_DATA", raising=False)
    monkeypatch.setattr(published.cache, "folder", fail)
    with pytest.raises(DataError, match=r"^no home folder: name one in dataset\.root or RNN_REG"):
        root_of(None)


def test_plain_or_packed(root: Path):
    assert find(FILE, root) is None
    packed = put(root, gzip.compress(TEXT), "a.txt.gz")
    assert check(FILE, root) == (FILE, packed, SHA256)
    assert check(FILE, root).read() == TEXT
    plain = put(root, TEXT)
    assert check(FILE, root) == (FILE, plain, SHA256)


def test_any_of_the_hashes_will_do(root: Path):
    put(root, TEXT)
    md5 = f"md5:{hashlib.md5(TEXT).hexdigest()}"
    assert check(DataFile("set/a.txt", "", ("sha256:0", md5)), root).sha256 == SHA256
    assert check(DataFile("set/a.txt", ""), root).sha256 == SHA256


@pytest.mark.parametrize(
    ("raw", "name", "message"),
    [
        (b"x", "a.txt", "is not what was published: sha256:2d711642b726b044"),
        (b"", "a.txt", "is empty"),
        (b"\xef\xbb\xbf <HTML>", "a.txt", "is a web page, not data"),
        (TEXT + b"x", "a.txt", f"is longer than {len(TEXT)} bytes"),
        (gzip.compress(TEXT)[:-9], "a.txt.gz", "is damaged: Compressed file ended before"),
        (TEXT, "a.txt.gz", "is damaged: Not a gzipped file"),
        (gzip.compress(bytes(1 << 22)), "a.txt.gz", f"is longer than {len(TEXT)} bytes"),
    ],
    ids=["other", "empty", "web page", "longer", "truncated", "not packed", "bomb"],
)
def test_wrong_content(root: Path, raw: bytes, name: str, message: str):
    path = put(root, raw, name)
    assert refusal(root).startswith(f"{path} {message}")


def test_a_missing_file_says_where_it_is_published(root: Path):
    assert refusal(root) == f"{root}/set/a.txt is missing; it is published at {FILE.url}"


def test_a_file_is_verified_once(root: Path, monkeypatch: pytest.MonkeyPatch):
    path = put(root, TEXT)
    check(FILE, root)
    with monkeypatch.context() as patch:
        patch.setattr(content, "digest", None)
        assert check(FILE, root).sha256 == SHA256
    before = path.stat()
    put(root, TEXT.replace(b"o", b"0"))  # the same size
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert "is not what was published" in refusal(root)


def test_what_was_verified_against_other_hashes_counts_nothing(root: Path):
    put(root, TEXT)
    check(DataFile("set/a.txt", ""), root)
    assert "is not what was published" in refusal(root, DataFile("set/a.txt", "", ("sha256:0",)))


def test_rows_are_counted_as_an_editor_counts_them(root: Path):
    put(root, TEXT)
    assert list(rows(check(FILE, root).text())) == [(1, "one"), (3, " two\u2028three"), (4, "four")]


def test_bad_encoding(root: Path):
    path = put(root, "ok\nna\xefve".encode("latin-1"))
    found = check(DataFile("set/a.txt", ""), root)
    assert found.text("UTF-8", "Latin-1") == "ok\nna\xefve"
    with pytest.raises(DataError) as error:
        found.text()
    assert str(error.value) == f"{path} is not UTF-8: byte 0xef at position 5 (row 2)"


def test_provenance_names_file_and_content(root: Path):
    put(root, TEXT)
    assert files.provenance([check(FILE, root)]) == {"set/a.txt": SHA256[:16]}
