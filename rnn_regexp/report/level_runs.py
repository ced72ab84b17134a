"""The runs that stand for a level in figures and means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnn_regexp.ablation.contrasts import comparable, values
from rnn_regexp.ablation.description import Description, Factor

if TYPE_CHECKING:
    import pandas as pd


def level_runs(table: pd.DataFrame, factor: Factor, study: Description) -> pd.DataFrame:
    """The runs that are compared; of a level that has none, as in a fraction, all of them."""
    import pandas as pd

    compared, _ = comparable(table, factor, study)
    rest = table[~table[factor.key].isin(compared[factor.key].unique())]
    return compared if rest.empty else pd.concat([compared, rest])


def level_means(
    table: pd.DataFrame, factor: Factor, study: Description, metrics: list[str]
) -> pd.DataFrame:
    """Mean of each metric over the runs of every level that finished, in the levels' order."""
    rows = level_runs(table, factor, study)
    found = values(rows, metrics).groupby(rows[factor.key]).mean()
    return found.reindex(list(factor.levels))
