"""How much a contrast varies from seed to seed: pooled over the levels, where they vary alike.

A *star* is a baseline with its levels; ``differences`` (..., S, C) holds level minus baseline.
In the randomized complete block design, y[s, v] = block[s] + effect[v] + noise, the differences of
a star are noise[s, c] - noise[s, 0]: a part of their own and a part in common, the baseline's.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnn_regexp.ablation.statistics import Column, divide, moments

SUSPECT = 0.10  # level of the tests that one level varies more than the others explain
UNEQUAL = 0.05  # level of the test that the variances of a star differ as a whole
CALM = 0.05  # a contrast that varies less than the others, at this level, is kept out of the pool
TWIN = 0.001  # and at this level, over all contrasts, is judged by its own spread alone
SWEEPS = 200  # until the means of an incomplete table are fitted; a complete one takes two
_CONVERGED = 1e-12


@dataclass(frozen=True)
class Spread:
    """What a star's contrasts share: each of shape (...); NaN where there is no pair of seeds."""

    variance: Column  # of one seed's difference
    df: Column
    most_df: Column  # what df is where all variants vary alike
    correlation: Column  # of two contrasts, at most 1/2
    fits: NDArray[np.bool_]  # (..., C): whether this variance describes the contrast


def pooled(differences: Column) -> Spread:
    """The variance of a star's differences, its parts pooled, and the contrasts that it describes.

    variance = M + (1 - h) E: M the variance of the seeds' means over the levels, E the residual
    variance after seeds and levels, h the mean of 1 / (levels at a seed). With one level that is
    its own variance; where all variants vary alike, E[M] = (1 + h) sigma^2 and E[E] = sigma^2. The
    degrees of freedom are Satterthwaite's (1946), Biometrics Bulletin 2.
    """
    varies = moments(differences)[2] > 0  # one seed, or identical runs, say nothing of the noise
    differences = np.where(varies[..., None, :], differences, np.nan)
    suspect, calm, twin = odd_ones(differences)
    kept = np.where(calm[..., None, :], np.nan, differences)
    residual, means = sweep(kept)
    present = ~np.isnan(kept)
    width = present.sum(axis=-1)  # (..., S)
    seeds = (width > 0).sum(axis=-1)
    h = divide(np.where(width > 0, 1 / np.maximum(width, 1), 0.0).sum(axis=-1), seeds)
    rest = present.sum(axis=(-2, -1)) - present.any(axis=-2).sum(axis=-1) - seeds + 1
    own = np.nan_to_num(divide((residual**2).sum(axis=(-2, -1)), rest))
    common = moments(np.where(width > 0, means, np.nan)[..., None])[2][..., 0] ** 2
    variance = common + (1 - h) * own
    return Spread(
        variance=variance,
        df=_satterthwaite(common, (1 - h) * own, seeds - 1, rest),
        most_df=_satterthwaite(1 + h, 1 - h, seeds - 1, rest),
        correlation=_correlation(common - h * own, variance, present),
        fits=varies & ~(suspect | twin | unequal(differences)[..., None]),
    )


