"""Published archives, read as streams: nothing is written but the content that is asked for.

So no member's path, link or mode can reach the disk. What the members unpack to is bounded.
"""

import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from glob import escape
from pathlib import Path
from typing import BinaryIO

from rnn_regexp.data.sequences import DataError

LARGEST = 1 << 30  # bytes that the members asked for unpack to, together
BROKEN = (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError)


def members(archive: Path, pattern: str, largest: int = LARGEST) -> Iterator[tuple[str, bytes]]:
    """Name and content of the regular files of a tar, tar.gz or zip whose names match ``pattern``.

    A link is no regular file. Raises ``DataError`` for an archive that is cut short, damaged or
    larger than ``largest`` bytes unpacked.
    """
    try:
        room = largest
        for name, size, read in _zip(archive) if zipfile.is_zipfile(archive) else _tar(archive):
            if fnmatchcase(name, pattern):
                room -= size
                if room < 0:
                    raise DataError(f"{archive.name} unpacks to more than {largest:,} bytes")
                yield name, read()
    except BROKEN as error:
        raise DataError(f"{archive.name} is a damaged archive: {error}") from None


def _tar(archive: Path) -> Iterator[tuple[str, int, Callable[[], bytes]]]:
    with tarfile.open(archive, "r|*") as opened:  # a stream: read once, from start to end
        for info in opened:
            stream = opened.extractfile(info) if info.isreg() else None
            if stream is not None:
                yield info.name, info.size, stream.read


def _zip(archive: Path) -> Iterator[tuple[str, int, Callable[[], bytes]]]:
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            if not info.is_dir():
                with opened.open(info) as stream:  # reads ``file_size`` bytes and checks their sum
                    yield info.filename, info.file_size, stream.read


def member(name: str) -> Callable[[Path, BinaryIO], None]:
    """``unpack`` of a ``DataFile`` that is one member of an archive."""

    def unpack(archive: Path, content: BinaryIO) -> None:
        for _, data in members(archive, escape(name)):
            content.write(data)
            return
        raise DataError(f"{archive.name} holds no {name}")

    return unpack
