"""From a study to runs and cohorts."""

import csv
import dataclasses
import io
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from rnn_regexp import experiment as experiments
from rnn_regexp.ablation.description import StudyError
from rnn_regexp.ablation.design import Variant, variants
from rnn_regexp.ablation.metrics import MIN, goal_of
from rnn_regexp.ablation.study import Factor, Study
from rnn_regexp.experiment import Experiment
from rnn_regexp.fields import label, plain
from rnn_regexp.training.cohort import compatible, key, structure

Resolve = Callable[[Mapping[str, Any]], Experiment]  # settings by key -> the experiment with them
Read = Callable[[Experiment, str], Any]  # the value of a key in an experiment


@dataclasses.dataclass(frozen=True)
class PlannedRun:
    """One run of a study before it is trained."""

    run_id: str
    variant: Variant
    seed: int
    experiment: Experiment


@dataclasses.dataclass
class Plan:
    """What a study will train: the runs, and the cohorts in which they train together."""

    study: Study
    base: Experiment
    keys: dict[str, str]  # factor -> the setting it varies
    levels: dict[str, list[str]]  # factor -> labels
    baseline: dict[str, str]  # factor -> label
    runs: list[PlannedRun]  # every variant with every seed; two variants may be one experiment
    cohorts: list[list[PlannedRun]]

    @property
    def variants(self) -> list[Variant]:
        return list({run.variant.name: run.variant for run in self.runs}.values())


def make_plan(study: Study, resolve: Resolve, read: Read, width: int) -> Plan:
    """Resolve every variant, give each run its id, and group the runs into cohorts.

    Raises ``StudyError`` with one line for each problem of the study's factors.
    """
    base, factors = resolve({}), study.factor_list()
    settings = {name: _settings(name, own, resolve, read) for name, own in factors.items()}
    baseline = {
        name: _baseline(name, factors[name], own, base, read) for name, own in settings.items()
    }
    levels = {name: list(own) for name, own in settings.items()}
    planned = variants(study.design, levels, baseline)
    keys = {name: own.key for name, own in factors.items()}
    runs = [run for own in planned for run in _runs(study, own, keys, settings, resolve)]
    return Plan(study, base, keys, levels, baseline, runs, cohorts(distinct(runs), width))


def _settings(name: str, factor: Factor, resolve: Resolve, read: Read) -> dict[str, Any]:
    """A factor's levels by label, in order; resolving each one checks its key and its type."""
    values = [_value(name, factor.key, level, resolve, read) for level in factor.levels]
    return {label(value): value for value in values}


def _value(name: str, key: str, level: Any, resolve: Resolve, read: Read) -> Any:
    try:
        return read(resolve({key: level}), key)
    except StudyError as error:
        raise StudyError(f"study.factors.{name}: {error}") from None


def _baseline(
    name: str, factor: Factor, levels: Mapping[str, Any], base: Experiment, read: Read
) -> str:
    own = factor.baseline if factor.baseline is not None else read(base, factor.key)
    if isinstance(own, (int, float)) and not isinstance(own, bool):
        own = float(own) if any(isinstance(value, float) for value in levels.values()) else own
    if label(own) not in levels:
        allowed = ", ".join(levels)
        raise StudyError(
            f"study.factors.{name}.baseline: {label(own)} is not among the levels ({allowed})"
        )
    return label(own)


def _runs(
    study: Study,
    variant: Variant,
    keys: Mapping[str, str],
    settings: Mapping[str, Mapping[str, Any]],
    resolve: Resolve,
) -> list[PlannedRun]:
    chosen = {keys[name]: settings[name][own] for name, own in variant.labels.items()}
    resolved = resolve(chosen)
    seeded = (dataclasses.replace(resolved, seed=seed) for seed in study.seed_list())
    return [PlannedRun(experiments.run_id(own), variant, own.seed, own) for own in seeded]


def distinct(runs: list[PlannedRun]) -> list[PlannedRun]:
    """Each experiment once, under the first variant that asks for it: it is trained once."""
    first: dict[str, PlannedRun] = {}
    for run in runs:
        first.setdefault(run.run_id, run)
    return list(first.values())


def cohorts(runs: list[PlannedRun], width: int) -> list[list[PlannedRun]]:
    """Runs of one structure together, at most ``width``, and of nearly equal size.

    Depends on the plan alone, so a study that is continued trains the same cohorts.
    """
    groups: list[_Group] = []
    homes: dict[str, _Group] = {}  # of a variant: its runs differ in their seeds only
    for run in runs:
        name = run.variant.name
        homes[name] = homes.get(name) or _home(run.experiment, groups)
        homes[name].runs.append(run)
    return [part for group in groups for part in _split(group.runs, width)]


@dataclasses.dataclass
class _Group:
    """Runs that can share a cohort, and the structures in which they agree."""

    shape: str
    techniques: dict[str, Any]
    runs: list[PlannedRun] = dataclasses.field(default_factory=list)


def _home(own: Experiment, groups: list[_Group]) -> _Group:
    """The first group that an experiment fits into, or a new one."""
    shape = key((own.model, own.dataset, own.optimizer, own.training))
    techniques = structure(own.regularizers)
    for group in groups:
        if group.shape == shape and compatible([group.techniques, techniques]):
            group.techniques |= techniques
            return group
    groups.append(_Group(shape, dict(techniques)))
    return groups[-1]


def _split(group: list[PlannedRun], width: int) -> list[list[PlannedRun]]:
    parts = -(-len(group) // width)
    edges = [round(i * len(group) / parts) for i in range(parts + 1)]
    return [group[a:b] for a, b in itertools.pairwise(edges)]


def study_yaml(plan: Plan, command: str) -> str:
    """The study as resolved, as it stands in the ledger."""
    study = plan.study
    text = {
        "name": study.name,
        "title": study.title,
        "design": study.design.name,
        "metric": study.metric,
        "goal": goal_of(study.metric) or MIN,
        "evaluate": study.evaluate.name,
        "seeds": study.seed_list(),
        "alpha": study.alpha,
        "margin": study.margin,
        "factors": {
            name: {"key": plan.keys[name], "baseline": plan.baseline[name], "levels": own}
            for name, own in plan.levels.items()
        },
        "base": plain(plan.base),
        "command": command,
    }
    return yaml.safe_dump(text, sort_keys=False, width=100)


def plan_csv(plan: Plan) -> str:
    """The runs as a table: run_id, variant, seed, cohort, one column per factor."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["run_id", "variant", "seed", "cohort", *plan.levels])
    number = {run.run_id: i for i, cohort in enumerate(plan.cohorts) for run in cohort}
    for run in plan.runs:
        labels = run.variant.labels.values()
        writer.writerow([run.run_id, run.variant.name, run.seed, number[run.run_id], *labels])
    return out.getvalue()
