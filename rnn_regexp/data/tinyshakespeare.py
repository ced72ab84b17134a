"""Tiny Shakespeare: 1,115,394 characters of plays, 65 different ones.

Karpathy 2015, The Unreasonable Effectiveness of Recurrent Neural Networks.
"""

from dataclasses import dataclass
from typing import ClassVar

from rnn_regexp.data.files import FileDataset, provenance
from rnn_regexp.data.published import DataFile
from rnn_regexp.data.running_text import running_text
from rnn_regexp.data.sequences import SequenceData
from rnn_regexp.fields import structural

LICENCE = "public domain"
FILES = (
    DataFile(
        "tinyshakespeare/input.txt",
        "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
        ("sha256:86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",),
        1115394,
    ),
)


@dataclass
class Tinyshakespeare(FileDataset):
    """Next character of 40,000 lines of plays; validation and test are the last parts of the text.

    ``bits`` is bits per character.
    """

    valid_fraction: float = structural(0.05, "(0, 0.5)")
    test_fraction: float = structural(0.05, "(0, 0.5)")

    task: ClassVar[str] = "language_model"
    source: ClassVar[str] = "plays of Shakespeare, Karpathy 2015"
    licence: ClassVar[str] = LICENCE
    published: ClassVar[tuple[DataFile, ...]] = FILES

    def load(self) -> SequenceData:
        """Read and encode the plays; raises ``DataError`` for a file that is missing or damaged."""
        found = list(self.present().values())
        text = found[0].text()
        test = round(len(text) * (1 - self.test_fraction))
        valid = test - round(len(text) * self.valid_fraction)
        texts = {"train": text[:valid], "valid": text[valid:test], "test": text[test:]}
        return running_text(texts, None, provenance(found))
