"""Attention by the equations of its paper, and never to padding."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from rnn_regexp.models.attention import Score, attention_specs, attentional, keys, shares

K, T, S, B, H = 2, 3, 5, 4, 3
LENGTHS = torch.tensor([[5, 1, 3, 2], [4, 4, 1, 2]])  # the second run's are all below S
each = pytest.mark.parametrize("score", Score)


def made(score: Score, width: int) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    """Weights, queries (K, T, B, H) and memory (K, S, B, N)."""
    generator = torch.Generator().manual_seed(3)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.double)

    weights = {own.name: drawn(K, *own.shape) for own in attention_specs(score, H, width)}
    return weights, drawn(K, T, B, H), drawn(K, S, B, width)


def score_of(score: Score, W: dict[str, np.ndarray], h: np.ndarray, m: np.ndarray) -> float:
    """Luong et al. 2015, section 3.1, of one step and one place."""
    if score is Score.dot:
        return h @ m
    if score is Score.general:
        return h @ W["attention.W_a"] @ m
    return W["attention.v_a"][0] @ np.tanh(W["attention.W_a"] @ np.concatenate((h, m)))


@each
def test_shares_and_the_attentional_state_are_those_of_the_paper(score: Score):
    weights, queries, memory = made(score, H if score is Score.dot else 4)
    a = shares(score, queries, keys(score, memory, weights), LENGTHS, weights)
    read = attentional(queries, memory, a, weights)
    assert a.shape == (K, B, T, S)
    for k, b, t in np.ndindex(K, B, T):
        W = {name: own[k].numpy() for name, own in weights.items()}
        n, h = int(LENGTHS[k, b]), queries[k, t, b].numpy()
        m = memory[k, :n, b].numpy()
        e = np.exp([score_of(score, W, h, own) for own in m])
        np.testing.assert_allclose(a[k, b, t, :n], e / e.sum(), rtol=1e-12)
        assert (a[k, b, t, n:] == 0).all()
        context = (e / e.sum()) @ m
        expected = np.tanh(W["attention.W_c"] @ np.concatenate((context, h)))
        np.testing.assert_allclose(read[k, t, b], expected, rtol=1e-12)


def test_dot_is_torchs_attention_without_its_scale():
    weights, queries, memory = made(Score.dot, H)
    a = shares(Score.dot, queries, memory, LENGTHS, weights)
    mask = torch.arange(S) < LENGTHS[..., None]
    q, m = (own.transpose(1, 2) for own in (queries, memory))  # (K, B, T or S, H)
    expected = F.scaled_dot_product_attention(q, m, m, mask[:, :, None], scale=1.0)
    torch.testing.assert_close(a @ m, expected, rtol=1e-12, atol=1e-14)


@each
def test_what_stands_on_padding_matters_to_no_number_and_gets_no_gradient(score: Score):
    weights, queries, memory = made(score, H)
    padding = (torch.arange(S)[:, None] >= LENGTHS[:, None])[..., None]  # (K, S, B, 1)
    results = []
    for filled in (0.0, 1e3):
        own = memory.masked_fill(padding, filled).requires_grad_()
        a = shares(score, queries, keys(score, own, weights), LENGTHS, weights)
        read = attentional(queries, own, a, weights)
        (gradient,) = torch.autograd.grad(read.sin().sum(), own)
        assert (gradient.masked_select(padding) == 0).all()
        assert (gradient.masked_select(~padding) != 0).any()
        results.append(read)
    assert torch.equal(*results)
