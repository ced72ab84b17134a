"""What a plan will cost, from a few timed steps of its own cohorts."""

import dataclasses
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rnn_regexp.ablation.blueprint import PlannedRun
from rnn_regexp.ablation.plan import Plan
from rnn_regexp.data.sequences import Split
from rnn_regexp.experiment import Experiment, build_cohort, run_cohort
from rnn_regexp.ledger import Ledger
from rnn_regexp.training.checkpoint import NEVER
from rnn_regexp.training.cohort import Cohort, key
from rnn_regexp.training.evaluate import evaluate
from rnn_regexp.training.loop import epoch_of_steps
from rnn_regexp.training.record import Record
from rnn_regexp.training.steps import Steps

_BATCHES = 4  # timed after as many that warm up
_PROBES = 6  # shapes that are timed; the others are taken to cost the same


@dataclasses.dataclass(frozen=True)
class Estimate:
    """Costs of one run, means over the plan's."""

    run_seconds: float  # its share of its cohort's time
    record_bytes: float
    step: float  # seconds of one step of a cohort
    steps: int  # that were timed
    probes: int  # cohorts that were timed


@dataclasses.dataclass(frozen=True)
class _Timed:
    runs: int  # of the cohorts that this one stands for
    seconds: float  # of a run
    step: float
    steps: int


def estimate(plan: Plan) -> Estimate:
    """Time one cohort of each shape and set of techniques, and write one run's record."""
    shapes: dict[str, list[Sequence[PlannedRun]]] = {}
    for cohort in plan.cohorts:
        own = cohort[0].experiment
        techniques = {name for run in cohort for name in run.experiment.regularizers}
        shape = key((own.model, own.dataset, own.training)) + " ".join(sorted(techniques))
        shapes.setdefault(shape, []).append(cohort)
    timed = [_probe(cohorts) for cohorts in list(shapes.values())[:_PROBES]]
    runs = sum(own.runs for own in timed)
    return Estimate(
        run_seconds=sum(own.seconds * own.runs for own in timed) / runs,
        record_bytes=_record_bytes(plan.base),
        step=sum(own.step * own.runs for own in timed) / runs,
        steps=sum(own.steps for own in timed),
        probes=len(timed),
    )


def _probe(cohorts: Sequence[Sequence[PlannedRun]]) -> _Timed:
    """The whole training of the first cohort, from a few of its batches."""
    started = time.perf_counter()
    cohort = build_cohort([run.experiment for run in cohorts[0]])
    built = time.perf_counter() - started
    train, valid, test = (cohort.split(name) for name in ("train", "valid", "test"))
    steps, spent = _steps(cohort, train)
    known = cohort.task.known(train, valid)
    judged = _size(known) + _size(valid)  # sequences' steps evaluated at each epoch
    evaluation = _evaluation(cohort, valid)  # seconds a step of a sequence
    epoch = cohort.steps() * spent / steps + judged * evaluation
    whole = built + cohort.training.epochs * epoch + 2 * _size(test) * evaluation
    return _Timed(sum(map(len, cohorts)), whole / cohort.runs, spent / steps, steps)


def _steps(cohort: Cohort, split: Split) -> tuple[int, float]:
    """Steps made, and the seconds they took, of the second of two short epochs."""
    record = Record(cohort)
    steps = Steps(cohort, record.tally)
    few = cohort.task.head(split, _BATCHES * cohort.training.batch_size)
    for _ in range(2):
        record.batches, started = 0, time.perf_counter()
        epoch_of_steps(steps, record, few, NEVER)
        record.epochs += 1
    return record.batches, time.perf_counter() - started


def _evaluation(cohort: Cohort, split: Split) -> float:
    few = cohort.task.head(split, _BATCHES * cohort.training.batch_size)
    started = time.perf_counter()
    evaluate(cohort, few)
    return (time.perf_counter() - started) / _size(few)


def _size(split: Split) -> int:
    return int(split.lengths.sum())


def _record_bytes(base: Experiment) -> float:
    """The size of a run's record: one of two epochs, and a row for each epoch more."""
    epochs = base.training.epochs
    training = dataclasses.replace(base.training, epochs=2, limit=base.training.batch_size)
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(folder)
        (result,) = run_cohort([dataclasses.replace(base, training=training)], ledger)
        size = (Path(folder) / "runs" / f"{result.run_id}.json").stat().st_size
    row = json.dumps({"history": result.history[-1:]}, indent=1)
    return float(size + (epochs - 2) * len(row))
