"""The report's tables besides the verdicts: the gap, last against best, lost runs, origin."""

from __future__ import annotations

import datetime
import math
from typing import TYPE_CHECKING, Any

from rnn_regexp.ablation.contrasts import comparable, each, level_means
from rnn_regexp.ablation.description import Description
from rnn_regexp.ablation.inferred import flatten
from rnn_regexp.ablation.learning_curves import training_metric
from rnn_regexp.ablation.metrics import BEST, MIN, phrase
from rnn_regexp.ablation.runs_table import StudyRuns
from rnn_regexp.ablation.wording import change, decimals, number, probability, short_names, signed
from rnn_regexp.ledger import DIVERGED, FAILED, FINISHED, environments

if TYPE_CHECKING:
    import pandas as pd

Table = list[dict[str, Any]]  # a row's cells by column; rows of one factor share their place


def gap_rows(runs: StudyRuns) -> Table:
    """Training and held-out value of every level and their difference, at the last epoch.

    Empty where the runs lack either of them.
    """
    study, training = runs.description, training_metric(runs)
    if training is None or study.metric not in runs.metrics:
        return []
    rows: Table = []
    for factor in study.factors:
        metrics = [training, study.metric, f"{BEST}epoch", BEST + study.metric]
        means = level_means(runs.table, factor, study, metrics)
        for level, train, held_out, epoch, best in each(means):
            gap = held_out - train if study.goal == MIN else train - held_out
            rows.append(
                _subject(study, factor.key, level)
                | {"training": number(train, 3), "held_out": number(held_out, 3)}
                | {"gap": number(gap, 3), "best_epoch": number(epoch, 1), "best": number(best, 3)}
                | {"is_baseline": level == factor.baseline}
            )
    return rows


def gap_sentence(rows: Table) -> str:
    """Where the gap is widest and where it is narrowest."""
    known = [row for row in rows if row["gap"] != "-"]
    if len(known) < 2:
        return ""
    wide, narrow = (pick(known, key=lambda row: float(row["gap"])) for pick in (max, min))
    told = (f"{row['factor']} {row['level']} ({row['gap']})" for row in (wide, narrow))
    return "The gap is widest at {} and narrowest at {}.".format(*told)


def last_and_best(effects: pd.DataFrame, study: Description) -> Table:
    """Each contrast judged at the last epoch and at the best one, side by side."""
    last = effects[effects["metric"] == study.metric]
    best = effects[effects["metric"] == BEST + study.metric]
    if last.empty or best.empty:
        return []
    digits = decimals(last)
    return [
        _subject(study, a.factor, a.level)
        | {"last": _change(a, digits), "last_verdict": _word(a.verdict)}
        | {"best": _change(b, digits), "best_verdict": _word(b.verdict)}
        for a, b in zip(each(last), each(best), strict=True)
    ]


def other_metrics(effects: pd.DataFrame, study: Description) -> dict[str, Table]:
    """The contrasts of every further metric, by the metric's phrase."""
    found: dict[str, Table] = {}
    for metric, rows in effects.groupby("metric", sort=False):
        if metric != study.primary:
            digits = decimals(rows)
            found[phrase(str(metric))] = [
                _subject(study, row.factor, row.level)
                | {"change": _change(row, digits), "p_adjusted": probability(row.p_adjusted)}
                | {"verdict": row.verdict}
                for row in each(rows)
            ]
    return found


def lost_runs(runs: StudyRuns) -> Table:
    """The runs that diverged or failed, with what is known of the reason."""
    rows = runs.table[runs.table["status"] != FINISHED]
    return [
        {"run_id": row.run_id, "variant": row.variant, "seed": str(row.seed), "status": row.status}
        | {"reason": _reason(runs, row.run_id)}
        for row in each(rows)
    ]


def divergence_rates(runs: StudyRuns) -> Table:
    """How often each level diverged, with Wilson's interval; only levels that ever did.

    Counts the runs that are compared; a run that failed was not seen to its end.
    """
    from scipy.stats import binomtest

    study = runs.description
    rows: Table = []
    for factor in study.factors:
        table, _ = comparable(runs.table, factor, study)
        table = table[table["status"] != FAILED]
        diverged = (table["status"] == DIVERGED).groupby(table[factor.key]).agg(["sum", "size"])
        for level, count, total in diverged.reindex(list(factor.levels)).dropna().itertuples():
            if count:
                found = binomtest(int(count), int(total))
                edges = found.proportion_ci(1 - study.alpha, method="wilson")
                low, high = (f"{100 * edge:.0f}" for edge in edges)
                rows.append(
                    _subject(study, factor.key, level)
                    | {"runs": f"{count:g} of {total:g}"}
                    | {"rate": f"{100 * count / total:.0f} % [{low}, {high}]"}
                )
    return rows


def provenance(runs: StudyRuns) -> dict[str, str]:
    """Versions, data digest and device of the runs; several values where they differ."""
    found: dict[str, list[str]] = {}
    for environment in environments(runs.results.values()):
        for key, value in environment.items():
            if value and value not in found.setdefault(key, []):
                found[key].append(value)
    return {key.replace("_", " "): _several(items) for key, items in found.items() if items}


def effort(runs: StudyRuns) -> dict[str, str]:
    """How many runs, on which seeds, in how much time, and when."""
    started = [run.started for run in runs.results.values() if run.started]
    when = datetime.datetime.fromtimestamp(min(started), datetime.UTC) if started else None
    total = float(runs.table["seconds"].sum())
    told = {
        "design": runs.description.design.replace("_", " "),
        "runs": f"{len(runs.table)} of {runs.planned}",
        "seeds": ", ".join(map(str, runs.description.seeds)),
        "training time, sum over runs": duration(total),
        "started": f"{when:%Y-%m-%d %H:%M} UTC" if when else "",
    }
    return {key: value for key, value in told.items() if value}


def settings(study: Description) -> dict[str, str]:
    """The base experiment, one dotted key a setting."""
    return dict(flatten(study.base))


def duration(seconds: float) -> str:
    """``42 s``, ``3 min 20 s``, ``2 h 5 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def training_phrase(runs: StudyRuns) -> str:
    """The study's quantity on training data, in words."""
    metric = training_metric(runs)
    return phrase(metric) if metric else ""


def _subject(study: Description, key: str, level: str) -> dict[str, Any]:
    """The cells that say which level a row is about."""
    keys = [factor.key for factor in study.factors]
    return {"place": keys.index(key), "factor": short_names(keys)[key], "level": level}


def _change(row: Any, digits: int) -> str:
    if math.isnan(row.estimate):
        return "-"
    estimate, interval = change(row, digits)
    return f"{signed(estimate)} {interval}".strip()


def _word(verdict: str) -> str:
    """A verdict without the remark in brackets."""
    return verdict.partition(" (")[0]


def _reason(runs: StudyRuns, run_id: str) -> str:
    run = runs.results[run_id]
    if run.status == DIVERGED:
        return "" if run.diverged_at is None else f"not finite at step {run.diverged_at}"
    lines = [line for line in (run.error or "").splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""


def _several(items: list[str]) -> str:
    rest = f" and {len(items) - 3} more" if len(items) > 3 else ""
    return ", ".join(map(str, items[:3])) + rest
