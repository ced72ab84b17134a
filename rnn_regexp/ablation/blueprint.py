"""A study with everything resolved that is known before training: factors, variants, trials."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from rnn_regexp import experiment as experiments
from rnn_regexp.ablation.description import StudyError
from rnn_regexp.ablation.design import MOST, Axis, Variant, applies, variant, variants
from rnn_regexp.ablation.idle import behaviour, why_idle
from rnn_regexp.ablation.levels import Read, Resolve, axes
from rnn_regexp.ablation.seeds import SeedRule, seed_rule
from rnn_regexp.ablation.study import Design, Study
from rnn_regexp.ablation.tuning import Trial, trials
from rnn_regexp.errors import BadInput
from rnn_regexp.experiment import Experiment, subject
from rnn_regexp.regularizers.fitting import refuse


@dataclasses.dataclass(frozen=True)
class PlannedRun:
    """One run of a study before it is trained."""

    run_id: str
    variant: Variant
    seed: int
    experiment: Experiment
    stage: int = 0
    trial: Trial | None = None  # the nuisance settings, where the study has any
    tuning: bool = False  # whether it is there to choose among trials


@dataclasses.dataclass(frozen=True)
class Blueprint:
    """A study with its factors, seeds and trials resolved: turns variants and seeds into runs."""

    study: Study
    base: Experiment
    axes: list[Axis]
    variants: list[Variant]  # of a path: those of its first stage
    seeds: SeedRule
    trials: list[Trial]  # none where there are no nuisance settings
    resolve: Resolve
    width: int  # of a cohort

    def settings(self, own: Variant) -> dict[str, Any]:
        """What a variant sets, by key."""
        settings: dict[str, Any] = {}
        for axis in self.axes:
            if applies(axis, own.labels, self.axes):
                settings |= axis.levels[own.labels[axis.name]]
        return settings

    def experiment(self, own: Variant, trial: Trial | None = None) -> Experiment:
        """A variant's experiment, with the base experiment's seed."""
        try:
            return self.resolve(self.settings(own) | dict(trial.settings if trial else {}))
        except StudyError as error:
            raise StudyError(f"variant {own.name}: {error}") from None

    def runs(
        self,
        own: Variant,
        seeds: Iterable[int],
        stage: int = 0,
        trial: Trial | None = None,
        tuning: bool = False,
    ) -> list[PlannedRun]:
        """A variant with every seed."""
        resolved = self.experiment(own, trial)
        seeded = (dataclasses.replace(resolved, seed=seed) for seed in seeds)
        return [
            PlannedRun(experiments.run_id(one), own, one.seed, one, stage, trial, tuning)
            for one in seeded
        ]


def blueprint(study: Study, resolve: Resolve, read: Read, width: int) -> Blueprint:
    """Resolve a study's factors and variants.

    Raises ``StudyError`` with one line for what is missing, does not fit, or has no effect.
    """
    seeds = seed_rule(study.seeds, study.first_seed)
    base, found = resolve({}), axes(study, resolve, read)
    own = variants(study, found)
    if len(own) * seeds.looks[-1] > MOST:
        raise StudyError(f"{len(own)} variants x {seeds.looks[-1]} seeds: {MOST} runs at most")
    made = Blueprint(study, base, found, own, seeds, [], resolve, width)
    reached = [*own, *_end_of_path(made)]
    refuse_misfits(made, reached)
    refuse_idle(made, reached)
    tried = trials(study, seeds, [(v.name, made.settings(v)) for v in reached], resolve, read)
    return dataclasses.replace(made, trials=tried)


def _end_of_path(made: Blueprint) -> list[Variant]:
    """Where a path leads: with its first stage it has every two flips that cannot be together."""
    if made.study.design is not Design.path:
        return []
    return [variant({axis.name: axis.target for axis in made.axes}, made.axes)]


def refuse_misfits(made: Blueprint, variants: Sequence[Variant]) -> None:
    """Refuse techniques that cannot act on the model or the task of a variant.

    Raises ``StudyError`` with a line for each, and the first variant that has it.
    """
    lines: dict[str, str] = {}
    for own in variants:
        try:
            refuse(subject(made.experiment(own)))
        except BadInput as error:
            lines |= {line: own.name for line in str(error).splitlines() if line not in lines}
    if lines:
        raise StudyError("\n".join(f"variant {name}: {line}" for line, name in lines.items()))


def refuse_idle(made: Blueprint, variants: Sequence[Variant]) -> None:
    """Refuse a level that changes nothing in any variant that has it.

    Raises ``StudyError`` with the reason.
    """
    for axis in made.axes:
        for level in axis.others:
            having = [own for own in variants if own.labels[axis.name] == level]
            pairs = [(own, _without(own, axis, made)) for own in having]
            if not any(_differ(made, one, other) for one, other in pairs):
                raise StudyError(_reason(made, axis, level, *pairs[0]))


def _without(own: Variant, axis: Axis, made: Blueprint) -> Variant:
    """The variant with one factor at its baseline."""
    return variant({**own.labels, axis.name: axis.baseline}, made.axes)


def _differ(made: Blueprint, one: Variant, other: Variant) -> bool:
    return bool(behaviour(made.experiment(one)) != behaviour(made.experiment(other)))


def _reason(made: Blueprint, axis: Axis, level: str, one: Variant, other: Variant) -> str:
    reasons = (why_idle(made.experiment(own), axis.keys) for own in (one, other))
    reason = next(filter(None, reasons), "the experiment is the same")
    return (
        f"study.factors.{axis.name}: {level} instead of {axis.baseline} cannot have an effect:"
        f" {reason}"
    )
