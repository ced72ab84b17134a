"""AG News: the topic of a news item, from its title and first sentences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rnn_regexp.data.files import Present
from rnn_regexp.data.partition import TEST, TRAIN
from rnn_regexp.data.published import DataFile, find, root_of
from rnn_regexp.data.published_texts import PublishedTexts, Texts
from rnn_regexp.data.sequences import DataError
from rnn_regexp.data.table import records
from rnn_regexp.data.text_settings import Labelled
from rnn_regexp.fields import structural

CLASSES = ("World", "Sports", "Business", "Sci/Tech")
FOLDER = (
    "https://raw.githubusercontent.com/mhjabreel/CharCnn_Keras/"
    "555590db4219b1243abb1918effd6a7425a2d75f/data/ag_news_csv"
)
TRAINING = DataFile(
    "ag_news/train.csv",
    f"{FOLDER}/train.csv",
    ("sha256:76a0a2d2f92b286371fe4d4044640910a04a803fdd2538e0f3f29a5c6f6b672e",),
    29470338,
)
TESTING = DataFile(
    "ag_news/test.csv",
    f"{FOLDER}/test.csv",
    ("sha256:521465c2428ed7f02f8d6db6ffdd4b5447c1c701962353eb2c40d548c3c85699",),
    1857427,
)
SAMPLE = DataFile("ag_news/train_subset.csv", "")  # nowhere published: somebody's own choice


@dataclass
class AgNews(PublishedTexts):
    """News item -> World, Sports, Business or Sci/Tech; 120,000 to learn from, 7,600 for test.

    Zhang, Zhao and LeCun 2015, Character-level Convolutional Networks for Text Classification.
    With ``subset``, training texts are a sample, ``ag_news/train_subset.csv`` with a header and the
    columns label (0 to 3) and text; a run's provenance names the file it learnt from.
    """

    subset: bool = structural(False)
    vocabulary: int = structural(20000, "[3, inf)")
    max_length: int = structural(100, "[1, inf)")  # 99 % have 89 tokens or fewer

    source: ClassVar[str] = "AG's corpus of news articles, as chosen by Zhang et al. 2015"
    licence: ClassVar[str] = "research and other non-commercial use"
    published: ClassVar[tuple[DataFile, ...]] = (TRAINING, TESTING)

    def files(self) -> Sequence[DataFile]:
        return (SAMPLE if self.subset else TRAINING, TESTING)

    def present(self) -> dict[str, Present]:
        try:
            return super().present()
        except DataError as error:
            if self.subset or find(SAMPLE, root_of(self.root)) is None:
                raise
            there = f"dataset.subset=true learns from {SAMPLE.name}, which is there"
            raise DataError(f"{error}\n{there}") from None

    def read(self, found: Mapping[str, Present]) -> Texts:
        train = _sample(found["train_subset.csv"]) if self.subset else items(found["train.csv"])
        return {TRAIN: train, TEST: items(found["test.csv"])}


def items(file: Present) -> list[Labelled]:
    """Class 1 to 4, title, description; a backslash stands where a line ended."""
    return [
        Labelled(file.row(row), f"{title} {text}".replace("\\", " "), CLASSES[int(label) - 1])
        for row, (label, title, text) in records(file.text(), file.file.name)
    ]


def _sample(file: Present) -> list[Labelled]:
    _, *rows = records(file.text(), file.file.name)
    try:
        return [
            Labelled(file.row(row), text.replace("\\", " "), CLASSES[int(label)])
            for row, (label, text, *_) in rows
        ]
    except (ValueError, IndexError):
        raise DataError(f"{file.path} is not a table of label (0 to 3) and text") from None
