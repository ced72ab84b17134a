"""A study as a sequence of plans: each stage is what the results of those before it call for."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from rnn_regexp.ablation import path
from rnn_regexp.ablation.blueprint import Blueprint, blueprint
from rnn_regexp.ablation.design import Variant
from rnn_regexp.ablation.levels import Read, Resolve
from rnn_regexp.ablation.plan import Plan, split
from rnn_regexp.ablation.sequential import open_variants
from rnn_regexp.ablation.study import Design, Study
from rnn_regexp.ablation.tuning import at_the_edge, choose, tuning_seeds
from rnn_regexp.ledger import Ledger


@dataclasses.dataclass(frozen=True)
class Step:
    """What to train next: variants, each with the same seeds."""

    variants: Sequence[Variant]
    seeds: Sequence[int]
    note: str = ""


def make_plan(study: Study, resolve: Resolve, read: Read, width: int) -> Plan:
    """The runs of a study that are known before any result.

    Raises ``StudyError`` with one line for what is missing, does not fit, or has no effect.
    """
    made = blueprint(study, resolve, read, width)
    return _grown(Plan(made), _beginning(made))


def narrowed(whole: Plan, width: int) -> Plan:
    """The same runs in cohorts of at most ``width``."""
    made = dataclasses.replace(whole.blueprint, width=width)
    again = [part for cohort in whole.cohorts for part in split(cohort, width)]
    return dataclasses.replace(whole, blueprint=made, cohorts=again)


def stages(first: Plan, ledger: Ledger) -> Iterator[Plan]:
    """The plan as it grows. Train the fresh cohorts of each before asking for the next.

    ``first`` is what ``make_plan`` gave.  Nothing is remembered between stages but the ledger's
    results, so that the same command continues a study wherever it was stopped.
    """
    made = first.blueprint
    plan = Plan(made)
    step: Step | None = _beginning(made)
    while step is not None:
        new = [own for own in step.variants if made.trials and own.name not in plan.chosen]
        if new:
            plan = _tried(plan, new, step.note)
            yield plan
            plan = _chosen(plan, ledger)
            step = dataclasses.replace(step, note=_edges(plan, new))
        plan = _grown(plan, step) if plan.cohorts else first
        yield plan
        decision, step = _next(plan, ledger)
        plan = plan.decided(decision)
    if plan.decisions:
        yield plan.grown(note="")  # nothing is left to train; the last decision is to be kept


def _beginning(made: Blueprint) -> Step:
    count = made.seeds.looks[0]
    return Step(made.variants, made.seeds.values[:count])


def _next(plan: Plan, ledger: Ledger) -> tuple[dict[str, Any] | None, Step | None]:
    """What the results so far decide, and what follows; None where the study is complete."""
    made = plan.blueprint
    if made.study.design is Design.path:
        return _path(plan, ledger)
    if made.seeds.sequential:
        return _look(plan, ledger)
    return None, None


def _path(plan: Plan, ledger: Ledger) -> tuple[dict[str, Any], Step | None]:
    made = plan.blueprint
    ids = {own.name: _ids(plan, own.name) for own in plan.variants}
    decision = path.decide(made, plan.decisions, ids, ledger.recorded())
    flips = list(path.candidates(made.axes, [*plan.decisions, decision]).values())
    note = f"stage {plan.stage + 1}: {decision['variant']} is kept, {len(flips)} candidates"
    return decision, Step(flips, made.seeds.values, note) if flips else None


def _look(plan: Plan, ledger: Ledger) -> tuple[dict[str, Any] | None, Step | None]:
    rule, variants = plan.blueprint.seeds, plan.blueprint.variants
    looks = list(rule.looks)
    if plan.stage == len(looks):
        return None, None
    found = open_variants(ledger.folder, plan.stage, looks)
    more = [own for own in variants if own.name in found]
    decision = {
        "look": plan.stage,
        "seeds": looks[plan.stage - 1],
        "open": [own.name for own in more],
    }
    if not more:
        return decision, None
    # Every comparison is with the baseline, so it gets the seeds that any other variant gets.
    wanted = [own for own in variants if own in more or own == variants[0]]
    seeds = rule.values[looks[plan.stage - 1] : looks[plan.stage]]
    open_now = f"{len(more)} of {len(variants)} variants are open"
    note = f"look {plan.stage + 1} of {len(looks)}: {open_now}, {looks[plan.stage]} seeds"
    return decision, Step(wanted, seeds, note)


def _grown(plan: Plan, step: Step) -> Plan:
    stage = plan.stage + 1
    runs = [
        run
        for own in step.variants
        for run in plan.blueprint.runs(own, step.seeds, stage, plan.chosen.get(own.name))
    ]
    return plan.grown(runs, note=step.note, stage=stage)


def _tried(plan: Plan, new: Sequence[Variant], before: str) -> Plan:
    """The plan with the trials of variants that have none yet."""
    made, seeds = plan.blueprint, tuning_seeds(plan.study)
    runs = [
        run
        for own in new
        for trial in made.trials
        for run in made.runs(own, seeds, plan.stage + 1, trial, tuning=True)
    ]
    note = f"tuning: {len(new)} variants x {len(made.trials)} trials x {len(seeds)} seeds"
    return plan.grown(tuning=runs, note="\n".join(filter(None, [before, note])))


def _chosen(plan: Plan, ledger: Ledger) -> Plan:
    """The plan with a trial for each variant that was tuned."""
    made, results = plan.blueprint, ledger.recorded()
    trials = {trial.number: trial for trial in made.trials}
    tried: dict[str, dict[int, list[str]]] = {}
    for run in plan.tuning:
        assert run.trial is not None
        own = tried.setdefault(run.variant.name, {})
        own.setdefault(run.trial.number, []).append(run.run_id)
    chosen = {name: trials[choose(made.study, own, results)] for name, own in tried.items()}
    return dataclasses.replace(plan, chosen=chosen)


def _edges(plan: Plan, new: Sequence[Variant]) -> str:
    """Notes on the variants just tuned whose best trial is the last in its direction."""
    chosen = {own.name: plan.chosen[own.name] for own in new}
    return "\n".join(at_the_edge(plan.blueprint.trials, chosen))


def _ids(plan: Plan, name: str) -> list[str]:
    return [run.run_id for run in plan.runs if run.variant.name == name]
