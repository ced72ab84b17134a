"""Factors resolved: each level's settings, checked against the configuration and labelled."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rnn_regexp.ablation.description import StudyError
from rnn_regexp.ablation.design import Axis
from rnn_regexp.ablation.factors import (
    CONFIGURATION,
    Factor,
    factor_list,
    flat,
    labelled,
    unknown_word,
)
from rnn_regexp.ablation.study import Design, Study
from rnn_regexp.experiment import Experiment
from rnn_regexp.fields import label, plain

Resolve = Callable[[Mapping[str, Any]], Experiment]  # settings by key -> the experiment with them
Read = Callable[[Experiment, str], Any]  # the value of a key in an experiment
Settings = dict[str, Any]

NEUTRAL = "none"  # as a level: the technique's neutral value
OFF = "off"  # label of the level that a factor's ``off`` adds
TWO_LEVELS = (Design.fractional, Design.plackett_burman, Design.path)


def axes(study: Study, resolve: Resolve, read: Read) -> list[Axis]:
    """The study's factors, in order.

    Raises ``StudyError`` with one line that names the factor at fault.
    """
    found: list[Axis] = []
    for name, factor in factor_list(study).items():
        found.append(_Levels(study, name, factor, found, resolve, read).axis())
    _refuse_shared(found)
    return found


class _Levels:
    """One factor on its way to an ``Axis``; ``above`` are the factors before it."""

    def __init__(
        self,
        study: Study,
        name: str,
        factor: Factor,
        above: Sequence[Axis],
        resolve: Resolve,
        read: Read,
    ) -> None:
        self.study, self.name, self.factor = study, name, factor
        self.resolve, self.read = resolve, read
        compared = name == CONFIGURATION and study.compare
        self.where = "study.compare" if compared else f"study.factors.{name}"
        self.when = dict(_conditions(f"{self.where}.when", factor, above))
        self.context = _allowing(self.when, above)
        self.levels: dict[str, Settings] = {}

    def axis(self) -> Axis:
        for own, value in self._given():
            self._add(self._settings(value), own)
        baseline, target = self._roles(self._baseline())
        used = {n: own for n, own in self.levels.items() if not target or n in (baseline, target)}
        keys = tuple(dict.fromkeys(key for own in used.values() for key in own))
        return Axis(self.name, keys, used, baseline, target, self.when)

    def _given(self) -> list[tuple[str | None, Any]]:
        """The levels as typed; where there are none, those that ``study.cells`` names."""
        found = labelled(self.factor.levels)
        if found or self.study.design is not Design.cells:
            return found
        cells = (cell for cell in self.study.cells if isinstance(cell, dict))
        return [(None, cell[self.name]) for cell in cells if self.name in cell]

    def _settings(self, value: Any) -> Settings:
        """What a level sets, by key, as the configuration's own types have it."""
        keys = self.factor.settings
        if not keys:
            return self._typed(flat(value))
        if len(keys) == 1:
            return self._typed({keys[0]: value})
        if not isinstance(value, (list, tuple)) or len(value) != len(keys):
            raise StudyError(
                f"{self.where}.levels: {len(keys)} values are wanted in a level,"
                f" one for each of {', '.join(keys)}; got {value!r}"
            )
        return self._typed(dict(zip(keys, value, strict=True)))

    def _typed(self, settings: Settings) -> Settings:
        try:
            experiment = self.resolve({**self.context, **settings})
            # A group keeps the name of its choice: two files may choose one class.
            return {k: self.read(experiment, k) if "." in k else v for k, v in settings.items()}
        except StudyError as error:
            raise StudyError(f"{self.where}: {error}") from None

    def _add(self, settings: Settings, given: str | None) -> str:
        """Keep a level under its label; a level that stands there twice is kept once."""
        own = given or _label(settings)
        for other, known in self.levels.items():
            if known == settings and given and other != given:
                raise StudyError(f"{self.where}.levels: {other} and {given} set the same")
        if self.levels.get(own, settings) != settings:
            raise StudyError(f"{self.where}.levels: two levels have the label {own}")
        self.levels[own] = settings
        return own

    def _find(self, word: str, value: Any) -> str:
        """The label of the level that ``baseline`` or ``target`` names, by label or by value."""
        own = label(value)
        if own not in self.levels and self.factor.settings:
            settings = self._settings(value)
            if not self.levels:
                return self._add(settings, None)
            own = self._labelled_as(settings) or _label(settings)
        if own not in self.levels:
            raise self._not_among(word, own)
        return own

    def _labelled_as(self, settings: Settings) -> str | None:
        return next((own for own, known in self.levels.items() if known == settings), None)

    def _baseline(self) -> str:
        """The level named as baseline, else the one that is the base experiment as it stands."""
        if self.factor.baseline is not None:
            return self._find("baseline", self.factor.baseline)
        base = self.resolve(self.context)
        for own, settings in self.levels.items():
            if plain(self.resolve({**self.context, **settings})) == plain(base):
                return own
        if not self.factor.settings:
            raise StudyError(f"{self.where}.baseline: no level is the base experiment; name one")
        values = {key: self.read(base, key) for key in self.factor.settings}
        if self.levels and self.study.design is not Design.cells:
            raise self._not_among("baseline", _label(values))
        return self._add(values, None)

    def _not_among(self, word: str, value: str) -> StudyError:
        allowed = ", ".join(self.levels)
        return StudyError(f"{self.where}.{word}: {value} is not among the levels ({allowed})")

    def _roles(self, baseline: str) -> tuple[str, str]:
        """Baseline and target as the design has them; no target where it takes all levels."""
        design = self.study.design
        if design in TWO_LEVELS:
            return baseline, self._target(baseline)
        if design not in (Design.leave_one_out, Design.add_one_in):
            return baseline, ""
        off = self._off()
        if off == baseline:
            raise StudyError(f"{self.where}: it is off in the base experiment ({baseline}) already")
        return (baseline, off) if design is Design.leave_one_out else (off, baseline)

    def _target(self, baseline: str) -> str:
        if self.factor.target is not None:
            return self._find("target", self.factor.target)
        others = [own for own in self.levels if own != baseline]
        if len(others) == 1:
            return others[0]
        raise StudyError(
            f"{self.where}: study.design={self.study.design.name} takes two levels of a factor,"
            f" this one has {len(self.levels)} ({', '.join(self.levels)}); list two, or name the"
            f" one to compare with {baseline} as target"
        )

    def _off(self) -> str:
        """The label of the level that switches the factor off."""
        given = self.factor.off
        if isinstance(given, str) and given in self.levels:
            return given
        settings = dict(self._neutral()) if given is None else self._settings(given)
        return self._labelled_as(settings) or self._add(settings, OFF)

    def _neutral(self) -> Iterator[tuple[str, Any]]:
        """Each key's neutral value; what has none stays as it is, if another key has one."""
        base, found = self.resolve(self.context), False
        for key in self.factor.settings:
            try:
                yield key, self._typed({key: [] if key == "regularizers" else NEUTRAL})[key]
                found = True
            except StudyError:
                yield key, self.read(base, key)
        if not found:
            raise StudyError(
                f"{self.where}.off: not set ({self.study.design.name} needs the level that"
                " switches the factor off, and its setting is no technique's strength)"
            )


