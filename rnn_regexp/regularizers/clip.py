"""Gradient clipping, by norm and by value."""

import math
from dataclasses import dataclass
from enum import Enum

import torch
from torch import Tensor

from rnn_regexp.fields import per_run
from rnn_regexp.regularizers.base import Regularizer, Update, chosen, column
from rnn_regexp.weights import Weights


class By(Enum):
    """What the threshold bounds: the norm of a run's whole gradient, or each of its elements."""

    norm = "norm"
    value = "value"


@dataclass
class Clip(Regularizer):
    """Bound each run's gradient by its own threshold; inf clips nothing.

    norm:   g <- g * min(1, threshold / (||g|| + 1e-6))     (torch's clip_grad_norm_)
    value:  g <- max(-threshold, min(threshold, g))         elementwise; changes the direction

    The survey's formula is by value and its code by norm: two different methods, hence two names.
    """

    source = "Pascanu et al. 2013 (norm); Mikolov 2012 (value)"

    threshold: float = per_run(math.inf, "(0, inf]", strength=True)
    by: By = per_run(By.norm)

    def transform_gradients(self, weights: Weights, update: Update) -> None:
        by_norm = chosen(self.by, By.norm, update.norm)
        threshold = self.threshold.to(update.norm)
        if by_norm.any():
            self._by_norm(weights, update, threshold.masked_fill(~by_norm, math.inf))
        if not by_norm.all():
            self._by_value(weights, update, threshold.masked_fill(by_norm, math.inf))

    def _by_norm(self, weights: Weights, update: Update, threshold: Tensor) -> None:
        scale = (threshold / (update.norm + 1e-6)).clamp(max=1)  # (K,)
        update.clipped |= scale < 1
        weights.gradient.mul_(scale[:, None])

    def _by_value(self, weights: Weights, update: Update, threshold: Tensor) -> None:
        bound = column(threshold, weights.gradient)
        update.clipped |= torch.linalg.vector_norm(weights.gradient, math.inf, dim=1) > threshold
        weights.gradient.clamp_(min=-bound, max=bound)
