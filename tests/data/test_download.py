"""Downloads: continued, verified, placed whole; and what is said of one that cannot be had."""

import gzip
import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from rnn_regexp.data import transfer
from rnn_regexp.data.archives import member
from rnn_regexp.data.files import Present, fetch
from rnn_regexp.data.published import DataFile
from rnn_regexp.data.sequences import DataError
from tests.data.publisher import Publisher, publishing

CONTENT = bytes(range(256)) * 400  # 102,400 bytes, written in pieces of 16,384
SHA256 = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    monkeypatch.setattr(transfer, "PAUSE", 0.001)
    monkeypatch.delenv("RNN_REGEXP_OFFLINE", raising=False)
    with publishing() as own:
        own.files = {"a.bin": CONTENT}
        yield own


@pytest.fixture
def file(publisher: Publisher) -> DataFile:
    return DataFile("set/a.bin", f"{publisher.url}/a.bin", (SHA256,), len(CONTENT))


def refusal(files: list[DataFile], root: Path) -> list[str]:
    with pytest.raises(DataError) as error:
        fetch(files, root, "free")
    return str(error.value).splitlines()


def left(root: Path) -> set[str]:
    return {path.name for path in (root / "set").iterdir()} - {".lock", "LICENCE.txt"}


def test_brings_a_file_to_its_place(file: DataFile, publisher: Publisher, tmp_path: Path):
    (found,) = fetch([file], tmp_path, "free")
    assert found == Present(file, tmp_path / "set/a.bin", SHA256.removeprefix("sha256:"))
    assert found.read() == CONTENT
    assert left(tmp_path) == {"a.bin"}
    fetch([file], tmp_path, "free")
    assert publisher.asked == [""]


