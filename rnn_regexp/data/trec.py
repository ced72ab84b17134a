"""TREC: what a question asks for."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from rnn_regexp.data.files import Present, rows
from rnn_regexp.data.partition import TEST, TRAIN
from rnn_regexp.data.published import DataFile
from rnn_regexp.data.published_texts import PublishedTexts, Texts
from rnn_regexp.data.text_settings import Labelled
from rnn_regexp.fields import structural

FOLDER = "https://cogcomp.seas.upenn.edu/Data/QA/QC"
TRAINING = DataFile(
    "trec/train_5500.label",
    f"{FOLDER}/train_5500.label",
    (
        "sha256:9e4c8bdcaffb96ed61041bd64b564183d52793a8e91d84fc3a8646885f466ec3",  # Latin-1
        "sha256:016243a7ddb380241c94eabcf073a210b9a83a2e772347cb5ed844722a192faf",  # as UTF-8
    ),
    335859,
)
TESTING = DataFile(
    "trec/TREC_10.label",
    f"{FOLDER}/TREC_10.label",
    ("sha256:033f22c028c2bbba9ca682f68ffe204dc1aa6e1cf35dd6207f2d4ca67f0d0e8e",),
    23354,
)


class Labels(Enum):
    """How finely questions are told apart: ``NUM``, or ``NUM:date``."""

    coarse = "coarse"
    fine = "fine"


@dataclass
class Trec(PublishedTexts):
    """Question -> kind of answer, 6 coarse or 50 fine ones; 5,452 to learn from, 500 for test.

    Li and Roth 2002, Learning Question Classifiers.
    """

    labels: Labels = structural(Labels.coarse)
    vocabulary: int = structural(10000, "[3, inf)")  # train has about 8,000 words
    max_length: int = structural(40, "[1, inf)")  # the longest has 37 tokens

    source: ClassVar[str] = "TREC 10 questions and 5,500 others, labelled by Li and Roth 2002"
    licence: ClassVar[str] = "none stated"
    published: ClassVar[tuple[DataFile, ...]] = (TRAINING, TESTING)

    def read(self, found: Mapping[str, Present]) -> Texts:
        fine = self.labels is Labels.fine
        return {
            TRAIN: _questions(found["train_5500.label"], fine),
            TEST: _questions(found["TREC_10.label"], fine),
        }


def _questions(file: Present, fine: bool) -> list[Labelled]:
    """``COARSE:fine question``, in Latin-1 as published."""
    found = []
    for row, line in rows(file.text("UTF-8", "Latin-1")):
        label, _, text = line.partition(" ")
        found.append(Labelled(file.row(row), text, label if fine else label.partition(":")[0]))
    return found
