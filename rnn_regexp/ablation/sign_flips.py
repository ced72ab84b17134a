"""Sign-flip permutation test of many contrasts at once, seeds being the blocks.

Where a level changes nothing, the differences of a seed are as likely as their negatives, all of
them together. Flipping whole seeds therefore keeps the contrasts' correlation, whatever it is, and
their unequal variances, and assumes no distribution.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnn_regexp.ablation.statistics import Column

FLIPS = 1024  # sign patterns; all of them up to 11 seeds
AT_ONCE = 2**22  # permuted statistics in one pass: 32 MB


def enough(seeds: int, alpha: float) -> bool:
    """Whether the least p-value that ``seeds`` can give, 2^(1 - seeds), is a fifth of alpha."""
    return 2.0 ** (1 - seeds) <= alpha / 5


def sign_flips(differences: Column) -> Column:
    """Step-down max-|t| p-values (..., C) of differences (..., S, C), adjusted for all contrasts.

    Westfall and Young (1993), algorithm 2.8; the observed signs are one of the patterns, so p is
    never 0 and the test is exact. NaN where a contrast has fewer than two seeds or no spread.
    """
    shape = differences.shape
    tables = differences.reshape(-1, *shape[-2:])
    signs = patterns(shape[-2])
    step = max(1, AT_ONCE // (len(signs) * shape[-1]))
    parts = [_step_down(tables[i : i + step], signs) for i in range(0, len(tables), step)]
    return np.concatenate(parts).reshape(*shape[:-2], shape[-1])


def patterns(seeds: int) -> NDArray[np.float64]:
    """Sign patterns (F, S), the observed one first; a pattern and its negative are the same."""
    if seeds <= FLIPS.bit_length():
        bits = np.arange(2 ** (seeds - 1))[:, None] >> np.arange(seeds) & 1
        return np.asarray(1.0 - 2.0 * bits, dtype=np.float64)
    bits = np.random.default_rng(0).integers(0, 2, (FLIPS, seeds))
    bits[0] = 0
    return np.asarray(1.0 - 2.0 * bits, dtype=np.float64)


def _step_down(tables: Column, signs: Column) -> Column:
    """(B, C) of tables (B, S, C)."""
    observed, permuted = _statistics(tables, signs)
    order = np.argsort(-observed, axis=-1)
    ranked = np.take_along_axis(permuted, order[:, None, :], -1)
    # The largest among the contrasts that are not larger than this one: they are still to be tested
    rest = np.maximum.accumulate(ranked[..., ::-1], axis=-1)[..., ::-1]
    reached = rest >= np.take_along_axis(observed, order, -1)[:, None, :] * (1 - 1e-9)
    rising = np.maximum.accumulate(reached.mean(axis=1), axis=-1)
    p_values = np.empty_like(rising)
    np.put_along_axis(p_values, order, rising, -1)
    return np.where(observed < 0, np.nan, p_values)


def _statistics(tables: Column, signs: Column) -> tuple[Column, Column]:
    """t^2 / (t^2 + n - 1) observed (B, C) and permuted (B, F, C); -1 for what is no contrast.

    With n seeds it is n mean^2 / sum of squares, and it rises with |t|.
    """
    present = ~np.isnan(tables)
    count = present.sum(axis=1)
    values = np.where(present, tables, 0.0)
    squares = (values**2).sum(axis=1)
    spread = squares - values.sum(axis=1) ** 2 / np.maximum(count, 1)
    usable = (count > 1) & (spread > 1e-12 * squares)
    scale = np.where(usable, count * squares, 1.0)
    permuted = (signs @ values) ** 2 / scale[:, None, :]
    permuted = _comparable(permuted, count)
    permuted = np.where(usable[:, None, :], permuted, -1.0)
    return permuted[:, 0, :], permuted


def _comparable(shares: Column, count: NDArray[np.int64]) -> Column:
    """|t| where contrasts differ in their seeds; the share itself rises with it where none does."""
    if (count == count.max()).all():
        return shares
    freedom = np.maximum(count - 1, 1)[:, None, :]
    return np.sqrt(freedom * shares / np.maximum(1 - shares, 1e-15))
