"""Label smoothing, mixup, fraternal dropout and R-Drop against torch and against their formulas."""

import pytest
import torch
from scipy import stats
from torch import Tensor
from torch.nn import functional as F

from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.application import Application
from rnn_regexp.regularizers.base import Site
from rnn_regexp.regularizers.dropout import Dropout
from rnn_regexp.regularizers.fraternal import Fraternal
from rnn_regexp.regularizers.label_smoothing import LabelSmoothing
from rnn_regexp.regularizers.mixup import Mixup, beta
from rnn_regexp.regularizers.r_drop import RDrop
from rnn_regexp.regularizers.stack import stack
from rnn_regexp.tasks.cross_entropy import cross_entropy
from rnn_regexp.training.evaluate import carried
from rnn_regexp.training.step import _forward, losses
from tests.regularizers.catalogue import CPU
from tests.training.tiny import Cohort, cohort, run, stream, watch

K, B, C = 3, 6, 5


def logits_and_targets(*steps: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(K, *steps, B, C, generator=generator, dtype=torch.double)
    return logits, torch.randint(C, (K, *steps, B), generator=generator)


def applied(own: object, step: int = 0) -> Application:
    return Application([own], Noise(torch.arange(K), step))


@pytest.mark.parametrize("steps", [(), (4,)])
def test_label_smoothing_is_torchs(steps: tuple[int, ...]):
    logits, targets = logits_and_targets(*steps)
    epsilons = (0.0, 0.1, 0.7)
    own = stack([LabelSmoothing(epsilon) for epsilon in epsilons], CPU)
    found = cross_entropy(logits, targets, applied(own))
    for k, epsilon in enumerate(epsilons):
        expected = F.cross_entropy(
            logits[k].flatten(0, -2),
            targets[k].flatten(),
            reduction="none",
            label_smoothing=epsilon,
        )
        torch.testing.assert_close(found[k].flatten(), expected, rtol=1e-12, atol=0)


def test_metrics_are_those_of_the_labels():
    outcomes, _ = watch(cohort(run(LabelSmoothing(0.5)), run(), epochs=1, batch_size=11))
    assert outcomes[0].history[0]["train/loss"] != outcomes[1].history[0]["train/loss"]
    own = cohort(run(LabelSmoothing(0.5)), run())
    batch = own.task.sample(own.split("valid"), 2)
    trace = own.task.forward(own.network(), batch, None)
    sums = own.task.sums(trace, batch)["loss"]
    assert sums[0] == sums[1]


@pytest.mark.parametrize("alpha", [0.1, 0.4, 1.0])
def test_the_shares_of_mixup_are_beta_distributed(alpha: float):
    drawn = beta(Noise(torch.arange(4000)), "share", torch.full((4000,), alpha))
    assert stats.kstest(drawn.numpy(), stats.beta(alpha, alpha).cdf).pvalue > 1e-3


def test_mixup_mixes_answers_as_it_mixes_what_was_read():
    own, generator = stack([Mixup(0.0), Mixup(0.5), Mixup(1.0)], CPU), torch.Generator()
    x = torch.randn(K, B, 4, generator=generator.manual_seed(1), dtype=torch.double)
    logits, targets = logits_and_targets()
    at = applied(own, step=3)
    mixed = at.activations(Site.output, 1, x)
    found = cross_entropy(logits, targets, at)
    share = beta(at.noise, "mixup/share", own.alpha)
    order = at.noise.permutation("mixup/order", B)
    for k in range(K):
        s, partner = share[k], order[k]
        torch.testing.assert_close(mixed[k], s * x[k] + (1 - s) * x[k, partner])
        first = F.cross_entropy(logits[k], targets[k], reduction="none")
        second = F.cross_entropy(logits[k], targets[k, partner], reduction="none")
        torch.testing.assert_close(found[k], s * first + (1 - s) * second)
    assert share[0] == 1
    assert (share[1:] < 1).all()
    steps = torch.randn(K, 7, B, 4, generator=generator, dtype=torch.double)
    assert at.activations(Site.input, 0, steps) is steps
    at = applied(stack([Mixup(1.0, on=Site.input)] * K, CPU), step=3)
    mixed = at.activations(Site.input, 0, steps)
    s = beta(at.noise, "mixup/share", torch.ones(K))[1]
    torch.testing.assert_close(mixed[1], s * steps[1] + (1 - s) * steps[1][:, order[1]])


def two_passes(own: Cohort) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Losses and logits of both passes of the first step, and the whole loss."""
    batches = own.task.batches(
        own.split("train"), Noise(own.seeds, 1), own.batching(Noise(own.seeds, 1))
    )
    batch = next(iter(batches))
    noise = Noise(own.seeds, torch.zeros(own.runs, dtype=torch.int64))
    one = _forward(own, batch, noise, carried(own, None, True))
    other = _forward(own, batch, noise.branched("second"), carried(own, None, True))
    _, total = losses(own, batch, noise, carried(own, None, True))
    return one.losses, other.losses, one.logits, other.logits, total


@pytest.mark.parametrize("data", [None, stream()], ids=["sequences", "steps"])
def test_both_passes_count_half_and_are_brought_together(data: object):
    runs = [run(Dropout(0.5), own) for own in (Fraternal(0.4), RDrop(0.6))] + [run(Dropout(0.5))]
    own = cohort(*runs, data=data, window=4)
    l1, l2, z1, z2, total = two_passes(own)
    assert not torch.allclose(z1, z2)
    dims = tuple(range(1, z1.dim() - 1))  # every step is valid here
    squares = (z1 - z2).square().mean(dim=-1).mean(dim=dims)
    p, q = z1.softmax(-1), z2.softmax(-1)
    kl = ((p - q) * (p.log() - q.log())).sum(dim=-1).mean(dim=dims) / 2
    halves = (l1 + l2) / 2
    expected = torch.stack((halves[0] + 0.4 * squares[0], halves[1] + 0.6 * kl[1], l1[2]))
    torch.testing.assert_close(total, expected, rtol=1e-10, atol=1e-12)
