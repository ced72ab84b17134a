"""Studies planned through the real configuration, on data that ship."""

import dataclasses
from functools import cache

from rnn_regexp.ablation.plan import Plan
from rnn_regexp.ablation.stages import make_plan
from rnn_regexp.config import to_config
from rnn_regexp.config.overrides import Places
from rnn_regexp.config.resolve import Resolver, read

BASE = ("dataset=digits", "model.hidden=8")


@cache
def resolver(words: tuple[str, ...]) -> Resolver:
    """Composing takes a tenth of a second, so tests with the same base share what is composed."""
    return Resolver(list(words), Places())


def planned(*words: str, width: int = 8, **study: object) -> Plan:
    """The plan of a study given by words, or by the fields of ``Study`` around the usual base."""
    all_words = (*BASE, *words)
    if not study:
        config = to_config(Places().compose(all_words))
        return make_plan(config.study, resolver(all_words), read, width)
    from rnn_regexp.ablation.study import Study

    return make_plan(Study(name="s", **study), resolver(all_words), read, width)


def names(plan: Plan) -> list[str]:
    return [own.name for own in plan.variants]


def values(plan: Plan, key: str) -> list[object]:
    """The value of a setting in each variant."""
    first = {run.variant.name: run.experiment for run in reversed(plan.runs)}
    return [read(first[name], key) for name in names(plan)]


def without_seed(plan: Plan) -> list[object]:
    return [dataclasses.replace(run.experiment, seed=0) for run in plan.runs]
