"""Antimicrobial peptides against peptides of UniProt, an amino acid at a time."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from rnn_regexp.data import installed
from rnn_regexp.data.letters import AMINO_ACIDS, letter_data, letter_rows
from rnn_regexp.data.partition import TEST, VALID, draw
from rnn_regexp.data.sequences import DataError, Dataset, SequenceData
from rnn_regexp.fields import structural

NAMES = {"0": "UniProt", "1": "AMP"}  # as the file's header line says


@dataclass
class AntimicrobialPeptides(Dataset):
    """Peptide -> antimicrobial or not: 2,600 of APD3 and 2,600 of UniProt, with repetitions.

    Equal sequences count once, and one listed in both classes is left out. Families of similar
    peptides may cross the splits. Source: Mueller, Gabernet, Hiss and Schneider 2017 (modlamp).
    """

    valid_fraction: float = structural(0.15, "(0, 0.5)")
    test_fraction: float = structural(0.15, "(0, 0.5)")
    max_length: int = structural(200, "[1, inf)")  # residues kept; the longest peptide has 174

    package: ClassVar[str] = "modlamp"
    source: ClassVar[str] = "APD3 and UniProt as given in modlamp, extra [data]"

    def load(self) -> SequenceData:
        """Read, split and encode the peptides. Raises ``DataError`` if modlamp is missing."""
        root, version = installed.folder("modlamp", "antimicrobial_peptides")
        found = read(root / "data" / "AMPvsUniProt.csv")
        pairs = unambiguous(found)
        splits = draw(letter_rows(pairs), {TEST: self.test_fraction, VALID: self.valid_fraction})
        provenance = {"modlamp": version, "peptides_left_out": str(len(found) - len(pairs))}
        return letter_data(splits, AMINO_ACIDS, self.max_length, provenance)


def read(path: Path) -> list[tuple[str, str]]:
    """Peptides with their classes; the first line counts them. Raises ``DataError``."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        pairs = [[part.strip() for part in line.split(",")] for line in lines[1:]]
        return [(peptide, NAMES[label]) for peptide, label in pairs]
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            f"dataset=antimicrobial_peptides: {path} is not as expected ({error!r})"
        ) from None


def unambiguous(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Each sequence once, those of two classes left out."""
    labels = defaultdict(set)
    for peptide, label in pairs:
        labels[peptide].add(label)
    return sorted((peptide, own.pop()) for peptide, own in labels.items() if len(own) == 1)