def odd_ones(differences: Column) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Contrasts that vary more than their star explains, less, and far less; each (..., C).

    Exact F tests where every variant varies alike and no run is missing: the share that a unit
    direction has of the residual sum of squares is Beta distributed. A level is judged by its own
    direction and by that of its contrast; the first catches a level, the second what it shares
    with the baseline.
    """
    count, _, deviation = moments(differences)
    residual = _with_baseline(differences)
    total = (residual**2).sum(axis=(-2, -1))[..., None]
    present = ~np.isnan(differences)
    width = present.sum(axis=-1) + 1
    rest = (width * (width > 1)).sum(axis=-1) - (width > 1).sum(axis=-1)  # runs less blocks
    rest = (rest - present.any(axis=-2).sum(axis=-1))[..., None]
    level = _level_squares(residual, width)[..., 1:]
    contrast = (count - 1) * deviation**2 / 2
    more, less = _tails(contrast, total, count - 1, rest)
    suspect = np.minimum(more, _tails(level, total, count - 1, rest)[0]) < SUSPECT
    members = np.maximum((count > 1).sum(axis=-1), 1)[..., None]
    return suspect, less < CALM, less < TWIN / members


def unequal(differences: Column) -> NDArray[np.bool_]:
    """Whether the variances of a star's variants differ as a whole: Bartlett's statistic (1937).

    log of the mean less mean of the log of the variants' mean squares, against its simulated
    distribution where all vary alike; Shukla (1972), Biometrics 28, has the same idea. Needs three
    variants, since two share their residuals.
    """
    seeds = differences.shape[-2]
    levels = int((~np.isnan(differences)).any(axis=-2).sum(axis=-1).max(initial=0))
    if levels < 2 or seeds < 2:
        return np.zeros(differences.shape[:-2], dtype=bool)
    return np.asarray(_bartlett(differences) > _equal_bound(seeds, levels))


def sweep(table: Column) -> tuple[Column, Column]:
    """Residuals (..., S, C) of an additive table with gaps, 0 in the gaps, and its rows' means.

    Takes out column means and row means until nothing is left of either.
    """
    present = ~np.isnan(table)
    rows, columns = np.maximum(present.sum(axis=-1), 1), np.maximum(present.sum(axis=-2), 1)
    left = np.where(present, table, 0.0)
    scale = np.abs(left).max(initial=0.0)
    taken = np.zeros(rows.shape)
    for _ in range(SWEEPS):
        left = np.where(present, left - (left.sum(axis=-2) / columns)[..., None, :], 0.0)
        row = left.sum(axis=-1) / rows
        left = np.where(present, left - row[..., None], 0.0)
        taken += row
        if np.abs(row).max(initial=0.0) <= _CONVERGED * scale:
            break
    return left, taken


def _with_baseline(differences: Column) -> Column:
    """Residuals (..., S, 1 + C) of the star itself: the baseline is what all others differ from."""
    some = ~np.isnan(differences).all(axis=-1, keepdims=True)
    return sweep(np.concatenate([np.where(some, 0.0, np.nan), differences], axis=-1))[0]


def _level_squares(residual: Column, width: NDArray[np.int64]) -> Column:
    """Each variant's residual sum of squares, in units of the variance and its df."""
    return np.asarray((residual**2 * (width / np.maximum(width - 1, 1))[..., None]).sum(axis=-2))


def _tails(
    squares: Column, total: Column, df: NDArray[np.int64], rest: NDArray[np.int64]
) -> tuple[Column, Column]:
    """P-values of a sum of squares being large, and small, among ``rest`` degrees of freedom."""
    from scipy.special import betainc, betaincc

    share = np.clip(np.nan_to_num(divide(squares, total)), 0.0, 1.0)
    known = (df > 0) & (rest > df)
    a, b = np.where(known, df, 1) / 2, np.where(known, rest - df, 1) / 2
    more, less = betaincc(a, b, share), betainc(a, b, share)
    return np.where(known, more, 1.0), np.where(known, less, 1.0)


def _satterthwaite(a: Column, b: Column, df_a: Column, df_b: Column) -> Column:
    """Degrees of freedom of the sum of two independent variances."""
    both = divide(a**2, df_a) + np.nan_to_num(divide(b**2, df_b))
    return np.where(df_a > 0, divide((a + b) ** 2, both), np.nan)


def _correlation(common: Column, variance: Column, present: NDArray[np.bool_]) -> Column:
    """The baseline's part of a difference's variance, less where contrasts differ in seeds."""
    share = np.clip(np.nan_to_num(divide(common, variance)), 0.0, 0.5)
    both = np.swapaxes(present, -1, -2).astype(float) @ present
    count = present.sum(axis=-2)
    some = (count[..., :, None] > 0) & (count[..., None, :] > 0)
    overlap = both / np.sqrt(np.maximum(count[..., :, None] * count[..., None, :], 1))
    return np.asarray(share * np.where(some, overlap, 1.0).min(axis=(-2, -1), initial=1.0))


def _bartlett(differences: Column) -> Column:
    residual = _with_baseline(differences)
    count = np.maximum((~np.isnan(differences)).sum(axis=-2), 1)
    df = np.maximum(np.concatenate([count.max(axis=-1, keepdims=True), count], axis=-1) - 1, 1)
    squares = (residual**2).sum(axis=-2) / df
    known = squares > 0
    logs = np.where(known, np.log(np.where(known, squares, 1.0)), 0.0)
    number = np.maximum(known.sum(axis=-1), 1)
    mean = np.maximum(squares.sum(axis=-1) / number, np.finfo(float).tiny)
    return np.asarray(np.log(mean) - logs.sum(axis=-1) / number)


@functools.cache
def _equal_bound(seeds: int, levels: int) -> float:
    """The upper ``UNEQUAL`` quantile of the statistic where all variants vary alike."""
    tables = int(np.clip(4e6 / (seeds * levels), 200, 4000))
    noise = np.random.default_rng(0).normal(size=(tables, seeds, 1 + levels))
    return float(np.quantile(_bartlett(noise[..., 1:] - noise[..., :1]), 1 - UNEQUAL))
