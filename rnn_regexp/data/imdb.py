"""IMDB: is a film review positive?"""

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, ClassVar

from rnn_regexp.data.archives import members
from rnn_regexp.data.files import Present
from rnn_regexp.data.partition import TEST, TRAIN
from rnn_regexp.data.published import DataFile
from rnn_regexp.data.published_texts import PublishedTexts, Texts
from rnn_regexp.data.sequences import DataError
from rnn_regexp.data.table import records
from rnn_regexp.data.text_settings import Labelled
from rnn_regexp.fields import structural

URL = "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz"
FOLDERS = ("neg", "pos")
CLASSES = ("negative", "positive")


def table(split: str) -> Callable[[Path, BinaryIO], None]:
    """``unpack`` of a split: the archive's 25,000 files as one table of label, rating, id, text.

    Rows are in the order of label and id, so that the table's checksum is stable.
    """

    def unpack(archive: Path, content: BinaryIO) -> None:
        found = []
        for name, text in members(archive, f"aclImdb/{split}/*/*_*.txt"):
            folder, _, file = name.removeprefix(f"aclImdb/{split}/").partition("/")
            if folder in FOLDERS:
                number, rating = file.removesuffix(".txt").split("_")
                found.append((FOLDERS.index(folder), int(number), rating, text.decode()))
        if not found:
            raise DataError(f"{archive.name} holds no reviews in aclImdb/{split}")
        lines = io.StringIO(newline="")
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(["label", "rating", "id", "text"])
        writer.writerows(
            (label, rating, number, text) for label, number, rating, text in sorted(found)
        )
        content.write(lines.getvalue().encode())

    return unpack


def _file(split: str, sha256: str, size: int) -> DataFile:
    return DataFile(
        f"imdb/{split}.csv",
        URL,
        (f"sha256:{sha256}",),
        size,
        table(split),
        archive_hashes=("sha256:c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",),
        archive_size=84125825,
    )


@dataclass
class Imdb(PublishedTexts):
    """Film review -> negative or positive; official splits of 25,000 and 25,000.

    Maas et al. 2011, Learning Word Vectors for Sentiment Analysis.
    """

    vocabulary: int = structural(20000, "[3, inf)")
    max_length: int = structural(400, "[1, inf)")  # half of the reviews have 202 tokens or fewer

    source: ClassVar[str] = "Large Movie Review Dataset v1.0"
    licence: ClassVar[str] = "none stated; reviews by users of IMDb"
    published: ClassVar[tuple[DataFile, ...]] = (
        _file(
            "train", "3b9ea9ea967d4492154b1b0a21a971da6d8d2ccb258becfef4f1087fc1495399", 33504689
        ),
        _file("test", "a455968c7e172c976831ed9fca039f58fcc34837ff011cab5edd52a47ce98857", 32722936),
    )

    def read(self, found: Mapping[str, Present]) -> Texts:
        return {TRAIN: _reviews(found["train.csv"]), TEST: _reviews(found["test.csv"])}


def _reviews(file: Present) -> list[Labelled]:
    _, *rows = records(file.text(), file.file.name)
    return [
        Labelled(file.row(row), text, CLASSES[int(label)])
        for row, (label, _rating, _id, text) in rows
    ]
