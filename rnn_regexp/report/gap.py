"""The generalization gap of every level, and the last epoch against the best."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from rnn_regexp.ablation.contrasts import each
from rnn_regexp.ablation.description import Description
from rnn_regexp.ablation.metrics import BEST, MIN, phrase
from rnn_regexp.ablation.runs_table import StudyRuns
from rnn_regexp.ablation.wording import change, decimals, number, short_names, signed
from rnn_regexp.report.document import LEVEL, NUMBER, VERDICT, Column, Group, Row, Table
from rnn_regexp.report.learning_curves import training_metric
from rnn_regexp.report.level_runs import level_means

if TYPE_CHECKING:
    import pandas as pd

WHY_LAST = (
    "This study judges the last epoch of a fixed budget. Choosing the best epoch instead is early"
    " stopping, itself a regularizer: it cuts training off before overfitting sets in and so hides"
    " much of what the factors do. Both are recorded."
)
WHY_BEST = (
    "This study judges the epoch with the best validation value. Choosing it is early stopping,"
    " itself a regularizer: it hides much of what the factors do at the end of a fixed budget, so"
    " the last epoch stands beside it."
)


def gap_table(runs: StudyRuns) -> Table | None:
    """Training and held-out value of every level and their difference, at the last epoch.

    None where the runs lack either of them.
    """
    study, training = runs.description, training_metric(runs)
    if training is None or study.metric not in runs.metrics:
        return None
    names = short_names([factor.key for factor in study.factors])
    best = [f"{BEST}epoch", BEST + study.metric]
    metrics = [training, study.metric, *(best if set(best) <= set(runs.metrics) else [])]
    groups = []
    for factor in study.factors:
        means = level_means(runs.table, factor, study, metrics)
        rows = [Row(_cells(row, study), row[0] == factor.baseline) for row in each(means)]
        groups.append(Group(names[factor.key], tuple(rows)))
    held_out = phrase(study.metric)
    heads = [phrase(training), held_out, "gap"]
    heads += ["best epoch", f"{held_out} there"] * (len(metrics) > 2)
    columns = (Column("level", LEVEL), *(Column(head, NUMBER) for head in heads))
    return Table("gap", "Generalization gap at the last epoch", columns, tuple(groups))


def _cells(row: Any, study: Description) -> tuple[str, ...]:
    level, train, held_out, *best = row
    gap = held_out - train if study.goal == MIN else train - held_out
    digits = (1, 3)  # of the epoch, of the value there
    ends = (number(value, 3) for value in (train, held_out, gap))
    return (level, *ends, *map(number, best, digits[: len(best)]))


def gap_sentence(table: Table) -> str:
    """Where the gap is widest and where it is narrowest."""
    known = [
        (float(row.cells[3]), f"{group.head} {row.cells[0]} ({row.cells[3]})")
        for group in table.groups
        for row in group.rows
        if row.cells[3] != "-"
    ]
    if len(known) < 2 or len({gap for gap, _ in known}) == 1:
        return ""
    wide, narrow = (pick(known, key=lambda one: one[0])[1] for pick in (max, min))
    return f"The gap is widest at {wide} and narrowest at {narrow}."


def last_and_best(effects: pd.DataFrame, study: Description) -> Table | None:
    """Each contrast judged at the last epoch and at the best one, side by side."""
    last = effects[effects["metric"] == study.metric]
    best = effects[effects["metric"] == BEST + study.metric]
    if last.empty or best.empty:
        return None
    digits, names = decimals(last), short_names([factor.key for factor in study.factors])
    groups: dict[str, list[Row]] = {}
    for a, b in zip(each(last), each(best), strict=True):
        cells = (a.level, *_judged(a, digits), *_judged(b, digits))
        groups.setdefault(names[a.factor], []).append(Row(cells))
    columns = [Column("level", LEVEL)]
    for when in ("last", "best"):
        columns += [Column(f"change, {when} epoch", NUMBER), Column("verdict", VERDICT)]
    grouped = tuple(Group(head, tuple(rows)) for head, rows in groups.items())
    title = "Judged at the last epoch, and at the best"
    return Table("last-and-best", title, tuple(columns), grouped)


def _judged(row: Any, digits: int) -> tuple[str, str]:
    """A change, and its verdict without the remark in brackets."""
    return change_cell(row, digits), row.verdict.partition(" (")[0]


def change_cell(row: Any, digits: int) -> str:
    """Estimate and interval in one cell."""
    if math.isnan(row.estimate):
        return "-"
    estimate, interval = change(row, digits)
    return f"{signed(estimate)} {interval}".strip()
