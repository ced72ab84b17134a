"""Data in files: found at their places and verified, or fetched from where they are published."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, ClassVar, NamedTuple

from rnn_regexp.data.content import DAMAGE, open_content, verify
from rnn_regexp.data.published import DataFile, find, root_of
from rnn_regexp.data.sequences import DataError, Dataset
from rnn_regexp.fields import volatile


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
