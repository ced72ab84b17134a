"""Paired inference over seeds: interval, p-value, effect size and power of many contrasts at once.

Every function works on columns: ``differences`` (S, C) holds the difference that contrast c makes
at seed s, NaN where a seed has none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

POWER = 0.8  # wanted probability to detect the observed effect
MANY_SEEDS = 100  # beyond this, the number of missing seeds is not worth an exact answer
_ROUNDING = 1e-12  # relative spread of differences that are equal up to rounding
_CERTAIN = 30.0  # noncentrality from which on scipy's tail is not reliable, and power is 1

Column = NDArray[np.float64]


@dataclass(frozen=True)
class PairedT:
    """Student's paired t of C contrasts; each field has shape (C,), NaN where undefined."""

    count: NDArray[np.int64]
    mean: Column
    deviation: Column  # standard deviation of the differences; 0 where equal up to rounding
    low: Column
    high: Column
    p_value: Column
    effect_size: Column


def paired_t(differences: Column, alpha: float = 0.05) -> PairedT:
    """Mean difference with its 1 - alpha t interval, two-sided p-value and effect size.

    Without spread the interval is the point, and p is 1 for no difference at all and 0 otherwise.
    One pair has an estimate alone. Student (1908), Biometrika 6.
    """
    count, mean, deviation = _moments(differences)
    half = t_quantile(1 - alpha / 2, count) * _divide(deviation, np.sqrt(count))
    return PairedT(
        count=count,
        mean=mean,
        deviation=deviation,
        low=mean - half,
        high=mean + half,
        p_value=_p_value(count, mean, deviation),
        effect_size=hedges_factor(count) * _standardized(mean, deviation),
    )


def holm(p_values: Column) -> Column:
    """P-values adjusted for their number m: max over j <= i of (m - j + 1) p_(j), at most 1.

    NaN is no member of the family. Holm (1979), Scandinavian Journal of Statistics 6.
    """
    order = np.argsort(p_values)[: np.count_nonzero(~np.isnan(p_values))]  # NaN is sorted last
    rising = np.maximum.accumulate(p_values[order] * np.arange(len(order), 0, -1))
    adjusted = np.full(len(p_values), np.nan)
    adjusted[order] = np.minimum(rising, 1)
    return adjusted


def equivalent(found: PairedT, margin: float | None, alpha: float = 0.05) -> NDArray[np.bool_]:
    """Whether the 1 - 2 alpha interval lies within +-margin: two one-sided tests (Lakens 2017)."""
    if margin is None:
        return np.zeros(len(found.mean), dtype=bool)
    half = t_quantile(1 - alpha, found.count) * _divide(found.deviation, np.sqrt(found.count))
    return np.asarray(np.abs(found.mean) + half <= margin)  # a NaN is not within anything


def more_seeds(found: PairedT, alpha: float | Column) -> NDArray[np.int64]:
    """Further seeds for 80 % power at the observed effect and two-sided level ``alpha``.

    ``MANY_SEEDS + 1`` stands for more; 0 where fewer than two pairs show no effect to plan for.
    """
    effect = np.abs(_standardized(found.mean, found.deviation))
    corrected = effect * np.where(found.count > 2, hedges_factor(found.count), 1.0)
    known = (found.count > 1) & np.isfinite(corrected)
    low, high = np.ones_like(found.count), np.full_like(found.count, MANY_SEEDS + 1)
    while (low < high).any():  # bisection for the least number with enough power
        middle = (low + high) // 2
        enough = power(found.count + middle, np.where(known, corrected, 0.0), alpha) >= POWER
        low, high = (
            np.where(enough, low, np.minimum(middle + 1, high)),
            np.where(enough, middle, high),
        )
    return np.where(known, low, 0)


def power(count: NDArray[np.int64], effect: Column, alpha: float | Column) -> Column:
    """Probability that a two-sided paired t-test rejects when the true d_z is ``effect`` >= 0."""
    from scipy.special import nctdtr

    bound = t_quantile(1 - np.asarray(alpha) / 2, count)
    shift = np.minimum(effect * np.sqrt(count), _CERTAIN)
    df = np.maximum(count - 1, 1)
    opposite = np.nan_to_num(nctdtr(df, shift, -bound))  # NaN only where it is below 1e-5
    return np.asarray(1 - nctdtr(df, shift, bound) + opposite)


def hedges_factor(count: NDArray[np.int64]) -> Column:
    """J = G(m/2) / (sqrt(m/2) G((m-1)/2)), m = count - 1: removes the bias of d_z (Hedges 1981).

    NaN below three pairs, where the expectation of d_z does not exist.
    """
    from scipy.special import gammaln

    df = np.where(count > 2, count - 1, np.nan)
    return np.asarray(np.exp(gammaln(df / 2) - gammaln((df - 1) / 2)) / np.sqrt(df / 2))


def t_quantile(probability: float | Column, count: NDArray[np.int64]) -> Column:
    """Quantile of Student's t for ``count`` differences; NaN below two."""
    from scipy.special import stdtrit

    return np.asarray(stdtrit(np.where(count > 1, count - 1.0, np.nan), probability))


def _moments(differences: Column) -> tuple[NDArray[np.int64], Column, Column]:
    present = ~np.isnan(differences)
    count = present.sum(axis=0)
    mean = _divide(np.where(present, differences, 0.0).sum(axis=0), count)
    centred = np.where(present, differences - mean, 0.0)
    deviation = np.sqrt(_divide((centred**2).sum(axis=0), count - 1))
    return count, mean, np.where(deviation <= _ROUNDING * np.abs(mean), 0.0, deviation)


def _p_value(count: NDArray[np.int64], mean: Column, deviation: Column) -> Column:
    from scipy.special import stdtr

    t = np.abs(_standardized(mean, deviation)) * np.sqrt(count)
    return np.asarray(2 * stdtr(np.where(count > 1, count - 1.0, np.nan), -t))


def _standardized(mean: Column, deviation: Column) -> Column:
    """d_z = mean / deviation: 0 for no difference at all, infinite for one without spread."""
    constant = np.where(mean == 0, 0.0, np.copysign(np.inf, mean))
    return np.where(
        deviation == 0, constant, _divide(mean, np.where(deviation == 0, 1.0, deviation))
    )


def _divide(numerator: Column, denominator: Column | NDArray[np.int64]) -> Column:
    """The quotient, NaN where the denominator is not positive."""
    safe = np.where(denominator > 0, denominator, 1)
    return np.where(denominator > 0, numerator / safe, np.nan)
