"""Fraternal dropout: two masks, one answer."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from rnn_regexp.fields import per_run
from rnn_regexp.recurrence.lengths import valid
from rnn_regexp.regularizers.base import Regularizer, column
from rnn_regexp.regularizers.subject import Subject
from rnn_regexp.regularizers.trace import Trace
from rnn_regexp.weights import Weights


@dataclass
class Fraternal(Regularizer):
    """Train on the mean loss of two passes with different masks, and bring their logits together.

    L = (L_1 + L_2) / 2 + kappa * mean((logits_1 - logits_2)^2)

    over sequences, valid steps and classes.  The paper takes kappa = .15 for language models.
    """

    source = "Zolna et al. 2018, section 2"
    passes = 2

    kappa: float = per_run(0.0, "[0, inf)", strength=True)

    def does_nothing(self, subject: Subject) -> Iterator[tuple[str, str]]:
        yield from without_masks(subject)

    def penalty(self, weights: Weights, trace: Trace) -> Tensor:
        assert trace.second is not None
        squares = (trace.logits - trace.second.logits).square().mean(dim=-1)  # (K, [T,] B)
        return of_both(trace, self.kappa, mean_over_steps(squares, trace))


def without_masks(subject: Subject) -> Iterator[tuple[str, str]]:
    """What makes two passes equal: no technique beside draws anything."""
    if not any(own.sampled for own in subject.techniques.values()):
        yield "", "no technique beside it has masks: both passes are the same"


def of_both(trace: Trace, strength: Tensor, distance: Tensor) -> Tensor:
    """What turns the first pass's loss into the mean of both plus strength * distance: (K,)."""
    assert trace.losses is not None
    assert trace.second is not None
    assert trace.second.losses is not None
    half = (trace.second.losses - trace.losses) / 2
    return torch.where(strength > 0, half + column(strength, half) * distance, 0)


def mean_over_steps(values: Tensor, trace: Trace) -> Tensor:
    """(K, B), or (K, T, B) over valid steps, to (K,)."""
    if values.dim() == 2:
        return values.mean(dim=1)
    inside = valid(trace.lengths, values.shape[1])
    return (values * inside).sum(dim=(1, 2)) / inside.sum(dim=(1, 2)).clamp_min(1)
