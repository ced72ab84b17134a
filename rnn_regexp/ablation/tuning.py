"""Nuisance settings: the trials that every variant gets, and which of them each one keeps.

The same trials, on seeds of their own, for every variant: one stated budget (Dodge et al. 2019).
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rnn_regexp.ablation.description import StudyError
from rnn_regexp.ablation.factors import unknown_word
from rnn_regexp.ablation.levels import Read, Resolve
from rnn_regexp.ablation.sampling import halton
from rnn_regexp.ablation.seeds import SeedRule
from rnn_regexp.ablation.selection import Results, selection_metric, standing
from rnn_regexp.ablation.study import Study
from rnn_regexp.fields import label

_WORDS = ("low", "high", "scale")
_SCALES = ("linear", "log")
_DIGITS = 3  # of a value drawn from a range: as many as anybody would type


@dataclass(frozen=True)
class Trial:
    """One setting of the nuisance keys; ``labels`` as tables show it."""

    number: int  # from 1
    settings: Mapping[str, Any]
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Range:
    """The values of a nuisance key between two ends."""

    low: float
    high: float
    scale: str = "log"
    whole: bool = False

    def at(self, u: float) -> float:
        """The value at ``u`` in [0, 1), on the scale."""
        if self.scale == "log":
            value = math.exp(math.log(self.low) + u * math.log(self.high / self.low))
        else:
            value = self.low + u * (self.high - self.low)
        return round(value) if self.whole else float(f"{value:.{_DIGITS}g}")


Variants = Sequence[tuple[str, Mapping[str, Any]]]  # name, settings


def trials(
    study: Study, seeds: SeedRule, variants: Variants, resolve: Resolve, read: Read
) -> list[Trial]:
    """The trials of the study's nuisance settings, checked under every variant.

    Raises ``StudyError`` with one line for a key that is varied elsewhere or does not fit.
    """
    space = _space(study.nuisance, "")
    if not space:
        return []
    for key in space:
        if any(key in settings for _, settings in variants):
            raise StudyError(f"study.nuisance.{key}: a factor varies it")
    if used := set(tuning_seeds(study)) & set(seeds.values):
        raise StudyError(f"study.tuning.first_seed: seed {min(used)} is one of study.seeds")
    for key, own in space.items():
        if isinstance(own, Range) and _counts(key, variants[0][1], resolve, read):
            space[key] = replace(own, whole=True)
    found = [_typed(row, variants, resolve, read) for row in _rows(space, study.tuning.trials)]
    unique = {tuple(own.items()): own for own in found}.values()
    return [
        Trial(number, own, {key: label(value) for key, value in own.items()})
        for number, own in enumerate(unique, 1)
    ]


def tuning_seeds(study: Study) -> list[int]:
    """The seeds on which trials are judged."""
    return list(range(study.tuning.first_seed, study.tuning.first_seed + study.tuning.seeds))


def choose(study: Study, runs: Mapping[int, Sequence[str]], results: Results) -> int:
    """The number of the trial of one variant that stands best; the first of those that tie."""
    metric = selection_metric(study)
    return min(runs, key=lambda number: (*standing(runs[number], results, metric), number))


def at_the_edge(trials: Sequence[Trial], chosen: Mapping[str, Trial]) -> list[str]:
    """A line for each key whose chosen value is the smallest or the largest tried."""
    lines = []
    for key in trials[0].settings:
        tried = {trial.settings[key] for trial in trials if _number(trial.settings[key])}
        if len(tried) < 3:
            continue
        for value, word in ((min(tried), "smallest"), (max(tried), "largest")):
            names = [name for name, own in chosen.items() if own.settings[key] == value]
            if names:
                lines.append(
                    f"note: {key}={label(value)}, the {word} tried, is best for {_few(names)}"
                )
    return lines


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _space(given: Mapping[Any, Any], prefix: str) -> dict[str, list[Any] | Range]:
    """Values or range of each dotted key."""
    found: dict[str, list[Any] | Range] = {}
    for name, own in given.items():
        key = f"{prefix}{name}"
        if isinstance(own, Mapping) and not set(own) & set(_WORDS):
            found |= _space(own, f"{key}.")
        elif isinstance(own, Mapping):
            found[key] = _range(key, own)
        elif isinstance(own, list) and own:
            found[key] = own
        else:
            wanted = "a list of values or {low: ..., high: ..., scale: log}"
            raise StudyError(f"study.nuisance.{key} must be {wanted}, got {own!r}")
    return found


def _range(key: str, given: Mapping[str, Any]) -> Range:
    where = f"study.nuisance.{key}"
    for word in given:
        if word not in _WORDS:
            raise StudyError(unknown_word(f"{where}.{word}", str(word), _WORDS))
    own = Range(given.get("low", math.nan), given.get("high", math.nan), given.get("scale", "log"))
    if own.scale not in _SCALES:
        raise StudyError(f"{where}.scale must be one of {', '.join(_SCALES)}, got {own.scale}")
    if not all(isinstance(end, (int, float)) for end in (own.low, own.high)):
        raise StudyError(f"{where}: low and high must be numbers, got {own.low} and {own.high}")
    if not (own.low < own.high < math.inf) or (own.scale == "log" and own.low <= 0):
        above = "0 < low < high" if own.scale == "log" else "low < high"
        raise StudyError(f"{where}: {above} is wanted, got {own.low} and {own.high}")
    return own


def _rows(space: Mapping[str, list[Any] | Range], count: int | None) -> list[dict[str, Any]]:
    """Every combination of listed values, or ``count`` points spread evenly over the space."""
    lists = [own for own in space.values() if isinstance(own, list)]
    total = math.prod(map(len, lists)) if len(lists) == len(space) else None
    if total is not None and (count is None or count >= total):
        return [dict(zip(space, row, strict=True)) for row in itertools.product(*lists)]
    if count is None:
        raise StudyError("study.tuning.trials: not set (how many trials of the ranges to make)")
    return [
        {key: _at(own, u) for (key, own), u in zip(space.items(), point, strict=True)}
        for point in halton(len(space), count)
    ]


def _at(own: list[Any] | Range, u: float) -> Any:
    return own.at(u) if isinstance(own, Range) else own[int(u * len(own))]


def _typed(
    row: Mapping[str, Any], variants: Variants, resolve: Resolve, read: Read
) -> dict[str, Any]:
    """A trial's values as the configuration has them, tried under every variant."""
    found: dict[str, Any] = {}
    for name, settings in variants:
        try:
            experiment = resolve({**settings, **row})
        except StudyError as error:
            raise StudyError(f"study.nuisance, variant {name}: {error}") from None
        found = {k: read(experiment, k) if "." in k else v for k, v in row.items()}
    return found


def _counts(key: str, settings: Mapping[str, Any], resolve: Resolve, read: Read) -> bool:
    """Whether a setting takes whole numbers; False too where there is none, which shows later."""
    try:
        present = read(resolve(settings), key)
    except (AttributeError, KeyError):
        return False
    return _number(present) and isinstance(present, int)
