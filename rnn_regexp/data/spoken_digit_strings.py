"""Spoken numbers: recordings of one speaker joined to strings of digits, without a pause."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from rnn_regexp.data import files
from rnn_regexp.data.features import padded, standardized
from rnn_regexp.data.log_mel import Signal, log_mel
from rnn_regexp.data.partition import TEST, TRAIN, VALID
from rnn_regexp.data.rank import rank
from rnn_regexp.data.sequences import DataError, SequenceData, Split
from rnn_regexp.data.spoken_digits import RATE, Recording, SpokenDigits, read
from rnn_regexp.fields import structural


@dataclass
class SpokenDigitStrings(SpokenDigits):
    """Recordings of one speaker joined -> the string of digits, without their times (CTC).

    Splits, frames and scaling are those of ``spoken_digits``: no recording, or no speaker, is in
    two splits. In each of ``rounds`` every training recording is used once, in another order.
    """

    shortest: int = structural(2, "[1, 20]")  # digits
    longest: int = structural(5, "[1, 20]")
    rounds: int = structural(2, "[1, inf)")  # of train; validation and test have one

    task: ClassVar[str] = "transduce"
    source: ClassVar[str] = "Free Spoken Digit Dataset, 2 to 5 recordings joined"

    def load(self) -> SequenceData:
        """Read and join the recordings. Raises ``DataError`` for a file missing or damaged."""
        self.check()
        if self.longest < self.shortest:
            raise DataError(
                f"dataset.longest must be at least dataset.shortest={self.shortest}, "
                f"got {self.longest}"
            )
        (found,) = self.present().values()
        said = {
            split: list(joined(own, self.shortest, self.longest, self._rounds(split)))
            for split, own in self.splits(read(found.path)).items()
        }
        frames = standardized(
            {
                split: [log_mel(one.signal, RATE, self.bands) for one in own]
                for split, own in said.items()
            }
        )
        train, valid, test = (
            Split(*padded(frames[split]), labels(said[split])) for split in (TRAIN, VALID, TEST)
        )
        provenance = files.provenance([found])
        return SequenceData(
            train, valid, test, tuple("0123456789"), provenance=provenance, task=self.task
        )

    def _rounds(self, split: str) -> int:
        return self.rounds if split == TRAIN else 1


class Utterance(NamedTuple):
    """Several digits said by one person, one after the other."""

    digits: str
    speaker: str
    signal: Signal  # (samples,)


def joined(
    recordings: Iterable[Recording], shortest: int, longest: int, rounds: int
) -> Iterator[Utterance]:
    """Strings of ``shortest`` to ``longest`` recordings of one split and one speaker each.

    In a round each recording is used once, in an order of its own that depends on names and
    round alone; fewer than ``shortest`` that are left at its end are not used.
    """
    speakers: dict[str, list[Recording]] = defaultdict(list)
    for own in recordings:
        speakers[own.speaker].append(own)
    for turn in map(str, range(rounds)):
        for speaker, said in sorted(speakers.items()):
            order = sorted(said, key=partial(_place, turn))
            yield from _cut(order, turn, speaker, shortest, longest)


def _place(turn: str, said: Recording) -> int:
    return rank(turn, said.digit, said.speaker, str(said.number))


def _cut(
    order: Sequence[Recording], turn: str, speaker: str, shortest: int, longest: int
) -> Iterator[Utterance]:
    start = 0
    while len(order) - start >= shortest:
        drawn = shortest + rank("length", turn, speaker, str(start)) % (longest - shortest + 1)
        part = order[start : start + drawn]
        digits = "".join(said.digit for said in part)
        yield Utterance(digits, speaker, np.concatenate([said.signal for said in part]))
        start += drawn


def labels(said: Iterable[Utterance]) -> Tensor:
    """The digits (N, L) of utterances, -1 behind the last one."""
    digits = [torch.tensor([int(digit) for digit in own.digits]) for own in said]
    return pad_sequence(digits, batch_first=True, padding_value=-1)
