"""Train a study's runs, then say what they show."""

import difflib
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rnn_regexp.ablation.continuing import refuse_other_study
from rnn_regexp.ablation.description import StudyError
from rnn_regexp.ablation.plan import (
    Plan,
    PlannedRun,
    Read,
    Resolve,
    distinct,
    make_plan,
    plan_csv,
    study_yaml,
)
from rnn_regexp.ablation.study import IfRunning, OnFailure, Study
from rnn_regexp.commands.progress import Bar
from rnn_regexp.executors import Executor
from rnn_regexp.experiment import metrics_of, subject
from rnn_regexp.interruption import EXIT_CODE, Terminated
from rnn_regexp.ledger import FAILED, Ledger, RunResult
from rnn_regexp.lock import hold
from rnn_regexp.regularizers.fitting import refuse
from rnn_regexp.tracking import Tracker, Tracking, prepare

if TYPE_CHECKING:
    from rnn_regexp.ablation.report import StudyReport


@dataclass
class Request:
    """A study and the means to run it."""

    study: Study
    resolve: Resolve
    read: Read
    executor: Executor
    tracking: Tracking
    output: str
    command: str  # as typed, to be typed again


def ablate(request: Request) -> int:
    """Plan, train what is missing, report; returns the exit code, 1 if runs failed."""
    base = request.resolve({})
    check(request.study, metrics_of(base))
    request.executor.check(base.training)
    plan = make_plan(request.study, request.resolve, request.read, request.executor.width)
    for run in {run.variant.name: run for run in plan.runs}.values():
        refuse(subject(run.experiment))
    ledger = Ledger(f"{request.output}/{request.study.name}")
    print(summary(plan))
    if request.study.plan_only:
        return 0
    ledger.require_writable()
    refusal = "study.if_running=wait waits for it"
    waits = request.study.if_running is IfRunning.wait
    try:
        with hold(ledger.folder, "study", None if waits else refusal):
            return carry_out(plan, ledger, request)
    except (KeyboardInterrupt, Terminated) as stop:
        print(f"\nstopped; what is finished is kept. To continue: {request.command}", flush=True)
        return EXIT_CODE if isinstance(stop, Terminated) else 130


def carry_out(plan: Plan, ledger: Ledger, request: Request) -> int:
    """Train what is missing, then report; returns the exit code."""
    prepare(request.tracking)
    resolved = study_yaml(plan, request.command)
    refuse_other_study(ledger, resolved)
    ledger.write("study.yaml", resolved)
    ledger.write("plan.csv", plan_csv(plan))
    ledger.event("planned", runs=len(distinct(plan.runs)), cohorts=len(plan.cohorts))
    with Tracker(request.tracking, request.study.name, ledger.folder) as tracker:
        train(plan, ledger, request.executor, tracker)
        from rnn_regexp.ablation.report import write_report  # pandas and the figures: seconds

        report = write_report(ledger.folder)
        tracker.log_summary(report.effects, report.note, report.files, plan_metric(plan))
    show(report, request.tracking)
    failed = int((report.runs["status"] == FAILED).sum())
    if failed:
        print(f"{failed} runs failed (runs/*.json say why); the same command tries them again")
    return 1 if failed else 0


def check(study: Study, metrics: Sequence[str]) -> None:
    """Refuse a study that asks nothing, or for another metric; raises ``StudyError``."""
    if not study.factors:
        raise StudyError(
            "study.factors: no factors to compare (choose a study, e.g. study=four_knobs)"
        )
    if not re.fullmatch(r"[\w.\-]+", study.name) or set(study.name) == {"."}:
        raise StudyError(
            f"study.name must be made of letters, digits, _, - and ., got {study.name!r}"
        )
    if study.metric not in metrics:
        near = difflib.get_close_matches(study.metric, metrics, 1, 0)
        raise StudyError(f"study.metric: there is no {study.metric} (did you mean {near[0]}?)")


def plan_metric(plan: Plan) -> str:
    """The column of the primary metric."""
    return ("best/" if plan.study.evaluate.name == "best" else "") + plan.study.metric


def summary(plan: Plan) -> str:
    """What is going to be trained, in one line."""
    seeds = len(plan.study.seed_list())
    return (
        f"{plan.study.name}: {len(plan.levels)} factors, {len(plan.variants)} variants"
        f" x {seeds} seeds = {len(distinct(plan.runs))} runs in {len(plan.cohorts)} cohorts"
    )


def train(plan: Plan, ledger: Ledger, executor: Executor, tracker: Tracker) -> None:
    """Train the cohorts that are not complete and show every run as it ends.

    A cohort with a run missing is trained whole, as it was planned; runs already recorded stay.
    """
    planned = {run.run_id: run for run in distinct(plan.runs)}
    recorded = ledger.recorded()
    for run_id in planned.keys() & recorded.keys():
        _track(tracker, planned[run_id], recorded[run_id])
    waiting = [c for c in plan.cohorts if any(run.run_id not in recorded for run in c)]
    kept = sum(len(cohort) for cohort in plan.cohorts) - sum(map(len, waiting))
    if kept:
        print(f"{kept} runs are finished already", flush=True)
    with _Feed([len(c) for c in waiting], plan, kept, tracker) as feed:
        experiments = [[run.experiment for run in c] for c in waiting]
        executor.run(experiments, ledger, feed, plan.study.on_failure is OnFailure.stop)


class _Feed(Bar):
    """The progress bar, which also shows each run that ends to the tracker."""

    def __init__(self, sizes: Sequence[int], plan: Plan, before: int, tracker: Tracker) -> None:
        super().__init__(sizes, plan.base.training.epochs, before)
        self._planned = {run.run_id: run for run in distinct(plan.runs)}
        self._tracker = tracker

    def ended(self, cohort: int, results: Sequence[RunResult]) -> None:
        super().ended(cohort, results)
        for result in results:
            _track(self._tracker, self._planned[result.run_id], result)


def _track(tracker: Tracker, run: PlannedRun, result: RunResult) -> None:
    tracker.log_run(result, run.variant.name, run.variant.labels)


def show(report: "StudyReport", tracking: Tracking) -> None:
    """The verdicts, and where to read on."""
    print(report.verdicts)
    print(f"report:    {report.html}")
    store = getattr(tracking, "store", None)
    if store:
        print(f"dashboard: rnn-regexp dashboard --store {store}")
    sys.stdout.flush()
