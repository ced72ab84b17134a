"""What the factors of a design do together: main effects, interactions, effects within a level."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnn_regexp.ablation.anova import Line, Term, layout, type_two
from rnn_regexp.ablation.description import Description, Factor
from rnn_regexp.ablation.inference import infer
from rnn_regexp.ablation.pairing import differences, pairs_of, values
from rnn_regexp.ablation.spread import SUSPECT, sweep
from rnn_regexp.ablation.stars import Star
from rnn_regexp.ablation.statistics import Column, holm

if TYPE_CHECKING:
    import pandas as pd

TESTS = (
    "df sum_squares error_df error_squares f p_value p_adjusted method"
    " p_pooled p_by_seed n_seeds_complete"
).split()
MAIN, INTERACTIONS = ["factor", *TESTS], ["factor", "other", *TESTS]
SIMPLE = (
    "factor level baseline_level given given_level n_pairs estimate ci_low ci_high p_value"
    " p_adjusted method"
).split()
POOLED, BY_SEED = "pooled", "by seed"


def main_effects(table: pd.DataFrame, study: Description) -> pd.DataFrame:
    """Whether each factor matters at all, on the primary metric: columns ``MAIN``.

    F tests of the type II sums of squares. ``p_pooled`` is against the residual of the block design
    (seeds and variants taken out), ``p_by_seed`` against the factor's own interaction with the
    seeds, from the seeds that have every cell; ``p_value`` is the former unless that interaction is
    larger than the rest of the residual explains (F test at 10 %). ``p_adjusted`` is Holm's.
    """
    return _tests(table, study, size=1)


def interactions(table: pd.DataFrame, study: Description) -> pd.DataFrame:
    """Whether one factor's effect depends on another's level: columns ``INTERACTIONS``.

    As ``main_effects``; only pairs of factors that the design varies together.
    """
    return _tests(table, study, size=2)


def simple_effects(table: pd.DataFrame, study: Description, found: pd.DataFrame) -> pd.DataFrame:
    """Effects within one level of another factor, where ``found`` has an interaction: ``SIMPLE``.

    For each interaction with ``p_adjusted`` below alpha, each level against its baseline at every
    level of the other factor, both ways round; judged as the contrasts of ``effects.csv`` are, with
    Holm's correction over all rows. Positive is better.
    """
    import pandas as pd

    present = found[found["p_adjusted"] < study.alpha]
    pairs = list(zip(present["factor"], present["other"], strict=True))
    named = {factor.key: factor for factor in study.factors}
    parts = [
        _within(table, study, named[a], named[b], level)
        for first, second in pairs
        for a, b in ((first, second), (second, first))
        for level in named[b].levels
    ]
    rows = pd.concat([pd.DataFrame(columns=SIMPLE), *filter(len, parts)], ignore_index=True)
    rows["p_adjusted"] = holm(rows["p_value"].to_numpy(dtype=float))
    return rows[SIMPLE]


def _tests(table: pd.DataFrame, study: Description, size: int) -> pd.DataFrame:
    import pandas as pd

    columns = MAIN if size == 1 else INTERACTIONS
    found = layout(table, study)
    residual = _Residual.of(table, study)
    rows = [
        dict(zip(("factor", "other"), line.term, strict=False)) | residual.test(line)
        for line in type_two(found)
        if len(line.term) == size
    ]
    tests = pd.DataFrame(rows, columns=[name for name in columns if name != "p_adjusted"])
    tests["p_adjusted"] = holm(tests["p_value"].to_numpy(dtype=float))
    return tests[columns]


@dataclasses.dataclass(frozen=True)
class _Residual:
    """What is left of the primary metric after seeds and variants, (S, V), 0 where no run is."""

    left: Column
    df: int
    complete: NDArray[np.bool_]  # (S,): seeds with every variant
    levels: dict[str, NDArray[np.int64]]  # factor -> (V,) number of the level

    @staticmethod
    def of(table: pd.DataFrame, study: Description) -> _Residual:
        keys = [factor.key for factor in study.factors]
        measured = values(table, [study.primary])[study.primary]
        wide = measured.groupby([table["seed"], *(table[key] for key in keys)]).mean()
        square = wide.unstack(level=keys) if keys else wide.to_frame()
        square = square.dropna(axis=1, how="all").dropna(axis=0, how="all")
        numbers = square.to_numpy(dtype=float)
        present = ~np.isnan(numbers)
        labels = {key: square.columns.get_level_values(i) for i, key in enumerate(keys)}
        if len(keys) == 1:
            labels = {keys[0]: square.columns}
        return _Residual(
            left=sweep(numbers)[0] if numbers.size else numbers,
            df=max(0, int(present.sum() - sum(numbers.shape) + _parts(present))),
            complete=present.all(axis=1),
            levels={key: np.unique(own, return_inverse=True)[1] for key, own in labels.items()},
        )

    def test(self, line: Line) -> dict[str, object]:
        """The columns ``TESTS`` of one term, without the correction."""
        own, own_df = self.by_seed(line.term, line.df)
        total = float((self.left**2).sum())
        rest, rest_df = max(total - own, 0.0), self.df - own_df
        larger = _p_value(own, own_df, rest, rest_df) < SUSPECT
        error, error_df = (own, own_df) if larger else (total, self.df)
        p_pooled = _p_value(line.squares, line.df, total, self.df)
        p_by_seed = _p_value(line.squares, line.df, own, own_df)
        return {
            "df": line.df,
            "sum_squares": line.squares,
            "error_df": error_df,
            "error_squares": error,
            "f": _ratio(line.squares, line.df, error, error_df),
            "p_value": p_by_seed if larger else p_pooled,
            "method": BY_SEED if larger else POOLED,
            "p_pooled": p_pooled,
            "p_by_seed": p_by_seed,
            "n_seeds_complete": int(self.complete.sum()),
        }

    def by_seed(self, term: Term, df: int) -> tuple[float, int]:
        """Sum of squares and df of the term's interaction with the seeds that are complete."""
        left = self.left[self.complete]
        if len(left) < 2:
            return 0.0, 0
        left = left - left.mean(
            axis=0
        )  # the incomplete seeds had their part in the variants' means
        squares = self._between(left, term)
        for factor in term if len(term) > 1 else ():
            squares -= self._between(left, (factor,))
        return max(squares, 0.0), df * (len(left) - 1)

    def _between(self, left: Column, term: Term) -> float:
        """Sum of squares between the cells of ``term`` within every seed."""
        cell = np.zeros(left.shape[1], dtype=np.int64)
        for factor in term:
            cell = cell * (self.levels[factor].max() + 1) + self.levels[factor]
        _, cell = np.unique(cell, return_inverse=True)
        member = np.eye(cell.max() + 1)[cell]  # (V, cells)
        return float(((left @ member) ** 2 / member.sum(axis=0)).sum())


