"""What tuning the nuisance settings cost and brought: expected performance against the budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnn_regexp.ablation.budget import expected_validation_performance
from rnn_regexp.ablation.metrics import phrase
from rnn_regexp.ablation.runs_table import StudyRuns
from rnn_regexp.ledger import FINISHED
from rnn_regexp.report.canvas import SERIES, Drawing, canvas, drawn
from rnn_regexp.report.diagnostics import variants_shown
from rnn_regexp.report.document import (
    LEVEL,
    NUMBER,
    Chapter,
    Column,
    Figure,
    Group,
    Part,
    Row,
    Table,
    Text,
)
from rnn_regexp.report.numbers import duration, significant
from rnn_regexp.report.verdict_table import cut

if TYPE_CHECKING:
    import pandas as pd

MARKERS = "os^vD<>"
BEFORE, BEHIND = 4, 4  # columns of tuning.csv on either side of the nuisance settings
MOST_LISTED = 40


def tuning(runs: StudyRuns) -> Chapter | None:
    """The chapter; None where nothing was tuned."""
    trials, study = runs.trials, runs.description
    if trials is None or trials.empty:
        return None
    metric = str(trials.columns[-2])
    found = expected_validation_performance(trials, metric, study.goal_of(metric) or study.goal)
    parts: list[Part] = [Text(_cost(trials, metric))]
    if len(found):
        shown = [
            name for name in variants_shown(runs.table, study) if name in set(found["variant"])
        ]
        parts.append(_figure(found, metric, shown or list(found["variant"].unique()[:4])))
    return Chapter("Tuning", (*parts, _chosen(trials, metric)))


def _cost(trials: pd.DataFrame, metric: str) -> str:
    """What was tuned, under which budget, and what it cost."""
    keys = ", ".join(map(str, trials.columns[BEFORE:-BEHIND]))
    number, seeds = trials["trial"].nunique(), trials["seed"].nunique()
    spent = duration(float(trials["seconds"].fillna(0).sum()))
    lost = int((trials["status"] != FINISHED).sum())
    return (
        f"Nuisance settings were tuned for every variant under one budget: {number} trials of"
        f" {keys} on {seeds} {'seeds' if seeds > 1 else 'seed'}, chosen by {phrase(metric)}. That"
        f" took {len(trials)} runs and {spent} of training, on top of the runs that are compared"
        f"{f'; {lost} of them did not finish' if lost else ''}."
    )


def _figure(found: pd.DataFrame, metric: str, variants: list[str]) -> Figure:
    drawing = _drawing(found, metric, variants)
    rest = found["variant"].nunique() - len(variants)
    ends = (
        f"{name} {own['expected'].iloc[0]:.3g} to {own['expected'].iloc[-1]:.3g}"
        for name, own in found.groupby("variant", sort=False)
        if name in variants
    )
    return Figure(
        name="tuning",
        title="Expected validation performance against the budget",
        svg=drawing.svg,
        pdf=drawing.pdf,
        alt=f"Expected best {phrase(metric)}, from one trial to all: {', '.join(ends)}.",
        caption=f"The best {phrase(metric)} that so many trials are expected to find, plus and"
        " minus one standard deviation: where lines cross, the budget decides which variant looks"
        f" best.{f' {rest} more variants are left out.' if rest else ''}",
        numbers=_numbers(found, metric),
        size="wide",
    )


def _drawing(found: pd.DataFrame, metric: str, variants: list[str]) -> Drawing:
    from matplotlib.ticker import MaxNLocator

    with canvas(4.6, 3.0) as (figure, axes):
        for variant, color, marker in zip(variants, SERIES, MARKERS, strict=False):
            own = found[found["variant"] == variant]
            budget = own["budget"].to_numpy(dtype=float)
            mean, spread = own["expected"].to_numpy(float), own["deviation"].to_numpy(float)
            axes.plot(
                budget, mean, color=color, marker=marker, markersize=4, label=cut(variant, 30)
            )
            axes.fill_between(budget, mean - spread, mean + spread, color=color, alpha=0.13, lw=0)
        axes.set(xlabel="trials", ylabel=f"best {phrase(metric)}")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        figure.legend(loc="outside upper left", ncols=2, handlelength=1.4)
        return drawn(figure)


def _numbers(found: pd.DataFrame, metric: str) -> Table:
    most = int(found["budget"].max())
    budgets = sorted({1, 2, 4, 8, 16, 32, most} & set(found["budget"]))
    columns = (Column("variant", LEVEL), *(Column(f"{n} trials", NUMBER) for n in budgets))
    rows = []
    for variant, own in found.groupby("variant", sort=False):
        by_budget = dict(zip(own["budget"], own["expected"], strict=True))
        cells = (significant(by_budget[n]) if n in by_budget else "-" for n in budgets)
        rows.append(Row((str(variant), *cells)))
    title = f"Expected best {phrase(metric)} by number of trials"
    return Table("tuning", title, columns, (Group("", tuple(rows)),), in_print=False)


def _chosen(trials: pd.DataFrame, metric: str) -> Table:
    """The setting that each variant kept, a row a variant."""
    keys = list(trials.columns[BEFORE:-BEHIND])
    kept = trials[trials["selected"] == 1]
    rows = []
    for variant, own in kept.groupby("variant", sort=False):
        value = own.loc[own["status"] == FINISHED, metric].mean()
        settings = (str(own[key].iloc[0]) for key in keys)
        rows.append(Row((str(variant), str(own["trial"].iloc[0]), *settings, significant(value))))
    heads = (Column("variant", LEVEL), Column("trial", NUMBER), *map(Column, map(str, keys)))
    folded = "The settings that were chosen" if len(rows) > MOST_LISTED else ""
    columns = (*heads, Column(phrase(metric), NUMBER))
    title = "The nuisance settings that each variant kept"
    return Table("chosen", title, columns, (Group("", tuple(rows)),), folded=folded)
