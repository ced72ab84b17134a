"""What a study can find, before anything is trained: the least effect that is likely to show."""

from dataclasses import dataclass

import numpy as np

from rnn_regexp.ablation import many_to_one
from rnn_regexp.ablation.statistics import POWER, detectable, t_quantile

LARGE = 3.0  # standard deviations of a paired difference; few settings move a metric by more


@dataclass(frozen=True)
class Prospect:
    """Least effects found with 80 % probability, in standard deviations of a paired difference."""

    pooled: float  # where all variants vary alike; NaN with one seed
    robust: float  # judged by its own spread alone

    @property
    def warning(self) -> str:
        """A line for a study that has little to hope for; empty for others."""
        if np.isnan(self.pooled):
            return "one seed: estimates will have neither interval nor verdict"
        if self.pooled <= LARGE:
            return ""
        return (
            f"few seeds: an effect is found with {POWER:.0%} probability only if it is at least"
            f" {self.pooled:.1f} standard deviations of a paired difference"
        )


def prospect(seeds: int, contrasts: int, alpha: float = 0.05) -> Prospect:
    """The prospect of ``contrasts`` with one baseline and ``seeds`` seeds, at level ``alpha``."""
    if seeds < 2 or contrasts < 1:
        return Prospect(float("nan"), float("nan"))
    d, h = seeds - 1.0, 1 / contrasts
    spread = (1 + h) ** 2 / d + ((1 - h) ** 2 / (d * (contrasts - 1)) if contrasts > 1 else 0.0)
    df = np.array(4 / spread)  # as ``spread.pooled`` has it where all variants vary alike
    one = np.array(1 / np.sqrt(seeds))
    together = many_to_one.bound(np.array([contrasts]), df, np.array(0.5), alpha)
    alone = t_quantile(1 - alpha / 2 / contrasts, np.array(d))
    pooled, robust = detectable(one, df, together), detectable(one, np.array(d), alone)
    return Prospect(float(pooled), float(robust))
