"""Words of the command line, checked before Hydra composes them: all problems show at once."""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from rnn_regexp.ablation.factors import Factor
from rnn_regexp.ablation.seeds import WORDS as SEED_WORDS
from rnn_regexp.config.border import keys, problems
from rnn_regexp.config.complaints import (
    ConfigError,
    in_one_line,
    one_line,
    suggestion,
    unknown,
    wrong_type,
)
from rnn_regexp.config.schema import CONF, register_schemas
from rnn_regexp.fields import names
from rnn_regexp.tracking import credentials

OPTIONAL = ("study", "experiment")  # groups of which no choice need be taken
OPEN = "study.factors."  # names of the user's own making stand here
# More such places; what may stand in them is for the study, or for sbatch, to say.
FREE = (OPEN, "study.compare.", "study.nuisance.", "study.seeds.", "executor.options.")
_ONE_VALUE = "one value is wanted here; `train -m` takes several, and so does a factor of a study"
Value = Any


@dataclass(frozen=True)
class Places:
    """The folders in which choices are looked up: the user's own, then the project's."""

    extra: tuple[Path, ...] = ()

    def groups(self) -> set[str]:
        return {
            folder.name for root in self._roots() for folder in root.iterdir() if folder.is_dir()
        }

    def choices(self, group: str) -> list[str]:
        return sorted(
            {file.stem for root in self._roots() for file in (root / group).glob("*.yaml")}
        )

    def compose(self, words: Iterable[str]) -> DictConfig:
        """The configuration for words already known to be sound.

        Raises ``ConfigError`` with one line where Hydra breaks on a file of the user's own.
        """
        words = list(words)
        try:
            return self._compose(words)
        except (AssertionError, AttributeError, KeyError, TypeError, RecursionError) as error:
            if not self.extra:
                raise
            where, why = ", ".join(map(str, self.extra)), one_line(error) or "no reason given"
            raise ConfigError(
                [f"{' '.join(words)}: Hydra cannot compose this with what is in {where} ({why})"]
            ) from None

    def _compose(self, words: list[str]) -> DictConfig:
        path = ",".join(f"file://{folder.resolve()}" for folder in self.extra)
        search = [f"hydra.searchpath=[{path}]"] if path else []
        with _alone(), initialize_config_dir(str(CONF), version_base="1.3"):
            register_schemas()
            return compose("config", overrides=[*words, *search])

    def _roots(self) -> tuple[Path, ...]:
        return (*self.extra, CONF)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Set aside the Hydra that runs the application: composing needs the one global instance."""
    instance = GlobalHydra.instance()
    running, instance.hydra = instance.hydra, None
    try:
        yield
    finally:
        instance.hydra = running


def refuse_credentials(words: list[str]) -> None:
    """Raise ``ConfigError`` for names and passwords, before a message or a file repeats a word."""
    typed = [word.partition("=")[0].lstrip("+~") for word in words]
    pairs = zip(typed, words, strict=True)
    if told := [line for key, word in pairs for line in credentials.problems(key, word)]:
        raise ConfigError(told)


@in_one_line()
def check(words: list[str], places: Places, sweeps: bool) -> list[DictConfig]:
    """Refuse words that name an unknown key, group or choice, or a value of wrong type or range.

    ``sweeps``: whether several values for one key are allowed.  Returns the configuration, or
    one for each swept choice.  Raises ``ConfigError`` with one line for each problem.
    """
    overrides = list(_parse(words))
    swept = [own.input_line for own in overrides if own.is_sweep_override() and not sweeps]
    if swept:
        raise ConfigError(f"{line}: {_ONE_VALUE}" for line in swept)
    groups = places.groups()
    chosen = [own for own in overrides if own.key_or_group in groups]
    if wrong := [line for own in chosen for line in _wrong_choices(own, places)]:
        raise ConfigError(wrong)
    composed = _composed(chosen, places)
    settings = [own for own in overrides if own.key_or_group not in groups]
    wrong = [line for own in settings for line in _wrong_setting(own, composed)]
    if wrong := [*wrong, *(line for one in composed for line in problems(one))]:
        raise ConfigError(wrong)
    return composed


def _parse(words: list[str]) -> Iterator[Override]:
    parser = OverridesParser.create()
    for word in words:
        try:
            own = parser.parse_override(word)
        except HydraException:
            raise ConfigError([f"cannot read {word!r}: expected key=value"]) from None
        if not own.key_or_group.startswith("hydra"):
            yield own


def _values(override: Override) -> list[Value]:
    """The value of an override, or those it sweeps over."""
    if override.is_sweep_override():
        return list(override.sweep_iterator()) if override.is_discrete_sweep() else []
    return [override.value()]


def _wrong_choices(override: Override, places: Places) -> Iterator[str]:
    group, allowed = override.key_or_group, places.choices(override.key_or_group)
    for value in _values(override):
        for choice in value if isinstance(value, list) else [value]:
            if str(choice) not in allowed and not _leaves_out(override, choice):
                named = "null" if choice is None else choice
                yield (
                    f"{group}={named}: no such choice (allowed: {', '.join(allowed)})"
                    f"{suggestion(choice, allowed)}"
                )


def _leaves_out(override: Override, choice: Value) -> bool:
    """Whether ``~group`` stands for a group that need not be there."""
    return choice is None and override.is_delete() and override.key_or_group in OPTIONAL


def _composed(chosen: list[Override], places: Places) -> list[DictConfig]:
    """The configuration with the chosen groups; with swept groups, one for each of their values."""
    plain = [own.input_line or "" for own in chosen if not own.is_sweep_override()]
    swept = [own for own in chosen if own.is_sweep_override()]
    options = [[*_lines(own)] for own in swept]
    first = [own[0] for own in options if own]
    variants = [[line] + [f for f in first if f not in own] for own in options for line in own]
    try:
        return [places.compose([*plain, *words]) for words in (variants or [[]])]
    except ValueError as error:  # of Hydra, which takes ~group=[...] for one
        raise ConfigError([one_line(error)]) from None


def _lines(override: Override) -> Iterator[str]:
    for value in override.sweep_string_iterator():
        yield f"{override.key_or_group}={value}"


def _wrong_setting(override: Override, composed: list[DictConfig]) -> list[str]:
    """What is wrong with a setting; it is set in the configurations that know its key."""
    key = override.key_or_group
    if override.is_delete():
        return [
            f"~{key}: settings cannot be deleted; leave a regularizer out of regularizers=[...]"
        ]
    known = [one for one in composed if key in _allowed(one) or _joins(override, one)]
    if not known:
        return [_unknown_setting(key, composed)]
    if override.is_add() and any(_stands(key, one) for one in known):
        return [f"+{key} is there already: without the +, or with ++, it is changed"]
    return [line for value in _values(override) for line in _wrong_value(key, value, known)]


def _stands(key: str, composed: DictConfig) -> bool:
    parent, _, name = key.rpartition(".")
    there = OmegaConf.select(composed, parent) if parent else composed
    return OmegaConf.is_dict(there) and name in there


def _joins(override: Override, composed: DictConfig) -> bool:
    """Whether an override adds to a study's open places, or changes what is there."""
    key = override.key_or_group
    if not key.startswith(FREE):
        return False
    there = OmegaConf.select(composed, key, default=None) is not None
    return there or override.is_add() or override.is_force_add() or _fills(key, composed)


