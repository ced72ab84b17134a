"""Embedding lookup for K runs, each in its own table."""

from typing import Any

import torch
from torch import Tensor


def embed(table: Tensor, tokens: Tensor) -> Tensor:
    """Rows of ``table`` (K, V, D) at ``tokens`` (K, T, B): (K, T, B, D)."""
    out: Tensor = _Embed.apply(table, tokens)
    return out


class _Embed(torch.autograd.Function):
    """Written out because slicing a run from (K, V, D) costs a zero-filled (K, V, D) backward."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, tokens: Tensor) -> Tensor:
        ctx.save_for_backward(tokens)
        ctx.table = table.shape
        rows = (own[ids] for own, ids in zip(table, tokens, strict=True))
        return torch.stack(list(rows))

    @staticmethod
    def backward(ctx: Any, d_rows: Tensor) -> tuple[Tensor, None]:
        (tokens,) = ctx.saved_tensors
        K, V, D = ctx.table
        d_table = d_rows.new_empty(K, V, D)
        for own, rows, ids in zip(d_table, d_rows, tokens, strict=True):
            own.copy_(torch.ops.aten.embedding_dense_backward(rows, ids, V, -1, False))
        return d_table, None
