"""Gaussian noise on the gradient."""

from dataclasses import dataclass

import torch

from rnn_regexp.fields import per_run
from rnn_regexp.regularizers.base import Regularizer, Update, column
from rnn_regexp.weights import Weights


@dataclass
class GradientNoise(Regularizer):
    """Add noise whose variance falls with the number of steps, behind clipping.

    g <- g + N(0, eta / (1 + t)^gamma),   t the steps before this one

    The paper takes eta in {.01, .3, 1} and gamma = .55.
    """

    source = "Neelakantan et al. 2015, section 3"

    eta: float = per_run(0.0, "[0, inf)", strength=True)
    gamma: float = per_run(0.55, "[0, inf)")

    def transform_gradients(self, weights: Weights, update: Update) -> None:
        t = torch.as_tensor(update.noise.step, device=self.eta.device)
        deviation = (self.eta / (1 + t) ** self.gamma).sqrt() * update.stepping  # (K,)
        for spec in weights.specs:
            own = weights.gradients[spec.name]
            drawn = update.noise.normal(f"gradient_noise/{spec.name}", spec.shape)
            own.add_(drawn.to(own) * column(deviation, own))
