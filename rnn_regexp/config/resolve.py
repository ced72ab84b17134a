"""A study's settings turned into experiments, through the same schemas as the command line.

Composing costs a tenth of a second, so each choice of a group is composed once, each value is
checked and converted once, and experiments are put together from these parts.
"""

import copy
import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from rnn_regexp import fields
from rnn_regexp.ablation.description import StudyError
from rnn_regexp.ablation.levels import NEUTRAL
from rnn_regexp.ablation.study import Study
from rnn_regexp.config.border import keys, out_of_range, to_config
from rnn_regexp.config.complaints import (
    ConfigError,
    one_line,
    suggestion,
    unknown,
    wrong_type,
)
from rnn_regexp.config.overrides import Places
from rnn_regexp.experiment import Experiment

PARTS = tuple(fields.names(Experiment))
Groups = Mapping[str, Any]  # group -> choice, or list of choices


@dataclasses.dataclass(frozen=True)
class _Template:
    """A composed configuration without the study itself."""

    composed: DictConfig
    known: frozenset[str]  # its keys
    experiment: Experiment
    linked: bool  # whether a value refers to another, so that none can be changed alone


class Resolver:
    """Experiments that differ from the command line's in the settings of a study."""

    def __init__(self, words: list[str], places: Places) -> None:
        self.words, self.places = words, places
        self.groups = places.groups()
        self._templates: dict[tuple[str, ...], _Template] = {}
        self._values: dict[tuple[str, ...], Any] = {}

    def __call__(self, settings: Mapping[str, Any]) -> Experiment:
        """The experiment with ``settings`` (dotted key or group -> value).

        Raises ``StudyError`` for a key that does not exist or a value that does not fit it.
        """
        groups = {key: value for key, value in settings.items() if key in self.groups}
        values = {key: value for key, value in settings.items() if key not in groups}
        if self._template({}).linked:
            return self._composed(groups, values)
        experiment = self._assembled(groups)
        try:
            for key, value in values.items():
                experiment = fields.replaced(experiment, key, self._value(groups, key, value))
        except ValueError as error:
            raise StudyError(str(error)) from None
        return experiment

    def _assembled(self, groups: Groups) -> Experiment:
        """The base experiment with these choices, each composed by itself where it stands alone."""
        base = self._template({}).experiment
        experiment = base
        for group, choice in groups.items():
            own = self._template({group: choice}).experiment
            changed = [part for part in PARTS if getattr(own, part) != getattr(base, part)]
            if changed not in ([], [group]):
                return self._template(groups).experiment
            if changed:
                experiment = dataclasses.replace(experiment, **{group: getattr(own, group)})
        return experiment

    def _value(self, groups: Groups, key: str, value: Any) -> Any:
        """A value as its field has it, checked under the choices it depends on."""
        own = {group: choice for group, choice in groups.items() if group == key.split(".")[0]}
        known = (*_words(own), key, repr(value))
        if known not in self._values:
            composed = self._set(self._template(own), {key: value})
            found = OmegaConf.select(composed, key)
            plain = OmegaConf.to_object(found) if OmegaConf.is_config(found) else found
            self._values[known] = plain
        return self._values[known]

    def _composed(self, groups: Groups, values: Mapping[str, Any]) -> Experiment:
        return to_config(self._set(self._template(groups), values)).experiment()

    def _set(self, template: _Template, values: Mapping[str, Any]) -> DictConfig:
        composed = copy.deepcopy(template.composed)
        for key, value in values.items():
            _set(composed, key, value, template.known)
        problems = list(out_of_range(composed))
        if problems:
            raise StudyError("\n".join(problems))
        return composed

    def _template(self, groups: Groups) -> _Template:
        words = _words(groups)
        if words not in self._templates:
            for group, choice in groups.items():
                self._refuse_unknown(group, choice)
            self._templates[words] = self._make(words)
        return self._templates[words]

    def _make(self, words: tuple[str, ...]) -> _Template:
        try:
            composed = self.places.compose([*self.words, *words])
            composed.study = Study()
            linked = "${" in OmegaConf.to_yaml(composed)
            experiment = to_config(composed).experiment()
        except (HydraException, OmegaConfBaseException) as error:
            raise StudyError(_misfit(" ".join(words), one_line(error))) from None
        except ConfigError as error:
            raise StudyError(str(error)) from None
        return _Template(composed, frozenset(keys(composed)), experiment, linked)

    def _refuse_unknown(self, group: str, value: Any) -> None:
        allowed = self.places.choices(group)
        for choice in value if isinstance(value, (list, tuple)) else [value]:
            if choice not in allowed:
                raise StudyError(
                    f"{group}={choice}: no such choice (allowed: {', '.join(allowed)})"
                    f"{suggestion(choice, allowed)}"
                )


def _misfit(choices: str, error: str) -> str:
    """Why choices do not go with the words of the command."""
    if key := re.search("Could not override '(.*?)'", error):
        return f"{choices} has no {key[1]}, which is set for all variants"
    return f"{choices}: {error}"


def _words(groups: Groups) -> tuple[str, ...]:
    return tuple(f"{group}={_choice(value)}" for group, value in groups.items())


def _choice(value: Any) -> str:
    return f"[{','.join(map(str, value))}]" if isinstance(value, (list, tuple)) else str(value)


def _set(composed: DictConfig, key: str, value: Any, known: frozenset[str]) -> None:
    if key not in known:
        raise StudyError(unknown(key, known))
    if key.split(".")[0] not in PARTS:
        raise StudyError(f"{key} is no part of an experiment: it cannot change a result")
    if key == "seed":
        raise StudyError("seed: the seeds of a study are its blocks, set by study.seeds")
    if value is None or value == NEUTRAL:
        value = _neutral(composed, key, value)
    try:
        OmegaConf.update(composed, key, value)
    except OmegaConfBaseException as error:
        raise StudyError(wrong_type(key, value, error)) from None


def _neutral(composed: DictConfig, key: str, value: Any) -> Any:
    """The class default of a regularizer's strength; other settings have no neutral value."""
    parent, _, name = key.rpartition(".")
    settings: Any = OmegaConf.get_type(OmegaConf.select(composed, parent))
    if not dataclasses.is_dataclass(settings):
        return value
    own = next(own for own in dataclasses.fields(settings) if own.name == name)
    return own.default if own.metadata.get(fields.STRENGTH) else value


def read(experiment: Experiment, key: str) -> Any:
    """The value of a dotted key, or the name of a group's choice, in an experiment."""
    value: Any = experiment
    for name in key.split("."):
        value = value[name] if isinstance(value, dict) else getattr(value, name)
    if isinstance(value, dict):
        return tuple(value)
    named = dataclasses.is_dataclass(value) and not isinstance(value, type)
    return fields.snake_case(type(value).__name__) if named else value
