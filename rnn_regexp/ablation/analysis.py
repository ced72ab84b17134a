"""All tables of a study's analysis at once, for a study or for any tidy table."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rnn_regexp.ablation.additive import ALIASES, aliases
from rnn_regexp.ablation.contrasts import COLUMNS as EFFECTS
from rnn_regexp.ablation.description import Description
from rnn_regexp.ablation.effects import effects_table
from rnn_regexp.ablation.factor_tests import (
    INTERACTIONS,
    MAIN,
    SIMPLE,
    interactions,
    main_effects,
    simple_effects,
)
from rnn_regexp.ablation.rates import COLUMNS as RATES
from rnn_regexp.ablation.rates import divergence
from rnn_regexp.ablation.sequential import looks_table
from rnn_regexp.ablation.shares import COLUMNS as SHARES
from rnn_regexp.ablation.shares import variance_shares
from rnn_regexp.ablation.tidy_table import Question, study_of
from rnn_regexp.fields import label

if TYPE_CHECKING:
    import pandas as pd

FRACTIONS = ("fractional", "plackett_burman")


@dataclasses.dataclass(frozen=True)
class Analysis:
    """A study's tables; the functions that make them describe their columns."""

    study: Description
    effects: pd.DataFrame
    divergence: pd.DataFrame
    main_effects: pd.DataFrame
    interactions: pd.DataFrame
    simple_effects: pd.DataFrame
    variance_shares: pd.DataFrame
    aliases: pd.DataFrame  # empty unless the design is a fraction
    looks: pd.DataFrame  # empty unless seeds are added


def analyse_study(table: pd.DataFrame, study: Description, metrics: list[str]) -> Analysis:
    """Every table of the runs of ``study``; ``table`` has the columns of ``runs.csv``.

    Raises ``StudyError`` where a variant and seed stand there twice.
    """
    if not any(factor.others for factor in study.factors):
        return _nothing(study)
    effects = effects_table(table, study, metrics)
    pairs = interactions(table, study)
    return Analysis(
        study=study,
        effects=effects,
        divergence=divergence(table, study),
        main_effects=main_effects(table, study),
        interactions=pairs,
        simple_effects=simple_effects(table, study, pairs),
        variance_shares=variance_shares(table, study),
        aliases=aliases(table if study.design in FRACTIONS else table[:0], study),
        looks=looks_table(study),
    )


def _nothing(study: Description) -> Analysis:
    """The tables of a study that compares nothing: all empty."""
    import pandas as pd

    columns = (EFFECTS, RATES, MAIN, INTERACTIONS, SIMPLE, SHARES, ALIASES)
    names = [field.name for field in dataclasses.fields(Analysis)][1:-1]
    empty = {k: pd.DataFrame(columns=own) for k, own in zip(names, columns, strict=True)}
    return Analysis(study=study, looks=looks_table(study), **empty)


def analyse(
    table: pd.DataFrame,
    factors: Sequence[str],
    baseline: Mapping[str, Any],
    metric: str,
    goal: str | None = None,
    seed_column: str = "seed",
    alpha: float = 0.05,
    margin: float | None = None,
) -> Analysis:
    """Analyse any tidy table: a row a run, a column a factor, its metric and its seed.

    ``goal`` is min or max, by default what the metric's name says. A run whose metric is no finite
    number counts as diverged, unless a column ``status`` says how it ended. Raises ``StudyError``
    with one line for what cannot be asked of the table, its options spelled as ``rnn-regexp report
    --table`` has them.
    """
    texts = table.reset_index(drop=True).astype(object).map(_text)
    levels = {key: label(value) for key, value in baseline.items()}
    asked = Question(list(factors), levels, metric, goal, seed_column, alpha, margin)
    runs = study_of(texts, asked, "the table")
    return analyse_study(runs.table, runs.description, [metric])


def _text(cell: Any) -> str:
    """A cell as a file would hold it; every digit of a number, nothing for what is missing."""
    if cell is None or cell != cell:
        return ""
    return repr(float(cell)) if isinstance(cell, float) else str(cell)
