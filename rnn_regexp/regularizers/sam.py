"""Sharpness-aware minimization."""

from dataclasses import dataclass

from torch import Tensor

from rnn_regexp.fields import per_run
from rnn_regexp.regularizers.base import Regularizer, Update, column
from rnn_regexp.weights import Weights


@dataclass
class Sam(Regularizer):
    """Step with the gradient at the worst point nearby, of the same batch and the same masks.

    g = grad L(w + e),   e = rho * grad L(w) / (||grad L(w)|| + 1e-12)

    Two passes forward and back for each step, for all runs of a cohort.  The paper takes
    rho = .05.  Norms that are clipped and logged are those of the gradient at w + e.
    """

    source = "Foret et al. 2021, section 3, algorithm 1"

    rho: float = per_run(0.0, "[0, inf)", strength=True)

    def ascent(self, weights: Weights, update: Update) -> Tensor:
        scale = self.rho.to(update.norm) / (update.norm + 1e-12)  # (K,)
        return weights.gradient * column(scale, weights.gradient)