def _parts(present: NDArray[np.bool_]) -> int:
    """Into how many parts seeds and variants fall that share no run: 2 in confounded blocks."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    seed, variant = np.nonzero(present)
    size = sum(present.shape)
    links = csr_array((np.ones(len(seed)), (seed, variant + len(present))), shape=(size, size))
    return int(connected_components(links, directed=False)[0])


def _ratio(squares: float, df: int, error: float, error_df: int) -> float:
    if df <= 0 or error_df <= 0:
        return float("nan")
    mean, noise = squares / df, error / error_df
    return mean / noise if noise > 0 else float("inf") if mean > 0 else float("nan")


def _p_value(squares: float, df: int, error: float, error_df: int) -> float:
    from scipy.special import fdtrc

    ratio = _ratio(squares, df, error, error_df)
    if np.isinf(ratio):
        return 0.0
    return float("nan") if np.isnan(ratio) else float(fdtrc(df, error_df, ratio))


def _within(
    table: pd.DataFrame, study: Description, factor: Factor, other: Factor, level: str
) -> pd.DataFrame:
    """The contrasts of ``factor`` among the runs that have ``level`` of ``other``."""
    import pandas as pd

    rows = table[table[other.key] == level].reset_index(drop=True)
    if rows.empty or not factor.others:
        return pd.DataFrame()
    pairs = pairs_of(rows, study)
    found = differences(rows, study, pairs, [study.primary])
    chosen = [c for c, (own, _) in enumerate(pairs.contrasts) if own.key == factor.key]
    own = np.where(found.modelled, np.nan, found.by_seed)[..., chosen]
    result = infer(own, [Star(np.arange(len(chosen)))], study.alpha, bounds=False)
    return pd.DataFrame(
        {
            "factor": factor.key,
            "level": [pairs.contrasts[c][1] for c in chosen],
            "baseline_level": factor.baseline,
            "given": other.key,
            "given_level": level,
            "n_pairs": np.where(found.modelled, 0, found.number[0])[chosen],
            "estimate": result.paired.mean[0],
            "ci_low": result.low[0],
            "ci_high": result.high[0],
            "p_value": result.p_value[0],
            "method": result.method[0],
        }
    )
