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
    """The numbers of one split in one round; more rows leave those that were there unchanged."""

    def __init__(self, seed: int, split: str, step: int) -> None:
        self._noise, self._split = Noise(torch.tensor([seed]), step), split

    def uniform(self, site: str, *shape: int) -> Tensor:
        """Numbers in [0, 1), float32."""
        return self._noise.uniform(f"{self._split}/{site}", shape)[0]

    def integers(self, site: str, below: int, *shape: int) -> Tensor:
        """Numbers in 0..below-1, int64."""
        return (self.uniform(site, *shape).double() * below).long()


@dataclass
class Synthetic(Dataset):
    """A generated problem; the splits are finite and fixed."""

    length: int = structural(100, "[10, inf)")  # steps
    examples: int = structural(5000, "[8, inf)")  # training sequences
    valid_examples: int = structural(1000, "[8, inf)")
    test_examples: int = structural(1000, "[8, inf)")
    seed: int = structural(0, "[0, 1e18]")  # of the data; a run's own seed is no part of it

    def draw(self, source: Source, count: int) -> Tensor:
        """``count`` random sequences, (count, T, ...)."""
        raise NotImplementedError

    def split(self, drawn: Tensor) -> Split:
        """What is to be learned of sequences."""
        raise NotImplementedError

    def classes(self) -> tuple[str, ...]:
        """The names of the classes; none where targets are numbers."""
        return ()

    def constants(self, train: Split) -> dict[str, Tensor]:
        """What the task's metrics ask for."""
        return {}

    def load(self) -> SequenceData:
        """Generate the splits. Raises ``DataError`` where too few sequences are that short."""
        taken: set[bytes] = set()
        test, valid, train = (
            self.split(different(self.draw, self.seed, name, count, taken))
            for name, count in (
                ("test", self.test_examples),
                ("valid", self.valid_examples),
                ("train", self.examples),
            )
        )
        constants = self.constants(train)
        return SequenceData(train, valid, test, self.classes(), task=self.task, constants=constants)


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


def classified(symbols: Tensor, inputs: Tensor, answers: Tensor) -> Split:
    """Sequences of symbols (N, T) with ``PADDING`` behind; the classes are mixed."""
    order = interleave(range(len(answers)), lambda row: row, answers.tolist().__getitem__)
    lengths = (symbols != PADDING).sum(dim=1)
    return Split(inputs[order], lengths[order], answers[order])


def one_hot(symbols: Tensor, kinds: int) -> Tensor:
    """(N, T) -> (N, T, kinds) float32, all 0 at ``PADDING``."""
    known = symbols != PADDING
    features = torch.zeros(*symbols.shape, kinds)
    features.scatter_(2, symbols.clamp(min=0)[..., None], known[..., None].float())
    return features
