"""From a blueprint's variants and seeds to runs, and the cohorts in which they train."""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from rnn_regexp.ablation.blueprint import Blueprint, PlannedRun
from rnn_regexp.ablation.design import Variant
from rnn_regexp.ablation.study import Study
from rnn_regexp.ablation.tuning import Trial
from rnn_regexp.experiment import Experiment
from rnn_regexp.training.cohort import compatible, key, structure


@dataclasses.dataclass(frozen=True)
class Plan:
    """The runs of a study as far as they are known, and the cohorts in which they train."""

    blueprint: Blueprint
    runs: list[PlannedRun] = dataclasses.field(default_factory=list)  # of the study itself
    tuning: list[PlannedRun] = dataclasses.field(
        default_factory=list
    )  # trials of nuisance settings
    chosen: Mapping[str, Trial] = dataclasses.field(default_factory=dict)  # variant -> its trial
    cohorts: list[list[PlannedRun]] = dataclasses.field(default_factory=list)
    decisions: list[dict[str, Any]] = dataclasses.field(default_factory=list)  # between stages
    stage: int = 0  # how many stages of the study itself are planned
    fresh: int = 0  # index of the first cohort that the latest stage added
    note: str = ""  # what the latest stage is, where there are several

    @property
    def study(self) -> Study:
        return self.blueprint.study

    @property
    def base(self) -> Experiment:
        return self.blueprint.base

    @property
    def variants(self) -> list[Variant]:
        return list({run.variant.name: run.variant for run in self.runs}.values())

    @property
    def latest(self) -> list[PlannedRun]:
        """The runs that the latest stage added, each experiment once."""
        return [run for cohort in self.cohorts[self.fresh :] for run in cohort]

    def decided(self, decision: dict[str, Any] | None) -> "Plan":
        """The plan with what results decided before the stage that follows."""
        return dataclasses.replace(self, decisions=[*self.decisions, *filter(None, [decision])])

    def grown(
        self, runs: Sequence[PlannedRun] = (), tuning: Sequence[PlannedRun] = (), **changes: Any
    ) -> "Plan":
        """The plan with a stage more, whose cohorts come behind those that are there.

        Two variants may be one experiment: both stay in the plan, and it is trained once.
        """
        known = {run.run_id for cohort in self.cohorts for run in cohort}
        new = [run for run in distinct([*tuning, *runs]) if run.run_id not in known]
        return dataclasses.replace(
            self,
            runs=[*self.runs, *runs],
            tuning=[*self.tuning, *tuning],
            cohorts=[*self.cohorts, *cohorts(new, self.blueprint.width)],
            fresh=len(self.cohorts),
            **changes,
        )


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
    homes: dict[tuple[str, int], _Group] = {}  # of a variant: its runs differ in their seeds only
    for run in runs:
        own = run.variant.name, run.trial.number if run.trial else 0
        homes[own] = homes.get(own) or _home(run.experiment, groups)
        homes[own].runs.append(run)
    return [part for group in groups for part in split(group.runs, width)]


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


def split(group: list[PlannedRun], width: int) -> list[list[PlannedRun]]:
    """As few parts as ``width`` allows, of nearly equal size."""
    parts = -(-len(group) // width)
    edges = [round(i * len(group) / parts) for i in range(parts + 1)]
    return [group[a:b] for a, b in itertools.pairwise(edges)]
