"""Regular two-level fractions 2^(k-p): generators, defining words, resolution, aliases.

An effect is a set of factors, written as an integer with one bit for each: 0b101 is the
interaction of the first factor with the third.  The product of two effects is their symmetric
difference, so a fraction's defining words form a group under ``^``.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rnn_regexp.ablation.description import StudyError

LARGEST, MOST = 128, 15  # runs, factors: beyond them the search is long and the design is not used
_PATIENCE = 10_000  # sets of generators looked at for one size and resolution
ROMAN = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X")


@dataclass(frozen=True)
class Fraction:
    """2^``basic`` runs; factor ``basic + i`` has the sign of the product in ``generators[i]``."""

    basic: int
    generators: tuple[int, ...] = ()

    @property
    def factors(self) -> int:
        return self.basic + len(self.generators)

    @property
    def runs(self) -> int:
        return 2**self.basic

    def words(self) -> list[int]:
        """The defining relation: effects that are constant over the runs, shortest first."""
        own = [g | 1 << (self.basic + i) for i, g in enumerate(self.generators)]
        found = [0]
        for word in own:
            found += [other ^ word for other in found]
        return sorted(found[1:], key=lambda word: (word.bit_count(), _letters(word)))

    @property
    def resolution(self) -> int:
        """The length of the shortest defining word; 0 for all combinations."""
        return min((word.bit_count() for word in self.words()), default=0)

    def rows(self) -> list[tuple[int, ...]]:
        """Signs, one row a run and one column a factor; the first row is all +."""
        return [self._row(signs) for signs in itertools.product((1, -1), repeat=self.basic)]

    def _row(self, signs: tuple[int, ...]) -> tuple[int, ...]:
        minus = sum(1 << i for i, sign in enumerate(signs) if sign < 0)
        odd = ((minus & generator).bit_count() % 2 for generator in self.generators)
        return (*signs, *(-1 if own else 1 for own in odd))

    def aliases(self, effect: int, order: int = 2) -> list[int]:
        """The effects of at most ``order`` factors that cannot be told from ``effect``."""
        found = (effect ^ word for word in self.words())
        return sorted((e for e in found if e.bit_count() <= order), key=_letters)


def fraction(factors: int, resolution: int) -> Fraction:
    """The smallest fraction of at least this resolution, of those the one of least aberration.

    Raises ``StudyError`` where it would have more than ``LARGEST`` runs or ``MOST`` factors.
    """
    for basic in range(1, factors if factors <= MOST else 0):
        if 2**basic > factors and (found := _best(basic, factors - basic, resolution)):
            return found
        if 2**basic >= LARGEST:
            break
    if factors < LARGEST.bit_length():
        return Fraction(factors)
    raise StudyError(
        f"study.design=fractional: {factors} factors at resolution {ROMAN[resolution]} are more"
        f" than {MOST} factors or {LARGEST} variants (study.resolution=3 asks for less, and"
        " study.design=plackett_burman screens)"
    )


def name(effect: int, factors: Sequence[str], separator: str = ":") -> str:
    """``dropout:clip`` for an interaction, ``dropout`` for a main effect."""
    return separator.join(factors[i] for i in _letters(effect))


def sign(word: int) -> int:
    """What a defining word equals where + means *changed*: the rows are coded the other way."""
    return -1 if word.bit_count() % 2 else 1


def _best(basic: int, more: int, least: int) -> Fraction | None:
    """Least aberration (Fries & Hunter 1980): fewest words of each length, the shortest first."""
    for resolution in range(basic + 1, least - 1, -1):
        found = itertools.islice(_fractions(basic, more, resolution), _PATIENCE)
        if best := min(found, key=_pattern, default=None):
            return best
    return None


def _fractions(basic: int, more: int, resolution: int) -> Iterator[Fraction]:
    """All sets of generators whose defining words have at least so many letters."""
    masks = (mask for mask in range(1, 2**basic) if mask.bit_count() >= resolution - 1)
    candidates = sorted(masks, key=lambda mask: (-mask.bit_count(), _letters(mask)))
    yield from _extended(Fraction(basic), [0], candidates, more, resolution)


def _extended(
    start: Fraction, group: list[int], candidates: list[int], more: int, resolution: int
) -> Iterator[Fraction]:
    if not more:
        yield start
        return
    for i, mask in enumerate(candidates[: len(candidates) - more + 1]):
        word = mask | 1 << start.factors
        new = [other ^ word for other in group]
        if all(own.bit_count() >= resolution for own in new):
            grown = Fraction(start.basic, (*start.generators, mask))
            yield from _extended(grown, group + new, candidates[i + 1 :], more - 1, resolution)


def _pattern(own: Fraction) -> list[int]:
    """The number of defining words of each length, from 1."""
    lengths = [word.bit_count() for word in own.words()]
    return [lengths.count(length) for length in range(1, own.factors + 1)]


def _letters(effect: int) -> list[int]:
    return [i for i in range(effect.bit_length()) if effect >> i & 1]
