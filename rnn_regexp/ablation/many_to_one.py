"""Many levels against one baseline: the distribution of the largest of their |t|.

The contrasts of a star share its baseline, so any two of them are correlated; contrasts of
different stars are not. All share one estimate of the variance. With one star and correlation 1/2
this is Dunnett's test (1955), Journal of the American Statistical Association 50; with stars of one
contrast each it is the studentized maximum modulus.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from rnn_regexp.ablation.statistics import Column

NORMAL_NODES, SCALE_NODES = 32, 32  # of the quadratures; the tests compare with many more
AT_ONCE = 2048  # values of t in one pass, which then takes some 20 MB
LARGEST = 1e3  # bound for the search of a quantile


def tail(t: Column, sizes: NDArray[np.int64], df: Column, correlation: Column) -> Column:
    """P(max |T_c| > t) for stars of ``sizes`` (..., G) contrasts; other arguments broadcast.

    T_c = (a Z_g + b e_c) / u with a^2 = correlation, b^2 = 1 - correlation and u^2 = chi^2 / df:
    1 - E_u prod_g E_z [Phi((u t - a z) / b) - Phi((-u t - a z) / b)]^size_g.
    """
    shape = np.broadcast_shapes(np.shape(t), np.shape(df), sizes.shape[:-1], np.shape(correlation))
    flat = [np.broadcast_to(part, shape).ravel() for part in (np.abs(t), df, correlation)]
    members = np.broadcast_to(sizes, (*shape, sizes.shape[-1])).reshape(-1, sizes.shape[-1])
    found = np.full(flat[0].size, np.nan)
    known = np.flatnonzero(~np.isnan(flat[0]) & (flat[1] > 0))
    for start in range(0, len(known), AT_ONCE):
        part = known[start : start + AT_ONCE]
        found[part] = _tail(flat[0][part], members[part], flat[1][part], flat[2][part])
    return found.reshape(shape)


def bound(sizes: NDArray[np.int64], df: Column, correlation: Column, alpha: float) -> Column:
    """The t at which ``tail`` is ``alpha``, by bisection of its logarithm."""
    shape = np.broadcast_shapes(np.shape(df), sizes.shape[:-1], np.shape(correlation))
    low, high = np.full(shape, np.log(1e-3)), np.full(shape, np.log(LARGEST))
    for _ in range(40):
        middle = (low + high) / 2
        above = tail(np.exp(middle), sizes, df, correlation) > alpha
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.where(np.broadcast_to(df, shape) > 0, np.exp(high), np.nan)


def _tail(t: Column, members: NDArray[np.int64], df: Column, correlation: Column) -> Column:
    z, weight = _normal_nodes()
    u, mass = _scale_nodes(df)  # (N, U)
    a, b = np.sqrt(correlation)[:, None, None], np.sqrt(1 - correlation)[:, None, None]
    inside = _inside(t[:, None, None] * u[:, :, None], a * z, b)  # (N, U, Z)
    together = np.ones_like(u)
    for star in members.T:  # most designs have one star, and then this is one pass
        together *= (inside ** star[:, None, None]) @ weight
    return np.clip(1 - together @ mass, 0.0, 1.0)


def _inside(reach: Column, shift: Column, scale: Column) -> Column:
    """Probability that |shift + scale e| <= reach."""
    from scipy.special import ndtr

    return np.asarray(ndtr((reach - shift) / scale) - ndtr((-reach - shift) / scale))


@functools.cache
def _normal_nodes() -> tuple[Column, Column]:
    """Points and weights for the expectation of an even function of a standard normal variable."""
    points, weights = np.polynomial.hermite_e.hermegauss(NORMAL_NODES)
    upper = points > 0
    return points[upper], 2 * weights[upper] / weights.sum()


def _scale_nodes(df: Column) -> tuple[Column, Column]:
    """Points (N, U) and weights (U,) for an expectation over sqrt(chi^2 / df): its quantiles.

    The probability is s^3 (10 - 15 s + 6 s^2), which is flat at both ends where the quantile is
    steep.
    """
    from scipy.special import gammaincinv

    points, weights = np.polynomial.legendre.leggauss(SCALE_NODES)
    s = (points + 1) / 2
    shape = df[:, None] / 2
    quantiles = gammaincinv(shape, s**3 * (10 - 15 * s + 6 * s**2))
    return np.sqrt(quantiles / shape), 15 * weights * (s * (1 - s)) ** 2
