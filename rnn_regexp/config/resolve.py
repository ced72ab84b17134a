"""A study's settings turned into experiments, through the same schemas as the command line."""

import copy
import dataclasses
from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from rnn_regexp import fields
from rnn_regexp.ablation.description import StudyError
from rnn_regexp.ablation.study import Study
from rnn_regexp.config.border import ConfigError, keys, suggestion, to_config, unknown
from rnn_regexp.config.overrides import Places, wrong_type
from rnn_regexp.experiment import Experiment

NEUTRAL = "none"  # as a level: the technique's neutral value


class Resolver:
    """Experiments that differ from the command line's in the settings of a study."""

    def __init__(self, words: list[str], places: Places) -> None:
        self.words, self.places = words, places
        self.groups = places.groups()
        self._composed: dict[tuple[str, ...], tuple[DictConfig, set[str]]] = {}

    def __call__(self, settings: Mapping[str, Any]) -> Experiment:
        """The experiment with ``settings`` (dotted key or group -> value).

        Raises ``StudyError`` for a key that does not exist or a value that does not fit it.
        """
        groups = {key: value for key, value in settings.items() if key in self.groups}
        template, known = self._compose(groups)
        composed = copy.deepcopy(template)
        for key, value in settings.items():
            if key not in groups:
                _set(composed, key, value, known)
        try:
            return to_config(composed).experiment()
        except ConfigError as error:
            raise StudyError(str(error)) from None

    def _compose(self, groups: Mapping[str, Any]) -> tuple[DictConfig, set[str]]:
        """The configuration with these choices, without the study itself, and its keys."""
        words = tuple(f"{group}={_choice(value)}" for group, value in groups.items())
        if words not in self._composed:
            for group, value in groups.items():
                self._refuse_unknown(group, value)
            composed = self.places.compose([*self.words, *words])
            composed.study = Study()
            self._composed[words] = composed, set(keys(composed))
        return self._composed[words]

    def _refuse_unknown(self, group: str, value: Any) -> None:
        allowed = self.places.choices(group)
        for choice in value if isinstance(value, (list, tuple)) else [value]:
            if choice not in allowed:
                raise StudyError(
                    f"{group}={choice}: no such choice (allowed: {', '.join(allowed)})"
                    f"{suggestion(choice, allowed)}"
                )


def _choice(value: Any) -> str:
    return f"[{','.join(value)}]" if isinstance(value, (list, tuple)) else str(value)


def _set(composed: DictConfig, key: str, value: Any, known: set[str]) -> None:
    if key not in known:
        raise StudyError(unknown(key, known))
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
