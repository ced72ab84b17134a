"""Gradient clipping: by norm, by value, by tensor, and adaptive."""

import math
from dataclasses import dataclass
from enum import Enum

import torch
from torch import Tensor

from rnn_regexp.fields import per_run
from rnn_regexp.regularizers.base import Regularizer, Update, chosen, column, some
from rnn_regexp.weights import Weights

SMALLEST = 1e-3  # norm of weights below which adaptive clipping takes them to be so large


class By(Enum):
    """What the threshold bounds; see ``Clip``."""

    norm = "norm"
    value = "value"
    tensor = "tensor"
    adaptive = "adaptive"


@dataclass
class Clip(Regularizer):
    """Bound each run's gradient by its own threshold; inf clips nothing.

    norm:      g <- g * min(1, threshold / (||g|| + 1e-6))     (torch's clip_grad_norm_)
    value:     g <- max(-threshold, min(threshold, g))         elementwise; changes the direction
    tensor:    as norm, for the gradient of each parameter by itself
    adaptive:  g_i <- g_i * min(1, threshold * max(||w_i||, 1e-3) / ||g_i||), i the rows of a
               matrix (a bias is one row); the threshold is a share, .01 in the paper

    The survey's formula is by value and its code by norm: two different methods, hence two names.
    """

    source = (
        "Pascanu et al. 2013 (norm); Mikolov 2012 (value); Brock et al. 2021, section 4 (adaptive)"
    )

    threshold: float = per_run(math.inf, "(0, inf]", strength=True)
    by: By = per_run(By.norm)

    def transform_gradients(self, weights: Weights, update: Update) -> None:
        for by, clip in (
            (By.norm, self._by_norm),
            (By.value, self._by_value),
            (By.tensor, self._by_tensor),
            (By.adaptive, self._adaptive),
        ):
            if some(self.by, by):
                mine = chosen(self.by, by, update.norm)
                clip(weights, update, self.threshold.to(update.norm).masked_fill(~mine, math.inf))

    def _by_norm(self, weights: Weights, update: Update, threshold: Tensor) -> None:
        scale = (threshold / (update.norm + 1e-6)).clamp(max=1)  # (K,)
        update.clipped |= scale < 1
        weights.gradient.mul_(scale[:, None])

    def _by_value(self, weights: Weights, update: Update, threshold: Tensor) -> None:
        bound = column(threshold, weights.gradient)
        update.clipped |= torch.linalg.vector_norm(weights.gradient, math.inf, dim=1) > threshold
        weights.gradient.clamp_(min=-bound, max=bound)

    def _by_tensor(self, weights: Weights, update: Update, threshold: Tensor) -> None:
        for gradient in weights.gradients.values():
            norm = torch.linalg.vector_norm(gradient.flatten(1), dim=1)
            scale = (threshold / (norm + 1e-6)).clamp(max=1)
            update.clipped |= scale < 1
            gradient.mul_(column(scale, gradient))

    def _adaptive(self, weights: Weights, update: Update, threshold: Tensor) -> None:
        for name, gradient in weights.gradients.items():
            norm, size = _row_norms(gradient), _row_norms(weights[name].detach())
            most = column(threshold, norm) * size.clamp_min(SMALLEST)
            over = norm > most
            update.clipped |= over.flatten(1).any(dim=1)
            gradient.mul_(torch.where(over, most / norm.clamp_min(1e-6), 1))


def _row_norms(tensor: Tensor) -> Tensor:
    """Of (K, N, M) along M, of (K, N) along N; reduced dimensions stay, of size 1."""
    return torch.linalg.vector_norm(tensor, dim=-1, keepdim=True)