def test_tells_the_licence_once(
    file: DataFile, publisher: Publisher, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    fetch([file], tmp_path, "free for all")
    told = capsys.readouterr().err
    assert told == f"set: licence: free for all\nfetching {file.url}\n"
    assert (tmp_path / "set/LICENCE.txt").read_text() == "free for all\n"
    (tmp_path / "set/a.bin").unlink()
    fetch([file], tmp_path, "free for all")
    assert capsys.readouterr().err == f"fetching {file.url}\n"


def test_a_packed_file_stays_packed(publisher: Publisher, tmp_path: Path):
    publisher.files["b.txt.gz"] = gzip.compress(b"hello")
    sha256 = f"sha256:{hashlib.sha256(b'hello').hexdigest()}"
    file = DataFile("set/c.txt", f"{publisher.url}/b.txt.gz", (sha256,), 5)
    (found,) = fetch([file], tmp_path, "")
    assert found.path == tmp_path / "set/c.txt.gz"
    assert found.read() == b"hello"


@pytest.mark.parametrize("version", ['"1"', ""])
def test_a_broken_connection_is_taken_up_again(
    file: DataFile, publisher: Publisher, tmp_path: Path, version: str
):
    publisher.cuts, publisher.version = [20_000, 40_000], version
    (found,) = fetch([file], tmp_path, "")
    assert found.read() == CONTENT
    # Without a version, nobody knows whether the rest belongs to the same file.
    assert publisher.asked == (["", "bytes=16384-", "bytes=49152-"] if version else ["", "", ""])


def test_a_later_command_continues(file: DataFile, publisher: Publisher, tmp_path: Path):
    publisher.cuts = [20_000, 0, 0, 0]
    assert refusal([file], tmp_path) == [
        f"{tmp_path}/set/a.bin is missing and cannot be fetched from {file.url}: no connection "
        "(IncompleteRead(0 bytes read, 86016 more expected)) "
        "(put the file there, or name the folder that has it: dataset.root=...)"
    ]
    assert left(tmp_path) == {".a.bin.part", ".a.bin.part.version"}
    publisher.asked.clear()
    (found,) = fetch([file], tmp_path, "")
    assert found.read() == CONTENT
    assert publisher.asked == ["bytes=16384-"]
    assert left(tmp_path) == {"a.bin"}


@pytest.mark.parametrize("ranges", [True, False])
def test_what_has_changed_meanwhile_is_fetched_anew(
    publisher: Publisher, tmp_path: Path, ranges: bool
):
    file = DataFile("set/a.bin", f"{publisher.url}/a.bin")  # no checksum would tell
    publisher.ranges = ranges
    publisher.files["a.bin"], publisher.cuts = b"x" * 50_000, [20_000, 0, 0, 0]
    refusal([file], tmp_path)
    publisher.files["a.bin"], publisher.version = CONTENT, '"2"'
    (found,) = fetch([file], tmp_path, "")
    assert found.read() == CONTENT


def test_a_part_that_was_whole_already(file: DataFile, publisher: Publisher, tmp_path: Path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set/.a.bin.part").write_bytes(CONTENT)
    (tmp_path / "set/.a.bin.part.version").write_text(publisher.version)
    (found,) = fetch([file], tmp_path, "")
    assert found.read() == CONTENT
    assert publisher.asked == [f"bytes={len(CONTENT)}-", ""]


def test_a_part_of_something_else_is_given_up(file: DataFile, publisher: Publisher, tmp_path: Path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set/.a.bin.part").write_bytes(b"x" * 1000)
    (tmp_path / "set/.a.bin.part.version").write_text(publisher.version)
    (found,) = fetch([file], tmp_path, "")
    assert found.read() == CONTENT
    assert publisher.asked == ["bytes=1000-", ""]


def test_a_busy_server_is_asked_again(file: DataFile, publisher: Publisher, tmp_path: Path):
    publisher.states = [503, 429]
    (found,) = fetch([file], tmp_path, "")
    assert found.read() == CONTENT
    (tmp_path / "set/a.bin").unlink()
    publisher.states = [503] * 4
    (line,) = refusal([file], tmp_path)
    assert f"cannot be fetched from {file.url}: the answer is 503 Service Unavailable (" in line


@pytest.mark.parametrize(
    ("content", "size", "message"),
    [
        (b"other", 0, f"{{url}} is not what was published: sha256:{'{sha}'}, not {SHA256}"),
        (b"\n<!DOCTYPE HTML><p>Log in", 0, "{url} is a web page, not data"),
        (b"", 0, "{url} is empty"),
        (CONTENT + b"more", len(CONTENT), f"{{url}} is longer than {len(CONTENT):,} bytes"),
        (
            CONTENT[:-1],
            len(CONTENT),
            f"{{url}} is not what was published: sha256:{'{sha}'}, not {SHA256}",
        ),
    ],
    ids=["other", "web page", "empty", "too long", "truncated"],
)
def test_wrong_content_is_not_placed(
    publisher: Publisher, tmp_path: Path, content: bytes, size: int, message: str
):
    publisher.files["a.bin"] = content
    file = DataFile("set/a.bin", f"{publisher.url}/a.bin", (SHA256,), size)
    sha = hashlib.sha256(content).hexdigest()
    assert refusal([file], tmp_path) == [message.replace("{url}", file.url).replace("{sha}", sha)]
    assert left(tmp_path) == set()


def test_a_flood_is_stopped(publisher: Publisher, tmp_path: Path):
    publisher.files["a.tar"] = b"x" * 10_000_000
    url = f"{publisher.url}/a.tar"
    file = DataFile("set/a.bin", url, unpack=member("a.bin"), archive_size=1_000_000)
    assert refusal([file], tmp_path) == [f"{url} holds more than the bytes that were published"]
    assert left(tmp_path) == set()


def test_each_missing_file_is_named(publisher: Publisher, tmp_path: Path):
    here = DataFile("set/b", f"{publisher.url}/b")
    nowhere = DataFile("set/c", "http://127.0.0.1:9/c")
    advice = "(put the file there, or name the folder that has it: dataset.root=...)"
    assert refusal([here, nowhere], tmp_path) == [
        f"{tmp_path}/set/b is missing and cannot be fetched from {here.url}: "
        f"the answer is 404 Not Found {advice}",
        f"{tmp_path}/set/c is missing and cannot be fetched from {nowhere.url}: "
        f"no connection (Connection refused) {advice}",
    ]


def test_offline(file: DataFile, publisher: Publisher, tmp_path: Path, offline: None):
    assert refusal([file], tmp_path) == [
        f"{tmp_path}/set/a.bin is missing and cannot be fetched from {file.url}: "
        "RNN_REGEXP_OFFLINE is set "
        "(put the file there, or name the folder that has it: dataset.root=...)"
    ]
    assert publisher.asked == []


def test_a_folder_that_cannot_be_written(file: DataFile, tmp_path: Path):
    (tmp_path / "set").write_text("a file")
    assert refusal([file], tmp_path) == [f"cannot write to {tmp_path}/set: File exists"]


def test_a_full_disk(file: DataFile, publisher: Publisher, tmp_path: Path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set/.a.bin.part").symlink_to("/dev/full")
    assert refusal([file], tmp_path) == [f"cannot write to {tmp_path}/set: No space left on device"]


def test_an_address_that_is_none(tmp_path: Path):
    nowhere, odd = DataFile("set/a", ""), DataFile("set/b", "nothing://x")
    advice = "(put the file there, or name the folder that has it: dataset.root=...)"
    assert refusal([odd], tmp_path) == [
        f"{tmp_path}/set/b is missing and cannot be fetched from nothing://x: "
        f"No connection adapters were found for 'nothing://x' {advice}"
    ]
    assert refusal([nowhere], tmp_path) == [
        f"{tmp_path}/set/a is missing and is nowhere published {advice}"
    ]


def archive(**contents: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in contents.items():
            info = tarfile.TarInfo(f"top/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def from_archive(url: str, name: str, **settings: object) -> DataFile:
    return DataFile(f"set/{name}", url, unpack=member(f"top/{name}"), **settings)  # type: ignore[arg-type]


def test_two_files_of_one_archive(publisher: Publisher, tmp_path: Path):
    publisher.files["ab.tgz"] = archive(a=b"first", b=b"second")
    url = f"{publisher.url}/ab.tgz"
    found = fetch([from_archive(url, "a"), from_archive(url, "b")], tmp_path, "")
    assert [own.read() for own in found] == [b"first", b"second"]
    assert publisher.asked == [""]
    assert left(tmp_path) == {"a", "b"}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda raw: raw[:-20], "{url} is not what was published"),
        (lambda raw: b"<html>gone</html>", "{url} is a web page, not data"),
    ],
)
def test_an_archive_with_a_checksum(publisher: Publisher, tmp_path: Path, damage, message: str):
    raw = archive(a=b"first")
    publisher.files["a.tgz"] = damage(raw)
    url = f"{publisher.url}/a.tgz"
    hashes = (f"md5:{hashlib.md5(raw).hexdigest()}",)
    (line,) = refusal([from_archive(url, "a", archive_hashes=hashes)], tmp_path)
    assert line.startswith(message.replace("{url}", url))
    assert left(tmp_path) == set()


def test_an_archive_that_is_cut_short(publisher: Publisher, tmp_path: Path):
    publisher.files["a.tgz"] = archive(a=CONTENT, b=b"second")[:300]
    (line,) = refusal([from_archive(f"{publisher.url}/a.tgz", "a")], tmp_path)
    assert "a.tgz" in line
    assert "is a damaged archive" in line
    assert "a" not in left(tmp_path)


def test_a_member_with_another_content(publisher: Publisher, tmp_path: Path):
    publisher.files["a.tgz"] = archive(a=b"other")
    url = f"{publisher.url}/a.tgz"
    (line,) = refusal([from_archive(url, "a", hashes=(SHA256,))], tmp_path)
    assert line.startswith(f"a in {url} is not what was published")
    assert "a" not in left(tmp_path)


def test_who_comes_second_waits_and_finds_the_file(
    file: DataFile, publisher: Publisher, tmp_path: Path
):
    workers = [threading.Thread(target=fetch, args=([file], tmp_path, "")) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert publisher.asked == [""]
    assert left(tmp_path) == {"a.bin"}
