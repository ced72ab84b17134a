"""What each verdict rests on: both analyses side by side, effect sizes, what could be found."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from rnn_regexp.ablation.contrasts import each
from rnn_regexp.ablation.description import Description
from rnn_regexp.ablation.wording import decimals, number, probability, short_names
from rnn_regexp.report.document import LEVEL, NUMBER, Column, Group, Row, Table

if TYPE_CHECKING:
    import pandas as pd

HEADS = (
    "effect size",
    "wins over the baseline",
    "detectable",
    "pooled p",
    "paired p",
    "sign flips p",
)


def evidence(effects: pd.DataFrame, study: Description) -> Table | None:
    """A row a comparison of the primary metric; p-values are corrected within their analysis."""
    judged = effects[effects["metric"] == study.primary]
    if judged.empty:
        return None
    digits, names = decimals(judged), short_names([factor.key for factor in study.factors])
    groups = []
    for key, rows in judged.groupby("factor", sort=False):
        lines = tuple(Row(_cells(row, digits)) for row in each(rows))
        groups.append(Group(names[str(key)], lines))
    columns = (
        Column("level", LEVEL),
        *(Column(head, NUMBER) for head in HEADS),
        Column("judged by"),
        Column("rests on"),
    )
    title = (
        "What the verdicts rest on. Effect size: Hedges' g of the paired differences. Wins:"
        " fraction of pairs in which the level is better, with its interval. Detectable: the least"
        f" difference found with 80 % probability. P-values are corrected over {len(judged)}"
        " comparisons: pooled by the single-step many-to-one comparison, paired t by Holm's, sign"
        " flips by their own step-down."
    )
    return Table("evidence", title, columns, tuple(groups), folded="What the verdicts rest on")


def _cells(row: Any, digits: int) -> tuple[str, ...]:
    return (
        row.level,
        number(row.effect_size, 2),
        _share(row),
        number(row.detectable, digits),
        probability(row.p_single_step),
        probability(row.p_holm),
        probability(row.p_sign_flips),
        row.method,
        row.note,
    )


def _share(row: Any) -> str:
    if math.isnan(row.prob_improvement):
        return "-"
    interval = f" [{100 * row.prob_low:.0f}, {100 * row.prob_high:.0f}]"
    known = not math.isnan(row.prob_low)
    return f"{100 * row.prob_improvement:.0f} %{interval if known else ''}"
