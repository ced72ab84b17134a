"""Loss and metrics of classification, run by run, against torch and scikit-learn."""

import pytest
import torch
from sklearn.metrics import confusion_matrix, f1_score
from torch import Tensor
from torch.nn import functional as F

from rnn_regexp.data.batches import Batch
from rnn_regexp.regularizers.application import NOTHING
from rnn_regexp.regularizers.trace import Trace
from rnn_regexp.tasks import Classify
from rnn_regexp.tasks.base import add_up
from rnn_regexp.tasks.classify import confusion
from tests.training.tiny import sentences

TASK = Classify(sentences(classes="abcd"))


@pytest.fixture
def batch() -> tuple[Tensor, Tensor]:
    """Logits (3, 8, 4) and targets (3, 8)."""
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(3, 8, 4, generator=generator, dtype=torch.double)
    return logits.requires_grad_(), torch.randint(4, (3, 8), generator=generator)


def seen(logits: Tensor, targets: Tensor) -> tuple[Trace, Batch]:
    lengths = torch.ones_like(targets)
    return Trace(logits, logits, (), (), lengths), Batch(lengths[:, None], lengths, targets)


def loss(logits: Tensor, targets: Tensor) -> Tensor:
    return TASK.loss(*seen(logits, targets), NOTHING)


def metrics(*parts: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
    return TASK.summarize(add_up([TASK.sums(*seen(*part)) for part in parts]))


def test_each_runs_loss_is_the_mean_cross_entropy_of_its_batch(batch: tuple[Tensor, Tensor]):
    logits, targets = batch
    expected = torch.stack([F.cross_entropy(*own) for own in zip(logits, targets)])
    torch.testing.assert_close(loss(logits, targets), expected, rtol=1e-14, atol=0)


def test_gradient_is_softmax_minus_target(batch: tuple[Tensor, Tensor]):
    logits, targets = batch
    (gradient,) = torch.autograd.grad(loss(logits, targets).sum(), logits)
    expected = (logits.softmax(dim=-1) - F.one_hot(targets, 4)) / 8
    torch.testing.assert_close(gradient, expected, rtol=1e-12, atol=1e-15)


def test_a_run_with_infinite_logits_leaves_the_others_alone(batch: tuple[Tensor, Tensor]):
    logits, targets = batch
    expected = loss(logits, targets)
    spoilt = logits.detach().clone()
    spoilt[1] = torch.inf
    losses = loss(spoilt, targets)
    assert torch.equal(losses[::2], expected[::2])
    assert not losses[1].isfinite()


def test_metrics_of_unequal_batches_are_those_of_all_sequences_at_once(
    batch: tuple[Tensor, Tensor],
):
    logits, targets = (own.detach() for own in batch)
    found = metrics(*((logits[:, a:b], targets[:, a:b]) for a, b in ((0, 5), (5, 7), (7, 8))))
    torch.testing.assert_close(found["loss"], loss(logits, targets))
    hits = (logits.argmax(dim=-1) == targets).double().mean(dim=1)
    torch.testing.assert_close(found["accuracy"].double(), hits, rtol=1e-6, atol=0)
    assert 0 < hits.mean() < 1


def test_macro_f1_is_that_of_scikit_learn(batch: tuple[Tensor, Tensor]):
    logits, targets = (own.detach() for own in batch)
    found = metrics((logits, targets))["macro_f1"]
    for k in range(3):
        chosen = logits[k].argmax(dim=-1)
        expected = f1_score(targets[k], chosen, labels=range(4), average="macro", zero_division=0)
        assert found[k].item() == pytest.approx(expected, rel=1e-6)


def test_a_class_that_nobody_met_counts_as_zero():
    logits = torch.eye(4, dtype=torch.double)[None, [0, 1, 2]]  # (1, 3, 4)
    found = metrics((logits, torch.tensor([[0, 1, 2]])))
    assert found["accuracy"].item() == 1
    assert found["macro_f1"].item() == pytest.approx(3 / 4)


def test_confusion_is_that_of_scikit_learn():
    generator = torch.Generator().manual_seed(1)
    targets, chosen = torch.randint(5, (2, 3, 40), generator=generator)
    table = confusion(targets, chosen, 5)
    for k in range(3):
        expected = confusion_matrix(targets[k], chosen[k], labels=range(5))
        assert table[k].tolist() == expected.tolist()
