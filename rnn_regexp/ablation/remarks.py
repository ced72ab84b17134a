"""What is odd about a study's runs: said before the verdicts, so that nobody must find it out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rnn_regexp.ablation.description import Description
from rnn_regexp.ledger import DIVERGED, FAILED, FINISHED

if TYPE_CHECKING:
    import pandas as pd

MOST_NAMED = 3
CROSSED = ("factorial", "")  # designs that are meant to have every combination, or may be


def remarks(table: pd.DataFrame, study: Description) -> list[str]:
    """A line for each oddity; none for a study whose cells all have the same seeds."""
    found = [
        _assumed(study),
        _one_seed(study),
        "" if study.sequential else _unequal_seeds(table),  # there it is the plan
        _missing_cells(table, study),
        _constant(table, study),
        *_lost_levels(table, study),
        _failed(table),
    ]
    return [line for line in found if line]


def _assumed(study: Description) -> str:
    """Baselines that nobody named."""
    if not study.assumed:
        return ""
    named = {factor.key: factor.baseline for factor in study.factors}
    levels = ",".join(f"{key}={named[key]}" for key in study.assumed)
    return f"baseline: that of the run that started first, {levels}; another: report --baseline"


def _one_seed(study: Description) -> str:
    told = "one seed: estimates have neither interval nor p-value"
    return told if len(study.seeds) == 1 and study.factors else ""


def _unequal_seeds(table: pd.DataFrame) -> str:
    """Variants that lack seeds which others have."""
    seeds = table.groupby("variant", sort=False)["seed"].nunique()
    few = seeds[seeds < table["seed"].nunique()]
    if few.empty:
        return ""
    named = ", ".join(f"{name} has {count}" for name, count in few.head(MOST_NAMED).items())
    more = f" and {len(few) - MOST_NAMED} more variants fewer" if len(few) > MOST_NAMED else ""
    return (
        f"unequal seeds: of {table['seed'].nunique()} seeds {named}{more};"
        " only seeds that both sides of a comparison have are compared"
    )


def _missing_cells(table: pd.DataFrame, study: Description) -> str:
    """Combinations of levels without a run, where levels are crossed."""
    sizes = [len(factor.levels) for factor in study.factors]
    crossed = 1 + sum(size - 1 for size in sizes)
    cells = len(table[[factor.key for factor in study.factors]].drop_duplicates()) if sizes else 0
    missing = math.prod(sizes) - cells
    if study.design not in CROSSED or not missing or (not study.design and cells <= crossed):
        return ""
    return (
        f"missing cells: {missing} of {math.prod(sizes)} combinations of levels have no run;"
        " a level is compared only where its partner at the baseline has run too"
    )


def _constant(table: pd.DataFrame, study: Description) -> str:
    values = table.loc[table["status"] == FINISHED].get(study.primary)
    if values is None or len(values) < 2 or values.nunique() != 1:
        return ""
    return f"constant metric: {study.primary} is {values.iloc[0]:g} in every run that finished"


def _lost_levels(table: pd.DataFrame, study: Description) -> list[str]:
    """Levels none of whose runs finished."""
    lines = []
    for factor in study.factors:
        finished = (table["status"] == FINISHED).groupby(table[factor.key]).any()
        for level in factor.levels:
            if level in finished.index and not finished[level]:
                ended = set(table.loc[table[factor.key] == level, "status"])
                how = "diverged" if ended == {DIVERGED} else "diverged or failed"
                lines.append(
                    f"every run {how} at {factor.key}={level}: there is no effect to measure"
                )
    return lines


def _failed(table: pd.DataFrame) -> str:
    count = int((table["status"] == FAILED).sum())
    one = count == 1
    return f"{count} run{'' if one else 's'} failed and {'is' if one else 'are'} not compared" * (
        count > 0
    )
