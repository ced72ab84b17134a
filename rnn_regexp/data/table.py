"""A CSV or TSV file as rows that know where they stand, with one clear line for what is wrong.

The standard library's reader is used because it tells the line a record starts on, as an editor
shows it (the header is row 1), also when quoted texts run over several lines.
"""

import csv
import difflib
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rnn_regexp.data.sequences import DataError

TAB = {"tab": "\t", "\\t": "\t"}
LONGEST_FIELD = 2**31 - 1  # the reader's own limit is 131,072 characters


@dataclass(frozen=True)
class Table:
    """The records of a file, each with the row it starts on."""

    name: str  # the file's
    sha256: str
    columns: list[str]
    rows: list[tuple[int, list[str]]]

    def column(self, key: str, name: str) -> int:
        """The place of a column; ``key`` is the setting that names it. Raises ``DataError``."""
        return place(key, name, self.columns, self.name)


def place(key: str, name: str, columns: Sequence[str], file: str) -> int:
    """The place of a column. Raises ``DataError`` with the names that there are."""
    if name in columns:
        return list(columns).index(name)
    hints = ["columns: " + ", ".join(columns), *nearest(name, columns)]
    raise DataError(f"{key}: no column {name!r} in {file} ({'; '.join(hints)})")


def read_table(path: str, delimiter: str | None, quoted: bool) -> Table:
    """Read a file, decompressed if its name ends in ``.gz``.

    Raises ``DataError`` if it is missing, unreadable, empty, not UTF-8 or not a table.
    """
    file = Path(path).expanduser()
    raw = _read(path, file)
    separator = _separator(file) if delimiter is None else TAB.get(delimiter, delimiter)
    if len(separator) != 1 or separator in '"\r\n':
        raise DataError(f"dataset.delimiter must be one character or tab, got {delimiter!r}")
    found = records(_decode(raw, file.name), file.name, separator, quoted)
    if not found:
        raise DataError(f"dataset.path: {file.name} is empty")
    columns = [name.strip() for name in found[0][1]]
    _check(columns, found[1:], file.name)
    return Table(file.name, hashlib.sha256(raw).hexdigest(), columns, found[1:])


def _separator(file: Path) -> str:
    return "\t" if ".tsv" in file.name.lower() else ","


def nearest(name: str, names: Iterable[str]) -> list[str]:
    """``["did you mean text?"]``, or nothing where no name is near."""
    return [f"did you mean {near}?" for near in difflib.get_close_matches(name, names, n=1)]


def _read(path: str, file: Path) -> bytes:
    try:
        raw = file.read_bytes()
        return gzip.decompress(raw) if file.suffix.lower() == ".gz" else raw
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(path, error) from None


def unreadable(path: str, error: Exception) -> DataError:
    """What to say of the file at ``dataset.path`` that cannot be read."""
    if isinstance(error, FileNotFoundError):
        return DataError(f"dataset.path: no such file: {path}{_near_file(Path(path).expanduser())}")
    if isinstance(error, IsADirectoryError):
        return DataError(f"dataset.path: {path} is a folder, not a file")
    return DataError(
        f"dataset.path: cannot read {path}: {getattr(error, 'strerror', None) or error}"
    )


def _near_file(file: Path) -> str:
    try:
        names = sorted(entry.name for entry in file.parent.iterdir())
    except OSError:
        return f" (there is no folder {file.parent})"
    return "".join(f" ({hint})" for hint in nearest(file.name, names))


def _decode(raw: bytes, name: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # Positions are counted behind a byte order mark, where there is one.
        start = error.start + len(raw) - len(error.object)
        row = raw[:start].count(b"\n") + 1
        raise DataError(
            f"dataset.path: {name} is not UTF-8: byte 0x{raw[start]:02x} at position {start} "
            f"(row {row})"
        ) from None


def records(
    text: str, name: str, delimiter: str = ",", quoted: bool = True
) -> list[tuple[int, list[str]]]:
    """The records of a file, each with the row it starts on. Raises ``DataError``."""
    lines = io.StringIO(text, newline="")
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    reader = csv.reader(lines, delimiter=delimiter, quoting=quoting, strict=True)
    found, row = [], 1
    limit = csv.field_size_limit(LONGEST_FIELD)
    try:
        for record in reader:
            if record:  # a blank line is none
                found.append((row, record))
            row = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"dataset.path: row {row} of {name}: {error} "
            "(dataset.quoted=false reads quotation marks as they stand)"
        ) from None
    finally:
        csv.field_size_limit(limit)
    return found


def _check(columns: list[str], rows: list[tuple[int, list[str]]], name: str) -> None:
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        raise DataError(f"dataset.path: {name} has two columns called {twice[0]!r}")
    if not rows:
        raise DataError(f"dataset.path: {name} has a header and no rows")
    for row, record in rows:
        if len(record) != len(columns):
            raise DataError(
                f"dataset.path: row {row} of {name} has {len(record)} fields, "
                f"the header has {len(columns)}"
            )
