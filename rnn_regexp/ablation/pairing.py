"""Who is compared with whom: the runs of a study as differences, level minus baseline, by seed.

Pairs are runs that agree in seed and in all other factors. Seeds are the blocks of the analysis:
where a grid holds several pairs of one seed, their mean counts once, since they share initial
weights, data order and masks and so are no independent evidence. A fraction of a factorial has no
pairs: there the difference is the coefficient of an additive model (``additive``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnn_regexp.ablation.additive import additive_weights
from rnn_regexp.ablation.description import Description, Factor, StudyError
from rnn_regexp.ablation.metrics import MAX
from rnn_regexp.ablation.stars import Star
from rnn_regexp.ablation.statistics import Column, divide
from rnn_regexp.ledger import FINISHED

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Pairs:
    """Every pair of a study by its place: contrast, seed, rows of the level and of the baseline."""

    contrasts: list[tuple[Factor, str]]  # C: factor and level
    seeds: list[Any]  # S: as they stand in the table
    contrast: NDArray[np.int64]  # (P,)
    seed: NDArray[np.int64]
    level_row: NDArray[np.int64]
    baseline_row: NDArray[np.int64]
    stars: list[Star]


@dataclass(frozen=True)
class Differences:
    """What the pairs of M metrics show; positive is better."""

    by_seed: Column  # (M, S, C): the mean over a seed's pairs, NaN where there is none
    number: NDArray[np.int64]  # (M, C): pairs of runs that both have the metric
    planned: NDArray[np.int64]  # (C,): pairs of runs that ended, however they did
    won: Column  # (M, C): fraction of the pairs that the level wins, a tie being half a win
    modelled: NDArray[
        np.bool_
    ]  # (C,): whether there were no pairs and the additive model stands in


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


def require_unique(table: pd.DataFrame, study: Description) -> None:
    """Refuse two runs of one variant and seed: which of them counts would be chance.

    Raises ``StudyError`` with the first of them.
    """
    keys = [factor.key for factor in study.factors]
    again = table.duplicated([*keys, "seed"])
    if again.any():
        row = table[again].iloc[0]
        variant = ", ".join(f"{key}={row[key]}" for key in keys) or "all runs"
        raise StudyError(
            f"{int(again.sum())} rows repeat a variant with the same seed, first {variant} with"
            f" seed {row['seed']}: each may stand in the table once"
        )


def pairs_of(table: pd.DataFrame, study: Description) -> Pairs:
    """All pairs of the runs in ``table``, whose index counts its rows."""
    contrasts = [(factor, level) for factor in study.factors for level in factor.others]
    place = {(factor.key, level): c for c, (factor, level) in enumerate(contrasts)}
    seeds = sorted(table["seed"].unique())
    codes = table["seed"].map({seed: s for s, seed in enumerate(seeds)}).to_numpy()
    parts, stars = [], []
    variant = table.groupby([factor.key for factor in study.factors], sort=False).ngroup()
    for factor in study.factors:
        level, base = _partners(table, factor, study)
        labels = table[factor.key].to_numpy()[level]
        parts.append((np.array([place[factor.key, label] for label in labels]), level, base))
        stars.append((frozenset(variant.to_numpy()[base]), factor))
    contrast, level_row, baseline_row = (
        np.concatenate([part[i] for part in parts]).astype(np.int64) for i in range(3)
    )
    seed = codes[level_row].astype(np.int64)
    shared = _stars(stars, place, contrast, seed)
    return Pairs(contrasts, seeds, contrast, seed, level_row, baseline_row, shared)


def differences(
    table: pd.DataFrame, study: Description, pairs: Pairs, metrics: list[str]
) -> Differences:
    """The differences of every metric, oriented so that positive is better."""
    goals = np.array([1.0 if study.goal_of(metric) == MAX else -1.0 for metric in metrics])
    measured = values(table, metrics).to_numpy() * goals  # (N, M)
    shape = (len(pairs.seeds), len(pairs.contrasts), len(metrics))
    place = pairs.seed * shape[1] + pairs.contrast
    change = measured[pairs.level_row] - measured[pairs.baseline_row]  # (P, M)
    present = ~np.isnan(change)
    total, number, won = np.zeros((3, shape[0] * shape[1], shape[2]))
    np.add.at(total, place, np.where(present, change, 0.0))
    np.add.at(number, place, present)
    np.add.at(won, place, np.where(present, (np.sign(change) + 1) / 2, 0.0))
    by_seed = divide(total, number).reshape(shape)
    planned = np.bincount(pairs.contrast, minlength=shape[1])
    pair_counts = number.reshape(shape).sum(axis=0)
    score = won.reshape(shape).sum(axis=0)
    modelled = planned == 0
    if modelled.any():  # a seed's coefficient counts as one pair
        found = by_seed[:, modelled] = _coefficients(table, study, pairs, measured)[:, modelled]
        pair_counts[modelled] = (~np.isnan(found)).sum(axis=0)
        score[modelled] = np.nan_to_num((np.sign(found) + 1) / 2).sum(axis=0)
    return Differences(
        by_seed=np.moveaxis(by_seed, 2, 0),
        number=pair_counts.T.astype(np.int64),
        planned=planned,
        won=divide(score, pair_counts).T,
        modelled=modelled & (pair_counts > 0).any(axis=1),
    )


def _partners(
    table: pd.DataFrame, factor: Factor, study: Description
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row of each run off the baseline that has a partner, and row of that partner."""
    known = table[table[factor.key].isin(factor.levels)]
    rows, cell = comparable(known, factor, study)
    baseline = (rows[factor.key] == factor.baseline).to_numpy()
    place, number = rows.index.to_numpy(), cell.to_numpy()
    partner = np.zeros(number.max(initial=-1) + 1, dtype=np.int64)
    partner[number[baseline]] = place[baseline]
    return place[~baseline], partner[number[~baseline]]


def _coefficients(
    table: pd.DataFrame, study: Description, pairs: Pairs, measured: Column
) -> Column:
    """(S, C, M): the additive model's coefficients of every seed; NaN where it has none."""
    ended = ~np.isnan(measured).all(axis=1)
    seeds = table["seed"].to_numpy()
    places = [np.flatnonzero(ended & (seeds == seed)) for seed in pairs.seeds]
    parts = [additive_weights(table.iloc[rows], study) @ measured[rows] for rows in places]
    return np.stack(parts)


def _stars(
    found: list[tuple[frozenset[int], Factor]],
    place: dict[tuple[str, str], int],
    contrast: NDArray[np.int64],
    seed: NDArray[np.int64],
) -> list[Star]:
    """Factors with the same baseline runs share a star: one at a time, all of them do."""
    together: dict[Any, list[int]] = {}
    for variants, factor in found:
        columns = [place[factor.key, level] for level in factor.others]
        together.setdefault(variants or factor.key, []).extend(columns)
    stars = []
    for columns in together.values():
        inside = np.isin(contrast, columns)
        blocks = len(np.unique(np.stack([contrast[inside], seed[inside]]), axis=1).T)
        stars.append(Star(np.array(columns), pairs=inside.sum() / blocks if blocks else 1.0))
    return [star for star in stars if len(star.columns)]
