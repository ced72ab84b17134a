"""The pooled variance: least squares by statsmodels, exact F tests by hand, and by simulation."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.formula.api import ols

from rnn_regexp.ablation.spread import CALM, SUSPECT, UNEQUAL, odd_ones, pooled, sweep, unequal

NAN = np.nan


def star(rng, studies: int, seeds: int, levels: int, deviation=1.0) -> np.ndarray:
    """Differences (studies, seeds, levels) of runs that have noise and nothing else."""
    runs = rng.normal(size=(studies, seeds, 1 + levels)) * np.broadcast_to(deviation, 1 + levels)
    return runs[..., 1:] - runs[..., :1]


def with_gaps() -> np.ndarray:
    table = np.random.default_rng(1).normal(size=(6, 5))
    table[[0, 1, 4], [2, 0, 4]] = NAN
    return table


def test_the_sweep_leaves_the_residuals_of_least_squares():
    table = with_gaps()
    rows, columns = np.indices(table.shape)
    long = pd.DataFrame({"y": table.ravel(), "s": rows.ravel(), "v": columns.ravel()}).dropna()
    oracle = ols("y ~ C(s) + C(v)", long).fit()
    residual, means = sweep(table)
    np.testing.assert_allclose(residual[~np.isnan(table)], oracle.resid, atol=1e-9)
    assert (residual[np.isnan(table)] == 0).all()
    effects = np.array([0.0, *oracle.params.filter(like="C(s)")])
    np.testing.assert_allclose(means - means.mean(), effects - effects.mean(), atol=1e-9)


def test_the_variance_adds_the_seeds_part_and_the_residual():
    table = star(np.random.default_rng(12), 1, 5, 4)[0]
    assert not odd_ones(table)[1].any()
    means = table.mean(axis=1)
    rest = table - table.mean(axis=0) - means[:, None] + means.mean()
    m, e = means.var(ddof=1), (rest**2).sum() / (4 * 3)
    found = pooled(table)
    assert found.variance == pytest.approx(m + 0.75 * e)
    satterthwaite = (m + 0.75 * e) ** 2 / (m**2 / 4 + (0.75 * e) ** 2 / 12)
    assert found.df == pytest.approx(satterthwaite)
    assert found.most_df == pytest.approx(4 / (1.25**2 / 4 + 0.75**2 / 12))
    assert found.correlation == pytest.approx(np.clip((m - e / 4) / (m + 0.75 * e), 0, 0.5))


@pytest.mark.parametrize("baseline", [0.3, 1.0, 3.0])
def test_the_variance_is_that_of_a_difference_whatever_the_baselines_is(baseline):
    """Or a little more: a contrast that varies less, by chance, is kept out of the pool."""
    tables = star(np.random.default_rng(3), 4000, 4, 6, np.array([baseline, *[1.0] * 6]))
    ratio = pooled(tables).variance.mean() / (baseline**2 + 1)
    assert 0.97 < ratio < 1.13


def test_one_level_has_its_own_variance():
    own = np.array([0.1, 0.4, 0.2, 0.7])[:, None]
    found = pooled(own)
    assert found.variance == pytest.approx(own.var(ddof=1))
    assert found.df == found.most_df == 3
    assert found.fits.all()


def test_missing_runs_keep_the_variance_unbiased():
    rng = np.random.default_rng(4)
    tables = star(rng, 3000, 6, 5)
    tables[rng.random(tables.shape) < 0.2] = NAN
    assert pooled(tables).variance.mean() == pytest.approx(2, rel=0.05)


def test_without_two_seeds_there_is_no_variance():
    found = pooled(np.array([[0.3, 0.5]]))
    assert np.isnan(found.df)
    assert np.isnan(found.variance)


@pytest.mark.parametrize("levels", [2, 3, 13])
def test_the_tests_of_odd_ones_err_as_often_as_they_say(levels):
    suspect, calm, twin = odd_ones(star(np.random.default_rng(5), 4000, 5, levels))
    assert SUSPECT - 0.02 < suspect.mean() < 2 * SUSPECT  # two tests, positively related
    assert calm.mean() == pytest.approx(CALM, abs=0.01)
    assert twin.any(axis=1).mean() < 0.004


def direction_p_value(runs: np.ndarray, direction: np.ndarray) -> float:
    """The F test that a unit direction, at right angles to the mean, has more than its share."""
    seeds, variants = runs.shape
    centred = runs - runs.mean(axis=0)
    centred -= centred.mean(axis=1, keepdims=True)
    own = ((centred @ direction) ** 2).sum()
    rest = ((centred**2).sum() - own) / (variants - 2)
    return stats.f.sf(own / rest, seeds - 1, (seeds - 1) * (variants - 2))


def test_levels_and_contrasts_are_judged_by_their_share_of_the_residual():
    tables = star(np.random.default_rng(6), 60, 6, 3, np.array([1, 1, 1.5, 2.5]))
    suspect = odd_ones(tables)[0]
    for table, found in zip(tables, suspect):
        runs = np.concatenate([np.zeros((6, 1)), table], axis=1)
        unit = np.eye(4)
        levels = [(unit[c] - 0.25) / np.sqrt(0.75) for c in (1, 2, 3)]
        contrasts = [(unit[c] - unit[0]) / np.sqrt(2) for c in (1, 2, 3)]
        expected = [
            min(direction_p_value(runs, a), direction_p_value(runs, b)) < SUSPECT
            for a, b in zip(levels, contrasts)
        ]
        assert found.tolist() == expected
    assert 0.1 < suspect.mean() < 0.6


def test_a_wild_level_does_not_fit_and_leaves_the_others_alone():
    deviation = np.array([1.0, *[1.0] * 9, 8.0])
    fits = pooled(star(np.random.default_rng(7), 500, 10, 10, deviation)).fits
    assert fits[:, -1].mean() < 0.01


def test_a_twin_of_the_baseline_is_kept_out_of_the_pool():
    rng = np.random.default_rng(8)
    tables = star(rng, 2000, 5, 6)
    tables[..., 3:] *= 0.01
    found = pooled(tables)
    assert found.variance.mean() == pytest.approx(
        2, rel=0.1
    )  # with the twins in it would be near 1
    tables[..., 3:] = 0.0  # the same runs, as where clipping never happened
    exact = pooled(tables)
    assert not exact.fits[..., 3:].any()
    alone = pooled(tables[..., :3])
    np.testing.assert_allclose(exact.variance, alone.variance, rtol=1e-9)


def test_unequal_variances_are_found_and_equal_ones_seldom_called_so():
    rng = np.random.default_rng(9)
    assert unequal(star(rng, 4000, 5, 6)).mean() == pytest.approx(UNEQUAL, abs=0.012)
    graded = np.array([1.0, *np.geomspace(0.25, 4, 13)])
    assert unequal(star(rng, 500, 5, 13, graded)).mean() > 0.95
    assert not unequal(star(rng, 10, 5, 1)).any()


def test_a_constant_metric_is_defined():
    found = pooled(np.zeros((4, 3)))
    assert not found.fits.any()
    assert np.isnan(found.variance)
