"""What a head that gives one answer for a sequence reads of the layer below it."""

from collections.abc import Mapping
from enum import Enum

import torch
from torch import Tensor

from rnn_regexp.recurrence.lengths import valid
from rnn_regexp.weights import Kind, Spec


class Pooling(Enum):
    """From the outputs of all steps to one vector, over the valid steps of each sequence.

    last       each direction's output at its last valid step
    mean, max  over the steps, unit by unit
    attention  sum_t a_t h_t,  a = softmax_t(u . tanh(W h_t + b))   (Yang et al. 2016, section 2.2)
    """

    last = "last"
    mean = "mean"
    max = "max"
    attention = "attention"


def pooling_specs(how: Pooling, width: int) -> tuple[Spec, ...]:
    """The parameters that pooling has of its own."""
    if how is not Pooling.attention:
        return ()
    return (
        Spec("pool.W", (width, width), Kind.hidden_output, fan=width),
        Spec("pool.b", (width,), Kind.bias, fan=width),
        Spec("pool.u", (1, width), Kind.hidden_output, fan=width),
    )


def pool(
    how: Pooling, outputs: Tensor, last: Tensor, lengths: Tensor, weights: Mapping[str, Tensor]
) -> Tensor:
    """One vector (K, B, N) a sequence from ``outputs`` (K, T, B, N) or ``last`` (K, B, N)."""
    if how is Pooling.last:
        return last
    inside = valid(lengths, outputs.shape[1])[..., None]  # (K, T, B, 1)
    if how is Pooling.mean:
        return (outputs * inside).sum(dim=1) / lengths[..., None]
    if how is Pooling.max:
        return outputs.masked_fill(~inside, -torch.inf).amax(dim=1)
    keys = torch.tanh(
        torch.einsum("ktbn,kmn->ktbm", outputs, weights["pool.W"])
        + weights["pool.b"][:, None, None]
    )
    scores = torch.einsum("ktbm,kom->ktbo", keys, weights["pool.u"])  # (K, T, B, 1)
    shares = scores.masked_fill(~inside, -torch.inf).softmax(dim=1)
    return (shares * outputs).sum(dim=1)
