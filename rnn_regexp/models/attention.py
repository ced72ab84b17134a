"""Attention of a decoder to what an encoder says of every step of its source, for K runs."""

from collections.abc import Iterator, Mapping
from enum import Enum

import torch
from torch import Tensor

from rnn_regexp.recurrence.lengths import valid
from rnn_regexp.weights import Kind, Spec


class Score(Enum):
    """How well the decoder's h_t and the encoder's m_s fit (Luong et al. 2015, section 3.1).

    dot      h_t . m_s
    general  h_t . W_a m_s
    concat   v_a . tanh(W_a [h_t; m_s])   (additive, as in Bahdanau et al. 2015)
    """

    dot = "dot"
    general = "general"
    concat = "concat"


def attention_specs(score: Score, hidden: int, width: int) -> Iterator[Spec]:
    """The parameters of a decoder of H = ``hidden`` units that reads N = ``width`` numbers."""
    if score is Score.general:
        yield Spec("attention.W_a", (hidden, width), Kind.hidden_output, fan=width)
    if score is Score.concat:
        both = hidden + width
        yield Spec("attention.W_a", (hidden, both), Kind.hidden_output, fan=both)
        yield Spec("attention.v_a", (1, hidden), Kind.hidden_output, fan=hidden)
    yield Spec("attention.W_c", (hidden, width + hidden), Kind.hidden_output, fan=width + hidden)


def keys(score: Score, memory: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
    """The part of the scores of ``memory`` (K, S, B, N) that no query changes: (K, S, B, H)."""
    if score is Score.dot:
        return memory
    W_a = weights["attention.W_a"][..., -memory.shape[-1] :]  # (K, H, N)
    return _times(memory, W_a)


def shares(
    score: Score, queries: Tensor, keys: Tensor, lengths: Tensor, weights: Mapping[str, Tensor]
) -> Tensor:
    """a = softmax_s(score(h_t, m_s)) over each source's own steps: (K, B, T, S).

    ``queries`` (K, T, B, H), ``keys`` (K, S, B, H), ``lengths`` (K, B) of the sources.
    """
    if score is Score.concat:
        W_a = weights["attention.W_a"][..., : queries.shape[-1]]  # (K, H, H)
        both = torch.tanh(_times(queries, W_a)[:, :, None] + keys[:, None])  # (K, T, S, B, H)
        scores = torch.einsum("ktsbh,kh->kbts", both, weights["attention.v_a"][:, 0])
    else:
        scores = torch.einsum("ktbh,ksbh->kbts", queries, keys)
    inside = valid(lengths, keys.shape[1]).transpose(1, 2)[:, :, None]  # (K, B, 1, S)
    return scores.masked_fill(~inside, -torch.inf).softmax(dim=-1)


def attentional(
    queries: Tensor, memory: Tensor, shares: Tensor, weights: Mapping[str, Tensor]
) -> Tensor:
    """h~_t = tanh(W_c [sum_s a_s m_s; h_t]) (K, T, B, H), Luong's equation 5."""
    context = torch.einsum("kbts,ksbn->ktbn", shares, memory)  # (K, T, B, N)
    return torch.tanh(_times(torch.cat((context, queries), dim=-1), weights["attention.W_c"]))


def _times(x: Tensor, W: Tensor) -> Tensor:
    """W x for x (K, T, B, D) and W (K, H, D): (K, T, B, H)."""
    return torch.bmm(x.flatten(1, 2), W.transpose(1, 2)).unflatten(1, x.shape[1:3])
