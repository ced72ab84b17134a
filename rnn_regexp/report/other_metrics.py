"""The contrasts of every metric besides the primary one, folded away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnn_regexp.ablation.contrasts import each
from rnn_regexp.ablation.description import Description
from rnn_regexp.ablation.metrics import phrase
from rnn_regexp.ablation.wording import decimals, probability, short_names
from rnn_regexp.report.document import LEVEL, NUMBER, VERDICT, Column, Group, Row, Table
from rnn_regexp.report.gap import change_cell
from rnn_regexp.report.latex_text import slug

if TYPE_CHECKING:
    import pandas as pd


def other_metrics(effects: pd.DataFrame, study: Description) -> list[Table]:
    """A table for each further metric."""
    rest = effects[effects["metric"] != study.primary]
    return [_table(str(metric), rows, study) for metric, rows in rest.groupby("metric", sort=False)]


def _table(metric: str, effects: pd.DataFrame, study: Description) -> Table:
    digits, names = decimals(effects), short_names([factor.key for factor in study.factors])
    groups = []
    for key, rows in effects.groupby("factor", sort=False):
        lines = (
            Row((r.level, change_cell(r, digits), probability(r.p_adjusted), r.verdict))
            for r in each(rows)
        )
        groups.append(Group(names[str(key)], tuple(lines)))
    change = f"change [{100 * (1 - study.alpha):g} % interval]"
    columns = (
        Column("level", LEVEL),
        Column(change, NUMBER),
        Column("adjusted p", NUMBER),
        Column("verdict", VERDICT),
    )
    title = f"Changes in {phrase(metric)}; positive is better"
    return Table(f"other-{slug(metric)}", title, columns, tuple(groups), folded=phrase(metric))
