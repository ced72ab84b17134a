"""Data in files: found under a root and verified, or fetched from where they are published.

A file's place is ``<root>/<set>/<file>``, plain or as ``<file>.gz``. The root is ``dataset.root``,
else ``$RNN_REGEXP_DATA``, else ``data`` in the cache folder. Its checksum is that of the
decompressed content, so a file that was packed again is as good as the published one.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from os import environ
from pathlib import Path
from typing import BinaryIO, ClassVar, NamedTuple

from rnn_regexp.data import cache
from rnn_regexp.data.content import DAMAGE, open_content, verify
from rnn_regexp.data.sequences import DataError, Dataset
from rnn_regexp.fields import volatile

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


class Present(NamedTuple):
    """A file at its place, with the checksum of its content."""

    file: DataFile
    path: Path
    sha256: str

    def row(self, number: int) -> str:
        """How a row is called in a refusal."""
        return f"row {number} of {self.file.name}"

    def open(self) -> BinaryIO:
        """The content as a stream of bytes."""
        return open_content(self.path)

    def read(self) -> bytes:
        """The whole content. Raises ``DataError`` for a compressed file that is cut short."""
        try:
            with self.open() as stream:
                return stream.read()
        except DAMAGE as error:
            raise DataError(f"{self.path} is damaged: {error}") from None

    def text(self, *encodings: str) -> str:
        """The content in the first encoding that fits, of UTF-8 alone. Raises ``DataError``."""
        raw, where = self.read(), ""
        for encoding in encodings or ("UTF-8",):
            try:
                return raw.decode(encoding)
            except UnicodeDecodeError as error:
                row = raw[: error.start].count(b"\n") + 1
                where = f"byte 0x{raw[error.start]:02x} at position {error.start} (row {row})"
        raise DataError(f"{self.path} is not {' or '.join(encodings or ('UTF-8',))}: {where}")


@dataclass
class FileDataset(Dataset):
    """A dataset that reads published files."""

    root: str | None = volatile(None)  # None: $RNN_REGEXP_DATA, else the cache folder's data/

    published: ClassVar[tuple[DataFile, ...]] = ()  # all that its settings may ask for
    licence: ClassVar[str] = ""  # as stated where the files are published

    def files(self) -> Sequence[DataFile]:
        """The files that these settings read."""
        return self.published

    def present(self) -> dict[str, Present]:
        """The files by their names without folder, fetched where they are missing.

        Raises ``DataError`` with a line for each file that is missing or wrong.
        """
        found = fetch(self.files(), root_of(self.root), self.licence)
        return {own.path.name.removesuffix(".gz"): own for own in found}


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


def fetch(files: Iterable[DataFile], root: Path, licence: str) -> list[Present]:
    """The files at their places, verified; those that are missing are downloaded first."""
    files = list(files)
    if missing := [file for file in files if find(file, root) is None]:
        from rnn_regexp.data.download import download  # imports requests

        download(missing, root, licence)
    return [check(file, root) for file in files]


def check(file: DataFile, root: Path) -> Present:
    """A file that is at its place, verified. Raises ``DataError``."""
    path = find(file, root)
    if path is None:
        raise DataError(f"{root / file.name} is missing; it is published at {file.url}")
    return Present(file, path, verify(path, file.hashes, file.size))


def provenance(found: Iterable[Present]) -> dict[str, str]:
    """File -> the first digits of its content's sha256, as a run records them."""
    return {own.file.name: own.sha256[:16] for own in found}


def rows(text: str) -> Iterator[tuple[int, str]]:
    """The lines of a text with their numbers, as an editor counts them; blank ones are left out."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line.removesuffix("\r")
