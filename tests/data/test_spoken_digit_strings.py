"""Recordings of one speaker joined to strings of digits."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from rnn_regexp.data import SpokenDigitStrings
from rnn_regexp.data.sequences import DataError, SequenceData
from rnn_regexp.data.spoken_digit_strings import joined
from rnn_regexp.data.spoken_digits import HeldOut, Recording, read

# A recording's samples all have its own value, so that a joined signal tells what it is made of.
SAID = [
    Recording(str(digit), speaker, number, np.full(3 + digit, 1000 * voice + 100 * digit + number))
    for voice, speaker in enumerate(["george", "theo"], 1)
    for digit in range(10)
    for number in range(6)
]


def parts(signal: np.ndarray) -> list[int]:
    """The values a signal is made of, in order."""
    starts = np.flatnonzero(np.diff(signal, prepend=-1))
    return signal[starts].astype(int).tolist()


@pytest.mark.parametrize(("shortest", "longest"), [(1, 1), (2, 5), (4, 4)])
def test_a_string_is_what_one_speaker_said(shortest: int, longest: int):
    by_value = {int(own.signal[0]): own for own in SAID}
    for own in joined(SAID, shortest, longest, 2):
        said = [by_value[value] for value in parts(own.signal)]
        assert {recording.speaker for recording in said} == {own.speaker}
        assert "".join(recording.digit for recording in said) == own.digits
        assert len(own.signal) == sum(len(recording.signal) for recording in said)
        assert 1 <= len(said) <= longest


def test_each_recording_is_used_once_a_round():
    uses = Counter(value for own in joined(SAID, 1, 5, 3) for value in parts(own.signal))
    assert uses == dict.fromkeys((int(own.signal[0]) for own in SAID), 3)


def test_every_length_is_drawn_and_the_rest_is_left_out():
    lengths = Counter(len(own.digits) for own in joined(SAID, 2, 5, 20))
    assert set(lengths) == {2, 3, 4, 5}
    used = sum(length * count for length, count in lengths.items())
    assert len(SAID) * 20 - 40 <= used <= len(SAID) * 20  # at most one left over of each speaker


def test_rounds_differ_and_the_order_of_the_file_does_not_matter():
    once, again = ([own.digits for own in joined(order, 2, 5, 2)] for order in (SAID, SAID[::-1]))
    assert once == again
    fours = [own.digits for own in joined(SAID, 4, 4, 2)]
    assert fours[: len(fours) // 2] != fours[len(fours) // 2 :]


@pytest.fixture(scope="module")
def data(data_root: str) -> SequenceData:
    return SpokenDigitStrings(root=data_root, bands=8).load()


def test_targets_are_the_digits_said(data: SequenceData):
    for split, most in ((data.train, 2400 * 2), (data.valid, 300), (data.test, 300)):
        counts = (split.targets >= 0).sum(dim=1)
        assert counts.min() == 2
        assert counts.max() == 5
        assert most - 12 * 2 <= counts.sum() <= most
        behind = torch.arange(split.targets.shape[1]) >= counts[:, None]
        assert (split.targets[behind] == -1).all()
        assert (split.lengths > 2 * counts).all()  # CTC has room
    assert data.classes == tuple("0123456789")
    assert data.task == "transduce"


def test_strings_of_held_out_speakers(data_root: str):
    settings = SpokenDigitStrings(root=data_root, bands=8, held_out=HeldOut.speakers, rounds=1)
    recordings = read(Path(data_root) / "fsdd/fsdd_recordings.tar.gz")
    found = settings.load()
    for split, speakers in (("train", 4), ("valid", 1), ("test", 1)):
        own = settings.splits(recordings)[split]
        assert len({said.speaker for said in own}) == speakers
        labels = getattr(found, split).targets
        assert 500 * speakers - speakers <= (labels >= 0).sum() <= 500 * speakers


def test_longest_below_shortest():
    with pytest.raises(DataError) as error:
        SpokenDigitStrings(shortest=4, longest=3).load()
    assert str(error.value) == "dataset.longest must be at least dataset.shortest=4, got 3"
