"""Temporal activation regularization (TAR): slow outputs."""

from dataclasses import dataclass

import torch
from torch import Tensor

from rnn_regexp.fields import per_run
from rnn_regexp.recurrence.lengths import valid
from rnn_regexp.regularizers.base import Regularizer
from rnn_regexp.regularizers.trace import Trace
from rnn_regexp.weights import Weights


@dataclass
class TemporalActivation(Regularizer):
    """A penalty on how far the last layer's outputs move in a step, before dropout.

    beta * mean((h_t - h_{t-1})^2)   over units and all pairs of steps within a sequence

    No pair crosses into padding, into another sequence or out of the window.  beta = 1 in the
    paper.  Encoder and decoder have a term each.
    """

    source = "Merity, McCann & Socher 2017; Merity et al. 2018, section 4.6"

    beta: float = per_run(0.0, "[0, inf)", strength=True)

    def penalty(self, weights: Weights, trace: Trace) -> Tensor:
        total = torch.zeros_like(self.beta).to(trace.read)
        for own in trace.stacks:
            h = own.outputs[-1]  # (K, T, B, N*H)
            squares = h.diff(dim=1).square().mean(dim=-1)  # (K, T-1, B)
            total = total + mean_over_pairs(squares, own.lengths)
        return self.beta.to(total) * total


def mean_over_pairs(values: Tensor, lengths: Tensor) -> Tensor:
    """Values (K, T-1, B) of steps and their successors: (K,) over those within a sequence."""
    inside = valid(lengths - 1, values.shape[1])
    return (values * inside).sum(dim=(1, 2)) / inside.sum(dim=(1, 2)).clamp_min(1)
