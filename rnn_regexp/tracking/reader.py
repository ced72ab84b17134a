"""Reads runs back from MLflow: those of our own studies, and anybody else's."""

import difflib
import json
import math
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnn_regexp.ablation.description import Description, StudyError, parse
from rnn_regexp.ablation.metrics import BEST, sibling
from rnn_regexp.ablation.runs_table import (
    StudyRuns,
    planned_runs,
    refuse_baseline,
    unplanned_runs,
)
from rnn_regexp.ablation.tidy_table import Question, study_of
from rnn_regexp.ledger import FAILED, FINISHED, RunResult
from rnn_regexp.tracking.address import place
from rnn_regexp.tracking.settings import Server, Sqlite, TrackingError
from rnn_regexp.tracking.store import client
from rnn_regexp.tracking.summary import DEFINITION, TUNING
from rnn_regexp.tracking.writer import KIND, RUNS_A_PAGE, SETTINGS, SUMMARY

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient
    from mlflow.entities import Run

DIAGNOSTICS = "diagnostics/"
AT_ONCE = 8  # histories asked for at the same time
OURS = ("study", "variant", "seed", "run_id", "status", "diverged_at", "error", KIND)
LARGEST = 1.7e308  # what MLflow stores in place of an infinity


def read_experiment(
    name: str,
    tracking: Sqlite | Server,
    question: Question | None = None,
    baseline: Mapping[str, str] | None = None,
) -> list[StudyRuns]:
    """The studies of an experiment; with a ``question``, its runs as the table that is asked.

    Runs without a definition are compared with ``baseline``, or else with the first of them.

    Raises ``TrackingError`` for an experiment that there is not, ``StudyError`` for runs that
    nothing can be said of.
    """
    _require_store(tracking)
    mlflow = client(tracking)
    found = list(_runs(mlflow, _experiment_id(mlflow, name, tracking)))
    if not found:
        raise StudyError(f"mlflow:{name} holds no runs yet: nothing to report")
    if question is not None:
        return [study_of(as_table(found, question.seed_column), question, name)]
    studies: dict[str, list[Run]] = {}
    for run in found:
        studies.setdefault(run.data.tags.get("study", name), []).append(run)
    return [_study(mlflow, own, runs, baseline) for own, runs in studies.items()]


def as_table(runs: "Iterable[Run]", seed_column: str) -> "pd.DataFrame":
    """A row a run, as texts: parameters, metrics, the seed and how it ended."""
    import pandas as pd

    rows = [
        {
            **{key: value for key, value in run.data.tags.items() if key == seed_column},
            **run.data.params,
            **{key: repr(value) for key, value in _finite(run.data.metrics).items()},
            "run_id": run.info.run_id,
            "status": _status(run),
        }
        for run in runs
        if run.data.tags.get(KIND) != SUMMARY
    ]
    return pd.DataFrame(rows, dtype=object).fillna("")


def _require_store(tracking: Sqlite | Server) -> None:
    if isinstance(tracking, Sqlite) and not Path(tracking.store).is_file():
        raise TrackingError(f"no MLflow store at {tracking.store}; name one with --store or --uri")


