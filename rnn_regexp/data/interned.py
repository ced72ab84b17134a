"""Texts as numbers of their tokens: four bytes a token, however many texts there are."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Numbers = NDArray[np.int32]


class Interned:
    """Tokens in the order in which they were first met; a text is an array of their places."""

    def __init__(self) -> None:
        self.places: defaultdict[str, int] = defaultdict()
        self.places.default_factory = self.places.__len__  # a new token gets the next place

    def add(self, tokens: Iterable[str]) -> Numbers:
        """A text (T,)."""
        return np.fromiter(map(self.places.__getitem__, tokens), dtype=np.int32)

    def counts(self, texts: Sequence[Numbers]) -> Counter[str]:
        """How often tokens occur in ``texts``."""
        met = np.bincount(np.concatenate([*texts, np.zeros(0, np.int32)]))
        return Counter({own: int(n) for own, n in zip(self.places, met, strict=False)})

    def table(self, ids: Iterable[int]) -> NDArray[np.int64]:
        """Place -> id, from the ids in the order of the places."""
        return np.fromiter(ids, dtype=np.int64, count=len(self.places))


def padded(
    texts: Sequence[Numbers], table: NDArray[np.int64], max_length: int
) -> tuple[Tensor, Tensor]:
    """Ids (N, T) padded with 0 and lengths (N,) of N texts, cut behind ``max_length`` tokens."""
    lengths = [min(len(text), max_length) for text in texts]
    inputs = torch.zeros(len(texts), max(lengths), dtype=torch.int64)  # (N, T)
    for row, text, length in zip(inputs.numpy(), texts, lengths, strict=True):
        row[:length] = table[text[:length]]
    return inputs, torch.tensor(lengths)
