"""Published files and their places on this machine.

A file's place is ``<root>/<set>/<file>``, plain or as ``<file>.gz``. The root is ``dataset.root``,
else ``$RNN_REGEXP_DATA``, else ``data`` in the cache folder. Its checksum is that of the
decompressed content, so a file that was packed again is as good as the published one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from os import environ
from pathlib import Path
from typing import BinaryIO

from rnn_regexp.data import cache
from rnn_regexp.data.sequences import DataError

ROOT = "RNN_REGEXP_DATA"  # environment variable: the folder of the sets' folders
OFFLINE = "RNN_REGEXP_OFFLINE"  # environment variable: set to anything, nothing is downloaded


@dataclass(frozen=True)
class DataFile:
    """A file that a dataset reads: its place, its proof, and where it is published.

    Hashes look like ``sha256:…`` or ``md5:…``, and any of several will do. A file whose published
    bytes could not be checked has none: its dataset then checks the published facts.
    """

    name: str  # "trec/TREC_10.label": the set's folder and the file
    url: str  # of the file, the file as .gz, or an archive from which ``unpack`` takes it
    hashes: tuple[str, ...] = ()  # of the decompressed content
    size: int = 0  # bytes of the decompressed content, at most; 0: unknown
    unpack: Callable[[Path, BinaryIO], None] | None = None  # (archive, where the content goes)
    archive_hashes: tuple[str, ...] = ()  # of the archive at the URL
    archive_size: int = 0  # bytes of the archive; 0: unknown


def root_of(named: str | None) -> Path:
    """The folder that holds the sets' folders. Raises ``DataError`` for one that is not there."""
    folder = named or environ.get(ROOT)
    if not folder:
        try:
            return cache.folder() / "data"
        except RuntimeError:
            raise DataError(f"no home folder: name one in dataset.root or {ROOT}") from None
    if not Path(folder).expanduser().is_dir():
        raise DataError(f"{'dataset.root' if named else ROOT}: no such folder: {folder}")
    return Path(folder).expanduser()


def find(file: DataFile, root: Path) -> Path | None:
    """Where a file lies, or None."""
    plain = root / file.name
    packed = plain.with_name(f"{plain.name}.gz")
    return next((path for path in (plain, packed) if path.is_file()), None)
