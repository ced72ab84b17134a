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
