"""The effect of every level against its factor's baseline: the table of ``effects.csv``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnn_regexp.ablation.description import Description, Factor
from rnn_regexp.ablation.inference import Inference, infer
from rnn_regexp.ablation.metrics import split_of
from rnn_regexp.ablation.pairing import (
    comparable,
    differences,
    pairs_of,
    values,
)
from rnn_regexp.ablation.rates import wilson
from rnn_regexp.ablation.statistics import (
    Column,
    detectable,
    equivalence,
    hedges_factor,
    holm,
    more_seeds,
    standardized,
    two_sided,
)
from rnn_regexp.ablation.verdicts import Evidence, note, verdict
from rnn_regexp.ledger import DIVERGED, FAILED, FINISHED

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "COLUMNS",
    "comparable",
    "each",
    "judged_metrics",
    "values",
]

COLUMNS = (
    "factor level baseline_level metric n_pairs n_diverged estimate ci_low ci_high"
    " p_value p_adjusted effect_size prob_improvement verdict"
    " method n_seeds n_failed df sim_low sim_high"
    " p_pooled p_paired p_single_step p_holm p_sign_flips"
    " prob_low prob_high detectable p_equivalence more_seeds note"
).split()
COUNTS = ["factor", "level", "baseline_level", "n_runs", "n_diverged", "n_failed", "baseline_lost"]


def judged(
    table: pd.DataFrame, study: Description, metrics: list[str], level: float
) -> pd.DataFrame:
    """One row for each level and metric, the primary metric first; positive is better.

    The contrasts of one metric are one family. ``ci_*`` are pointwise intervals, ``sim_*`` hold all
    at once; ``method`` names the analysis of ``p_value`` and ``p_adjusted``. docs/statistics.md
    describes every column.  Verdicts are at ``level``, which may be a part of the study's alpha.
    """
    import pandas as pd

    if not any(factor.others for factor in study.factors):
        return pd.DataFrame(columns=COLUMNS)
    table, chosen = table.reset_index(drop=True), judged_metrics(study, metrics)
    pairs = pairs_of(table, study)
    found = differences(table, study, pairs, chosen)
    result = infer(found.by_seed, pairs.stars, level, study.alpha)
    counts = pd.concat([_counts(table, factor) for factor in study.factors], ignore_index=True)
    rows = pd.concat([counts.assign(metric=metric) for metric in chosen], ignore_index=True)
    margins = np.where(np.arange(len(chosen)) == 0, study.margin or np.nan, np.nan)[:, None]
    numbers = _numbers(result, level, margins) | {
        "n_pairs": found.number,
        "prob_improvement": found.won,
    }
    for name, column in numbers.items():
        rows[name] = column.ravel()
    rows["prob_low"], rows["prob_high"] = wilson(rows["prob_improvement"], rows["n_seeds"], level)
    evidence = Evidence(
        identical=((result.paired.mean == 0) & (result.paired.deviation == 0)).ravel(),
        lost=(found.planned - found.number).ravel(),
        modelled=np.tile(found.modelled, len(chosen)),
    )
    rows["verdict"] = [verdict(row, evidence, level, study.margin) for row in each(rows)]
    rows["note"] = [note(row, evidence) for row in each(rows)]
    return rows[COLUMNS]


def judged_metrics(study: Description, metrics: list[str]) -> list[str]:
    """The primary metric, then the others on validation and test data whose better way is known."""
    held_out = [m for m in metrics if split_of(m) in ("valid", "test") and study.goal_of(m)]
    asked = [m for m in held_out if m.startswith("best/") == study.primary.startswith("best/")]
    return list(dict.fromkeys([study.primary, *asked, *held_out]))


def each(rows: pd.DataFrame) -> list[Any]:
    """The rows, their cells by name; pandas cannot tell the cells' types."""
    return list(rows.itertuples())


def _counts(table: pd.DataFrame, factor: Factor) -> pd.DataFrame:
    """Runs of each level, and of its baseline, by how they ended."""
    import pandas as pd

    ended = pd.crosstab(table[factor.key], table["status"])
    ended = ended.reindex(index=list(factor.levels), columns=[FINISHED, DIVERGED, FAILED])
    ended = ended.fillna(0).astype(int)
    rows = ended.loc[factor.others]
    return pd.DataFrame(
        {
            "factor": factor.key,
            "level": factor.others,
            "baseline_level": factor.baseline,
            "n_runs": rows.sum(axis=1).to_numpy(),
            "n_diverged": rows[DIVERGED].to_numpy(),
            "n_failed": rows[FAILED].to_numpy(),
            "baseline_lost": ended.loc[factor.baseline, FINISHED] == 0,
        }
    )


def _numbers(result: Inference, alpha: float, margins: Column) -> dict[str, Column]:
    """The columns that follow from the inference alone, each (M, C); a margin is NaN for none."""
    low, high = result.simultaneous
    same = equivalence(result.paired.mean, result.error, result.df, margins)
    return {
        "estimate": result.paired.mean,
        "ci_low": result.low,
        "ci_high": result.high,
        "p_value": result.p_value,
        "p_adjusted": result.p_adjusted,
        "effect_size": result.paired.effect_size,
        "method": np.where(result.paired.count > 1, result.method, "none"),
        "n_seeds": result.paired.count,
        "df": result.df,
        "sim_low": low,
        "sim_high": high,
        "p_pooled": result.p_pooled,
        "p_paired": result.paired.p_value,
        "p_single_step": result.p_single_step,
        "p_holm": result.p_holm,
        "p_sign_flips": result.p_sign_flips,
        "detectable": detectable(result.error, result.df, result.bound),
        "p_equivalence": holm(np.where(np.isnan(margins), np.nan, same)),
        "more_seeds": _missing(result, alpha),
    }


def _missing(result: Inference, alpha: float) -> NDArray[np.int64]:
    """Further seeds until the observed effect would be found with 80 % probability.

    The level is that of the correction as it stands: of one comparison in the single step, or of
    the next of the contrasts that Holm's procedure has not yet decided.
    """
    count = result.paired.count
    still = np.maximum((result.p_adjusted >= alpha).sum(axis=-1, keepdims=True), 1)
    single = two_sided(result.bound, result.scale.tail_df)
    level = np.where(result.pooled, single, alpha / still)
    rate = np.where(result.pooled, result.scale.tail_df / np.maximum(count - 1, 1), 1.0)
    raw = standardized(result.paired.mean, result.error * np.sqrt(count))
    bias = hedges_factor((count - 1) * rate)
    effect = raw * np.where(np.isnan(bias), 1.0, bias)
    return more_seeds(count, effect, np.nan_to_num(level, nan=alpha), np.nan_to_num(rate, nan=1.0))
