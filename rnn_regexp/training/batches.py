"""Mini-batches from tensors in memory."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from rnn_regexp.data.sequences import Split


@dataclass(frozen=True)
class Batch:
    """B sequences for each of K runs, time first, cut to the longest."""

    inputs: Tensor  # (K, T, B) token ids or (K, T, B, D) features
    lengths: Tensor  # (K, B)
    targets: Tensor  # (K, B)


def shuffled(split: Split, order: Tensor, batch_size: int) -> Iterator[Batch]:
    """One pass in each run's own order (K, N); the last batch may be smaller."""
    for rows in order.split(batch_size, dim=1):
        yield gather(split, rows)


def sorted_by_length(split: Split, runs: int, batch_size: int) -> Iterator[Batch]:
    """One pass over the same batches for all runs, shortest first: little padding."""
    order = split.lengths.argsort(stable=True)
    for rows in order.split(batch_size):
        yield gather(split, rows.expand(runs, -1))


def gather(split: Split, rows: Tensor) -> Batch:
    """The sequences of ``rows`` (K, B)."""
    lengths = split.lengths[rows]  # (K, B)
    steps = torch.arange(int(lengths.max()), device=rows.device)
    inputs = split.inputs[rows[:, None, :], steps[None, :, None]]  # (K, T, B, ...)
    return Batch(inputs, lengths, split.targets[rows])
