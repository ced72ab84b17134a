"""Exact lengths without a test in the loop: padding follows every sequence.

So no valid step reads padding; the last state is gathered at its own length, and the reversed
direction turns each sequence round within its length.  What a cell computes on padding is never
used, but it must stay finite: infinity times a zero gradient is not zero.
"""

from typing import Any

import torch
from torch import Tensor

from rnn_regexp.host import may_ask
from rnn_regexp.recurrence.cells import LayerWeights

_SILENCE = -(2.0**60)


def within(lengths: Tensor, T: int) -> Tensor | None:
    """The lengths where a sequence may be shorter than T; on CUDA always, to not wait for it.

    Raises ``ValueError`` for what is no whole number, and where looking is free for lengths outside
    0 ... T.
    """
    if lengths.is_floating_point() or lengths.dtype is torch.bool:
        raise ValueError(f"lengths must be whole numbers, got {lengths.dtype}")
    if not may_ask(lengths.device):
        return lengths
    low, high = (int(end) for end in lengths.aminmax())
    if low < 0 or high > T:
        raise ValueError(f"lengths must be 0 to {T}, the steps of inputs, got {low} to {high}")
    return None if low == T else lengths


def valid(lengths: Tensor, T: int) -> Tensor:
    """Which steps lie within their sequence: (K, T, B) bool from (K, B)."""
    t = torch.arange(T, device=lengths.device).view(1, T, 1)
    return t < lengths[:, None]


def at_length(steps: Tensor, lengths: Tensor, before: Tensor | None = None) -> Tensor:
    """Each sequence's last valid step, (K, T, B, H) -> (K, B, H); ``before`` where it has none."""
    K, _, B, H = steps.shape
    index = (lengths - 1).clamp_min(0).view(K, 1, B, 1).expand(K, 1, B, H)
    last = steps.gather(1, index).squeeze(1)
    return last if before is None else torch.where(lengths[..., None] > 0, last, before)


def turn(steps: Tensor, lengths: Tensor) -> Tensor:
    """Reverse each sequence within its length; padding stays where it is: (K, T, B, D)."""
    K, T, B, D = steps.shape
    t = torch.arange(T, device=steps.device).view(1, T, 1)
    turned = torch.where(valid(lengths, T), lengths[:, None] - 1 - t, t)  # (K, T, B)
    first = torch.arange(K, device=steps.device).view(K, 1, 1) * T
    row = (first + turned) * B + torch.arange(B, device=steps.device)  # in (K*T*B, D)
    return _Exchange.apply(steps.reshape(-1, D), row.flatten()).view(K, T, B, D)


class _Exchange(torch.autograd.Function):
    """Rows in the order of an index that is its own inverse, so the gradient takes the same way."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, index: Tensor) -> Tensor:
        ctx.save_for_backward(index)
        return rows.index_select(0, index)

    @staticmethod
    def backward(ctx: Any, d_rows: Tensor) -> tuple[Tensor, None]:
        return _Exchange.apply(d_rows, *ctx.saved_tensors), None


def silenced(inputs: Tensor, weights: LayerWeights, lengths: Tensor) -> tuple[Tensor, LayerWeights]:
    """Inputs and weights with which a relu network is zero on padding and unchanged before it.

    Such a network can grow without bound behind the last step.  One more input, 1 on padding, has
    a large negative weight.
    """
    W_hx, W_hh, b_hx, b_hh = weights
    padding = ~valid(lengths, inputs.shape[1])[..., None]  # (K, T, B, 1)
    column = W_hx.new_full((*W_hx.shape[:2], 1), _SILENCE)
    wider = torch.cat((W_hx, column), dim=-1)  # (K, H, D + 1)
    return torch.cat((inputs, padding.to(inputs)), dim=-1), (wider, W_hh, b_hx, b_hh)
