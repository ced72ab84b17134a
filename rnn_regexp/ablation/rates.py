"""Diverged and failed runs: how often, with its interval, and whether more often than the baseline.

They are results, and stay: the effects are those among pairs that both finished, and this table
says how many that are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnn_regexp.ablation.description import Description, Factor
from rnn_regexp.ablation.pairing import comparable
from rnn_regexp.ablation.statistics import Column, divide, holm
from rnn_regexp.ledger import DIVERGED, FAILED, FINISHED

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "factor level is_baseline n_runs n_finished n_diverged n_failed rate rate_low rate_high"
    " n_pairs level_only baseline_only p_value p_adjusted"
).split()


def divergence(table: pd.DataFrame, study: Description) -> pd.DataFrame:
    """Runs of every level by how they ended; columns ``COLUMNS``, the baseline among the rows.

    Counts the comparable runs, or all of a level that has none. ``rate`` is that of divergence
    among the runs that were seen to their end (a failed one was not), ``rate_low`` and
    ``rate_high`` its Wilson interval. The rates are compared in pairs: ``level_only`` seeds saw
    more divergences at the level than at the baseline, ``baseline_only`` fewer, and ``p_value`` is
    the exact sign test between them, with one pair a seed McNemar's (1947); ``p_adjusted`` is
    Holm's over the family.
    """
    import pandas as pd

    parts = [_of_factor(table.reset_index(drop=True), factor, study) for factor in study.factors]
    found = pd.concat([pd.DataFrame(columns=COLUMNS), *parts], ignore_index=True) if parts else None
    if found is None:
        return pd.DataFrame(columns=COLUMNS)
    found["p_adjusted"] = holm(found["p_value"].to_numpy(dtype=float))
    return found[COLUMNS]


def wilson(rate: Column, number: NDArray[np.int64], alpha: float) -> tuple[Column, Column]:
    """Wilson's (1927) score interval of a rate among ``number``; NaN where there are none."""
    from scipy.special import ndtri

    n, p = np.asarray(number, dtype=float), np.asarray(rate, dtype=float)
    z2 = float(ndtri(1 - alpha / 2)) ** 2
    centre = divide(p * n + z2 / 2, np.where(n > 0, n + z2, 0.0))
    half = np.sqrt(np.maximum(z2 * (n * p * (1 - p) + z2 / 4), 0.0))
    half = divide(half, np.where(n > 0, n + z2, 0.0))
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)


def sign_test(more: NDArray[np.int64], fewer: NDArray[np.int64]) -> Column:
    """Exact two-sided p-value of ``more`` against ``fewer`` under even odds; 1 without either."""
    from scipy.special import betainc

    total, least = np.asarray(more) + np.asarray(fewer), np.minimum(more, fewer)
    tail = betainc(np.maximum(total - least, 1), least + 1, 0.5)  # P(X <= least), X binomial
    return np.where(total > 0, np.minimum(2 * tail, 1.0), 1.0)


def _of_factor(table: pd.DataFrame, factor: Factor, study: Description) -> pd.DataFrame:
    import pandas as pd

    rows, cell = comparable(table, factor, study)
    shown = pd.concat([rows, table[~table[factor.key].isin(rows[factor.key].unique())]])
    ended = pd.crosstab(shown[factor.key], shown["status"])
    ended = ended.reindex(index=list(factor.levels), columns=[FINISHED, DIVERGED, FAILED])
    ended = ended.fillna(0).astype(int)
    found = pd.DataFrame({"factor": factor.key, "level": list(factor.levels)})
    found["is_baseline"] = found["level"] == factor.baseline
    found["n_runs"] = ended.sum(axis=1).to_numpy()
    for name in (FINISHED, DIVERGED, FAILED):
        found[f"n_{name}"] = ended[name].to_numpy()
    seen = (found["n_finished"] + found["n_diverged"]).to_numpy()
    found["rate"] = divide(found["n_diverged"].to_numpy(dtype=float), seen)
    found["rate_low"], found["rate_high"] = wilson(found["rate"].to_numpy(), seen, study.alpha)
    return _compare(found, rows, cell, factor)


def _compare(
    found: pd.DataFrame, rows: pd.DataFrame, cell: pd.Series, factor: Factor
) -> pd.DataFrame:
    """Add the paired comparison of every level with the baseline."""
    seen = rows["status"] != FAILED
    rows, cell = rows[seen], cell[seen]
    lost = (rows["status"] == DIVERGED).astype(int)
    baseline = rows[factor.key] == factor.baseline
    partner = lost[baseline].groupby(cell[baseline]).last().reindex(cell[~baseline]).to_numpy()
    change = (lost[~baseline] - partner).dropna()
    level, seed = rows[factor.key], rows["seed"]
    by_seed = change.groupby([level[change.index], seed[change.index]]).sum()
    groups = by_seed.groupby(level=0)
    index = list(factor.levels)
    found["n_pairs"] = change.groupby(level[change.index]).size().reindex(index).to_numpy()
    found["level_only"] = groups.agg(lambda one: (one > 0).sum()).reindex(index).to_numpy()
    found["baseline_only"] = groups.agg(lambda one: (one < 0).sum()).reindex(index).to_numpy()
    counts = found[["level_only", "baseline_only"]].to_numpy(dtype=float)
    known = ~np.isnan(counts).any(axis=1)
    found["p_value"] = np.where(known, sign_test(*np.nan_to_num(counts).T), np.nan)
    return found
