"""The settings by which labelled texts become sequences: tokens, vocabulary, length, vectors."""

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from rnn_regexp.data.content import verify
from rnn_regexp.data.partition import TRAIN, Row
from rnn_regexp.data.rank import rank
from rnn_regexp.data.sequences import DataError, SequenceData
from rnn_regexp.data.subwords import Tokenize, read_subwords, train_subwords
from rnn_regexp.data.table import nearest
from rnn_regexp.data.text import Text, text_data, tokenize
from rnn_regexp.data.vectors import coverage, load_vectors
from rnn_regexp.fields import Settings, structural

WORDS, SUBWORDS = "words", "subwords"
NO_LIMIT = 1 << 50  # bytes of a file that the user names
WORD = re.compile(r"\w+")


class Labelled(NamedTuple):
    """A labelled text and where it stands: ``row 12 of reviews.csv``, as an editor counts rows."""

    where: str
    text: str
    label: str

    def row(self, number: int = 0) -> Row:
        """A row that is told from others by its words, whatever their case and marks."""
        return Row(number, (f"{rank(*WORD.findall(self.text.lower())):016x}",), self.label, self)


@dataclass
class TextSettings(Settings):
    """How texts are cut into tokens, and how many of them are kept."""

    vocabulary: int = structural(5000, "[3, inf)")  # tokens, <pad> and <unk> among them
    max_length: int = structural(200, "[1, inf)")  # tokens kept of a text
    tokenizer: str = structural(WORDS)  # words, subwords (learnt from train), or a tokenizer.json
    vectors: str | None = structural(None)  # a file of word vectors: GloVe's .txt, fastText's .vec

    def encode(
        self, splits: Mapping[str, Sequence[Labelled]], provenance: Mapping[str, str]
    ) -> SequenceData:
        """Padded ids, with vocabulary and subwords of the train split.

        Raises ``DataError`` for a text without a token, or a file that cannot be used.
        """
        told = {**provenance, **self.named_files()}
        cut = self._tokenizer(splits[TRAIN])
        texts = {split: _tokens(rows, cut) for split, rows in splits.items()}
        data = text_data(texts, self.vocabulary, self.max_length, told)
        if self.vectors is None:
            return data
        vectors = load_vectors(self.vectors, data.vocabulary)
        told = {**data.provenance, "vectors_found": coverage(vectors)}
        return dataclasses.replace(data, vectors=vectors, provenance=told)

    def named_files(self) -> dict[str, str]:
        """The files that the settings name, with the first digits of their content's sha256."""
        named = [] if self.tokenizer in (WORDS, SUBWORDS) else [("tokenizer", self.tokenizer)]
        named += [("vectors", self.vectors)] if self.vectors else []
        return {f"{key} {Path(path).name}": _sha256(f"dataset.{key}", path) for key, path in named}

    def _tokenizer(self, train: Sequence[Labelled]) -> Tokenize:
        if self.tokenizer == WORDS:
            return tokenize
        if self.tokenizer == SUBWORDS:
            return train_subwords((own.text for own in train), self.vocabulary)
        return read_subwords(self.tokenizer)


def _tokens(rows: Sequence[Labelled], cut: Tokenize) -> Iterator[Text]:
    for own in rows:
        tokens = cut(own.text)
        if not tokens:
            what = f"no word in {own.text!r}" if own.text.strip() else "empty text"
            raise DataError(f"{own.where}: {what}")
        yield Text(tokens, own.label)


def _sha256(key: str, path: str) -> str:
    file = Path(path).expanduser()
    if not file.is_file():
        words = [WORDS, SUBWORDS] if key == "dataset.tokenizer" else []
        hints = [f"or one of: {', '.join(words)}"] * bool(words) + nearest(path, words)
        raise DataError(f"{key}: no such file: {path}" + f" ({'; '.join(hints)})" * bool(hints))
    return verify(file, (), size=NO_LIMIT)[:16]
