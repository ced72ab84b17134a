"""Clipping by a percentile of the gradient norms so far."""

from dataclasses import dataclass

import torch
from torch import Tensor

from rnn_regexp.fields import per_run, structural
from rnn_regexp.regularizers.base import Regularizer, Update
from rnn_regexp.weights import Weights


@dataclass
class Autoclip(Regularizer):
    """Clip by norm at a percentile of the run's own gradient norms, this step's among them.

    g <- g * min(1, theta_t / ||g_t||),   theta_t = percentile(||g_1||, ..., ||g_t||)

    with linear interpolation.  The 100th percentile clips nothing; the paper takes the 10th.  It
    keeps all norms; here the last ``history`` of them count.
    """

    source = "Seetharaman et al. 2020, algorithm 1"

    percentile: float = per_run(100.0, "[0, 100]", strength=True)
    history: int = structural(1000, "[1, inf)")  # steps

    def start(self, weights: Weights) -> dict[str, Tensor]:
        flat = weights.flat.detach()
        return {
            "norms": flat.new_full((len(flat), self.history), torch.nan),
            "steps": torch.zeros(len(flat), dtype=torch.int64, device=flat.device),
        }

    def transform_gradients(self, weights: Weights, update: Update) -> None:
        norms, steps = self.state["norms"], self.state["steps"]
        place = (steps % self.history)[:, None]
        known = norms.gather(1, place)
        norms.scatter_(1, place, torch.where(update.stepping[:, None], update.norm[:, None], known))
        steps += update.stepping
        shares = (self.percentile / 100).to(norms)
        threshold = torch.nanquantile(norms, shares, dim=1).diagonal()  # (K,)
        over = update.norm > threshold  # False where a run has no norm yet
        update.clipped |= over
        weights.gradient.mul_(torch.where(over, threshold / update.norm, 1)[:, None])
