"""Runs that diverged or failed: how often, where, and what is known of the reason."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from rnn_regexp.ablation.contrasts import each
from rnn_regexp.ablation.description import Description
from rnn_regexp.ablation.runs_table import StudyRuns
from rnn_regexp.ablation.wording import probability, short_names
from rnn_regexp.ledger import DIVERGED, FINISHED
from rnn_regexp.report.document import LEVEL, NUMBER, Column, Group, Row, Table

if TYPE_CHECKING:
    import pandas as pd

MOST_LISTED = 200
MOST_SHOWN = 12  # more are folded away


def lost_runs(runs: StudyRuns) -> Table | None:
    """Each run that did not finish; None where all did."""
    rows = runs.table[runs.table["status"] != FINISHED]
    if rows.empty:
        return None
    listed = tuple(
        Row((row.variant, str(row.seed), row.status, _reason(runs, row.run_id), row.run_id))
        for row in each(rows.head(MOST_LISTED))
    )
    more = f"; the first {MOST_LISTED} of {len(rows)}, runs.csv has all" * (len(rows) > MOST_LISTED)
    heads = (
        Column("variant", LEVEL),
        Column("seed", NUMBER),
        *map(Column, ("status", "reason", "run")),
    )
    title = f"Runs that did not finish{more}"
    folded = "Each of them" if len(listed) > MOST_SHOWN else ""
    return Table("lost", title, heads, (Group("", listed),), folded=folded, in_print=False)


def divergence_rates(rates: pd.DataFrame, study: Description) -> Table | None:
    """How often each level diverged, and whether more often than the baseline; None if none did."""
    names = short_names([factor.key for factor in study.factors])
    groups = tuple(
        Group(names[str(key)], tuple(Row(_rate(row), row.is_baseline) for row in each(rows)))
        for key, rows in rates.groupby("factor", sort=False)
        if rows["n_diverged"].any()
    )
    if not groups:
        return None
    heads = ("diverged", f"rate [{100 * (1 - study.alpha):g} % interval]", "seeds more : fewer")
    columns = (Column("level", LEVEL), *(Column(head, NUMBER) for head in (*heads, "adjusted p")))
    title = (
        "How often training diverged. Rates have Wilson's interval; each level is compared with its"
        " baseline seed by seed, by the exact sign test with Holm's correction. Effects on the"
        " metric are those among pairs that both finished."
    )
    return Table("divergence", title, columns, groups)


def _rate(row: Any) -> tuple[str, ...]:
    seen = row.n_finished + row.n_diverged
    rate = f"{100 * row.rate:.0f} % [{100 * row.rate_low:.0f}, {100 * row.rate_high:.0f}]"
    cells = (row.level, f"{row.n_diverged} of {seen}", rate if seen else "-")
    if row.is_baseline or math.isnan(row.level_only):
        return (*cells, "", "")
    return (*cells, f"{row.level_only:.0f} : {row.baseline_only:.0f}", probability(row.p_adjusted))


def _reason(runs: StudyRuns, run_id: str) -> str:
    run = runs.results.get(run_id)
    if run is None:
        return ""
    if run.status == DIVERGED:
        return "" if run.diverged_at is None else f"not finite at step {run.diverged_at}"
    lines = [line for line in (run.error or "").splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""
