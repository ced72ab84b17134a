"""One variance for the factors of a factorial design, or none where they do not vary alike."""

import itertools

import numpy as np
import pytest

from rnn_regexp.ablation.spread import pooled
from rnn_regexp.ablation.stars import Star, common_scale

SIGNS = np.array(list(itertools.product((-1.0, 1.0), repeat=4)))  # 16 cells of 2^4


def effects(rng, studies: int, seeds: int, wobble: float = 0.0) -> np.ndarray:
    """Each seed's four main effects; the first varies from seed to seed by ``wobble`` besides."""
    runs = rng.normal(size=(studies, seeds, 16))
    return runs @ SIGNS / 8 + wobble * rng.normal(size=(studies, seeds, 1)) * np.eye(4)[0]


def stars() -> list[Star]:
    return [Star(np.array([c]), pairs=8) for c in range(4)]


def test_one_star_is_its_own_pool():
    table = np.random.default_rng(1).normal(size=(5, 4))
    one, many = pooled(table), common_scale(table, [Star(np.arange(4))])
    np.testing.assert_allclose(many.variance, one.variance)
    np.testing.assert_allclose(many.df, one.df)
    np.testing.assert_array_equal(many.fits, one.fits)


def test_two_level_factors_pool_their_variances_and_degrees_of_freedom():
    table = effects(np.random.default_rng(2), 1, 6)[0]
    variances = table.var(axis=0, ddof=1)
    table *= np.sqrt(np.array([0.2, 0.25, 0.3, 0.35]) / variances)  # near enough to each other
    variances = table.var(axis=0, ddof=1)
    found = common_scale(table, stars())
    np.testing.assert_allclose(found.variance, variances.mean())
    df = variances.sum() ** 2 / (variances**2 / 5).sum()
    np.testing.assert_allclose(found.df, df)
    np.testing.assert_allclose(found.tail_df, min(df, 20))


def test_stars_of_different_size_are_brought_to_one_scale():
    rng = np.random.default_rng(3)
    table = rng.normal(size=(3000, 5, 3)) * np.sqrt([2 / 8, 2 / 8, 2 / 2])
    found = common_scale(
        table, [Star(np.array([0]), 8), Star(np.array([1]), 8), Star(np.array([2]), 2)]
    )
    np.testing.assert_allclose(found.variance.mean(axis=0), [0.25, 0.25, 1.0], rtol=0.06)


def test_a_factor_whose_effect_varies_with_the_seed_does_not_fit():
    found = common_scale(effects(np.random.default_rng(4), 1000, 6, wobble=2.0), stars())
    assert found.fits[:, 0].mean() < 0.05
    calm = common_scale(effects(np.random.default_rng(5), 1000, 6), stars())
    assert calm.fits.mean() == pytest.approx(0.9, abs=0.03)


def test_a_factor_without_any_spread_is_left_out():
    table = effects(np.random.default_rng(6), 1, 6)[0]
    table[:, 2] = 0.5
    found = common_scale(table, stars())
    assert not found.fits[2]
    others = table[:, [0, 1, 3]].var(axis=0, ddof=1).mean()
    assert found.variance[0] == pytest.approx(others)
