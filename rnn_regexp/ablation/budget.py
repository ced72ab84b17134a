"""How good the best of n trials is: expected validation performance against the tuning budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnn_regexp.ablation.metrics import MAX, MIN
from rnn_regexp.ablation.statistics import Column
from rnn_regexp.ledger import FINISHED

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = "variant budget expected deviation n_trials n_lost".split()


def expected_validation_performance(
    trials: pd.DataFrame, metric: str, goal: str = MIN
) -> pd.DataFrame:
    """The best of ``budget`` trials, expected over which ones are tried: columns ``COLUMNS``.

    ``trials`` has the columns variant, trial, status and the metric, a row a run: ``tuning.csv``.
    A trial's value is the mean over its seeds. One with a run that did not finish is no better than
    the worst that did, whatever the variant: it takes that value, and ``n_lost`` counts it.
    Dodge et al. (2019), Show Your Work; there the trials are drawn with replacement, which is
    biased, here without (Tang et al. 2020). ``deviation`` is the standard deviation of the best.
    """
    import pandas as pd

    numbers = pd.to_numeric(trials[metric], errors="coerce").where(trials["status"] == FINISHED)
    keys = [trials["variant"], trials["trial"]]
    grouped = numbers.groupby(keys, sort=False)
    value = grouped.mean().where(grouped.count() == grouped.size())
    worst = value.min() if goal == MAX else value.max()
    parts = []
    for variant, own in value.groupby(level=0, sort=False):
        if own.notna().any():
            best, deviation = best_of(own.fillna(worst).to_numpy(), goal)
            parts.append(
                pd.DataFrame({"variant": variant, "expected": best, "deviation": deviation}).assign(
                    budget=range(1, len(own) + 1), n_trials=len(own), n_lost=int(own.isna().sum())
                )
            )
    return pd.concat([pd.DataFrame(columns=COLUMNS), *parts], ignore_index=True)[COLUMNS]


def best_of(values: Column, goal: str = MIN) -> tuple[Column, Column]:
    """Mean and standard deviation of the best of n = 1, 2, ... N of the values, each subset alike.

    E = sum_i v_(i) C(i - 1, n - 1) / C(N, n), v_(N) being the best: the unbiased estimate of the
    expected best of n independent trials.
    """
    ranked = np.sort(values) if goal == MAX else -np.sort(-values)
    weights = _weights(len(values))
    mean = weights @ ranked
    return mean, np.sqrt((weights * (ranked - mean[:, None]) ** 2).sum(axis=1))


def _weights(number: int) -> Column:
    """(n, i): the fraction of subsets of n whose best is the i-th of all."""
    from scipy.special import gammaln

    i = np.arange(1.0, number + 1)
    n = i[:, None]

    def log_choose(a: Column, b: Column) -> Column:
        return np.asarray(gammaln(a + 1) - gammaln(b + 1) - gammaln(a - b + 1))

    possible = i >= n
    exponent = log_choose(np.where(possible, i - 1, n - 1), n - 1) - log_choose(
        np.full_like(n, number), n
    )
    return np.where(possible, np.exp(exponent), 0.0)
