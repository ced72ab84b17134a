"""Scheduled sampling: a decoder reads words of its own, more of them from epoch to epoch."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import torch
from torch import Tensor

from rnn_regexp.fields import per_run
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.base import Regularizer, chosen, column
from rnn_regexp.regularizers.subject import TRANSLATE, Subject
from rnn_regexp.weights import Weights


class Decay(Enum):
    """How the share of true words falls; see ``ScheduledSampling``."""

    linear = "linear"
    exponential = "exponential"
    inverse_sigmoid = "inverse_sigmoid"


@dataclass
class ScheduledSampling(Regularizer):
    """Give the decoder the true previous word with probability e_i, else one of its own.

    e_i = max(1 - rate, f(i)),   i the finished epochs (the paper counts batches)

    linear           f(i) = 1 - k * i
    exponential      f(i) = k^i,                  k < 1
    inverse_sigmoid  f(i) = k / (k + exp(i / k)),  k >= 1

    Each word of each sequence is decided by itself.  The decoder's own word is drawn from its
    softmax, or with ``best`` the most probable; no gradient flows through the choice.  What is
    read is exactly what a decoder would read that goes step by step: passes are repeated until
    none changes a word, so a step costs several passes without gradient.  The parallel scheduled
    sampling of Duckworth et al. 2019 stops after a fixed number of passes.
    """

    source = "Bengio et al. 2015, section 2.4"

    rate: float = per_run(0.0, "[0, 1]", strength=True)
    decay: Decay = per_run(Decay.linear)
    k: float = per_run(0.1, "(0, inf)")
    best: bool = per_run(False)

    def objections(self, subject: Subject) -> Iterator[tuple[str, str]]:
        if subject.task != TRANSLATE:
            yield "", f"only a decoder reads its own words (task {subject.task}, not translate)"
        if self.decay is Decay.exponential and self.k >= 1:
            yield "k", f"must be below 1 where decay=exponential, got {self.k}"
        if self.decay is Decay.inverse_sigmoid and self.k < 1:
            yield "k", f"must be at least 1 where decay=inverse_sigmoid, got {self.k}"

    def start(self, weights: Weights) -> dict[str, Tensor]:
        return {"epochs": weights.flat.detach().new_zeros(weights.runs, dtype=torch.double)}

    def end_epoch(self, weights: Weights, epoch: int) -> None:
        self.state["epochs"].fill_(epoch)

    def true_share(self) -> Tensor:
        """e_i of each run, (K,)."""
        i = self.state["epochs"]
        forms = {
            Decay.linear: 1 - self.k * i,
            Decay.exponential: self.k**i,
            Decay.inverse_sigmoid: torch.sigmoid(self.k.log() - i / self.k),
        }
        share = torch.ones_like(i)
        for decay, form in forms.items():
            share = form.where(chosen(self.decay, decay, i), share)
        return share.maximum(1 - self.rate)

    def transform_previous(self, words: Tensor, logits: Tensor, noise: Noise | None) -> Tensor:
        if noise is None:
            return words
        shape = tuple(words.shape[1:])  # (T, B)
        own = self._own_words(logits, noise)[:, :-1]  # the word at t is read at t + 1
        own = torch.cat((words[:, :1], own), dim=1)
        true = noise.keep("scheduled_sampling/choice", shape, 1 - self.true_share())
        return words.where(true, own)

    def _own_words(self, logits: Tensor, noise: Noise) -> Tensor:
        """Drawn by inversion of the distribution function, or the most probable: (K, T, B)."""
        u = noise.uniform("scheduled_sampling/word", tuple(logits.shape[1:-1]))
        exact = torch.promote_types(logits.dtype, u.dtype)  # not bfloat16
        up_to = logits.softmax(dim=-1, dtype=exact).cumsum(dim=-1)  # (K, T, B, C)
        drawn = torch.searchsorted(up_to, u[..., None].to(exact), right=True)[..., 0]
        drawn = drawn.clamp_max(logits.shape[-1] - 1)
        return logits.argmax(dim=-1).where(column(self.best, drawn) > 0, drawn)
