"""A technique's name works wherever techniques are named: in lists, as a choice, as a factor."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest

from rnn_regexp.ablation.levels import Resolve
from rnn_regexp.ablation.stages import make_plan
from rnn_regexp.ablation.study import Study
from rnn_regexp.commands.catalogue import catalogue
from rnn_regexp.config.overrides import Places
from rnn_regexp.config.resolve import Resolver, read
from rnn_regexp.data.sequences import Dataset, SequenceData
from rnn_regexp.experiment import Experiment
from rnn_regexp.fields import STRENGTH, label, names, plain, structural
from rnn_regexp.regularizers import ALL
from tests.regularizers.catalogue import (
    PROBLEMS,
    Technique,
    each,
    name_of,
    problem_of,
    usual,
    usual_settings,
)


@dataclasses.dataclass
class Given(Dataset):
    """The data of a problem."""

    problem: int = structural(0)

    def load(self) -> SequenceData:
        return PROBLEMS[self.problem].data


@pytest.fixture(scope="module")
def resolver() -> Resolver:
    everything = ",".join(name_of(own) for own in ALL)
    return Resolver([f"regularizers=[{everything}]"], Places())


def fitting(technique: Technique, resolver: Resolver) -> Resolve:
    """Experiments with one technique alone, on a problem on which it can act."""
    problem = problem_of(usual(technique))
    names = {name_of(own) for own in (technique, *map(type, problem.beside))}
    data = Given([own.data is problem.data for own in PROBLEMS].index(True))

    def resolve(settings: Mapping[str, Any]) -> Experiment:
        own = resolver(settings)
        kept = {name: it for name, it in own.regularizers.items() if name in names}
        return dataclasses.replace(own, model=problem.model, dataset=data, regularizers=kept)

    return resolve


@each
def test_it_is_listed_with_what_it_does_its_usual_strength_and_its_source(technique: Technique):
    (line,) = [own for own in catalogue("regularizers") if own.split()[0] == name_of(technique)]
    assert technique.__doc__.strip().splitlines()[0].replace("``", "`") in line
    for setting in usual_settings(technique):
        assert f"{setting}={label(plain(getattr(usual(technique), setting))).lower()}" in line
    assert line.endswith(f"[{technique.source}]")


@each
def test_it_can_be_chosen_by_name(technique: Technique, resolver: Resolver):
    assert resolver({}).regularizers[name_of(technique)] == usual(technique)


@each
def test_each_strength_is_a_factor_with_a_level_none(technique: Technique, resolver: Resolver):
    for strength in names(technique, STRENGTH):
        key = f"regularizers.{name_of(technique)}.{strength}"
        value = plain(getattr(usual(technique), strength))
        factor = {"key": key, "levels": ["none", value], "baseline": value}
        study, resolve = Study(factors={"own": factor}, seeds=1), fitting(technique, resolver)
        plan = make_plan(study, resolve, read, 8)
        without, used = (run.experiment for run in sorted(plan.runs, key=_is_baseline(value)))
        assert getattr(used.regularizers[name_of(technique)], strength) == getattr(
            usual(technique), strength
        )
        neutral = dataclasses.replace(
            usual(technique), **{strength: getattr(technique(), strength)}
        )
        assert without.regularizers[name_of(technique)] == neutral


def _is_baseline(value: Any):
    return lambda run: run.variant.labels["own"] == label(value)
