"""A technique's name works wherever techniques are named: in lists, as a choice, as a factor."""

import dataclasses
from typing import Any

import pytest

from rnn_regexp.ablation.plan import make_plan
from rnn_regexp.ablation.study import Study
from rnn_regexp.commands.catalogue import catalogue
from rnn_regexp.config.overrides import Places
from rnn_regexp.config.resolve import Resolver, read
from rnn_regexp.fields import STRENGTH, label, names, plain
from rnn_regexp.regularizers import ALL
from tests.regularizers.catalogue import Technique, each, name_of, usual


@pytest.fixture(scope="module")
def resolver() -> Resolver:
    everything = ",".join(name_of(own) for own in ALL)
    words = [f"regularizers=[{everything}]", "dataset=digits", "model=lstm", "model.layers=2"]
    return Resolver(words, Places())


@each
def test_it_is_listed_with_what_it_does_and_its_source(technique: Technique):
    (line,) = [own for own in catalogue("regularizers") if own.split()[0] == name_of(technique)]
    assert technique.__doc__.strip().splitlines()[0] in line
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
        plan = make_plan(Study(name="s", factors={"own": factor}, seeds=1), resolver, read, 8)
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
