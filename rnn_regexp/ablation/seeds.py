"""How many seeds a study has: a number, a list, or looks that add seeds while verdicts are open."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rnn_regexp.ablation.description import StudyError
from rnn_regexp.ablation.factors import unknown_word

_FORMS = "a number, a list of seeds, or {start: 5, max: 30, step: 5}"
MOST = 1_000_000
WORDS = ("start", "max", "step", "stop")
VERDICT, HALF_WIDTH = "verdict", "half_width"


@dataclass(frozen=True)
class SeedRule:
    """The seeds of a study in the order of their use, and how many of them each look has."""

    values: tuple[int, ...]
    looks: tuple[int, ...]  # increasing; one look where the number is fixed
    stop: Mapping[str, Any] = field(default_factory=dict)  # {} for a verdict, {half_width: 0.01}

    @property
    def sequential(self) -> bool:
        return len(self.looks) > 1


def seed_rule(given: Any, first: int) -> SeedRule:
    """The rule that ``study.seeds`` states; numbered seeds count from ``first``.

    Raises ``StudyError`` with one line.
    """
    if isinstance(given, Mapping):
        return _sequential(given, first)
    if isinstance(given, (list, tuple)):
        return _listed(list(given))
    if not _whole(given) or not 1 <= given <= MOST:
        raise StudyError(f"study.seeds must be {_FORMS}, got {given!r}")
    return SeedRule(tuple(range(first, first + given)), (given,))


def fewest_seeds(contrasts: int, alpha: float) -> int:
    """Seeds below which no sign-flip test can pass Holm's correction over ``contrasts``.

    Its smallest two-sided p-value is 2 / 2^n; the correction wants alpha / contrasts.
    """
    return max(2, math.ceil(round(math.log2(2 * contrasts / alpha), 9)))


def _listed(given: list[Any]) -> SeedRule:
    if not given or not all(_whole(seed) and 0 <= seed <= 10**18 for seed in given):
        raise StudyError(f"study.seeds: a list of whole numbers from 0 is wanted, got {given}")
    if len(set(given)) < len(given):
        twice = next(seed for seed in given if given.count(seed) > 1)
        raise StudyError(f"study.seeds: {twice} stands there twice")
    return SeedRule(tuple(given), (len(given),))


def _sequential(given: Mapping[str, Any], first: int) -> SeedRule:
    for word in given:
        if word not in WORDS:
            raise StudyError(unknown_word(f"study.seeds.{word}", str(word), WORDS))
    start = _number(given, "start", 2)
    last = _number(given, "max", start)
    step = _number({"step": start} | dict(given), "step", 1)
    looks = (*range(start, last, step), last)
    return SeedRule(tuple(range(first, first + last)), looks, _stop(given.get("stop")))


def _stop(given: Any) -> dict[str, Any]:
    if given is None or given == VERDICT:
        return {}
    width = given.get(HALF_WIDTH) if isinstance(given, Mapping) and len(given) == 1 else None
    if not isinstance(width, (int, float)) or not 0 < width < math.inf:
        raise StudyError(
            f"study.seeds.stop must be {VERDICT} or {{{HALF_WIDTH}: a number above 0}}, got {given}"
        )
    return {HALF_WIDTH: float(width)}


def _number(given: Mapping[str, Any], word: str, least: int) -> int:
    value: Any = given.get(word)
    if not _whole(value) or not least <= value <= MOST:
        raise StudyError(
            f"study.seeds.{word} must be a whole number from {least} to {MOST}, got {value}"
        )
    return int(value)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
