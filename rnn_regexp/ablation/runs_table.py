"""The ledger as a table: one row a run, with its levels, its metrics and how it ended."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rnn_regexp.ablation.description import Description, StudyError, parse
from rnn_regexp.ablation.inferred import describe
from rnn_regexp.ablation.metrics import column_order
from rnn_regexp.ablation.remarks import remarks
from rnn_regexp.ledger import FINISHED, Ledger, RunResult

if TYPE_CHECKING:
    import pandas as pd

LEADING = ["run_id", "variant", "seed", "status"]
TRIALS = ["run_id", "variant", "trial", "seed", "selected", "status", "seconds"]  # of tuning.csv


@dataclass
class StudyRuns:
    """A study and the runs of it that have ended."""

    description: Description
    table: pd.DataFrame  # the columns of runs.csv; rows in plan order
    results: dict[str, RunResult]  # by run id, in the same order
    planned: int
    unplanned: int = 0  # runs in the folder that no plan names
    trials: pd.DataFrame | None = None  # of nuisance settings: tuning.csv

    @property
    def metrics(self) -> list[str]:
        """The columns that hold metrics."""
        known = {*LEADING, "seconds", *(factor.key for factor in self.description.factors)}
        return [column for column in self.table.columns if column not in known]

    @property
    def warnings(self) -> list[str]:
        """What a reader must know before the verdicts, a line each."""
        told = []
        if len(self.table) < self.planned:
            ended = f"{len(self.table)} of {self.planned} runs have ended"
            told.append(f"incomplete: {ended}; verdicts may change")
        if self.unplanned:
            told.append(f"{self.unplanned} runs in the folder are not part of the plan")
        return told + remarks(self.table, self.description)


def read_study(folder: str | Path, baseline: Mapping[str, str] | None = None) -> StudyRuns:
    """Read a study's folder, whether or not its study is complete.

    Runs without a plan are compared with ``baseline`` (factor -> level). Raises ``StudyError``
    with one line where there is no run, or none that has the metric.
    """
    ledger, name = Ledger(folder), Path(folder).resolve().name
    results = ledger.results()
    if not results:
        raise StudyError(f"{folder} holds no runs yet: nothing to report")
    study, plan = ledger.read("study.yaml"), ledger.read("plan.csv")
    if study is None or plan is None:
        return unplanned_runs(results, name, baseline)
    refuse_baseline(baseline, str(folder))
    described = parse(study, f"{Path(folder) / 'study.yaml'}")
    return planned_runs(described, plan, results, ledger.read("tuning.csv"))


def to_csv(table: pd.DataFrame) -> str:
    """A table as text that depends on its values alone."""
    return table.to_csv(index=False, lineterminator="\n")


def planned_runs(
    study: Description, plan: str, results: list[RunResult], tuning: str | None = None
) -> StudyRuns:
    """The runs that the text of a ``plan.csv`` names, in its order; ``tuning`` is ``tuning.csv``.

    Raises ``StudyError`` with one line where there is none, or none that has the metric.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(plan)))
    except csv.Error as error:
        raise StudyError(f"plan.csv: no table: {error}") from None
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
    trials = _trials(tuning)
    known = set(ordered) | (set() if trials is None else set(trials["run_id"]))
    runs = StudyRuns(study, table, ordered, len(rows), len(set(found) - known), trials)
    require_metric(runs)
    return runs


def _trials(tuning: str | None) -> pd.DataFrame | None:
    """The runs that chose nuisance settings: they are no part of the comparison."""
    import pandas as pd

    if tuning is None:
        return None
    labels = {"run_id": str, "variant": str}
    try:
        trials = pd.read_csv(io.StringIO(tuning), dtype=labels, keep_default_na=True)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        raise StudyError(f"tuning.csv: no table: {' '.join(str(error).split())}") from None
    if missing := [name for name in TRIALS if name not in trials.columns]:
        raise StudyError(f"tuning.csv lacks the column {missing[0]}")
    return trials


def refuse_baseline(baseline: Mapping[str, str] | None, name: str) -> None:
    """Raise ``StudyError`` where a study that names its own is given another baseline."""
    if baseline:
        raise StudyError(f"--baseline: {name} is a study and has its own (see study.yaml)")


def unplanned_runs(
    results: list[RunResult], name: str, baseline: Mapping[str, str] | None = None
) -> StudyRuns:
    """Runs without a plan, the first started being the baseline where ``baseline`` names none.

    Raises ``StudyError`` with one line where they have no metric to judge by.
    """
    results = sorted(results, key=lambda result: (result.started, result.run_id))
    study, levels = describe(results, name, baseline or {})
    variants = [", ".join(f"{k}={v}" for k, v in row.items()) or "baseline" for row in levels]
    table = _table(results, variants, levels)
    runs = StudyRuns(study, table, {run.run_id: run for run in results}, len(results))
    require_metric(runs)
    return runs


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


def require_metric(runs: StudyRuns) -> None:
    """Raise ``StudyError`` where runs finished and none has the primary metric."""
    finished = (runs.table["status"] == FINISHED).any()
    primary, known = runs.description.primary, runs.metrics
    if finished and primary not in known:
        near = difflib.get_close_matches(primary, known, 1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise StudyError(f"no run has the metric {primary}{hint}; there are {', '.join(known)}")
