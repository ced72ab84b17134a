"""Designs: from factors with levels to variants. Labels only; no torch, no configuration."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rnn_regexp.ablation.study import Design


@dataclass(frozen=True)
class Variant:
    """One combination of levels: ``labels`` names the level of every factor."""

    name: str
    labels: Mapping[str, str]


Levels = Mapping[str, Sequence[str]]  # factor -> labels of its levels


def variants(design: Design, levels: Levels, baseline: Mapping[str, str]) -> list[Variant]:
    """The variants of a design, the baseline first, none twice."""
    make = {Design.one_at_a_time: one_at_a_time, Design.factorial: factorial}[design]
    combinations = [dict(baseline), *make(levels, baseline)]
    unique = {tuple(labels.items()): labels for labels in combinations}
    return [Variant(_name(labels, baseline), labels) for labels in unique.values()]


def one_at_a_time(levels: Levels, baseline: Mapping[str, str]) -> list[dict[str, str]]:
    """Each level of each factor, the other factors at their baseline."""
    return [{**baseline, factor: label} for factor, own in levels.items() for label in own]


def factorial(levels: Levels, baseline: Mapping[str, str]) -> list[dict[str, str]]:
    """Every combination of levels."""
    return [dict(zip(levels, own, strict=True)) for own in itertools.product(*levels.values())]


def _name(labels: Mapping[str, str], baseline: Mapping[str, str]) -> str:
    changed = [f"{factor}={label}" for factor, label in labels.items() if baseline[factor] != label]
    return " ".join(changed) or "baseline"
