"""Words to numbers: tokens, a vocabulary of the training split, padded ids. torchtext's only user.

torchtext is frozen upstream. Its wheels 0.7 to 0.18 are compiled against one torch release each and
do not load with torch 2.13; 0.6.0 is the last one in pure Python, and it runs under ``-W error``.
That is why it is pinned. It is imported where it is used: it brings a downloader along.
"""

import contextlib
import io
import ssl
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from rnn_regexp.data.interned import Interned, Numbers, padded
from rnn_regexp.data.sequences import DataError, SequenceData, Split

SPECIALS = ["<pad>", "<unk>"]
PADDING, UNKNOWN = range(2)


class Text(NamedTuple):
    """A labelled text as the model sees it."""

    tokens: Sequence[str]
    label: str


def tokenize(text: str) -> list[str]:
    """Lower-cased words and punctuation marks, torchtext's ``basic_english``."""
    return _tokenizer()(text)


@cache
def _tokenizer() -> Callable[[str], list[str]]:
    from torchtext.data.utils import get_tokenizer

    tokenizer: Callable[[str], list[str]] = get_tokenizer("basic_english")
    return tokenizer


def build_vocabulary(counts: Counter[str], size: int) -> Any:
    """torchtext's ``Vocab`` of the most frequent tokens; ties are broken by the alphabet.

    ``size`` counts <pad> (0) and <unk> (1). Raises ``DataError`` where nothing else is left.
    """
    from torchtext.vocab import Vocab

    vocabulary = Vocab(counts, max_size=size - len(SPECIALS), specials=SPECIALS)
    if len(vocabulary) == len(SPECIALS):
        raise DataError(
            "the training texts hold no token but <unk>: there is nothing to learn from"
        )
    return vocabulary


def read_vectors(path: Path) -> tuple[list[str], Tensor]:
    """The tokens of a text file of vectors and the vectors (N, E), read by torchtext."""
    from torchtext.vocab import Vectors

    https = ssl._create_default_https_context
    quiet = contextlib.redirect_stderr(io.StringIO())  # a progress bar
    try:
        with quiet:
            read = Vectors(str(path.resolve()), cache=str(path.parent))
    finally:
        ssl._create_default_https_context = https  # torchtext switches verification off for good
    return read.itos, read.vectors


def text_data(
    splits: Mapping[str, Iterable[Text]],
    size: int,
    max_length: int,
    provenance: Mapping[str, str],
) -> SequenceData:
    """Encode ``train``, ``valid`` and ``test`` with the vocabulary and the classes of ``train``.

    Raises ``DataError`` for a text without tokens: a sequence has at least one step.
    """
    interned = Interned()
    labels: dict[str, list[str]] = {}
    texts: dict[str, list[Numbers]] = {}
    for name, split in splits.items():
        texts[name], labels[name] = _intern(interned, name, split)
    vocabulary = build_vocabulary(interned.counts(texts["train"]), size)
    # A text may contain the word "<pad>"; only padding is 0.
    table = interned.table(vocabulary[token] or UNKNOWN for token in interned.places)
    classes = sorted(set(labels["train"]))
    encoded = {
        name: Split(*padded(split, table, max_length), targets(labels[name], classes, name))
        for name, split in texts.items()
    }
    cut = sum(len(text) > max_length for split in texts.values() for text in split)
    told = {"truncated_texts": str(cut), "unknown_tokens": _unknown(encoded)}
    return SequenceData(
        encoded["train"],
        encoded["valid"],
        encoded["test"],
        classes=tuple(classes),
        vocabulary=tuple(vocabulary.itos),
        provenance={**provenance, **told},
    )


def _intern(
    interned: Interned, name: str, split: Iterable[Text]
) -> tuple[list[Numbers], list[str]]:
    texts, labels = [], []
    for row, (tokens, label) in enumerate(split):
        texts.append(interned.add(tokens))
        labels.append(label)
        if not len(texts[-1]):
            raise DataError(f"text {row} of {name} has no token")
    return texts, labels


def targets(labels: Iterable[str], classes: Sequence[str], split: str) -> Tensor:
    """Class indices (N,). Raises ``DataError`` for a label that train does not have."""
    number = {label: place for place, label in enumerate(classes)}
    labels = list(labels)
    for label in labels:
        if label not in number:
            raise DataError(f"the class {label!r} occurs in {split} and never in train")
    return torch.tensor([number[label] for label in labels])


def _unknown(encoded: Mapping[str, Split]) -> str:
    """The share of tokens outside the vocabulary, split by split."""
    shares = {
        name: int((split.inputs == UNKNOWN).sum()) / int(split.lengths.sum())
        for name, split in encoded.items()
    }
    return ", ".join(f"{name} {share:.1%}" for name, share in shares.items())
