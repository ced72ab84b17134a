"""Spoken numbers: recordings of one speaker joined to strings of digits, without a pause."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from rnn_regexp.data.log_mel import Signal
from rnn_regexp.data.rank import rank
from rnn_regexp.data.spoken_digits import Recording


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
        for speaker, own in sorted(speakers.items()):
            order = sorted(own, key=lambda said: rank(turn, *map(str, said[:3])))
            yield from _cut(order, turn, speaker, shortest, longest)


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
