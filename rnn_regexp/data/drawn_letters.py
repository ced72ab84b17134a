"""Published sets of letter sequences without official splits: what they share."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from rnn_regexp.data import files
from rnn_regexp.data.files import FileDataset
from rnn_regexp.data.letters import BASES, letter_data, letter_rows
from rnn_regexp.data.partition import TEST, VALID, draw
from rnn_regexp.data.sequences import SequenceData
from rnn_regexp.fields import structural


@dataclass
class DrawnLetters(FileDataset):
    """Bases -> class; a fraction of each class is drawn for validation and test by a hash.

    Equal sequences fall into one split. Letters other than A, C, G and T, which stand for bases
    that are not certain, are <unk>.
    """

    valid_fraction: float = structural(0.15, "(0, 0.4]")
    test_fraction: float = structural(0.15, "(0, 0.4]")

    def pairs(self, text: str) -> Iterator[tuple[str, str]]:
        """Sequences and labels of the file's text."""
        for row in csv.DictReader(io.StringIO(text)):
            yield row["sequence"].upper(), row["label"]

    def load(self) -> SequenceData:
        """Read, split and encode. Raises ``DataError`` for a file that is missing or damaged."""
        found = list(self.present().values())
        rows = letter_rows(self.pairs(found[0].text()))
        splits = draw(rows, {TEST: self.test_fraction, VALID: self.valid_fraction})
        longest = max(len(row.tokens) for row in rows)
        return letter_data(splits, BASES, longest, files.provenance(found))