def _label(settings: Settings) -> str:
    return "/".join(map(label, settings.values()))


def _conditions(
    where: str, factor: Factor, above: Sequence[Axis]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """``when`` as labels of the factors above."""
    known = {axis.name: axis for axis in above}
    for name, given in factor.when.items():
        if name not in known:
            raise StudyError(unknown_word(f"{where}.{name}", str(name), known or ["none above it"]))
        labels = tuple(map(label, given if isinstance(given, list) else [given]))
        for own in labels:
            if own not in known[name].levels:
                allowed = ", ".join(known[name].levels)
                raise StudyError(f"{where}.{name}: {own} is not among its levels ({allowed})")
        yield str(name), labels


def _allowing(when: Mapping[str, tuple[str, ...]], above: Sequence[Axis]) -> Settings:
    """Settings under which a factor applies, so that its keys exist."""
    settings: Settings = {}
    for axis in above:
        if axis.name in when:
            settings |= _allowing(axis.when, above)
            settings |= axis.levels[when[axis.name][0]]
    return settings


def _refuse_shared(found: Sequence[Axis]) -> None:
    """Two factors that set one key would overwrite each other."""
    owner: dict[str, Axis] = {}
    for axis in found:
        for key in axis.keys:
            other = owner.setdefault(key, axis)
            if other is not axis and not (axis.when or other.when):
                raise StudyError(
                    f"study.factors.{axis.name}: {key} belongs to the factor {other.name} already"
                )
