"""Train a study's runs, then say what they show."""

import difflib
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rnn_regexp.ablation.blueprint import PlannedRun
from rnn_regexp.ablation.continuing import refuse_other_study
from rnn_regexp.ablation.description import StudyError
from rnn_regexp.ablation.levels import Read, Resolve
from rnn_regexp.ablation.metrics import sibling
from rnn_regexp.ablation.plan import Plan
from rnn_regexp.ablation.plan_files import plan_csv, study_yaml, tuning_csv
from rnn_regexp.ablation.stages import make_plan, narrowed, stages
from rnn_regexp.ablation.study import Design, IfRunning, OnFailure, Study
from rnn_regexp.commands.ending import stopped
from rnn_regexp.commands.leftovers import make_room, tidy
from rnn_regexp.commands.outline import cost, notes, outline, variant_list
from rnn_regexp.commands.progress import Bar
from rnn_regexp.commands.width import ANY, Chosen, width_of
from rnn_regexp.executors import Executor
from rnn_regexp.experiment import metrics_of
from rnn_regexp.interruption import Terminated
from rnn_regexp.ledger import FAILED, Ledger, RunResult
from rnn_regexp.lock import hold
from rnn_regexp.tracking import Tracker, Tracking, prepare

if TYPE_CHECKING:
    from rnn_regexp.report.write import StudyReport


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
    study, base = request.study, request.resolve({})
    check(study, metrics_of(base))
    request.executor.check(base.training)
    ledger = Ledger(f"{request.output}/{study.name}")
    whole = make_plan(study, request.resolve, request.read, ANY)
    chosen = width_of(whole, request.executor, ledger)
    plan = narrowed(whole, chosen.width)
    print(*outline(plan), *notes(plan), chosen.why, sep="\n", flush=True)
    if study.plan_only:
        print(*variant_list(plan), *cost(plan, request.executor.at_once()), sep="\n")
        return 0
    ledger.require_writable(room=0)  # there may be some once what a crash has left is removed
    refusal = "study.if_running=wait waits for it"
    waits = study.if_running is IfRunning.wait
    try:
        with hold(ledger.folder, "study", None if waits else refusal):
            return carry_out(plan, chosen, ledger, request)
    except (KeyboardInterrupt, Terminated) as reason:
        return stopped(reason, request.command)


def carry_out(plan: Plan, chosen: Chosen, ledger: Ledger, request: Request) -> int:
    """Train what is missing, then report; returns the exit code."""
    refuse_other_study(ledger, study_yaml(plan, request.command))
    make_room(ledger)
    ledger.require_writable()
    chosen.keep(ledger)
    prepare(request.tracking)
    with Tracker(request.tracking, request.study.name, ledger.folder) as tracker:
        plan, failed = train_stages(plan, ledger, request, tracker)
        tidy(ledger)
        if plan.runs:
            report_on(ledger, request.study, request.tracking, tracker)
    if failed:
        print(f"{failed} runs failed (runs/*.json say why); the same command tries them again")
    return 1 if failed else 0


def check(study: Study, metrics: Sequence[str]) -> None:
    """Refuse a study that asks nothing, or for another metric; raises ``StudyError``."""
    if not study.factors and not study.compare:
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
    selecting = sibling(study.metric, "valid")
    if (study.nuisance or study.design is Design.path) and selecting not in metrics:
        raise StudyError(
            f"study.metric: {study.metric} has no {selecting}, and validation data decide about"
            " nuisance settings and paths"
        )


def train_stages(
    first: Plan, ledger: Ledger, request: Request, tracker: Tracker
) -> tuple[Plan, int]:
    """Train a study stage by stage; returns how far it came, and how many runs failed.

    A stage with failed runs is the last: what follows would be decided without them.
    """
    plan, failed = first, 0
    for plan in stages(first, ledger):
        if plan.note:
            print(plan.note, flush=True)
        record(plan, ledger, request.command)
        ledger.event("planned", runs=len(plan.latest), cohorts=len(plan.cohorts) - plan.fresh)
        train(plan, ledger, request.executor, tracker)
        failed = sum(map(_failed, plan.latest, [ledger] * len(plan.latest)))
        if failed:
            break
    return plan, failed


def record(plan: Plan, ledger: Ledger, command: str) -> None:
    """Write down what is planned, and what the trials of nuisance settings have shown."""
    ledger.write("study.yaml", study_yaml(plan, command))
    ledger.write("plan.csv", plan_csv(plan))
    if plan.tuning:
        ledger.write("tuning.csv", tuning_csv(plan, ledger.recorded()))


def train(plan: Plan, ledger: Ledger, executor: Executor, tracker: Tracker) -> None:
    """Train the latest cohorts that are not complete and show every run as it ends.

    A cohort with a run missing is trained whole, as it was planned; runs already recorded stay.
    """
    cohorts = plan.cohorts[plan.fresh :]
    recorded = ledger.recorded()
    for run in plan.latest:
        if run.run_id in recorded:
            _track(tracker, run, recorded[run.run_id])
    waiting = [c for c in cohorts if any(run.run_id not in recorded for run in c)]
    kept = sum(map(len, cohorts)) - sum(map(len, waiting))
    if kept:
        print(f"{kept} runs are finished already", flush=True)
    with _Feed(waiting, kept, tracker) as feed:
        experiments = [[run.experiment for run in c] for c in waiting]
        executor.run(experiments, ledger, feed, plan.study.on_failure is OnFailure.stop)


class _Feed(Bar):
    """The progress bar, which also shows each run that ends to the tracker."""

    def __init__(
        self, waiting: Sequence[Sequence[PlannedRun]], before: int, tracker: Tracker
    ) -> None:
        epochs = [own[0].experiment.training.epochs for own in waiting]
        super().__init__([len(own) for own in waiting], epochs, before)
        self._planned = {run.run_id: run for own in waiting for run in own}
        self._tracker = tracker

    def ended(self, cohort: int, results: Sequence[RunResult]) -> None:
        super().ended(cohort, results)
        for result in results:
            _track(self._tracker, self._planned[result.run_id], result)


def _track(tracker: Tracker, run: PlannedRun, result: RunResult) -> None:
    """Show a run of the study; trials are in the ledger alone."""
    if not run.tuning:
        tracker.log_run(result, run.variant.name, run.variant.labels)


def _failed(run: PlannedRun, ledger: Ledger) -> bool:
    result = ledger.result(run.run_id)
    return result is not None and result.status == FAILED


def report_on(ledger: Ledger, study: Study, tracking: Tracking, tracker: Tracker) -> None:
    """Write the report, show it to the tracker, and print the verdicts and where to read on."""
    from rnn_regexp.report.write import write_report  # pandas and the figures: seconds

    report = write_report(ledger.folder)
    tracker.log_summary(report.effects, report.note, study.primary)
    show(report, tracking)


def show(report: "StudyReport", tracking: Tracking) -> None:
    """The verdicts, and where to read on."""
    print(report.verdicts)
    print(f"report:    {report.html}")
    store = getattr(tracking, "store", None)
    if store:
        print(f"dashboard: rnn-regexp dashboard --store {store}")
    sys.stdout.flush()
