"""Mixup: training on mixtures of two sequences."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from rnn_regexp.fields import per_run, structural
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.base import Regularizer, Site
from rnn_regexp.regularizers.label_smoothing import without_classes
from rnn_regexp.regularizers.subject import Subject

TRIES = 64  # pairs of numbers; each is taken with probability 1/2 at least


@dataclass
class Mixup(Regularizer):
    """Mix each sequence's representation and label with those of another of the batch.

    x <- s * x_i + (1 - s) * x_j,   q <- s * q_i + (1 - s) * q_j,   s ~ Beta(alpha, alpha)

    with one s and one random pairing for a run's batch.  ``on=output`` mixes what the head reads
    (senMixup), ``input`` the embeddings step by step (wordMixup), where a longer partner is cut
    at the sequence's own length.  alpha = 0 mixes nothing, 1 draws s uniformly.
    """

    source = "Zhang et al. 2018, section 2; Guo et al. 2019, section 3 (sentences)"

    alpha: float = per_run(0.0, "[0, 1]", strength=True)
    on: Site = structural(Site.output)

    def objections(self, subject: Subject) -> Iterator[tuple[str, str]]:
        if subject.every_step:
            yield "", f"task {subject.task} has a label at every step: nothing to mix as a whole"
        yield from without_classes(subject)
        if self.on is Site.between:
            yield "on", "must be input or output"

    def does_nothing(self, subject: Subject) -> Iterator[tuple[str, str]]:
        if subject.batch == 1:
            yield "", "a sequence has no other beside it (training.batch_size=1)"

    def transform_activations(
        self, site: Site, layer: int, x: Tensor, noise: Noise | None
    ) -> Tensor:
        return x if noise is None or site is not self.on else self._mixed(x, noise)

    def transform_targets(self, targets: Tensor, noise: Noise | None) -> Tensor:
        return targets if noise is None else self._mixed(targets, noise)

    def _mixed(self, x: Tensor, noise: Noise) -> Tensor:
        """Along the sequences, the last dimension but one."""
        share = beta(noise, "mixup/share", self.alpha).to(x).view(-1, *(1 for _ in x.shape[1:]))
        order = noise.permutation("mixup/order", x.shape[-2])  # (K, B)
        index = order.view(len(x), *(1 for _ in x.shape[1:-2]), -1, 1).expand_as(x)
        return share * x + (1 - share) * x.gather(-2, index)


def beta(noise: Noise, site: str, alpha: Tensor) -> Tensor:
    """One number of Beta(alpha, alpha) a run, (K,) float64, for alpha in [0, 1]; 1 for alpha = 0.

    u^(1/a) / (u^(1/a) + v^(1/a)) of the first pair of uniform u, v whose sum of powers is at
    most 1 (Joehnk 1964).
    """
    u, v = (1 - noise.uniform(site, (2, TRIES)).double()).unbind(dim=1)  # (K, TRIES) each, above 0
    power = 1 / alpha.double().clamp_min(1e-3)[:, None]
    x, y = u**power, v**power
    # Small powers underflow: their share is that of the logarithms.
    log_share = torch.sigmoid(power * (u.log() - v.log()))
    first = ((x + y) <= 1).double().argmax(dim=1, keepdim=True)
    return log_share.gather(1, first)[:, 0].where(alpha > 0, 1.0)
