"""Free Spoken Digits: who and what stands in which split."""

import dataclasses
import gzip
import hashlib
import io
import random
import tarfile
import wave
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from rnn_regexp.data import SpokenDigits
from rnn_regexp.data.log_mel import log_mel
from rnn_regexp.data.sequences import DataError
from rnn_regexp.data.spoken_digits import HeldOut, Recording, Speaker, read, repack

SPEAKERS = [own.name for own in Speaker]


def sound(samples: np.ndarray, rate: int = 8000) -> bytes:
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setparams((1, 2, rate, len(samples), "NONE", "not compressed"))
        file.writeframes(samples.astype("<i2").tobytes())
    return stream.getvalue()


def archive(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


@pytest.fixture(scope="module")
def recordings(data_root: str) -> list[Recording]:
    return read(Path(data_root) / "fsdd/fsdd_recordings.tar.gz")


def test_reads_samples_of_sixteen_bits(tmp_path: Path):
    path = archive(tmp_path / "own.tar", {"a/7_theo_12.wav": sound(np.array([0, 16384, -32768]))})
    (found,) = read(path)
    assert found[:3] == ("7", "theo", 12)
    assert found.signal.tolist() == [0, 0.5, -1]


@pytest.mark.parametrize(
    ("name", "data", "line"),
    [
        ("7_theo_1.wav", b"<html>", "7_theo_1.wav is no sound"),
        ("7_theo_1.wav", sound(np.ones(9)).removesuffix(b"\1\0")[:20], "7_theo_1.wav is no sound"),
        ("7_theo_1.wav", sound(np.ones(9), 16000), "one channel of 16 bits at 8000 Hz"),
        ("7_theo_1.wav", sound(np.ones(0)), "one channel of 16 bits at 8000 Hz"),
        ("theo.wav", sound(np.ones(9)), "theo.wav is no recording"),
    ],
)
def test_bad_sounds(tmp_path: Path, name: str, data: bytes, line: str):
    with pytest.raises(DataError, match=line):
        read(archive(tmp_path / "own.tar", {name: data}))


def test_facts(recordings: list[Recording]):
    assert len(recordings) == 3000
    assert Counter(own.speaker for own in recordings) == dict.fromkeys(SPEAKERS, 500)
    assert Counter(own.digit for own in recordings) == dict.fromkeys("0123456789", 300)
    seconds = sum(len(own.signal) for own in recordings) / 8000
    assert round(seconds) == 1312


def test_official_test_recordings(recordings: list[Recording]):
    splits = SpokenDigits().splits(recordings)
    assert {split: len(own) for split, own in splits.items()} == {
        "train": 2400,
        "valid": 300,
        "test": 300,
    }
    assert {own.number for own in splits["test"]} == set(range(5))
    assert {own.number for own in splits["valid"]} == set(range(5, 10))
    for own in splits.values():
        assert {recording.speaker for recording in own} == set(SPEAKERS)


def test_held_out_speakers_are_never_heard_in_train(recordings: list[Recording]):
    settings = SpokenDigits(held_out=HeldOut.speakers, test_speaker=Speaker.lucas)
    splits = settings.splits(recordings)
    assert {own.speaker for own in splits["test"]} == {"lucas"}
    assert {own.speaker for own in splits["valid"]} == {"theo"}
    assert {own.speaker for own in splits["train"]} == set(SPEAKERS) - {"lucas", "theo"}
    assert sum(map(len, splits.values())) == 3000


def test_one_speaker_for_both():
    with pytest.raises(DataError) as error:
        SpokenDigits(held_out=HeldOut.speakers, valid_speaker=Speaker.yweweler).load()
    assert str(error.value) == (
        "dataset.valid_speaker and dataset.test_speaker must differ, both are yweweler"
    )


def test_frames_are_those_of_the_recordings_scaled_by_train(
    data_root: str, recordings: list[Recording]
):
    settings = SpokenDigits(root=data_root, bands=12)
    data, splits = settings.load(), settings.splits(recordings)
    train = np.concatenate([log_mel(own.signal, 8000, 12) for own in splits["train"]]).astype(float)
    frames = log_mel(splits["test"][7].signal, 8000, 12)
    expected = (frames - train.mean(0)) / train.std(0)
    distances = [
        np.abs(row[:length].numpy() - expected).max()
        for row, length in zip(data.test.inputs, data.test.lengths)
        if length == len(frames)
    ]
    assert min(distances) < 1e-5
    assert data.provenance["sequences_in_two_splits"] == "0"


def test_the_published_archive_is_repacked_to_the_known_content(data_root: str, tmp_path: Path):
    """Whatever order, folder and times the published archive has."""
    (file,) = SpokenDigits().files()
    with gzip.open(f"{data_root}/{file.name}.gz") as stream, tarfile.open(fileobj=stream) as tar:
        members = {info.name: tar.extractfile(info).read() for info in tar}
    names = list(members)
    random.Random(0).shuffle(names)
    renamed = {f"free-spoken-digit-dataset-26eb/{name}": members[name] for name in names}
    path = archive(tmp_path / "published.tar", {"x/README.md": b"read me", **renamed})
    content = io.BytesIO()
    repack(path, content)
    assert (f"sha256:{hashlib.sha256(content.getvalue()).hexdigest()}",) == file.hashes
    assert len(content.getvalue()) == file.size


def test_another_content_is_refused(tmp_path: Path):
    (tmp_path / "fsdd").mkdir()
    archive(tmp_path / "fsdd/fsdd_recordings.tar", {"1_theo_1.wav": sound(np.ones(900))})
    with pytest.raises(DataError, match="is not what was published"):
        dataclasses.replace(SpokenDigits(), root=str(tmp_path)).load()
