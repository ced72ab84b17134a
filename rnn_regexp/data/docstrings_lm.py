"""Running English that is already installed: the sentences of ``docstrings``, one after another."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from rnn_regexp.data import docstrings, sentences
from rnn_regexp.data.corpora import END
from rnn_regexp.data.running_text import running_text
from rnn_regexp.data.sentences import Sentence
from rnn_regexp.data.sequences import Dataset, SequenceData
from rnn_regexp.data.text import tokenize
from rnn_regexp.fields import structural


@dataclass
class DocstringsLm(Dataset):
    """Next word of first sentences of docstrings, <eos> behind each; ships with what torch needs.

    Sentences of one module stand together and fall into one split.
    """

    vocabulary: int = structural(3000, "[3, inf)")  # words, with <pad> and <unk>

    task: ClassVar[str] = "language_model"
    source: ClassVar[str] = "docstrings of torch, sympy, networkx and Python, as installed"

    def load(self) -> SequenceData:
        """Read and encode the sentences. Raises ``DataError`` if a source cannot be read."""
        libraries = [sentences.find(name) for name in docstrings.LIBRARIES]
        splits = docstrings.splits(docstrings.pool(libraries))
        provenance = {library.name: library.version for library in libraries}
        return running_text(
            {name: _words(found) for name, found in splits.items()}, self.vocabulary, provenance
        )


def _words(found: list[Sentence]) -> Iterator[str]:
    for sentence in sorted(found, key=lambda own: (own.library, own.module)):
        yield from tokenize(sentence.text)
        yield END
