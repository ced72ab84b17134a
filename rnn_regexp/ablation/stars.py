"""One variance for several stars: the factors of a factorial design, each with its own baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnn_regexp.ablation.spread import CALM, SUSPECT, TWIN, pooled
from rnn_regexp.ablation.statistics import Column, divide


@dataclass(frozen=True)
class Star:
    """Contrasts that share a baseline: their columns, and the pairs that one seed's value means."""

    columns: NDArray[np.int64]
    pairs: float = 1.0


@dataclass(frozen=True)
class Scale:
    """The variance by which each contrast is judged; each of shape (..., C)."""

    variance: Column
    df: Column
    tail_df: Column  # for corrected p-values: at most that of variants that all vary alike
    correlation: Column  # (...): of contrasts of one star, the least over the stars
    fits: NDArray[np.bool_]


def common_scale(differences: Column, stars: Sequence[Star]) -> Scale:
    """The variance of one seed's difference for each contrast of (..., S, C).

    The variance of a mean over p pairs is sigma^2 / p times that of one pair, so stars are weighted
    by p, and by their degrees of freedom. A star that varies more than the others, or far less,
    does not fit; one that varies less is kept out of the pool.
    """
    found = [pooled(differences[..., star.columns]) for star in stars]
    pairs = np.array([star.pairs for star in stars])
    variance = np.stack([one.variance for one in found], axis=-1) * pairs  # (..., G)
    df = np.stack([one.df for one in found], axis=-1)
    most = np.stack([one.most_df for one in found], axis=-1)
    more, less = _against_others(variance, df)
    weight = np.where(np.isnan(variance) | (less < CALM), 0.0, np.nan_to_num(most))
    mean, total_df = _weighted(variance, df, weight)
    odd = np.isnan(mean)[..., None] | (more < SUSPECT) | (less < TWIN / len(stars))
    shape = (*differences.shape[:-2], differences.shape[-1])
    scale = Scale(
        variance=np.full(shape, np.nan),
        df=np.full(shape, np.nan),
        tail_df=np.full(shape, np.nan),
        correlation=np.min([one.correlation for one in found], axis=0),
        fits=np.zeros(shape, dtype=bool),
    )
    for g, (star, one) in enumerate(zip(stars, found, strict=True)):
        scale.variance[..., star.columns] = (mean / star.pairs)[..., None]
        scale.df[..., star.columns] = total_df[..., None]
        scale.tail_df[..., star.columns] = np.minimum(total_df, most.sum(axis=-1))[..., None]
        scale.fits[..., star.columns] = one.fits & ~odd[..., g : g + 1]
    return scale


def _against_others(variance: Column, df: Column) -> tuple[Column, Column]:
    """P-values of each star's variance being larger, and smaller, than that of the others."""
    from scipy.special import fdtr, fdtrc

    if variance.shape[-1] == 1:
        return np.ones_like(variance), np.ones_like(variance)
    weight = np.nan_to_num(df)
    squares = np.nan_to_num(variance) * weight
    rest = weight.sum(axis=-1, keepdims=True) - weight
    ratio = divide(variance, divide(squares.sum(axis=-1, keepdims=True) - squares, rest))
    known = np.isfinite(ratio) & (weight > 0)
    a, b = np.where(known, weight, 1.0), np.where(known, rest, 1.0)
    ratio = np.where(known, ratio, 1.0)
    return np.where(known, fdtrc(a, b, ratio), 1.0), np.where(known, fdtr(a, b, ratio), 1.0)


def _weighted(variance: Column, df: Column, weight: Column) -> tuple[Column, Column]:
    """The weighted mean of the stars' variances, and Satterthwaite's degrees of freedom of it."""
    parts = weight * np.nan_to_num(variance)
    mean = divide(parts.sum(axis=-1), weight.sum(axis=-1))
    noise = np.where(weight > 0, parts**2 / np.where(weight > 0, df, 1.0), 0.0).sum(axis=-1)
    return mean, divide(parts.sum(axis=-1) ** 2, noise)
