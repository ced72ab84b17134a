"""Plackett and Burman's screening designs: N runs for up to N - 1 factors of two levels."""

from collections.abc import Iterator
from functools import cache

from rnn_regexp.ablation.description import StudyError

LARGEST = 128  # runs


def size(factors: int) -> int:
    """The number of runs N > ``factors``: the least power of 2, or multiple of 4 behind a prime.

    Raises ``StudyError`` above ``LARGEST - 1`` factors.
    """
    for runs in range(4, LARGEST + 1, 4):
        if runs > factors and (_power_of_two(runs) or _prime(runs - 1)):
            return runs
    raise StudyError(
        f"study.design=plackett_burman takes at most {LARGEST - 1} factors, got {factors}"
    )


def rows(factors: int) -> list[tuple[int, ...]]:
    """Signs, one row a run and one column a factor, any two columns orthogonal; one row is all +.

    Where N - 1 is a prime q = 3 mod 4: the cyclic design whose generator is + at the quadratic
    residues of q (Plackett & Burman 1946, Biometrika 33; Paley 1933), with all signs turned.
    Else a Hadamard matrix of Sylvester's.
    """
    runs = size(factors)
    made = _cyclic(runs - 1) if _prime(runs - 1) else _sylvester(runs)
    return [row[:factors] for row in made]


def _cyclic(q: int) -> Iterator[tuple[int, ...]]:
    residues = {i * i % q for i in range(q)}  # 0 among them
    yield (1,) * q
    for shift in range(q):
        yield tuple(-1 if (column - shift) % q in residues else 1 for column in range(q))


def _sylvester(runs: int) -> Iterator[tuple[int, ...]]:
    """H_ij = (-1)^(number of common bits of i and j), without the column of ones."""
    for i in range(runs):
        yield tuple(-1 if (i & j).bit_count() % 2 else 1 for j in range(1, runs))


def _power_of_two(number: int) -> bool:
    return number.bit_count() == 1


@cache
def _prime(number: int) -> bool:
    return number > 1 and all(number % d for d in range(2, int(number**0.5) + 1))
