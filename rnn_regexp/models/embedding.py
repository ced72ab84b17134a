"""Embedding lookup for K runs, each in its own table, and tables that were trained before."""

from typing import Any

import torch
from torch import Tensor

from rnn_regexp.errors import BadInput
from rnn_regexp.weights import Weights


@torch.no_grad()
def take_over(weights: Weights, vectors: Tensor) -> None:
    """Start the embedding from pretrained ``vectors`` (V, D) where they are known: no NaN.

    Raises ``BadInput`` where the model's embeddings have another width.
    """
    table = weights["embedding"]  # (K, V, D)
    if table.shape[1:] != vectors.shape:
        width, own = vectors.shape[1], table.shape[2]
        raise BadInput(f"model.embedding must be {width}, as wide as dataset.vectors, got {own}")
    vectors = vectors.to(table)
    table.copy_(vectors.where(~vectors.isnan(), table))


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
        found = table.new_empty(*tokens.shape, table.shape[-1])
        for own, rows, ids in zip(found.flatten(1, -2), table, tokens.flatten(1), strict=True):
            torch.index_select(rows, 0, ids, out=own)
        return found

    @staticmethod
    def backward(ctx: Any, d_rows: Tensor) -> tuple[Tensor, None]:
        (tokens,) = ctx.saved_tensors
        K, V, D = ctx.table
        each = torch.arange(0, K * V, V, device=tokens.device).view(-1, *[1] * (tokens.dim() - 1))
        d_table = _summed(d_rows.reshape(-1, D), (tokens + each).flatten(), K * V)
        return d_table.view(K, V, D), None


def _summed(rows: Tensor, index: Tensor, count: int) -> Tensor:
    """The sum of the rows (N, D) at each index, (count, D), in the same order every time."""
    if rows.is_cuda:  # where index_add_ takes them as they come
        found: Tensor = torch.ops.aten.embedding_dense_backward(rows, index, count, -1, False)
        return found
    return rows.new_zeros(count, rows.shape[1]).index_add_(0, index, rows)
