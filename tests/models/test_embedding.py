"""Each run looks up rows of its own table, and only those rows get a gradient."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from rnn_regexp.models.embedding import embed


@pytest.fixture
def table() -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(3, 7, 2, generator=generator, dtype=torch.double).requires_grad_()


TOKENS = torch.tensor([[[1, 1], [1, 4]], [[0, 6], [6, 6]], [[2, 3], [4, 5]]])  # (K, T, B)


def test_rows_and_gradient_are_those_of_torch(table: Tensor):
    rows = embed(table, TOKENS)
    assert rows.shape == (3, 2, 2, 2)
    weigh = torch.arange(24.0, dtype=torch.double).view(3, 2, 2, 2)
    (rows.cos() * weigh).sum().backward()
    for k in range(3):
        own = table[k].detach().clone().requires_grad_()
        expected = F.embedding(TOKENS[k], own)
        assert torch.equal(rows[k], expected)
        (expected.cos() * weigh[k]).sum().backward()
        torch.testing.assert_close(table.grad[k], own.grad, rtol=1e-14, atol=1e-14)


def test_a_token_that_does_not_occur_has_no_gradient(table: Tensor):
    embed(table, TOKENS).sum().backward()
    counts = torch.stack([torch.bincount(own.flatten(), minlength=7) for own in TOKENS])
    assert torch.equal(table.grad, counts[..., None].expand(3, 7, 2).double())


def test_gradient_by_finite_differences(table: Tensor):
    assert torch.autograd.gradcheck(lambda own: embed(own, TOKENS), (table,))
