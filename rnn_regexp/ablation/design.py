"""Designs: from factors with levels to variants. Labels only; no torch, no configuration."""

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rnn_regexp.ablation import fractional, plackett_burman, sampling
from rnn_regexp.ablation.description import StudyError
from rnn_regexp.ablation.factors import unknown_word
from rnn_regexp.ablation.study import Design, Study
from rnn_regexp.fields import label

MOST = 1_000_000  # runs of a study
Labels = dict[str, str]  # factor -> the label of its level


@dataclass(frozen=True)
class Axis:
    """A factor whose levels are resolved: what each of them sets."""

    name: str
    keys: tuple[str, ...]  # the settings it varies
    levels: Mapping[str, Mapping[str, Any]]  # label -> key -> value
    baseline: str
    target: str = ""  # the other level, in designs with two
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # factor above -> its labels

    @property
    def others(self) -> list[str]:
        """The levels that are compared with the baseline."""
        return [level for level in self.levels if level != self.baseline]


@dataclass(frozen=True)
class Variant:
    """One combination of levels: ``labels`` names the level of every factor."""

    name: str
    labels: Mapping[str, str]


def variants(study: Study, axes: Sequence[Axis]) -> list[Variant]:
    """The variants of a study, the baseline first, none twice; of a path, those of its first stage.

    Raises ``StudyError`` for a level that no variant has.
    """
    combinations = [baseline(axes), *DESIGNS[study.design](study, axes)]
    found = list({own.name: own for own in (variant(c, axes) for c in combinations)}.values())
    for axis in axes:
        present = {own.labels[axis.name] for own in found}
        if lacking := [level for level in axis.others if level not in present]:
            raise StudyError(_lacking(study, axis, lacking[0]))
    return found


def variant(combination: Mapping[str, str], axes: Sequence[Axis]) -> Variant:
    """A combination under its name; a factor that does not apply has its baseline's label."""
    labels: Labels = {}
    for axis in axes:
        own = combination[axis.name]
        labels[axis.name] = own if applies(axis, labels, axes) else axis.baseline
    changed = [f"{a.name}={labels[a.name]}" for a in axes if labels[a.name] != a.baseline]
    return Variant(" ".join(changed) or "baseline", labels)


def applies(axis: Axis, labels: Mapping[str, str], axes: Sequence[Axis]) -> bool:
    """Whether the levels of the factors above allow this one."""
    above = {own.name: own for own in axes}
    return all(
        labels[name] in allowed and applies(above[name], labels, axes)
        for name, allowed in axis.when.items()
    )


def baseline(axes: Iterable[Axis]) -> Labels:
    """Every factor at its baseline."""
    return {axis.name: axis.baseline for axis in axes}


def one_at_a_time(study: Study, axes: Sequence[Axis]) -> list[Labels]:
    """Each level of each factor, the other factors at their baseline."""
    return [{**baseline(axes), axis.name: level} for axis in axes for level in axis.others]


def factorial(study: Study, axes: Sequence[Axis]) -> list[Labels]:
    """Every combination of levels. Raises ``StudyError`` where nobody could train them."""
    count = math.prod(len(axis.levels) for axis in axes)
    if count > MOST:
        raise StudyError(f"study.design=factorial: {count} combinations of levels, {MOST} at most")
    return [_named(axes, row) for row in itertools.product(*(axis.levels for axis in axes))]


def fraction(study: Study, axes: Sequence[Axis]) -> list[Labels]:
    """The regular fraction 2^(k-p) of least size with the resolution asked for."""
    chosen = fractional.fraction(len(axes), study.resolution)
    return [_signed(axes, signs) for signs in chosen.rows()]


def screening(study: Study, axes: Sequence[Axis]) -> list[Labels]:
    """Plackett and Burman's design for so many factors."""
    return [_signed(axes, signs) for signs in plackett_burman.rows(len(axes))]


def drawn(study: Study, axes: Sequence[Axis]) -> list[Labels]:
    """Combinations drawn at random, each at most once."""
    sizes = [len(axis.levels) for axis in axes]
    return _at(axes, sampling.random_cells(sizes, study.samples))


def latin(study: Study, axes: Sequence[Axis]) -> list[Labels]:
    """A Latin hypercube: the levels of each factor occur equally often."""
    sizes = [len(axis.levels) for axis in axes]
    return _at(axes, sampling.latin_hypercube(sizes, study.samples))


def cells(study: Study, axes: Sequence[Axis]) -> list[Labels]:
    """The combinations that ``study.cells`` lists; what a cell leaves out is at its baseline."""
    if not study.cells:
        raise StudyError("study.cells: a list is wanted (e.g. [{dropout: 0}, {dropout: 0.5}])")
    return [{**baseline(axes), **_cell(own, axes)} for own in study.cells]


DESIGNS: dict[Design, Callable[[Study, Sequence[Axis]], list[Labels]]] = {
    Design.one_at_a_time: one_at_a_time,
    Design.leave_one_out: one_at_a_time,  # its factors have two levels, on and off
    Design.add_one_in: one_at_a_time,
    Design.compare: one_at_a_time,
    Design.path: one_at_a_time,
    Design.factorial: factorial,
    Design.fractional: fraction,
    Design.plackett_burman: screening,
    Design.random: drawn,
    Design.latin_hypercube: latin,
    Design.cells: cells,
}


def _named(axes: Sequence[Axis], row: Iterable[str]) -> Labels:
    return {axis.name: level for axis, level in zip(axes, row, strict=True)}


def _signed(axes: Sequence[Axis], signs: Iterable[int]) -> Labels:
    """A row of a design of two levels; +1 is the baseline, so that it is among the rows."""
    chosen = zip(axes, signs, strict=True)
    return {axis.name: axis.baseline if sign > 0 else axis.target for axis, sign in chosen}


def _at(axes: Sequence[Axis], rows: Iterable[Sequence[int]]) -> list[Labels]:
    levels = [list(axis.levels) for axis in axes]
    return [_named(axes, [own[i] for own, i in zip(levels, row, strict=True)]) for row in rows]


def _cell(given: Any, axes: Sequence[Axis]) -> Labels:
    if not isinstance(given, dict):
        raise StudyError(f"study.cells: a cell must be {{factor: level, ...}}, got {given!r}")
    known = {axis.name: axis for axis in axes}
    found: Labels = {}
    for name, level in given.items():
        if name not in known:
            raise StudyError(unknown_word(f"study.cells: {name}", str(name), known))
        if label(level) not in known[name].levels:
            allowed = ", ".join(known[name].levels)
            raise StudyError(f"study.cells: {name}={label(level)} is not a level of it ({allowed})")
        found[name] = label(level)
    return found


def _lacking(study: Study, axis: Axis, level: str) -> str:
    where = f"study.factors.{axis.name}: no variant has the level {level}"
    if study.design in (Design.random, Design.latin_hypercube):
        return f"{where} (ask for more with study.samples, {study.samples} now)"
    if axis.when:
        conditions = ", ".join(f"{name}={'|'.join(own)}" for name, own in axis.when.items())
        return f"{where}: it applies when {conditions}, and {study.design.name} has none with it"
    return where
