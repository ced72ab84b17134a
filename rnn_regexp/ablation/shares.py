"""How much of the variance each factor, each pair of factors and the seed account for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnn_regexp.ablation.anova import Layout, explained, layout, term_squares
from rnn_regexp.ablation.description import Description
from rnn_regexp.ablation.statistics import Column, divide

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = "factor other df share share_low share_high omega2 omega2_low omega2_high".split()
SEED, REST = "seed", "higher orders and noise"
RESAMPLES = 1000
SOLVED = 5e9  # operations on equations, a few seconds: an incomplete design has fewer resamples,
FEWEST = 100  # but not fewer than this
AT_ONCE = 4e6  # numbers in the equations of one pass: 32 MB


def variance_shares(
    table: pd.DataFrame, study: Description, resamples: int = RESAMPLES
) -> pd.DataFrame:
    """Shares of the primary metric's variance over the finished runs: columns ``COLUMNS``.

    ``share`` is eta^2 = SS(term) / SS(total), type II, largest first, then the seed and the rest;
    in a complete design they add up to 1. ``omega2`` = (SS - df MS(rest)) / (SS(total) + MS(rest)),
    at least 0, takes off what chance alone would give (Hays 1963). Intervals are percentiles of
    ``resamples`` bootstrap samples of whole seeds (down to 100 in large incomplete designs); NaN
    with one seed, rough with few.
    """
    import pandas as pd

    found = layout(table, study)
    names = [(*term, "")[:2] for term in found.terms] + [(SEED, ""), (REST, "")]
    seeds = len(found.count)
    if not seeds:
        return pd.DataFrame(columns=COLUMNS)
    share, omega, df = _shares(found, np.ones((1, seeds)))
    low, high = _intervals(found, study.alpha, resamples)
    rows = pd.DataFrame(
        {
            "factor": [first for first, _ in names],
            "other": [second for _, second in names],
            "df": df,
            "share": share[0],
            "share_low": low[0],
            "share_high": high[0],
            "omega2": omega[0],
            "omega2_low": low[1],
            "omega2_high": high[1],
        }
    )
    terms = rows[:-2].sort_values("share", ascending=False, kind="stable")
    return pd.concat([terms, rows[-2:]], ignore_index=True)


def _shares(found: Layout, weights: Column) -> tuple[Column, Column, list[int]]:
    """Shares (R, T + 2) for R weightings of the seeds, eta^2 and omega^2, and their df."""
    lines = term_squares(found, weights)
    count = weights @ found.count
    total = weights @ found.raw - (weights @ found.total) ** 2 / count
    within = weights @ found.square
    together, rank = explained(found, weights, found.terms)
    rest_df = int(found.count.sum()) - len(found.count) - rank
    rest = np.maximum(within - together, 0.0)
    noise = divide(rest, np.full(len(count), rest_df))
    squares = np.stack([own for own, _ in lines] + [total - within, rest], axis=1)
    df = [df for _, df in lines] + [len(found.count) - 1, rest_df]
    share = divide(squares, total[:, None])
    corrected = divide(squares - np.array(df) * noise[:, None], (total + noise)[:, None])
    omega = np.where(np.isnan(corrected), np.nan, np.clip(corrected, 0.0, 1.0))
    omega[:, -1] = np.nan  # the rest is what the others are measured by
    return np.clip(share, 0.0, 1.0), omega, df


def _intervals(found: Layout, alpha: float, resamples: int) -> tuple[Column, Column]:
    """Lower and upper ends (2, T + 2) of both shares."""
    seeds, size = len(found.count), len(found.terms) + 2
    if seeds < 2:
        return np.full((2, size), np.nan), np.full((2, size), np.nan)
    p, together = found.gram.shape[1], resamples
    if len(found.gram) > 1:  # each resample has equations of its own
        resamples = int(np.clip(SOLVED / (size * p**3), FEWEST, resamples))
        together = max(1, int(AT_ONCE / p**2))
    drawn = np.random.default_rng(0).multinomial(seeds, np.full(seeds, 1 / seeds), resamples)
    parts = [
        np.stack(_shares(found, drawn[i : i + together].astype(float))[:2])
        for i in range(0, resamples, together)
    ]
    both = np.concatenate(parts, axis=1)  # (2, resamples, T + 2)
    with np.errstate(invalid="ignore"):
        ends = np.quantile(both, [alpha / 2, 1 - alpha / 2], axis=1)
    return ends[0], ends[1]
