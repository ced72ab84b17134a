"""Protein secondary structure: is each residue part of a helix, a sheet or neither?"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from rnn_regexp.data.files import DataFile, rows
from rnn_regexp.data.sequences import DataError

LABELS = {"h": "helix", "e": "sheet", "_": "coil"}
PUBLISHED = (
    "https://raw.githubusercontent.com/fengliu139/Protein-Secondary-Structure-Prediction/"
    "a46ce17369b4542919ef27e204b9068427717c7e/protein-secondary-structure"
)


class Chain(NamedTuple):
    """A protein chain, a letter for each residue and one for its structure."""

    residues: str
    structure: str  # of "h", "e" and "_"


def columns(published: Path, content: BinaryIO) -> None:
    """The published file, a residue to a line, as a table of a chain to a line."""
    content.write(b"sequence\tlabels\n")
    for chain in residues(published.read_text(encoding="ascii")):
        content.write(f"{chain.residues}\t{chain.structure}\n".encode())


def residues(text: str) -> Iterator[Chain]:
    """Chains as published: ``<>`` begins one, ``end`` or the next one closes it."""
    for part in text.split("<>")[1:]:
        pairs = [line.split() for line in part.splitlines()]
        known = [pair for pair in pairs if len(pair) == 2]
        yield Chain("".join(own for own, _ in known), "".join(label for _, label in known))


def chains(text: str, name: str) -> list[Chain]:
    """The chains of the table ``name``. Raises ``DataError`` with the row at fault."""
    found = []
    for number, line in list(rows(text))[1:]:
        chain = Chain(*line.partition("\t")[::2])
        if len(chain.residues) != len(chain.structure) or set(chain.structure) - set(LABELS):
            raise DataError(
                f"row {number} of {name}: {len(chain.residues)} residues and "
                f"{len(chain.structure)} labels of {', '.join(LABELS)}"
            )
        found.append(chain)
    return found


def _file(part: str, sha256: str, size: int) -> DataFile:
    url = f"{PUBLISHED}.{part}"
    return DataFile(f"protein_ss/{part}.tsv", url, (f"sha256:{sha256}",), size, unpack=columns)


FILES = (
    _file("train", "38def406932bf23f5cdf5e19bf1e4146276f97cf27507e5c755cb6fc115fc406", 36446),
    _file("test", "651be2ae662b3713636916910232910b72a0c8e22428eedb45e9add76b5595c0", 7090),
)
