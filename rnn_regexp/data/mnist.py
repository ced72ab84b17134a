"""MNIST as sequences: pixel by pixel, permuted or not, or row by row."""

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnn_regexp.data import files
from rnn_regexp.data.files import FileDataset, Present
from rnn_regexp.data.published import DataFile
from rnn_regexp.data.rank import interleave, rank
from rnn_regexp.data.sequences import DataError, SequenceData, Split
from rnn_regexp.fields import structural

SIDE, PIXELS = 28, 28 * 28
PERMUTATION = 92916  # seed; that of Lezcano-Casado and Martinez-Rubio 2019 (expRNN)
MAGIC = {1: 2049, 3: 2051}  # dimensions -> first number of an idx file of bytes


class Step(Enum):
    """What the network sees at once, and how many steps that makes."""

    pixel = 784
    row = 28


def _file(name: str, md5: str, size: int, packed: int) -> DataFile:
    url = f"https://ossci-datasets.s3.amazonaws.com/mnist/{name}.gz"
    return DataFile(f"mnist/{name}", url, (f"md5:{md5}",), size, archive_size=packed)


@dataclass
class Mnist(FileDataset):
    """Handwritten digit of 28 x 28 pixels in [0, 1] -> digit; official test split of 10,000.

    ``permuted`` rearranges the pixels of every image by one fixed bijection,
    ``numpy.random.RandomState(92916).permutation(784)``.

    Source: LeCun, Bottou, Bengio and Haffner 1998; as sequences: Le, Jaitly and Hinton 2015.
    """

    step: Step = structural(Step.pixel)
    permuted: bool = structural(False)
    valid_examples: int = structural(5000, "[10, 50000]")  # held out of the 60,000

    source: ClassVar[str] = "LeCun et al. 1998; sequential: Le, Jaitly & Hinton 2015"
    licence: ClassVar[str] = "commonly given as CC BY-SA 3.0"
    published: ClassVar[tuple[DataFile, ...]] = (
        _file("train-images-idx3-ubyte", "6bbc9ace898e44ae57da46a324031adb", 47040016, 9912422),
        _file("train-labels-idx1-ubyte", "a25bea736e30d166cdddb491f175f624", 60008, 28881),
        _file("t10k-images-idx3-ubyte", "2646ac647ad5339dbf082846283269ea", 7840016, 1648877),
        _file("t10k-labels-idx1-ubyte", "27ae3e4e09519cfbb04c329615203637", 10008, 4542),
    )

    def load(self) -> SequenceData:
        """Read the images. Raises ``DataError`` for a file that is missing or damaged."""
        found = self.present()
        train, test = (
            self._split(found[f"{part}-images-idx3-ubyte"], found[f"{part}-labels-idx1-ubyte"])
            for part in ("train", "t10k")
        )
        rows = mixed(train.targets)
        return SequenceData(
            _take(train, rows[self.valid_examples :]),
            _take(train, rows[: self.valid_examples]),
            _take(test, mixed(test.targets)),
            classes=tuple("0123456789"),
            provenance=files.provenance(found.values()),
        )

    def _split(self, images: Present, labels: Present) -> Split:
        pixels = idx(images, 3).reshape(-1, PIXELS)  # (N, 784)
        if self.permuted:
            pixels = pixels[:, permutation()]
        inputs = torch.tensor(pixels).float().div_(255).view(len(pixels), self.step.value, -1)
        lengths = torch.full((len(pixels),), self.step.value)
        return Split(inputs, lengths, torch.tensor(idx(labels, 1)).long())


def permutation() -> NDArray[np.int64]:
    """The fixed order of the 784 pixels: each occurs once."""
    return np.random.RandomState(PERMUTATION).permutation(PIXELS)


def idx(file: Present, dimensions: int) -> NDArray[np.uint8]:
    """The bytes of an idx file in its shape. Raises ``DataError`` for another layout."""
    raw = file.read()
    header = np.frombuffer(raw, ">i4", count=1 + dimensions)
    shape = tuple(int(size) for size in header[1:])
    if header[0] != MAGIC[dimensions] or len(raw) != header.nbytes + np.prod(shape):
        raise DataError(f"{file.path} is no idx file of {dimensions} dimensions")
    return np.frombuffer(raw, np.uint8, offset=header.nbytes).reshape(shape)


def mixed(digits: Tensor) -> list[int]:
    """Rows in hash order, the digits in turn, so that every part of them holds all ten."""
    return interleave(range(len(digits)), lambda row: rank(str(row)), digits.tolist().__getitem__)


def _take(split: Split, rows: list[int]) -> Split:
    return Split(split.inputs[rows], split.lengths[rows], split.targets[rows])
