"""Factors as the user writes them: what may stand there, and what is missing."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from rnn_regexp.ablation.description import StudyError
from rnn_regexp.ablation.study import Design, Study

CONFIGURATION = "configuration"  # the factor that ``study.compare`` amounts to
# What plan.csv and runs.csv call their own columns.
_RESERVED = ("run_id", "variant", "seed", "cohort", "stage", "status", "seconds")
# Designs that need no list: they take a factor's baseline and its ``off``, or what cells name.
WITHOUT_LEVELS = (Design.leave_one_out, Design.add_one_in, Design.cells)


@dataclass
class Factor:
    """One thing under study. ``none`` as a level is a technique's neutral value.

    ``key`` names one setting, or a group such as ``model``; ``keys`` several that move together,
    a level being a list with one value for each.  Without either, a level is a mapping of
    settings.  Levels stand in a list, with labels as ``[{low: 0.1}, {high: 0.5}]`` or
    ``{low: 0.1, high: 0.5}``.
    """

    key: str = ""  # as typed on the command line, e.g. regularizers.dropout.rate
    keys: list[str] = field(default_factory=list)
    levels: Any = field(default_factory=list)
    baseline: Any = None  # a level; where it is not given, the base experiment's own value
    off: Any = None  # what switches it off; where it is not given, the technique's neutral value
    target: Any = None  # the other level of a design with two, where there are more
    when: dict[str, Any] = field(default_factory=dict)  # factor above -> its levels that allow this

    @property
    def settings(self) -> list[str]:
        """The keys it varies; none where its levels are mappings of settings."""
        return [self.key] if self.key else self.keys


def factor_list(study: Study) -> dict[str, Factor]:
    """The factors by name, the configurations to compare as the first.

    Raises ``StudyError`` for a factor that has no key, no levels, or a field that there is not.
    """
    found: dict[str, Factor] = {}
    if study.compare:
        found[CONFIGURATION] = _configurations(study.compare)
    elif study.design is Design.compare:
        raise StudyError(
            "study.compare: no configurations"
            " (e.g. study.compare={none: {regularizers: []}, dropout: {regularizers: [dropout]}})"
        )
    for name, given in study.factors.items():
        found[str(name)] = _factor(str(name), given, study.design)
    return found


def _configurations(given: dict[str, Any]) -> Factor:
    for label, settings in given.items():
        if not isinstance(settings, dict):
            raise StudyError(f"study.compare.{label} must be {{key: value, ...}}, got {settings!r}")
    if len(given) < 2:
        raise StudyError("study.compare: two or more configurations are wanted")
    return Factor(levels=dict(given), baseline=next(iter(given)))


def _factor(name: str, given: Any, design: Design) -> Factor:
    where = f"study.factors.{name}"
    if not isinstance(given, dict):
        raise StudyError(f"{where} must be {{key: ..., levels: [...]}}, got {given!r}")
    if name in _RESERVED:
        raise StudyError(f"{where}: a factor cannot be called so, a column of the tables is")
    known = [own.name for own in fields(Factor)]
    for word in given:
        if word not in known:
            raise StudyError(unknown_word(f"{where}.{word}", str(word), known))
    for word, (kind, words) in _KINDS.items():
        if word in given and not _is(given[word], kind):
            raise StudyError(f"{where}.{word} must be {words}, got {given[word]!r}")
    factor = Factor(**given)
    if factor.key and factor.keys:
        raise StudyError(f"{where}: either key or keys, not both")
    if not isinstance(factor.levels, (list, dict)):
        raise StudyError(f"{where}.levels: a list of values is wanted")
    if not factor.settings and not _mappings(factor.levels):
        raise StudyError(f"{where}.key: not set (e.g. key: optimizer.lr)")
    if not factor.levels and design not in WITHOUT_LEVELS:
        raise StudyError(f"{where}.levels: a list of values is wanted")
    return factor


_KINDS: dict[str, tuple[type, str]] = {
    "key": (str, "a setting's key"),
    "keys": (list, "a list of keys"),
    "when": (dict, "{factor: levels}"),
}


def _is(value: Any, kind: type) -> bool:
    """Whether a value is of a kind; what a list holds are words."""
    words = not isinstance(value, list) or all(isinstance(own, str) for own in value)
    return isinstance(value, kind) and words


def _mappings(levels: Any) -> bool:
    """Whether every level is a label with a mapping of settings."""
    found = labelled(levels)
    return bool(found) and all(
        label is not None and isinstance(own, Mapping) for label, own in found
    )


def labelled(levels: Any) -> list[tuple[str | None, Any]]:
    """The levels in order, each with its label, or None where it has none of its own."""
    if isinstance(levels, Mapping):
        return [(str(label), value) for label, value in levels.items()]
    return [
        (str(next(iter(own))), next(iter(own.values())))
        if isinstance(own, Mapping) and len(own) == 1
        else (None, own)
        for own in levels
    ]


def flat(settings: Mapping[Any, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by dotted key: ``{optimizer: {lr: 1}}`` -> ``{"optimizer.lr": 1}``."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        inner = isinstance(value, Mapping)
        found |= flat(value, f"{prefix}{name}.") if inner else {f"{prefix}{name}": value}
    return found


def unknown_word(key: str, word: str, known: Iterable[str]) -> str:
    """``unknown key X (did you mean Y?)``, or the list of what there is."""
    names = list(known)
    near = difflib.get_close_matches(word, names, 1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
    return f"unknown key {key} ({hint})"
