"""What published corpora of words have in common: three files of lines of words."""

from dataclasses import dataclass
from typing import ClassVar

from rnn_regexp.data.corpora import words
from rnn_regexp.data.encoded import kept
from rnn_regexp.data.files import FileDataset, provenance
from rnn_regexp.data.running_text import running_text
from rnn_regexp.data.sequences import SequenceData
from rnn_regexp.fields import VOLATILE, plain, structural

SPLITS = ("train", "valid", "test")


@dataclass
class WordCorpus(FileDataset):
    """``published`` holds the files of train, valid and test, in this order."""

    task: ClassVar[str] = "language_model"

    vocabulary: int | None = structural(None, "[3, inf)")  # words; None: all of train

    def load(self) -> SequenceData:
        """Read and encode the corpus; raises ``DataError`` for what is missing or damaged."""
        found = list(self.present().values())
        key = (plain(self, without=(VOLATILE,)), [own.sha256 for own in found])

        def build() -> SequenceData:
            texts = {s: words(own.text()) for s, own in zip(SPLITS, found, strict=True)}
            return running_text(texts, self.vocabulary, provenance(found))

        return kept(key, build)
