"""Encoded data come back as they were, and an entry that cannot be trusted is made anew."""

from pathlib import Path

import pytest
import torch

from rnn_regexp.data import encoded
from rnn_regexp.data.sequences import SequenceData, Split


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RNN_REGEXP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def data(largest: int = 5, features: bool = False) -> SequenceData:
    inputs = torch.rand(3, 4, 2) if features else torch.tensor([[largest, 2, 0], [1, 0, 0]])
    lengths = torch.tensor([4, 4, 4] if features else [2, 1])
    split = Split(inputs, lengths, torch.tensor([1, 0, 1][: len(lengths)]))
    vectors = None if features else torch.tensor([[torch.nan, 1.0]])
    return SequenceData(
        split, split.head(1), split, ("a", "b"), ("<pad>", "ä"), {"f": "1"}, vectors=vectors
    )


@pytest.mark.parametrize("features", [True, False])
@pytest.mark.parametrize("largest", [5, 2**15 - 1, 2**15, 2**40])
def test_comes_back_as_it_was(largest: int, features: bool):
    made = [data(largest, features)]
    first = encoded.kept("key", made.pop)
    again = encoded.kept("key", made.pop)  # nothing is left to be made
    assert again.digest() == first.digest()
    assert again.train.inputs.dtype == first.train.inputs.dtype
    assert (again.classes, again.vocabulary) == (first.classes, first.vocabulary)
    assert again.provenance == first.provenance


def test_another_key_and_other_code_are_other_entries(monkeypatch: pytest.MonkeyPatch):
    assert encoded.kept("a", lambda: data(3)).digest() == data(3).digest()
    assert encoded.kept("b", lambda: data(4)).digest() == data(4).digest()
    monkeypatch.setattr(encoded, "_encoder", lambda: "other code")
    assert encoded.kept("a", lambda: data(5)).digest() == data(5).digest()


@pytest.mark.parametrize("damage", ["cut", "emptied", "edited", "folder"])
def test_a_damaged_entry_is_made_anew(folder: Path, damage: str):
    encoded.kept("key", data)
    (path,) = folder.glob("encoded-*.safetensors")
    raw = path.read_bytes()
    edited = raw.replace((5).to_bytes(2, "little") + (2).to_bytes(2, "little"), b"\x04\0\x02\0")
    assert edited != raw
    path.unlink()
    if damage == "folder":
        path.mkdir()
    else:
        path.write_bytes({"cut": raw[:-200], "emptied": b"", "edited": edited}[damage])
    assert encoded.kept("key", data).digest() == data().digest()


def test_the_oldest_are_forgotten(folder: Path, monkeypatch: pytest.MonkeyPatch):
    encoded.kept("a", data)
    (old,) = folder.glob("encoded-*.safetensors")
    monkeypatch.setattr(encoded, "LARGEST", old.stat().st_size * 2)
    for key in "bc":
        encoded.kept(key, data)
    left = list(folder.glob("encoded-*.safetensors"))
    assert len(left) == 2
    assert old not in left


def test_a_folder_that_cannot_be_written(folder: Path):
    folder.write_text("a file")
    assert encoded.kept("key", data).digest() == data().digest()


def test_vectors_are_part_of_the_digest():
    split = data().train
    without = SequenceData(split, split, split, ("a", "b"))
    with_one = SequenceData(split, split, split, ("a", "b"), vectors=torch.ones(1, 2))
    with_other = SequenceData(split, split, split, ("a", "b"), vectors=torch.zeros(1, 2))
    assert len({own.digest() for own in (without, with_one, with_other)}) == 3
