"""What the generated problems share: keyed numbers, and splits in which no sequence stands twice.

A number depends on (``dataset.seed``, split, round, position) alone: the same settings give the
same data on every machine, and a smaller split holds the first sequences of a larger one.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from rnn_regexp.data.rank import interleave
from rnn_regexp.data.sequences import DataError, Dataset, SequenceData, Split
from rnn_regexp.fields import structural
from rnn_regexp.noise import Noise

ROUNDS = 20  # of drawing again in place of sequences that were there before
PADDING = -1


class Source:
    """The numbers of one split in one round."""

    def __init__(self, seed: int, split: str, step: int) -> None:
        self._noise, self._split = Noise(torch.tensor([seed]), step), split

    def integers(self, site: str, below: int, *shape: int) -> Tensor:
        """Numbers in 0..below-1, int64; more rows leave those that were there unchanged."""
        numbers = self._noise.uniform(f"{self._split}/{site}", shape)[0]
        return (numbers.double() * below).long()


@dataclass
class Synthetic(Dataset):
    """A generated problem of sequence classification; the splits are finite and fixed."""

    length: int = structural(100, "[10, inf)")  # steps
    examples: int = structural(5000, "[8, inf)")  # training sequences
    valid_examples: int = structural(1000, "[8, inf)")
    test_examples: int = structural(1000, "[8, inf)")
    seed: int = structural(0, "[0, 1e18]")  # of the data; a run's own seed is no part of it

    def draw(self, source: Source, count: int) -> Tensor:
        """``count`` random sequences as symbols (count, T) int64 with ``PADDING`` behind."""
        raise NotImplementedError

    def encode(self, symbols: Tensor) -> Tensor:
        """Features (N, T, D) of symbols (N, T); ``PADDING`` becomes 0."""
        raise NotImplementedError

    def answers(self, symbols: Tensor) -> Tensor:
        """The class (N,) of each sequence."""
        raise NotImplementedError

    def classes(self) -> tuple[str, ...]:
        """The names of the classes."""
        raise NotImplementedError

    def load(self) -> SequenceData:
        """Generate the splits. Raises ``DataError`` where too few sequences are that short."""
        taken: set[bytes] = set()
        test, valid, train = (
            self._split(different(self.draw, self.seed, name, count, taken))
            for name, count in (
                ("test", self.test_examples),
                ("valid", self.valid_examples),
                ("train", self.examples),
            )
        )
        return SequenceData(train, valid, test, classes=self.classes())

    def _split(self, symbols: Tensor) -> Split:
        answers = self.answers(symbols)  # (N,)
        order = interleave(range(len(answers)), lambda row: row, answers.tolist().__getitem__)
        lengths = (symbols != PADDING).sum(dim=1)
        return Split(self.encode(symbols)[order], lengths[order], answers[order])


def different(
    draw: Callable[[Source, int], Tensor], seed: int, split: str, count: int, taken: set[bytes]
) -> Tensor:
    """``count`` drawn rows of which none is in ``taken``, where they are added.

    Raises ``DataError`` if there are too few different ones.
    """
    kept: list[Tensor] = []
    for step in range(ROUNDS):
        for row in draw(Source(seed, split, step), count):
            key = hashlib.sha256(row.numpy().tobytes()).digest()
            if len(kept) < count and key not in taken:
                taken.add(key)
                kept.append(row)
        if len(kept) == count:
            return torch.stack(kept)
    raise DataError(
        f"dataset.length: there are too few different sequences for {count} more in {split}; "
        "ask for a greater length or for fewer examples"
    )


def one_hot(symbols: Tensor, kinds: int) -> Tensor:
    """(N, T) -> (N, T, kinds) float32, all 0 at ``PADDING``."""
    known = symbols != PADDING
    features = torch.zeros(*symbols.shape, kinds)
    features.scatter_(2, symbols.clamp(min=0)[..., None], known[..., None].float())
    return features
