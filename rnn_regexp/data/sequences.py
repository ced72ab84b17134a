"""What a dataset is to the rest of the project: three splits of padded sequences with lengths."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from rnn_regexp.errors import BadInput
from rnn_regexp.fields import Settings


@dataclass(frozen=True)
class Split:
    """N labelled sequences. Positions behind a sequence's length hold 0 and change no result."""

    inputs: Tensor  # (N, T) int64 token ids, or (N, T, D) float32 features
    lengths: Tensor  # (N,) int64, each in 1..T
    targets: Tensor  # (N, ...) whatever the task asks for; see ``tasks``

    def __len__(self) -> int:
        return len(self.lengths)

    def head(self, count: int) -> "Split":
        """The first ``count`` sequences."""
        return Split(self.inputs[:count], self.lengths[:count], self.targets[:count])


@dataclass(frozen=True)
class SequenceData:
    """A dataset in memory. Everything fitted (vocabulary, scaling) comes from ``train`` alone."""

    train: Split
    valid: Split
    test: Split
    classes: tuple[str, ...]  # of labels; empty where targets are numbers
    vocabulary: tuple[str, ...] = ()  # id -> token; 0 is <pad>, 1 is <unk>; empty for features
    provenance: dict[str, str] = field(default_factory=dict)  # file -> sha256, package -> version
    task: str = "classify"  # one of ``tasks.ALL``
    constants: dict[str, Tensor] = field(default_factory=dict)  # what the task's metrics ask for
    vectors: Tensor | None = None  # (V, D) float32: pretrained embeddings, NaN rows where unknown

    @property
    def features(self) -> int:
        """D of (N, T, D) inputs, or 0 where inputs are token ids."""
        return self.train.inputs.shape[2] if self.train.inputs.dim() == 3 else 0

    def digest(self) -> str:
        """Hash of all that a run's numbers depend on: tensors, task, classes and vocabulary."""
        names = (self.task, self.classes, self.vocabulary, sorted(self.constants))
        sha = hashlib.sha256(repr(names).encode())
        for tensor in self._tensors():
            sha.update(repr((tuple(tensor.shape), str(tensor.dtype))).encode())
            sha.update(tensor.contiguous().view(torch.uint8).numpy().data)
        return sha.hexdigest()[:16]

    def _tensors(self) -> Iterator[Tensor]:
        for split in (self.train, self.valid, self.test):
            yield from (split.inputs, split.lengths, split.targets)
        yield from (self.constants[name] for name in sorted(self.constants))
        if self.vectors is not None:
            yield self.vectors


@dataclass
class Dataset(Settings):
    """Settings of a dataset; ``load`` reads it. ``rnn_regexp.data.ALL`` lists the subclasses."""

    task: ClassVar[str] = "classify"  # one of ``tasks.ALL``
    source: ClassVar[str] = ""  # one line: where the data come from
    package: ClassVar[str] = ""  # of an extra, where the data or their reader come from

    def load(self) -> SequenceData:
        """Read, split and encode the data.

        Raises ``DataError`` with one line that names the file, the column or the row at fault.
        """
        raise NotImplementedError


class DataError(BadInput):
    """Data that cannot be used; the message is one line for the user."""
