"""Paired inference over seeds: interval, p-value, effect size and power of many contrasts at once.

Every function works on columns: ``differences`` (..., S, C) holds the difference that contrast c
makes at seed s, NaN where a seed has none; leading axes are separate tables.
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
    """Student's paired t of C contrasts; each field has shape (..., C), NaN where undefined."""

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
    One pair has an estimate alone. Student (1908), Biometrika 6. The effect size is Hedges'
    g = J(n - 1) mean / deviation, the standardized mean of the paired differences without bias.
    """
    count, mean, deviation = moments(differences)
    half = t_quantile(1 - alpha / 2, count - 1) * divide(deviation, np.sqrt(count))
    d = standardized(mean, deviation)
    return PairedT(
        count=count,
        mean=mean,
        deviation=deviation,
        low=mean - half,
        high=mean + half,
        p_value=two_sided(d * np.sqrt(count), count - 1),
        effect_size=hedges_factor(count - 1) * d,
    )


def holm(p_values: Column) -> Column:
    """P-values (..., C) adjusted for their number m: max over j <= i of (m - j + 1) p_(j), <= 1.

    NaN is no member of the family. Holm (1979), Scandinavian Journal of Statistics 6.
    """
    order = np.argsort(p_values, axis=-1)  # NaN is sorted last
    ascending = np.take_along_axis(p_values, order, -1)
    members = np.count_nonzero(~np.isnan(p_values), axis=-1)[..., None]
    scaled = ascending * (members - np.arange(p_values.shape[-1]))
    adjusted = np.empty_like(p_values)
    np.put_along_axis(adjusted, order, np.minimum(np.maximum.accumulate(scaled, -1), 1), -1)
    return adjusted


def equivalence(mean: Column, error: Column, df: Column, margin: float | Column) -> Column:
    """The larger p-value of the two one-sided tests of -margin < difference < margin.

    ``error`` is the standard error of ``mean``, with ``df`` degrees of freedom. Schuirmann (1987),
    Journal of Pharmacokinetics and Biopharmaceutics 15; Lakens (2017).
    """
    room = margin - np.abs(mean)
    return np.asarray(two_sided(standardized(room, error), df, halves=1.0))


def two_sided(t: Column, df: Column | NDArray[np.int64], halves: float = 2.0) -> Column:
    """P-value of Student's t: of |t| or, with ``halves`` 1, of t upwards; NaN below one df."""
    from scipy.special import stdtr

    tail = -np.abs(t) if halves == 2.0 else -t
    return np.asarray(halves * stdtr(np.where(df > 0, df, np.nan), tail))


def more_seeds(
    count: NDArray[np.int64], effect: Column, alpha: float | Column, rate: float | Column = 1.0
) -> NDArray[np.int64]:
    """Further seeds for 80 % power at the standardized ``effect`` and two-sided level ``alpha``.

    Each seed beyond the first brings ``rate`` degrees of freedom. ``MANY_SEEDS + 1`` stands for
    more; 0 where there is no effect to plan for.
    """
    known = (count > 1) & np.isfinite(effect)
    low, high = np.ones_like(count), np.full_like(count, MANY_SEEDS + 1)
    size = np.where(known, np.abs(effect), 0.0)
    while (low < high).any():  # bisection for the least number with enough power
        middle = (low + high) // 2
        enough = power(count + middle, size, alpha, rate) >= POWER
        low, high = (
            np.where(enough, low, np.minimum(middle + 1, high)),
            np.where(enough, middle, high),
        )
    return np.where(known, low, 0)


def power(
    count: NDArray[np.int64], effect: Column, alpha: float | Column, rate: float | Column = 1.0
) -> Column:
    """Probability that a two-sided t-test over seeds rejects when the true d_z is ``effect`` >= 0.

    Each seed beyond the first brings ``rate`` degrees of freedom; 1 for the paired t-test.
    """
    from scipy.special import nctdtr

    df = np.maximum((count - 1) * rate, 1e-6)
    bound = t_quantile(1 - np.asarray(alpha) / 2, df)
    shift = np.minimum(effect * np.sqrt(count), _CERTAIN)
    opposite = np.nan_to_num(nctdtr(df, shift, -bound))  # NaN only where it is below 1e-5
    return np.asarray(1 - nctdtr(df, shift, bound) + opposite)


def detectable(error: Column, df: Column, bound: Column) -> Column:
    """The least true difference that is found with 80 % probability.

    ``error`` is the standard error, ``bound`` what |t| must exceed. Solves the upper tail of the
    noncentral t; the opposite tail adds less than 1e-4.
    """
    from scipy.special import nctdtrinc

    with np.errstate(invalid="ignore"):
        return np.asarray(nctdtrinc(df, 1 - POWER, bound) * error)


def hedges_factor(df: NDArray[np.int64] | Column) -> Column:
    """J(m) = G(m/2) / (sqrt(m/2) G((m-1)/2)): removes the bias of d_z (Hedges 1981).

    NaN up to one degree of freedom, where the expectation of d_z does not exist.
    """
    from scipy.special import gammaln

    m = np.where(df > 1, df, np.nan)
    return np.asarray(np.exp(gammaln(m / 2) - gammaln((m - 1) / 2)) / np.sqrt(m / 2))


def t_quantile(probability: float | Column, df: NDArray[np.int64] | Column) -> Column:
    """Quantile of Student's t; NaN without degrees of freedom."""
    from scipy.special import stdtrit

    return np.asarray(stdtrit(np.where(df > 0, df, np.nan), probability))


def moments(differences: Column) -> tuple[NDArray[np.int64], Column, Column]:
    """Number, mean and standard deviation of each column, NaN left out."""
    present = ~np.isnan(differences)
    count = present.sum(axis=-2)
    mean = divide(np.where(present, differences, 0.0).sum(axis=-2), count)
    centred = np.where(present, differences - mean[..., None, :], 0.0)
    deviation = np.sqrt(divide((centred**2).sum(axis=-2), count - 1))
    return count, mean, np.where(deviation <= _ROUNDING * np.abs(mean), 0.0, deviation)


def standardized(mean: Column, deviation: Column) -> Column:
    """d_z = mean / deviation: 0 for no difference at all, infinite for one without spread."""
    constant = np.where(mean == 0, 0.0, np.copysign(np.inf, mean))
    return np.where(
        deviation == 0, constant, divide(mean, np.where(deviation == 0, 1.0, deviation))
    )


def divide(numerator: Column, denominator: Column | NDArray[np.int64]) -> Column:
    """The quotient, NaN where the denominator is not positive."""
    safe = np.where(denominator > 0, denominator, 1)
    return np.where(denominator > 0, numerator / safe, np.nan)
