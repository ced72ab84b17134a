"""A plan as it stands in the ledger: ``study.yaml``, ``plan.csv`` and ``tuning.csv``."""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from rnn_regexp.ablation import fractional
from rnn_regexp.ablation.design import Axis
from rnn_regexp.ablation.metrics import MIN, goal_of
from rnn_regexp.ablation.plan import Plan
from rnn_regexp.ablation.selection import selection_metric
from rnn_regexp.ablation.study import Design
from rnn_regexp.ablation.tuning import tuning_seeds
from rnn_regexp.fields import label, plain
from rnn_regexp.ledger import RunResult


def study_yaml(plan: Plan, command: str) -> str:
    """The study as resolved; ``ledger`` describes the fields."""
    study, made = plan.study, plan.blueprint
    text = {
        "name": study.name,
        "title": study.title,
        "design": study.design.name,
        "metric": study.metric,
        "goal": goal_of(study.metric) or MIN,
        "evaluate": study.evaluate.name,
        "seeds": _seeds(plan),
        "alpha": study.alpha,
        "margin": study.margin,
        "factors": {axis.name: _factor(axis) for axis in made.axes},
        **({"fraction": _fraction(plan)} if study.design is Design.fractional else {}),
        **({"sequential": _sequential(plan)} if made.seeds.sequential else {}),
        **({"nuisance": _nuisance(plan)} if made.trials else {}),
        **({"decisions": plan.decisions} if plan.decisions else {}),
        "base": plain(plan.base),
        "command": command,
    }
    return yaml.safe_dump(text, sort_keys=False, width=100)


def plan_csv(plan: Plan) -> str:
    """The runs as a table: run_id, variant, seed, cohort, one column per factor.

    Where a study has several stages, ``stage``; where it has nuisance settings, their values.
    """
    made = plan.blueprint
    staged = made.study.design is Design.path or made.seeds.sequential
    nuisance = list(made.trials[0].labels) if made.trials else []
    number = {run.run_id: i for i, cohort in enumerate(plan.cohorts) for run in cohort}
    rows = (
        [run.run_id, run.variant.name, run.seed, number[run.run_id]]
        + [run.stage] * staged
        + list(run.variant.labels.values())
        + (list(run.trial.labels.values()) if run.trial else [])
        for run in plan.runs
    )
    head = ["run_id", "variant", "seed", "cohort"] + ["stage"] * staged
    return _csv([*head, *(axis.name for axis in made.axes), *nuisance], rows)


def tuning_csv(plan: Plan, results: Mapping[str, RunResult]) -> str:
    """The trials of nuisance settings as a table, with what became of those that have ended.

    run_id, variant, trial, seed, one column per nuisance setting, selected (1 or 0, empty before
    the choice), status, the metric that selects, seconds.
    """
    metric = selection_metric(plan.study)
    rows = []
    for run in plan.tuning:
        assert run.trial is not None
        chosen, ended = plan.chosen.get(run.variant.name), results.get(run.run_id)
        selected = "" if chosen is None else int(chosen == run.trial)
        what = [run.run_id, run.variant.name, run.trial.number, run.seed]
        outcome = [ended.status, ended.metrics.get(metric), ended.seconds] if ended else [""] * 3
        rows.append([*what, *run.trial.labels.values(), selected, *outcome])
    keys = list(plan.blueprint.trials[0].labels)
    head = ["run_id", "variant", "trial", "seed", *keys, "selected", "status", metric, "seconds"]
    return _csv(head, rows)


def fraction_of(plan: Plan) -> fractional.Fraction:
    """The fraction that a fractional design took."""
    return fractional.fraction(len(plan.blueprint.axes), plan.study.resolution)


def aliases(found: fractional.Fraction, names: list[str]) -> dict[str, list[str]]:
    """Main effects and two-way interactions with what cannot be told from them, up to order 2.

    A minus means that the two are confounded as a difference, where + is *changed*.
    """
    main = [1 << i for i in range(len(names))]
    pairs = [a | b for i, a in enumerate(main) for b in main[i + 1 :]]
    table: dict[str, list[str]] = {}
    for effect in [*main, *pairs]:
        others = found.aliases(effect)
        signed = (
            "-" * (fractional.sign(effect ^ o) < 0) + fractional.name(o, names) for o in others
        )
        if others:
            table[fractional.name(effect, names)] = list(signed)
    return table


def _seeds(plan: Plan) -> list[int]:
    """The seeds planned so far, in the order of their use."""
    used = {run.seed for run in plan.runs}
    return [seed for seed in plan.blueprint.seeds.values if seed in used or not used]


def _factor(axis: Axis) -> dict[str, Any]:
    own: dict[str, Any] = {
        "key": ", ".join(axis.keys),
        "baseline": axis.baseline,
        "levels": list(axis.levels),
    }
    if axis.when:
        own["when"] = {name: list(labels) for name, labels in axis.when.items()}
    if any(_says_more(level, settings) for level, settings in axis.levels.items()):
        own["settings"] = {level: plain(settings) for level, settings in axis.levels.items()}
    return own


def _says_more(level: str, settings: Mapping[str, Any]) -> bool:
    """Whether a level sets what its label does not show."""
    return [label(value) for value in settings.values()] != [level]


def _fraction(plan: Plan) -> dict[str, Any]:
    found, names = fraction_of(plan), [axis.name for axis in plan.blueprint.axes]
    return {
        "runs": found.runs,
        "resolution": found.resolution,  # 0: all combinations
        "words": [
            "-" * (fractional.sign(word) < 0) + fractional.name(word, names)
            for word in found.words()
        ],
        "aliases": aliases(found, names),
    }


def _sequential(plan: Plan) -> dict[str, Any]:
    rule = plan.blueprint.seeds
    return {"looks": list(rule.looks), "stop": dict(rule.stop), "done": plan.stage}


def _nuisance(plan: Plan) -> dict[str, Any]:
    study, trials = plan.study, plan.blueprint.trials
    return {
        "keys": {key: plain(own) for key, own in study.nuisance.items()},
        "trials": len(trials),
        "seeds": tuning_seeds(study),
        "metric": selection_metric(study),
    }


def _csv(head: list[str], rows: Iterable[list[Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return out.getvalue()
