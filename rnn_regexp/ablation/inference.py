"""Which analysis judges a contrast, and what it says: pooled over the levels, or paired.

Pooled: Student's t with the block design's variance (``spread``), corrected by the single-step
many-to-one comparison (``many_to_one``). Robust: each contrast by its own differences, corrected by
sign flips where there are seeds enough and else paired t with Holm's correction. A contrast is
pooled unless ``spread`` finds that the pooled variance does not describe it. See docs/statistics.md
for how often this errs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnn_regexp.ablation import many_to_one
from rnn_regexp.ablation.sign_flips import enough, sign_flips
from rnn_regexp.ablation.stars import Scale, Star, common_scale
from rnn_regexp.ablation.statistics import (
    Column,
    PairedT,
    divide,
    holm,
    paired_t,
    standardized,
    t_quantile,
    two_sided,
)

POOLED, SIGN_FLIPS, PAIRED = "pooled", "sign flips", "paired t"


@dataclass(frozen=True)
class Inference:
    """The family of C contrasts, both analyses and the one that counts; each of shape (..., C)."""

    paired: PairedT
    scale: Scale
    p_pooled: Column
    p_single_step: Column  # of the pooled analysis, many to one
    p_holm: Column  # of the paired one
    p_sign_flips: Column  # NaN where there are too few seeds
    pooled: NDArray[np.bool_]  # whether the pooled analysis counts
    flipped: NDArray[np.bool_]  # or else the sign flips
    error: Column  # standard error of the mean difference
    df: Column
    p_value: Column
    p_adjusted: Column
    low: Column  # pointwise interval
    high: Column
    bound: Column  # what |mean / error| must exceed after correction

    @property
    def method(self) -> NDArray[np.str_]:
        """The name of the analysis that counts."""
        return np.where(self.pooled, POOLED, np.where(self.flipped, SIGN_FLIPS, PAIRED))

    @property
    def simultaneous(self) -> tuple[Column, Column]:
        """Intervals that all hold at once with probability 1 - alpha."""
        half = self.bound * self.error
        return self.paired.mean - half, self.paired.mean + half


def infer(
    differences: Column,
    stars: Sequence[Star],
    alpha: float = 0.05,
    pointwise: float | None = None,
    needed: float = 1.0,
    bounds: bool = True,
) -> Inference:
    """Judge the differences (..., S, C), level minus baseline at every seed.

    The family is judged at level ``alpha``, and a single interval leaves out its truth with
    probability ``pointwise`` (``alpha`` where it is not given). An adjusted p-value is not worked
    out, and 1, where the contrast's own exceeds ``needed``; without ``bounds`` there are no
    simultaneous intervals. Both save time in simulations.
    """
    single_alpha = alpha if pointwise is None else pointwise
    paired = paired_t(differences, single_alpha)
    scale = common_scale(differences, stars)
    error = np.sqrt(divide(scale.variance, paired.count))
    p_pooled = two_sided(standardized(paired.mean, error), scale.df)
    pooled = scale.fits & ~np.isnan(p_pooled) & (paired.deviation > 0)
    flips = _flips(differences, paired, alpha)
    flipped = ~pooled & ~np.isnan(flips)
    p_holm = holm(paired.p_value)
    single = _single_step(paired, scale, error, p_pooled, stars, needed)
    own = divide(paired.deviation, np.sqrt(paired.count))
    error, df = np.where(pooled, error, own), np.where(pooled, scale.df, paired.count - 1)
    half = t_quantile(1 - single_alpha / 2, df) * error
    return Inference(
        paired=paired,
        scale=scale,
        p_pooled=p_pooled,
        p_single_step=single,
        p_holm=p_holm,
        p_sign_flips=flips,
        pooled=pooled,
        flipped=flipped,
        error=error,
        df=df,
        p_value=np.where(pooled, p_pooled, paired.p_value),
        p_adjusted=np.where(pooled, single, np.where(flipped, flips, p_holm)),
        low=paired.mean - half,
        high=paired.mean + half,
        bound=_bound(paired, scale, pooled, stars, alpha) if bounds else np.full_like(df, np.nan),
    )


def _flips(differences: Column, paired: PairedT, alpha: float) -> Column:
    """Step-down p-values of the sign flips; NaN for contrasts with too few seeds for them."""
    if not enough(differences.shape[-2], alpha):
        return np.full(paired.mean.shape, np.nan)
    few = 2.0 ** (1 - paired.count) > alpha / 5
    found = sign_flips(np.where(few[..., None, :], np.nan, differences))
    return np.where(few | (paired.deviation == 0), np.nan, found)


def _single_step(
    paired: PairedT,
    scale: Scale,
    error: Column,
    p_value: Column,
    stars: Sequence[Star],
    needed: float,
) -> Column:
    t = np.where(p_value <= needed, standardized(paired.mean, error), np.nan)
    sizes = _sizes(paired, stars)[..., None, :]
    found = many_to_one.tail(t, sizes, scale.tail_df, scale.correlation[..., None])
    corrected = np.fmax(found, p_value)  # never below it; the quadrature may be, by rounding
    return np.where(p_value <= needed, corrected, np.where(np.isnan(p_value), np.nan, 1.0))


def _bound(
    paired: PairedT, scale: Scale, pooled: NDArray[np.bool_], stars: Sequence[Star], alpha: float
) -> Column:
    """Many to one where pooled, Bonferroni's where not."""
    sizes, df = _sizes(paired, stars), np.nanmin(scale.tail_df, axis=-1, initial=np.inf)
    together = many_to_one.bound(sizes, df, scale.correlation, alpha)
    members = np.maximum(sizes.sum(axis=-1), 1)[..., None]
    alone = t_quantile(1 - alpha / 2 / members, paired.count - 1)
    return np.where(pooled, together[..., None], alone)


def _sizes(paired: PairedT, stars: Sequence[Star]) -> NDArray[np.int64]:
    """(..., G): the contrasts of each star that are tested."""
    tested = paired.count > 1
    return np.stack([tested[..., star.columns].sum(axis=-1) for star in stars], axis=-1)
