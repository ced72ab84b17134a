"""Fetch published files: continued where it broke off, verified, then placed in one step.

A download grows in ``.<name>.part``; what was broken off is continued if the server still has the
same file. A file takes its place only when its checksum is right, so a reader sees it whole or not
at all, and processes that want the same file wait for the one that fetches it.
"""

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import filelock

from rnn_regexp.data.content import digest
from rnn_regexp.data.published import OFFLINE, DataFile, find
from rnn_regexp.data.sequences import DataError
from rnn_regexp.data.transfer import Interrupted, transfer


def download(missing: Sequence[DataFile], root: Path, licence: str) -> None:
    """Bring files to their places. Raises ``DataError`` with a line for each that cannot be had."""
    if os.environ.get(OFFLINE):
        raise DataError("\n".join(_missing(missing, root, f"{OFFLINE} is set")))
    wrong: list[str] = []
    for url in dict.fromkeys(file.url for file in missing):
        files = [file for file in missing if file.url == url]
        try:
            with _locked((root / files[0].name).parent) as folder:
                _announce(folder, licence)
                _fetch(url, [file for file in files if find(file, root) is None], root)
        except Interrupted as error:
            wrong += _missing(files, root, str(error))
        except DataError as error:
            wrong.append(str(error))
    if wrong:
        raise DataError("\n".join(wrong))


def _missing(files: Iterable[DataFile], root: Path, why: str) -> Iterator[str]:
    for file in files:
        source = f"cannot be fetched from {file.url}: {why}" if file.url else "is nowhere published"
        yield (
            f"{root / file.name} is missing and {source} "
            "(put the file there, or name the folder that has it: dataset.root=...)"
        )


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[Path]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder / ".lock"):
            yield folder
    except OSError as error:
        raise DataError(f"cannot write to {folder}: {error.strerror or error}") from None


def _announce(folder: Path, licence: str) -> None:
    """Print the licence once, and leave it beside the data."""
    note = folder / "LICENCE.txt"
    if licence and not note.exists():
        print(f"{folder.name}: licence: {licence}", file=sys.stderr)
        note.write_text(f"{licence}\n", encoding="utf-8")


def _fetch(url: str, files: Sequence[DataFile], root: Path) -> None:
    """The files that one URL holds; there are none left if another process was quicker."""
    if not files:
        return
    part = (root / files[0].name).parent / f".{url.rpartition('/')[2]}.part"
    _whole(files[0], part)
    for file in files:
        _place(file, part, root)
    part.unlink(missing_ok=True)


def _whole(file: DataFile, part: Path) -> None:
    """Download until it is right; what was continued from a wrong start is fetched once more."""
    for continued in (part.exists(), False):
        transfer(file.url, part, file.archive_size)
        try:
            _judge(file, part)
            return
        except DataError:
            part.unlink()
            if not continued:
                raise


def _judge(file: DataFile, part: Path) -> None:
    if file.unpack is None:
        digest(part, file.hashes, file.size, packed=_packed(file), name=file.url)
    else:
        digest(part, file.archive_hashes, file.archive_size, packed=False, name=file.url)


def _packed(file: DataFile) -> bool:
    return file.url.endswith(".gz") and not file.name.endswith(".gz")


def _place(file: DataFile, part: Path, root: Path) -> None:
    place = root / file.name
    if file.unpack is None:
        os.replace(part, place.with_name(f"{place.name}.gz") if _packed(file) else place)
        return
    content = place.with_name(f".{place.name}.new")
    try:
        with content.open("wb") as stream:
            file.unpack(part, stream)
        digest(content, file.hashes, file.size, packed=False, name=f"{place.name} in {file.url}")
        os.replace(content, place)
    finally:
        content.unlink(missing_ok=True)
