"""What a file holds once it is decompressed, and whether that is what was published."""

import gzip
import hashlib
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, cast

from rnn_regexp.data import cache
from rnn_regexp.data.sequences import DataError

CHUNK = 1 << 20
LARGEST = 4 << 30  # bytes that are read where the size is not known
WEB_PAGE = (b"<!doctype html", b"<html", b"<?xml")
DAMAGE = (OSError, EOFError, zlib.error)


def open_content(path: Path, packed: bool | None = None) -> BinaryIO:
    """A file's bytes, decompressed where it is ``packed``: where its name ends in ``.gz``."""
    packed = path.suffix == ".gz" if packed is None else packed
    return cast(BinaryIO, gzip.open(path)) if packed else path.open("rb")


def verify(path: Path, hashes: Sequence[str], size: int = 0) -> str:
    """The sha256 of a file's content, which must have one of ``hashes``, if there are any.

    A file with the size and the time of change that it was verified with is not read again.
    Raises ``DataError`` for another content, a web page, or a compressed file that is damaged.
    """
    name, stamp = _memory(path, hashes), _stamp(path)
    kept = cache.load(name)
    if isinstance(kept, list) and kept[:-1] == stamp:
        return str(kept[-1])
    sha256 = digest(path, hashes, size)
    cache.store(name, [*stamp, sha256])
    return sha256


def digest(
    path: Path, hashes: Sequence[str], size: int = 0, packed: bool | None = None, name: str = ""
) -> str:
    """As ``verify``, without memory; ``name`` is what a refusal calls the file."""
    found = {kind: hashlib.new(kind, usedforsecurity=False) for kind in _kinds(hashes)}
    start, length = b"", 0
    try:
        with open_content(path, packed) as stream:
            while length <= (size or LARGEST) and (chunk := stream.read(CHUNK)):
                start, length = start or chunk[:64], length + len(chunk)
                for own in found.values():
                    own.update(chunk)
    except DAMAGE as error:
        raise DataError(f"{name or path} is damaged: {error}") from None
    sha256 = found["sha256"].hexdigest()
    known = {f"{kind}:{own.hexdigest()}" for kind, own in found.items()}
    if difference := _difference(start, length, size):
        raise DataError(f"{name or path} {difference}")
    if hashes and known.isdisjoint(hashes):
        raise DataError(
            f"{name or path} is not what was published: sha256:{sha256}, not {hashes[0]}"
        )
    return sha256


def _difference(start: bytes, length: int, size: int) -> str:
    if is_web_page(start):
        return "is a web page, not data"
    if length > (size or LARGEST):
        return f"is longer than {size or LARGEST:,} bytes"
    return "is empty" if not length else ""


def is_web_page(start: bytes) -> bool:
    """Whether a file starts as HTML or XML: the answer of a login page or a moved address."""
    return start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(WEB_PAGE)


def _kinds(hashes: Sequence[str]) -> set[str]:
    return {"sha256", *(own.partition(":")[0] for own in hashes)}


def _memory(path: Path, hashes: Sequence[str]) -> str:
    text = repr((str(path.resolve()), tuple(hashes)))
    return f"verified-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _stamp(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]
