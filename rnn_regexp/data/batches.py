"""Mini-batches from tensors in memory, time first, cut to the longest."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from rnn_regexp.data.sequences import Split


@dataclass(frozen=True)
class Batch:
    """B sequences for each of K runs."""

    inputs: Tensor  # (K, T, B) token ids or (K, T, B, D) features
    lengths: Tensor  # (K, B)
    targets: Tensor  # (K, B, ...) of whole sequences, or (K, T, B) of steps: the task knows
    begins: bool = True  # whether sequences begin here; false where they go on from the last batch
    active: Tensor | None = None  # (K,) bool: the runs that still have data in this epoch


@dataclass(frozen=True)
class Batching:
    """How an epoch of training is cut."""

    batch_size: int  # sequences, or parallel streams
    window: int = 35  # steps between two cuts of a stream
    stretch: Callable[[Tensor, int], Tensor] | None = None  # lengths (K,), index -> lengths (K,)


def shuffled(split: Split, order: Tensor, batch_size: int) -> Iterator[Batch]:
    """One pass in each run's own order (K, N); the last batch may be smaller."""
    batches = order.split(batch_size, dim=1)
    longest = torch.stack([split.lengths[rows].max() for rows in batches]).tolist()  # one wait
    for rows, steps in zip(batches, longest, strict=True):
        yield gather(split, rows, steps)


def sorted_by_length(split: Split, runs: int, batch_size: int) -> Iterator[Batch]:
    """One pass over the same batches for all runs, shortest first: little padding."""
    order = split.lengths.argsort(stable=True)
    for rows in order.split(batch_size):
        yield gather(split, rows.expand(runs, -1))


def gather(split: Split, rows: Tensor, longest: int | None = None) -> Batch:
    """The sequences of ``rows`` (K, B), of which the ``longest`` has so many steps."""
    lengths = split.lengths[rows]  # (K, B)
    steps = torch.arange(int(lengths.max()) if longest is None else longest, device=rows.device)
    inputs = split.inputs[rows[:, None, :], steps[None, :, None]]  # (K, T, B, ...)
    return Batch(inputs, lengths, split.targets[rows])