def _fills(key: str, composed: DictConfig) -> bool:
    """Whether a key is a field of a factor that is there, or a word of its rule for seeds."""
    parent, _, word = key.rpartition(".")
    there = OmegaConf.is_dict(OmegaConf.select(composed, parent, default=None))
    if parent == "study.seeds":
        return there and word in SEED_WORDS
    return there and parent.startswith(OPEN) and parent.count(".") == 2 and word in names(Factor)


def _opens(override: Override) -> bool:
    """Whether an override gives names to one of a study's open places as a whole."""
    return f"{override.key_or_group}." in FREE and isinstance(override.value(), dict)


def spelled_out(words: list[str], composed: DictConfig) -> list[str]:
    """The words as Hydra wants them: ``++`` before a field that a study leaves unset."""
    filled = {
        own.input_line
        for own in _parse(words)
        if own.type is OverrideType.CHANGE and (_fills(own.key_or_group, composed) or _opens(own))
    }
    return [f"++{word}" if word in filled else word for word in words]


def _unknown_setting(key: str, composed: list[DictConfig]) -> str:
    if key.startswith(OPEN):
        name, _, word = key.removeprefix(OPEN).partition(".")
        if word and OmegaConf.select(composed[0], OPEN + name) is not None:
            return unknown(key, [f"{OPEN}{name}.{own}" for own in names(Factor)])
        return f"unknown key {key} (to add a factor: +{OPEN}{name}={{key: ..., levels: [...]}})"
    if key.startswith(FREE):
        return f"unknown key {key} (to add it: +{key}=...)"
    group, _, name = key.partition(".")
    technique = name.partition(".")[0]
    if group == "regularizers" and technique in Places().choices(group):
        chosen = ",".join(composed[0].regularizers)
        return f"unknown key {key} ({technique} is not in regularizers=[{chosen}])"
    return unknown(key, {own for one in composed for own in _allowed(one)})


def _allowed(composed: DictConfig) -> set[str]:
    return set(keys(composed))


def _wrong_value(key: str, value: Value, composed: list[DictConfig]) -> list[str]:
    try:
        for one in composed:
            OmegaConf.update(one, key, value, force_add=f"{key}.".startswith(FREE))
    except OmegaConfBaseException as error:
        return [wrong_type(key, value, error)]
    return []
