"""Fractions against the published tables, and against the definitions."""

import itertools
import string

import numpy as np
import pytest

from rnn_regexp.ablation.description import StudyError
from rnn_regexp.ablation.fractional import Fraction, fraction, name, sign

# The usual tables of 2^(k-p) designs (Box, Hunter & Hunter 2005, chapter 6) and the catalogue of
# minimum aberration (Chen, Sun & Wu 1993): factors and resolution asked for; runs, resolution,
# number of words of length 3, 4, 5, ...
PUBLISHED = {
    (3, 3): (4, 3, [1]),
    (4, 4): (8, 4, [0, 1]),
    (5, 3): (8, 3, [2, 1]),
    (5, 4): (16, 5, [0, 0, 1]),
    (6, 3): (8, 3, [4, 3]),
    (6, 4): (16, 4, [0, 3]),
    (6, 5): (32, 6, [0, 0, 0, 1]),
    (7, 3): (8, 3, [7, 7, 0, 0, 1]),
    (7, 4): (16, 4, [0, 7]),
    (7, 5): (64, 7, [0, 0, 0, 0, 1]),
    (8, 4): (16, 4, [0, 14, 0, 0, 0, 1]),
    (8, 5): (64, 5, [0, 0, 2, 1]),
    (9, 3): (16, 3, [4, 14, 8, 0, 4, 1]),
    (9, 4): (32, 4, [0, 6, 8, 0, 0, 1]),
    (9, 5): (128, 6, [0, 0, 0, 3]),
    (10, 3): (16, 3, [8, 18, 16, 8, 8, 5]),
    (10, 4): (32, 4, [0, 10, 16, 0, 0, 5]),
    (11, 4): (32, 4, [0, 25, 0, 27, 0, 10, 0, 1]),
    (11, 5): (128, 5, [0, 0, 6, 6, 2, 1]),
    (15, 3): (16, 3, [35, 105, 168, 280, 435, 435, 280, 168, 105, 35, 0, 0, 1]),
}


@pytest.mark.parametrize("asked", PUBLISHED, ids=str)
def test_the_published_designs(asked: tuple[int, int]) -> None:
    runs, resolution, pattern = PUBLISHED[asked]
    found = fraction(*asked)
    lengths = [word.bit_count() for word in found.words()]
    counts = [lengths.count(length) for length in range(3, found.factors + 1)]
    assert (found.runs, found.resolution) == (runs, resolution)
    assert counts == pattern + [0] * (len(counts) - len(pattern))


def test_a_resolution_that_no_fraction_has_takes_all_combinations() -> None:
    assert fraction(3, 4) == Fraction(3)
    assert fraction(4, 5).resolution == 0
    assert len(fraction(4, 5).rows()) == 16


def test_a_fraction_that_would_be_too_large_is_refused() -> None:
    with pytest.raises(StudyError, match="12 factors at resolution V are more than"):
        fraction(12, 5)
    with pytest.raises(StudyError, match="16 factors at resolution III"):
        fraction(16, 3)


@pytest.mark.parametrize("asked", [(4, 4), (5, 3), (7, 3), (7, 4), (9, 4)], ids=str)
def test_aliases_are_the_columns_that_are_equal(asked: tuple[int, int]) -> None:
    """By the definition: two effects are aliases if their columns of products agree up to sign."""
    found = fraction(*asked)
    rows = -np.array(found.rows())  # + is changed
    letters = string.ascii_uppercase[: found.factors]
    effects = [sum(1 << i for i in own) for k in (1, 2) for own in _subsets(found.factors, k)]
    columns = {own: np.prod(rows[:, _members(own)], axis=1) for own in effects}
    for effect in effects:
        equal = {
            other: int(columns[effect] @ columns[other]) // found.runs
            for other in effects
            if other != effect and abs(columns[effect] @ columns[other]) == found.runs
        }
        aliases = {other: sign(effect ^ other) for other in found.aliases(effect)}
        assert aliases == equal, name(effect, letters, "")


def _subsets(count: int, size: int) -> list[tuple[int, ...]]:
    return list(itertools.combinations(range(count), size))


def _members(effect: int) -> list[int]:
    return [i for i in range(effect.bit_length()) if effect >> i & 1]


def test_names() -> None:
    assert name(0b101, ["dropout", "clip", "init"]) == "dropout:init"
