"""Sequences of different lengths, longest first: a step takes those that are still going.

The steps fall into segments, each of at most half the rows of the one before, so at least half of
what a segment begins with is still going at its end.  Texts leave more than half of their padded
steps empty, more so when one long text makes all runs of a cohort pad.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from rnn_regexp.host import may_ask
from rnn_regexp.recurrence.cells import State
from rnn_regexp.recurrence.perturbation import RecurrentNoise

_WORTH = 0.8  # the share of the padded steps below which sorting pays

Unroll = Callable[[Tensor, State, RecurrentNoise], tuple[tuple[Tensor, ...], State]]


class Segment(NamedTuple):
    """Steps ``start`` to ``stop`` of the ``rows`` longest sequences of each run."""

    start: int
    stop: int
    rows: int


def segments(lengths: Tensor) -> list[Segment]:
    """The segments of sequences of K runs, (K, B)."""
    longest = lengths.sort(dim=1, descending=True).values.amax(dim=0).tolist()  # by rank
    start, rows, found = 0, len(longest), []
    while rows:
        stop = longest[rows // 2]  # from here on at most half go on
        if stop > start:
            found.append(Segment(start, stop, rows))
            start = stop
        rows //= 2
    return found


@dataclass(frozen=True, eq=False)
class Ragged:
    """Where the segments' rows lie among the padded steps (K, T, B)."""

    order: Tensor  # (K, B), the longest sequence first
    segments: list[Segment]
    T: int

    @cached_property
    def rows(self) -> list[Tensor]:
        """By segment, the rows of (K * T * B, ...) that it takes, (K, steps, rows)."""
        K, B = self.order.shape
        first = torch.arange(K).view(K, 1, 1) * self.T
        return [
            (first + torch.arange(start, stop).view(1, -1, 1)) * B + self.order[:, None, :rows]
            for start, stop, rows in self.segments
        ]

    def split(self, steps: Tensor) -> Iterator[Tensor]:
        """(K, T, B, ...) by segment, (K, steps, rows, ...)."""
        flat = steps.flatten(0, 2)
        for index in self.rows:
            yield flat.index_select(0, index.flatten()).unflatten(0, index.shape)

    def join(self, parts: tuple[Tensor, ...]) -> Tensor:
        """Put (K, steps, rows, H) of each segment where they were, (K, T, B, H), zero elsewhere."""
        (K, B), H = self.order.shape, parts[0].shape[-1]
        padded = parts[0].new_zeros(K * self.T * B, H)
        for part, index in zip(parts, self.rows, strict=True):
            padded.index_add_(0, index.flatten(), part.flatten(0, 2))
        return padded.view(K, self.T, B, H)

    def noise(self, noise: RecurrentNoise) -> Iterator[RecurrentNoise]:
        """By segment; what is the same at every step stays so."""
        whole = Ragged(self.order, [Segment(0, 1, self.order.shape[1])], 1)
        by_name = {
            name: self.split(mask) if mask.shape[1] > 1 or self.T == 1 else whole._same(self, mask)
            for name, mask in noise.present().items()
        }
        for _ in self.segments:
            yield RecurrentNoise(**{name: next(own) for name, own in by_name.items()})

    def _same(self, other: "Ragged", mask: Tensor) -> Iterator[Tensor]:
        (ordered,) = self.split(mask)  # (K, 1, B, ...)
        for segment in other.segments:
            yield ordered[:, :, : segment.rows]

    def unroll(
        self, inputs: Tensor, state: State, noise: RecurrentNoise, unroll: Unroll
    ) -> tuple[Tensor, ...]:
        """The states at every step, (K, T, B, H), zero where no segment comes."""
        index = self.order[..., None]
        state = tuple(s.gather(1, index.expand_as(s)) for s in state)
        parts = []
        for segment, x, own in zip(
            self.segments, self.split(inputs), self.noise(noise), strict=True
        ):
            states, state = unroll(x, tuple(s[:, : segment.rows] for s in state), own)
            parts.append(states)
        return tuple(self.join(own) for own in zip(*parts, strict=True))


def ragged(lengths: Tensor, T: int) -> Ragged | None:
    """The segments where they leave out enough of the padded steps, else None.

    On CUDA None: the host would have to wait for the lengths.
    """
    if not may_ask(lengths.device):
        return None
    found = segments(lengths)
    steps = sum((stop - start) * rows for start, stop, rows in found)
    if not found or steps > _WORTH * T * lengths.shape[1]:
        return None
    return Ragged(lengths.argsort(dim=1, descending=True, stable=True), found, T)
