"""MNIST as sequences: pixels, rows and the permutation."""

import dataclasses
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rnn_regexp.data import Mnist
from rnn_regexp.data.mnist import Step, permutation
from rnn_regexp.data.sequences import DataError, SequenceData

RANDOM = np.random.default_rng(0)
IMAGES = {part: RANDOM.integers(0, 256, (40, 28, 28), np.uint8) for part in ("train", "t10k")}
DIGITS = np.arange(40, dtype=np.uint8) % 10


class Small(Mnist):
    """Without checksums."""

    published = tuple(dataclasses.replace(own, hashes=(), size=0) for own in Mnist.published)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("root")
    (folder / "mnist").mkdir()
    for part, images in IMAGES.items():
        write(folder, f"{part}-images-idx3-ubyte", 2051, images)
        write(folder, f"{part}-labels-idx1-ubyte", 2049, DIGITS)
    return folder


def write(folder: Path, name: str, magic: int, array: np.ndarray) -> None:
    header = struct.pack(f">{1 + array.ndim}i", magic, *array.shape)
    (folder / "mnist" / name).write_bytes(header + array.tobytes())


def load(root: Path, **settings: Any) -> SequenceData:
    return Small(root=str(root), valid_examples=10, **settings).load()


def images(data: SequenceData) -> list[bytes]:
    """All training and validation images as bytes, sorted."""
    both = torch.cat([data.train.inputs, data.valid.inputs]).flatten(1)
    return sorted(row.numpy().tobytes() for row in both)


def expected(pixels: np.ndarray) -> list[bytes]:
    return sorted((row / np.float32(255)).astype(np.float32).tobytes() for row in pixels)


def test_pixel_by_pixel(root: Path):
    data = load(root)
    assert data.train.inputs.shape == (30, 784, 1)
    assert data.valid.inputs.shape == (10, 784, 1)
    assert images(data) == expected(IMAGES["train"].reshape(40, 784))
    assert set(data.train.lengths.tolist()) == {784}


def test_row_by_row(root: Path):
    data = load(root, step=Step.row)
    assert data.test.inputs.shape == (40, 28, 28)
    first = data.test.inputs[0]
    (place,) = [
        n for n, own in enumerate(IMAGES["t10k"]) if np.array_equal(own, (first * 255).round())
    ]
    assert data.test.targets[0] == DIGITS[place]


def test_the_permutation_is_the_known_bijection():
    assert sorted(permutation()) == list(range(784))
    assert permutation()[:8].tolist() == [319, 576, 323, 107, 355, 716, 197, 20]
    assert permutation().tolist() == permutation().tolist()


def test_permuted_pixels_can_be_put_back(root: Path):
    plain, permuted = load(root), load(root, permuted=True)
    back = np.argsort(permutation())
    assert torch.equal(permuted.train.inputs[:, back], plain.train.inputs)
    assert torch.equal(permuted.test.inputs[:, back], plain.test.inputs)
    assert not torch.equal(permuted.test.inputs, plain.test.inputs)


def test_digits_are_validated_in_equal_parts(root: Path):
    data = load(root)
    assert data.valid.targets.bincount().tolist() == [1] * 10
    assert data.train.targets.bincount().tolist() == [3] * 10


def test_another_layout(root: Path, tmp_path: Path):
    (tmp_path / "mnist").mkdir()
    for path in (root / "mnist").iterdir():
        (tmp_path / "mnist" / path.name).write_bytes(path.read_bytes())
    labels = tmp_path / "mnist/t10k-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:-1])
    with pytest.raises(DataError, match="t10k-labels-idx1-ubyte is no idx file of 1 dimensions"):
        load(tmp_path)


def test_facts(data_root: str):
    data = Mnist(root=data_root, step=Step.row).load()
    assert [len(split) for split in (data.train, data.valid, data.test)] == [55000, 5000, 10000]
    counts = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert data.test.targets.bincount().tolist() == counts
    learned = (data.train.targets.bincount() + data.valid.targets.bincount()).tolist()
    assert learned == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert data.train.inputs.max() == 1
    assert data.train.inputs.min() == 0
