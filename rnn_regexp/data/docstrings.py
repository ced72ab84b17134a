"""Which library does a sentence come from? Real English that is already installed.

The first sentences of the docstrings of torch, of two packages torch requires, and of Python. Of
each library about ``POOL`` sentences are read. A module's sentences all fall into one split, so
that near-duplicates do not cross; a sentence found in two splits or two libraries is dropped.
Each split holds the libraries in equal parts, so a guess is right once in four. Which sentences
are in a split depends on hashes of their text and module alone; a smaller split is a prefix of a
larger one, and the size of one split never changes another.
"""

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from rnn_regexp.data import cache, sentences
from rnn_regexp.data.rank import interleave, rank
from rnn_regexp.data.sentences import PYTHON, Library, Sentence
from rnn_regexp.data.sequences import DataError, Dataset, SequenceData
from rnn_regexp.data.text import Text, text_data, tokenize
from rnn_regexp.fields import structural

LIBRARIES = ("networkx", PYTHON, "sympy", "torch")
POOL = 2500  # sentences read of each library; networkx has about 1,700
SPLITS = ("train",) * 6 + ("valid",) * 2 + ("test",) * 2


@dataclass
class Docstrings(Dataset):
    """Sentence -> library, for sentences of 4 to 40 words of networkx, Python, sympy and torch."""

    examples: int = structural(2000, "[4, inf)")  # training sentences: few, so that a GRU overfits
    valid_examples: int = structural(800, "[4, inf)")
    test_examples: int = structural(800, "[4, inf)")
    vocabulary: int = structural(2000, "[3, inf)")  # words, with <pad> and <unk>; train has 3,775
    max_length: int = structural(40, "[1, inf)")  # tokens kept of a sentence

    source: ClassVar[str] = "docstrings of torch, sympy, networkx and Python, as installed"

    def load(self) -> SequenceData:
        """Read, split and encode the sentences; the first time takes seconds, then it is cached.

        Raises ``DataError`` if a package's source cannot be read or has too few sentences.
        """
        libraries = [sentences.find(name) for name in LIBRARIES]
        found = pool(libraries)
        parts = splits(found)
        chosen = {
            "train": _balanced(parts["train"], self.examples, "examples"),
            "valid": _balanced(parts["valid"], self.valid_examples, "valid_examples"),
            "test": _balanced(parts["test"], self.test_examples, "test_examples"),
        }
        texts = {
            split: [Text(tokenize(sentence.text), sentence.library) for sentence in found]
            for split, found in chosen.items()
        }
        provenance = {library.name: library.version for library in libraries}
        provenance["docstrings"] = hashlib.sha256(json.dumps(found).encode()).hexdigest()[:16]
        return text_data(texts, self.vocabulary, self.max_length, provenance)


def pool(libraries: Iterable[Library]) -> list[Sentence]:
    """The sentences of all libraries, from the cache if code, versions and folders are the same."""
    code = Path(sentences.__file__).read_bytes()
    key = hashlib.sha256(repr((code, POOL, libraries)).encode()).hexdigest()[:16]
    kept = cache.load(f"docstrings-{key}")
    if kept is None:
        kept = [sentence for library in libraries for sentence in library.sentences(POOL)]
        cache.store(f"docstrings-{key}", kept)
    return [Sentence(*sentence) for sentence in kept]


def splits(found: Iterable[Sentence]) -> dict[str, list[Sentence]]:
    """Each sentence once, in the split of its module."""
    places = defaultdict(list)
    for sentence in found:
        places[wording(sentence.text)].append(sentence)
    parts: dict[str, list[Sentence]] = {split: [] for split in SPLITS}
    for same in places.values():
        if len({(split_of(sentence), sentence.library) for sentence in same}) == 1:
            parts[split_of(same[0])].append(same[0])
    return parts


def split_of(sentence: Sentence) -> str:
    """The split of a sentence's module."""
    return SPLITS[rank("split", sentence.library, sentence.module) % len(SPLITS)]


def wording(text: str) -> str:
    """What two sentences must share to be one: letters and digits, without case or marks."""
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))


def _balanced(found: list[Sentence], count: int, field: str) -> list[Sentence]:
    """``count`` sentences, the libraries in equal parts."""
    sizes = Counter(sentence.library for sentence in found)
    fewest = min(LIBRARIES, key=sizes.__getitem__)
    most = len(LIBRARIES) * sizes[fewest]
    if count > most:
        has = f"{fewest} has {sizes[fewest]} sentences there"
        raise DataError(f"dataset.{field} must be at most {most} ({has}), got {count}")
    order = interleave(found, lambda sentence: rank(sentence.text), lambda sentence: sentence[0])
    return order[:count]
