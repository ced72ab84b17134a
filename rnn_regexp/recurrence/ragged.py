"""Sequences of different lengths, longest first: a step takes those that still go on.

Texts leave more than half of their padded steps empty, more so where one long text makes all runs
of a cohort pad.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from rnn_regexp.host import may_ask
from rnn_regexp.recurrence.cells import Cell, LayerWeights, State
from rnn_regexp.recurrence.perturbation import RecurrentNoise
from rnn_regexp.recurrence.steps import Packed

_SHARE = 0.8  # of the padded steps, and
_WORTH_SORTING = 6 << 20  # multiplications with W_hh that are left out: from there on it pays


@dataclass(frozen=True, eq=False)
class Ragged:
    """Which of the padded rows (K, T, B) each step takes; N over all steps."""

    steps: Packed
    lengths: Tensor  # (K, B)
    order: Tensor  # (K, B), the longest sequence first
    within: Tensor  # (K, N), rows of (K * B, ...)
    index: Tensor  # (K, N), rows of (K * T * B, ...)
    T: int

    def pack(self, x: Tensor) -> Tensor:
        """(K, T, B, ...), or (K, 1, B, ...) for the same at every step, to (K, N, ...)."""
        index = self.within if x.shape[1] == 1 else self.index
        return x.flatten(0, 2).index_select(0, index.flatten()).unflatten(0, index.shape)

    def unpack(self, packed: Tensor) -> Tensor:
        """(K, N, H) to (K, T, B, H), zero elsewhere."""
        (K, B), H = self.order.shape, packed.shape[-1]
        padded = packed.new_zeros(K * self.T * B, H)
        return padded.index_add_(0, self.index.flatten(), packed.flatten(0, 1)).view(K, -1, B, H)

    def last(self, packed: Tensor, before: Tensor) -> Tensor:
        """Each sequence's last row of (K, N, H), (K, B, H); ``before`` where it has none."""
        (K, N), sizes = self.index.shape, torch.tensor(self.steps.sizes)
        first = (sizes.cumsum(0) - sizes)[(self.lengths - 1).clamp_min(0)]  # row of the last step
        some = self.lengths > 0
        row = torch.arange(K)[:, None] * N + some * (first + self.order.argsort(dim=1))  # (K, B)
        own = packed.flatten(0, 1).index_select(0, row.flatten()).view_as(before)
        return torch.where(some[..., None], own, before)

    def unroll(
        self,
        unrolling: Callable[..., State],
        cell: Cell,
        inputs: Tensor,
        state: State,
        weights: LayerWeights,
        noise: RecurrentNoise,
        wanted: int,
    ) -> tuple[State, State]:
        """The first ``wanted`` of the states, (K, T, B, H), and of the last ones.

        ``unrolling`` is that of ``scan`` or ``cpu``.  Zero at the steps that are left out.
        """
        own = RecurrentNoise(**{name: self.pack(mask) for name, mask in noise.present().items()})
        index = self.order[..., None]
        ordered = tuple(s.gather(1, index.expand_as(s)) for s in state)
        states = unrolling(cell, self.pack(inputs), ordered, weights, own, self.steps)[:wanted]
        return tuple(map(self.unpack, states)), tuple(map(self.last, states, state))


def ragged(lengths: Tensor, T: int, W_hh: Tensor) -> Ragged | None:
    """The rows to take where lengths (K, B) leave out enough of the padded steps, else None.

    On CUDA None: the host would have to wait for the lengths.
    """
    if not may_ask(lengths.device) or T * lengths.shape[1] * W_hh.numel() < _WORTH_SORTING:
        return None
    (K, B), ordered = lengths.shape, lengths.sort(dim=1, descending=True, stable=True)
    longest = ordered.values.amax(dim=0)  # over runs, by rank
    going = longest > torch.arange(T)[:, None]  # (T, B)
    sizes = [n for n in going.sum(dim=1).tolist() if n]
    left_out = (T * B - sum(sizes)) * W_hh.numel()
    if not 0 < sum(sizes) < _SHARE * T * B or left_out < _WORTH_SORTING:
        return None
    t, rank = going.nonzero().unbind(1)
    of_run, row = torch.arange(K)[:, None], ordered.indices[:, rank]  # (K, N)
    within, index = of_run * B + row, (of_run * T + t) * B + row
    return Ragged(Packed(sizes, B), lengths, ordered.indices, within, index, T)
