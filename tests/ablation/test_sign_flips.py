"""The sign-flip test against SciPy's permutation test and against its definition, by hand."""

import itertools

import numpy as np
import pytest
from scipy import stats

from rnn_regexp.ablation.sign_flips import FLIPS, enough, patterns, sign_flips

NAN = np.nan


def t_of(column: np.ndarray) -> float:
    own = column[~np.isnan(column)]
    return abs(own.mean()) / own.std(ddof=1) * np.sqrt(len(own))


def by_definition(table: np.ndarray) -> np.ndarray:
    """Westfall and Young's step-down p-values, one pattern of signs after another."""
    observed = np.array([t_of(column) for column in table.T])
    order = np.argsort(-observed)
    flips = [
        table * np.array(signs)[:, None] for signs in itertools.product((1, -1), repeat=len(table))
    ]
    t = np.array([[t_of(column) for column in own.T] for own in flips])
    raw = [np.mean(t[:, order[i:]].max(axis=1) >= observed[c] - 1e-9) for i, c in enumerate(order)]
    found = np.empty(len(order))
    found[order] = np.maximum.accumulate(raw)
    return found


@pytest.mark.parametrize("missing", [0, 2])
def test_is_its_definition(missing):
    rng = np.random.default_rng(missing)
    for _ in range(30):
        table = rng.normal(rng.normal(0, 0.7, 4), 1, (7, 4))
        table[:missing, 1] = NAN  # contrasts with fewer seeds are compared by their t
        np.testing.assert_allclose(sign_flips(table), by_definition(table))


def test_one_contrast_is_scipys_permutation_test():
    own = np.random.default_rng(6).normal(0.6, 1, 9)
    oracle = stats.permutation_test(
        (own,), np.mean, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
    )
    assert sign_flips(own[:, None]).item() == pytest.approx(oracle.pvalue)


def test_tables_that_stand_together_are_separate():
    tables = np.random.default_rng(7).normal(size=(3, 8, 2))
    together = sign_flips(tables)
    for i, table in enumerate(tables):
        np.testing.assert_array_equal(together[i], sign_flips(table))


def test_rejects_as_often_as_it_says_however_unequal_the_variances():
    rng = np.random.default_rng(8)
    tables = rng.standard_t(3, (2000, 9, 5)) * np.geomspace(0.1, 10, 5) + rng.normal(
        size=(2000, 9, 1)
    )
    any_rejected = (sign_flips(tables) < 0.05).any(axis=1).mean()
    assert any_rejected == pytest.approx(0.05, abs=0.015)  # 3 standard errors


def test_many_seeds_take_a_sample_that_has_the_observed_signs():
    assert len(patterns(11)) == 1024
    drawn = patterns(20)
    assert drawn.shape == (FLIPS, 20)
    assert (drawn[0] == 1).all()
    assert set(np.unique(drawn)) == {-1, 1}
    strong = np.full((20, 1), 3.0) + np.random.default_rng(9).normal(size=(20, 1))
    assert sign_flips(strong).item() == pytest.approx(1 / FLIPS, abs=1 / FLIPS)


def test_what_cannot_be_tested_has_no_p_value():
    table = np.array([[1.0, NAN, 0.5], [1.0, 2.0, -0.1], [1.0, NAN, 0.2]])
    found = sign_flips(table)
    assert np.isnan(found[:2]).all()
    assert 0 < found[2] <= 1


def test_seeds_are_enough_when_the_least_p_value_is_well_below_alpha():
    assert [enough(seeds, 0.05) for seeds in (6, 7, 8)] == [False, False, True]
    assert not enough(8, 0.01)
