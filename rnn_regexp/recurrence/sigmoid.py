"""tanh by way of the sigmoid, which torch computes six times faster on CPU; and their slopes.

tanh(a) = 2 sigmoid(2a) - 1: a pre-activation that is to pass tanh is computed doubled.
"""

import torch
from torch import Tensor

_MINUS_ONE = torch.tensor(-1.0, device="cpu")


def doubled(W: Tensor, rows: slice) -> Tensor:
    """A copy of W (K, N, ...) with the given rows times two."""
    W = W.clone()
    W[:, rows] *= 2
    return W


def to_tanh(s: Tensor, out: Tensor) -> Tensor:
    """2s - 1: from sigmoid(2a) to tanh(a)."""
    return torch.add(_MINUS_ONE, s, alpha=2, out=out)


def by_sigmoid(factor: Tensor, s: Tensor, out: Tensor) -> Tensor:
    """factor * s * (1 - s): the slope where s = sigmoid(a)."""
    return torch.ops.aten.sigmoid_backward.grad_input(factor, s, grad_input=out)


def by_tanh(factor: Tensor, y: Tensor, out: Tensor) -> Tensor:
    """factor * (1 - y * y): the slope where y = tanh(a)."""
    return torch.ops.aten.tanh_backward.grad_input(factor, y, grad_input=out)
