"""Loss and metrics of classification, run by run, against torch's cross-entropy."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from rnn_regexp.tasks import classify


@pytest.fixture
def batch() -> tuple[Tensor, Tensor]:
    """Logits (3, 8, 4) and targets (3, 8)."""
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(3, 8, 4, generator=generator, dtype=torch.double)
    return logits.requires_grad_(), torch.randint(4, (3, 8), generator=generator)


def test_each_runs_loss_is_the_mean_cross_entropy_of_its_batch(batch: tuple[Tensor, Tensor]):
    logits, targets = batch
    expected = torch.stack([F.cross_entropy(*own) for own in zip(logits, targets)])
    torch.testing.assert_close(classify.loss(logits, targets), expected, rtol=1e-14, atol=0)


def test_gradient_is_softmax_minus_target(batch: tuple[Tensor, Tensor]):
    logits, targets = batch
    (gradient,) = torch.autograd.grad(classify.loss(logits, targets).sum(), logits)
    expected = (logits.softmax(dim=-1) - F.one_hot(targets, 4)) / 8
    torch.testing.assert_close(gradient, expected, rtol=1e-12, atol=1e-15)


def test_a_run_with_infinite_logits_leaves_the_others_alone(batch: tuple[Tensor, Tensor]):
    logits, targets = batch
    expected = classify.loss(logits, targets)
    spoilt = logits.detach().clone()
    spoilt[1] = torch.inf
    losses = classify.loss(spoilt, targets)
    assert torch.equal(losses[::2], expected[::2])
    assert not losses[1].isfinite()


def test_metrics_of_unequal_batches_are_those_of_all_sequences_at_once(
    batch: tuple[Tensor, Tensor],
):
    logits, targets = (own.detach() for own in batch)
    parts = [classify.sums(logits[:, a:b], targets[:, a:b]) for a, b in ((0, 5), (5, 7), (7, 8))]
    metrics = classify.merge(parts, count=8)
    torch.testing.assert_close(metrics["loss"], classify.loss(logits, targets))
    hits = (logits.argmax(dim=-1) == targets).double().mean(dim=1)
    torch.testing.assert_close(metrics["accuracy"].double(), hits, rtol=1e-6, atol=0)
    assert 0 < hits.mean() < 1
