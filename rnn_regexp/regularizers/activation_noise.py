"""Gaussian noise on activations."""

from dataclasses import dataclass

from torch import Tensor

from rnn_regexp.fields import per_run, structural
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.base import Regularizer, Site, column


@dataclass
class ActivationNoise(Regularizer):
    """Train with x + N(0, deviation^2) at the chosen sites, drawn anew for every unit and step.

    At ``input`` it is the noise on inputs that acts like a Tikhonov penalty (Bishop 1995).
    """

    source = "Bishop 1995; Poole et al. 2014, section 2"
    sampled = True

    deviation: float = per_run(0.0, "[0, inf)", strength=True)
    on: list[Site] = structural(lambda: [Site.input])

    def transform_activations(
        self, site: Site, layer: int, x: Tensor, noise: Noise | None
    ) -> Tensor:
        if noise is None or site not in self.on:
            return x
        drawn = noise.normal(f"activation_noise/{site.name}/{layer}", tuple(x.shape[1:]))
        return x + drawn.to(x) * column(self.deviation, x)
