"""Combinations of levels by chance: at random, and as a Latin hypercube. Rows hold level numbers.

The draws depend on the sizes and the number asked for alone, so a study that is continued draws
the same.
"""

import math
import random
from collections.abc import Sequence

_SEED = 0


def random_cells(sizes: Sequence[int], count: int) -> list[list[int]]:
    """``count`` distinct combinations of levels, or all where there are not more."""
    total = math.prod(sizes)
    numbers = random.Random(_SEED).sample(range(total), min(count, total))
    return [_digits(number, sizes) for number in numbers]


def latin_hypercube(sizes: Sequence[int], count: int) -> list[list[int]]:
    """``count`` combinations in which a factor's levels occur equally often, or nearly so.

    McKay, Beckman & Conover 1979, with permutations that lower the centred discrepancy; a level is
    an equal share of the unit interval.
    """
    from scipy.stats import qmc

    drawn = qmc.LatinHypercube(len(sizes), optimization="random-cd", rng=_SEED).random(count)
    return [[int(u * size) for u, size in zip(row, sizes, strict=True)] for row in drawn]


def halton(dimensions: int, count: int) -> list[list[float]]:
    """``count`` points that fill the unit cube evenly: scrambled Halton (Owen 2017)."""
    from scipy.stats import qmc

    points: list[list[float]] = qmc.Halton(dimensions, rng=_SEED).random(count).tolist()
    return points


def _digits(number: int, sizes: Sequence[int]) -> list[int]:
    """The levels of the combination with this number, the last factor counting fastest."""
    digits = []
    for size in reversed(sizes):
        number, digit = divmod(number, size)
        digits.append(digit)
    return digits[::-1]
