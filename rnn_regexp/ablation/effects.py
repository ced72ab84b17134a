"""The effects of a study's levels: of all its seeds at once, or look by look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnn_regexp.ablation.contrasts import judged
from rnn_regexp.ablation.description import Description
from rnn_regexp.ablation.pairing import require_unique
from rnn_regexp.ablation.sequential import sequential_effects

if TYPE_CHECKING:
    import pandas as pd


def effects_table(table: pd.DataFrame, study: Description, metrics: list[str]) -> pd.DataFrame:
    """One row for each level and metric, as ``contrasts`` describes it.

    Raises ``StudyError`` where a variant and seed stand there twice.
    """
    require_unique(table, study)
    if study.sequential:
        return sequential_effects(table, study, metrics)
    return judged(table, study, metrics, study.alpha)
