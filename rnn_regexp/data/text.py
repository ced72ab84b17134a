"""Words to numbers: tokens, a vocabulary of the training split, padded ids. torchtext's only user.

torchtext is frozen upstream. Its wheels 0.7 to 0.18 are compiled against one torch release each and
do not load with torch 2.13; 0.6.0 is the last one in pure Python, and it runs under ``-W error``.
That is why it is pinned. It is imported where it is used: it brings a downloader along.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from rnn_regexp.data.sequences import DataError, SequenceData, Split

SPECIALS = ["<pad>", "<unk>"]
UNKNOWN = SPECIALS.index("<unk>")


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


def build_vocabulary(texts: Iterable[Sequence[str]], size: int) -> Any:
    """torchtext's ``Vocab`` of the most frequent tokens; ties are broken by the alphabet.

    ``size`` counts <pad> (0) and <unk> (1).
    """
    from torchtext.vocab import Vocab

    counts = Counter(token for text in texts for token in text)
    return Vocab(counts, max_size=size - len(SPECIALS), specials=SPECIALS)


def encode(
    texts: Sequence[Sequence[str]], vocabulary: Any, max_length: int
) -> tuple[Tensor, Tensor]:
    """Ids (N, T) padded with 0 and lengths (N,) of N texts; T is at most ``max_length``.

    Raises ``DataError`` for a text without tokens: a sequence has at least one step.
    """
    for row, text in enumerate(texts):
        if not text:
            raise DataError(f"text {row} has no token")
    # A text may contain the word "<pad>"; only padding is 0.
    ids = [[vocabulary[token] or UNKNOWN for token in text[:max_length]] for text in texts]
    inputs = pad_sequence([torch.tensor(row) for row in ids], batch_first=True)  # (N, T)
    return inputs, torch.tensor([len(row) for row in ids])


def text_data(
    splits: Mapping[str, Sequence[Text]],
    size: int,
    max_length: int,
    provenance: Mapping[str, str],
) -> SequenceData:
    """Encode ``train``, ``valid`` and ``test`` with the vocabulary and the classes of ``train``."""
    vocabulary = build_vocabulary((text.tokens for text in splits["train"]), size)
    classes = sorted({text.label for text in splits["train"]})
    number = {label: place for place, label in enumerate(classes)}
    encoded = {}
    for name, texts in splits.items():
        inputs, lengths = encode([text.tokens for text in texts], vocabulary, max_length)
        encoded[name] = Split(inputs, lengths, torch.tensor([number[text.label] for text in texts]))
    cut = sum(len(text.tokens) > max_length for texts in splits.values() for text in texts)
    return SequenceData(
        encoded["train"],
        encoded["valid"],
        encoded["test"],
        classes=tuple(classes),
        vocabulary=tuple(vocabulary.itos),
        provenance={**provenance, "truncated_texts": str(cut)},
    )
