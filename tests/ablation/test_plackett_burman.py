"""Screening designs against Plackett and Burman's published generators, and orthogonality."""

import numpy as np
import pytest
from scipy.linalg import hadamard

from rnn_regexp.ablation.description import StudyError
from rnn_regexp.ablation.plackett_burman import rows, size

GENERATORS = {  # Plackett & Burman 1946
    12: "++-+++---+-",
    20: "++--++++-+-+----++-",
    24: "+++++-+-++--++--+-+----",
}


@pytest.mark.parametrize("runs", GENERATORS)
def test_the_published_generators(runs: int) -> None:
    generator = [1 if own == "+" else -1 for own in GENERATORS[runs]]
    published = {tuple(np.roll(generator, shift)) for shift in range(runs - 1)}
    published.add((-1,) * (runs - 1))
    turned = {tuple(-own for own in row) for row in rows(runs - 1)}
    assert turned == published


@pytest.mark.parametrize("runs", [16, 64])
def test_powers_of_two_are_sylvesters_matrices(runs: int) -> None:
    found = sorted(rows(runs - 1))
    assert found == sorted(map(tuple, hadamard(runs)[:, 1:].tolist()))


@pytest.mark.parametrize("factors", [2, 3, 7, 11, 13, 19, 27, 43, 47, 100])
def test_columns_are_orthogonal_and_one_row_is_the_baseline(factors: int) -> None:
    found = np.array(rows(factors))
    assert (found.T @ found == len(found) * np.eye(factors)).all()
    assert (found.sum(axis=0) == 0).all()
    assert (found == 1).all(axis=1).sum() >= 1


def test_sizes() -> None:
    assert [size(k) for k in (3, 4, 7, 8, 11, 12, 19, 20, 23, 24)] == [
        4, 8, 8, 12, 12, 16, 20, 24, 24, 32,
    ]  # fmt: skip
    with pytest.raises(StudyError, match="takes at most 127 factors, got 128"):
        size(128)
