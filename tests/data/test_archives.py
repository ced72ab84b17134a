"""Archives are read and never unpacked: no path, link or size of theirs reaches the disk."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from rnn_regexp.data.archives import member, members
from rnn_regexp.data.sequences import DataError


def tar(path: Path, *infos: tuple[tarfile.TarInfo, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as opened:  # type: ignore[call-overload]
        for info, content in infos:
            info.size = len(content)
            opened.addfile(info, io.BytesIO(content))
    return path


def regular(name: str) -> tarfile.TarInfo:
    return tarfile.TarInfo(name)


def link(name: str, target: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    return info


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tar(tmp_path: Path, mode: str):
    path = tar(tmp_path / "a", (regular("d/a"), b"1"), (regular("d/b"), b"22"), mode=mode)
    assert list(members(path, "*")) == [("d/a", b"1"), ("d/b", b"22")]
    assert list(members(path, "d/b*")) == [("d/b", b"22")]


def test_zip(tmp_path: Path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.mkdir("d")
        opened.writestr("d/a[1]", b"1")
    assert list(members(path, "*")) == [("d/a[1]", b"1")]
    content = io.BytesIO()
    member("d/a[1]")(path, content)
    assert content.getvalue() == b"1"


def test_a_link_is_no_file(tmp_path: Path):
    path = tar(tmp_path / "a", (link("secret", "/etc/passwd"), b""), (regular("a"), b"1"))
    assert list(members(path, "*")) == [("a", b"1")]
    with pytest.raises(DataError, match=r"^a holds no secret$"):
        member("secret")(path, io.BytesIO())


def test_a_path_that_leads_out_is_a_name(tmp_path: Path):
    (tmp_path / "in").mkdir()
    path = tar(tmp_path / "in/a", (regular("../evil"), b"1"), (regular("/evil"), b"2"))
    assert [content for _, content in members(path, "*")] == [b"1", b"2"]
    assert sorted(own.name for own in tmp_path.rglob("*")) == ["a", "in"]


def test_a_bomb_is_refused(tmp_path: Path):
    path = tar(tmp_path / "a", (regular("a"), bytes(600)), (regular("b"), bytes(600)))
    assert len(list(members(path, "*", largest=1200))) == 2
    with pytest.raises(DataError, match=r"^a unpacks to more than 1,199 bytes$"):
        list(members(path, "*", largest=1199))


@pytest.mark.parametrize("keep", [0, 10, 60, 200])
@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_damage(tmp_path: Path, keep: int, mode: str):
    path = tar(tmp_path / "a", (regular("a"), bytes(range(256)) * 9), mode=mode)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"^a is a damaged archive: "):
        list(members(path, "*"))


def test_damage_in_a_zip(tmp_path: Path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr("a", b"content")
    path.write_bytes(path.read_bytes().replace(b"content", b"CONTENT", 1))
    with pytest.raises(DataError, match=r"^a.zip is a damaged archive: Bad CRC"):
        list(members(path, "*"))