def _experiment_id(mlflow: "MlflowClient", name: str, tracking: Sqlite | Server) -> str:
    known = mlflow.get_experiment_by_name(name)
    if known is not None:
        return str(known.experiment_id)
    names = [own.name for own in mlflow.search_experiments()]
    near = difflib.get_close_matches(name, names, 1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
    raise TrackingError(f"mlflow:{name}: no such experiment in {place(tracking)} ({hint})")


def _runs(mlflow: "MlflowClient", experiment_id: str) -> "Iterator[Run]":
    token = None
    while True:
        page = mlflow.search_runs([experiment_id], max_results=RUNS_A_PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _study(
    mlflow: "MlflowClient", name: str, runs: "Sequence[Run]", baseline: Mapping[str, str] | None
) -> StudyRuns:
    """One study, by its own definition where a summary carries it, else by what differs."""
    summary = next((run for run in runs if run.data.tags.get(KIND) == SUMMARY), None)
    trained = [run for run in runs if run.data.tags.get(KIND) != SUMMARY]
    texts = _definition(mlflow, summary.info.run_id) if summary else None
    if texts is not None:
        refuse_baseline(baseline, f"mlflow:{name}")
        study = parse(texts[0], f"{name}/{DEFINITION[0]}")
        return planned_runs(study, texts[1], _results(mlflow, trained, study), *texts[2:])
    results = _results(mlflow, trained, None)
    for run, result in zip(trained, results, strict=True):
        result.experiment = _settings(mlflow, run)
    return unplanned_runs(results, name, baseline)


def _definition(mlflow: "MlflowClient", run_id: str) -> list[str] | None:
    """The texts of study.yaml and plan.csv, where the summary has both, and of tuning.csv."""
    there = {file.path for file in mlflow.list_artifacts(run_id)}
    if not there.issuperset(DEFINITION):
        return None
    names = [*DEFINITION, *([TUNING] if TUNING in there else [])]
    return [_artifact(mlflow, run_id, name) for name in names]


def _settings(mlflow: "MlflowClient", run: "Run") -> dict[str, Any]:
    """All settings of one of our runs, or the parameters of a stranger's."""
    if KIND in run.data.tags and SETTINGS in {
        f.path for f in mlflow.list_artifacts(run.info.run_id)
    }:
        settings: dict[str, Any] = json.loads(_artifact(mlflow, run.info.run_id, SETTINGS))
        return settings
    return dict(run.data.params)


def _artifact(mlflow: "MlflowClient", run_id: str, name: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        return Path(mlflow.download_artifacts(run_id, name, folder)).read_text(encoding="utf-8")


def _results(
    mlflow: "MlflowClient", runs: "Sequence[Run]", study: Description | None
) -> list[RunResult]:
    asked = [(run, key) for run in runs for key in _series(run, study)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(lambda one: mlflow.get_metric_history(one[0].info.run_id, one[1]), asked)
        histories: dict[str, dict[int, dict[str, float]]] = {}
        for (run, key), points in zip(asked, found, strict=True):
            rows = histories.setdefault(run.info.run_id, {})
            for point in points:
                rows.setdefault(point.step, {"epoch": point.step})[key] = point.value
    return [_result(run, histories.get(run.info.run_id, {})) for run in runs]


def _series(run: "Run", study: Description | None) -> list[str]:
    """The metrics whose course a report draws: the judged one, on training data, diagnostics."""
    metric = study.metric if study else "valid/loss"
    wanted = {metric, sibling(metric, "train"), sibling(metric, "train_eval")}
    return [key for key in run.data.metrics if key in wanted or key.startswith(DIAGNOSTICS)]


def _result(run: "Run", rows: Mapping[int, dict[str, float]]) -> RunResult:
    tags, info = run.data.tags, run.info
    seed = tags.get("seed", run.data.params.get("seed", "0"))
    environment = {k: v for k, v in tags.items() if k not in OURS and not k.startswith("mlflow.")}
    revision = tags.get("mlflow.source.git.commit")
    return RunResult(
        run_id=tags.get("run_id", info.run_id),
        seed=int(seed) if seed.lstrip("-").isdigit() else 0,
        status=_status(run),
        experiment={},
        metrics=_final(run),
        history=[_finite(rows[step]) for step in sorted(rows)],
        seconds=max(0, (info.end_time or info.start_time) - info.start_time) / 1000,
        started=info.start_time / 1000,
        diverged_at=int(tags["diverged_at"]) if "diverged_at" in tags else None,
        error=tags.get("error"),
        environment=environment | ({"revision": revision} if revision else {}),
    )


def _final(run: "Run") -> dict[str, float]:
    """What a run ended with; of one that did not finish, the last of a series is no result."""
    finished = _status(run) == FINISHED
    metrics = _finite(run.data.metrics)
    return {key: value for key, value in metrics.items() if finished or key.startswith(BEST)}


def _status(run: "Run") -> str:
    own = run.data.tags.get("status")
    return str(own) if own else FINISHED if run.info.status == "FINISHED" else FAILED


def _finite(values: Mapping[str, float]) -> dict[str, float]:
    return {k: v for k, v in values.items() if math.isfinite(v) and abs(v) < LARGEST}
