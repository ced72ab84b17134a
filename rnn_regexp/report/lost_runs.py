"""Runs that diverged or failed: how often, where, and what is known of the reason."""

from __future__ import annotations

from rnn_regexp.ablation.contrasts import comparable, each
from rnn_regexp.ablation.runs_table import StudyRuns
from rnn_regexp.ablation.wording import short_names
from rnn_regexp.ledger import DIVERGED, FAILED, FINISHED
from rnn_regexp.report.document import LEVEL, NUMBER, Column, Group, Row, Table

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


def divergence_rates(runs: StudyRuns) -> Table | None:
    """How often each level diverged, with Wilson's interval; None where none ever did.

    Counts the runs that are compared; a run that failed was not seen to its end.
    """
    study = runs.description
    names = short_names([factor.key for factor in study.factors])
    groups = []
    for factor in study.factors:
        table, _ = comparable(runs.table, factor, study)
        table = table[table["status"] != FAILED]
        diverged = (table["status"] == DIVERGED).groupby(table[factor.key]).agg(["sum", "size"])
        found = diverged.reindex(list(factor.levels)).dropna()
        if found["sum"].any():
            rows = tuple(
                Row(
                    (str(level), f"{count:g} of {total:g}", _rate(count, total, study.alpha)),
                    level == factor.baseline,
                )
                for level, count, total in found.itertuples()
            )
            groups.append(Group(names[factor.key], rows))
    if not groups:
        return None
    confidence = f"rate [{100 * (1 - study.alpha):g} % interval]"
    heads = (Column("level", LEVEL), Column("diverged", NUMBER), Column(confidence, NUMBER))
    return Table("divergence", "How often training diverged", heads, tuple(groups))


def _rate(count: float, total: float, alpha: float) -> str:
    from scipy.stats import binomtest

    edges = binomtest(int(count), int(total)).proportion_ci(1 - alpha, method="wilson")
    low, high = (f"{100 * edge:.0f}" for edge in edges)
    return f"{100 * count / total:.0f} % [{low}, {high}]"


def _reason(runs: StudyRuns, run_id: str) -> str:
    run = runs.results.get(run_id)
    if run is None:
        return ""
    if run.status == DIVERGED:
        return "" if run.diverged_at is None else f"not finite at step {run.diverged_at}"
    lines = [line for line in (run.error or "").splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""
