"""Free Spoken Digits: six people say the digits, fifty times each."""

import io
import re
import tarfile
import wave
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import BinaryIO, ClassVar, NamedTuple

import numpy as np

from rnn_regexp.data import files
from rnn_regexp.data.archives import members
from rnn_regexp.data.features import Series, feature_data
from rnn_regexp.data.files import FileDataset
from rnn_regexp.data.log_mel import Signal, log_mel
from rnn_regexp.data.partition import TEST, TRAIN, VALID
from rnn_regexp.data.published import DataFile
from rnn_regexp.data.sequences import DataError, SequenceData
from rnn_regexp.fields import structural

RATE = 8000  # samples a second
NAME = re.compile(r"(?P<digit>\d)_(?P<speaker>[a-z]+)_(?P<number>\d+)\.wav$")


class Speaker(Enum):
    """Who speaks."""

    george = "george"
    jackson = "jackson"
    lucas = "lucas"
    nicolas = "nicolas"
    theo = "theo"
    yweweler = "yweweler"


class HeldOut(Enum):
    """What validation and test share with train: no recording, or not even a speaker."""

    recordings = "recordings"
    speakers = "speakers"


class Recording(NamedTuple):
    """A digit as one person said it once."""

    digit: str
    speaker: str
    number: int
    signal: Signal  # (samples,) in [-1, 1]


def repack(archive: Path, content: BinaryIO) -> None:
    """The recordings of the published archive as one tar file that is the same everywhere."""
    found = {name.rpartition("/")[2]: data for name, data in members(archive, "*.wav")}
    with tarfile.open(fileobj=content, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in sorted(found.items()):
            info = tarfile.TarInfo(f"recordings/{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


@dataclass
class SpokenDigits(FileDataset):
    """Recording -> digit, as log-mel frames: 25 ms windows every 10 ms; 3,000 recordings.

    By default test are the recordings 0 to 4 of each speaker and digit, as published, validation
    the recordings 5 to 9. With ``held_out=speakers``, all of one speaker are the test split and all
    of another validation. Frames are scaled to mean 0 and deviation 1, as measured in train.

    Source: Jackson et al., Free Spoken Digit Dataset, at its state of 3,000 recordings.
    """

    bands: int = structural(40, "[1, 64]")  # of the mel scale, up to 4 kHz
    held_out: HeldOut = structural(HeldOut.recordings)
    valid_speaker: Speaker = structural(Speaker.theo)
    test_speaker: Speaker = structural(Speaker.yweweler)

    source: ClassVar[str] = "Free Spoken Digit Dataset: 6 speakers x 10 digits x 50"
    licence: ClassVar[str] = "CC BY-SA 4.0"
    published: ClassVar[tuple[DataFile, ...]] = (
        DataFile(
            "fsdd/fsdd_recordings.tar",
            "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/"
            "26eb9aaf76e81b692f806f9140c2d2777410d7a1.tar.gz",
            ("sha256:9cbd40a399fee10d4611dc8ffe6de219695fd804a62dfb43373f183715b43877",),
            23429120,
            unpack=repack,
        ),
    )

    def load(self) -> SequenceData:
        """Read the recordings. Raises ``DataError`` for a file that is missing or damaged."""
        self.check()
        (found,) = self.present().values()
        splits = {
            split: [Series(log_mel(own.signal, RATE, self.bands), own.digit) for own in recordings]
            for split, recordings in self.splits(read(found.path)).items()
        }
        return feature_data(splits, files.provenance([found]), standardize=True)

    def check(self) -> None:
        """Refuse one speaker for two splits. Raises ``DataError``."""
        if self.held_out is HeldOut.speakers and self.valid_speaker is self.test_speaker:
            raise DataError(
                "dataset.valid_speaker and dataset.test_speaker must differ, "
                f"both are {self.test_speaker.name}"
            )

    def splits(self, recordings: Iterable[Recording]) -> dict[str, list[Recording]]:
        """Each recording in its split."""
        splits: dict[str, list[Recording]] = {TRAIN: [], VALID: [], TEST: []}
        for own in recordings:
            splits[self._split_of(own)].append(own)
        return splits

    def _split_of(self, recording: Recording) -> str:
        if self.held_out is HeldOut.recordings:
            return TEST if recording.number < 5 else VALID if recording.number < 10 else TRAIN
        held = {self.test_speaker.name: TEST, self.valid_speaker.name: VALID}
        return held.get(recording.speaker, TRAIN)


def read(path: Path) -> list[Recording]:
    """The recordings of a tar file. Raises ``DataError`` for one that is not as published."""
    return [_recording(name, data) for name, data in members(path, "*.wav")]


def _recording(name: str, data: bytes) -> Recording:
    known = NAME.search(name)
    try:
        with wave.open(io.BytesIO(data)) as file:
            layout = (file.getnchannels(), file.getsampwidth(), file.getframerate())
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
    except (wave.Error, EOFError, ValueError) as error:
        raise DataError(f"{name} is no sound: {error}") from None
    if known is None or layout != (1, 2, RATE) or not len(samples):
        raise DataError(f"{name} is no recording with one channel of 16 bits at {RATE} Hz")
    return Recording(known["digit"], known["speaker"], int(known["number"]), samples)
