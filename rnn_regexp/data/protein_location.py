"""Where in the cell does a protein work? Read from its amino acids alone."""

import csv
import io
from dataclasses import dataclass
from typing import ClassVar

from rnn_regexp.data import files
from rnn_regexp.data.files import FileDataset, Present
from rnn_regexp.data.letters import AMINO_ACIDS, letter_data, letter_rows
from rnn_regexp.data.partition import TEST, TRAIN, VALID, Row
from rnn_regexp.data.published import DataFile
from rnn_regexp.data.sequences import SequenceData
from rnn_regexp.fields import structural

PUBLISHED = (
    "https://raw.githubusercontent.com/johmar-22/protein-subcellular-localization/"
    "01b731a6a7f7a3bc6d878df7c8a428e68a82855d/data"
)


def _file(part: str, sha256: str, size: int) -> DataFile:
    url = f"{PUBLISHED}/{part}_split.csv"
    return DataFile(f"protein_loc/{part}.csv", url, (f"sha256:{sha256}",), size)


@dataclass
class ProteinLocation(FileDataset):
    """Protein of up to 600 residues -> cytoplasm, membrane, mitochondrion or nucleus.

    7,211, 777 and 1,971 sequences; no cluster of similar ones crosses the official splits. Inside
    a split equal sequences of different species remain.

    Source: UniProtKB/Swiss-Prot, as split by johmar-22/protein-subcellular-localization.
    """

    max_length: int = structural(600, "[1, inf)")  # residues kept, from the N-terminus

    source: ClassVar[str] = "UniProtKB/Swiss-Prot, clustered by similarity before it was split"
    licence: ClassVar[str] = "CC BY 4.0 (UniProt); the splits MIT"
    published: ClassVar[tuple[DataFile, ...]] = (
        _file("train", "3e40f61d26aacd0123f25647e4ad85a4ceb145b292c865e1bfb3ebaed2a51801", 2761641),
        _file("val", "614ad61c5ff91c006f28a3b0772d14369d2ce825a6bf7481340e17e890f8a0fd", 305489),
        _file("test", "dca00d4ebbd8a20958e26973f6a4b0ab332d6333c5522c15330c97378de28a11", 781551),
    )

    def load(self) -> SequenceData:
        """Read and encode. Raises ``DataError`` for a file that is missing or damaged."""
        found = self.present()
        names = {TRAIN: "train.csv", VALID: "val.csv", TEST: "test.csv"}
        splits = {split: proteins(found[name]) for split, name in names.items()}
        provenance = files.provenance(found.values())
        return letter_data(splits, AMINO_ACIDS, self.max_length, provenance)


def proteins(file: Present) -> list[Row]:
    """The sequences of a split with their places."""
    rows = csv.DictReader(io.StringIO(file.text()))
    return letter_rows((row["sequence"], row["label"]) for row in rows)
