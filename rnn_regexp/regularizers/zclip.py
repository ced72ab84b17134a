"""Clipping of gradients whose norm stands out from those before."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from rnn_regexp.fields import per_run
from rnn_regexp.regularizers.base import Regularizer, Update
from rnn_regexp.weights import Weights

EPSILON = 1e-6


@dataclass
class Zclip(Regularizer):
    """Clip by norm where the z-score of a run's gradient norm exceeds ``threshold``.

    z = (||g|| - mu) / (sigma + 1e-6);  if z > threshold:
    g <- g * theta / ||g||,   theta = mu + threshold * sigma / (z / threshold)

    mu and sigma^2 begin as mean and variance of the first ``warmup`` norms, which are not
    clipped, and follow with factor ``alpha`` the norms that clipping leaves.  The paper's code
    bounds every norm by 1 as well: ``clip`` beside it does that.
    """

    source = "Kumar et al. 2025, section 3"

    threshold: float = per_run(math.inf, "(0, inf]", strength=True)
    alpha: float = per_run(0.97, "[0, 1)")
    warmup: int = per_run(25, "[1, inf)")  # steps

    def start(self, weights: Weights) -> dict[str, Tensor]:
        zero = weights.flat.detach().new_zeros(weights.runs, dtype=torch.double)
        return {name: zero.clone() for name in ("mean", "variance", "steps")}

    def transform_gradients(self, weights: Weights, update: Update) -> None:
        norm, mean, variance = update.norm.double(), self.state["mean"], self.state["variance"]
        deviation = variance.sqrt()
        z = (norm - mean) / (deviation + EPSILON)
        over = (self.state["steps"] >= self.warmup) & (z > self.threshold)
        bound = mean + self.threshold.nan_to_num(posinf=0) ** 2 * deviation / z
        update.clipped |= over
        scale = torch.where(over, bound / (norm + EPSILON), 1)
        weights.gradient.mul_(scale.to(weights.gradient)[:, None])
        self._remember(torch.where(over, bound, norm), update.stepping)

    def _remember(self, norm: Tensor, stepping: Tensor) -> None:
        """Mean and variance: of all norms in the warm-up (Welford 1962), then moving ones."""
        steps, mean, variance = (self.state[name] for name in ("steps", "mean", "variance"))
        warm = steps >= self.warmup
        n = steps + 1
        step = norm - mean
        new_mean = mean + step * torch.where(warm, 1 - self.alpha, 1 / n)
        early = (variance * steps + step * (norm - new_mean)) / n
        late = self.alpha * variance + (1 - self.alpha) * (norm - new_mean).square()
        variance.copy_(torch.where(stepping, torch.where(warm, late, early), variance))
        mean.copy_(torch.where(stepping, new_mean, mean))
        steps += stepping
