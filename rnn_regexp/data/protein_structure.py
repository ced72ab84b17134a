"""Protein secondary structure: is each residue part of a helix, a sheet or neither?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, ClassVar, NamedTuple

import torch
from torch.nn.utils.rnn import pad_sequence

from rnn_regexp.data import files
from rnn_regexp.data.files import FileDataset, rows
from rnn_regexp.data.letters import AMINO_ACIDS, SPECIALS, encoded, places
from rnn_regexp.data.published import DataFile
from rnn_regexp.data.rank import rank
from rnn_regexp.data.sequences import DataError, SequenceData, Split
from rnn_regexp.fields import structural

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


@dataclass
class ProteinStructure(FileDataset):
    """Residue -> helix, sheet or coil, for chains of 11 to 498 residues; accuracy is Q3.

    Official splits of 110 and 17 chains (18,105 and 3,520 residues); a fraction of the former is
    drawn for validation. Chains of one family stand in train and validation alike.

    Source: Qian and Sejnowski 1988, UCI 68.
    """

    valid_fraction: float = structural(0.15, "[0.05, 0.5]")  # of the 110 chains

    task: ClassVar[str] = "tag"
    source: ClassVar[str] = "UCI 68 (Qian & Sejnowski 1988)"
    licence: ClassVar[str] = "(C) 1988 T. Sejnowski, for non-commercial research"
    published: ClassVar[tuple[DataFile, ...]] = (
        _file("train", "38def406932bf23f5cdf5e19bf1e4146276f97cf27507e5c755cb6fc115fc406", 36446),
        _file("test", "651be2ae662b3713636916910232910b72a0c8e22428eedb45e9add76b5595c0", 7090),
    )

    def load(self) -> SequenceData:
        """Read and encode. Raises ``DataError`` for a file that is missing or damaged."""
        found = list(self.present().values())
        known, test = (chains(own.text(), own.path.name) for own in found)
        order = sorted(known, key=lambda chain: rank(chain.residues))
        held = round(self.valid_fraction * len(order))
        return SequenceData(
            tagged(order[held:]),
            tagged(order[:held]),
            tagged(test),
            classes=tuple(LABELS.values()),
            vocabulary=(*SPECIALS, *AMINO_ACIDS),
            provenance=files.provenance(found),
            task=self.task,
        )


def tagged(found: Sequence[Chain]) -> Split:
    """Residues (N, T) and their labels (N, T), -1 behind a chain's end."""
    numbers = {letter: number for number, letter in enumerate(LABELS)}
    targets = [torch.tensor([numbers[own] for own in chain.structure]) for chain in found]
    inputs, lengths = encoded((chain.residues for chain in found), places(AMINO_ACIDS))
    return Split(inputs, lengths, pad_sequence(targets, batch_first=True, padding_value=-1))
