"""The ledger as a table: one row a run, with its levels, its metrics and how it ended."""

from __future__ import annotations

import csv
import difflib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rnn_regexp.ablation.description import Description, StudyError, parse
from rnn_regexp.ablation.inferred import describe
from rnn_regexp.ablation.metrics import column_order
from rnn_regexp.ledger import FINISHED, Ledger, RunResult

if TYPE_CHECKING:
    import pandas as pd

LEADING = ["run_id", "variant", "seed", "status"]


@dataclass
class StudyRuns:
    """A study and the runs of it that have ended."""

    description: Description
    table: pd.DataFrame  # the columns of runs.csv; rows in plan order
    results: dict[str, RunResult]  # by run id, in the same order
    planned: int
    unplanned: int = 0  # runs in the folder that the plan does not name

    @property
    def metrics(self) -> list[str]:
        """The columns that hold metrics."""
        known = {*LEADING, "seconds", *(factor.key for factor in self.description.factors)}
        return [column for column in self.table.columns if column not in known]


def read_study(folder: str | Path) -> StudyRuns:
    """Read a study's folder, whether or not its study is complete.

    Raises ``StudyError`` with one line where there is no run, or none that has the metric.
    """
    ledger, name = Ledger(folder), Path(folder).resolve().name
    results = ledger.results()
    if not results:
        raise StudyError(f"{folder} holds no runs yet: nothing to report")
    study, plan = ledger.read("study.yaml"), ledger.read("plan.csv")
    if study is None or plan is None:
        runs = _unplanned(results, name)
    else:
        runs = _planned(parse(study, f"{Path(folder) / 'study.yaml'}"), plan, results)
        runs.unplanned -= len(_trials(ledger) & {result.run_id for result in results})
    _require_metric(runs)
    return runs


def to_csv(table: pd.DataFrame) -> str:
    """A table as text that depends on its values alone."""
    return table.to_csv(index=False, lineterminator="\n")


def _planned(study: Description, plan: str, results: list[RunResult]) -> StudyRuns:
    rows = list(csv.DictReader(io.StringIO(plan)))
    found = {result.run_id: result for result in results}
    keys = [factor.key for factor in study.factors]
    missing = [key for key in ["run_id", "variant", "seed", *keys] if rows and key not in rows[0]]
    if missing:
        raise StudyError(f"plan.csv lacks the column {missing[0]}")
    done = [row for row in rows if row["run_id"] in found]
    if not done:
        raise StudyError("none of the runs in plan.csv has ended yet: nothing to report")
    ordered = {row["run_id"]: found[row["run_id"]] for row in done}
    levels = [{key: row[key] for key in keys} for row in done]
    results = [found[row["run_id"]] for row in done]
    table = _table(results, [row["variant"] for row in done], levels)
    return StudyRuns(study, table, ordered, len(rows), len(set(found) - set(ordered)))


def _trials(ledger: Ledger) -> set[str]:
    """The runs that chose nuisance settings: they are no part of the comparison."""
    text = ledger.read("tuning.csv")
    return {row["run_id"] for row in csv.DictReader(io.StringIO(text))} if text else set()


def _unplanned(results: list[RunResult], name: str) -> StudyRuns:
    results = sorted(results, key=lambda result: (result.started, result.run_id))
    study, levels = describe(results, name)
    variants = [", ".join(f"{k}={v}" for k, v in row.items()) or "baseline" for row in levels]
    table = _table(results, variants, levels)
    return StudyRuns(study, table, {run.run_id: run for run in results}, len(results))


def _table(
    results: list[RunResult], variants: list[str], levels: list[dict[str, str]]
) -> pd.DataFrame:
    import pandas as pd

    metrics = sorted({name for run in results for name in run.metrics}, key=column_order)
    rows = [
        {"run_id": run.run_id, "variant": variant, "seed": run.seed, "status": run.status}
        | level
        | {name: run.metrics.get(name) for name in metrics}
        | {"seconds": round(run.seconds, 3)}
        for run, variant, level in zip(results, variants, levels, strict=True)
    ]
    return pd.DataFrame(rows).astype(dict.fromkeys(metrics, float))


def _require_metric(runs: StudyRuns) -> None:
    finished = (runs.table["status"] == FINISHED).any()
    primary, known = runs.description.primary, runs.metrics
    if finished and primary not in known:
        near = difflib.get_close_matches(primary, known, 1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise StudyError(f"no run has the metric {primary}{hint}; there are {', '.join(known)}")
