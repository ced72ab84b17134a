"""Embedding dropout: whole words are dropped from the table."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import torch
from torch import Tensor

from rnn_regexp.fields import per_run, structural
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.base import Regularizer, column
from rnn_regexp.regularizers.subject import Subject


class Per(Enum):
    """Who shares the dropped words."""

    minibatch = "minibatch"
    sequence = "sequence"


@dataclass
class EmbeddingDropout(Regularizer):
    """Zero the embedding of a word, wherever it occurs, with probability ``rate``.

    e_w -> m_w * e_w,   m_w ~ Bernoulli(1 - rate) / (1 - rate)

    The words are drawn ``per`` minibatch (AWD-LSTM, rate .1) or per sequence (Gal & Ghahramani,
    rate .3).  A word that occurs again has the same mask; a first version of Gal's code had not.
    Where the head shares the table, its use there is not masked.
    """

    source = "Gal & Ghahramani 2016, section 4.2; Merity et al. 2018, section 4.3"
    sampled = True

    rate: float = per_run(0.0, "[0, 1)", strength=True)
    per: Per = structural(Per.minibatch)

    def objections(self, subject: Subject) -> Iterator[tuple[str, str]]:
        if not subject.vocabulary:
            yield "", "the dataset has features, not words"

    def transform_embedded(self, x: Tensor, tokens: Tensor, noise: Noise | None) -> Tensor:
        if noise is None:
            return x
        words = tokens  # whose place in a table of masks (V,), or (V, B)
        if self.per is Per.sequence:
            B = tokens.shape[2]
            words = tokens * B + torch.arange(B, device=tokens.device)
        kept = noise.keep_at("embedding_dropout", words, self.rate)  # (K, T, B)
        return x * (kept * column(1 / (1 - self.rate), x[..., 0]))[..., None]
