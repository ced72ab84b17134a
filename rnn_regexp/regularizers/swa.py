"""Stochastic weight averaging."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from rnn_regexp.fields import per_run
from rnn_regexp.regularizers.base import Regularizer
from rnn_regexp.weights import Weights


@dataclass
class Swa(Regularizer):
    """Judge a run by the mean of its weights at the ends of epochs, from epoch ``start_epoch`` on.

    The paper keeps a constant or cyclical learning rate meanwhile: choose ``schedule`` for that.
    Every ``every``-th epoch counts.
    """

    source = "Izmailov et al. 2018, section 3.1, algorithm 1"

    start_epoch: float = per_run(math.inf, "[1, inf]", strength=True)
    every: int = per_run(1, "[1, inf)")  # epochs

    def start(self, weights: Weights) -> dict[str, Tensor]:
        flat = weights.flat.detach()
        return {"mean": flat.clone(), "count": flat.new_zeros(len(flat))}

    def end_epoch(self, weights: Weights, epoch: int) -> None:
        mean, count = self.state["mean"], self.state["count"]
        past = epoch - self.start_epoch
        due = ((past >= 0) & (past % self.every == 0)).to(count.device)
        count += due
        step = (weights.flat - mean) / count.clamp_min(1)[:, None]
        mean.copy_(torch.where(due[:, None], mean + step, mean))

    def averaged(self, flat: Tensor) -> Tensor:
        return self.state["mean"].where(self.state["count"][:, None] > 0, flat)
