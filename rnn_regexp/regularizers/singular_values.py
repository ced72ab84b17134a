"""Singular values of the matrices of K runs."""

import torch
from torch import Tensor


def singular_values(W: Tensor) -> Tensor:
    """Of matrices (..., M, N), falling, (..., min(M, N)); NaN where a matrix is not finite.

    torch refuses all of them then: a run that diverges would take its neighbours with it.
    """
    finite = W.isfinite().all(dim=-1).all(dim=-1)  # (...)
    sound = W.where(finite[..., None, None], 0)
    return torch.linalg.svdvals(sound).where(finite[..., None], torch.nan)
