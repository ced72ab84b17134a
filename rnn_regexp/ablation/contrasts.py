"""The effect of every level against its factor's baseline: the table of ``effects.csv``.

Pairs are runs that agree in seed and in all other factors. Seeds are the blocks of the analysis:
where a grid holds several pairs of one seed, their mean counts once, since they share initial
weights, data order and masks and so are no independent evidence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rnn_regexp.ablation.description import Description, Factor
from rnn_regexp.ablation.metrics import MAX, split_of
from rnn_regexp.ablation.statistics import equivalent, holm, more_seeds, paired_t
from rnn_regexp.ablation.verdicts import Evidence, verdict
from rnn_regexp.ledger import DIVERGED, FINISHED

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "factor level baseline_level metric n_pairs n_diverged estimate ci_low ci_high"
    " p_value p_adjusted effect_size prob_improvement verdict"
).split()


def effects_table(table: pd.DataFrame, study: Description, metrics: list[str]) -> pd.DataFrame:
    """One row for each level and metric, the primary metric first; positive is better."""
    import pandas as pd

    chosen = judged_metrics(study, metrics)
    goals = np.array([1.0 if study.goal_of(metric) == MAX else -1.0 for metric in chosen])
    found = {f.key: differences(table, f, study, chosen) * goals for f in study.factors}
    counts = pd.concat([_counts(table, factor) for factor in study.factors] or [_no_counts()])
    blocks = [_block(counts, found, study, metric) for metric in chosen]
    return pd.concat(blocks, ignore_index=True)[COLUMNS]


def judged_metrics(study: Description, metrics: list[str]) -> list[str]:
    """The primary metric, then the others on validation and test data whose better way is known."""
    held_out = [m for m in metrics if split_of(m) in ("valid", "test") and study.goal_of(m)]
    asked = [m for m in held_out if m.startswith("best/") == study.primary.startswith("best/")]
    return list(dict.fromkeys([study.primary, *asked, *held_out]))


def comparable(
    table: pd.DataFrame, factor: Factor, study: Description
) -> tuple[pd.DataFrame, pd.Series]:
    """The runs that have a partner for ``factor``, and the number of the cell each one is in.

    A cell is a seed with one level of every other factor; it counts if it holds the baseline and
    another level.
    """
    others = ["seed", *(other.key for other in study.factors if other.key != factor.key)]
    cell = table.groupby(others, sort=False).ngroup()
    baseline = table[factor.key] == factor.baseline
    kept = baseline.groupby(cell).transform("any") & (~baseline).groupby(cell).transform("any")
    return table[kept], cell[kept]


def values(rows: pd.DataFrame, metrics: list[str]) -> pd.DataFrame:
    """The metrics of runs that finished; NaN for others, whose last numbers mean nothing."""
    measured = rows.reindex(columns=metrics).astype(float)
    measured.loc[rows["status"] != FINISHED] = np.nan
    return measured


def differences(
    table: pd.DataFrame, factor: Factor, study: Description, metrics: list[str]
) -> pd.DataFrame:
    """Level minus baseline of every pair, one column a metric, indexed by level and seed."""
    rows, cell = comparable(table, factor, study)
    measured = values(rows, metrics)
    baseline = rows[factor.key] == factor.baseline
    partner = measured[baseline].groupby(cell[baseline]).last().reindex(cell[~baseline])
    found = measured[~baseline] - partner.to_numpy()
    return found.set_index([rows.loc[~baseline, factor.key], rows.loc[~baseline, "seed"]])


def level_means(
    table: pd.DataFrame, factor: Factor, study: Description, metrics: list[str]
) -> pd.DataFrame:
    """Mean of each metric over the comparable runs of every level, in the levels' order."""
    rows, _ = comparable(table, factor, study)
    found = values(rows, metrics).groupby(rows[factor.key]).mean()
    return found.reindex(list(factor.levels))


def each(rows: pd.DataFrame) -> list[Any]:
    """The rows, their cells by name; pandas cannot tell the cells' types."""
    return list(rows.itertuples())


def _counts(table: pd.DataFrame, factor: Factor) -> pd.DataFrame:
    """Runs of each level, and of its baseline, by how they ended."""
    import pandas as pd

    ended = pd.crosstab(table[factor.key], table["status"])
    ended = ended.reindex(index=list(factor.levels), columns=[FINISHED, DIVERGED, "failed"])
    ended = ended.fillna(0).astype(int)
    rows = ended.loc[factor.others]
    return pd.DataFrame(
        {
            "factor": factor.key,
            "level": factor.others,
            "baseline_level": factor.baseline,
            "n_runs": rows.sum(axis=1).to_numpy(),
            "n_diverged": rows[DIVERGED].to_numpy(),
            "baseline_lost": ended.loc[factor.baseline, FINISHED] == 0,
        }
    )


def _no_counts() -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(columns=[*COLUMNS[:3], "n_runs", "n_diverged", "baseline_lost"])


def _block(
    counts: pd.DataFrame, found: dict[str, pd.DataFrame], study: Description, metric: str
) -> pd.DataFrame:
    """The rows of one metric, whose contrasts are one family."""
    pairs = [found[key][metric] for key in found]
    by_seed = [_by_seed(one, factor) for one, factor in zip(pairs, study.factors, strict=True)]
    rows = counts.reset_index(drop=True).assign(metric=metric, verdict="")
    if rows.empty:
        return rows.reindex(columns=[*rows.columns, *COLUMNS[6:13], "n_pairs"])
    result = paired_t(_side_by_side(by_seed), study.alpha)
    rows["n_pairs"], rows["prob_improvement"] = _won(pairs, study)
    rows["estimate"], rows["ci_low"], rows["ci_high"] = result.mean, result.low, result.high
    rows["p_value"], rows["p_adjusted"] = result.p_value, holm(result.p_value)
    rows["effect_size"] = result.effect_size
    margin = study.margin if metric == study.primary else None
    evidence = Evidence(
        seeds=result.count,
        identical=(result.mean == 0) & (result.deviation == 0),
        equivalent=equivalent(result, margin, study.alpha),
        more=more_seeds(result, _open_alpha(rows["p_adjusted"], study.alpha)),
    )
    rows["verdict"] = [verdict(row, evidence, study.alpha, margin) for row in each(rows)]
    return rows


def _open_alpha(p_adjusted: pd.Series, alpha: float) -> float:
    """The level at which Holm's procedure would test the next of the contrasts still open."""
    return alpha / max(1, int((p_adjusted >= alpha).sum()))


def _by_seed(pairs: pd.Series, factor: Factor) -> pd.DataFrame:
    """(S, C): each seed's mean over its pairs."""
    mean = pairs.groupby(level=[0, 1]).mean()
    return mean.unstack(level=0).reindex(columns=factor.others)


def _side_by_side(blocks: list[pd.DataFrame]) -> np.ndarray:
    import pandas as pd

    return pd.concat(blocks, axis=1).to_numpy(dtype=float)


def _won(pairs: list[pd.Series], study: Description) -> tuple[list[int], list[float]]:
    """Number of pairs, and the fraction of them that the level wins, a tie being half a win."""
    numbers: list[int] = []
    fractions: list[float] = []
    for one, factor in zip(pairs, study.factors, strict=True):
        present = one.dropna()
        score = (np.sign(present) + 1) / 2
        by_level = score.groupby(level=0).agg(["size", "mean"]).reindex(factor.others)
        numbers += by_level["size"].fillna(0).astype(int).tolist()
        fractions += by_level["mean"].tolist()
    return numbers, fractions
